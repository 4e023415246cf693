#!/bin/sh
# label: full
# The library as others get it: installed, moved, found by CMake and pkg-config, used from C and C++.
#
#   sh tests/test_install.sh BUILD/convjit
set -eu
build=$(cd "$(dirname "$1")" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
unset CONVJIT_CODEGEN CONVJIT_ISA LD_LIBRARY_PATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH DESTDIR 2>/dev/null || true

cached() { # a variable of the build's CMake cache
    sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}
if [ -n "$(cached CONVJIT_SANITIZE)" ]; then
    echo "skipped: programs outside cannot link a library that is built with sanitizers"
    exit 77
fi
cc=$(cached CMAKE_C_COMPILER)
cxx=c++
if ! command -v $cxx >/dev/null || ! command -v pkg-config >/dev/null; then
    echo "skipped: this needs a C++ compiler and pkg-config"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here="nothing yet"
die() {
    echo "test_install: $here: $*" >&2
    exit 1
}
quietly() { # a command whose output matters only if it fails
    "$@" >"$work/log" 2>&1 || { cat "$work/log"; die "this failed: $*"; }
}
same() { # what, expected, actual
    [ "$2" = "$3" ] || die "$1: expected:
$2
but got:
$3"
}
configure() { # source, build, options...
    from=$1 to=$2
    shift 2
    quietly cmake -S "$from" -B "$to" -G "$(cached CMAKE_GENERATOR)" -DCMAKE_C_COMPILER="$cc" \
        -DCMAKE_CXX_COMPILER=$cxx "$@"
}

everything_is_there() { # prefix, library folder
    for file in include/convjit/convjit.h bin/convjit "$2/libconvjit.so" "$2/libconvjit.so.0.1" \
        "$2/cmake/convjit/convjitConfig.cmake" "$2/cmake/convjit/convjitConfigVersion.cmake" \
        "$2/pkgconfig/convjit.pc"; do
        [ -e "$1/$file" ] || die "$file is not installed"
    done
    same "what was installed beside that" "" "$(find "$1" -type f | grep -vE 'convjit[^/]*$' || true)"
}

# The header alone, in each language and as strictly as users may compile.
header() {
    for standard in c11 c17; do
        echo '#include <convjit/convjit.h>' | quietly "$cc" -std=$standard -pedantic -Wall -Wextra -Werror \
            -I "$1/include" -fsyntax-only -x c -
    done
    for standard in c++11 c++17; do
        echo '#include <convjit/convjit.h>' | quietly $cxx -std=$standard -pedantic -Wall -Wextra -Werror \
            -I "$1/include" -fsyntax-only -x c++ -
    done
}

exported() { # names without their version, and without the version itself
    nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort
}
symbols() { # prefix, library folder
    declared=$("$cc" -E -P "$1/include/convjit/convjit.h" -DCONVJIT_BUILDING | tr '\n' ' ' |
        grep -o '__attribute__((visibility("default")))[^(;]*(' | grep -o 'cj_[a-z0-9_]*($' | tr -d '(' | sort)
    [ -n "$declared" ] || die "no function was found in the header"
    same "libconvjit exports what the header declares" "$declared" "$(exported "$1/$2/libconvjit.so")"
    needed=$(readelf -d "$1/$2/libconvjit.so" | grep NEEDED)
    case $needed in *LLVM* | *stdc++*) die "libconvjit links: $needed" ;; esac
    readelf -d "$1/$2/libconvjit.so" | grep -q 'soname: \[libconvjit.so.0.1\]' || die "libconvjit's soname is wrong"
}
plugin_symbols() { # prefix, library folder
    plugin="$1/$2/libconvjit-codegen.so.0.1"
    [ -e "$plugin" ] || die "the plug-in is not installed"
    same "the plug-in's exports" convjit_codegen_plugin "$(exported "$plugin")"
}

by_pkg_config() { # prefix, library folder, what the program is told
    flags=$(PKG_CONFIG_PATH="$1/$2/pkgconfig" pkg-config --cflags --libs convjit) || die "pkg-config fails"
    # shellcheck disable=SC2086
    quietly "$cc" -std=c11 -Wall -Wextra -Werror "$source/tests/outside/outside.c" -o "$work/outside" $flags \
        -lm -Wl,-rpath,"$1/$2"
    quietly "$work/outside" "$3"
}
readme_example() { # prefix, library folder
    flags=$(PKG_CONFIG_PATH="$1/$2/pkgconfig" pkg-config --cflags --libs convjit)
    awk '/^```c$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$source/README.md" >"$work/example.c"
    [ -s "$work/example.c" ] || die "the README has no example in C"
    # shellcheck disable=SC2086
    quietly "$cc" -std=c11 -pedantic -Wall -Wextra -Werror "$work/example.c" -o "$work/example" $flags \
        -Wl,-rpath,"$1/$2"
    same "what the README's example prints" 4 "$("$work/example")"
}
by_cmake() { # prefix, library folder
    rm -rf "$work/cmake"
    configure "$source/tests/outside" "$work/cmake" -DCMAKE_PREFIX_PATH="$1"
    quietly cmake --build "$work/cmake"
    quietly "$work/cmake/outside" "$1/$2"
    quietly "$work/cmake/outside_cpp"
}
command_works() { # prefix
    quietly "$1/bin/convjit" emit conv2d:c3:o5:i9:k3:p1 --format asm --output "$work/kernel.s"
    grep -q '^convjit_kernel:' "$work/kernel.s" || die "convjit emit wrote no kernel"
}

full_build() {
    here="the installation"
    lib=$(cached CMAKE_INSTALL_LIBDIR)
    lib=${lib:-lib}
    quietly cmake --install "$build" --prefix "$work/first"
    everything_is_there "$work/first" "$lib"
    header "$work/first"
    symbols "$work/first" "$lib"
    plugin_symbols "$work/first" "$lib"
    by_cmake "$work/first" "$lib"
    by_pkg_config "$work/first" "$lib" "$work/first/$lib"
    here="the installation after it was moved"
    mv "$work/first" "$work/second"
    by_cmake "$work/second" "$lib"
    by_pkg_config "$work/second" "$lib" "$work/second/$lib"
    command_works "$work/second"
    readme_example "$work/second" "$lib"
}

# Without LLVM, inside another project, and with Debian's library folder.
without_codegen() {
    here="the build without the code generator"
    mkdir "$work/host"
    cat >"$work/host/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(host LANGUAGES C)
add_subdirectory($source convjit)
add_executable(host $source/tests/outside/outside.c)
target_link_libraries(host PRIVATE convjit::convjit m)
END
    configure "$work/host" "$work/host/build" -DCONVJIT_BUILD_CODEGEN=OFF -DCMAKE_DISABLE_FIND_PACKAGE_LLVM=ON \
        -DCMAKE_BUILD_TYPE=Debug -DCMAKE_INSTALL_LIBDIR=lib/x86_64-linux-gnu
    quietly cmake --build "$work/host/build"
    quietly "$work/host/build/host" none
    quietly cmake --install "$work/host/build" --prefix "$work/bare"
    everything_is_there "$work/bare" lib/x86_64-linux-gnu
    by_pkg_config "$work/bare" lib/x86_64-linux-gnu none
    grep -q 'there is no code generator' "$work/log" || die "the sentence does not say what is missing"
    status=0
    "$work/bare/bin/convjit" emit conv2d:c3:o5:i9:k3:p1 --format asm --output "$work/none.s" 2>"$work/log" || status=$?
    same "the command's exit status" 3 $status
    [ ! -e "$work/none.s" ] || die "a file was left behind"
}

full_build
without_codegen
echo "installed, moved, linked and run"
