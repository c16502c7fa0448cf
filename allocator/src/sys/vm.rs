//! Address space: reserve, commit, purge, release, remap.
//!
//! A [`Span`] is a range of addresses that larder owns. It is *reserved* (no access, no memory), and its front part may be *committed* (readable and
//! writable; memory comes when it is touched). *Purging* gives memory back and keeps the addresses: afterwards pages read zero iff the call succeeded
//! (under `mlockall` it does not). *Releasing* gives the addresses back. Protection and advice are only ever changed for large parts at once, so the
//! number of mappings stays small.
#![allow(unsafe_code, reason = "system calls on memory that the token proves to be ours")]

use super::environment::{auxiliary, has_vdso};
use super::limit::LIMIT;
use super::numa::{MemoryPolicy, Refusals};
use super::{Errno, syscall};
use crate::base::sync::{AtomicUsize, Ordering};
use crate::base::units::{HUGE_PAGE, PAGE, round_up};
use core::num::NonZeroUsize;
use once_cell::race::{OnceBool, OnceNonZeroUsize};

/// Returns the system's page size in bytes.
pub fn system_page() -> usize {
    static SIZE: OnceNonZeroUsize = OnceNonZeroUsize::new();
    SIZE.get_or_init(|| NonZeroUsize::new((auxiliary(libc::AT_PAGESZ) as usize).max(PAGE)).unwrap_or(NonZeroUsize::MIN))
        .get()
}

/// Advice about memory that does not change its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Advice {
    /// Transparent huge pages are welcome.
    HugePages = libc::MADV_HUGEPAGE,
    /// They are not.
    NoHugePages = libc::MADV_NOHUGEPAGE,
}

/// A range of addresses that is ours alone. If it is dropped, it stays mapped for ever.
#[derive(Debug)]
pub struct Span {
    base: usize,
    len: usize,
}

impl Span {
    /// Reserves `len` bytes aligned to `align` (a power of two, at least a page).
    pub fn reserve(len: usize, align: usize) -> Result<Span, Errno> {
        // Not `MAP_NORESERVE`: what is moved out of such a mapping and grows by `mremap` would never be refused, however absurd its size.
        Span::map_aligned(len, align, libc::PROT_NONE, 0)
    }

    /// Maps `len` readable and writable zero bytes in huge pages of `page` bytes (a power of two) from the system's pool, if it has them.
    pub fn map_from_pool(len: usize, page: usize) -> Result<Span, Errno> {
        let flags = libc::MAP_HUGETLB | ((page.trailing_zeros() as i32) << libc::MAP_HUGE_SHIFT);
        syscall::map_anonymous(len, libc::PROT_READ | libc::PROT_WRITE, flags).map(|base| Span { base, len })
    }

    /// Gives advice about all of it; a refusal is harmless.
    pub fn advise(&self, advice: Advice) {
        // SAFETY: every [`Advice`] keeps contents.
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

    /// Cuts the span down to `len` bytes from the first multiple of `align` on, and releases the rest.
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

    /// Gives the span the policy of the touching thread again ([`Refusals::unbind`]).
    pub fn unbind(&self, refusals: &Refusals) -> Result<(), Errno> {
        refusals.unbind(self.base, self.len)
    }

    /// Splits the span into the first `len` bytes (a multiple of the page) and the rest.
    pub fn split(self, len: usize) -> (Span, Span) {
        let len = len.min(self.len);
        (Span { base: self.base, len }, Span { base: self.base + len, len: self.len - len })
    }

    /// Returns whether the two lie side by side.
    pub fn touches(&self, other: &Span) -> bool {
        self.base + self.len == other.base || other.base + other.len == self.base
    }

    /// Joins two spans that lie side by side.
    pub fn join(self, other: Span) -> Span {
        Span { base: self.base.min(other.base), len: self.len + other.len }
    }

    /// Gives the memory of a readable and writable span back and keeps the addresses; they read zero iff it succeeds.
    pub fn purge(&self) -> Result<(), Errno> {
        // SAFETY: the token is the only one for the range, and its holder needs no contents.
        unsafe { discard(self.base, self.len) }
    }

    /// Gives the addresses back. If the kernel refuses, because that would make one mapping too many, the addresses are lost; their memory is not.
    pub fn release(self) {
        if let Err(span) = self.try_release() {
            let _locked_memory_stays = span.purge();
        }
    }

    /// Gives the addresses back, unless the kernel refuses.
    fn try_release(self) -> Result<(), Span> {
        // SAFETY: the token is the only one for the range, and ends here if the range is unmapped.
        let unmapped = unsafe { syscall::unmap(self.base, self.len) };
        unmapped.map_err(|_| self)
    }

    /// Grows or shrinks the span to `len` bytes, moving it if necessary and permitted; contents up to the smaller length are kept. On failure nothing
    /// has changed.
    pub fn resize(self, len: usize, may_move: bool) -> Result<Span, Span> {
        self.try_resize(len, may_move).map_err(|(span, _)| span)
    }

    /// The same; on failure it also returns why.
    fn try_resize(self, len: usize, may_move: bool) -> Result<Span, (Span, Errno)> {
        let Some(len) = round_up(len, system_page()) else { return Err((self, Errno(libc::EINVAL))) };
        let flags = if may_move { libc::MREMAP_MAYMOVE } else { 0 };
        // SAFETY: the token is the only one for the range; the new token replaces it.
        match unsafe { syscall::remap(self.base, self.len, len, flags) } {
            Ok(base) => Ok(Span { base, len }),
            Err(error) => Err((self, error)),
        }
    }

    /// Grows the span to `len` bytes and on to a multiple of `end`. If it must move, it moves to a multiple of `align` (both are powers of two;
    /// `align` is at least a page and at least `end`).
    ///
    /// A place is reserved for it first. If the kernel refuses to move the span there, that place is lost, because nobody can tell whether it was
    /// unmapped already. So no place is reserved if the attempt in place shows that the mapping cannot be moved either, as one in which the program
    /// changed protection or advice. Where addresses are bounded, both places count until the span has moved, so there may be no room for it this way.
    pub fn grow_aligned(self, len: usize, end: usize, align: usize) -> Result<Span, Span> {
        let Some(last) = self.base.checked_add(len).and_then(|last| round_up(last, end)) else { return Err(self) };
        let in_place = last - self.base;
        let span = match self.try_resize(in_place, false) {
            Ok(span) => return Ok(span),
            // There is no room behind it, or none for so much.
            Err((span, Errno(libc::ENOMEM))) => span,
            Err((span, _)) => return Err(span),
        };
        let Some(len) = round_up(len, end.max(system_page())) else { return Err(span) };
        let Ok(place) = Span::reserve(len, align) else { return Err(span) };
        // SAFETY: both tokens are the only ones for their ranges. If the call succeeds, the token of the place stands for both. If it fails, the
        // place may be gone already and may belong to somebody else by now; its token ends without releasing anything, so the place is left as it is.
        match unsafe { syscall::remap_to(span.base, span.len, place.len, place.base) } {
            Ok(()) => Ok(place),
            Err(_) => Err(span),
        }
    }

    /// Has memory put behind the page at an offset, unless the program has forbidden writing there or the kernel is older than 5.14.
    pub fn populate_at(&self, offset: usize) {
        let page = system_page();
        // SAFETY: such advice keeps contents.
        let _refused_is_harmless = unsafe { syscall::advise(self.base + offset, page, libc::MADV_POPULATE_WRITE) };
    }

    /// Returns whether the page around an offset holds anything but zeros. Returns false if it cannot be read, because the program may have protected
    /// it.
    pub fn is_written_at(&self, offset: usize) -> bool {
        let page = (self.base + offset) & !(PAGE - 1);
        if offset >= self.len || !syscall::is_readable(page as *const u32) {
            return false;
        }
        // SAFETY: the token is the only one for the range, in which this page lies, and the page can be read.
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

/// A reserved span kept in shared metadata; committing grows its front part. All zero is the empty reserve.
#[derive(Debug, Default)]
pub struct Reserve {
    base: AtomicUsize,
    len: AtomicUsize,
    committed: AtomicUsize,
    /// Bytes that there may be: those reserved, and those given up only until they are needed.
    most: AtomicUsize,
}

impl Reserve {
    /// The empty reserve.
    pub const fn new() -> Reserve {
        let [base, len, committed, most] = [const { AtomicUsize::new(0) }; 4];
        Reserve { base, len, committed, most }
    }

    /// Takes over `span`, of which nothing is committed. Called before any other thread looks (boot publishes it); again only in a child that was forked
    /// in the midst of boot.
    pub fn adopt(&self, span: Span) {
        self.committed.store(0, Ordering::Relaxed);
        self.base.store(span.base, Ordering::Relaxed);
        self.len.store(span.len, Ordering::Relaxed);
        self.most.store(span.len, Ordering::Relaxed);
    }

    /// Gives the span back. Only for a reserve of which nothing was ever committed. If two threads do so at once, the one that takes the length does
    /// it.
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

    /// Returns the bytes that there may be.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// Bytes committed. Acquire: pairs with the Release in `commit_to`, so that what was written before the commit is seen.
    #[inline(always)]
    pub fn committed(&self) -> usize {
        self.committed.load(Ordering::Acquire)
    }

    /// Makes the first `len` bytes (rounded up to a page) accessible. The part of them that was given up is reserved again, if nobody else has it.
    /// The caller holds the lock that guards growth.
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

    /// Gives the last `bytes` bytes back for good, if that many are uncommitted and the kernel does not refuse, and returns whether it did; larder has
    /// no further use for those addresses. The caller holds the lock that guards growth.
    pub fn give_up(&self, bytes: usize) -> bool {
        let (len, page) = (self.len(), system_page());
        let left = len.saturating_sub(bytes) / page * page;
        if left < self.committed() {
            return false;
        }
        let is_cut = self.cut_to(left);
        if is_cut {
            self.most.store(left, Ordering::Relaxed);
        }
        is_cut
    }

    /// Gives everything that is not committed back until it is needed. The caller holds the lock that guards growth.
    pub fn give_up_unused(&self) {
        self.cut_to(self.committed());
    }

    /// Gives back what lies behind the first `left` bytes. Returns false if the kernel refuses, because that would make one mapping too many: then
    /// nothing has changed.
    fn cut_to(&self, left: usize) -> bool {
        let len = self.len();
        if len <= left {
            return true;
        }
        // The shorter length comes first, because addresses may be anybody's as soon as they are given back.
        self.len.store(left, Ordering::Relaxed);
        let is_cut = Span { base: self.base() + left, len: len - left }.try_release().is_ok();
        if !is_cut {
            self.len.store(len, Ordering::Relaxed);
        }
        is_cut
    }

    /// Gives the memory of a part back; the part reads zero iff it succeeds.
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
        // SAFETY: the caller promises that the part is committed and that nobody needs its contents.
        unsafe { discard(self.base() + offset, len) }
    }

    /// Has the kernel split the transparent huge pages that a part covers only partly. If a piece of a huge page is given back, the kernel goes on
    /// charging the whole page until it must reclaim, and it may kill before it gets to that page. Advice that the pages of such a piece are cold
    /// makes it split the huge page now.
    fn part_huge_pages(&self, offset: usize, len: usize) {
        if !((self.base() + offset) | len).is_multiple_of(HUGE_PAGE) {
            // SAFETY: such advice keeps contents.
            let _refused_is_harmless = unsafe { syscall::advise(self.base() + offset, len, libc::MADV_COLD) };
        }
    }

    /// Gives advice about a part of the reservation; a refusal is harmless.
    pub fn advise(&self, offset: usize, len: usize, advice: Advice) {
        // SAFETY: every [`Advice`] keeps contents.
        let _refused_is_harmless = unsafe { syscall::advise(self.base() + offset, len, advice as i32) };
    }

    /// Moves the pages of a part into a span of its own; the part stays mapped and reads zero afterwards. Refused where the part is locked: the
    /// kernel would unlock the whole mapping that it lies in, not this part alone, and count that mapping as locked for ever.
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

    /// Returns whether the last page before an offset is locked (`mlock`, `mlockall`): advice that it is cold is then refused.
    fn is_locked(&self, end: usize) -> bool {
        let page = system_page();
        // SAFETY: such advice keeps contents.
        let advised = unsafe { syscall::advise(self.base() + end - page, page, libc::MADV_COLD) };
        advised == Err(Errno(libc::EINVAL))
    }
}

impl Reserve {
    /// Moves a span's pages to a part of the reserve; copies them if the system refuses (near `vm.max_map_count`, where it refuses before it changes
    /// anything).
    ///
    /// # Safety
    /// The part is committed, as long as the span, and owned by the caller.
    pub unsafe fn move_in(&self, offset: usize, span: Span) {
        let to = self.base() + offset;
        // SAFETY: the caller owns the part; the span's token ends here.
        if unsafe { syscall::remap_to(span.base, span.len, span.len, to) }.is_err() {
            // SAFETY: both are ours, equally long, and do not overlap; the part is still mapped, because the kernel refused before it changed
            // anything.
            unsafe { core::ptr::copy_nonoverlapping(span.base as *const u8, to as *mut u8, span.len) };
            span.release();
        }
    }
}

/// Whether advice to discard pages is really followed: an emulator may answer that it is, and do nothing (qemu-user before 7.1).
static IS_DISCARDED: OnceBool = OnceBool::new();

/// Gives memory back; the range reads zero iff it succeeds.
///
/// # Safety
/// The range is ours, and nobody needs its contents.
unsafe fn discard(address: usize, len: usize) -> Result<(), Errno> {
    if !IS_DISCARDED.get_or_init(try_to_discard) {
        return Err(Errno(libc::ENOSYS));
    }
    // SAFETY: the caller promises that the range is ours and that nobody needs its contents.
    unsafe { syscall::advise(address, len, libc::MADV_DONTNEED) }
}

/// Tries it once, with a page of its own.
#[cold]
fn try_to_discard() -> bool {
    let Ok(span) = Span::map(system_page(), system_page()) else { return true };
    let word = span.base as *mut u64;
    // SAFETY: the page was just mapped, and nobody else knows it.
    unsafe { word.write_volatile(1) };
    // SAFETY: the page was just mapped, nobody else knows it, and its contents are not needed.
    let refused = unsafe { syscall::advise(span.base, span.len, libc::MADV_DONTNEED) }.is_err();
    // SAFETY: the page is still mapped.
    let is_zero = unsafe { word.read_volatile() } == 0;
    span.release();
    refused || is_zero
}

/// Maps one page that reads zero in a forked child; `None` if the kernel cannot do that, or may only claim to: qemu before 7.1 says yes to everything
/// and has no vDSO. (An empty range is not enough to ask with: gVisor looks at its length before the advice.)
pub fn wipe_on_fork_page() -> Option<usize> {
    if !has_vdso() {
        return None;
    }
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

    /// Eight of these are all the addresses there are.
    const MANY: usize = 16 << 40;

    #[test]
    fn what_was_given_up_is_had_again_if_nobody_else_has_it() {
        const LEN: usize = 4 * HUGE_PAGE;
        /// Far below the addresses that the kernel chooses for others.
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
    fn a_reserve_keeps_what_the_kernel_does_not_take_back() {
        const LEN: usize = 4 * HUGE_PAGE;
        let reserve = Reserve::new();
        // There are no such addresses.
        reserve.adopt(Span { base: usize::MAX / LEN * LEN - LEN, len: LEN });
        reserve.give_up_unused();
        assert!(!reserve.give_up(HUGE_PAGE));
        assert_eq!((reserve.len(), reserve.most()), (LEN, LEN));
    }

    #[test]
    fn of_two_who_abandon_it_at_once_one_gives_it_back() {
        extern crate std;
        const BASE: usize = 2 << 40;
        const ROUNDS: usize = 100_000;
        let (reserve, arrived) = (Reserve::new(), AtomicUsize::new(0));
        // Each thread comes here twice in a round and waits for the other without sleeping.
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
