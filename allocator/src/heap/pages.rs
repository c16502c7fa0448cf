//! The pages that huge objects are made of: small ones, transparent huge ones where those are asked for, or huge ones from the system's
//! pool.
//!
//! The operator fills the pool (`vm.nr_hugepages`). A mapping that it cannot serve takes ordinary pages instead, and is counted. A mapping
//! at least as long as one of the pool's pages is a multiple of them whatever it is made of, because the kernel takes back nothing else. A
//! forked child that writes to such a page while the pool is empty is killed, so the pool is used only when asked for.

use crate::arena::ThpPolicy;
use crate::base::sync::{AtomicBool, AtomicU64, AtomicUsize, Gauge, Ordering};
use crate::base::units::{HUGE_PAGE, round_up};
use crate::sys::Errno;
use crate::sys::clock::thread_ns_of;
use crate::sys::stall::Stalls;
use crate::sys::vm::{Advice, Span, system_page};

/// Choices of the option `hugetlb`.
const POOLS: [usize; 3] = [0, 2 << 20, 1 << 30];

/// See the module. Mapping threads change the figures without a lock: an update may be lost now and then.
#[derive(Debug)]
pub(super) struct Pages {
    thp: AtomicU64,
    /// Bytes of one of the pool's pages; 0 leaves the pool alone.
    pool: AtomicUsize,
    /// Mappings of ordinary pages may stand in for each other, because all or none are bound, to the same node, and their addresses cost
    /// nothing.
    are_alike: AtomicBool,
    /// Bytes taken from the pool so far, and mappings that it could not serve.
    taken: Gauge,
    refused: Gauge,
    pub(super) stalls: Stalls,
}

impl Pages {
    pub(super) const fn new() -> Pages {
        Pages {
            thp: AtomicU64::new(0),
            pool: AtomicUsize::new(0),
            are_alike: AtomicBool::new(false),
            taken: Gauge::new(),
            refused: Gauge::new(),
            stalls: Stalls::new(),
        }
    }

    /// Takes over the options' choices, and whether ordinary mappings may stand in for each other.
    pub(super) fn settle(&self, thp: u64, pool: u64, are_alike: bool) {
        self.stalls.begin();
        self.may_stand_in(are_alike);
        self.thp.store(thp, Ordering::Relaxed);
        self.pool.store(POOLS.get(pool as usize).copied().unwrap_or(0), Ordering::Relaxed);
    }

    /// Bytes taken from the pool so far, and mappings that it could not serve.
    pub(super) fn pool_figures(&self) -> (u64, u64) {
        (self.taken.get(), self.refused.get())
    }

    /// Notes whether ordinary mappings may stand in for each other from now on.
    pub(super) fn may_stand_in(&self, are_alike: bool) {
        self.are_alike.store(are_alike, Ordering::Relaxed);
    }

    /// The length in bytes of the mapping for an object of `size` bytes.
    pub(super) fn mapping_len(&self, size: usize) -> usize {
        let page = if self.is_for_pool(size) { self.pool.load(Ordering::Relaxed) } else { system_page() };
        round_up(size.max(1), page).unwrap_or(usize::MAX)
    }

    /// Returns whether the mapping for an object of `size` bytes is of the pool's pages, or as long as if it were.
    pub(super) fn is_for_pool(&self, size: usize) -> bool {
        let pool = self.pool.load(Ordering::Relaxed);
        pool != 0 && size >= pool
    }

    /// Returns whether a mapping of `old` bytes may be cut or grown to `new`, both from `mapping_len`: a mapping of the pool's pages cannot
    /// be cut anywhere else.
    pub(super) fn may_resize(&self, old: usize, new: usize) -> bool {
        new >= old || !self.is_for_pool(old) || self.is_for_pool(new)
    }

    /// Returns whether the pages of a mapping of `len` bytes may be looked at. They may not if they could be from the pool: to look at one
    /// that was never touched has it cleared.
    pub(super) fn may_look(&self, len: usize) -> bool {
        !self.is_for_pool(len)
    }

    fn policy(&self) -> ThpPolicy {
        ThpPolicy::of_choice(self.thp.load(Ordering::Relaxed))
    }

    /// Returns whether a mapping of `len` bytes may stand in for another.
    pub(super) fn may_be_kept(&self, len: usize) -> bool {
        !self.is_for_pool(len) && self.are_alike.load(Ordering::Relaxed)
    }

    /// Returns whether a mapping of which nothing is known may stand in for most others: the kernel is given no advice about it.
    pub(super) fn is_like_most(&self, len: usize) -> bool {
        self.policy() == ThpPolicy::Auto && self.may_be_kept(len)
    }

    /// Returns whether huge pages may be asked for, for a mapping of `len` bytes that is likely to be filled. Not on one node of several
    /// that give memory, because the kernel would take huge pages of another.
    pub(super) fn may_ask(&self, len: usize) -> bool {
        self.policy() != ThpPolicy::Never && self.may_be_kept(len) && self.stalls.are_over()
    }

    /// Asks for huge pages for a mapping that has memory up to the byte `len` and will be filled. Returns false if they are refused again.
    pub(super) fn ask(&self, span: &Span, len: usize) -> bool {
        span.advise(Advice::HugePages);
        self.may_go_on(span, len)
    }

    /// Returns whether a mapping for which huge pages were asked may have more of them after the byte `len`. By default the first of them
    /// is touched, as the object's holder is about to do: if that stalls, they are refused.
    pub(super) fn may_go_on(&self, span: &Span, len: usize) -> bool {
        let first = (span.base() + len).next_multiple_of(HUGE_PAGE) - span.base();
        let is_watched = self.policy() == ThpPolicy::Auto && first + HUGE_PAGE <= span.len();
        let stalls = is_watched && self.stalls.heed(thread_ns_of(|| span.populate_at(first)));
        if stalls {
            span.advise(Advice::NoHugePages);
        }
        !stalls
    }

    /// Maps zero bytes; `likely_filled` applies to all of them, and `len` is from `mapping_len`. `prepare` sees the mapping before it has a
    /// page.
    pub(super) fn map(
        &self,
        len: usize,
        align: usize,
        likely_filled: bool,
        prepare: impl Fn(&Span),
    ) -> Result<Span, Errno> {
        let pool = self.pool.load(Ordering::Relaxed);
        if self.is_for_pool(len) && align <= pool {
            if let Ok(span) = Span::map_from_pool(len, pool) {
                self.taken.add(len as u64);
                prepare(&span);
                return Ok(span);
            }
            self.refused.add(1);
        }
        let policy = self.policy();
        let is_plain = policy == ThpPolicy::Auto && !likely_filled;
        let least = if is_plain || policy == ThpPolicy::Never { system_page() } else { HUGE_PAGE };
        let span = Span::map(len, align.max(least))?;
        prepare(&span);
        match policy {
            _ if is_plain => {}
            ThpPolicy::Never => span.advise(Advice::NoHugePages),
            ThpPolicy::Auto => {
                self.ask(&span, 0);
            }
            ThpPolicy::Madvise | ThpPolicy::Always => span.advise(Advice::HugePages),
        }
        Ok(span)
    }
}
