#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compute the raw scores of MNIST's test images with PyTorch, from an ONNX file.

    python3 reference.py --data DIR NET.onnx OUT.npy

The weights are read from the file, and its nodes are run one by one with
torch.nn.functional: a second opinion, independent of how the file was frozen.
OUT.npy is float32, 10000×10, in the order of the test set. Only what the two
digit nets use is understood; anything else is an error.
"""

import argparse

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F

import idx


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="DIR", help="MNIST's IDX files")
    parser.add_argument("--images", metavar="IN.npy",
                        help="score these instead: float32, N×1×28×28, pixels in 0…1")
    parser.add_argument("net", metavar="NET.onnx")
    parser.add_argument("out", metavar="OUT.npy")
    args = parser.parse_args()

    model = onnx.load(args.net)
    onnx.checker.check_model(model)
    if args.images:
        images = np.load(args.images)
    else:
        images = idx.images(args.data, idx.TEST)
    with torch.no_grad():
        scores = torch.cat([run(model.graph, part) for part in torch.from_numpy(images).split(500)])
    np.save(args.out, scores.numpy())
    print(f"wrote {args.out}, {tuple(scores.shape)}")
    if not args.images:
        labels = torch.from_numpy(idx.labels(args.data, idx.TEST))
        right = (scores.argmax(1) == labels).sum().item()
        print(f"Test accuracy: {100 * right / len(labels):.2f} %")


def run(graph, x):
    """Return the graph's one output for its one input."""
    values = {w.name: torch.from_numpy(onnx.numpy_helper.to_array(w).copy())
              for w in graph.initializer}
    values[graph.input[0].name] = x
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = [values[name] for name in node.input]
        values[node.output[0]] = OPERATIONS[node.op_type](attributes, *inputs)
    return values[graph.output[0].name]


def conv(a, x, weight, bias=None):
    return F.conv2d(x, weight, bias, a.get("strides", 1), symmetric(a), a.get("dilations", 1),
                    a.get("group", 1))


def max_pool(a, x):
    return F.max_pool2d(x, a["kernel_shape"], a["strides"], symmetric(a))


def gemm(a, x, weight, bias):
    if a.get("alpha", 1) != 1 or a.get("beta", 1) != 1 or a.get("transA", 0):
        raise ValueError(f"Gemm with {a}")
    return F.linear(x, weight if a.get("transB", 0) else weight.T, bias)


def symmetric(a):
    """Return the padding of height and width; both ends must agree."""
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        raise ValueError(f"pads {a['pads']}")
    return top, left


OPERATIONS = {
    "Conv": conv,
    "Relu": lambda a, x: F.relu(x),
    "MaxPool": max_pool,
    "Flatten": lambda a, x: x.flatten(a.get("axis", 1)),
    "Gemm": gemm,
}

if __name__ == "__main__":
    main()
