# SPDX-License-Identifier: Apache-2.0
"""The two nets, and their way to ONNX."""

import copy
import os
from collections import OrderedDict

import torch
from torch import nn

OPSET = 13


def seed(dropout=0.0):
    """The net of a first PyTorch lesson: one convolution, two linear layers."""
    return nn.Sequential(OrderedDict([
        ("conv1", nn.Conv2d(1, 32, 3)),             # 32×26×26
        ("relu1", nn.ReLU()),
        ("pool1", nn.MaxPool2d(2, 2)),              # 32×13×13
        ("flatten", nn.Flatten()),                  # 5408
        ("drop1", nn.Dropout(dropout)),
        ("fc1", nn.Linear(32 * 13 * 13, 128)),
        ("relu2", nn.ReLU()),
        ("drop2", nn.Dropout(dropout)),
        ("fc2", nn.Linear(128, 10)),
    ]))


def digits(dropout=0.0):
    """The net that the command embeds: 211,690 parameters."""
    return nn.Sequential(OrderedDict([
        ("conv1", nn.Conv2d(1, 32, 3, padding=1)),  # 32×28×28
        ("relu1", nn.ReLU()),
        ("pool1", nn.MaxPool2d(2, 2)),              # 32×14×14
        ("conv2", nn.Conv2d(32, 32, 3, padding=1)),
        ("relu2", nn.ReLU()),
        ("pool2", nn.MaxPool2d(2, 2)),              # 32×7×7
        ("flatten", nn.Flatten()),                  # 1568
        ("drop1", nn.Dropout(dropout)),
        ("fc1", nn.Linear(32 * 7 * 7, 128)),
        ("relu3", nn.ReLU()),
        ("drop2", nn.Dropout(dropout)),
        ("fc2", nn.Linear(128, 10)),
    ]))


def parameters(net):
    """Return the number of trainable values in net."""
    return sum(p.numel() for p in net.parameters())


def logits(net, images, batch=500):
    """Return the net's raw scores for images, N×10."""
    net.eval()
    with torch.no_grad():
        return torch.cat([net(part) for part in images.split(batch)])


def export(net, path):
    """Write net as ONNX, from pixels in 0…1 to raw scores.

    The file appears under its name only when it is complete.
    """
    net = copy.deepcopy(net).to(memory_format=torch.contiguous_format).eval()
    partial = path + ".partial"
    torch.onnx.export(
        net, torch.zeros(1, 1, 28, 28), partial,
        opset_version=OPSET,
        input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "n"}, "output": {0: "n"}},
    )
    os.replace(partial, path)
