#!/bin/sh
# No file over 500 lines, no function over 60.
set -eu
find include src codegen runtime bench tests -name '*.c' | xargs awk '
    FNR == 1 { start = 0 }
    FNR > 500 { long[FILENAME] = FNR }
    /^\{$/ { start = FNR }
    /^\}$/ && start { if (FNR - start > 60) { print FILENAME ":" start ": a function of " FNR - start " lines"; bad = 1 }; start = 0 }
    END { for (f in long) { print f ": " long[f] " lines"; bad = 1 }; exit bad }'
