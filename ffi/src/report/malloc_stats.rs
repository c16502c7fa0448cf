//! `malloc_stats`: a table for people, on standard error.

use core::fmt::{self, Write};

use larder_core::{ClassStats, PageStats, Stats};

use super::numa;
use crate::about::VERSION;
use crate::stderr::{self, PIECE, Pieces};

#[unsafe(no_mangle)]
extern "C" fn malloc_stats() {
    // The writer never fails.
    let mut piece = [0; PIECE];
    let _ = write_table(&mut Pieces::new(&mut piece, stderr::write));
}

pub(crate) fn write_table(out: &mut impl Write) -> fmt::Result {
    let mut stats = Stats::default();
    larder_core::read_stats(&mut stats);
    let stats = &stats;
    let plural = if stats.nodes == 1 { "" } else { "s" };
    writeln!(out, "larder {VERSION}, {}, {} node{plural}", stats.mode, stats.nodes)?;
    write_totals(out, stats)?;
    write_huge_pages(out, stats)?;
    write_bounds(out, stats)?;
    write_nodes(out, stats.nodes)?;
    write_classes(out, &stats.classes)?;
    if stats.nodes > 1 { numa::write_table(out) } else { Ok(()) }
}

fn write_totals(out: &mut impl Write, stats: &Stats) -> fmt::Result {
    let small: usize = stats.classes.iter().map(|class| class.in_use).sum();
    writeln!(out, "{:<24}{:>16}{:>12}", "", "bytes", "objects")?;
    counted(out, "in use, small", stats.small_in_use, small)?;
    counted(out, "in use, large", stats.large_in_use, stats.large_count)?;
    counted(out, "in use, huge", stats.huge_in_use, stats.huge_count)?;
    let rows = [
        ("free, in windows", stats.cached_windows),
        ("free, in depots", stats.cached_depots),
        ("free, in slabs", stats.cached_slabs),
        ("free, warm pages", stats.warm),
        ("free, warm huge ones", stats.huge_warm),
        ("free, zero pages", stats.zero),
        ("reserved", stats.reserved),
        ("committed", stats.committed),
        ("metadata", stats.metadata),
        ("given back so far", stats.purged),
        ("  directly by frees", stats.given_back.direct),
        ("  not needed lately", stats.given_back.decay),
        ("  idle", stats.given_back.idle),
        ("  memory was short", stats.given_back.limit),
        ("  trimmed", stats.given_back.trim),
        ("taken again soon", stats.refaulted),
    ];
    rows.iter().try_for_each(|(name, bytes)| writeln!(out, "{name:<24}{bytes:>16}"))
}

/// Writes the figures of huge pages that are not zero.
fn write_huge_pages(out: &mut impl Write, stats: &Stats) -> fmt::Result {
    let resident = larder_core::resident_in_huge_pages().unwrap_or(0);
    let rows = [
        ("resident in huge pages", resident),
        ("huge pages asked for", stats.thp_asked),
        ("from hugetlb so far", stats.hugetlb),
    ];
    rows.iter().filter(|(_, bytes)| *bytes > 0).try_for_each(|(name, bytes)| writeln!(out, "{name:<24}{bytes:>16}"))?;
    if stats.hugetlb_refused > 0 {
        writeln!(
            out,
            "{:<24}{:>16}: the pool is too small (vm.nr_hugepages)",
            "refused by hugetlb", stats.hugetlb_refused
        )?;
    }
    Ok(())
}

/// Writes the bounds of memory, if there are any.
fn write_bounds(out: &mut impl Write, stats: &Stats) -> fmt::Result {
    if stats.ceiling == 0 {
        return Ok(());
    }
    let rows = [("counted to the limits", stats.held), ("ceiling", stats.ceiling), ("limit", stats.limit)];
    rows.iter().filter(|(_, bytes)| *bytes > 0).try_for_each(|(name, bytes)| writeln!(out, "{name:<24}{bytes:>16}"))?;
    writeln!(out, "{:<24}{:>16}", "times at the limit", stats.limit_hits)
}

/// Writes a line for each node: its pages and its watermarks, in KiB.
fn write_nodes(out: &mut impl Write, nodes: usize) -> fmt::Result {
    let head = ("node", "KiB in use", "warm", "zero", "min", "low", "high");
    writeln!(out, "{:>8}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}", head.0, head.1, head.2, head.3, head.4, head.5, head.6)?;
    (0..nodes).filter_map(|node| Some((node, larder_core::page_stats(node)?))).try_for_each(|(node, pages)| {
        let PageStats { in_use, warm, zero, min, low, high, .. } = pages;
        let [in_use, warm, zero, min, low, high] = [in_use, warm, zero, min, low, high].map(|bytes| bytes / 1024);
        writeln!(out, "{node:>8}{in_use:>12}{warm:>12}{zero:>12}{min:>12}{low:>12}{high:>12}")
    })
}

fn counted(out: &mut impl Write, name: &str, bytes: usize, objects: usize) -> fmt::Result {
    writeln!(out, "{name:<24}{bytes:>16}{objects:>12}")
}

/// Writes a line for each class that has slabs.
fn write_classes(out: &mut impl Write, classes: &[ClassStats]) -> fmt::Result {
    let head = ("class", "in use", "windows", "depots", "slabs", "slab bytes");
    writeln!(out, "{:>8}{:>12}{:>12}{:>12}{:>12}{:>16}", head.0, head.1, head.2, head.3, head.4, head.5)?;
    classes.iter().filter(|class| class.slabs > 0).try_for_each(|c| {
        writeln!(
            out,
            "{:>8}{:>12}{:>12}{:>12}{:>12}{:>16}",
            c.size, c.in_use, c.in_windows, c.in_depots, c.in_slabs, c.slab_bytes
        )
    })
}
