//! The processes of a run: the process group that this tool made for them, and groups that they made for themselves, as `timeout` and `setsid` do.

use std::collections::BTreeSet;
use std::fs;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgid, getpgrp};

/// Sends a signal to the whole group of `leader`, and to the groups of its descendants.
pub(super) fn signal(leader: Pid, signal: Signal) {
    for group in groups(leader) {
        // A group that no longer exists is fine. A stopped process acts on the signal only once it continues.
        let _ = killpg(group, signal).and_then(|()| killpg(group, Signal::SIGCONT));
    }
}

/// Kills processes that a command left in its group: they would run beside the commands that follow. The leader must not be reaped yet.
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

/// The children of all threads of a process; none if the kernel does not report them.
fn children(process: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>())
        .map(Pid::from_raw)
        .collect()
}
