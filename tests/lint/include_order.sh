#!/bin/sh
# Who may see whom: include <- src <- codegen, and include <- src <- runtime; the command and the benchmark see the
# public header only.
set -eu
status=0
refuse() { # what is wrong, files, pattern
    found=$(grep -nE "$3" $2 2>/dev/null || true)
    if [ -n "$found" ]; then
        printf '%s:\n%s\n' "$1" "$found"
        status=1
    fi
}
src=$(find src -name '*.[ch]')
codegen=$(find codegen -name '*.[ch]')
runtime=$(find runtime -maxdepth 1 -name '*.[ch]')
command=$(find runtime/cli bench -name '*.[ch]' -not -path 'bench/peers/*')
peers=$(find bench/peers -name '*.[ch]')
refuse "src includes LLVM, codegen or runtime" "$src" '#include.*(llvm|codegen/|runtime/)'
refuse "src uses threads, files, a clock or the environment" "$src" \
    '#include <(pthread|unistd|fcntl|dlfcn|time)\.h>|\b(fopen|getenv|printf|puts|exit|abort) *\('
refuse "codegen includes runtime" "$codegen" '#include.*runtime/'
refuse "runtime includes LLVM or codegen" "$runtime" '#include.*(llvm|codegen/)'
[ -z "$command" ] || refuse "the command includes insides" "$command" '#include "\.\./.*(src|codegen)/|#include "\.\./[a-z_]*\.h"'
refuse "bench/peers includes insides" "$peers" '#include "\.\./.*(src|codegen)/|#include ".*runtime/[a-z_]*\.h"'
refuse "an algorithm asks for a type or an instruction set" "$(find codegen/algo -name '*.c')" 'CJ_F32|CJ_F64|CJ_ISA|is_f64'
exit $status
