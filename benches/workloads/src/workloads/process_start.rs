//! The life of a process that does nothing: `/bin/true` starts, loads the allocator, and exits. The time is that of the children from start to end;
//! the memory is that of one more child just before it exits. (`ru_maxrss` of a child begins with its parent's.)
//!
//! Decided by the work of an allocator when it is loaded: relocations, system calls, and pages of its own that it touches.
#![allow(unsafe_code, reason = "traces a child from its first instruction")]

use crate::calls::Calls;
use crate::fail::fail;
use crate::figures::Watch;
use crate::memory::{Memory, peak};
use crate::run::Run;
use crate::team::Outcome;
use nix::sys::ptrace;
use nix::sys::resource::UsageWho;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt;
use std::process::Command;

const PROGRAM: &str = "/bin/true";

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let starts = run.pick(3, 100, 1_000);
    let watch = Watch::start(UsageWho::RUSAGE_CHILDREN, false);
    (0..starts).for_each(|_| start());
    let mut figures = watch.stop();
    let (highest, last) = traced().unwrap_or_else(|error| fail(format_args!("cannot trace {PROGRAM}: {error}")));
    figures.peak_rss_kib = highest;
    Outcome { operations: starts, figures, latency: None, last: Some(last) }
}

fn start() {
    let ended =
        Command::new(PROGRAM).status().unwrap_or_else(|error| fail(format_args!("cannot start {PROGRAM}: {error}")));
    if !ended.success() {
        fail(format_args!("{PROGRAM} ended with {ended}"));
    }
}

/// The peak and the memory of a child when it exits.
fn traced() -> std::io::Result<(u64, Memory)> {
    let mut command = Command::new(PROGRAM);
    // SAFETY: the closure only makes one system call, which is allowed between fork and exec.
    unsafe { command.pre_exec(|| Ok(ptrace::traceme()?)) };
    let mut child = command.spawn()?;
    let process = Pid::from_raw(child.id() as i32);
    // The child stops when it executes the program.
    waitpid(process, None)?;
    ptrace::setoptions(process, ptrace::Options::PTRACE_O_TRACEEXIT)?;
    until_exit(process)?;
    let seen = (peak(&process.to_string()), Memory::of(&process.to_string()));
    ptrace::cont(process, None)?;
    child.wait()?;
    Ok(seen)
}

fn until_exit(process: Pid) -> nix::Result<()> {
    loop {
        ptrace::cont(process, None)?;
        match waitpid(process, None)? {
            WaitStatus::PtraceEvent(..) => return Ok(()),
            WaitStatus::Stopped(..) => {}
            ended => fail(format_args!("{PROGRAM} ended early: {ended:?}")),
        }
    }
}
