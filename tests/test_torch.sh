#!/bin/sh
# label: full
# Random convolutions through the command against PyTorch, where Debian's python3-torch is installed: it is too
# large to ask for. Exit status 77 is ctest's "skipped".
set -eu
if ! /usr/bin/python3 -c 'import numpy, torch' 2>/dev/null; then
    echo "skipped: /usr/bin/python3 has no torch (Debian: python3-torch python3-numpy)"
    exit 77
fi
exec /usr/bin/python3 "$(dirname "$0")/torch_cases.py" "$@"
