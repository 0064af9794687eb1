# SPDX-License-Identifier: Apache-2.0
"""Read the IDX files in which MNIST is published, gzip-compressed or plain."""

import gzip
import os
import struct

import numpy as np

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def read(path):
    """Return the uint8 array in the IDX file at path, or at path + ".gz"."""
    if not os.path.exists(path) and os.path.exists(path + ".gz"):
        path += ".gz"
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        data = file.read()
    # Two zero bytes, the element type (8 = unsigned byte), the number of
    # dimensions, then one big-endian uint32 per dimension.
    zero, kind, rank = struct.unpack(">HBB", data[:4])
    if zero != 0 or kind != 8:
        raise ValueError(f"{path}: not an IDX file of bytes")
    header = 4 + 4 * rank
    shape = struct.unpack(f">{rank}I", data[4:header])
    if len(data) - header != int(np.prod(shape)):
        raise ValueError(f"{path}: {len(data) - header} bytes of data, shape {shape}")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def images(directory, names):
    """Return the images as float32, N×1×28×28, 0 = background, 1 = ink."""
    pixels = read(os.path.join(directory, names[0]))
    return pixels[:, None].astype(np.float32) / np.float32(255)


def labels(directory, names):
    """Return the labels as int64, N."""
    return read(os.path.join(directory, names[1])).astype(np.int64)
