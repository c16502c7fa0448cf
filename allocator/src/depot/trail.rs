//! The trail of a magazine: the cache lines its rounds lie in, noted by the CPU that leaves it, for the CPU that takes it.
//!
//! A chain is followed one cache miss after the other, and every line of a magazine that another CPU left is a miss: some 80 ns an object.
//! Where it is left the same lines are warm. So the leaver walks the chain and notes them, and the taker asks for all of them at once
//! before it follows the first link. Notes are made only while magazines of the class go from one CPU to another, and only for the
//! magazines that lie in the depot itself; a process in which they do not never touches the table.
//!
//! A trail is a hint: a wrong one costs a useless prefetch. So it needs no care at fork.

use super::stack::INLINE;
use crate::base::classes::{CLASSES, MAX_ROUNDS};
use crate::base::sync::{AtomicU32, Ordering};
use crate::region::{Links, Magazine, Table};
use crate::sys::arch::prefetch_to_write;

const LINE_SHIFT: u32 = 6;
/// Words of the table: a page for each class.
pub(super) const WORDS: usize = CLASSES * INLINE * MAX_ROUNDS;

/// The lower halves of line numbers; what a line number lacks is that of the first round, next to which all of them lie.
pub(super) struct Trail {
    lines: [u32; MAX_ROUNDS],
    len: usize,
}

impl Trail {
    /// Follows a magazine's chain. Rounds that share a line leave one note.
    pub(super) fn of(magazine: &Magazine, links: Links) -> Trail {
        let mut trail = Trail { lines: [0; MAX_ROUNDS], len: 0 };
        for address in magazine.rounds(links).take(MAX_ROUNDS) {
            let line = (address >> LINE_SHIFT) as u32;
            if trail.len == 0 || trail.lines[trail.len - 1] != line {
                trail.lines[trail.len] = line;
                trail.len += 1;
            }
        }
        trail
    }

    /// Leaves it for the magazine at a place of the table; a line number 0 ends it.
    pub(super) fn leave(&self, table: &Table<AtomicU32>, first: usize) {
        let lines = self.lines.iter().take(self.len + 1).enumerate();
        lines.for_each(|(index, &line)| table.get(first + index).store(line, Ordering::Relaxed));
    }

    /// Takes a copy: the table is the depot's, and is read under its lock.
    pub(super) fn take(table: &Table<AtomicU32>, first: usize) -> Trail {
        let mut trail = Trail { lines: [0; MAX_ROUNDS], len: 0 };
        while trail.len < MAX_ROUNDS {
            let line = table.get(first + trail.len).load(Ordering::Relaxed);
            if line == 0 {
                break;
            }
            trail.lines[trail.len] = line;
            trail.len += 1;
        }
        trail
    }

    /// Number of lines.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Asks for every line, to write to it.
    pub(super) fn prefetch(&self, magazine: &Magazine) {
        let upper = magazine.first() >> LINE_SHIFT & !(u32::MAX as usize);
        for &line in self.lines.iter().take(self.len) {
            prefetch_to_write((upper | line as usize) << LINE_SHIFT);
        }
    }
}
