#!/bin/sh
# clang-tidy with the checks of .clang-tidy, on all that is not a test and needs no other library's header.
set -eu
cmake -S . -B build/tidy -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_C_COMPILER=clang >build/tidy.log 2>&1 ||
    { cat build/tidy.log; exit 1; }
find src codegen runtime bench -name '*.c' -not -name 'peer_*.c' | xargs -P "$(nproc)" -n 4 clang-tidy -p build/tidy --quiet 2>/dev/null
