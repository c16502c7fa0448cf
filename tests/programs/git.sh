#!/usr/bin/env bash
# git: many commits on two branches, merge, log with patches, gc, repack with threads, fsck, clone, blame, grep.
source "$(dirname "$0")/lib.sh"
need git

export HOME=$work GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org

change() {
    export GIT_AUTHOR_DATE="$((1700000000 + $1 * 60)) +0000" GIT_COMMITTER_DATE="$((1700000000 + $1 * 60)) +0000"
    seq "$1" 7 $(($1 * 50 + 100)) >"file-$(($1 % 9)).txt"
    echo "line $1" >>history.txt
    $run git add -A
    $run git commit -qm "Change $1"
}

commits() {
    local n
    for n in $(seq 1 "$1"); do change "$n"; done
    $run git checkout -qb side HEAD~5
    seq 1 9 >side.txt && $run git add -A && $run git commit -qm Side
    $run git checkout -q main
    $run git merge -q --no-ff -m Merge side
}

questions() {
    $run git log -p --stat --graph --all
    $run git blame history.txt
    $run git grep -n -E '9{2,}' HEAD
    $run git diff --word-diff HEAD~20 HEAD
    $run git rev-list --objects --all
}

workload() {
    mkdir -p scratch/repository
    cd scratch/repository
    $run git init -qb main .
    commits "$(scale 120)" >/dev/null
    questions >../../before
    $run git gc -q --prune=now
    $run git -c pack.threads=4 repack -adfq --depth=20 --window=50
    $run git fsck --full --strict >../../fsck 2>&1
    questions >../../after
    $run git clone -q --bare --no-local . ../clone
    cd ../..
    $run git --git-dir=scratch/clone for-each-ref >clone
    $run git --git-dir=scratch/clone archive --format=tar HEAD | sha256sum >archive
}

both workload
mkdir proof && cd proof && git init -qb main . && cd ..
on_larder git git -C proof status
