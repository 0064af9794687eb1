# SPDX-License-Identifier: Apache-2.0
"""Random changes to a whole batch of 28×28 pictures at once.

Each picture gets its own parameters, and each step is one tensor operation
on the batch: about a sixth of the time of an epoch goes here.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F


@dataclass
class Limits:
    """The largest change of each kind. Zero switches a kind off."""
    rotation: float = 0.0   # degrees, either way
    scale: float = 0.0      # fraction of each side, either way, width and height apart
    shear: float = 0.0      # pixels of slant per pixel of height
    shift: float = 0.0      # pixels
    bend: float = 0.0       # pixels, standard deviation of a smooth displacement
    stroke: float = 0.0     # share of a 3×3 dilation or erosion
    blur: float = 0.0       # share of a 3×3 binomial blur
    gamma: float = 0.0      # greatest |log exponent| of the ink's curve
    fade: float = 0.0       # greatest loss of contrast
    noise: float = 0.0      # greatest standard deviation of the noise

    def scaled(self, factor):
        """Return these limits, each multiplied by factor."""
        return Limits(**{name: value * factor for name, value in vars(self).items()})


# Enough for a net that will only see pictures made as MNIST's were.
MILD = Limits(rotation=10, scale=0.10, shear=0.10, shift=1.5, bend=0.4)

# For pictures of the world: other pens, other resampling, residue of JPEG.
WORLD = Limits(rotation=14, scale=0.15, shear=0.20, shift=1.5, bend=0.6,
               stroke=0.8, blur=0.8, gamma=0.5, fade=0.25, noise=0.07)


def augment(x, limits):
    """Return a changed copy of x, N×1×28×28 in 0…1."""
    n = x.shape[0]

    def amount(limit):
        return (torch.rand(n, 1, 1, 1) * 2 - 1) * limit

    def sometimes(limit, share):
        """Zero for most pictures, 0…limit for the given share of them."""
        return torch.rand(n, 1, 1, 1) * limit * (torch.rand(n, 1, 1, 1) < share)

    if limits.stroke:
        # A positive amount makes the pen thicker, a negative one thinner.
        # Erosion takes a 2×2 neighbourhood: 3×3 would wipe out a normal pen.
        pen = amount(limits.stroke) * (torch.rand(n, 1, 1, 1) < 0.5)
        thick = F.max_pool2d(x, 3, 1, 1)
        thin = -F.max_pool2d(F.pad(-x, (0, 1, 0, 1)), 2, 1)
        x = x + pen.clamp(min=0) * (thick - x) + pen.clamp(max=0) * (x - thin)

    x = _warp(x, limits)

    if limits.blur:
        kernel = torch.tensor([1.0, 2.0, 1.0]) / 4
        soft = F.conv2d(x, (kernel[:, None] * kernel)[None, None], padding=1)
        x = x + sometimes(limits.blur, 0.4) * (soft - x)
    if limits.gamma:
        x = x.clamp(1e-4, 1) ** torch.exp(amount(limits.gamma))
    if limits.fade:
        x = x * (1 - sometimes(limits.fade, 0.3))
    if limits.noise:
        x = x + sometimes(limits.noise, 0.3) * torch.randn_like(x)
    return x.clamp(0, 1)


def _warp(x, limits):
    """Rotate, scale, shear, shift and bend, with one resampling."""
    n, _, height, width = x.shape

    def amount(limit):
        return (torch.rand(n) * 2 - 1) * limit

    angle = amount(limits.rotation * math.pi / 180)
    wide, high = 1 + amount(limits.scale), 1 + amount(limits.scale)
    slant = amount(limits.shear)
    cos, sin = torch.cos(angle), torch.sin(angle)
    # grid_sample asks, for each point of the result, where to look in the
    # source, in units of half a side.
    matrix = torch.stack([
        torch.stack([wide * cos, wide * (slant * cos - sin), amount(2 * limits.shift / width)], 1),
        torch.stack([high * sin, high * (slant * sin + cos), amount(2 * limits.shift / height)], 1),
    ], 1)
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    if limits.bend:
        # Few random vectors, smoothly interpolated: strokes bend, but do not fray.
        coarse = torch.randn(n, 2, 5, 5) * (2 * limits.bend / width)
        smooth = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
        grid = grid + smooth.permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, align_corners=False)
