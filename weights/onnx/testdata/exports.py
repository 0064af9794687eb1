#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports small nets from PyTorch at every opset it knows, each with an input and PyTorch's output.

    apt-get install -y python3-torch
    python3 exports.py OUTDIR && INFER_EXPORTS=OUTDIR go test -run TestExports ./weights/onnx

Each net is exported twice: with its batch open, and fixed at 1. What an exporter cannot say in an old opset is left out.
"""
import os
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(0)


class Net(nn.Module):
    """A function of its layers m and of its inputs."""

    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.m = function, nn.ModuleList(layers)

    def forward(self, *x):
        return self.function(self.m, *x)


def conv(cin, cout, k=3, **kw):
    return nn.Conv2d(cin, cout, k, **kw)


def shuffle(x, groups):
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def halves(m, x):
    a, b = m[0](x).chunk(2, 1)
    return shuffle(torch.cat([a, m[1](b)], 1), 2)


def excite(m, x):
    a = m[0](x)
    gate = torch.sigmoid(m[2](F.relu(m[1](a.mean((2, 3))))))
    return a * gate.view(x.shape[0], 8, 1, 1)


def heads(m, x):
    return torch.cat([f(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, 4) for f in m], 1)


def attention(m, x):
    q = m[0](x).flatten(2).transpose(1, 2)
    return torch.matmul(torch.softmax(torch.matmul(q, q.transpose(1, 2)) / 2, 2), q)


def pyramid(m, x):
    a = m[0](x)
    return m[1](a) + F.interpolate(m[2](a), size=a.shape[2:])


def three(m, x):
    a = m[0](x)
    return a, F.relu(a), m[1](a).flatten(1)


def functions(m, x):
    a = m[0](x)
    return F.elu(a) + F.selu(x[:, :1]) * F.softplus(x[:, 1:2]) - F.softsign(a) / (1 + torch.exp(x[:, 2:]))


RGB = (3, 8, 8)  # the shape of one item
SCALES = torch.tensor([0.5, 0.25, 2.0]).view(3, 1, 1)

# Name: first opset, net, shapes of the inputs.
NETS = {
    "attention": (7, Net(attention, conv(3, 8)), RGB),
    "average_adaptive": (7, Net(lambda m, x: F.adaptive_avg_pool2d(m[0](x), 2).flatten(1), conv(3, 8)), RGB),
    "average_ceil": (7, Net(lambda m, x: F.avg_pool2d(m[0](x), 3, 2, 1, True, False), conv(3, 8)), (3, 10, 10)),
    "average_ceil_padded": (7, Net(lambda m, x: F.avg_pool2d(m[0](x), 3, 2, 1, True, True), conv(3, 8)), (3, 10, 10)),
    "average_global": (7, Net(lambda m, x: F.adaptive_avg_pool2d(m[0](x), 1).flatten(1), conv(3, 8)), RGB),
    "average_padded": (7, Net(lambda m, x: F.avg_pool2d(m[0](x), 3, 2, 1), conv(3, 8)), (3, 9, 9)),
    "average_of_pad": (7, Net(lambda m, x: F.avg_pool2d(F.pad(m[0](x), (1, 1, 0, 2)), 3), conv(3, 8)), RGB),
    "batchnorm_first": (7, Net(lambda m, x: m[1](F.relu(m[0](x))) + x, nn.BatchNorm2d(4), conv(4, 4, padding=1)), (4, 8, 8)),
    "batchnorm_vectors": (7, Net(lambda m, x: m[1](m[0](x)), nn.Linear(6, 5), nn.BatchNorm1d(5)), (6,)),
    "batchnorm_alone": (7, Net(lambda m, x: m[0](x), nn.BatchNorm1d(6)), (6,)),
    "constants": (7, Net(lambda m, x: (x * 2 - 1) * SCALES + m[0](x), conv(3, 3, 1)), RGB),
    "conv1d": (7, Net(lambda m, x: m[2](F.relu(m[1](m[0](x)))).mean(2), nn.Conv1d(3, 8, 5, padding=2), nn.BatchNorm1d(8), nn.Conv1d(8, 4, 3, stride=2)), (3, 20)),
    "conv1d_pool": (7, Net(lambda m, x: m[1](F.max_pool1d(F.relu(m[0](x)), 2).flatten(1)), nn.Conv1d(3, 8, 5, padding=2), nn.Linear(80, 7)), (3, 20)),
    "conv_depthwise": (7, Net(lambda m, x: m[0](x), conv(4, 8, groups=4, padding=1)), (4, 8, 8)),
    "conv_dilated": (7, Net(lambda m, x: m[0](x), conv(4, 8, dilation=2, padding=2)), (4, 8, 8)),
    "conv_transposed": (7, Net(lambda m, x: m[1](F.leaky_relu(m[0](x))), nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2), nn.ConvTranspose2d(6, 3, 4, 2, 1)), (4, 5, 7)),
    "conv_transposed_batchnorm": (7, Net(lambda m, x: F.relu(m[1](m[0](x))), nn.ConvTranspose2d(4, 6, 3, 2, 1, groups=2), nn.BatchNorm2d(6)), (4, 5, 7)),
    "conv_winograd": (7, Net(lambda m, x: F.max_pool2d(F.relu(m[1](F.relu(m[0](x)))), 2), conv(3, 16, padding=1), conv(16, 32, padding=1)), (3, 19, 21)),
    "densenet": (7, Net(lambda m, x: torch.cat([m[0](x), m[2](F.relu(m[1](m[0](x))))], 1), conv(3, 8), nn.BatchNorm2d(8), conv(8, 4, padding=1)), RGB),
    "detector_grid": (7, Net(lambda m, x: m[0](x).view(x.shape[0], 2, 5, 6, 6).permute(0, 1, 3, 4, 2).sigmoid(), conv(3, 10)), RGB),
    "detector_heads": (7, Net(heads, conv(3, 8), conv(3, 4, stride=2)), RGB),
    "excitation": (7, Net(excite, conv(3, 8), nn.Linear(8, 4), nn.Linear(4, 8)), RGB),
    "flatten": (7, Net(lambda m, x: m[2](F.relu(m[1](F.max_pool2d(F.relu(m[0](x)), 2).flatten(1)))), conv(3, 8), nn.Linear(72, 20), nn.Linear(20, 4)), RGB),
    "flatten_concat": (7, Net(lambda m, x: m[1](torch.cat([F.relu(m[0](x).flatten(1)), x.flatten(1)], 1)), conv(3, 8), nn.Linear(288 + 192, 5)), RGB),
    "functions": (7, Net(functions, conv(3, 3, padding=1)), RGB),
    "groupnorm": (7, Net(lambda m, x: m[1](m[0](x)), conv(3, 8), nn.GroupNorm(2, 8)), RGB),
    "hardswish": (7, Net(lambda m, x: F.hardswish(m[0](x)) + F.hardsigmoid(m[0](x)), conv(3, 8)), RGB),
    "hardswish_spelled": (7, Net(lambda m, x: m[0](x) * F.relu6(m[0](x) + 3) / 6, conv(3, 8)), RGB),
    "inputs": (7, Net(lambda m, x, y: m[0](x) + m[1](y), conv(4, 8, padding=1), conv(2, 8, 1)), (4, 8, 8), (2, 8, 8)),
    "instancenorm": (7, Net(lambda m, x: m[1](m[0](x)), conv(3, 8), nn.InstanceNorm2d(8, affine=True)), RGB),
    "linear_columns": (7, Net(lambda m, x: m[1](m[0](x)), conv(3, 8), nn.Linear(6, 5)), RGB),
    "linear_pixels": (7, Net(lambda m, x: m[1](m[0](x).flatten(2).transpose(1, 2)), conv(3, 8), nn.Linear(8, 5)), RGB),
    "linear_to_map": (7, Net(lambda m, x: m[1](m[0](x).view(x.shape[0], 8, 4, 4)), nn.Linear(10, 128), conv(8, 3)), (10,)),
    "logsoftmax_columns": (7, Net(lambda m, x: F.log_softmax(m[0](x), 3), conv(3, 8)), RGB),
    "max_ceil": (7, Net(lambda m, x: F.max_pool2d(m[0](x), 3, 2, ceil_mode=True), conv(3, 8)), (3, 10, 10)),
    "max_of_pad": (7, Net(lambda m, x: F.max_pool2d(F.pad(m[0](x), (1, 1, 0, 2)), 3), conv(3, 8)), RGB),
    "max_relu": (7, Net(lambda m, x: F.relu(F.max_pool2d(m[0](x), 2)), conv(3, 16, padding=1)), (3, 19, 21)),
    "minmax": (7, Net(lambda m, x: torch.max(torch.min(m[0](x), x), -x), conv(3, 3, 1)), RGB),
    "outputs": (7, Net(three, conv(4, 8), conv(8, 2, 6)), (4, 8, 8)),
    "pad_edge": (7, Net(lambda m, x: m[0](F.pad(F.relu(m[1](x)), (1, 2, 2, 1), mode="replicate")), conv(8, 4), conv(3, 8, 1)), (3, 6, 6)),
    "pad_negative": (7, Net(lambda m, x: F.pad(m[0](x), (-1, 1, -2, -1)), conv(3, 8)), (3, 9, 9)),
    "pad_reflect": (7, Net(lambda m, x: m[0](F.pad(x, (1, 2, 2, 1), mode="reflect")), conv(3, 8)), (3, 6, 6)),
    "pad_zero": (7, Net(lambda m, x: m[0](F.pad(x, (1, 2, 2, 1))), conv(3, 8, stride=2)), (3, 6, 6)),
    "pixel_shuffle": (7, Net(lambda m, x: F.pixel_shuffle(m[0](x), 2), conv(3, 12)), RGB),
    "pixel_unshuffle": (7, Net(lambda m, x: m[0](F.pixel_unshuffle(x, 2)), conv(12, 5)), RGB),
    "prelu": (7, Net(lambda m, x: m[1](m[0](x)), conv(3, 8), nn.PReLU(8)), RGB),
    "pyramid": (9, Net(pyramid, conv(3, 8), conv(8, 4, 1), conv(8, 4, stride=2, padding=1)), (3, 9, 9)),
    "quotients": (7, Net(lambda m, x: 1 - m[0](x) / 3 + 2 / (x.abs() + 1), conv(3, 3, 1)), RGB),
    "resize_aligned": (11, Net(lambda m, x: F.interpolate(m[0](x), size=(9, 11), mode="bilinear", align_corners=True), conv(3, 8)), (3, 6, 6)),
    "resize_bilinear": (11, Net(lambda m, x: F.interpolate(m[0](x), scale_factor=2, mode="bilinear"), conv(3, 8)), (3, 6, 6)),
    "resize_nearest": (7, Net(lambda m, x: m[1](F.interpolate(m[0](x), scale_factor=2)), conv(3, 8), conv(8, 2)), (3, 6, 6)),
    "resize_size": (9, Net(lambda m, x: F.interpolate(m[0](x), size=(13, 7)), conv(3, 8)), (3, 6, 6)),
    "shuffle": (7, Net(lambda m, x: m[1](shuffle(F.relu(m[0](x)), 2)), conv(4, 8, padding=1), conv(8, 8, groups=2)), (4, 9, 9)),
    "shuffle_halves": (7, Net(halves, conv(4, 8, padding=1), conv(4, 4, 1)), (4, 9, 9)),
    "silu": (7, Net(lambda m, x: F.silu(m[0](x)), conv(3, 8)), RGB),
    "slice": (7, Net(lambda m, x: m[0](x)[:, 2:6:2, 1:, :-1], conv(3, 8)), RGB),
    "softmax_channels": (7, Net(lambda m, x: F.softmax(m[0](x), 1), conv(3, 8)), RGB),
    "squeeze": (7, Net(lambda m, x: F.adaptive_avg_pool2d(m[0](x), 1).squeeze(3).squeeze(2), conv(3, 8)), RGB),
}


def liven(net):
    """Give normalisations weights and statistics that show in the output."""
    for layer in net.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm)):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
            if getattr(layer, "running_mean", None) is not None:
                nn.init.uniform_(layer.running_mean, -0.5, 0.5)
                nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return net.eval()


def save(path, what, arrays):
    for i, a in enumerate(arrays):
        np.save(f"{path}.{what}{f'_{i}' if i else ''}.npy", np.ascontiguousarray(a.numpy()))


def export(path, net, shapes, opset, batch):
    """Write one model; with a batch of 1 it is fixed, else open."""
    x = tuple(torch.randn(batch, *shape) for shape in shapes)
    names = [f"input{i}" for i in range(len(x))]
    dynamic = {name: {0: "n"} for name in names} if batch > 1 else None
    try:
        torch.onnx.export(net, tuple(a[:1] for a in x), path + ".onnx", input_names=names, opset_version=opset, dynamic_axes=dynamic)
    except Exception as e:  # the exporter's own, for what an old opset lacks
        print(f"{path}: {str(e).splitlines()[0]}", file=sys.stderr)
        if os.path.exists(path + ".onnx"):
            os.remove(path + ".onnx")
        return 0
    y = net(*x)
    save(path, "input", x)
    save(path, "output", y if isinstance(y, tuple) else (y,))
    return 1


def main(out):
    os.makedirs(out, exist_ok=True)
    with torch.no_grad():
        for opset in range(7, 18):
            count = 0
            for name, (since, net, *shapes) in NETS.items():
                if opset < since:
                    continue
                liven(net)
                for batch, kind in ((2, "open"), (1, "fixed")):
                    count += export(f"{out}/{name}-{opset}-{kind}", net, shapes, opset, batch)
            print(f"opset {opset}: {count} models", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
