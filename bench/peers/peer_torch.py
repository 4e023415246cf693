"""PyTorch. In NCHW and in channels_last the functional call; its own layout is that of its MKL-DNN tensors, with
weights packed beforehand. Unequal padding is a `pad` in front of the call, which is timed too."""

import torch
import torch.nn.functional as functional
from torch.utils import mkldnn

import peer

CONV = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
MODULES = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d, 3: torch.nn.Conv3d}
CHANNELS_LAST = {2: torch.channels_last, 3: torch.channels_last_3d}


def blas():
    """The BLAS that is loaded: with the reference one 1x1 layers are 25 times slower."""
    with open("/proc/self/maps") as maps:
        loaded = {line.split()[-1] for line in maps if "blas" in line.split()[-1]}
    return "OpenBLAS" if any("openblas" in path for path in loaded) else "not OpenBLAS: " + " ".join(sorted(loaded))


class Work:
    def __init__(self, implementation, call_it):
        self.implementation, self.run = implementation, self.remember(call_it)

    def remember(self, call_it):
        def run():
            self.result = call_it()

        return run

    def output(self):
        result = self.result.to_dense() if self.result.is_mkldnn else self.result
        return result.contiguous().numpy()


def equal_padding(call):
    return call.pad_lo == call.pad_hi


def functional_call(call, x, weight):
    if call.transposed:
        if not equal_padding(call):
            raise peer.Cannot("PyTorch's transposed convolutions take equal padding only")
        return lambda: TRANSPOSED[call.rank](
            x, weight, None, call.stride, call.pad_lo, call.output_padding, call.groups, call.dilation
        )
    operation = CONV[call.rank]
    if equal_padding(call):
        return lambda: operation(x, weight, None, call.stride, call.pad_lo, call.dilation, call.groups)
    pads = [pad for both in zip(reversed(call.pad_lo), reversed(call.pad_hi)) for pad in both]
    return lambda: operation(
        functional.pad(x, pads), weight, None, call.stride, 0, call.dilation, call.groups
    )


def blocked_copy(call, x):
    """As a layer before this one would leave it: `to_mkldnn` alone keeps the plain layout."""
    ones = (1,) * call.rank
    copy = MODULES[call.rank](call.in_channels, call.in_channels, ones, groups=call.in_channels, bias=False)
    copy.weight = torch.nn.Parameter(torch.ones_like(copy.weight), requires_grad=False)
    return mkldnn.to_mkldnn(copy.eval())(x.to_mkldnn())


def mkldnn_call(call, x, weight):
    if call.transposed or not equal_padding(call):
        raise peer.Cannot("PyTorch's MKL-DNN tensors have no such convolution")
    module = MODULES[call.rank](
        call.in_channels,
        call.out_channels,
        call.kernel,
        stride=call.stride,
        padding=call.pad_lo,
        dilation=call.dilation,
        groups=call.groups,
        bias=False,
    )
    module.weight = torch.nn.Parameter(weight, requires_grad=False)
    packed, blocked = mkldnn.to_mkldnn(module.eval()), blocked_copy(call, x)
    return lambda: packed(blocked)


class Torch:
    name = "PyTorch %s (%s)" % (torch.__version__, blas())

    def open(self, call, x, weight):
        torch.set_num_threads(call.threads)
        x, weight = torch.from_numpy(x), torch.from_numpy(weight)
        if call.layout == "own":
            return Work("mkldnn", mkldnn_call(call, x, weight))
        if call.layout == "nhwc":
            if call.rank not in CHANNELS_LAST:
                raise peer.Cannot("PyTorch has no channels_last for 1-D")
            order = CHANNELS_LAST[call.rank]
            x, weight = x.contiguous(memory_format=order), weight.contiguous(memory_format=order)
        return Work("functional", functional_call(call, x, weight))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    peer.serve(Torch())
