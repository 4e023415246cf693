# Sourced by the scripts that test the command: `command_start COMMAND` first.
#
# Tensors are made and compared by $CONVJIT_CHECKER (tests/checker), which does not share code with the command.

command_start() { # path of the command
    convjit=$1
    build=$(cd "$(dirname "$1")" && pwd)
    checker=${CONVJIT_CHECKER:-$build/tests/checker}
    CONVJIT_CODEGEN=$build/libconvjit-codegen.so
    export CONVJIT_CODEGEN
    unset CONVJIT_ISA 2>/dev/null || true
    if [ ! -e "$CONVJIT_CODEGEN" ]; then
        echo "skipped: this build has no code generator"
        exit 77
    fi
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    failures=0
}

command_end() {
    [ "$failures" = 0 ] || { echo "$failures failures" >&2; exit 1; }
    echo "all passed"
}

wrong() { # what is wrong; the case is $here
    echo "FAILED: $here: $*" >&2
    failures=$((failures + 1))
}

# Run the command: standard output, standard error and exit status are $work/out, $work/err and $got afterwards.
command_run() {
    got=0
    "$convjit" "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
}

# The command must fail with a status, one line on standard error that has every word, and leave no file behind.
refuses() { # status, words with | between them, arguments; the output file, if any, must be $work/none
    status=$1 words=$2
    shift 2
    here="convjit $*"
    rm -f "$work/none"
    : >"$work/out"
    : >"$work/err"
    command_run "$@"
    [ "$got" = "$status" ] || wrong "exit status $got, not $status: $(cat "$work/err")"
    [ "$(wc -l <"$work/err")" = 1 ] || wrong "not one line on standard error: $(cat "$work/err")"
    while [ -n "$words" ]; do
        word=${words%%|*}
        grep -qF -e "$word" "$work/err" || wrong "$(cat "$work/err") does not have $word"
        [ "$word" != "$words" ] || break
        words=${words#*|}
    done
    [ ! -e "$work/none" ] || wrong "an output file is left behind"
    [ "$(ls -A "$work" | grep -c '^\.convjit')" = 0 ] || wrong "a temporary file is left behind"
}

# The command must end well, with nothing on standard error.
succeeds() { # arguments
    here="convjit $*"
    command_run "$@"
    [ "$got" = 0 ] || wrong "exit status $got: $(cat "$work/err")"
    [ ! -s "$work/err" ] || wrong "standard error: $(cat "$work/err")"
}

# Standard output must have each of these lines' words.
prints() { # extended regular expressions
    for expression in "$@"; do
        grep -qE -e "$expression" "$work/out" || wrong "no line of standard output is $expression: $(cat "$work/out")"
    done
}
