//! Names for NUMA: allocating on a node, asking where an object lies, moving a node's memory.
//!
//! Nodes have the kernel's numbers, as with numactl. If this process cannot have memory of a node, the call fails with `EINVAL`.

use core::ffi::{c_int, c_void};

use larder_core::{Larder, Migration, NumaError, Placed};

use crate::MIN_ALIGN;
use crate::errno::{fail, fails, or_no_memory};

/// The allocator of a node; `None` if there is no such node.
pub(crate) fn on_node(node: c_int) -> Option<Placed> {
    Larder::on_node(usize::try_from(node).ok()?).ok()
}

#[unsafe(no_mangle)]
extern "C" fn larder_malloc_onnode(size: usize, node: c_int) -> *mut c_void {
    match on_node(node) {
        Some(place) => or_no_memory(place.memalign(MIN_ALIGN, size)),
        None => fail(libc::EINVAL),
    }
}

#[unsafe(no_mangle)]
extern "C" fn larder_malloc_interleaved(size: usize) -> *mut c_void {
    or_no_memory(Larder::interleaved().memalign(MIN_ALIGN, size))
}

/// Returns 1 if threads' own policies are followed, else 0.
#[unsafe(no_mangle)]
extern "C" fn larder_follow_policy() -> c_int {
    c_int::from(larder_core::follow_policy())
}

/// Returns -1 if the node is not known.
#[unsafe(no_mangle)]
extern "C" fn larder_node_of(object: *const c_void) -> c_int {
    larder_core::node_of(object.cast()).and_then(|node| c_int::try_from(node).ok()).unwrap_or(-1)
}

/// # Safety
/// `result` is null or writable.
#[unsafe(no_mangle)]
unsafe extern "C" fn larder_migrate_pages(from: c_int, to: c_int, result: *mut Migration) -> c_int {
    let nodes = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    match nodes.ok_or(NumaError::NoSuchNode(0)).and_then(|(from, to)| larder_core::migrate(from, to)) {
        Ok(_) if result.is_null() => 0,
        Ok(migration) => {
            // SAFETY: `result` is not null, hence writable by this function's contract.
            unsafe { result.write(migration) };
            0
        }
        Err(NumaError::NoSuchNode(_)) => fails(libc::EINVAL),
        Err(NumaError::Refused(errno)) => fails(c_int::try_from(errno).unwrap_or(libc::EPERM)),
    }
}
