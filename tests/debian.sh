# shellcheck shell=bash
# Sourced by who needs packages of Debian that are not to be installed: they are unpacked into a folder. apt is given a list of sources and a state of
# its own, so that neither the machine's are changed nor does it matter what they know.

# begin_apt FOLDER SUITE…: what apt_with uses from now on.
begin_apt() {
    local mirror
    apt_at=$1
    shift
    mkdir -p "$apt_at"/{lists,cache/archives}/partial || return
    # shellcheck disable=SC2016 # apt's own word
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Release: bookworm' 'Component: main' | head -n 1)
    printf "deb ${mirror:=http://deb.debian.org/debian} %s main\n" "$@" >"$apt_at/sources.list"
}

# apt_with PROGRAM ARGUMENT…: a program of apt's.
apt_with() {
    local program=$1
    shift
    "$program" -q -o Acquire::Retries=4 -o Dir::Etc::SourceList="$apt_at/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$apt_at/lists" -o Dir::Cache="$apt_at/cache" -o APT::Sandbox::User=root "$@"
}

# unpack FOLDER PACKAGE…: downloads them and leaves there what they hold.
unpack() {
    local to=$1 file
    shift
    mkdir -p "$to" && (cd "$apt_at" && apt_with apt-get download "$@") || return
    for file in "$apt_at"/*.deb; do
        dpkg-deb --fsys-tarfile "$file" | tar -x -C "$to" --exclude=./lib/modules --exclude=./usr/share/doc || return
    done
}
