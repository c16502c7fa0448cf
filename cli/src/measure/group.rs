//! The processes of a run: the process group that this tool made for them, groups that they made for themselves, as `timeout` and `setsid` do, and
//! orphans, whose parents have ended.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::{Pid, getpgid, getpgrp};

/// Sends a signal to the whole group of `leader`, and to the groups of its descendants.
pub(super) fn signal(leader: Pid, signal: Signal) {
    for group in groups(leader) {
        // A group that no longer exists is fine. A stopped process acts on the signal only once it continues.
        let _ = killpg(group, signal).and_then(|()| killpg(group, Signal::SIGCONT));
    }
}

/// Kills what is left in the group of a leader that was killed. It must not be reaped yet.
pub(super) fn sweep(leader: Pid) {
    let _ = killpg(leader, Signal::SIGKILL);
}

/// Makes this process the parent of all orphans among its descendants.
pub(super) fn adopt_orphans() -> Result<()> {
    set_child_subreaper(true).context("prctl")
}

/// Waits for the end of a child, which is not reaped. Orphans that end earlier are reaped at once: somebody may wait until they are gone.
pub(super) fn wait_beside_orphans(child: Pid) -> Result<()> {
    loop {
        let ended = waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).context("waitid")?.pid();
        match ended {
            Some(orphan) if orphan != child => _ = waitpid(orphan, None),
            _ => return Ok(()),
        }
    }
}

/// Kills all children but one, and the orphans that this makes. A process that has gained privileges is left alone.
pub(super) fn end_orphans(child: Pid) {
    loop {
        let orphans = children_of_first_thread(Pid::this()).into_iter().filter(|it| *it != child);
        let killed: Vec<_> = orphans.filter(|orphan| kill(*orphan, Signal::SIGKILL).is_ok()).collect();
        if killed.is_empty() {
            return;
        }
        for orphan in killed {
            let _reaped = waitpid(orphan, None);
        }
    }
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

/// The children of all threads of a process.
fn children(process: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    tasks.flat_map(|task| listed(task.path())).collect()
}

/// The children of a process that starts them in its first thread, which then gets the orphans, too; by age.
pub(super) fn children_of_first_thread(process: Pid) -> Vec<Pid> {
    listed(format!("/proc/{process}/task/{process}").into())
}

/// The children of one thread; none if the kernel does not list them.
fn listed(mut task: PathBuf) -> Vec<Pid> {
    task.push("children");
    let list = fs::read_to_string(task).unwrap_or_default();
    list.split_whitespace().filter_map(|word| word.parse().ok()).map(Pid::from_raw).collect()
}
