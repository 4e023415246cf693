# Sourced by the scripts that build: install Debian packages that are missing, or say what is needed.
#
#   need_packages PACKAGE...    as root, or through sudo
need_packages() {
    if ! command -v apt-get >/dev/null; then
        echo "There is no apt here, so nothing is installed. This needs what these Debian packages hold:" >&2
        echo "   $*" >&2
        echo "The README says what each is for. Going on with what is there." >&2
        return 0
    fi
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    as_root=
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Please run this as root, or let an administrator run: apt-get install$missing" >&2
            return 1
        fi
        as_root=sudo
    fi
    echo "installing:$missing"
    # shellcheck disable=SC2086
    if ! $as_root apt-get update -qq || ! $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
        echo "These packages could not be installed:$missing" >&2
        echo "Debian 12 and later have all of them in their main archive." >&2
        return 1
    fi
}
