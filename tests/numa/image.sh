# shellcheck shell=bash disable=SC2154
# Sourced by run-numa.sh: the file system that all machines start from. It has a busybox, the programs beside this file, some of Debian's,
# the library under test and its peers, and the libraries that these need.

# build_image LIB.so: makes $work/image.
build_image() {
    local root=$work/root
    mkdir -p "$root"/{bin,sbin,lab,lib,proc,sys,dev,tmp}
    cp "$unpacked/bin/busybox" "$root/bin"
    cp "$here"/guest/* "$root/lab" && ln -s lab/init "$root/init"
    cp -r "$here/machines" "$root/lab"
    cp "$1" "$root/lab/liblarder.so"
    cp -L "${libraries%%:*}"/lib{jemalloc,mimalloc}.so.2 "$root/lab"
    cp "$here"/../programs/sqlite.sql "$root/lab"
    compile_programs "$root/bin" "$1" && cp /usr/bin/{bash,perl,sort,sqlite3,xz} "$root/bin" && copy_libraries "$root" || return
    (cd "$root" && find . | "$unpacked/bin/busybox" cpio -o -H newc) >"$work/image" 2>/dev/null
}

# Programs that use larder's own functions are linked with it.
compile_programs() {
    local source with
    for source in "$here"/programs/*.c "$here"/../limits/{churn,contained,exhaust,refuse,watched}.c "$here"/../c/{idle/{alone,sparse},semantics/stats_json,threads/moved}.c; do
        with=()
        ! grep -q '<larder.h>' "$source" || with=("$2")
        cc -O1 -g -fno-builtin -pthread -Wall -Wextra -D_GNU_SOURCE -DLIBRARY=\"liblarder.so\" -I"$here/../../ffi/include" -I"$here/../c" \
            -o "$1/$(basename "$source" .c)" "$source" "${with[@]}" || return
    done
}

# Copies the libraries that the programs and the allocators need to where they look for them.
copy_libraries() {
    local file
    { ldd "$1"/bin/* "$1"/lab/*.so* 2>/dev/null || true; } | grep -o '/[^ :]* (' | sort -u | while read -r file _; do
        mkdir -p "$1$(dirname "$file")" && cp -L "$file" "$1$file"
    done
}
