# SPDX-License-Identifier: Apache-2.0
"""Digits drawn with a pen or printed with a font, made into pictures as MNIST's.

MNIST is handwriting of one country and one time. A user's 1 may have a foot,
the 7 a bar, the 4 an open top. Here such digits are drawn, roughened at random
and normalised as MNIST's were: cropped to the ink, fitted into 20×20 with the
aspect kept, centred by mass in 28×28.
"""

import glob
import io
import math
import os
import random

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

CANVAS = 112          # side of the picture that is drawn on, in pixels
BODY = 72             # height of a digit on it

# Below, x runs right and y down, and a digit fills about 0…1 of both.


def arc(cx, cy, rx, ry, start, end, points=24):
    """Return points on an ellipse from start to end, degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, points))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def curve(*knots, steps=8):
    """Return points on a smooth line (Catmull–Rom) through the knots."""
    p = np.array([knots[0], *knots, knots[-1]], float)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    out = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:]):
        out.extend(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                          + (3 * b - a - 3 * c + d) * t**3))
    return [tuple(q) for q in out] + [tuple(knots[-1])]


def strokes(digit, rng):
    """Return one way to write digit: a list of lines, each a list of points."""
    u = rng.uniform
    odds = lambda p: rng.random() < p
    j = lambda x, y, by=0.03: (x + rng.gauss(0, by), y + rng.gauss(0, by))

    if digit == 0:
        start = u(-120, -60)
        return [arc(0.5, 0.5, u(0.25, 0.48), 0.5, start, start + u(345, 375), 40)]

    if digit == 1:
        lines = [[j(0.5, 0), j(0.5, 1)]]
        if odds(0.6):                                   # flag
            lines[0].insert(0, (0.5 - u(0.1, 0.38), u(0.08, 0.36)))
        if odds(0.3):                                   # foot
            wide = u(0.12, 0.35)
            lines.append([(lines[0][-1][0] - wide, 1), (lines[0][-1][0] + wide, 1)])
        return lines

    if digit == 2:
        top = [j(0.1, 0.25), j(0.25, 0.05), j(0.55, 0), j(0.85, 0.22), j(0.72, 0.5)]
        if odds(0.3):                                   # a loop at the lower left
            return [curve(*top, j(0.3, 0.85), j(0.12, 0.98), j(0.05, 0.85), j(0.25, 0.8),
                          j(0.6, 0.95), j(0.95, 0.92))]
        corner = j(0.08, 0.98)
        return [curve(*top, corner) + [j(0.92, 0.98)]]

    if digit == 3:
        middle = (u(0.3, 0.5), u(0.42, 0.5))
        belly = [j(0.7, 0.5), j(0.88, 0.72), j(0.6, 0.98), j(0.25, 0.95), j(0.08, 0.8)]
        if odds(0.25):                                  # flat top
            return [[j(0.12, 0.02), j(0.82, 0.02), middle] + curve(middle, *belly)]
        head = curve(j(0.12, 0.18), j(0.35, 0.02), j(0.65, 0.03), j(0.8, 0.22), j(0.65, 0.42), middle)
        return [head + curve(middle, *belly)]

    if digit == 4:
        x, y = u(0.6, 0.8), u(0.55, 0.75)
        if odds(0.45):                                  # closed
            top = (x, 0)
            lines = [[top, j(0.05, y, 0.02), (u(0.85, 1.0), y)], [top, (x, 1)]]
        else:                                           # open
            lines = [[j(u(0.05, 0.3), 0.02), j(0.08, y), (u(0.85, 1.0), y + u(-0.04, 0.04))],
                     [(x, u(0, 0.35)), j(x, 1)]]
        if odds(0.08):                                  # foot
            lines.append([(x - 0.15, 1), (x + 0.15, 1)])
        return lines

    if digit == 5:
        left = u(0.12, 0.25)
        neck = (left - u(0, 0.08), u(0.4, 0.5))
        belly = curve(neck, j(0.45, 0.38), j(0.82, 0.5), j(0.88, 0.75), j(0.6, 0.97), j(0.28, 0.97), j(0.06, 0.84))
        if odds(0.6):                                   # one stroke
            return [[j(0.85, 0.02), (left, 0.02)] + belly]
        return [[(left, 0.02)] + belly, [(left, u(0, 0.06)), j(0.88, 0.02)]]

    if digit == 6:
        lean = u(0, 0.15)
        if odds(0.15):                                  # straight stem, round bowl
            return [[(u(0.55, 0.75), 0), (0.17, 0.5)], arc(0.5, 0.68, 0.4, 0.32, 0, 360)]
        return [curve(j(0.65 + lean, 0.02), j(0.35, 0.18), j(0.13, 0.5), j(0.14, 0.78), j(0.45, 0.99),
                      j(0.82, 0.82), j(0.75, 0.55), j(0.45, 0.47), j(0.15, 0.68))]

    if digit == 7:
        corner = j(0.88, 0.03)
        foot = j(u(0.25, 0.5), 1)
        stem = [corner, foot]
        if odds(0.4):
            stem = curve(corner, j(0.55, 0.45, 0.05), foot)
        lines = [[j(0.08, 0.03)] + stem]
        if odds(0.2):                                   # serif
            lines[0].insert(0, (lines[0][0][0], u(0.1, 0.22)))
        if odds(0.4):                                   # bar
            y = u(0.42, 0.6)
            x = corner[0] + (foot[0] - corner[0]) * y
            lines.append([(x - u(0.15, 0.3), y + u(-0.03, 0.03)), (x + u(0.12, 0.28), y + u(-0.05, 0.03))])
        return lines

    if digit == 8:
        waist, small = u(0.42, 0.52), u(0.2, 0.4)
        if odds(0.5):                                   # two rings
            return [arc(0.5, waist / 2, small, waist / 2, 0, 360),
                    arc(0.5, (1 + waist) / 2, u(small, 0.45), (1 - waist) / 2, 0, 360)]
        start = j(0.75, 0.12)
        return [curve(start, j(0.5, 0), j(0.22, 0.2), j(0.5, waist), j(0.85, 0.75), j(0.5, 1),
                      j(0.15, 0.75), j(0.5, waist), j(0.8, 0.22), j(start[0], start[1], 0.05))]

    radius = u(0.28, 0.4)                               # 9
    ring = arc(0.5, 0.28, radius, 0.28, u(-40, 0), -360, 30)
    right = 0.5 + radius
    kind = rng.random()
    if kind < 0.4:                                      # straight stem
        return [ring, [(right, u(0.05, 0.3)), j(right - u(0, 0.2), 1)]]
    if kind < 0.75:                                     # hooked stem
        return [ring, curve((right, 0.25), j(right, 0.6), j(0.6, 0.95), j(0.2, u(0.9, 1.0)))]
    return [ring, curve((right, 0.25), j(right - 0.05, 0.55), j(u(0.35, 0.6), 1))]


def draw(digit, rng):
    """Return a digit drawn with a pen: a grey picture, ink bright."""
    lines = strokes(digit, rng)
    width = rng.uniform(0.55, 0.95) if digit != 1 else rng.uniform(0.5, 0.8)
    slant, turn = rng.gauss(0.05, 0.12), math.radians(rng.gauss(0, 4))
    cos, sin = math.cos(turn), math.sin(turn)
    thick = BODY * math.exp(rng.uniform(math.log(0.04), math.log(0.22)))
    square = rng.random() < 0.25

    picture = Image.new("L", (CANVAS, CANVAS))
    pencil = ImageDraw.Draw(picture)
    for line in lines:
        placed = []
        for x, y in line:
            x, y = (x - 0.5) * width - slant * (y - 0.5), y - 0.5
            x, y = cos * x - sin * y, sin * x + cos * y
            placed.append((CANVAS / 2 + BODY * x, CANVAS / 2 + BODY * y))
        pencil.line(placed, fill=255, width=max(1, round(thick)), joint="curve")
        if not square:
            for x, y in (placed[0], placed[-1]):
                r = thick / 2
                pencil.ellipse((x - r, y - r, x + r, y + r), fill=255)
    return picture


def printed(digit, font):
    """Return a digit printed with a font: a grey picture, ink bright."""
    picture = Image.new("L", (CANVAS, CANVAS))
    ImageDraw.Draw(picture).text((CANVAS // 2, CANVAS // 2), str(digit), 255, font, anchor="mm")
    return picture


def roughen(picture, rng):
    """Return the picture after some of what happens to pictures on their way."""
    if rng.random() < 0.3:                              # small, as on a page
        side = rng.randint(32, 64)
        picture = picture.resize((side, side), Image.BILINEAR)
    if rng.random() < 0.3:                              # JPEG
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=rng.randint(25, 85))
        picture = Image.open(file)
    return picture


def normalise(picture):
    """Return picture, ink bright, as MNIST's are: 28×28 float32 in 0…1; None if it is blank."""
    ink = np.asarray(picture, np.float32)
    if ink.max() == 0:
        return None
    rows, columns = np.where(ink > 0.3 * ink.max())
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    wide, high = box[2] - box[0], box[3] - box[1]
    scale = 20 / max(wide, high)
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    small = np.asarray(picture.crop(box).resize(size, Image.BILINEAR), np.float32)
    small /= small.max()

    # MNIST's centres of mass lie at index 14 of 0…27, measured, not at 13.5.
    ys, xs = np.mgrid[:size[1], :size[0]]
    left = round(14 - (small * xs).sum() / small.sum())
    top = round(14 - (small * ys).sum() / small.sum())
    left, top = min(max(left, 0), 28 - size[0]), min(max(top, 0), 28 - size[1])
    out = np.zeros((28, 28), np.float32)
    out[top:top + size[1], left:left + size[0]] = small
    return out


def load_fonts(directory):
    """Return the fonts below directory that can print digits."""
    fonts = []
    for path in sorted(glob.glob(os.path.join(directory, "**", "*.[to]tf"), recursive=True)):
        try:
            font = ImageFont.truetype(path, BODY)
            marks = {normalise(printed(d, font)).tobytes() for d in range(10)}
        except (OSError, AttributeError):               # broken, or prints nothing
            continue
        if len(marks) == 10:                            # not ten times the same empty box
            fonts.append(font)
    return fonts


def bank(count, fonts=None, seed=1):
    """Return count pictures (float32, N×1×28×28) and their labels (int64).

    With a folder of fonts, half of them are printed and half are drawn.
    """
    rng = random.Random(seed)
    faces = load_fonts(fonts) if fonts else []
    pictures, labels = [], []
    for i in range(count):
        digit = i % 10
        if faces and i % 20 < 10:
            picture = printed(digit, rng.choice(faces))
        else:
            picture = draw(digit, rng)
        pictures.append(normalise(roughen(picture, rng)))
        labels.append(digit)
    return torch.from_numpy(np.stack(pictures))[:, None], torch.tensor(labels)
