# shellcheck shell=bash disable=SC2154
# Sourced by run-numa.sh: fetches the packages that the machines need and that a Debian normally lacks. They are not installed but unpacked into a
# folder of the cache, where they serve every later run.
#
# These are only Debian's own packages: qemu and the libraries it needs, the firmware, a busybox, one kernel of each series, the peers.

# shellcheck source=/dev/null
source "$here/../debian.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/larder-numa-lab
unpacked=$cache/unpacked
fresh=$cache/fresh # while it is being made
libraries=$unpacked/usr/lib/x86_64-linux-gnu:$unpacked/lib/x86_64-linux-gnu

# Leaves everything in $unpacked. On failure prints one line with the reason.
fetch_lab() {
    [[ $(uname -m) == x86_64 ]] || { echo "the machines are x86-64"; return 1; }
    mkdir -p "$cache" && exec {turn}>"$cache/lock" && flock "$turn" || return
    is_fetched && return
    echo "downloading qemu, two Debian kernels and the libraries they want (about 76 MB) into $cache, once" >&2
    rm -rf "$unpacked" "$fresh"
    fetch_all >"$cache/log" 2>&1 || { echo "apt-get: $(grep '^E:' "$cache/log" | tail -n 1)"; return 1; }
    mv "$fresh/all" "$unpacked" && rm -rf "$fresh" || return
    is_fetched || { echo "what was downloaded does not run: see $cache/log"; return 1; }
}

is_fetched() { qemu -accel tcg -nodefaults -display none -S -monitor stdio <<<quit >/dev/null 2>&1; }

# Runs qemu, and kills it after $limit seconds.
qemu() {
    timeout -k 5 "$limit" env LD_LIBRARY_PATH="$libraries" QEMU_MODULE_DIR="$unpacked/usr/lib/x86_64-linux-gnu/qemu" \
        "$unpacked/usr/bin/qemu-system-x86_64" -L "$unpacked/usr/share/qemu" -L "$unpacked/usr/share/seabios" "$@"
}

# Prints the path of the kernel of a series; nothing if Debian had none.
kernel_of() { find "$unpacked/boot" -name "vmlinuz-$1.*" 2>/dev/null; }

fetch_all() {
    local packages
    begin_apt "$fresh/apt" bookworm bookworm-backports && apt_with apt-get update || return
    mapfile -t packages < <(qemu_and_libraries; printf '%s\n' busybox-static libjemalloc2 libmimalloc2.0; newest_kernel 6.1; newest_kernel 6.12)
    unpack "$fresh/all" "${packages[@]}"
}

# Prints the packages that qemu needs. They are resolved as if nothing was installed, because a newer qemu-utils would conflict; libraries that are
# installed are left out.
qemu_and_libraries() {
    apt_with apt-get -s -o Dir::State::status=/dev/null --no-install-recommends install qemu-system-x86 |
        awk '$1 == "Inst" && $2 ~ /^(lib|qemu-|seabios)/ { print $2 }' | while read -r package; do
        [[ $package == lib* ]] && is_here "$package" || echo "$package"
    done
}

is_here() { dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

newest_kernel() { apt_with apt-cache pkgnames "linux-image-$1." | grep -xE 'linux-image-[^ ]*[0-9]-cloud-amd64' | sort -V | tail -n 1; }
