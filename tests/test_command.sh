#!/bin/sh
# What the command promises whatever it computes: help, versions, exit statuses, and one line on standard error that
# names field and value for everything that is wrong.
set -eu
. "$(dirname "$0")/support/command.sh"
command_start "$1"

help_and_versions() {
    succeeds --help
    prints 'run ' 'explain ' 'emit ' 'bench ' 'info' 'SHAPE' 'Exit status: 0 .* 1 .* 2 .* 3 '
    succeeds --version
    prints '^convjit [0-9]+\.[0-9]+\.[0-9]+$'
    version=$(cat "$work/out")
    for name in run explain emit bench info; do
        succeeds $name --version
        prints "^$version\$"
        succeeds $name --help
        prints "convjit $name" '--help' '--version'
        # Help is answered wherever it stands, and whatever is missing.
        succeeds $name word --help
    done
    succeeds run --help
    prints --input --weight --pointwise --bias --output --stride --dilation --padding --padding-mode --groups \
        --output-padding --output-size --activation --residual --dtype --layout --accuracy --algorithm --threads --verbose
    succeeds bench --help
    prints --shapes --layout --dtype --threads --min-time --filter --json
    succeeds emit --help
    prints --format --cpu --target --output
}

commands_and_words() {
    refuses 1 'command is missing'
    refuses 1 'frobnicate|run' frobnicate
    refuses 1 '--frobnicate' --frobnicate
    refuses 2 'tune|not in this version' tune conv2d:c1:o1:i3:k1
    refuses 2 'cache|not in this version' cache stats
    refuses 1 'operator is missing' run
    refuses 1 'operator is missing' run --output "$work/none"
    refuses 1 'several words' run conv2d conv1d
    refuses 1 'conv4d' run conv4d
    refuses 1 '--output is missing' run conv2d
    refuses 1 'SHAPE is missing' explain
    refuses 1 '0 SHAPEs' emit --format ir --output "$work/none"
    refuses 1 '2 SHAPEs' emit conv2d:c1:o1:i3:k1 conv2d:c1:o1:i3:k1 --format ir --output "$work/none"
    refuses 1 '--format is missing' emit conv2d:c1:o1:i3:k1 --output "$work/none"
    refuses 1 '--output is missing' emit conv2d:c1:o1:i3:k1 --format ir
    refuses 1 'word|too many' info word
    refuses 1 'no shape' bench
    for name in run explain emit bench info; do
        refuses 1 "--bogus|convjit $name" $name --bogus
        refuses 1 "--bogus=3|convjit $name" $name --bogus=3
        refuses 1 "-x|convjit $name" $name -x
    done
}

# Each option of `run` with values that it must not take.
values_of_run() {
    while IFS='|' read -r option values; do
        for value in $values; do
            [ "$value" != EMPTY ] || value=
            refuses 1 "--$option|$value" run conv2d --input "$x" --weight "$w" --output "$work/none" "--$option" "$value"
            refuses 1 "--$option|$value" run conv2d --input "$x" --weight "$w" --output "$work/none" "--$option=$value"
        done
        refuses 1 "--$option|value" run conv2d --input "$x" --weight "$w" --output "$work/none" "--$option"
    done <<ROWS
stride|0 -1 x 1.5 1,2,3,4 1, ,1 1x1 EMPTY 99999999999999999999
dilation|0 -1 x 1.5 1,2,3,4 EMPTY
padding|-1 x 1: :1 1:2:3 1,2,3,4 same_upper full EMPTY
padding-mode|mirror constant Zeros EMPTY
groups|0 -1 x 1,1 4 EMPTY
output-padding|-1 x 1,2,3,4 EMPTY
output-size|0 -1 x EMPTY
activation|swish relu:1 leaky_relu leaky_relu:x clamp:1 clamp:6:0 clamp:0:1:2 relu: EMPTY
dtype|f16 bf16 float EMPTY
layout|chwn nwhc EMPTY
accuracy|exact EMPTY
threads|0 -1 x 1025 1.5 EMPTY
ROWS
    refuses 1 '--algorithm' run conv2d --input "$x" --weight "$w" --output "$work/none" --algorithm ''
    refuses 1 'fft' run conv2d --input "$x" --weight "$w" --output "$work/none" --algorithm fft
    refuses 2 'depthwise' run conv2d --input "$x" --weight "$w" --output "$work/none" --algorithm depthwise
    refuses 1 '--verbose|no value' run conv2d --input "$x" --weight "$w" --output "$work/none" --verbose=1
    refuses 1 '--stride|twice' run conv2d --input "$x" --weight "$w" --output "$work/none" --stride 1 --stride 1
    for option in stride dilation padding; do
        refuses 1 "--$option|3 numbers|2 spatial" run conv2d --input "$x" --weight "$w" --output "$work/none" \
            --$option 1,2,3
    done
    for option in output-padding output-size; do
        refuses 1 "--$option|conv2d has none" run conv2d --input "$x" --weight "$w" --output "$work/none" --$option 1
    done
    refuses 1 'kernel[0] is 3|8' run conv2d --input "$x" --weight "$w" --output "$work/none" --dilation 9
    refuses 1 'pad|9|reflect' run conv2d --input "$x" --weight "$w" --output "$work/none" --padding 9 \
        --padding-mode reflect
}

# Each file that is read, in each way that it can be bad.
bad_files() {
    printf 'no tensor' >"$work/text.npy"
    head -c 100 "$x" >"$work/short.npy"
    { cat "$x"; printf 'more'; } >"$work/long.npy"
    : >"$work/empty.npy"
    sed 's/<f4/>f4/' "$x" >"$work/big_endian.npy"
    sed 's/<f4/<i4/' "$x" >"$work/integer.npy"
    sed "s/'shape': (2, 3/'shape': (9, 3/" "$x" >"$work/lying.npy"
    for option in input weight bias residual scale; do
        set -- --input "$x" --weight "$w"
        [ $option = scale ] && set -- "$@" --shift "$b"
        [ $option = input ] && set -- --weight "$w"
        [ $option = weight ] && set -- --input "$x"
        for file in missing text short long empty lying; do
            refuses 1 "--$option|$file.npy" run conv2d "$@" "--$option" "$work/$file.npy" --output "$work/none"
        done
        for file in big_endian integer; do
            refuses 2 "--$option|$file.npy|f4" run conv2d "$@" "--$option" "$work/$file.npy" --output "$work/none"
        done
        refuses 1 "--$option|$work" run conv2d "$@" "--$option" "$work" --output "$work/none"
        refuses 1 "--$option|new?line" run conv2d "$@" "--$option" "$work/new
line.npy" --output "$work/none"
    done
    refuses 1 '--input is missing' run conv2d --weight "$w" --output "$work/none"
    refuses 1 '--weight is missing' run conv2d --input "$x" --output "$work/none"
    refuses 1 '--pointwise is missing' run separable_conv2d --input "$x" --weight "$w" --output "$work/none"
    refuses 1 '--pointwise|conv2d has none' run conv2d --input "$x" --weight "$w" --pointwise "$w" --output "$work/none"
    refuses 1 '--input|(2, 3, 8, 9)|(n, c, w)' run conv1d --input "$x" --weight "$w" --output "$work/none"
    refuses 1 '--weight|(5,)|(out, in/groups=3, kernel, kernel)' run conv2d --input "$x" --weight "$b" \
        --output "$work/none"
    refuses 1 '--bias|(5, 3, 3, 2)|(out=5)' run conv2d --input "$x" --weight "$w" --bias "$w" --output "$work/none"
}

bad_outputs() {
    refuses 1 '--output|no/such/folder' run conv2d --input "$x" --weight "$w" --output "$work/no/such/folder/y.npy"
    refuses 1 "--output|$work" run conv2d --input "$x" --weight "$w" --output "$work"
    refuses 1 '--output|no/such/folder' emit conv2d:c1:o1:i3:k1 --format ir --output "$work/no/such/folder/y.ll"
    [ -w /dev/full ] || return 0
    refuses 3 '--output|/dev/full|space' run conv2d --input "$x" --weight "$w" --output /dev/full
    for format in ir asm object header; do
        refuses 3 '--output|/dev/full|space' emit conv2d:c1:o1:i3:k1 --format $format --output /dev/full
    done
    for words in --help --version 'run --help' 'explain conv2d:c1:o1:i3:k1' info; do
        here="convjit $words >/dev/full"
        got=0
        # shellcheck disable=SC2086
        "$convjit" $words >/dev/full 2>"$work/err" || got=$?
        [ "$got" = 3 ] || wrong "exit status $got"
        [ "$(wc -l <"$work/err")" = 1 ] || wrong "not one line on standard error: $(cat "$work/err")"
    done
}

# A result that is there already stays as it is when the next one fails.
a_failure_leaves_the_old_output() {
    printf 'old' >"$work/kept.npy"
    here="a run that fails behind an old output"
    command_run run conv2d --input "$x" --weight "$b" --output "$work/kept.npy"
    [ "$got" = 1 ] || wrong "exit status $got"
    [ "$(cat "$work/kept.npy")" = old ] || wrong "the old output is gone"
}

# SHAPEs that are wrong, wherever they may stand.
bad_shapes() {
    while IFS='|' read -r shape words; do
        refuses 1 "$words" explain "$shape"
        refuses 1 "$words" emit "$shape" --format ir --output "$work/none"
        refuses 1 "$words" bench "$shape" --min-time 0.01 --json "$work/none"
        printf 'conv1d:c1:o1:i3:k1\n%s\n' "$shape" >"$work/shapes"
        refuses 1 "$words|shapes, line 2" bench --shapes "$work/shapes" --min-time 0.01 --json "$work/none"
    done <<'ROWS'
conv2d:c1:o1:i3:kX|"kX"|conv2d:c1:o1:i3:kX
conv2d:c1:o1:i3:k1:q7|"q7"
conv2d:c1:o1:i3|lacks
conv9d:c1:o1:i3:k1|"conv9d"
conv2d:c1:o1:i3:k4|kernel[0] is 4|conv2d:c1:o1:i3:k4
conv2d:c4:o6:g4:i3:k1|out_channels is 6
conv2d:c1:o1:i3:k1:op1|output_padding[0] is 1
ic4ih5oc4kh3zz9|"zz9"
ic4ih5oc4oh1kh3ph1|"oh1"
ROWS
    refuses 1 'fft' explain conv2d:c1:o1:i3:k1 --algorithm fft
    refuses 2 'depthwise' emit conv2d:c8:o8:i3:k1 --algorithm depthwise --format ir --output "$work/none"
    refuses 2 'depthwise' bench conv2d:c8:o8:i3:k1 --algorithm depthwise --min-time 0.01 --json "$work/none"
    refuses 1 '--format|exe' emit conv2d:c1:o1:i3:k1 --format exe --output "$work/none"
    refuses 2 'pentium9' emit conv2d:c1:o1:i3:k1 --format asm --cpu pentium9 --output "$work/none"
    refuses 2 'vax' emit conv2d:c1:o1:i3:k1 --format asm --target vax-dec-vms --output "$work/none"
    refuses 1 '--input' explain conv2d:c1:o1:i3:k1 --input "$x"
    refuses 1 'word' explain conv2d word --input "$x" --weight "$w"
}

# The environment is checked too, and a missing code generator is the machine's failure.
environment() {
    here="CONVJIT_ISA=mmx"
    got=0
    CONVJIT_ISA=mmx "$convjit" explain conv2d:c1:o1:i3:k1 >"$work/out" 2>"$work/err" || got=$?
    [ "$got" = 1 ] || wrong "exit status $got"
    grep -q 'CONVJIT_ISA.*mmx' "$work/err" || wrong "$(cat "$work/err")"
    here="CONVJIT_CODEGEN=/no/such/file"
    got=0
    CONVJIT_CODEGEN=/no/such/file "$convjit" run conv2d --input "$x" --weight "$w" --output "$work/none" \
        2>"$work/err" || got=$?
    [ "$got" = 3 ] || wrong "exit status $got"
    [ "$(wc -l <"$work/err")" = 1 ] || wrong "not one line on standard error: $(cat "$work/err")"
    [ ! -e "$work/none" ] || wrong "an output file is left behind"
}

# Estimates, and times beside them, but for what is hopeless.
explain_measures() {
    succeeds explain conv2d:n2:c8:o16:i8:k3:p1 --measure --isa sse2
    prints '^direct  .* us estimated, [0-9.e+]+ us measured: algorithm=direct isa=sse2' \
        '^planar  .* us estimated, [0-9.e+]+ us measured: algorithm=planar' '^depthwise .*declines' \
        '^reference .* us estimated: algorithm=reference' '^chosen  *algorithm='
    succeeds explain conv2d:n0:c8:o16:i8:k3:p1 --measure
    prints '^direct  .* us estimated: algorithm=direct'
    succeeds explain conv2d:c8:o16:i8:k3:p1
    prints '^direct  .* us estimated: algorithm=direct'
}

"$checker" make conv2d:n2:c3:o5:i8x9:k3x2 "$work"
x=$work/input.npy w=$work/weight.npy b=$work/bias.npy
help_and_versions
commands_and_words
values_of_run
bad_files
bad_outputs
a_failure_leaves_the_old_output
bad_shapes
explain_measures
environment
command_end
