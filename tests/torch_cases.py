"""Random convolutions of every operator: `convjit run` on .npy files against PyTorch in double precision.

    torch_cases.py CONVJIT [--each N] [--only CASE]

A case is made from its number alone, so that a failure is repeated with --only.
"""
import argparse
import itertools
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
import torch
import torch.nn.functional as F

KINDS = ("conv", "conv_transpose", "depthwise_conv", "separable_conv")
OPERATORS = [f"{kind}{rank}d" for kind in KINDS for rank in (1, 2, 3)]
CONV = (F.conv1d, F.conv2d, F.conv3d)
CONV_TRANSPOSE = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
TORCH_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}

ACTIVATIONS = {
    "none": lambda y: y,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu:0.1": lambda y: F.leaky_relu(y, 0.1),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": F.silu,
    "gelu": F.gelu,
    "hardswish": F.hardswish,
    "clamp:-0.5:0.75": lambda y: torch.clamp(y, -0.5, 0.75),
}


class Case:
    """One convolution: its parameters first, then its tensors."""

    def __init__(self, number):
        self.operator = OPERATORS[number % len(OPERATORS)]
        self.kind, self.rank = self.operator[:-2], int(self.operator[-2])
        self.transposed = self.kind == "conv_transpose"
        tries = itertools.count()
        while True:
            self.random = random.Random(f"{number}/{next(tries)}")
            self.pick_channels()
            self.pick_sizes()
            self.pick_padding()
            if self.is_valid():
                break
        self.pick_rest()
        self.make_tensors(numpy.random.default_rng(number))

    def some(self, *values):
        return [self.random.choice(values) for _ in range(self.rank)]

    def one_in(self, chance):
        return self.random.randrange(chance) == 0

    def pick_channels(self):
        pick = self.random.choice
        self.groups, self.multiplier = 1, pick((1, 1, 2, 3))
        self.channels, self.outputs = pick((1, 2, 3, 5, 8, 16, 17, 33)), pick((1, 2, 3, 7, 8, 16, 31, 48))
        if self.kind == "depthwise_conv":
            self.groups, self.outputs = self.channels, self.channels * self.multiplier
        elif self.kind != "separable_conv" and self.one_in(3):
            self.groups = pick((2, 3, 4))
            self.channels, self.outputs = self.groups * pick((1, 2, 4, 8)), self.groups * pick((1, 3, 4, 16))

    def pick_sizes(self):
        self.size = self.some(1, 2, 4, 7, 8, 13) if self.rank == 3 else self.some(1, 3, 8, 14, 27, 40)
        self.kernel = self.some(1, 2, 3, 3, 4, 5, 7)
        self.stride = self.some(1, 1, 1, 2, 2, 3)
        self.dilation = self.some(1, 1, 1, 2, 3)

    def pick_padding(self):
        self.mode, self.automatic = "zeros", None
        self.front, self.back = self.some(0, 0, 1, 1, 2, 3), self.some(0, 0, 1, 2)
        if not self.one_in(3):
            self.back = self.front
        self.output_padding, self.by_output_size = [0] * self.rank, self.one_in(3)
        if self.transposed:
            self.output_padding = [self.random.randrange(s) if self.one_in(2) else 0 for s in self.stride]
            return
        if self.one_in(2):
            self.mode = self.random.choice(("reflect", "replicate", "circular"))
        if self.one_in(4):
            self.pick_automatic()

    def pick_automatic(self):
        """PyTorch knows `same` for stride 1 only."""
        self.automatic = self.random.choice(("same", "same_lower", "valid"))
        total = [0] * self.rank
        if self.automatic != "valid":
            self.stride = [1] * self.rank
            total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel)]
        small, large = [t // 2 for t in total], [t - t // 2 for t in total]
        self.front, self.back = (large, small) if self.automatic == "same_lower" else (small, large)

    def spans(self):
        return [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel)]

    def is_valid(self):
        """An output of at least one element, and padding that the mode allows."""
        pads = [f + b for f, b in zip(self.front, self.back)]
        if self.transposed:
            full = [(n - 1) * s + e for n, s, e in zip(self.size, self.stride, self.spans())]
            return all(f - p + o > 0 for f, p, o in zip(full, pads, self.output_padding))
        most = {"reflect": [n - 1 for n in self.size], "circular": self.size}.get(self.mode)
        fits = not most or all(max(f, b) <= m for f, b, m in zip(self.front, self.back, most))
        return fits and all(n + p >= e for n, p, e in zip(self.size, pads, self.spans()))

    def pick_rest(self):
        pick = self.random.choice
        self.batch = pick((1, 1, 2, 3))
        self.unbatched = self.batch == 1 and self.one_in(2)
        self.dtype, self.layout = pick(("f4", "f4", "f8")), pick(("nchw", "nhwc"))
        self.activation = pick(list(ACTIVATIONS))
        self.accuracy, self.threads = pick(("fast", "strict")), pick((1, 1, 3))
        self.isa = pick(("sse2", "avx2", "avx512"))  # the widest allowed

    def make_tensors(self, generator):
        def tensor(*shape):
            return torch.from_numpy(generator.uniform(-1, 1, shape).astype(self.dtype).astype("f8"))

        middle = self.channels * self.multiplier
        shape = (self.outputs, self.channels // self.groups)
        if self.transposed:
            shape = (self.channels, self.outputs // self.groups)
        if self.kind == "separable_conv":
            shape = (middle, 1)
        self.input = tensor(self.batch, self.channels, *self.size)
        self.weight = tensor(*shape, *self.kernel)
        self.pointwise = self.bias = self.residual = None
        if self.kind == "separable_conv":
            self.pointwise = tensor(self.outputs, middle, *[1] * self.rank)
        if self.one_in(2):
            self.bias = tensor(self.outputs)
        if self.one_in(3):
            self.residual = tensor(*self.sums(torch.clone).shape)

    def sums(self, change):
        """What PyTorch makes of the tensors, each changed before, up to the activation."""
        convolve = self.convolve_transposed if self.transposed else self.convolve
        y = convolve(change(self.input), change(self.weight))
        if self.pointwise is not None:
            y = CONV[self.rank - 1](y, change(self.pointwise))
        if self.bias is not None:
            y = y + change(self.bias).reshape(-1, *[1] * self.rank)
        return y if self.residual is None else y + change(self.residual)

    def convolve(self, x, w):
        both = [side for pair in zip(self.front[::-1], self.back[::-1]) for side in pair]
        x = F.pad(x, both, mode=TORCH_MODES[self.mode])
        groups = self.channels if self.pointwise is not None else self.groups
        return CONV[self.rank - 1](x, w, None, self.stride, 0, self.dilation, groups)

    def convolve_transposed(self, x, w):
        """PyTorch takes the same padding at both ends; otherwise the ends of the whole output are cut off."""
        def run(padding):
            return CONV_TRANSPOSE[self.rank - 1](x, w, None, self.stride, padding, self.output_padding,
                                                 self.groups, self.dilation)

        if self.front == self.back:
            return run(self.front)
        y = run(0)
        for axis, (front, back) in enumerate(zip(self.front, self.back), 2):
            y = y.narrow(axis, front, y.shape[axis] - front - back)
        return y

    def expected(self):
        """Values, and how far from them the command may be: see compare() in tests/support/check.c."""
        y = ACTIVATIONS[self.activation](self.sums(torch.clone))
        size = 1.2 * self.sums(torch.abs) + y.abs()
        unit = 2.0 ** (-24 if self.dtype == "f4" else -53)
        terms = self.weight.numel() // self.weight.shape[0] * (1 if self.pointwise is None else self.channels)
        slack = unit * (32 + math.sqrt(self.channels * terms)) * (size + 1e-3)
        if self.accuracy == "fast":
            slack = slack + 400 * unit * size.max()  # of Winograd and the like
        return y.numpy(), slack.numpy()

    def to_file(self, tensor):
        """A tensor of activations in the order of its file."""
        array = tensor.numpy()
        if self.layout == "nhwc":
            array = numpy.moveaxis(array, 1, -1)
        return array[0] if self.unbatched else array

    def from_file(self, array):
        array = array[None] if self.unbatched else array
        return numpy.moveaxis(array, -1, 1) if self.layout == "nhwc" else array

    def files(self):
        plain = {"weight": self.weight, "pointwise": self.pointwise, "bias": self.bias}
        arrays = {name: tensor.numpy() for name, tensor in plain.items() if tensor is not None}
        arrays["input"] = self.to_file(self.input)
        if self.residual is not None:
            arrays["residual"] = self.to_file(self.residual)
        return {name: array.astype(self.dtype) for name, array in arrays.items()}

    def options(self):
        def numbers(values):
            return ",".join(map(str, values))

        pads = ",".join(str(f) if f == b else f"{f}:{b}" for f, b in zip(self.front, self.back))
        options = ["--stride", numbers(self.stride), "--dilation", numbers(self.dilation)]
        options += ["--padding", self.automatic or pads, "--padding-mode", self.mode]
        options += ["--layout", self.layout, "--activation", self.activation]
        options += ["--accuracy", self.accuracy, "--threads", str(self.threads)]
        if self.kind in ("conv", "conv_transpose"):
            options += ["--groups", str(self.groups)]
        if self.transposed and self.by_output_size:
            options += ["--output-size", numbers(self.sums(torch.clone).shape[2:])]
        elif self.transposed:
            options += ["--output-padding", numbers(self.output_padding)]
        return options


def difference(got, case):
    """What is wrong with an output, or None."""
    want, slack = case.expected()
    if got.dtype != case.dtype or got.shape != want.shape:
        return f"the output is {got.dtype} {got.shape}, should be {case.dtype} {want.shape}"
    wrong = ~(numpy.abs(got - want) <= slack)
    if not wrong.any():
        return None
    first = tuple(numpy.argwhere(wrong)[0])
    return (f"{wrong.sum()} of {wrong.size} elements differ, first {first}: {got[first]:.9g}, "
            f"should be {want[first]:.9g} within {slack[first]:.3g}")


def complaint(command, case, folder):
    """Run a case; None, or why it failed with what repeats it."""
    arguments = [command, "run", case.operator, "--verbose", "--output", str(folder / "y.npy"), *case.options()]
    for name, array in case.files().items():
        numpy.save(folder / f"{name}.npy", array)
        arguments += [f"--{name}", str(folder / f"{name}.npy")]
    environment = dict(os.environ, CONVJIT_ISA=case.isa)
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        what = f"exit status {done.returncode}"
    else:
        what = difference(case.from_file(numpy.load(folder / "y.npy")), case)
    return what and f"{what}\n  CONVJIT_ISA={case.isa} {' '.join(arguments)}\n{done.stderr}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", help="the convjit command")
    parser.add_argument("--each", type=int, default=40, help="cases of each operator")
    parser.add_argument("--only", type=int, help="the number of one case")
    settings = parser.parse_args()
    numbers = range(settings.each * len(OPERATORS)) if settings.only is None else [settings.only]
    torch.set_num_threads(1)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            what = complaint(settings.command, Case(number), pathlib.Path(folder))
            if what:
                wrong += 1
                print(f"case {number}: {what}")
    print(f"{len(numbers) - wrong} of {len(numbers)} cases as PyTorch {torch.__version__} has them")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
