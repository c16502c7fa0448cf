//! Where memory should lie: decided once, at boot, from the machine, the cpuset, the process's memory policy and `LARDER_CONF`.
//!
//! The decision is compiled into three things, and nothing else knows of policies:
//!
//! | | local | preferred P | bind B | interleave I |
//! |---|---|---|---|---|
//! | nodes with an arena | all | all | B | all |
//! | home of a thread | the nearest arena | the nearest of P | the nearest of B | the interleaved arena |
//! | the node's region | prefers its node | prefers its node | B only, from its node on | prefers its node |
//!
//! "All" are the nodes that have memory and that the cpuset allows; if there are more than [`MAX_NODES`], those of the policy first. A
//! policy that names none of them is treated as local. With several nodes there is also the **interleaved** arena, whose pages the kernel
//! spreads over nodes. It serves all threads if the policy says so, and otherwise those that ask for it. With one node there is none of
//! this, and no call is made.

use crate::stats::NumaPolicy;
use crate::sys::nodeset::NodeSet;
use crate::sys::numa::MemoryPolicy;
use crate::sys::topology::MAX_NODES;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    /// The nodes that get an arena, in the order of their numbers; never empty.
    pub(super) arenas: NodeSet,
    /// A thread's home is the nearest of these; if empty, the interleaved arena.
    pub(super) homes: NodeSet,
    /// The nodes over which the interleaved arena is spread.
    pub(super) spread: NodeSet,
    /// Whether memory must come from these nodes and no others.
    strict: bool,
    /// Whether the policy is the process's own.
    is_own: bool,
    /// What is left unbound: everything in a process that has no choice; the interleaved arena where the process itself interleaves.
    unbound: Unbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unbound {
    Nothing,
    Interleaved,
    Everything,
}

impl Placement {
    /// The placement over `usable` nodes (not empty) under a policy; `is_own` if the process already has that policy.
    pub(super) fn new(policy: &MemoryPolicy, usable: &NodeSet, is_own: bool) -> Placement {
        let named = match policy {
            MemoryPolicy::Local => NodeSet::EMPTY,
            MemoryPolicy::Preferred(nodes) | MemoryPolicy::Bind(nodes) | MemoryPolicy::Interleave(nodes) => *nodes,
        };
        let named = named.and(usable).first(MAX_NODES);
        let all = with_others(named, usable);
        let local =
            Placement { arenas: all, homes: all, spread: all, strict: false, is_own, unbound: Unbound::Nothing };
        let mut placement = match policy {
            MemoryPolicy::Local => local,
            _ if named.is_empty() => local,
            MemoryPolicy::Preferred(_) => Placement { homes: named, ..local },
            MemoryPolicy::Bind(_) => Placement { strict: true, ..local.only(&named) },
            MemoryPolicy::Interleave(_) => {
                let unbound = if is_own { Unbound::Interleaved } else { Unbound::Nothing };
                Placement { homes: NodeSet::EMPTY, spread: named, unbound, ..local }
            }
        };
        if usable.len() == 1 || (placement.arenas.len() == 1 && is_own) {
            placement = Placement { unbound: Unbound::Everything, ..local.only(&placement.arenas) };
        }
        placement
    }

    fn only(self, arenas: &NodeSet) -> Placement {
        Placement { arenas: *arenas, homes: *arenas, spread: *arenas, ..self }
    }

    /// The same placement on a machine that is only described: nothing is bound.
    pub(super) fn unbound(self) -> Placement {
        Placement { unbound: Unbound::Everything, ..self }
    }

    /// The policy's name.
    pub(super) fn policy(&self) -> NumaPolicy {
        match (self.strict, self.homes.is_empty()) {
            (true, _) => NumaPolicy::Bind,
            (false, true) => NumaPolicy::Interleave,
            (false, false) if self.homes == self.arenas => NumaPolicy::Local,
            (false, false) => NumaPolicy::Preferred,
        }
    }

    /// Returns whether mappings of huge objects must be bound too: they must if they do not have the policy from the process.
    pub(super) fn binds_mappings(&self) -> bool {
        self.unbound == Unbound::Nothing && !self.is_own && self.policy() != NumaPolicy::Local
    }

    /// How many arenas share the machine's memory: an interleaved arena that is everybody's home has it alone.
    pub(super) fn sharers(&self) -> usize {
        if self.homes.is_empty() { 1 } else { self.count() }
    }

    /// Number of nodes with an arena.
    pub(super) fn count(&self) -> usize {
        self.arenas.len()
    }

    /// How a node's region is bound, if at all.
    pub(super) fn binding_of(&self, node: usize) -> Option<MemoryPolicy> {
        match self.unbound {
            Unbound::Everything => None,
            _ if self.strict => Some(MemoryPolicy::Bind(self.arenas)),
            _ => Some(MemoryPolicy::Preferred(NodeSet::of(node))),
        }
    }

    /// How the interleaved arena's region is bound, if at all.
    pub(super) fn binding_of_interleaved(&self) -> Option<MemoryPolicy> {
        (self.unbound == Unbound::Nothing).then_some(MemoryPolicy::Interleave(self.spread))
    }

    /// How the spare region is bound, if at all.
    pub(super) fn binding_of_spare(&self) -> Option<MemoryPolicy> {
        self.binding_of(0).filter(|_| self.strict)
    }
}

/// These nodes, and the first of the others, up to the number of arenas there may be.
fn with_others(named: NodeSet, usable: &NodeSet) -> NodeSet {
    let mut all = named;
    let others = usable.iter().filter(|&node| !named.contains(node));
    others.take(MAX_NODES - named.len()).for_each(|node| all.insert(node));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> NodeSet {
        NodeSet::parse(text, ',').unwrap()
    }

    #[test]
    fn local_prefers_each_node() {
        let placement = Placement::new(&MemoryPolicy::Local, &set("0,2"), true);
        assert_eq!((placement.arenas, placement.homes), (set("0,2"), set("0,2")));
        assert_eq!(placement.binding_of(2), Some(MemoryPolicy::Preferred(set("2"))));
        assert_eq!(placement.binding_of_interleaved(), Some(MemoryPolicy::Interleave(set("0,2"))));
        assert_eq!(placement.binding_of_spare(), None);
    }

    #[test]
    fn preferred_nodes_are_home_and_the_others_help_out() {
        let placement = Placement::new(&MemoryPolicy::Preferred(set("1,9")), &set("0-3"), false);
        assert_eq!((placement.arenas, placement.homes), (set("0-3"), set("1")));
        assert_eq!(placement.binding_of(3), Some(MemoryPolicy::Preferred(set("3"))));
    }

    #[test]
    fn bound_processes_get_nothing_from_elsewhere() {
        let bound = MemoryPolicy::Bind(set("1-2"));
        let placement = Placement::new(&bound, &set("0-3"), true);
        assert_eq!((placement.arenas, placement.homes), (set("1-2"), set("1-2")));
        assert_eq!(placement.binding_of(1), Some(bound));
        assert_eq!(placement.binding_of_spare(), Some(bound));
    }

    #[test]
    fn interleaving_is_left_to_a_process_that_does_it_itself() {
        let policy = MemoryPolicy::Interleave(set("0-1"));
        let (own, asked) = (Placement::new(&policy, &set("0-3"), true), Placement::new(&policy, &set("0-3"), false));
        assert!(own.homes.is_empty() && asked.homes.is_empty());
        assert_eq!(own.binding_of_interleaved(), None);
        assert_eq!(asked.binding_of_interleaved(), Some(policy));
        assert_eq!(own.binding_of(1), Some(MemoryPolicy::Preferred(set("1"))));
    }

    #[test]
    fn nodes_beyond_the_most_are_had_by_their_numbers() {
        let (usable, node) = (set("0-99"), set("70"));
        let bound = Placement::new(&MemoryPolicy::Bind(set("70-71")), &usable, true);
        assert_eq!((bound.arenas, bound.binding_of_spare()), (set("70-71"), Some(MemoryPolicy::Bind(set("70-71")))));
        let all = set("0-62,70");
        let preferred = Placement::new(&MemoryPolicy::Preferred(node), &usable, false);
        assert_eq!((preferred.arenas, preferred.homes, preferred.policy()), (all, node, NumaPolicy::Preferred));
        let spread = Placement::new(&MemoryPolicy::Interleave(node), &usable, false);
        assert_eq!((spread.arenas, spread.spread, spread.policy()), (all, node, NumaPolicy::Interleave));
        let many = Placement::new(&MemoryPolicy::Bind(set("10-99")), &usable, false);
        assert_eq!((many.arenas, many.homes), (set("10-73"), set("10-73")));
    }

    #[test]
    fn a_policy_of_no_node_that_can_be_used_is_local() {
        for policy in [MemoryPolicy::Preferred, MemoryPolicy::Bind, MemoryPolicy::Interleave] {
            let placement = Placement::new(&policy(set("7")), &set("0-3"), true);
            assert_eq!((placement.arenas, placement.homes, placement.spread), (set("0-3"), set("0-3"), set("0-3")));
            assert_eq!((placement.policy(), placement.binding_of_spare()), (NumaPolicy::Local, None));
        }
    }

    #[test]
    fn without_a_choice_nothing_is_bound() {
        let one = Placement::new(&MemoryPolicy::Interleave(set("0")), &set("0"), false);
        assert_eq!((one.count(), one.homes, one.binding_of(0)), (1, set("0"), None));
        let bound = Placement::new(&MemoryPolicy::Bind(set("1")), &set("0-1"), true);
        assert_eq!((bound.arenas, bound.binding_of(1)), (set("1"), None));
        let asked = Placement::new(&MemoryPolicy::Bind(set("1")), &set("0-1"), false);
        assert_eq!((asked.arenas, asked.binding_of(1)), (set("1"), Some(MemoryPolicy::Bind(set("1")))));
    }
}
