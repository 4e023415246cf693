#!/bin/sh
set -eu
cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --std=c11 -Iinclude \
    --suppress=missingIncludeSystem -DCONVJIT_CODEGEN_ID='"00000000000000000000000000000000"' \
    -DCONVJIT_LLVM_VERSION=190107 -DCONVJIT_SOVERSION='"0.1"' -j 2 src codegen runtime
