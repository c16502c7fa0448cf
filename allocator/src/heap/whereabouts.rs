//! Where threads run: the home of each CPU. Used only where there are several nodes.
//!
//! There is a word for each CPU. It is 0 until something is known of the CPU: from boot on for CPUs that were online then, from its first
//! slow path on for a CPU that came later. For a CPU beyond the table, the kernel is asked each time.

use super::Heap;
use crate::base::sync::{AtomicU16, Ordering};
use crate::base::units::NodeId;
use crate::sys::topology::MAX_CPUS;
use crate::sys::{syscall, thread};

/// What is known of a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whereabout {
    /// The node from which its threads should get their memory.
    pub(super) home: NodeId,
    /// The node it belongs to, if that node has an arena.
    pub(super) own: Option<NodeId>,
}

impl Whereabout {
    fn into_word(self) -> u16 {
        (self.home.0 as u16 + 1) | self.own.map_or(0, |own| (own.0 as u16 + 1) << 8)
    }

    #[inline(always)]
    fn from_word(word: u16) -> Option<Whereabout> {
        let home = NodeId((word as u8).checked_sub(1)?);
        Some(Whereabout { home, own: ((word >> 8) as u8).checked_sub(1).map(NodeId) })
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Whereabouts([AtomicU16; MAX_CPUS]);

impl Whereabouts {
    pub(super) const fn new() -> Whereabouts {
        Whereabouts([const { AtomicU16::new(0) }; MAX_CPUS])
    }

    /// Notes what is known of a CPU.
    pub(super) fn note(&self, cpu: usize, place: Whereabout) {
        if let Some(word) = self.0.get(cpu) {
            word.store(place.into_word(), Ordering::Relaxed);
        }
    }

    /// What is known of a CPU.
    #[inline(always)]
    pub(super) fn of_cpu(&self, cpu: usize) -> Option<Whereabout> {
        Whereabout::from_word(self.0.get(cpu)?.load(Ordering::Relaxed))
    }
}

impl Heap {
    /// What is known of the CPU where the thread runs now.
    #[inline(always)]
    pub(super) fn whereabout(&self) -> Whereabout {
        let cpu = self.cpus.present_cpu().unwrap_or_else(thread::cpu_hint);
        self.whereabouts.of_cpu(cpu).unwrap_or_else(|| self.find_out())
    }

    /// Finds out about a CPU that was not there at boot, or is beyond the table: the kernel knows its node.
    #[cold]
    fn find_out(&self) -> Whereabout {
        let told = syscall::cpu_and_node();
        let own = self.node_with(told.map_or(0, |(_, system_id)| system_id));
        let home = self.node(own.unwrap_or(NodeId(0))).home.load(Ordering::Relaxed);
        let place = Whereabout { home: NodeId(home), own };
        if let Ok((cpu, _)) = told {
            self.note_whereabout(cpu, place);
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_known() {
        let whereabouts = Whereabouts::new();
        let places = [(7, 7, Some(7)), (8, 65, Some(0)), (MAX_CPUS - 1, 0, None)];
        for (cpu, home, own) in places {
            assert_eq!(whereabouts.of_cpu(cpu), None);
            let place = Whereabout { home: NodeId(home), own: own.map(NodeId) };
            whereabouts.note(cpu, place);
            assert_eq!(whereabouts.of_cpu(cpu), Some(place));
        }
        whereabouts.note(MAX_CPUS, Whereabout { home: NodeId(0), own: None });
        assert_eq!(whereabouts.of_cpu(MAX_CPUS), None);
    }
}
