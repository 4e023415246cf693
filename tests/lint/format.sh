#!/bin/sh
# .clang-format decides.
set -eu
find include src codegen runtime bench tests -name '*.[ch]' | xargs clang-format --dry-run -Werror
