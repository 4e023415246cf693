#!/bin/sh
# Install what is missing (Debian packages), build, and run every test. Exit status 0: all passed.
#
#   sh tests/run.sh            everything
#   sh tests/run.sh release    one stage: release, sanitize, threads, clang or lint
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh
need_packages gcc libc6-dev cmake ninja-build clang clang-format cppcheck llvm-19-dev libxxhash-dev libjson-c-dev libcmocka-dev \
    g++ pkgconf clang-tidy protobuf-c-compiler libprotobuf-c-dev libonnx-dev libonnx-testdata

jobs=$(nproc)
compiled() { # folder, then options for cmake
    folder=$1
    shift
    cmake -S . -B "$folder" -G Ninja -DCONVJIT_WERROR=ON -DCONVJIT_BUILD_TESTS=ON -DCONVJIT_REQUIRE_ONNX=ON "$@" \
        >"$folder.log" 2>&1 || { cat "$folder.log"; return 1; }
    cmake --build "$folder" >"$folder.log" 2>&1 || { cat "$folder.log"; return 1; }
}
stage() {
    started=$(date +%s)
    echo "== $1"
    "$1"
    echo "== $1: $(($(date +%s) - started)) s"
}

release() {
    compiled build -DCMAKE_C_COMPILER=gcc
    ctest --test-dir build -j "$jobs" --output-on-failure --no-tests=error
}
sanitize() {
    # gcc 12's leak checker mistakes the thread-local storage of libraries that dlopen brought (LLVM) and crashes.
    export ASAN_OPTIONS=intercept_tls_get_addr=0
    compiled build/sanitize -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=gcc -DCONVJIT_SANITIZE=address,undefined
    # Left out: what takes minutes here, and drives the same code as the rest.
    CONVJIT_TEST_CASES=40 ctest --test-dir build/sanitize -E 'sweep_geometry|properties_bits|properties_special|test_shapes|test_torch' -j "$jobs" --output-on-failure \
        --no-tests=error
}
threads() {
    export TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp
    compiled build/threads -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=gcc -DCONVJIT_SANITIZE=thread
    ctest --test-dir build/threads -R 'memcache|pool|test_kernel|functional|door|context' -j "$jobs" \
        --output-on-failure --no-tests=error
}
clang() {
    compiled build/clang -DCMAKE_C_COMPILER=clang
}
lint() {
    for check in tests/lint/*.sh; do
        sh "$check"
    done
}

mkdir -p build
if [ $# -gt 0 ]; then
    for name in "$@"; do stage "$name"; done
else
    for name in lint release sanitize threads clang; do stage "$name"; done
fi
echo "all stages passed"
