//! `malloc_info`: XML on a stdio stream.
//!
//! The elements that glibc writes keep glibc's meaning, so that readers of its format go on working: `heap` has the free
//! objects by size, and `fast` and `rest` for the free memory in caches and below them; huge objects follow as `mmap`.
//! All other figures of larder are in an element of its own.
//!
//! stdio allocates its buffer through `malloc`, and thus through larder. No lock that this could need is held here.

use core::ffi::c_int;
use core::fmt::{self, Write};

use larder_core::{ClassStats, GivenBack, OrderStats, PageStats, Stats};
use libc::FILE;

use super::numa;
use super::stream::{Escaped, Stream, Uncancelled};
use crate::about::VERSION;

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_info(options: c_int, stream: *mut FILE) -> c_int {
    if options != 0 {
        return libc::EINVAL;
    }
    let _uncancelled = Uncancelled::new();
    // An error of the stream stays in the stream's error indicator, where callers of stdio look for it.
    let mut stats = Stats::default();
    larder_core::read_stats(&mut stats);
    let _ = write_xml(&mut Stream(stream), &stats);
    0
}

fn write_xml(out: &mut Stream, stats: &Stats) -> fmt::Result {
    out.write_str("<malloc version=\"1\">\n")?;
    write_heap(out, stats)?;
    total(out, "mmap", stats.huge_count, stats.huge_in_use)?;
    writeln!(out, "<system type=\"current\" size=\"{}\"/>", stats.committed)?;
    writeln!(out, "<aspace type=\"total\" size=\"{}\"/>", stats.reserved)?;
    write_own(out, stats)?;
    out.write_str("</malloc>\n")
}

/// Writes all arenas as one heap: objects move between nodes, so figures of free objects for each node would mean little.
fn write_heap(out: &mut Stream, stats: &Stats) -> fmt::Result {
    out.write_str("<heap nr=\"0\">\n<sizes>\n")?;
    stats.classes.iter().filter(|class| class.slabs > 0).try_for_each(|class| write_free(out, class))?;
    out.write_str("</sizes>\n")?;
    let [fast, deep] = [|c: &ClassStats| c.in_windows + c.in_depots, |c: &ClassStats| c.in_slabs]
        .map(|count| stats.classes.iter().map(count).sum::<usize>());
    let runs: usize = stats.orders.iter().map(|order| order.warm + order.zero).sum();
    total(out, "fast", fast, stats.cached_windows + stats.cached_depots)?;
    total(out, "rest", deep + runs, stats.cached_slabs + stats.warm + stats.huge_warm + stats.zero)?;
    writeln!(out, "<system type=\"current\" size=\"{}\"/>", stats.committed.saturating_sub(stats.huge_in_use))?;
    out.write_str("</heap>\n")
}

fn total(out: &mut Stream, kind: &str, count: usize, size: usize) -> fmt::Result {
    writeln!(out, "<total type=\"{kind}\" count=\"{count}\" size=\"{size}\"/>")
}

/// Writes the free objects of one class, which all have the same size.
fn write_free(out: &mut Stream, class: &ClassStats) -> fmt::Result {
    let count = class.in_windows + class.in_depots + class.in_slabs;
    let (size, bytes) = (class.size, class.size * count);
    writeln!(out, "  <size from=\"{size}\" to=\"{size}\" total=\"{bytes}\" count=\"{count}\"/>")
}

/// Writes the figures that glibc's format has no place for.
fn write_own(out: &mut Stream, stats: &Stats) -> fmt::Result {
    write!(out, "<larder version=\"{VERSION}\" nodes=\"{}\" mode=\"", stats.nodes)?;
    write!(Escaped(out), "{}", stats.mode)?;
    out.write_str("\">\n")?;
    writeln!(
        out,
        "  <used small=\"{}\" large=\"{}\" large_count=\"{}\" huge=\"{}\" huge_count=\"{}\" metadata=\"{}\"/>",
        stats.small_in_use, stats.large_in_use, stats.large_count, stats.huge_in_use, stats.huge_count, stats.metadata
    )?;
    write!(out, "  <pages warm=\"{}\" huge_warm=\"{}\" zero=\"{}\"", stats.warm, stats.huge_warm, stats.zero)?;
    write!(out, " purged=\"{}\"", stats.purged)?;
    writeln!(out, " refaulted=\"{}\"/>", stats.refaulted)?;
    write_given_back(out, "  ", stats.given_back)?;
    (0..stats.nodes)
        .filter_map(larder_core::page_stats)
        .enumerate()
        .try_for_each(|(nr, pages)| write_node(out, nr, pages))?;
    writeln!(
        out,
        "  <huge_pages asked=\"{}\" hugetlb=\"{}\" hugetlb_refused=\"{}\"/>",
        stats.thp_asked, stats.hugetlb, stats.hugetlb_refused
    )?;
    writeln!(
        out,
        "  <limit held=\"{}\" most=\"{}\" ceiling=\"{}\" hits=\"{}\"/>",
        stats.held, stats.limit, stats.ceiling, stats.limit_hits
    )?;
    stats.classes.iter().filter(|class| class.slabs > 0).try_for_each(|class| write_class(out, class))?;
    stats.orders.iter().enumerate().try_for_each(|(order, free)| write_order(out, order, *free))?;
    if stats.nodes > 1 {
        numa::write_xml(out)?;
    }
    out.write_str("</larder>\n")
}

fn write_given_back(out: &mut Stream, indent: &str, given_back: GivenBack) -> fmt::Result {
    let GivenBack { direct, decay, idle, limit, trim } = given_back;
    write!(out, "{indent}<given_back direct=\"{direct}\" decay=\"{decay}\" idle=\"{idle}\"")?;
    writeln!(out, " limit=\"{limit}\" trim=\"{trim}\"/>")
}

/// Writes the pages of a node and its watermarks.
fn write_node(out: &mut Stream, nr: usize, pages: PageStats) -> fmt::Result {
    let PageStats { committed, in_use, warm, zero, min, low, high, given_back, refaulted } = pages;
    write!(out, "  <node nr=\"{nr}\" committed=\"{committed}\" in_use=\"{in_use}\" warm=\"{warm}\" zero=\"{zero}\"")?;
    writeln!(out, " min=\"{min}\" low=\"{low}\" high=\"{high}\" refaulted=\"{refaulted}\">")?;
    write_given_back(out, "    ", given_back)?;
    out.write_str("  </node>\n")
}

fn write_class(out: &mut Stream, class: &ClassStats) -> fmt::Result {
    let ClassStats { size, in_use, in_windows, in_depots, in_slabs, slabs, slab_bytes } = class;
    write!(out, "  <class size=\"{size}\" in_use=\"{in_use}\" in_windows=\"{in_windows}\" in_depots=\"{in_depots}\"")?;
    writeln!(out, " in_slabs=\"{in_slabs}\" slabs=\"{slabs}\" slab_bytes=\"{slab_bytes}\"/>")
}

fn write_order(out: &mut Stream, order: usize, free: OrderStats) -> fmt::Result {
    writeln!(out, "  <order pages=\"{}\" warm=\"{}\" zero=\"{}\"/>", 1_usize << order, free.warm, free.zero)
}
