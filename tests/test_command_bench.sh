#!/bin/sh
# `convjit bench`: both forms of shapes files, the filter, the JSON that it promises, and the comparison
# with an earlier run. Nothing is said about times.
set -eu
. "$(dirname "$0")/support/command.sh"
command_start "$1"

measures() { # names with spaces between them, arguments
    names=$1
    shift
    rm -f "$work/bench.json"
    succeeds bench --min-time 0.001 --json "$work/bench.json" "$@"
    "$checker" json "$work/bench.json" >"$work/names" || { wrong "the JSON is wrong"; return 0; }
    [ "$(tr '\n' ' ' <"$work/names")" = "$names " ] || wrong "the JSON is of $(cat "$work/names"), not of $names"
    for name in $names; do
        grep -qF -e "$(echo "$name" | cut -c1-28)" "$work/out" || wrong "standard output has no $name"
    done
}
has() { # text that the JSON must have
    for text in "$@"; do
        grep -qF -e "$text" "$work/bench.json" || wrong "the JSON has no $text: $(cat "$work/bench.json")"
    done
}

shapes() {
    measures 'conv2d:c8:o8:i9:k3 conv_transpose1d:c3:o4:i9:k3' conv2d:c8:o8:i9:k3 conv_transpose1d:c3:o4:i9:k3
    has '"shape":"conv2d:n1:c8:o8:i9x9:k3x3"' '"layout":"nchw"' '"dtype":"f32"' '"threads":1'
    measures named 'mb2_ic16ih9_oc8oh9_kh3ph1n"named"' --layout nhwc --dtype f64 --threads 2
    has '"shape":"conv2d:n2:' '"layout":"nhwc"' '"dtype":"f64"' '"threads":2'
    measures conv1d:c4:o4:i9:k3:b1:post=scale_shift+residual+gelu conv1d:c4:o4:i9:k3:b1:post=scale_shift+residual+gelu
    measures separable_conv2d:c4:o4:i9:k3 separable_conv2d:c4:o4:i9:k3 --algorithm reference
    has '"algorithm":"reference"'
}

lists() {
    printf '# two\nconv1d:c4:o4:i9:k3\n\nmb1_ic4ih5_oc4oh5_kh3ph1n"second"\n' >"$work/list"
    measures 'conv1d:c4:o4:i9:k3 second' --shapes "$work/list"
    measures second --shapes "$work/list" --filter '^s.*d$'
    measures 'conv2d:c1:o1:i3:k1 conv1d:c4:o4:i9:k3' conv2d:c1:o1:i3:k1 --shapes "$work/list" --filter conv
}

tables() {
    {
        printf 'name\tkind\tmb\tg\tic\toc\tid\tih\tiw\tkd\tkh\tkw\tsd\tsh\tsw\tpd\tph\tpw\n'
        printf 'plain\tconv\t1\t1\t4\t6\t1\t8\t9\t1\t3\t3\t1\t1\t1\t0\t1\t1\n'
        printf 'deep\tconv\t2\t2\t4\t6\t4\t4\t4\t2\t2\t2\t1\t1\t1\t0\t0\t0\n'
        printf 'up\tdeconv\t1\t1\t4\t6\t1\t4\t4\t1\t2\t2\t1\t2\t2\t0\t0\t0\n'
    } >"$work/table.tsv"
    measures 'plain deep up' --shapes "$work/table.tsv"
    has '"shape":"conv_transpose3d:' 'n2:c4:o6:g2:i4x4x4:k2x2x2'
    measures 'plain up' --shapes "$work/table.tsv" --filter 'plain|up' --layout nhwc
    table=$(cd "$(dirname "$0")/.." && pwd)/bench/shapes/given.tsv
    measures rn50_l1_1x1_64_64 --shapes "$table" --filter '^rn50_l1_1x1_64_64$'
}

# An earlier run in which every share of the peak was SHARE.
earlier() { # share
    sed "s/\"percent_of_peak\":[0-9.]*/\"percent_of_peak\":$1/" "$work/bench.json" >"$work/old.json"
}
comparison() {
    measures 'conv2d:c8:o8:i9:k3 conv1d:c3:o4:i9:k3' conv2d:c8:o8:i9:k3 conv1d:c3:o4:i9:k3
    earlier 0.001
    measures conv2d:c8:o8:i9:k3 conv2d:c8:o8:i9:k3 --compare "$work/old.json"
    prints 'gained by more than 5' 'in the earlier run only: conv1d' 'geometric mean of the 1 in both: 0\.0 then'
    earlier 99999
    rm "$work/bench.json"
    command_run bench conv2d:c8:o8:i9:k3 --min-time 0.001 --compare "$work/old.json" --json "$work/bench.json"
    [ "$got" = 5 ] || wrong "exit status $got, not 5, of a run that is slower than before"
    prints 'lost by more than 5' '99999.0'
    "$checker" json "$work/bench.json" >/dev/null || wrong "no JSON of a run that is slower than before"
}

picture() {
    printf 'name\tkind\tmb\tg\tic\toc\tid\tih\tiw\tkd\tkh\tkw\tpeer_best_us\na<b\tconv\t1\t1\t4\t8\t1\t1\t9\t1\t1\t3\t12.5\nplain\tconv\t1\t1\t4\t4\t1\t1\t9\t1\t1\t1\t\n' \
        >"$work/peers.tsv"
    command_run bench --shapes "$work/peers.tsv" --min-time 0.001 --plot "$work/plot.svg" --peers-peak 100
    [ "$got" = 0 ] || wrong "exit status $got, not 0, with --plot"
    [ "$(grep -c '<circle.*<title>' "$work/plot.svg")" = 2 ] || wrong "not a dot for each layer"
    [ "$(grep -c 'class="best"' "$work/plot.svg")" = 2 ] || wrong "not one layer with a peer, and the legend"
    grep -q 'their own peak, 100 GFLOP/s' "$work/plot.svg" || wrong "the peers' peak is not named"
    grep -q 'a&lt;b' "$work/plot.svg" || wrong "a name that is no XML"
    [ "$(tail -n 1 "$work/plot.svg")" = '</svg>' ] || wrong "the picture has no end"
    sed 's/12.5/fast/' "$work/peers.tsv" >"$work/wrong.tsv"
    refuses 1 'line 2|peer_best_us is fast' bench --shapes "$work/wrong.tsv" --json "$work/none"
}

wrong_options() {
    shape=conv1d:c4:o4:i9:k3
    earlier -1
    refuses 1 '--filter|(' bench $shape --filter '(' --json "$work/none"
    refuses 1 '--filter|nothing_has_it' bench $shape --filter nothing_has_it --json "$work/none"
    refuses 1 '--shapes|missing.tsv' bench --shapes "$work/missing.tsv" --json "$work/none"
    refuses 1 "--shapes|$work" bench --shapes "$work" --json "$work/none"
    refuses 1 '--shapes|no shape' bench --shapes /dev/null --json "$work/none"
    refuses 1 '--min-time|-1' bench $shape --min-time -1 --json "$work/none"
    refuses 1 '--threads|0' bench $shape --threads 0 --json "$work/none"
    refuses 1 '--dtype|f16' bench $shape --dtype f16 --json "$work/none"
    refuses 1 '--compare|missing.json' bench $shape --compare "$work/missing.json" --json "$work/none"
    refuses 1 'old.json|results[0].percent_of_peak|-1' bench $shape --compare "$work/old.json" --json "$work/none"
    refuses 3 'memory|n9223372036854775807' bench $shape:n9223372036854775807 --json "$work/none"
    refuses 1 '--plot|no/such/folder' bench $shape --min-time 0.001 --json "$work/none" --plot "$work/no/such/folder/plot.svg"
    [ ! -w /dev/full ] || refuses 3 '--plot|/dev/full' bench $shape --min-time 0.001 --plot /dev/full
    refuses 1 '--peers-peak|0' bench $shape --peers-peak 0 --json "$work/none"
    refuses 1 '--json|no/such/folder' bench $shape --min-time 0.001 --json "$work/no/such/folder/bench.json"
    [ ! -w /dev/full ] || refuses 3 '--json|/dev/full' bench $shape --min-time 0.001 --json /dev/full
    printf 'conv1d:c4:o4:i9:k3\nconv1d:c4:o4:i9:k3:q\n' >"$work/list"
    refuses 1 'list, line 2|"q"' bench --shapes "$work/list" --json "$work/none"
}

shapes
lists
tables
comparison
picture
wrong_options
command_end
