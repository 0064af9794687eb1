#!/usr/bin/env python3
"""Builds ConvNets of many families with random but seeded weights and exports them to ONNX.

    apt-get install -y python3-torch python3-torchvision
    /usr/bin/python3 nets.py DIR [NAME...]

writes NAME.onnx (opset 13, or 17 for nets with LayerNormalization), NAME.input.npy and PyTorch's NAME.output.npy to DIR;
without names all that are missing there. Statistics of batch normalisation are measured on random inputs, and its scales
and shifts are random, so that a layer that is skipped or folded wrongly shows in the output. Speed does not depend on
the weights.
"""
import os
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.models as zoo
from torch import nn

warnings.filterwarnings("ignore")


def conv(cin, cout, kernel=3, stride=1, act=nn.ReLU, groups=1, norm=nn.BatchNorm2d):
    layers = [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False), norm(cout)]
    return nn.Sequential(*layers, act()) if act else nn.Sequential(*layers)


class Lambda(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


def dcgan():
    """The generator of DCGAN for pictures of 64x64."""
    layers = [nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False), nn.BatchNorm2d(512), nn.ReLU()]
    for cin, cout in [(512, 256), (256, 128), (128, 64)]:
        layers += [nn.ConvTranspose2d(cin, cout, 4, 2, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())


def vae_decoder():
    layers = [nn.Linear(128, 2048), Lambda(lambda x: x.reshape(-1, 512, 2, 2))]
    for cin, cout in [(512, 256), (256, 128), (128, 64), (64, 32), (32, 32)]:
        layers += [nn.ConvTranspose2d(cin, cout, 3, 2, 1, 1), nn.BatchNorm2d(cout), nn.LeakyReLU()]
    return nn.Sequential(*layers, nn.Conv2d(32, 3, 3, 1, 1), nn.Tanh())


class UNet(nn.Module):
    def __init__(self, width=32, classes=2):
        super().__init__()
        widths = [width << i for i in range(5)]
        double = lambda cin, cout: nn.Sequential(conv(cin, cout), conv(cout, cout))
        self.down = nn.ModuleList(double(a, b) for a, b in zip([3] + widths, widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[-2::-1])
        self.joined = nn.ModuleList(double(2 * w, w) for w in widths[-2::-1])
        self.out = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        kept = []
        for i, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if i else x)
            kept.append(x)
        kept.pop()
        for up, block in zip(self.up, self.joined):
            x = block(torch.cat([kept.pop(), up(x)], 1))
        return self.out(x)


class TextDetector(nn.Module):
    """Differentiable binarization on MobileNetV3, as PaddleOCR's detectors."""

    def __init__(self):
        super().__init__()
        features = zoo.mobilenet_v3_small(weights=None).features
        self.stages = nn.ModuleList([features[:2], features[2:4], features[4:9], features[9:]])
        self.lateral = nn.ModuleList(nn.Conv2d(c, 96, 1, bias=False) for c in [16, 24, 48, 576])
        self.smooth = nn.ModuleList(nn.Conv2d(96, 24, 3, padding=1, bias=False) for _ in range(4))
        self.head = nn.Sequential(
            conv(96, 24), nn.ConvTranspose2d(24, 24, 2, 2), nn.BatchNorm2d(24), nn.ReLU(), nn.ConvTranspose2d(24, 1, 2, 2), nn.Sigmoid())

    def forward(self, x):
        maps = []
        for stage, lateral in zip(self.stages, self.lateral):
            x = stage(x)
            maps.append(lateral(x))
        for i in (2, 1, 0):
            maps[i] = maps[i] + F.interpolate(maps[i + 1], scale_factor=2.0)
        maps = [F.interpolate(s(m), scale_factor=float(1 << i)) if i else s(m) for i, (s, m) in enumerate(zip(self.smooth, maps))]
        return self.head(torch.cat(maps[::-1], 1))


class SelfAttention(nn.Module):
    """The attention of SAGAN."""

    def __init__(self, c):
        super().__init__()
        self.f, self.g, self.h = nn.Conv2d(c, c // 8, 1), nn.Conv2d(c, c // 8, 1), nn.Conv2d(c, c, 1)
        self.gamma = nn.Parameter(torch.tensor([0.7]))

    def forward(self, x):
        n, c, height, width = x.shape
        f, g, h = (m(x).reshape(n, -1, height * width) for m in (self.f, self.g, self.h))
        attention = torch.softmax(torch.bmm(f.permute(0, 2, 1), g), -1)
        return self.gamma * torch.bmm(h, attention.permute(0, 2, 1)).reshape(n, c, height, width) + x


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        a = torch.softmax(q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5, -1)
        return self.out((a @ v).transpose(1, 2).reshape(n, length, width))


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.body(x)


def mish_net():
    mish = lambda: Lambda(lambda x: x * torch.tanh(F.softplus(x)))
    layers = [conv(3, 16, act=mish)]
    for cin, cout in [(16, 32), (32, 64), (64, 128), (128, 256)]:
        layers += [conv(cin, cout, 3, 2, mish), Residual(conv(cout, cout // 2, 1, 1, mish), conv(cout // 2, cout, 3, 1, mish))]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 100))


def fsrcnn(scale=2):
    layers = [nn.Conv2d(1, 56, 5, padding=2), nn.PReLU(56), nn.Conv2d(56, 12, 1), nn.PReLU(12)]
    for _ in range(4):
        layers += [nn.Conv2d(12, 12, 3, padding=1), nn.PReLU(12)]
    return nn.Sequential(*layers, nn.Conv2d(12, 56, 1), nn.PReLU(56), nn.ConvTranspose2d(56, 1, 9, scale, 4, scale - 1))


def resize_net():
    up = lambda: Lambda(lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False))
    layers = [conv(3, 32, 3, 2), conv(32, 64, 3, 2), conv(64, 64, 3, 2)]
    for cin, cout in [(64, 48), (48, 32), (32, 16)]:
        layers += [up(), conv(cin, cout, 3)]
    return nn.Sequential(*layers, nn.Conv2d(16, 1, 1))


class CSP(nn.Module):
    def __init__(self, cin, cout, n, shortcut=True):
        super().__init__()
        half = cout // 2
        self.a, self.b, self.out = conv(cin, half, 1, act=nn.SiLU), conv(cin, half, 1, act=nn.SiLU), conv(cout, cout, 1, act=nn.SiLU)
        block = lambda: [conv(half, half, 1, act=nn.SiLU), *separable(half, half)]
        self.body = nn.Sequential(*(Residual(*block()) if shortcut else nn.Sequential(*block()) for _ in range(n)))

    def forward(self, x):
        return self.out(torch.cat([self.body(self.a(x)), self.b(x)], 1))


def separable(cin, cout, stride=1):
    return conv(cin, cin, 3, stride, nn.SiLU, cin), conv(cin, cout, 1, act=nn.SiLU)


class Pyramid(nn.Module):
    """YOLOX's spatial pyramid pooling."""

    def __init__(self, c):
        super().__init__()
        self.a, self.b = conv(c, c // 2, 1, act=nn.SiLU), conv(2 * c, c, 1, act=nn.SiLU)

    def forward(self, x):
        x = self.a(x)
        return self.b(torch.cat([x] + [F.max_pool2d(x, k, 1, k // 2) for k in (5, 9, 13)], 1))


class YOLOX(nn.Module):
    def __init__(self, w=16, classes=80):
        super().__init__()
        sequence = lambda *layers: nn.Sequential(*layers)
        self.stem = conv(12, w, act=nn.SiLU)
        self.c2 = sequence(*separable(w, 2 * w, 2), CSP(2 * w, 2 * w, 1))
        self.c3 = sequence(*separable(2 * w, 4 * w, 2), CSP(4 * w, 4 * w, 3))
        self.c4 = sequence(*separable(4 * w, 8 * w, 2), CSP(8 * w, 8 * w, 3))
        self.c5 = sequence(*separable(8 * w, 16 * w, 2), Pyramid(16 * w), CSP(16 * w, 16 * w, 1, False))
        self.lateral, self.p4 = conv(16 * w, 8 * w, 1, act=nn.SiLU), CSP(16 * w, 8 * w, 1, False)
        self.reduce, self.p3 = conv(8 * w, 4 * w, 1, act=nn.SiLU), CSP(8 * w, 4 * w, 1, False)
        self.down3, self.n4 = sequence(*separable(4 * w, 4 * w, 2)), CSP(8 * w, 8 * w, 1, False)
        self.down4, self.n5 = sequence(*separable(8 * w, 8 * w, 2)), CSP(16 * w, 16 * w, 1, False)
        heads = [4 * w, 8 * w, 16 * w]
        tower = lambda: sequence(*separable(4 * w, 4 * w), *separable(4 * w, 4 * w))
        self.stems = nn.ModuleList(conv(c, 4 * w, 1, act=nn.SiLU) for c in heads)
        self.cls = nn.ModuleList(tower() for _ in heads)
        self.reg = nn.ModuleList(tower() for _ in heads)
        self.out = nn.ModuleList(nn.ModuleList(nn.Conv2d(4 * w, n, 1) for n in (4, 1, classes)) for _ in heads)

    def forward(self, x):
        x = torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)
        c3 = self.c3(self.c2(self.stem(x)))
        c4 = self.c4(c3)
        up = lambda m: F.interpolate(m, scale_factor=2.0)
        l5 = self.lateral(self.c5(c4))
        l4 = self.reduce(self.p4(torch.cat([up(l5), c4], 1)))
        p3 = self.p3(torch.cat([up(l4), c3], 1))
        n4 = self.n4(torch.cat([self.down3(p3), l4], 1))
        n5 = self.n5(torch.cat([self.down4(n4), l5], 1))
        out = []
        for x, stem, cls, reg, (box, obj, score) in zip((p3, n4, n5), self.stems, self.cls, self.reg, self.out):
            x = stem(x)
            c, r = cls(x), reg(x)
            out.append(torch.cat([box(r), obj(r).sigmoid(), score(c).sigmoid()], 1).flatten(2))
        return torch.cat(out, 2).permute(0, 2, 1)


class MobileViTBlock(nn.Module):
    def __init__(self, c, width, depth):
        super().__init__()
        self.before = nn.Sequential(conv(c, c, 3, act=nn.SiLU), nn.Conv2d(c, width, 1, bias=False))
        block = lambda: (
            Residual(nn.LayerNorm(width), Attention(width, 4)),
            Residual(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)))
        self.body = nn.Sequential(*(layer for _ in range(depth) for layer in block()), nn.LayerNorm(width))
        self.after, self.out = conv(width, c, 1, act=nn.SiLU), conv(2 * c, c, 3, act=nn.SiLU)

    def forward(self, x):
        y = self.before(x)
        n, d, height, width = y.shape
        y = y.reshape(n * d, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3).reshape(n, d, 4, -1).permute(0, 2, 3, 1)
        y = self.body(y.reshape(n * 4, -1, d)).reshape(n, 4, -1, d)
        y = y.permute(0, 3, 1, 2).reshape(n * d, 2, 2, height // 2, width // 2).permute(0, 3, 1, 4, 2).reshape(n, d, height, width)
        return self.out(torch.cat([x, self.after(y)], 1))


def mobilevit():
    def inverted(cin, cout, stride=1):
        layers = conv(cin, 2 * cin, 1, act=nn.SiLU), conv(2 * cin, 2 * cin, 3, stride, nn.SiLU, 2 * cin), conv(2 * cin, cout, 1, act=None)
        return Residual(*layers) if cin == cout and stride == 1 else nn.Sequential(*layers)

    return nn.Sequential(
        conv(3, 16, 3, 2, nn.SiLU), inverted(16, 16), inverted(16, 24, 2), inverted(24, 24), inverted(24, 24),
        inverted(24, 48, 2), MobileViTBlock(48, 64, 2), inverted(48, 64, 2), MobileViTBlock(64, 80, 4),
        inverted(64, 80, 2), MobileViTBlock(80, 96, 3), conv(80, 320, 1, act=nn.SiLU),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(320, 1000))


class VisionTransformer(nn.Module):
    def __init__(self, width=768, depth=12):
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, width, 16, 16), nn.Parameter(torch.randn(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, 197, width) * 0.02)
        block = lambda: (
            Residual(nn.LayerNorm(width), Attention(width, width // 64)),
            Residual(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)))
        self.body = nn.Sequential(*(layer for _ in range(depth) for layer in block()), nn.LayerNorm(width))
        self.head = nn.Linear(width, 1000)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        return self.head(self.body(torch.cat([self.token, x], 1) + self.position)[:, 0])


class Segmentation(nn.Module):
    """A segmentation net of torchvision, its scores alone."""

    def __init__(self, name):
        super().__init__()
        self.net = getattr(zoo.segmentation, name)(weights=None, weights_backbone=None)

    def forward(self, x):
        return self.net(x)["out"]


picture = (1, 3, 224, 224)
NETS = {
    "dcgan": (dcgan, (1, 100, 1, 1)),
    "vae_decoder": (vae_decoder, (1, 128)),
    "unet": (UNet, (1, 3, 192, 192)),
    "ocr_detector": (TextDetector, (1, 3, 320, 320)),
    "sagan_attention": (lambda: nn.Sequential(nn.Conv2d(3, 128, 3, padding=1), SelfAttention(128)), (1, 3, 32, 32)),
    "attention_196x64x4": (lambda: Attention(256, 4), (1, 196, 256)),
    "deeplabv3_mobilenet": (lambda: Segmentation("deeplabv3_mobilenet_v3_large"), picture),
    "groupnorm_resnet": (lambda: zoo.resnet18(weights=None, norm_layer=lambda c: nn.GroupNorm(32, c)), picture),
    "mish_net": (mish_net, (1, 3, 128, 128)),
    "fsrcnn": (fsrcnn, (1, 1, 128, 128)),
    "resize_net": (resize_net, (1, 3, 256, 256)),
    "efficientnet_b0": (lambda: zoo.efficientnet_b0(weights=None), picture),
    "resnext50": (lambda: zoo.resnext50_32x4d(weights=None), picture),
    "lraspp": (lambda: Segmentation("lraspp_mobilenet_v3_large"), picture),
    "yolox_nano": (YOLOX, (1, 3, 416, 416)),
    "convnext_tiny": (lambda: zoo.convnext_tiny(weights=None), picture),
    "swin_t": (lambda: zoo.swin_t(weights=None), picture),
    "vit_b_16": (VisionTransformer, picture),
    "mobilevit": (mobilevit, (1, 3, 256, 256)),
    "resnet3d_18": (lambda: zoo.video.r3d_18(weights=None), (1, 3, 8, 112, 112)),
}


def export(folder, name):
    make, shape = NETS[name]
    torch.manual_seed(sum(map(ord, name)))
    net = make()
    norms = [m for m in net.modules() if isinstance(m, (nn.BatchNorm2d, nn.BatchNorm3d))]
    for m in norms:
        nn.init.uniform_(m.weight, 0.5, 1.5)
        nn.init.uniform_(m.bias, -0.5, 0.5)
        m.momentum = None  # statistics are the plain average of what is seen
    x = torch.randn(shape)
    with torch.no_grad():
        if norms:
            net.train()
            net(torch.randn(2, *shape[1:]))
        net.eval()
        y = net(x)
        opset = 17 if any(isinstance(m, nn.LayerNorm) for m in net.modules()) else 13
        torch.onnx.export(net, x, f"{folder}/{name}.tmp", input_names=["input"], output_names=["output"], opset_version=opset)
    np.save(f"{folder}/{name}.input.npy", x.numpy())
    np.save(f"{folder}/{name}.output.npy", y.contiguous().numpy())
    os.replace(f"{folder}/{name}.tmp", f"{folder}/{name}.onnx")
    print(f"{name}: output {tuple(y.shape)}, standard deviation {y.std():.3g}", flush=True)


def main():
    folder, names = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    for name in names or [n for n in NETS if not os.path.exists(f"{folder}/{n}.onnx")]:
        export(folder, name)


if __name__ == "__main__":
    main()
