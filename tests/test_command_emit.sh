#!/bin/sh
# `convjit emit`, `explain` and `info`: the emitted object links into a program without any library, and computes
# what the definition says.
set -eu
. "$(dirname "$0")/support/command.sh"
command_start "$1"
source=$(cd "$(dirname "$0")/.." && pwd)
cc=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")

# Object and header of a SHAPE, in a program of their own.
embeds() { # SHAPE, images, bytes of output, options
    shape=$1 images=$2 bytes=$3
    shift 3
    rm -f "$work"/*.raw
    succeeds emit "$shape" --format object --output "$work/kernel.o" "$@"
    succeeds emit "$shape" --format header --output "$work/kernel.h" "$@"
    here="the object of $shape"
    "$checker" pack "$shape" "$work"
    "$cc" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$work" -o "$work/emitted" "$source/tests/outside/emitted.c" \
        "$work/kernel.o" >"$work/err" 2>&1 || { wrong "does not link: $(cat "$work/err")"; return 0; }
    "$work/emitted" "$work" "$images" "$bytes" >"$work/out" || { wrong "the program fails"; return 0; }
    "$checker" compare-raw "$shape" "$work/output.raw" || wrong "the result is another one"
    # The header's SHAPE is the one that was asked for: it means the same convolution.
    "$checker" compare-raw "$(cat "$work/out")" "$work/output.raw" || wrong "the header names $(cat "$work/out")"
}

objects() {
    embeds conv2d:n2:c8:o16:i9x10:k3:p1:lnhwc 2 11520
    embeds conv2d:n2:c5:o7:i9x10:k3 2 3136
    embeds conv1d:n1:c3:o4:i20:k5:b1:tf64 1 512
    embeds conv_transpose2d:n1:c4:o3:i5x6:k3:s2 1 1716
    embeds depthwise_conv2d:n3:c16:i7x8:k3:p1:lnhwc 3 10752
    embeds separable_conv2d:n1:c8:o12:i7x8:k3:p1:b1:lnhwc 1 2688
    embeds conv2d:n1:c8:o8:i6x7:k1:b1:post=scale_shift+residual+gelu:lnhwc 1 1344
}

formats() {
    shape=conv2d:c8:o8:i9:k3:lnhwc
    for format in ir ll-opt asm object header; do
        succeeds emit $shape --format $format --output "$work/first.$format"
        [ ! -s "$work/out" ] || wrong "standard output has text"
        succeeds emit $shape --format $format --output "$work/second.$format"
        cmp -s "$work/first.$format" "$work/second.$format" || wrong "two emissions differ"
    done
    here="what is emitted for $shape"
    grep -q '^define .*@convjit_kernel(' "$work/first.ir" || wrong "no function in the IR"
    grep -q '^define .*@convjit_kernel(' "$work/first.ll-opt" || wrong "no function in the optimised IR"
    ! cmp -s "$work/first.ir" "$work/first.ll-opt" || wrong "the passes have done nothing"
    grep -q '^convjit_kernel:' "$work/first.asm" || wrong "no function in the assembly"
    [ "$(head -c 4 "$work/first.object")" = "$(printf '\177ELF')" ] || wrong "the object is no ELF file"
    grep -q 'void convjit_kernel(' "$work/first.header" || wrong "no function in the header"
    here="the assembly of $shape"
    "$cc" -c -x assembler -o "$work/asm.o" "$work/first.asm" || wrong "does not assemble"
    # A header is C and C++ alone, and may be included twice.
    here="the header of $shape"
    printf '#include "first.header"\n#include "first.header"\nint main(void) { return 0; }\n' >"$work/twice.c"
    "$cc" -std=c11 -Wall -Wextra -Werror -pedantic -I"$work" -c -o "$work/twice.o" "$work/twice.c" || wrong "is not C"
}

targets() {
    shape=conv2d:c32:o32:i9:k3:lnhwc
    for isa in sse2 avx2 avx512; do # whatever this machine has
        succeeds emit $shape --format asm --isa $isa --output "$work/$isa.s"
    done
    here="the assembly of $shape"
    ! grep -q '%[yz]mm' "$work/sse2.s" || wrong "sse2 has wide registers"
    ! grep -q '%zmm' "$work/avx2.s" || wrong "avx2 has 512-bit registers"
    grep -q '%ymm' "$work/avx2.s" || wrong "avx2 has no 256-bit registers"
    grep -q '%zmm' "$work/avx512.s" || wrong "avx512 has no 512-bit registers"
    for cpu in x86-64 haswell skylake-avx512 znver5; do
        succeeds emit $shape --format object --isa sse2 --cpu $cpu --output "$work/cpu.o"
    done
    succeeds emit $shape --format object --target x86_64-pc-linux-gnu --output "$work/target.o"
    succeeds emit $shape --format asm --isa sse2 --target aarch64-linux-gnu --output "$work/other.s"
    refuses 2 'haswell|aarch64' emit $shape --format asm --cpu haswell --target aarch64-linux-gnu --output "$work/none"
}

explanations() {
    succeeds explain conv2d:n1:c64:o64:i56:k3:p1 conv_transpose1d:c3:o4:i9:k3
    prints '^conv2d:n1:c64:o64:i56x56:k3x3:p1x1$' '^conv_transpose1d:n1:c3:o4:i9:k3$' '^chosen .*algorithm='
    # Each algorithm is named with an estimate or a reason.
    for algorithm in direct planar depthwise separable reference; do
        prints "^$algorithm +.*[a-z0-9]"
    done
    # The SHAPE that is printed is accepted again and means the same.
    succeeds explain 'mb2_ic16ih9_oc8oh9_kh3ph1n"named"'
    cp "$work/out" "$work/first"
    succeeds explain "$(head -n 1 "$work/out")"
    cmp -s "$work/first" "$work/out" || wrong "the printed SHAPE is explained differently"
    succeeds explain conv2d:c8:o8:i9:k3 --algorithm reference
    prints '^chosen +algorithm=reference'
    succeeds explain conv2d:c8:o8:i9:k3 --layout nhwc --dtype f64 --accuracy strict
    prints '^conv2d:n1:c8:o8:i9x9:k3x3:lnhwc:tf64:acc=strict$'
    "$checker" make conv2d:n2:c8:o8:i9:k3 "$work"
    succeeds explain conv2d --input "$work/input.npy" --weight "$work/weight.npy" --padding 1
    prints '^conv2d:n2:c8:o8:i9x9:k3x3:p1x1$' '^chosen '
}

information() {
    succeeds info
    prints '^convjit +[0-9.]+$' '^llvm +19' '^cache directory' '^cpu +.' '^cores +[1-9]' '^isa +(sse2|avx2|avx512)$' \
        '^features +.' '^caches +L1 [0-9]+ KB' '^peak +[0-9.]+ GFLOP/s f32, [0-9.]+ GFLOP/s f64'
}

objects
formats
targets
explanations
information
command_end
