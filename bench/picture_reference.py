#!/usr/bin/env python3
"""Times the way of a picture to an ImageNet net's input in Pillow and
torchvision, on one thread.

    picture_reference.py PICTURE INPUT

Prints JSON: the least CPU time, in nanoseconds, to decode as users write it, to
decode with draft at a reduced size, and to transform what was decoded. The input
is written to INPUT, float32.
"""
import io
import json
import resource
import sys

import torch
import torchvision.transforms as transforms
from PIL import Image

TRANSFORM = transforms.Compose([
    transforms.Resize(256),
    transforms.CenterCrop(224),
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])


def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return 1e9 * (r.ru_utime + r.ru_stime)


def main():
    torch.set_num_threads(1)
    with open(sys.argv[1], "rb") as f:
        data = f.read()

    def decode():
        return Image.open(io.BytesIO(data)).convert("RGB")

    def draft():
        image = Image.open(io.BytesIO(data))
        image.draft("RGB", (256, 256))
        return image.convert("RGB")

    image = decode()
    best = {}
    for name, work in ("decode", decode), ("draft", draft), ("transform", lambda: TRANSFORM(image)):
        for _ in range(10):
            start = cpu()
            work()
            took = cpu() - start
            best[name] = min(took, best.get(name, took))
    TRANSFORM(image).numpy().astype("<f4").tofile(sys.argv[2])
    print(json.dumps(best))


if __name__ == "__main__":
    main()
