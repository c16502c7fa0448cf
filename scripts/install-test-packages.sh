#!/usr/bin/env bash
# Installs the Debian packages that the tests need and that are missing. Needs root and a Debian mirror.
set -euo pipefail

# package:reason, one per line
packages='
gcc:builds the C tests; compiles under larder
g++:builds the C++ tests; compiles under larder
libc6-dev:headers for both
make:builds jemalloc, a peer of the benchmarks
binutils:nm and readelf, for the symbol checks
python3:runs on larder
perl:runs on larder
git:runs on larder
sqlite3:runs on larder
clang:compiles under larder
nodejs:runs on larder
ruby:runs on larder
php-cli:runs on larder, with extensions that it loads with RTLD_DEEPBIND
default-jdk-headless:java and javac run on larder
redis-server:serves on larder
nginx-light:serves on larder
postgresql:serves on larder (brings pgbench)
curl:asks nginx
xz-utils:runs on larder
procps:pgrep and pkill
util-linux:prlimit, setpriv, taskset for the limits tests
strace:counts system calls on one node
gdb:calls malloc and free in a program
'

missing() {
    local line
    while IFS= read -r line; do
        [[ -z $line ]] || is_installed "${line%%:*}" || echo "$line"
    done <<<"$packages"
}

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=4 -o DPkg::Lock::Timeout=300 "$@"; }

# The services in the packages must not start: the tests start their own.
forbid_services() {
    [[ -e /usr/sbin/policy-rc.d ]] && return
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
}

mapfile -t wanted < <(missing)
if ((${#wanted[@]} == 0)); then
    echo "Debian packages: all that the tests need are here"
    exit
fi
((EUID == 0)) || { echo "not root: install these packages yourself: ${wanted[*]%%:*}" >&2; exit 1; }
echo "installing ${#wanted[@]} Debian packages:"
printf '%s\n' "${wanted[@]}" | awk -F: '{ printf "  %-22s %s\n", $1, $2 }'
forbid_services
apt update -qq || echo "apt-get update failed; going on with the lists that are here" >&2
apt install -y -qq --no-install-recommends "${wanted[@]%%:*}" >/tmp/larder-apt.log 2>&1 ||
    { tail -n 20 /tmp/larder-apt.log >&2; echo "apt-get could not install them: see /tmp/larder-apt.log" >&2; exit 1; }
