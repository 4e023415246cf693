# `bench_peers` with a peer that needs no library: its table, its JSON, and peers that misbehave. Nothing is said
# about times.
set -eu
. "$(dirname "$0")/support/command.sh"
command_start "$1"
convjit=$build/bench_peers
peers=$build/tests/peers

compares() { # how the fake peer behaves, arguments
    FAKE_PEER=$1
    export FAKE_PEER
    shift
    rm -f "$work/peers.json"
    succeeds --peers "$peers" --min-time 0.001 --json "$work/peers.json" "$@"
}
has() { # file, texts that it must have
    file=$1
    shift
    for text in "$@"; do
        grep -qF -e "$text" "$work/$file" || wrong "$file has no $text: $(cat "$work/$file")"
    done
}

results_are_the_same() {
    compares well conv2d:n2:c4:o6:g2:i9x8:k3x2:s2x1:p1~0x0~1:d1x2 conv_transpose2d:c4:o6:g2:i5x7:k3x2:s2x1:op1x0 \
        conv3d:c4:o6:i3x5x4:k2:p1 conv_transpose3d:c4:o6:i3x2x4:k2:s2 conv2d:c6:o6:g6:i9:k3:p1 conv1d:c4:o6:i9:k3 \
        conv2d:n5:c4:o6:i1:k1
    has out 'Fake nchw' 'best of all peers in any layout' '(7 layers)'
    has peers.json '"peer":"Fake","layout":"nhwc","rewritten":false,"outcome":"measured"' '"rewritten":true' \
        '"threads":1' '"Fake 1.0"' '"means":{"any":'
    [ "$(grep -c '"outcome":"measured"' "$work/peers.json")" = 27 ] || wrong "not 7 layers in 3 layouts, and 2 rewritten"
    compares well conv2d:c4:o6:i9:k3 --threads 2 --markdown
    has out '| layer | algorithm | nchw | nhwc | peak% | Fake nchw |' '2 threads'
}

misbehaviour() {
    compares wrong conv2d:c4:o6:i9:k3
    has out 'gave another result'
    has peers.json '"outcome":"wrong"'
    has out '(0 layers)'
    compares dies conv2d:c4:o6:i9:k3 conv2d:c4:o6:i8:k3
    has out 'conv2d:c4:o6:i8:k3: Fake 1.0 in nhwc died'
    compares cannot conv2d:c4:o6:i9:k3
    has peers.json '"outcome":"cannot","said":"it does not want to"'
    compares blocked conv1d:c4:o6:i9:k3
    has out '(1 layers)'
}

wrong_options() {
    refuses 1 '--peers' --peers "$work" conv2d:c4:o6:i9:k3 --json "$work/none"
    refuses 1 'no shape' --peers "$peers" --json "$work/none"
    refuses 2 'bias' --peers "$peers" conv2d:c4:o6:i9:k3:b1 --json "$work/none"
    refuses 1 '--json|no/such/folder' --peers "$peers" conv2d:c4:o6:i9:k3 --json "$work/no/such/folder/x.json"
}

results_are_the_same
misbehaviour
wrong_options
command_end
