#!/bin/sh
# `convjit run` on files, for every operator: what it writes against the definition, to the byte of the header.
set -eu
. "$(dirname "$0")/support/command.sh"
command_start "$1"

# Make tensors for a SHAPE, run OP with options that mean the same, compare. In the options FILE: stands for
# "$work/FILE.npy", and every result has its own name, so that a leftover is not taken for it.
serial=0
computes() { # OP, SHAPE, options
    op=$1 shape=$2
    shift 2
    computes_as "$op" "$shape" "$shape" batched "$@"
}
computes_as() { # OP, SHAPE of the files, SHAPE of the result, batched or unbatched, options
    op=$1 made=$2 expected=$3 batched=$4
    shift 4
    serial=$((serial + 1))
    rm -f "$work"/*.npy
    "$checker" make "$made" "$work" "$batched"
    set -- --input "$work/input.npy" --weight "$work/weight.npy" --output "$work/y$serial.npy" "$@"
    case $op in separable*) set -- "$@" --pointwise "$work/pointwise.npy" ;; esac
    command_run run "$op" "$@"
    here="$expected: convjit run $op $*"
    [ "$got" = 0 ] || { wrong "exit status $got: $(cat "$work/err")"; return 0; }
    case " $* " in *" --verbose "*) ;; *) [ ! -s "$work/err" ] || wrong "standard error: $(cat "$work/err")" ;; esac
    "$checker" compare "$expected" "$work/y$serial.npy" "$batched" 2>"$work/why" || wrong "$(cat "$work/why")"
}

every_operator() {
    computes conv1d conv1d:n2:c5:o7:i20:k3:s2:p1:d2 --stride 2 --padding 1 --dilation 2
    computes conv2d conv2d:n2:c5:o7:i9x11:k3x2:s1x2:p1x0:d2x1 --stride 1,2 --padding 1,0 --dilation 2,1
    computes conv3d conv3d:n2:c3:o4:i5x6x7:k2x3x1:s1x2x1:p0x1x0 --stride 1,2,1 --padding 0,1,0
    computes conv_transpose1d conv_transpose1d:n2:c5:o7:i9:k4:s3:p1:op2 --stride 3 --padding 1 --output-padding 2
    computes conv_transpose2d conv_transpose2d:n2:c4:o6:g2:i5x6:k3x4:s2:p1:op1x0 --groups 2 --stride 2 --padding 1 \
        --output-padding 1,0
    computes conv_transpose3d conv_transpose3d:n1:c3:o2:i3x4x5:k2:s2:d1x2x1 --stride 2 --dilation 1,2,1
    computes depthwise_conv1d depthwise_conv1d:n2:c6:i20:k5:p2 --padding 2
    computes depthwise_conv2d depthwise_conv2d:n2:c6:m2:i9x8:k3:s2:p1 --stride 2 --padding 1
    computes depthwise_conv3d depthwise_conv3d:n1:c5:i4x5x6:k3:p1 --padding 1
    computes separable_conv1d separable_conv1d:n2:c6:o5:i20:k3:p1:b1 --padding 1 --bias "$work/bias.npy"
    computes separable_conv2d separable_conv2d:n2:c6:o9:m2:i9x8:k3:s2:p1 --stride 2 --padding 1
    computes separable_conv3d separable_conv3d:n1:c3:o4:i4x5x6:k3:p1 --padding 1
}

paddings() {
    computes conv2d conv2d:c3:o4:i9x8:k4:p1~2x0~1 --padding 1:2,0:1
    computes conv2d conv2d:c3:o4:i9x8:k4:p1~2 --padding 1:2
    computes conv2d conv2d:c3:o4:i9x8:k4:s2:psame --stride 2 --padding same
    computes conv2d conv2d:c3:o4:i9x8:k4:s3:psame_lower --stride 3 --padding same_lower
    computes conv2d conv2d:c3:o4:i9x8:k4:pvalid --padding valid
    for mode in zeros reflect replicate circular; do
        computes conv2d conv2d:c3:o4:i9x8:k3:p2x3:pm$mode --padding 2,3 --padding-mode $mode
        computes separable_conv1d separable_conv1d:c3:o4:i9:k3:p1~2:pm$mode --padding 1:2 --padding-mode $mode
    done
    computes conv_transpose2d conv_transpose2d:c3:o4:i5x6:k3:s2:os12x13 --stride 2 --output-size 12,13
    computes conv_transpose1d conv_transpose1d:c3:o4:i5:k3:s2:psame --stride 2 --padding same
}

activations() {
    for activation in none relu relu6 leaky_relu:0.125 sigmoid tanh silu gelu hardswish clamp:-0.5:0.25; do
        post=:post=$(echo "$activation" | tr : @)
        [ $activation != none ] || post=
        computes conv2d conv2d:n2:c5:o7:i9x8:k3:b1$post --bias "$work/bias.npy" --activation $activation
    done
    # In their order: bias, scale and shift, residual, activation.
    computes conv2d conv2d:n2:c5:o7:i9x8:k3:b1:post=scale_shift+residual+relu --bias "$work/bias.npy" \
        --scale "$work/scale.npy" --shift "$work/shift.npy" --residual "$work/residual.npy" --activation relu
    computes conv_transpose1d conv_transpose1d:n2:c4:o3:i6:k3:s2:post=residual+tanh \
        --stride 2 --residual "$work/residual.npy" --activation tanh
    computes depthwise_conv2d depthwise_conv2d:n2:c8:i9:k3:post=residual --residual "$work/residual.npy"
}

layouts_and_types() {
    for case in conv2d:c6:o8:i9x8:k3 conv_transpose2d:c6:o8:i5x4:k3 depthwise_conv2d:c6:i9x8:k3 separable_conv2d:c6:o4:i9x8:k3; do
        name=${case%%:*}
        computes "$name" "$case:n2:lnhwc:b1:post=residual+relu" --layout nhwc --bias "$work/bias.npy" \
            --residual "$work/residual.npy" --activation relu
        computes "$name" "$case:n2:lnchw" --layout nchw
        computes "$name" "$case:n2:b1:post=residual+sigmoid" --layout nchwc --bias "$work/bias.npy" \
            --residual "$work/residual.npy" --activation sigmoid
        computes_as "$name" "$case:tf64" "$case:tf64" unbatched --layout nchwc
        computes "$name" "$case:n2:tf64" # the input's type decides
        computes "$name" "$case:n2:lnhwc:tf64" --layout nhwc --dtype f64
        computes_as "$name" "$case:n2" "$case:n2:tf64" batched --dtype f64
        computes_as "$name" "$case:n2:tf64" "$case:n2" batched --dtype f32
        computes_as "$name" "$case" "$case" unbatched
        computes_as "$name" "$case:lnhwc:post=residual" "$case:lnhwc:post=residual" unbatched --layout nhwc \
            --residual "$work/residual.npy"
    done
    for rank in 1 3; do
        computes conv${rank}d conv${rank}d:n2:c6:o8:i6:k3:lnhwc --layout nhwc
        computes_as conv${rank}d conv${rank}d:c6:o8:i6:k3 conv${rank}d:c6:o8:i6:k3 unbatched
    done
}

settings() {
    for accuracy in fast strict; do
        computes conv2d conv2d:c8:o8:i9x8:k3:acc=$accuracy --accuracy $accuracy
    done
    for isa in sse2 avx2; do
        grep -qw $isa /proc/cpuinfo || continue
        computes conv2d conv2d:c8:o8:i9x8:k3 --isa $isa
    done
    computes conv2d conv2d:c8:o8:i9x8:k3 --algorithm reference
    computes conv2d conv2d:n5:c8:o8:i9x8:k3 --threads 3
    computes conv2d conv2d:n0:c8:o8:i9x8:k3 # no image is an output of no image
}

verbose() {
    computes conv2d conv2d:n2:c5:o7:i9x8:k3 --verbose
    for word in 'conv2d:n2:c5:o7' 'algorithm=' '^key +[0-9a-f]{32}$' '^cache +(hit|miss)$' '^compile' '^pack' '^run' '^load'; do
        grep -qE -e "$word" "$work/err" || wrong "standard error has no $word: $(cat "$work/err")"
    done
}

# Fortran's order and the later versions of the format, put together from a file in C's order: a tensor of one
# channel and one row is the same bytes in both orders.
other_files() {
    "$checker" make conv1d:n1:c1:o1:i12:k3 "$work"
    sed "s/'fortran_order': False/'fortran_order': True /" "$work/input.npy" >"$work/fortran.npy"
    { printf '\223NUMPY\002\000\164\000\000\000'; tail -c +11 "$work/input.npy" | head -c 116; tail -c 48 "$work/input.npy"; } \
        >"$work/version2.npy"
    for file in fortran version2; do
        succeeds run conv1d --input "$work/$file.npy" --weight "$work/weight.npy" --output "$work/y.npy"
        "$checker" compare conv1d:n1:c1:o1:i12:k3 "$work/y.npy" || wrong "the result is another one"
    done
}

# Several threads and one give the same bits, and so do two runs.
the_bits_are_the_same() {
    shape=conv2d:n3:c19:o23:i17x13:k3:p1
    "$checker" make $shape "$work"
    for threads in 1 2 5; do
        succeeds run conv2d --input "$work/input.npy" --weight "$work/weight.npy" --padding 1 --threads $threads \
            --output "$work/threads$threads.npy"
        cmp -s "$work/threads1.npy" "$work/threads$threads.npy" || wrong "other bits than with one thread"
    done
}

every_operator
paddings
activations
layouts_and_types
settings
verbose
other_files
the_bits_are_the_same
command_end
