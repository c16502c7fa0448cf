//! The kernel's NUMA calls, and what it refused.
//!
//! Sandboxes refuse them: Docker's default filter permits neither `mbind` nor `get_mempolicy`. A call that was refused is remembered and not made
//! again, and larder does without its effect: pages then lie where they are first touched. Any error is taken for a refusal, except from calls that
//! name nodes, which the process may have lost since: from those, only the errors that sandboxes give.

use super::file::each_line;
use super::nodeset::NodeSet;
use super::{Errno, syscall};
use crate::base::sync::{AtomicU32, Ordering};

/// A call that may be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumaCall {
    /// `get_mempolicy`.
    GetMempolicy,
    /// `mbind`.
    Mbind,
    /// `move_pages`.
    MovePages,
    /// `set_mempolicy_home_node`, since Linux 5.17.
    SetHomeNode,
}

impl NumaCall {
    /// All of them.
    pub const ALL: [NumaCall; CALLS] =
        [NumaCall::GetMempolicy, NumaCall::Mbind, NumaCall::MovePages, NumaCall::SetHomeNode];

    /// The call's name.
    pub fn name(self) -> &'static str {
        ["get_mempolicy", "mbind", "move_pages", "set_mempolicy_home_node"][self as usize]
    }
}

const CALLS: usize = 4;

/// What was refused in this process: an errno for each call, 0 if it was not refused.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU32; CALLS]);

impl Refusals {
    /// Nothing refused.
    pub const fn new() -> Refusals {
        Refusals([const { AtomicU32::new(0) }; CALLS])
    }
}

impl Refusals {
    /// Makes the call unless it was refused before, and remembers it if it is refused now.
    pub fn attempt<T>(&self, which: NumaCall, call: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        // A lack of memory passes.
        self.attempt_unless(which, |errno| errno != Errno(libc::ENOMEM), call)
    }

    /// The same for a call that names nodes: it is not a refusal that one of them was lost.
    pub fn attempt_on_nodes<T>(&self, which: NumaCall, call: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        self.attempt_unless(which, |errno| matches!(errno, Errno(libc::EPERM | libc::ENOSYS)), call)
    }

    /// Gives a policy to addresses of ours, for pages that are touched from now on. If a strict policy names several nodes, `home` is the first to be
    /// tried. If the kernel cannot be told that (before Linux 5.17), returns an error, and the first is that of the thread that touches a page first.
    pub fn bind(&self, address: usize, len: usize, policy: &MemoryPolicy, home: usize) -> Result<(), Errno> {
        self.attempt_on_nodes(NumaCall::Mbind, || bind(address, len, policy))?;
        match policy {
            MemoryPolicy::Bind(nodes) if nodes.len() > 1 => {
                self.attempt_on_nodes(NumaCall::SetHomeNode, || syscall::set_home_node(address, len, home))
            }
            _ => Ok(()),
        }
    }

    /// Gives addresses of ours the policy of the thread that touches them first.
    pub fn unbind(&self, address: usize, len: usize) -> Result<(), Errno> {
        let default = || syscall::bind(address, len, libc::MPOL_DEFAULT, NodeSet::EMPTY.words());
        self.attempt_on_nodes(NumaCall::Mbind, default)
    }

    fn attempt_unless<T>(
        &self,
        which: NumaCall,
        is_refusal: impl FnOnce(Errno) -> bool,
        call: impl FnOnce() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let before = self.errno_of(which);
        if before != 0 {
            return Err(Errno(before as i32));
        }
        let result = call();
        if let Err(errno) = result
            && is_refusal(errno)
        {
            self.0[which as usize].store(errno.0 as u32, Ordering::Relaxed);
        }
        result
    }

    /// Returns the errno for which the call is no longer made; 0 if it is still made.
    pub fn errno_of(&self, which: NumaCall) -> u32 {
        self.0[which as usize].load(Ordering::Relaxed)
    }
}

/// A memory policy, without the distinctions that make no difference to larder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPolicy {
    /// On the node that the thread runs on.
    Local,
    /// On the nearest of these nodes, else on others.
    Preferred(NodeSet),
    /// On these nodes and no others, the nearest first.
    Bind(NodeSet),
    /// Page by page over these nodes.
    Interleave(NodeSet),
}

impl MemoryPolicy {
    /// Returns a number that tells policies apart, never 0.
    pub fn digest(&self) -> u64 {
        const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
        let (kind, nodes) = match self {
            MemoryPolicy::Local => (1, &NodeSet::EMPTY),
            MemoryPolicy::Preferred(nodes) => (2, nodes),
            MemoryPolicy::Bind(nodes) => (3, nodes),
            MemoryPolicy::Interleave(nodes) => (4, nodes),
        };
        // The kind is mixed in first, so that it is not mistaken for a small node number.
        let mix = |sum: u64, word: u64| {
            let product = (sum ^ word).wrapping_mul(MIX);
            product ^ product >> 29
        };
        nodes.words().iter().fold(mix(kind, 0), |sum, word| mix(sum, *word)).max(1)
    }
}

const PREFERRED_MANY: i32 = 5;
const WEIGHTED_INTERLEAVE: i32 = 6;
const FLAGS: i32 = libc::MPOL_F_STATIC_NODES | libc::MPOL_F_RELATIVE_NODES | libc::MPOL_F_NUMA_BALANCING;
const MEMS_ALLOWED: usize = 1 << 2;

/// Returns the calling thread's policy: at boot, the one that `numactl` gave the process.
pub fn own_policy() -> Result<MemoryPolicy, Errno> {
    let (mode, words) = syscall::memory_policy(0)?;
    let nodes = NodeSet::from_words(words);
    Ok(match mode & !FLAGS {
        libc::MPOL_PREFERRED | PREFERRED_MANY if !nodes.is_empty() => MemoryPolicy::Preferred(nodes),
        libc::MPOL_BIND => MemoryPolicy::Bind(nodes),
        libc::MPOL_INTERLEAVE | WEIGHTED_INTERLEAVE => MemoryPolicy::Interleave(nodes),
        _ => MemoryPolicy::Local,
    })
}

/// Returns the nodes from which the process may have memory (its cpuset).
pub fn allowed_nodes() -> Result<NodeSet, Errno> {
    syscall::memory_policy(MEMS_ALLOWED).map(|(_, words)| NodeSet::from_words(words))
}

/// [`allowed_nodes`] according to `/proc`, where the call is refused.
#[inline(never)]
pub fn allowed_nodes_by_proc() -> Option<NodeSet> {
    let (mut buffer, mut nodes) = ([0; 4096], None);
    // Other lines may not be text (the program's name), or may be long (the groups).
    let read = each_line(format_args!("/proc/self/status"), &mut buffer, |line| {
        let list = line.strip_prefix("Mems_allowed_list:");
        nodes = list.and_then(|list| NodeSet::parse(list, ','));
        list.is_none()
    });
    read.ok().and(nodes)
}

/// Binds to exactly the nodes that are named, whatever becomes of the process's cpuset. Otherwise the kernel would take others for them while the
/// cpuset is smaller, and would not come back to them when it has grown again.
fn bind(address: usize, len: usize, policy: &MemoryPolicy) -> Result<(), Errno> {
    let bind = |mode, nodes: &NodeSet| syscall::bind(address, len, mode | libc::MPOL_F_STATIC_NODES, nodes.words());
    match policy {
        MemoryPolicy::Local => syscall::bind(address, len, libc::MPOL_LOCAL, NodeSet::EMPTY.words()),
        MemoryPolicy::Preferred(nodes) => bind(libc::MPOL_PREFERRED, nodes),
        MemoryPolicy::Interleave(nodes) => bind(libc::MPOL_INTERLEAVE, nodes),
        MemoryPolicy::Bind(nodes) => bind(libc::MPOL_BIND, nodes),
    }
}

/// Number of pages asked about in one call: those of a huge page, which move together.
pub const BATCH: usize = 512;

/// Tells for each page the node where it lies, or a negative errno: `-ENOENT` if it was never touched.
pub fn places_of(pages: &[usize], places: &mut [i32]) -> Result<(), Errno> {
    places.fill(-libc::ENOENT);
    syscall::move_pages(pages, None, places).map(drop)
}

/// Number of attempts for pages that are busy: whatever had isolated them, such as khugepaged, has mostly finished by then.
const ATTEMPTS: usize = 4;

/// Moves pages (at most [`BATCH`]) to a node. Tells for each the node where it lies then, or a negative errno.
pub fn move_to(pages: &[usize], node: usize, said: &mut [i32]) -> Result<(), Errno> {
    try_to_move(pages, node, said)?;
    for attempt in 1..ATTEMPTS {
        // The kernel gives up at a huge page for which there is no room, but it has split the page: its pieces may be moved at the second attempt.
        let again = said.contains(&-libc::EBUSY) || attempt == 1 && said.contains(&-libc::ENOMEM);
        if !again {
            break;
        }
        try_to_move(pages, node, said)?;
    }
    Ok(())
}

/// Makes one attempt. What the kernel says of single pages is not the whole truth: once it has given up it says nothing, and of a huge page it calls
/// the second page busy, which the first then takes along. So the pages are looked up afterwards.
fn try_to_move(pages: &[usize], node: usize, said: &mut [i32]) -> Result<(), Errno> {
    said.fill(-libc::ENOENT);
    // First the nodes that are asked for, then those where the pages lie.
    let mut nodes = [node as i32; BATCH];
    let gave_up = match syscall::move_pages(pages, Some(&nodes), said) {
        Ok(0) => None,
        Ok(_) => Some(-libc::EBUSY),
        Err(Errno(libc::ENOMEM)) => Some(-libc::ENOMEM),
        Err(errno) => return Err(errno),
    };
    places_of(pages, &mut nodes)?;
    for (said, place) in said.iter_mut().zip(nodes) {
        let is_settled = place < 0 || place == node as i32;
        *said = if is_settled { place } else { gave_up.unwrap_or(*said) };
    }
    Ok(())
}

#[cfg(test)]
#[allow(unsafe_code, reason = "a system call for this thread")]
mod tests {
    use super::*;
    extern crate std;
    use std::collections::BTreeSet;
    use std::vec::Vec;

    #[test]
    fn a_policy_is_what_it_is_whatever_its_flags() {
        let first = NodeSet::of(0);
        for (mode, policy) in [
            (libc::MPOL_BIND | libc::MPOL_F_STATIC_NODES, MemoryPolicy::Bind(first)),
            (libc::MPOL_INTERLEAVE | libc::MPOL_F_RELATIVE_NODES, MemoryPolicy::Interleave(first)),
            (libc::MPOL_BIND | libc::MPOL_F_NUMA_BALANCING, MemoryPolicy::Bind(first)),
            (libc::MPOL_PREFERRED, MemoryPolicy::Preferred(first)),
            (libc::MPOL_DEFAULT, MemoryPolicy::Local),
        ] {
            let nodes = if mode == libc::MPOL_DEFAULT { NodeSet::EMPTY } else { first };
            // SAFETY: sets the policy of this test's own thread. The test goes on without it if the kernel refuses, or does not know the flag.
            if unsafe { libc::syscall(libc::SYS_set_mempolicy, mode, nodes.words(), 1025_usize) } == 0 {
                assert_eq!(own_policy(), Ok(policy), "mode {mode:#x}");
            }
        }
    }

    #[test]
    fn what_is_refused_is_not_asked_again_but_for_want_of_memory() {
        let (refusals, mut calls) = (Refusals::new(), 0);
        for (errno, calls_then) in [(libc::ENOMEM, 1), (libc::ENOMEM, 2), (libc::EPERM, 3), (libc::EPERM, 3)] {
            let refused = refusals.attempt(NumaCall::Mbind, || {
                calls += 1;
                Err::<(), _>(Errno(errno))
            });
            assert_eq!((refused, calls), (Err(Errno(errno)), calls_then));
        }
        assert_eq!(NumaCall::ALL.map(|call| refusals.errno_of(call)), [0, libc::EPERM as u32, 0, 0]);
    }

    #[test]
    fn a_node_that_was_lost_is_no_refusal() {
        let refusals = Refusals::new();
        for (errno, remembered) in
            [(libc::EACCES, 0), (libc::ENODEV, 0), (libc::EINVAL, 0), (libc::ENOSYS, libc::ENOSYS)]
        {
            let result = refusals.attempt_on_nodes(NumaCall::MovePages, || Err::<(), _>(Errno(errno)));
            assert_eq!(result, Err(Errno(errno)));
            assert_eq!(refusals.errno_of(NumaCall::MovePages), remembered as u32);
        }
    }

    #[test]
    fn digests_tell_policies_apart() {
        let of = |set| [MemoryPolicy::Preferred(set), MemoryPolicy::Bind(set), MemoryPolicy::Interleave(set)];
        let sets = (1_u64..256).chain((3..64).map(|node| 1 << node)).collect::<BTreeSet<_>>();
        let policies: Vec<_> = sets
            .iter()
            .flat_map(|&low| [0, 1, 15].map(|word| core::array::from_fn(|index| if index == word { low } else { 0 })))
            .flat_map(|words| of(NodeSet::from_words(words)))
            .chain([MemoryPolicy::Local])
            .collect();
        let digests: BTreeSet<_> = policies.iter().map(MemoryPolicy::digest).collect();
        assert_eq!(digests.len(), policies.len());
        assert!(!digests.contains(&0));
    }
}
