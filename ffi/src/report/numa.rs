//! The nodes in each report, if there are several: the counters that `numastat` has, where pages really lie, and the calls that were refused.
//!
//! ```text
//! malloc_stats      a table: an arena for each line
//! malloc_info       elements `numa`, `node`, `refused`
//! larder_numa_maps  lines in the manner of /proc/self/numa_maps
//! ```

use core::ffi::c_int;
use core::fmt::{self, Write};

use larder_core::{NodeStats, NumaPolicy, Residence};
use libc::FILE;

use super::stream::{Stream, Uncancelled};

/// How many pages of each arena are sampled: in reports, and in the listing of `larder_numa_maps`.
const FEW: usize = 256;
const MANY: usize = 4096;

/// A node's number, or the name of the arena that has none.
struct Name(Option<usize>);

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(node) => fmt::Display::fmt(&node, out),
            None => out.pad("spread"),
        }
    }
}

/// The share of the sampled pages that lie on the node they should lie on.
struct AtHome(Option<Residence>);

impl AtHome {
    fn of(index: usize) -> AtHome {
        AtHome(larder_core::residence(index, FEW).ok().filter(|residence| residence.present > 0))
    }
}

impl fmt::Display for AtHome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(pages) => write!(
                out,
                "{:>7}.{} %",
                pages.at_home * 100 / pages.present,
                pages.at_home * 1000 / pages.present % 10
            ),
            None => write!(out, "{:>11}", "-"),
        }
    }
}

/// Writes the part that follows the table of `malloc_stats`.
pub(super) fn write_table(out: &mut impl Write) -> fmt::Result {
    writeln!(out, "memory policy: {}", larder_core::numa_policy())?;
    larder_core::numa_refusals()
        .try_for_each(|it| writeln!(out, "refused by the system: {} (error {})", it.call, it.errno))?;
    let heads = [
        "used",
        "committed",
        "numa_hit",
        "numa_miss",
        "numa_foreign",
        "interleave_hit",
        "local_node",
        "other_node",
        "remote_free",
    ];
    write!(out, "{:>8}", "node")?;
    heads.iter().try_for_each(|head| write!(out, "{head:>15}"))?;
    writeln!(out, "{:>11}", "at home")?;
    larder_core::nodes().enumerate().try_for_each(|(index, node)| {
        let NodeStats { counts, .. } = node;
        write!(out, "{:>8}{:>15}{:>15}", Name(node.node), node.used, node.committed)?;
        let counted = [
            counts.numa_hit,
            counts.numa_miss,
            counts.numa_foreign,
            counts.interleave_hit,
            counts.local_node,
            counts.other_node,
            counts.remote_free,
        ];
        counted.iter().try_for_each(|count| write!(out, "{count:>15}"))?;
        writeln!(out, "{}", AtHome::of(index))
    })
}

/// Writes the part inside larder's own element of `malloc_info`.
pub(super) fn write_xml(out: &mut impl Write) -> fmt::Result {
    writeln!(out, "  <numa policy=\"{}\"/>", larder_core::numa_policy())?;
    larder_core::numa_refusals()
        .try_for_each(|it| writeln!(out, "  <refused call=\"{}\" errno=\"{}\"/>", it.call, it.errno))?;
    larder_core::nodes().enumerate().try_for_each(|(index, node)| write_node(out, index, &node))
}

fn write_node(out: &mut impl Write, index: usize, node: &NodeStats) -> fmt::Result {
    let NodeStats { used, committed, warm, zero, counts, .. } = node;
    write!(
        out,
        "  <node id=\"{}\" used=\"{used}\" committed=\"{committed}\" warm=\"{warm}\" zero=\"{zero}\"",
        Name(node.node)
    )?;
    write!(
        out,
        " numa_hit=\"{}\" numa_miss=\"{}\" numa_foreign=\"{}\"",
        counts.numa_hit, counts.numa_miss, counts.numa_foreign
    )?;
    write!(out, " interleave_hit=\"{}\" local_node=\"{}\"", counts.interleave_hit, counts.local_node)?;
    write!(out, " other_node=\"{}\" remote_free=\"{}\"", counts.other_node, counts.remote_free)?;
    if let Some(pages) = AtHome::of(index).0 {
        write!(out, " sampled=\"{}\" at_home=\"{}\"", pages.present, pages.at_home)?;
    }
    out.write_str("/>\n")
}

/// Writes a line for each arena, in the manner of `/proc/self/numa_maps`: address, policy, bytes, and how many of the sampled pages lie on which node.
#[unsafe(no_mangle)]
unsafe extern "C" fn larder_numa_maps(stream: *mut FILE) -> c_int {
    let _uncancelled = Uncancelled::new();
    let out = &mut Stream(stream);
    let written = larder_core::nodes().enumerate().try_for_each(|(index, node)| write_map(out, index, &node));
    if written.is_ok() { 0 } else { -1 }
}

fn write_map(out: &mut Stream, index: usize, node: &NodeStats) -> fmt::Result {
    let policy = match (node.node, larder_core::numa_policy()) {
        (None, _) => "interleave",
        (Some(_), NumaPolicy::Bind) => "bind",
        (Some(_), _) => "prefer",
    };
    write!(out, "{:x} {policy}", node.base)?;
    node.node.map_or(Ok(()), |id| write!(out, ":{id}"))?;
    write!(out, " committed={} used={}", node.committed, node.used)?;
    if let Ok(pages) = larder_core::residence(index, MANY) {
        write!(out, " sampled={}", pages.present)?;
        let some = pages.by_node.iter().enumerate().filter(|(_, count)| **count > 0);
        some.into_iter().try_for_each(|(id, count)| write!(out, " N{id}={count}"))?;
    }
    out.write_str("\n")
}
