//! A growable array in reserved address space, for metadata that lives out of band and is never moved or freed.
#![allow(unsafe_code, reason = "typed access to committed memory")]

use crate::base::units::PAGE;
use crate::sys::Errno;
use crate::sys::die::die;
use crate::sys::latch::Latch;
use crate::sys::limit::LIMIT;
use crate::sys::vm::{Reserve, Span};
use core::marker::PhantomData;
use core::ops::Range;
use core::slice;
use crossbeam_utils::CachePadded;

/// Types for which all-zero bytes are a valid value, which need no drop and may be shared between threads.
///
/// # Safety
/// The type must be as described above.
pub unsafe trait Zeroed: Sync {}

// SAFETY: an atomic is a plain number, for which all-zero bytes are valid.
unsafe impl Zeroed for crate::base::sync::AtomicU32 {}
// SAFETY: an atomic is a plain number, for which all-zero bytes are valid.
unsafe impl Zeroed for crate::base::sync::AtomicU64 {}
// SAFETY: an all-zero latch is free, and guards no value of its own.
unsafe impl Zeroed for CachePadded<Latch> {}
// SAFETY: it consists of two atomics.
unsafe impl Zeroed for super::PageLink {}

/// Tables commit in steps of this many bytes, so that growth costs few system calls; untouched parts cost no memory.
const STEP: usize = 64 * 1024;

/// See the module. All zero is the empty table.
#[derive(Debug)]
pub struct Table<T> {
    space: Reserve,
    items: PhantomData<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { space: Reserve::default(), items: PhantomData }
    }
}

// SAFETY: items are handed out only by shared reference, and they are `Sync`.
unsafe impl<T: Zeroed> Sync for Table<T> {}

impl<T: Zeroed> Table<T> {
    /// The empty table.
    pub const fn new() -> Table<T> {
        Table { space: Reserve::new(), items: PhantomData }
    }

    /// Bytes to reserve for `count` items.
    pub const fn bytes_for(count: usize) -> usize {
        (count * size_of::<T>()).next_multiple_of(STEP)
    }

    /// Cuts room for `count` items from `metadata`; returns the rest.
    pub fn settle(&self, metadata: Span, count: usize) -> Span {
        let (mine, rest) = metadata.split(Self::bytes_for(count));
        self.space.adopt(mine);
        rest
    }

    /// Gives the addresses back, if no item was ever used.
    pub fn abandon(&self) {
        self.space.abandon();
    }

    /// Gives addresses back until they are needed ([`Reserve::give_up_unused`]). The caller holds the lock that guards growth.
    pub fn give_up_unused(&self) {
        self.space.give_up_unused();
    }

    /// Bytes committed.
    pub fn committed(&self) -> usize {
        self.space.committed()
    }

    /// Items that may be used.
    pub fn len(&self) -> usize {
        self.space.committed() / size_of::<T>()
    }

    /// Whether no item may be used yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes the first `count` items usable. The caller holds the lock that guards growth.
    pub fn extend_to(&self, count: usize) -> Result<(), Errno> {
        let bytes = count * size_of::<T>();
        if bytes <= self.space.committed() {
            return Ok(());
        }
        let step = bytes.next_multiple_of(STEP).min(self.space.most());
        commit(&self.space, step).or_else(|_| commit(&self.space, bytes.next_multiple_of(PAGE)))
    }

    /// Makes exactly the first `count` items usable, to the page.
    pub fn extend_exactly(&self, count: usize) -> Result<(), Errno> {
        commit(&self.space, count * size_of::<T>())
    }

    /// The item at `index`; an index beyond the committed part is a defect of larder and ends the process.
    #[inline]
    pub fn get(&self, index: usize) -> &T {
        match self.at(index) {
            Some(item) => item,
            None => no_such_item(index, self.len()),
        }
    }

    /// The item at `index`, or `None` if that lies beyond the committed part.
    #[inline(always)]
    pub fn at(&self, index: usize) -> Option<&T> {
        if !self.has(index) {
            return None;
        }
        // SAFETY: the item lies within the committed part.
        let item = unsafe { (self.base() as *const T).add(index) };
        // SAFETY: the item lies in committed memory, which the system zeroed and which is never unmapped; the base is a page, so it is aligned.
        Some(unsafe { &*item })
    }

    /// Returns whether there is an item at `index`, without a division.
    #[inline(always)]
    fn has(&self, index: usize) -> bool {
        let size = size_of::<T>();
        if size.is_power_of_two() {
            return index < self.len();
        }
        index.checked_mul(size).is_some_and(|at| at < self.space.committed().saturating_sub(size - 1))
    }

    /// The items of a range; a range beyond the committed part ends the process.
    #[inline]
    pub fn range(&self, range: Range<usize>) -> &[T] {
        if range.start > range.end || range.end > self.len() {
            no_such_item(range.end.max(range.start), self.len());
        }
        // SAFETY: the range lies within the committed part.
        let first = unsafe { (self.base() as *const T).add(range.start) };
        // SAFETY: the items lie in committed memory, which the system zeroed and which is never unmapped; the base is a page, so they are aligned.
        unsafe { slice::from_raw_parts(first, range.len()) }
    }

    /// Address of the first item.
    #[inline(always)]
    pub fn base(&self) -> usize {
        self.space.base()
    }
}

/// Commits memory for a table. What tables add to the memory of the process is never refused, because it is small.
#[cold]
#[inline(never)]
fn commit(space: &Reserve, bytes: usize) -> Result<(), Errno> {
    let before = space.committed();
    space.commit_to(bytes)?;
    LIMIT.add(space.committed() - before);
    Ok(())
}

#[cold]
#[inline(never)]
fn no_such_item(index: usize, len: usize) -> ! {
    die(format_args!("internal: metadata index {index} is out of range ({len} items)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::sync::AtomicU64;

    struct Three([AtomicU64; 3]);
    // SAFETY: it consists of atomics.
    unsafe impl Zeroed for Three {}

    #[test]
    fn an_item_is_there_iff_all_of_it_is_committed() {
        let table = Table::<Three>::new();
        assert!(table.at(0).is_none() && table.is_empty());
        table.settle(Span::reserve(Table::<Three>::bytes_for(1000), STEP).unwrap(), 1000);
        table.extend_exactly(1).unwrap();
        let len = table.len();
        assert!(len > 0 && table.committed() > len * 24, "a part of an item is committed");
        assert!(table.at(len - 1).is_some_and(|last| last.0[2].load(crate::base::sync::Ordering::Relaxed) == 0));
        assert!([len, usize::MAX, usize::MAX / 24 + 1].iter().all(|&index| table.at(index).is_none()));
    }
}
