//! The futex lock that every slow path uses.
//!
//! One 64-bit word: 0 iff free; otherwise the owner's thread id (even), with bit 0 set iff somebody may be waiting. Taking the lock and naming the
//! owner are one store. Therefore three things can be told at any instant: whether *this* thread holds the lock (a signal handler interrupted it:
//! [`Reentered`], the caller goes elsewhere), whether, in a forked child, it belongs to a thread that no longer exists ([`Lock::orphaned`]), and whom
//! to wait for.
//!
//! Ranks (a thread takes locks only in this order): filling < depot shard < depot growth < slab cache < slab numbers < buddy < huge table. The layers
//! ensure it: each takes its own lock and calls only downwards while it holds the lock.
//!
//! A signal handler does not wait for a lock while its thread holds one of the same rank or above, or one of a later node, because two handlers could
//! then wait for each other. Before a thread waits it asks the **witness** (the heap, which knows all locks), and it is sent elsewhere if it holds
//! such a lock. The witness also repairs a child that nobody has repaired yet, because the thread may have forked in a handler that interrupted it on
//! its way here.
//!
//! Fork: no lock is taken before a fork. In the child every orphaned lock is freed again, and what it guards is rebuilt.
#![allow(unsafe_code, reason = "the cell behind the lock, and the witness's address")]

use super::{observed, syscall, thread};
use crate::base::sync::{AtomicUsize, Ordering};
use core::cell::UnsafeCell;
use core::num::NonZeroUsize;
use core::ops::{Deref, DerefMut};

const WAITERS: usize = 1;
/// Number of looks at the word before sleeping: they take about as long as falling asleep and being woken (10 to 40 us). Few under the model checker,
/// which tries them in every order.
const SPINS: u32 = if cfg!(loom) { 1 } else { 1000 };

/// A waiter looks again after so many milliseconds. An unlock wakes one waiter. If a signal handler runs in that waiter's thread before it looks, and
/// waits for something that the next waiter holds, nobody else would wake the next waiter.
const PATIENCE_MS: u64 = 10;

/// This thread already holds the lock, or one that the lock's holder may be waiting for: it is in a signal handler that interrupted its own thread
/// while that held a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reentered;

/// The function that can tell whether this thread holds a lock that the holder of the one at an address may be waiting for.
static WITNESS: once_cell::race::OnceNonZeroUsize = once_cell::race::OnceNonZeroUsize::new();

/// Installs the witness, which is asked each time before a thread waits. Without it only the lock itself is looked at.
pub fn set_witness(witness: fn(usize) -> bool) {
    let _first_stays = WITNESS.set(NonZeroUsize::new(witness as usize).unwrap_or(NonZeroUsize::MIN));
}

fn witness_says_held(lock: usize) -> bool {
    let Some(witness) = WITNESS.get() else { return false };
    // SAFETY: only `set_witness` stores here, and it stores the address of a function of this type, which is not zero.
    let witness = unsafe { core::mem::transmute::<usize, fn(usize) -> bool>(witness.get()) };
    witness(lock)
}

/// In a forked child: returns whether the holder with this name was a thread of the parent other than the one that forked. The name alone does not
/// tell: a thread that the child has made since may have taken it over with the stack, and may be the first to repair. That thread holds nothing yet.
pub(super) fn is_gone(holder: usize) -> bool {
    holder != 0 && (holder != thread::id() || !syscall::is_first_thread())
}

/// A value guarded by a futex lock. All zero is a free lock around an all-zero value.
#[derive(Debug, Default)]
pub struct Lock<T> {
    word: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only through a guard, only one guard exists at a time, and the value may be sent between threads.
unsafe impl<T: Send> Sync for Lock<T> {}

/// Holds the lock until dropped.
#[derive(Debug)]
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
}

impl<T> Lock<T> {
    /// A free lock.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Lock<T> {
        Lock { word: AtomicUsize::new(0), value: UnsafeCell::new(value) }
    }

    /// Takes the lock, waiting for other threads but never for this one.
    #[inline]
    pub fn lock(&self) -> Result<Guard<'_, T>, Reentered> {
        let me = thread::id();
        // Acquire: pairs with the Release in `unlock`.
        if self.word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return Ok(Guard { lock: self });
        }
        self.lock_contended(me)
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        let taken = self.word.compare_exchange(0, thread::id(), Ordering::Acquire, Ordering::Relaxed).is_ok();
        taken.then(|| Guard { lock: self })
    }

    #[cold]
    fn lock_contended(&self, me: usize) -> Result<Guard<'_, T>, Reentered> {
        let mut spins = 0;
        let mut mine = me;
        let mut asked = false;
        loop {
            let seen = self.word.load(Ordering::Relaxed);
            if seen & !WAITERS == me {
                return Err(Reentered);
            }
            if observed::other().is_some() {
                self.word.store(me, Ordering::Relaxed);
                return Ok(Guard { lock: self });
            }
            if seen == 0 {
                if self.word.compare_exchange(0, mine, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    return Ok(Guard { lock: self });
                }
            } else if spins < SPINS {
                spins += 1;
                core::hint::spin_loop();
            } else if !asked {
                asked = true;
                if witness_says_held(&raw const self.word as usize) {
                    return Err(Reentered);
                }
            } else if self.announce_waiter(seen) {
                syscall::futex_wait_for(self.futex_word(), (seen | WAITERS) as u32, PATIENCE_MS);
                // Others may wait, too: from now on this thread takes the lock with the bit set, so that its unlock wakes the next.
                (mine, spins, asked) = (me | WAITERS, 0, false);
            }
        }
    }

    /// Makes sure that the holder will wake somebody. Returns false if the word changed meanwhile.
    fn announce_waiter(&self, seen: usize) -> bool {
        seen & WAITERS != 0
            || self.word.compare_exchange(seen, seen | WAITERS, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Returns the low half of the word, which is all that a wait compares. If it is as expected, the bit for waiters is in it, so the present holder
    /// will wake somebody; if it differs, the wait returns at once, which is only a spurious wake.
    fn futex_word(&self) -> *const u32 {
        (&raw const self.word).cast()
    }

    fn unlock(&self) {
        // Release: pairs with the Acquire of the next holder.
        let seen = self.word.swap(0, Ordering::Release);
        if seen & WAITERS != 0 {
            syscall::futex_wake_one(self.futex_word());
        }
    }

    /// Returns whether this thread holds the lock. If it does and asks, it is in a signal handler.
    pub fn is_mine(&self) -> bool {
        self.word.load(Ordering::Relaxed) & !WAITERS == thread::id()
    }

    /// Returns whether this is the lock at an address that was given to the witness.
    pub fn is_at(&self, address: usize) -> bool {
        &raw const self.word as usize == address
    }

    /// In a forked child: returns whether the holder was a thread of the parent other than the one that forked.
    pub fn orphaned(&self) -> bool {
        is_gone(self.word.load(Ordering::Relaxed) & !WAITERS)
    }

    /// In a forked child: makes an orphaned lock this thread's, so that what it guards can be rebuilt before anyone else looks.
    pub fn inherit(&self) -> Option<Guard<'_, T>> {
        if !self.orphaned() {
            return None;
        }
        self.word.store(thread::id(), Ordering::Relaxed);
        Some(Guard { lock: self })
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: this guard is the only one, so nobody writes.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this guard is the only one, so nobody else reads or writes.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.lock.unlock();
    }
}

#[cfg(test)]
impl<T: Send> Lock<T> {
    /// As if another thread had held it when this one forked.
    pub fn orphan(&self) {
        extern crate std;
        std::thread::scope(|scope| scope.spawn(|| core::mem::forget(self.lock())).join()).unwrap();
    }
}
