#!/bin/sh
# From a fresh clone to a real convolution: install what is missing (Debian packages), build, run 64 image filters
# over a picture, and compare speed and result with plain C and with the library's own reference. Exit status 0: the
# results agree.
#
#   sh bench/quickstart.sh
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh
need_packages gcc libc6-dev cmake ninja-build llvm-19-dev libxxhash-dev libjson-c-dev

folder=build/quickstart
mkdir -p $folder
quietly() { # a command whose output matters only if it fails
    "$@" >$folder/log 2>&1 || { cat $folder/log; echo "This failed: $*" >&2; exit 1; }
}
# What is configured already, by the tests for one, stays as it is.
if [ ! -f build/build.ninja ]; then
    quietly cmake -S . -B build -G Ninja -DCMAKE_C_COMPILER=gcc -DCONVJIT_BUILD_TESTS=OFF
fi
echo "building"
quietly cmake --build build --target convjit_command convjit-codegen quickstart_data
quietly build/quickstart_data make $folder

filter() { # name of the output, options...
    name=$1
    shift
    set -- build/convjit run conv2d --input $folder/image.npy --weight $folder/filters.npy --padding 3 \
        --output "$folder/$name.npy" --verbose "$@"
    printf '\n$ %s\n' "$*"
    "$@" 2>"$folder/$name.txt" || { cat "$folder/$name.txt"; exit 1; }
    cat "$folder/$name.txt"
}
value() { # name of the output, name of the line
    awk -v line="$2" 'index($0, line "  ") == 1 { sub(/^[a-z ]*  +/, ""); print; exit }' "$folder/$1.txt"
}
filter kernel
filter reference --algorithm reference
printf '\n$ %s\n' "build/quickstart_data convolve $folder"
build/quickstart_data convolve $folder | tee $folder/definition.txt
build/convjit info >$folder/info.txt
peak=$(awk '$1 == "peak" { print $2 }' $folder/info.txt)

row() { # title, then the three columns
    printf '%-18s %20s %20s %16s\n' "$1" "$2" "$3" "$4"
}
rows() { # lines of the reports
    for line in "$@"; do
        row "$line" "$(value kernel "$line")" "$(value reference "$line")" "$(value definition "$line")"
    done
}
percent() { # name of the output
    value "$1" speed | awk -v peak="$peak" '{ printf "%.1f%%", 100 * $1 / peak }'
}
algorithm() { # name of the output
    value "$1" plan | sed 's/algorithm=\([a-z_]*\).*/\1/'
}
printf '\n64 filters of 7x7 over an image of 640x480 in 3 colours, one thread; this core'\''s peak is %s GFLOP/s.\n\n' \
    "$peak"
row "" "the planner's choice" "library's reference" "plain C"
row algorithm "$(algorithm kernel)" "$(algorithm reference)" ""
rows code compile run "run again" speed
row "share of the peak" "$(percent kernel)" "$(percent reference)" "$(percent definition)"
printf '\n'
build/quickstart_data compare $folder/kernel.npy $folder/definition.npy
build/quickstart_data compare $folder/kernel.npy $folder/reference.npy
