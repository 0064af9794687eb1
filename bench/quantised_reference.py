#!/usr/bin/env python3
"""Compares infer and ONNX Runtime, layer by layer, with what a quantised model says.

    ORT_OPT=off quantised_reference.py MODEL.onnx INPUT.npy COMMAND...

MODEL has QuantizeLinear and DequantizeLinear around every layer. Both programs
run it with every quantised tensor as a further output. Then each layer is
computed in float64 of the operands that the program itself had, and its elements
are counted that are others in the program:

    ties    float64 is within 1e-3 of a step of a tie, and the program is one off
    others  all the rest

COMMAND runs ONNX Runtime, without graph optimisations: it is given the model, a
name OUT.npy and INPUT.npy, and writes the first output to OUT.npy, output i to
OUT_i.npy. What else is printed are largest differences of the first output of the
whole net, over its range; the last one says what a difference can mean: it is
what a single element of the input does that is one step higher, tried with 8.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

TIE = 1e-3
PROBES = 8


def exact(a):
    return torch.from_numpy(np.array(a, np.float64))


def padding(a):
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    return left, right, top, bottom


def linear(a, x, scale, zero=None):
    shape = [1] * x.dim()
    if scale.numel() > 1:
        shape[a.get("axis", 1)] = -1
    return (x - (0 if zero is None else zero.reshape(shape))) * scale.reshape(shape)


def conv(a, x, w, b=None):
    return functional.conv2d(functional.pad(x, padding(a)), w, b, a.get("strides", [1, 1]), 0, a.get("dilations", [1, 1]), a.get("group", 1))


def max_pool(a, x):
    return functional.max_pool2d(functional.pad(x, padding(a), value=-1e300), a["kernel_shape"], a.get("strides", 1), ceil_mode=bool(a.get("ceil_mode", 0)))


def mean(a, x, axes=None):
    axes = a.get("axes") or [int(i) for i in axes]
    return x.mean(tuple(axes), keepdim=bool(a.get("keepdims", 1)))


OPERATORS = {
    "DequantizeLinear": linear,
    "Conv": conv,
    "Gemm": lambda a, x, w, b: x @ (w.T if a.get("transB") else w) + b,
    "Relu": lambda a, x: torch.relu(x),
    "Clip": lambda a, x, lo, hi: torch.clamp(x, float(lo), float(hi)),
    "HardSwish": lambda a, x: x * torch.clamp(x / 6 + 0.5, 0, 1),
    "HardSigmoid": lambda a, x: torch.clamp(x * a.get("alpha", 0.2) + a.get("beta", 0.5), 0, 1),
    "Add": lambda a, x, y: x + y,
    "Mul": lambda a, x, y: x * y,
    "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "MaxPool": max_pool,
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
    "ReduceMean": mean,
    "Flatten": lambda a, x: x.flatten(a.get("axis", 1)),
    "Reshape": lambda a, x, shape: x.reshape([int(i) for i in shape]),
    "Identity": lambda a, x: x,
}


class Model:
    def __init__(self, path, picture):
        self.model = onnx.load(path)
        self.graph = self.model.graph
        self.input = np.load(picture)
        self.constants = {i.name: numpy_helper.to_array(i) for i in self.graph.initializer}
        for n in self.graph.node:
            if n.op_type == "Constant":
                self.constants[n.output[0]] = numpy_helper.to_array(n.attribute[0].t)
        self.quantised = {n.output[0]: n for n in self.graph.node if n.op_type == "QuantizeLinear"}
        self.readers = {n.input[0]: n for n in self.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in self.quantised}

    def save(self, path, outputs):
        """Stores the model with further outputs."""
        infos = {v.name: v for v in onnx.shape_inference.infer_shapes(self.model).graph.value_info}
        del self.graph.output[1:]
        self.graph.output.extend(infos[name] for name in outputs)
        onnx.save(self.model, path)

    def compute(self, given=None):
        """The first output in float64, and each quantised tensor before it is
        rounded, in its steps. Layers read given quantised tensors, or those of
        their own."""
        values, steps = {self.graph.input[0].name: exact(self.input)}, {}
        for n in self.graph.node:
            if n.op_type == "Constant":
                continue
            a = {x.name: helper.get_attribute_value(x) for x in n.attribute}
            x = [values[i] if i in values else exact(self.constants[i]) for i in n.input]
            out = n.output[0]
            if n.op_type == "QuantizeLinear":
                steps[out] = torch.clamp(x[0] / x[1] + x[2], 0, 255).numpy()
                values[out] = exact(np.rint(steps[out] - float(x[2])) + float(x[2]) if given is None else given[out])
            else:
                values[out] = OPERATORS[n.op_type](a, *x)
        return values[self.graph.output[0].name].numpy(), steps

    def zero(self, name):
        return float(self.constants[self.quantised[name].input[2]])


def ort(model, command, folder, picture):
    # Its outputs are read as floats.
    model.save(f"{folder}/m.onnx", [model.readers[t].output[0] for t in model.quantised])
    subprocess.check_call([*command, f"{folder}/m.onnx", f"{folder}/ort.npy", picture], stdout=subprocess.DEVNULL)
    tensors = {}
    for i, t in enumerate(model.quantised):
        scale = float(model.constants[model.quantised[t].input[1]])
        tensors[t] = np.rint(np.load(f"{folder}/ort_{i + 1}.npy") / scale) + model.zero(t)
    return np.load(f"{folder}/ort.npy"), tensors


def infer(model, folder, picture):
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    subprocess.check_call(["go", "build", "-C", root, "-o", f"{folder}/infer", "./cmd/infer"])
    model.save(f"{folder}/m.onnx", model.quantised)
    subprocess.check_call([f"{folder}/infer", "convert", f"{folder}/m.onnx", f"{folder}/m.frz"], stderr=subprocess.DEVNULL)
    files = [f"{folder}/infer_{i}.npy" for i in range(len(model.quantised) + 1)]
    subprocess.check_call([f"{folder}/infer", "run", "--model", f"{folder}/m.frz", "--input", picture, *(w for f in files for w in ("--output", f))])
    return np.load(files[0]), {t: np.load(f).astype(float) for t, f in zip(model.quantised, files[1:])}


def main():
    model = Model(*sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        answers = {"ONNX Runtime": ort(model, sys.argv[3:], folder, sys.argv[2]), "infer": infer(model, folder, sys.argv[2])}
    want, _ = model.compute()
    span = want.max() - want.min()
    for name, (y, tensors) in answers.items():
        _, steps = model.compute(tensors)
        ties = others = count = 0
        for t, q in tensors.items():
            zero = model.zero(t)
            off = np.abs(q - np.rint(steps[t] - zero) - zero)
            from_tie = np.abs(steps[t] - np.floor(steps[t]) - 0.5)
            tie = (off == 1) & (from_tie < TIE)
            ties, others, count = ties + tie.sum(), others + ((off > 0) & ~tie).sum(), count + q.size
        print(f"{name}: of {count:,} elements {ties} ties and {others} others; the output is {np.abs(y - want).max() / span:.1e} from float64's")
    print(f"one from the other: {np.abs(answers['infer'][0] - answers['ONNX Runtime'][0]).max() / span:.1e}")
    x, step = model.input.reshape(-1), model.constants[next(iter(model.quantised.values())).input[1]]
    apart = 0
    for i in range(PROBES):
        at = (2 * i + 1) * x.size // (2 * PROBES)
        x[at] += step
        apart = max(apart, np.abs(model.compute()[0] - want).max())
        x[at] -= step
    print(f"float64 from float64, one element of the input a step higher: up to {apart / span:.1e}")


if __name__ == "__main__":
    main()
