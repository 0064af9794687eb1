#!/usr/bin/env python3
"""Times one of the digit nets in PyTorch, on one thread, for reference.

    torch_reference.py NET.onnx BATCH

It cannot take turns with the others, being another process. Prints the best of
several medians, in nanoseconds.
"""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "weights", "digits", "train"))

import onnx
import torch

import reference


def main():
    model, batch = onnx.load(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    x = torch.rand(batch, 1, 28, 28)
    weights = {w.name: torch.from_numpy(onnx.numpy_helper.to_array(w).copy()) for w in model.graph.initializer}

    def run():
        values = dict(weights)
        values[model.graph.input[0].name] = x
        for node in model.graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            inputs = [values[name] for name in node.input]
            values[node.output[0]] = reference.OPERATIONS[node.op_type](attributes, *inputs)

    medians = []
    with torch.no_grad():
        for _ in range(5):
            times = []
            end = time.perf_counter() + 0.3
            while time.perf_counter() < end:
                start = time.perf_counter_ns()
                run()
                times.append(time.perf_counter_ns() - start)
            medians.append(statistics.median(times))
    print(min(medians))


if __name__ == "__main__":
    main()
