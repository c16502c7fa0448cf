//! A forked child repairs what threads that no longer exist were holding.
//!
//! No lock is taken before a fork, because that would deadlock with libc's own locks: libc runs its handlers in an order that lets stdio
//! wait for malloc and malloc for the fork. Instead, each structure can be rebuilt from a part of it that is whole at every instant: free
//! lists from the pagemap, slab lists from the bitmaps, depots from their words. Only what was in a dead thread's hands is lost to the
//! child. A lock held by the thread that forked (in a signal handler that interrupted malloc) is left alone: the interrupted call goes on
//! in the child and releases it.
//!
//! The repair is run by the child's first slow path, or by the handler that `ffi` registers where the kernel may not report a fork,
//! whichever comes first.

use super::Heap;
use crate::sys::limit::LIMIT;

impl Heap {
    /// Called in the child by a fork handler: repairs now, while this is the only thread.
    pub fn forked(&self) {
        self.family.is_forked();
        if self.boot.is_open() {
            self.enter();
        }
    }

    /// Returns whether every child finds its gate shut, however it was made.
    pub fn sees_forks(&self) -> bool {
        self.family.find_page()
    }

    /// Notes that fork handlers are registered.
    pub fn will_be_told_of_forks(&self) {
        self.family.will_be_told();
    }

    /// Called by a fork handler before the fork.
    pub fn will_fork(&self) {
        self.family.will_fork();
    }

    /// Called in the parent by a fork handler.
    pub fn has_forked(&self) {
        self.family.has_forked();
    }

    /// In an observer, which sees a copy of another process's heap: takes the copy as it is, even if that process is a child that has not been repaired yet.
    /// Returns whether the heap has booted.
    pub fn take_as_it_is(&self) -> bool {
        let is_there = self.boot.is_open();
        if is_there {
            self.family.settle();
        }
        is_there
    }

    pub(super) fn repair(&self) -> bool {
        for id in self.all_nodes() {
            let node = self.node(id);
            node.arena.rebuild();
            node.slabs.rebuild(&node.arena);
            node.depots.rebuild();
        }
        self.huge.rebuild();
        self.cpus.rebuild();
        self.idle.forked();
        LIMIT.recount(self.held());
        true
    }
}
