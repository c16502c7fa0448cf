//! An observer is confined before it looks at the other process's memory: whoever writes there must not gain anything from what a reader with more rights
//! makes of it. It may read files, map memory that is not executable, and write to what is open. For any other system call the kernel ends it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use nix::libc;
use seccompiler::SeccompCmpArgLen::{self, Dword, Qword};
use seccompiler::SeccompCmpOp::{self, Eq, MaskedEq};
use seccompiler::{BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule};

/// What needs no look at its arguments.
const HARMLESS: [i64; 19] = [
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_munmap,
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_clock_gettime,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Confines this process for good.
pub(super) fn confine() -> Result<()> {
    let program = filter().context("the filter of system calls")?;
    seccompiler::apply_filter(&program).context("this system does not let a process confine itself (seccomp)")
}

fn filter() -> Result<BpfProgram> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = HARMLESS.iter().map(|&call| (call, vec![])).collect();
    let writing = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC;
    rules.insert(libc::SYS_mmap, only_if(2, Dword, MaskedEq(libc::PROT_EXEC as u64), 0)?);
    rules.insert(libc::SYS_openat, only_if(2, Dword, MaskedEq(writing as u64), 0)?);
    // Rust's debug builds look at a descriptor before they close it.
    rules.insert(libc::SYS_fcntl, only_if(1, Dword, Eq, libc::F_GETFD as u64)?);
    // Without nodes it only asks where pages lie.
    rules.insert(libc::SYS_move_pages, only_if(3, Qword, Eq, 0)?);
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture)?;
    Ok(filter.try_into()?)
}

/// The rule for a call that is allowed with one value of an argument.
fn only_if(argument: u8, width: SeccompCmpArgLen, how: SeccompCmpOp, value: u64) -> Result<Vec<SeccompRule>> {
    let condition = SeccompCondition::new(argument, width, how, value)?;
    Ok(vec![SeccompRule::new(vec![condition])?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    /// How a confined child ends that does this.
    fn end_of(deed: fn()) -> WaitStatus {
        // SAFETY: the child makes system calls and allocates, which glibc allows after a fork, and ends.
        match unsafe { fork() }.unwrap() {
            ForkResult::Parent { child } => waitpid(child, None).unwrap(),
            ForkResult::Child => {
                confine().unwrap();
                deed();
                // SAFETY: ends the process.
                unsafe { libc::_exit(7) }
            }
        }
    }

    #[test]
    fn the_confined_read_and_do_nothing_else() {
        let ends_well = |end| matches!(end, WaitStatus::Exited(_, 7));
        let is_ended = |end| matches!(end, WaitStatus::Signaled(_, Signal::SIGSYS, _));
        assert!(ends_well(end_of(|| drop(std::fs::read("/proc/self/smaps_rollup").unwrap()))));
        assert!(is_ended(end_of(|| drop(std::fs::File::create("/dev/null")))));
        assert!(is_ended(end_of(|| drop(std::net::TcpListener::bind("127.0.0.1:0")))));
        assert!(is_ended(end_of(|| nix::sys::signal::kill(nix::unistd::getpid(), None).unwrap())));
        let executable = || {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            // SAFETY: a new mapping.
            unsafe { libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_EXEC, flags, -1, 0) };
        };
        assert!(is_ended(end_of(executable)));
    }
}
