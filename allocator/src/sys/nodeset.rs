//! Sets of the kernel's node numbers, as its calls take them and as its lists write them (`0-3,8`).

use core::fmt;

/// The kernel numbers at most this many nodes (`CONFIG_NODES_SHIFT` is 10 at most).
pub const MAX_SYSTEM_NODES: usize = 1024;
const WORDS: usize = MAX_SYSTEM_NODES / 64;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeSet([u64; WORDS]);

impl NodeSet {
    /// No node.
    pub const EMPTY: NodeSet = NodeSet([0; WORDS]);

    /// A set of one node; empty if no node can have that number.
    pub fn of(node: usize) -> NodeSet {
        let mut set = NodeSet::EMPTY;
        set.insert(node);
        set
    }

    /// A set from a mask as the kernel writes it.
    pub const fn from_words(words: [u64; WORDS]) -> NodeSet {
        NodeSet(words)
    }

    /// Returns the mask as the kernel reads it.
    pub const fn words(&self) -> &[u64; WORDS] {
        &self.0
    }

    /// Reads numbers and ranges that are separated by `separator`; returns `None` if there is anything else, or a number that is too large.
    pub fn parse(text: &str, separator: char) -> Option<NodeSet> {
        let mut set = NodeSet::EMPTY;
        for part in text.trim().split(separator) {
            let range = range(part)?;
            if *range.end() >= MAX_SYSTEM_NODES || range.is_empty() {
                return None;
            }
            range.for_each(|node| set.insert(node));
        }
        Some(set)
    }

    /// Adds a node; a number that is too large is left out.
    pub fn insert(&mut self, node: usize) {
        if let Some(word) = self.0.get_mut(node / 64) {
            *word |= 1 << (node % 64);
        }
    }

    /// Returns whether the node is in the set.
    pub fn contains(&self, node: usize) -> bool {
        self.0.get(node / 64).is_some_and(|word| word >> (node % 64) & 1 == 1)
    }

    /// Returns the nodes that are in both sets.
    pub fn and(&self, other: &NodeSet) -> NodeSet {
        NodeSet(core::array::from_fn(|index| self.0[index] & other.0[index]))
    }

    /// Returns whether no node is in the set.
    pub fn is_empty(&self) -> bool {
        *self == NodeSet::EMPTY
    }

    /// Returns the number of nodes.
    #[inline(never)]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns the nodes in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = usize> + use<> {
        let set = *self;
        (0..MAX_SYSTEM_NODES).filter(move |&node| set.contains(node))
    }

    /// Returns the first `count` nodes.
    pub fn first(&self, count: usize) -> NodeSet {
        let mut set = NodeSet::EMPTY;
        self.iter().take(count).for_each(|node| set.insert(node));
        set
    }
}

/// Written as in the kernel's lists: `0-3,8`.
impl fmt::Display for NodeSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, ",")
    }
}

impl NodeSet {
    /// Writes numbers and ranges with `separator` between them.
    pub fn write(&self, out: &mut fmt::Formatter<'_>, separator: &str) -> fmt::Result {
        let (mut next, mut between) = (0, "");
        while let Some(first) = (next..MAX_SYSTEM_NODES).find(|&node| self.contains(node)) {
            let end = (first..MAX_SYSTEM_NODES).find(|&node| !self.contains(node)).unwrap_or(MAX_SYSTEM_NODES);
            write!(out, "{between}{first}")?;
            if end - first > 1 {
                write!(out, "-{}", end - 1)?;
            }
            (next, between) = (end, separator);
        }
        Ok(())
    }
}

/// Reads a number, or two with a dash between them.
pub(super) fn range(text: &str) -> Option<core::ops::RangeInclusive<usize>> {
    let (first, last) = text.trim().split_once('-').unwrap_or((text.trim(), text.trim()));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn lists_are_read_and_written() {
        let set = NodeSet::parse("0-3+8+10-11+1023", '+').unwrap();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 8, 10, 11, 1023]);
        assert_eq!(set.len(), 8);
        assert_eq!(set.to_string(), "0-3,8,10-11,1023");
        assert_eq!(NodeSet::parse("0-3,8\n", ','), Some(set.first(5)));
        assert_eq!(NodeSet::EMPTY.to_string(), "");
        for wrong in ["", "1024", "3-1", "1,2", "-1", "1-", "a"] {
            assert_eq!(NodeSet::parse(wrong, '+'), None, "{wrong}");
        }
    }

    #[test]
    fn sets_are_cut() {
        let set = NodeSet::parse("0-3,64", ',').unwrap();
        assert_eq!(set.and(&NodeSet::parse("2-70", ',').unwrap()).iter().collect::<Vec<_>>(), [2, 3, 64]);
        assert!(set.and(&NodeSet::of(5)).is_empty());
        assert!(NodeSet::of(MAX_SYSTEM_NODES).is_empty());
    }
}
