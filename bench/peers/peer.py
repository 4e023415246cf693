"""The side of a peer program that is the same for every library called from Python: peer.c in Python.

A peer gives `serve` an object with `name` and `open(call, input, weight)`, which returns an object with
`implementation`, `run()` and `output()` (a NumPy array in PyTorch's order), or raises Cannot with the reason."""

import os
import sys
import time

import numpy

SAMPLES = 16
SAMPLE_SECONDS = 30e-6  # the clock has a grain of some 30 ns: this is 0.1% of a sample
SEED_INPUT, SEED_WEIGHT = 1, 2
SCALARS = ("batch", "groups", "in_channels", "out_channels")
SPATIAL = ("input", "output", "kernel", "stride", "dilation", "pad_lo", "pad_hi", "output_padding")


class Cannot(Exception):
    pass


class Call:
    """call.h's struct call."""

    def __init__(self, words):
        self.layout = words[0]
        self.threads, self.transposed, self.rank = map(int, words[1:4])
        numbers = list(map(int, words[4:]))
        for name in SCALARS:
            setattr(self, name, numbers.pop(0))
        for name in SPATIAL:
            setattr(self, name, tuple(numbers[: self.rank]))
            del numbers[: self.rank]

    def input_shape(self):
        return (self.batch, self.in_channels) + self.input

    def weight_shape(self):
        if self.transposed:
            return (self.in_channels, self.out_channels // self.groups) + self.kernel
        return (self.out_channels, self.in_channels // self.groups) + self.kernel


def values(shape, seed):
    """numbers.c's value_at, for a whole tensor in PyTorch's order."""
    x = numpy.arange(numpy.prod(shape, dtype=numpy.int64)).astype(numpy.uint32)
    x = (x + numpy.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)) * numpy.uint32(2654435761)
    x ^= x >> numpy.uint32(15)
    x *= numpy.uint32(2246822519)
    high = (x >> numpy.uint32(16)).astype(numpy.float32)
    return ((high - numpy.float32(32768)) / numpy.float32(32768)).reshape(shape)


def check(output):
    """numbers.c's check_of_output."""
    flat = output.reshape(-1)
    picked = [float(flat[(flat.size - 1) * i // (SAMPLES - 1)]) for i in range(SAMPLES)]
    return [float(numpy.abs(flat).mean(dtype=numpy.float64))] + picked


def sample(work, calls):
    start = time.perf_counter()
    for _ in range(calls):
        work.run()
    return (time.perf_counter() - start) / calls


def measure(work, seconds):
    """Seconds of one call, the best seen; the first call only warms the caches."""
    first = sample(work, 1)
    calls = int(SAMPLE_SECONDS / (first + 1e-9)) + 1 if first < SAMPLE_SECONDS else 1
    least, end = sample(work, calls), time.perf_counter() + seconds
    while time.perf_counter() < end:
        least = min(least, sample(work, calls))
    return least


def opened(library, words):
    call = Call(words)
    work = library.open(call, values(call.input_shape(), SEED_INPUT), values(call.weight_shape(), SEED_WEIGHT))
    work.run()
    return work


def serve(library):
    # What the library itself prints goes to standard error.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print("library", library.name, file=answers)
    work = None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            break
        try:
            if words[0] == "open":
                work = None
                work = opened(library, words[1:])
                numbers = " ".join("%.9g" % number for number in check(work.output()))
                print("ready", work.implementation.replace(" ", "_"), numbers, file=answers)
            elif words[0] == "run":
                print("time %.4f" % (measure(work, float(words[1]) * 1e-6) * 1e6), file=answers)
            else:
                raise Cannot("understand")
        except Exception as error:  # any kind: libraries raise what they like
            print("cannot", " ".join(str(error).split())[:200] or type(error).__name__, file=answers)
