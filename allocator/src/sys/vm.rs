//! Address space: reserve, commit, purge, release, remap.
//!
//! A [`Span`] is a range of addresses that larder owns. It is *reserved* (no access, no memory), and its front part may be
//! *committed* (readable and writable; memory comes by touching). *Purging* gives memory back and keeps the addresses: pages read
//! zero afterwards, iff the call succeeded (under `mlockall` it does not). *Releasing* gives the addresses back.
//! Protection and advice are only ever changed for large parts at once, so the number of mappings stays small.
#![allow(unsafe_code, reason = "system calls on memory that the token proves to be ours")]

use super::environment::{auxiliary, has_vdso};
use super::limit::LIMIT;
use super::numa::{MemoryPolicy, Refusals};
use super::{Errno, syscall};
use crate::base::sync::{AtomicUsize, Ordering};
use crate::base::units::{HUGE_PAGE, PAGE, round_up};
use core::num::NonZeroUsize;
use once_cell::race::{OnceBool, OnceNonZeroUsize};

/// The system's page size in bytes.
pub fn system_page() -> usize {
    static SIZE: OnceNonZeroUsize = OnceNonZeroUsize::new();
    SIZE.get_or_init(|| NonZeroUsize::new((auxiliary(libc::AT_PAGESZ) as usize).max(PAGE)).unwrap_or(NonZeroUsize::MIN))
        .get()
}

/// What may be said of memory without a change to its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Advice {
    /// Transparent huge pages are welcome.
    HugePages = libc::MADV_HUGEPAGE,
    /// They are not.
    NoHugePages = libc::MADV_NOHUGEPAGE,
}

/// A range of addresses that is ours alone: dropped, it stays mapped for ever.
#[derive(Debug)]
pub struct Span {
    base: usize,
    len: usize,
}

impl Span {
    /// Reserves `len` bytes aligned to `align` (a power of two, at least a page).
    pub fn reserve(len: usize, align: usize) -> Result<Span, Errno> {
        // Not `MAP_NORESERVE`: what is moved out to grow by `mremap` would never be refused for being absurd.
        Span::map_aligned(len, align, libc::PROT_NONE, 0)
    }

    /// Maps `len` readable and writable zero bytes in huge pages of `page` bytes (a power of two) from the system's pool, if it has them.
    pub fn map_from_pool(len: usize, page: usize) -> Result<Span, Errno> {
        let flags = libc::MAP_HUGETLB | ((page.trailing_zeros() as i32) << libc::MAP_HUGE_SHIFT);
        syscall::map_anonymous(len, libc::PROT_READ | libc::PROT_WRITE, flags).map(|base| Span { base, len })
    }

    /// Advises about all of it; a refusal is harmless.
    pub fn advise(&self, advice: Advice) {
        // SAFETY: such advice keeps contents.
        let _refused_is_harmless = unsafe { syscall::advise(self.base, self.len, advice as i32) };
    }

    /// Maps `len` readable and writable zero bytes aligned to `align` (a power of two, at least a page).
    pub fn map(len: usize, align: usize) -> Result<Span, Errno> {
        Span::map_aligned(len, align, libc::PROT_READ | libc::PROT_WRITE, 0)
    }

    fn map_aligned(len: usize, align: usize, protection: i32, flags: i32) -> Result<Span, Errno> {
        let page = system_page();
        let len = round_up(len, page).ok_or(Errno(libc::ENOMEM))?;
        if align <= page {
            return syscall::map_anonymous(len, protection, flags).map(|base| Span { base, len });
        }
        let padded = len.checked_add(align - page).ok_or(Errno(libc::ENOMEM))?;
        let start = syscall::map_anonymous(padded, protection, flags)?;
        Ok(Span { base: start, len: padded }.trimmed(align, len))
    }

    /// Cuts the span to `len` bytes at the first multiple of `align` and releases the rest.
    fn trimmed(self, align: usize, len: usize) -> Span {
        let base = (self.base + align - 1) & !(align - 1);
        let (before, after) = (base - self.base, self.base + self.len - base - len);
        if before > 0 {
            Span { base: self.base, len: before }.release();
        }
        if after > 0 {
            Span { base: base + len, len: after }.release();
        }
        Span { base, len }
    }

    /// First address.
    pub fn base(&self) -> usize {
        self.base
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Gives the span a memory policy ([`Refusals::bind`]).
    pub fn bind(&self, refusals: &Refusals, policy: &MemoryPolicy, home: usize) -> Result<(), Errno> {
        refusals.bind(self.base, self.len, policy, home)
    }

    /// Gives the span the thread's own policy again ([`Refusals::unbind`]).
    pub fn unbind(&self, refusals: &Refusals) -> Result<(), Errno> {
        refusals.unbind(self.base, self.len)
    }

    /// Splits into the first `len` bytes (a multiple of the page) and the rest.
    pub fn split(self, len: usize) -> (Span, Span) {
        let len = len.min(self.len);
        (Span { base: self.base, len }, Span { base: self.base + len, len: self.len - len })
    }

    /// Whether the two lie side by side.
    pub fn touches(&self, other: &Span) -> bool {
        self.base + self.len == other.base || other.base + other.len == self.base
    }

    /// Of two that lie side by side, one.
    pub fn join(self, other: Span) -> Span {
        Span { base: self.base.min(other.base), len: self.len + other.len }
    }

    /// Gives the memory of a readable and writable span back and keeps the addresses; iff it succeeds they read zero.
    pub fn purge(&self) -> Result<(), Errno> {
        // SAFETY: the token is the only one for the range, and who holds it needs no contents.
        unsafe { discard(self.base, self.len) }
    }

    /// Gives the addresses back. If the kernel refuses, for that would make one mapping too many, they are lost; but their memory is not.
    pub fn release(self) {
        // SAFETY: the token is the only one for the range and ends here.
        let unmapped = unsafe { syscall::unmap(self.base, self.len) };
        if unmapped.is_err() {
            let _locked_memory_stays = self.purge();
        }
    }

    /// Grows or shrinks to `len` bytes, moving if need be; contents up to the smaller length are kept. On failure nothing changed.
    pub fn resize(self, len: usize, may_move: bool) -> Result<Span, Span> {
        self.try_resize(len, may_move).map_err(|(span, _)| span)
    }

    /// The same, and why it failed.
    fn try_resize(self, len: usize, may_move: bool) -> Result<Span, (Span, Errno)> {
        let Some(len) = round_up(len, system_page()) else { return Err((self, Errno(libc::EINVAL))) };
        let flags = if may_move { libc::MREMAP_MAYMOVE } else { 0 };
        // SAFETY: the token is the only one for the range; the new token replaces it.
        match unsafe { syscall::remap(self.base, self.len, len, flags) } {
            Ok(base) => Ok(Span { base, len }),
            Err(error) => Err((self, error)),
        }
    }

    /// Grows to `len` bytes and on to a multiple of `end`, where it ends; if it must move, then to a multiple of `align` (both powers of two, and `align` at
    /// least a page and at least the other).
    ///
    /// A place is reserved for it first, and if the kernel refuses to move it there that place is lost: whether it was unmapped already nobody can tell. So
    /// none is where the attempt in place shows that the mapping cannot be moved either, as one in which the program changed protection or advice; nor
    /// where addresses are bounded: both would count.
    pub fn grow_aligned(self, len: usize, end: usize, align: usize) -> Result<Span, Span> {
        let Some(last) = self.base.checked_add(len).and_then(|last| round_up(last, end)) else { return Err(self) };
        let in_place = last - self.base;
        let span = match self.try_resize(in_place, false) {
            Ok(span) => return Ok(span),
            // No room behind it, or for it.
            Err((span, Errno(libc::ENOMEM))) => span,
            Err((span, _)) => return Err(span),
        };
        let Some(len) = round_up(len, end.max(system_page())) else { return Err(span) };
        if syscall::address_space_limit() != usize::MAX {
            return Err(span);
        }
        let Ok(place) = Span::reserve(len, align) else { return Err(span) };
        // SAFETY: both tokens are the only ones for their ranges. If it succeeds the one of the place stands for both; if not, the place may be gone
        // already, and others' by now: its token, which then ends nothing, leaves it as it is.
        match unsafe { syscall::remap_to(span.base, span.len, place.len, place.base) } {
            Ok(()) => Ok(place),
            Err(_) => Err(span),
        }
    }

    /// Has memory put behind the page at an offset, unless the program has forbidden to write there, or the kernel is older than 5.14.
    pub fn populate_at(&self, offset: usize) {
        let page = system_page();
        // SAFETY: contents stay as they are.
        let _refused_is_harmless = unsafe { syscall::advise(self.base + offset, page, libc::MADV_POPULATE_WRITE) };
    }

    /// Whether the page around an offset holds anything but zeros; not if it cannot be read, for the program may have protected it.
    pub fn is_written_at(&self, offset: usize) -> bool {
        let page = (self.base + offset) & !(PAGE - 1);
        if offset >= self.len || !syscall::is_readable(page as *const u32) {
            return false;
        }
        // SAFETY: the token is the only one for the range, in which this page lies, and it can be read.
        let words = unsafe { core::slice::from_raw_parts(page as *const u64, PAGE / size_of::<u64>()) };
        words.iter().any(|&word| word != 0)
    }

    /// Takes the token apart, for a table that keeps it as numbers.
    pub fn into_raw(self) -> (usize, usize) {
        (self.base, self.len)
    }

    /// Puts a token together again.
    ///
    /// # Safety
    /// The numbers are from `into_raw`, and only one token is made of them.
    pub unsafe fn from_raw(base: usize, len: usize) -> Span {
        Span { base, len }
    }
}

/// A reserved span kept in shared metadata: commit grows its front part. All zero is the empty reserve.
#[derive(Debug, Default)]
pub struct Reserve {
    base: AtomicUsize,
    len: AtomicUsize,
    committed: AtomicUsize,
    /// Bytes that there may be: those that were only given up until they are needed among them.
    most: AtomicUsize,
}

impl Reserve {
    /// The empty reserve.
    pub const fn new() -> Reserve {
        let [base, len, committed, most] = [const { AtomicUsize::new(0) }; 4];
        Reserve { base, len, committed, most }
    }

    /// Takes over `span`; made once, before anyone else looks (boot publishes it).
    pub fn adopt(&self, span: Span) {
        self.base.store(span.base, Ordering::Relaxed);
        self.len.store(span.len, Ordering::Relaxed);
        self.most.store(span.len, Ordering::Relaxed);
    }

    /// Gives it back, where nothing of it was ever committed. Of two who do so at once one does: who takes the length.
    pub fn abandon(&self) {
        let len = self.len.swap(0, Ordering::Relaxed);
        if len > 0 {
            Span { base: self.base.swap(0, Ordering::Relaxed), len }.release();
        }
    }

    /// First address.
    #[inline(always)]
    pub fn base(&self) -> usize {
        self.base.load(Ordering::Relaxed)
    }

    /// Bytes reserved.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Bytes that there may be.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// Bytes committed. Acquire: pairs with the Release in `commit_to`, so that what was written before is seen.
    #[inline(always)]
    pub fn committed(&self) -> usize {
        self.committed.load(Ordering::Acquire)
    }

    /// Makes the first `len` bytes (rounded up to a page) accessible; what was given up of them is reserved again, if nobody else has it. The caller
    /// holds the lock that guards growth.
    pub fn commit_to(&self, len: usize) -> Result<(), Errno> {
        let from = self.committed.load(Ordering::Relaxed);
        let to = round_up(len, system_page()).filter(|&to| to <= self.most()).ok_or(Errno(libc::ENOMEM))?;
        if to > self.len() {
            self.regain(to)?;
        }
        if to > from {
            // SAFETY: the range is within our reservation, and access is only added.
            unsafe { syscall::protect(self.base() + from, to - from, libc::PROT_READ | libc::PROT_WRITE) }?;
            self.committed.store(to, Ordering::Release);
        }
        Ok(())
    }

    #[cold]
    fn regain(&self, len: usize) -> Result<(), Errno> {
        syscall::reserve_at(self.base() + self.len(), len - self.len())?;
        self.len.store(len, Ordering::Relaxed);
        Ok(())
    }

    /// Gives the last `bytes` back for good, if as many are not committed; what they are used for then is somebody else's matter. The caller holds the
    /// lock that guards growth.
    pub fn give_up(&self, bytes: usize) -> bool {
        let (len, page) = (self.len(), system_page());
        let left = len.saturating_sub(bytes) / page * page;
        if left < self.committed() {
            return false;
        }
        self.most.store(left, Ordering::Relaxed);
        self.cut_to(left);
        true
    }

    /// Gives all back that is not committed, until it is needed. The caller holds the lock that guards growth.
    pub fn give_up_unused(&self) {
        self.cut_to(self.committed());
    }

    fn cut_to(&self, left: usize) {
        let len = self.len.swap(left, Ordering::Relaxed);
        if len > left {
            Span { base: self.base() + left, len: len - left }.release();
        }
    }

    /// Gives the memory of a part back; iff it succeeds the part reads zero.
    ///
    /// # Safety
    /// The part is committed and nobody needs its contents.
    pub unsafe fn purge(&self, offset: usize, len: usize) -> Result<(), Errno> {
        let page = system_page();
        if !(offset | len).is_multiple_of(page) {
            return Err(Errno(libc::EINVAL));
        }
        if LIMIT.is_watched() {
            self.part_huge_pages(offset, len);
        }
        // SAFETY: the caller owns the part.
        unsafe { discard(self.base() + offset, len) }
    }

    /// Has the kernel split the transparent huge pages that a part covers only partly. It charges one of which a piece is given back in whole,
    /// until it must reclaim, and may not get to it before it kills. To look at the pages of such a piece as cold it has to split it now.
    fn part_huge_pages(&self, offset: usize, len: usize) {
        if !((self.base() + offset) | len).is_multiple_of(HUGE_PAGE) {
            // SAFETY: such advice keeps contents.
            let _refused_is_harmless = unsafe { syscall::advise(self.base() + offset, len, libc::MADV_COLD) };
        }
    }

    /// Advises about a part of the reservation; a refusal is harmless.
    pub fn advise(&self, offset: usize, len: usize, advice: Advice) {
        // SAFETY: such advice keeps contents.
        let _refused_is_harmless = unsafe { syscall::advise(self.base() + offset, len, advice as i32) };
    }

    /// Moves the pages of a part into a span of its own; the part stays mapped and reads zero afterwards. Not where it is locked: the kernel would unlock
    /// the whole mapping it lies in, not this part alone, and count it as locked for ever.
    ///
    /// # Safety
    /// The part is committed and owned by the caller.
    pub unsafe fn move_out(&self, offset: usize, len: usize) -> Result<Span, Errno> {
        if self.is_locked(offset + len) {
            return Err(Errno(libc::EPERM));
        }
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP;
        // SAFETY: the caller owns the part; its addresses stay mapped.
        unsafe { syscall::remap(self.base() + offset, len, len, flags) }.map(|base| Span { base, len })
    }

    /// Whether the last page before an offset is locked (`mlock`, `mlockall`): then such advice is refused.
    fn is_locked(&self, end: usize) -> bool {
        let page = system_page();
        // SAFETY: such advice keeps contents.
        let advised = unsafe { syscall::advise(self.base() + end - page, page, libc::MADV_COLD) };
        advised == Err(Errno(libc::EINVAL))
    }
}

impl Reserve {
    /// Moves a span's pages to a part of the reserve; or copies them, where the system refuses (near `vm.max_map_count`, before it changes anything).
    ///
    /// # Safety
    /// The part is committed, as long as the span, and owned by the caller.
    pub unsafe fn move_in(&self, offset: usize, span: Span) {
        let to = self.base() + offset;
        // SAFETY: the caller owns the part; the span's token ends here.
        if unsafe { syscall::remap_to(span.base, span.len, span.len, to) }.is_err() {
            // SAFETY: both are ours, as long, and apart.
            unsafe { core::ptr::copy_nonoverlapping(span.base as *const u8, to as *mut u8, span.len) };
            span.release();
        }
    }
}

/// Whether advice to discard pages is taken; an emulator may answer that it is, and do nothing (qemu-user before 7.1).
static IS_DISCARDED: OnceBool = OnceBool::new();

/// Gives memory back; iff it succeeds the range reads zero.
///
/// # Safety
/// The range is ours, and nobody needs its contents.
unsafe fn discard(address: usize, len: usize) -> Result<(), Errno> {
    if !IS_DISCARDED.get_or_init(try_to_discard) {
        return Err(Errno(libc::ENOSYS));
    }
    // SAFETY: as the caller says.
    unsafe { syscall::advise(address, len, libc::MADV_DONTNEED) }
}

/// Tries it with a page of its own, once.
#[cold]
fn try_to_discard() -> bool {
    let Ok(span) = Span::map(system_page(), system_page()) else { return true };
    let word = span.base as *mut u64;
    // SAFETY: the page was just mapped, and nobody else knows it.
    unsafe { word.write_volatile(1) };
    // SAFETY: the same, and it is not needed.
    let refused = unsafe { syscall::advise(span.base, span.len, libc::MADV_DONTNEED) }.is_err();
    // SAFETY: it is mapped still.
    let is_zero = unsafe { word.read_volatile() } == 0;
    span.release();
    refused || is_zero
}

/// Whether the kernel wipes pages at fork, as far as it says so for none; qemu before 7.1 says yes to everything and has no vDSO.
#[inline(always)]
pub fn wipes_on_fork() -> bool {
    // SAFETY: advice about nothing.
    has_vdso() && unsafe { syscall::advise(0, 0, libc::MADV_WIPEONFORK) }.is_ok()
}

/// One page that reads zero in a forked child (or `None` where the kernel cannot do that).
pub fn wipe_on_fork_page() -> Option<usize> {
    let span = Span::map(system_page(), system_page()).ok()?;
    // SAFETY: the range was just mapped; the advice acts at fork only.
    let wiped = unsafe { syscall::advise(span.base, span.len, libc::MADV_WIPEONFORK) };
    match wiped {
        Ok(()) => Some(span.into_raw().0),
        Err(_) => {
            span.release();
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight of them are all the addresses there are.
    const MANY: usize = 16 << 40;

    #[test]
    fn what_was_given_up_is_had_again_if_nobody_else_has_it() {
        const LEN: usize = 4 * HUGE_PAGE;
        /// Far below what the kernel chooses for others.
        const BASE: usize = 1 << 40;
        let reserve = Reserve::new();
        syscall::reserve_at(BASE, LEN).unwrap();
        reserve.adopt(Span { base: BASE, len: LEN });
        reserve.commit_to(HUGE_PAGE).unwrap();
        reserve.give_up_unused();
        assert_eq!((reserve.len(), reserve.most()), (HUGE_PAGE, LEN));
        let (others, page) = (reserve.base() + 2 * HUGE_PAGE, system_page());
        syscall::reserve_at(others, page).unwrap();
        assert!(reserve.commit_to(3 * HUGE_PAGE).is_err() && reserve.commit_to(2 * HUGE_PAGE).is_ok());
        // SAFETY: it was reserved above.
        unsafe { syscall::unmap(others, page) }.unwrap();
        assert!(reserve.commit_to(LEN).is_ok() && reserve.commit_to(LEN + page).is_err());
        assert_eq!((reserve.len(), reserve.committed()), (LEN, LEN));
        assert!(!reserve.give_up(page));
    }

    #[test]
    fn of_two_who_abandon_it_at_once_one_gives_it_back() {
        extern crate std;
        const BASE: usize = 2 << 40;
        const ROUNDS: usize = 100_000;
        let (reserve, arrived) = (Reserve::new(), AtomicUsize::new(0));
        // Each comes twice to a round, and waits there for the other without going to sleep.
        let meet = |meeting: usize| {
            arrived.fetch_add(1, Ordering::SeqCst);
            while arrived.load(Ordering::SeqCst) < 2 * meeting {
                std::thread::yield_now();
            }
        };
        let abandon = |round: usize| {
            meet(2 * round + 1);
            reserve.abandon();
            meet(2 * round + 2);
        };
        let mut lost = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| (0..ROUNDS).for_each(abandon));
            for round in 0..ROUNDS {
                lost += usize::from(syscall::reserve_at(BASE, PAGE).is_err());
                reserve.adopt(Span { base: BASE, len: PAGE });
                abandon(round);
            }
        });
        assert_eq!(lost, 0);
    }

    #[test]
    fn a_mapping_that_cannot_be_moved_costs_no_addresses() {
        let mut span = Span::map(4 * HUGE_PAGE, HUGE_PAGE).unwrap();
        // SAFETY: the range is the span's, and nobody reads it.
        unsafe { syscall::protect(span.base() + HUGE_PAGE, PAGE, libc::PROT_NONE) }.unwrap();
        for _ in 0..8 {
            span = span.grow_aligned(MANY, PAGE, HUGE_PAGE).unwrap_err();
        }
        span.release();
        Span::reserve(MANY, HUGE_PAGE).unwrap().release();
    }
}
