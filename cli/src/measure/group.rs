//! The processes of a run: the group this tool made for them, and those they made for themselves, as `timeout` and `setsid` do.

use std::collections::BTreeSet;
use std::fs;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgid, getpgrp};

/// Sends a signal to all of the group of `leader`, and to the groups of those that descend from it.
pub(super) fn signal(leader: Pid, signal: Signal) {
    for group in groups(leader) {
        // A group that is gone is what we want. One that is stopped takes no other signal than to go on.
        let _ = killpg(group, signal).and_then(|()| killpg(group, Signal::SIGCONT));
    }
}

/// Ends what a command left in its group: it would run beside those that follow. The leader must not be reaped yet.
pub(super) fn sweep(leader: Pid) {
    let _ = killpg(leader, Signal::SIGKILL);
}

fn groups(leader: Pid) -> BTreeSet<Pid> {
    let mut groups = BTreeSet::from([leader]);
    let mut left = vec![leader];
    while let Some(process) = left.pop() {
        let children = children(process);
        groups.extend(children.iter().filter_map(|child| getpgid(Some(*child)).ok()));
        left.extend(children);
    }
    groups.remove(&getpgrp());
    groups
}

/// Of all threads; none where the kernel does not tell.
fn children(process: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>())
        .map(Pid::from_raw)
        .collect()
}
