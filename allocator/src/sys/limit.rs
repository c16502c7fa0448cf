//! How much memory this process may hold, and how much it holds.
//!
//! There is one account for the process, because what limits memory (the operator, a control group) limits processes. **Held** is the memory that
//! larder has and does not know to be zero: pages in use or warm, huge objects, its own tables. Zero pages have no memory behind them and do not
//! count.
//!
//! There are two bounds. **Most** is never passed: a charge beyond it is refused, and `malloc` fails unless something can be gathered. The
//! **ceiling**, which is never higher, is where memory becomes scarce: free pages may take a third of what is left below it, so their share shrinks
//! as it comes near, and above it nothing is kept. From seven eighths of it on, what lies in caches is gathered.
//!
//! Where nothing is bounded at the start, nothing is counted. Where something is, counting goes on for good, although the ceiling may come and go.
//! Fork: a child has its parent's pages and counts them anew.

use crate::base::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// No bound.
pub const NONE: usize = usize::MAX;
/// The ceiling is near when less than this part of it is left.
const NEAR: usize = 4;
/// Free pages may take this part of what is left below the ceiling.
const WARM_SHARE: usize = 3;
/// What lies idle is gathered again each time this part of the ceiling more is held.
const GATHER_STEP: usize = 64;
/// Gathering begins this part of the ceiling below it: what lies in caches cannot be given back any more once the kernel has to kill.
const GATHER_BELOW: usize = 8;

/// See the module.
#[derive(Debug)]
pub struct Limit {
    is_watched: AtomicBool,
    most: AtomicUsize,
    ceiling: AtomicUsize,
    held: AtomicUsize,
    refused: AtomicU64,
    /// What was held when something was last gathered; 0 while that is far below the ceiling.
    gathered_at: AtomicUsize,
}

/// The process's account.
pub static LIMIT: Limit = Limit::new();

impl Limit {
    /// An account without bounds, with nothing held.
    const fn new() -> Limit {
        Limit {
            is_watched: AtomicBool::new(false),
            most: AtomicUsize::new(NONE),
            ceiling: AtomicUsize::new(NONE),
            held: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            gathered_at: AtomicUsize::new(0),
        }
    }

    /// Sets both bounds in bytes. If there is one, counting begins.
    pub fn set(&self, most: usize, ceiling: usize) {
        self.most.store(most, Ordering::Relaxed);
        self.set_ceiling(ceiling);
        self.is_watched.store(self.ceiling() != NONE, Ordering::Relaxed);
    }

    /// Becomes as another account is.
    pub fn copy(&self, other: &Limit) {
        self.is_watched.store(other.is_watched(), Ordering::Relaxed);
        self.refused.store(other.refused(), Ordering::Relaxed);
        let pairs = [
            (&self.most, &other.most),
            (&self.ceiling, &other.ceiling),
            (&self.held, &other.held),
            (&self.gathered_at, &other.gathered_at),
        ];
        pairs.iter().for_each(|(own, other)| own.store(other.load(Ordering::Relaxed), Ordering::Relaxed));
    }

    /// Moves the ceiling, which never rises above `most`, or takes it away ([`NONE`]).
    pub fn set_ceiling(&self, ceiling: usize) {
        self.ceiling.store(ceiling.min(self.most.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    /// Returns the bytes that may be held at most ([`NONE`]: any number).
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// Returns where memory becomes scarce, in bytes held ([`NONE`]: nowhere).
    pub fn ceiling(&self) -> usize {
        self.ceiling.load(Ordering::Relaxed)
    }

    /// Returns whether anything was bounded at the start, so that memory is counted.
    #[inline]
    pub fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Relaxed)
    }

    /// Returns the bytes held; 0 where nothing is counted.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// In a forked child: sets what is held now, because charges and releases that other threads had begun are not completed.
    pub fn recount(&self, held: usize) {
        if self.is_watched() {
            self.held.store(held, Ordering::Relaxed);
        }
    }

    /// Returns how often a charge was refused.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Returns whether there is a most and `bytes` does not exceed it: only then may gathering help.
    pub fn might_hold(&self, bytes: usize) -> bool {
        self.most() != NONE && bytes <= self.most()
    }

    /// Returns whether a charge of `bytes` would be refused now but might succeed once room has been made.
    pub fn lacks(&self, bytes: usize) -> bool {
        self.might_hold(bytes) && self.held() > self.most() - bytes
    }

    /// Charges `bytes`; returns false if so much more may not be held.
    pub fn charge(&self, bytes: usize) -> bool {
        if !self.is_watched() {
            return true;
        }
        let most = self.most();
        let fits = |held: usize| held.checked_add(bytes).filter(|&sum| sum <= most);
        let charged = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if !charged {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        charged
    }

    /// Counts bytes that can no longer be refused.
    pub fn add(&self, bytes: usize) {
        if self.is_watched() {
            self.held.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Takes back a charge.
    pub fn release(&self, bytes: usize) {
        if self.is_watched() {
            let less = |held: usize| Some(held.saturating_sub(bytes));
            let _always = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// Returns the bytes that may be free and warm.
    pub fn warm_share(&self) -> usize {
        match self.ceiling() {
            NONE => NONE,
            ceiling => ceiling.saturating_sub(self.held()) / WARM_SHARE,
        }
    }

    /// Returns whether the ceiling is near.
    #[inline]
    pub fn is_near(&self) -> bool {
        let ceiling = self.ceiling();
        ceiling != NONE && self.held() > ceiling - ceiling / NEAR
    }

    /// Returns whether to gather what lies idle now: just below the ceiling and above it, each time one step more is held.
    pub fn is_time_to_gather(&self) -> bool {
        let (held, ceiling) = (self.held(), self.ceiling());
        let last = self.gathered_at.load(Ordering::Relaxed);
        if held <= ceiling - ceiling / GATHER_BELOW {
            if last != 0 {
                self.gathered_at.store(0, Ordering::Relaxed);
            }
            return false;
        }
        let due = held >= last.saturating_add(ceiling / GATHER_STEP);
        due && self.gathered_at.compare_exchange(last, held, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// What one owner of memory holds, as far as the process's account knows. Used under the owner's lock.
#[derive(Debug, Default)]
pub struct Account(AtomicUsize);

impl Account {
    /// Charges `bytes` that are about to be taken.
    pub fn reserve(&self, limit: &Limit, bytes: usize) -> bool {
        let charged = limit.charge(bytes);
        if charged && limit.is_watched() {
            self.0.store(self.0.load(Ordering::Relaxed) + bytes, Ordering::Relaxed);
        }
        charged
    }

    /// Returns what the process's account knows of.
    pub fn held(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Tells the process's account what is held now.
    pub fn settle(&self, limit: &Limit, now: usize) {
        if limit.is_watched() {
            let before = self.0.swap(now, Ordering::Relaxed);
            limit.held.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_counted_without_a_bound() {
        let (limit, account) = (Limit::new(), Account::default());
        assert!(limit.charge(NONE) && account.reserve(&limit, 1 << 40));
        account.settle(&limit, 7);
        assert_eq!((limit.held(), limit.refused(), limit.warm_share()), (0, 0, NONE));
        assert!(!limit.is_near() && !limit.is_time_to_gather());
    }

    #[test]
    fn a_charge_beyond_the_most_is_refused() {
        let limit = Limit::new();
        limit.set(1000, NONE);
        assert!(limit.charge(600) && limit.charge(400) && !limit.charge(1) && !limit.charge(NONE));
        limit.release(100);
        assert!(!limit.charge(101) && limit.charge(100));
        assert_eq!((limit.held(), limit.refused()), (1000, 3));
        assert!(limit.lacks(1) && !limit.lacks(0) && !limit.lacks(1001), "room may be made for no more than the most");
    }

    #[test]
    fn an_owner_settles_what_it_reserved() {
        let (limit, account) = (Limit::new(), Account::default());
        limit.set(1000, 800);
        assert!(account.reserve(&limit, 500));
        account.settle(&limit, 300);
        assert_eq!(limit.held(), 300);
        assert!(!account.reserve(&limit, 701));
        account.settle(&limit, 0);
        assert_eq!(limit.held(), 0);
    }

    #[test]
    fn what_may_be_warm_shrinks_towards_the_ceiling() {
        let limit = Limit::new();
        limit.set(NONE, 900);
        assert_eq!(limit.warm_share(), 300);
        limit.add(600);
        assert_eq!((limit.warm_share(), limit.is_near()), (100, false));
        limit.add(400);
        assert_eq!((limit.warm_share(), limit.is_near()), (0, true));
    }

    #[test]
    fn a_ceiling_that_goes_leaves_the_account() {
        let limit = Limit::new();
        limit.set(NONE, 900);
        limit.add(800);
        limit.set_ceiling(NONE);
        assert_eq!((limit.warm_share(), limit.is_near()), (NONE, false));
        limit.release(500);
        assert!(limit.charge(100));
        limit.set_ceiling(1000);
        assert_eq!((limit.held(), limit.warm_share()), (400, 200));
    }

    #[test]
    fn gathering_is_due_once_for_each_step_near_the_ceiling() {
        let limit = Limit::new();
        limit.set(NONE, 6400);
        limit.add(5600);
        assert!(!limit.is_time_to_gather());
        limit.add(100);
        assert!(limit.is_time_to_gather() && !limit.is_time_to_gather());
        limit.add(99);
        assert!(!limit.is_time_to_gather());
        limit.add(1);
        assert!(limit.is_time_to_gather());
        limit.release(200);
        assert!(!limit.is_time_to_gather());
        limit.add(100);
        assert!(limit.is_time_to_gather(), "far below the ceiling it begins anew");
    }
}
