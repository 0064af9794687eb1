#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train the digit nets on MNIST, and export them as ONNX.

    python3 train.py --data DIR --recipe digits --out digits.onnx

DIR holds MNIST's four IDX files, gzip-compressed or plain. A recipe names a
net and a way to train it; README.md says what each one gave. The exported
graph takes pixels scaled to 0…1, 0 = background, 1 = ink, and returns raw
scores: no softmax, no mean, no deviation.
"""

import argparse
import copy
import math
import os
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

import augment
import idx
import nets
import pen


@dataclass
class Recipe:
    net: callable
    epochs: int
    batch: int
    optimizer: str            # "sgd": constant rate; "adamw": warm-up, then half a cosine
    rate: float               # learning rate (its peak, if it changes)
    dropout: float = 0.0
    decay: float = 0.0        # weight decay
    average: float = 0.0      # the running average's share of its past per step; 0: none
    limits: augment.Limits = None
    drawn: int = 0            # drawn and printed digits added to each batch


RECIPES = {
    # The lesson, to the letter.
    "seed": Recipe(nets.seed, epochs=10, batch=64, optimizer="sgd", rate=0.001),
    # The same net, trained well.
    "seed-tuned": Recipe(nets.seed, epochs=12, batch=128, optimizer="adamw", rate=2e-3,
                         dropout=0.2, decay=0.02, average=0.998, limits=augment.MILD),
    # The net that the command embeds.
    "digits": Recipe(nets.digits, epochs=55, batch=128, optimizer="adamw", rate=3e-3,
                     dropout=0.1, decay=0.02, average=0.999, limits=augment.WORLD,
                     drawn=12),
}

MOMENTUM = 0.9        # of SGD
WARM_UP = 0.05        # share of the steps in which the rate rises
GENTLE_FROM = 0.75    # from this share of the steps on, the augmentation weakens …
GENTLE_TO = 0.4       # … to this share of its limits at the last step


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    recipe = RECIPES[args.recipe]
    epochs = args.epochs or recipe.epochs

    images = torch.from_numpy(idx.images(args.data, idx.TRAIN))
    labels = torch.from_numpy(idx.labels(args.data, idx.TRAIN))
    test_images = torch.from_numpy(idx.images(args.data, idx.TEST))
    test_labels = torch.from_numpy(idx.labels(args.data, idx.TEST))
    bank = None
    if recipe.drawn:
        bank = pen.bank(args.drawn, args.fonts, args.seed)
        print(f"{len(bank[1])} drawn and printed digits")

    net = train(recipe, epochs, images, labels, bank, test_images, test_labels, args.out, args.state)

    scores = nets.logits(net, test_images)
    print(f"Test accuracy: {percent(scores, test_labels)}")
    if args.out:
        nets.export(net, args.out)
        print(f"wrote {args.out}")
    if args.logits:
        np.save(args.logits, scores.numpy())
        print(f"wrote {args.logits}")


def train(recipe, epochs, images, labels, bank, test_images, test_labels, out, state):
    """Train recipe's net and return it, or the running average of it.

    If state is a path, the run is saved there after each epoch, and goes on from
    what it holds.
    """
    # On CPUs, convolutions are about twice as fast with the channels last.
    net = recipe.net(recipe.dropout).to(memory_format=torch.channels_last)
    print(f"{nets.parameters(net):,} parameters")
    if recipe.optimizer == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), recipe.rate, MOMENTUM)
    else:
        optimizer = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=recipe.decay)
    mean = copy.deepcopy(net) if recipe.average else net
    steps = math.ceil(len(images) / recipe.batch)
    total, first = epochs * steps, 1
    if state and os.path.exists(state):
        first = resume(state, net, mean, optimizer) + 1
    step = (first - 1) * steps

    for epoch in range(first, epochs + 1):
        began, losses = time.time(), 0.0
        net.train()
        for pick in torch.randperm(len(images)).split(recipe.batch):
            if recipe.optimizer == "adamw":
                set_rate(optimizer, recipe.rate * schedule(step / total))
            x, y = images[pick], labels[pick]
            if bank:
                more = torch.randint(len(bank[1]), (recipe.drawn,))
                x, y = torch.cat([x, bank[0][more]]), torch.cat([y, bank[1][more]])
            if recipe.limits:
                x = augment.augment(x, recipe.limits.scaled(strength(step / total)))
            x = x.contiguous(memory_format=torch.channels_last)

            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()

            step += 1
            losses += loss.item()
            if recipe.average:
                # A young average forgets faster, so that it soon leaves the start behind.
                update(mean, net, min(recipe.average, step / (step + 10)))
        accuracy = percent(nets.logits(mean, test_images), test_labels)
        print(f"Epoch {epoch}, Loss: {losses / steps:.4f}"
              f"  (test accuracy {accuracy}, {time.time() - began:.1f} s)", flush=True)
        if out:
            # What an interrupted run leaves behind.
            nets.export(mean, out)
        if state:
            save(state, epoch, net, mean, optimizer)
    return mean


def save(state, epoch, net, mean, optimizer):
    """Write a run after an epoch, so that an interruption leaves the last one or this."""
    torch.save({"epoch": epoch, "net": net.state_dict(), "mean": mean.state_dict(),
                "optimizer": optimizer.state_dict(), "random": torch.get_rng_state()}, state + ".new")
    os.replace(state + ".new", state)


def resume(state, net, mean, optimizer):
    """Read what save wrote, and return its epoch."""
    run = torch.load(state)
    net.load_state_dict(run["net"])
    mean.load_state_dict(run["mean"])
    optimizer.load_state_dict(run["optimizer"])
    torch.set_rng_state(run["random"])
    return run["epoch"]


def schedule(progress):
    """Return the learning rate's share of its peak: a short rise, half a cosine down."""
    if progress < WARM_UP:
        return progress / WARM_UP
    return 0.5 + 0.5 * math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))


def strength(progress):
    """Return the augmentation's share of its limits."""
    late = max(0.0, progress - GENTLE_FROM) / (1 - GENTLE_FROM)
    return 1 - (1 - GENTLE_TO) * late


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


def update(mean, net, keep):
    """Move the running average a step towards net."""
    with torch.no_grad():
        for slow, fast in zip(mean.parameters(), net.parameters()):
            slow.lerp_(fast, 1 - keep)


def percent(scores, labels):
    right = (scores.argmax(1) == labels).sum().item()
    return f"{100 * right / len(labels):.2f} %"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="DIR", help="MNIST's IDX files")
    parser.add_argument("--recipe", choices=RECIPES, default="digits")
    parser.add_argument("--out", metavar="NET.onnx", help="where to write the net")
    parser.add_argument("--logits", metavar="OUT.npy",
                        help="where to write the raw scores of the test images, float32, N×10")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--state", metavar="FILE",
                        help="save the run here after each epoch, and go on from it")
    parser.add_argument("--drawn", type=int, default=16000, metavar="N",
                        help="size of the store of drawn and printed digits (default %(default)s)")
    parser.add_argument("--fonts", metavar="DIR",
                        help="folder of .ttf and .otf files to print digits with; without it, "
                             "all are drawn with a pen")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    main()
