# shellcheck shell=bash
# Sourced by scripts that need Debian packages without installing them: the packages are unpacked into a folder. apt gets a list of sources and a
# state of its own, so that the machine's are neither changed nor relevant.

# begin_apt FOLDER SUITE…: sets the folder and the suites that apt_with uses from now on.
begin_apt() {
    local mirror
    apt_at=$1
    shift
    mkdir -p "$apt_at"/{lists,cache/archives}/partial || return
    # shellcheck disable=SC2016 # apt's own word
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Release: bookworm' 'Component: main' | head -n 1)
    printf "deb ${mirror:=http://deb.debian.org/debian} %s main\n" "$@" >"$apt_at/sources.list"
}

# apt_with PROGRAM ARGUMENT…: runs a program of apt with these sources and this state.
apt_with() {
    local program=$1
    shift
    "$program" -q -o Acquire::Retries=4 -o Dir::Etc::SourceList="$apt_at/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$apt_at/lists" -o Dir::Cache="$apt_at/cache" -o APT::Sandbox::User=root "$@"
}

# unpack FOLDER PACKAGE…: downloads the packages and unpacks them into the folder.
unpack() {
    local to=$1 file
    shift
    mkdir -p "$to" && (cd "$apt_at" && apt_with apt-get download "$@") || return
    for file in "$apt_at"/*.deb; do
        dpkg-deb --fsys-tarfile "$file" | tar -x -C "$to" --exclude=./lib/modules --exclude=./usr/share/doc || return
    done
}
