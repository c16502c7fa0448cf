//! All figures as one JSON object: those in the tables of `malloc_stats`, and those too detailed for people.
//!
//! It is written piece by piece from figures on the stack, so the heap is not used while it is reported on. No lock is held while a piece is written,
//! so the writer may allocate.

use super::observe::seen;
use super::{numa_policy, numa_refusals, resident_in_huge_pages};
use crate::stats::json::Json;
use crate::stats::{ClassStats, GivenBack, NodeStats, NumaCounts, OrderStats, PageStats, RESIDENCE_NODES, Stats};
use crate::sys::{observed, syscall};
use core::fmt;

/// Number of pages of each arena that the kernel is asked about, where there are several nodes.
const SAMPLES: usize = 256;

/// Writes all figures of the process's heap as one JSON object, without a newline at the end. Sizes are in bytes unless a name says otherwise;
/// unknown values are `null`.
///
/// ```
/// let mut text = String::new();
/// larder::write_json(&mut text)?;
/// assert!(text.starts_with(r#"{"larder":""#) && text.ends_with('}'));
/// # Ok::<(), std::fmt::Error>(())
/// ```
pub fn write_json(out: &mut impl fmt::Write) -> fmt::Result {
    let mut stats = Stats::default();
    seen().read_stats(&mut stats);
    let stats = &stats;
    Json::object(out, |json| {
        json.text("larder", env!("CARGO_PKG_VERSION"))?;
        json.number("process", observed::other().unwrap_or_else(syscall::process_id))?;
        json.text("mode", stats.mode)?;
        json.number("nodes", stats.nodes)?;
        json.members("in_use", |json| in_use(json, stats))?;
        json.members("free", |json| free(json, stats))?;
        json.numbers([("reserved", stats.reserved), ("committed", stats.committed), ("metadata", stats.metadata)])?;
        json.members("given_back", |json| given_back(json, stats.given_back))?;
        json.number("refaulted", stats.refaulted)?;
        json.members("huge_pages", |json| huge_pages(json, stats))?;
        json.members("limits", |json| limits(json, stats))?;
        json.members("numa", numa)?;
        json.list("arenas", |json| (0..=seen().arena_count()).try_for_each(|index| arena(json, index, stats.nodes)))?;
        json.list("slabinfo", |json| {
            stats
                .classes
                .iter()
                .filter(|class| class.slabs > 0)
                .try_for_each(|it| json.members("", |json| class(json, it)))
        })?;
        json.list("buddyinfo", |json| orders(json, &stats.orders))
    })
}

fn in_use(json: &mut Json<'_>, stats: &Stats) -> fmt::Result {
    let small = stats.classes.iter().map(|class| class.in_use).sum();
    json.numbers([("small", stats.small_in_use), ("small_objects", small)])?;
    json.numbers([("large", stats.large_in_use), ("large_objects", stats.large_count)])?;
    json.numbers([("huge", stats.huge_in_use), ("huge_objects", stats.huge_count)])
}

fn free(json: &mut Json<'_>, stats: &Stats) -> fmt::Result {
    json.numbers([
        ("windows", stats.cached_windows),
        ("depots", stats.cached_depots),
        ("slabs", stats.cached_slabs),
        ("warm_pages", stats.warm),
        ("warm_huge", stats.huge_warm),
        ("zero_pages", stats.zero),
    ])
}

fn given_back(json: &mut Json<'_>, bytes: GivenBack) -> fmt::Result {
    let GivenBack { direct, decay, idle, limit, trim } = bytes;
    json.numbers([("total", bytes.total()), ("direct", direct), ("decay", decay), ("idle", idle)])?;
    json.numbers([("limit", limit), ("trim", trim)])
}

fn huge_pages(json: &mut Json<'_>, stats: &Stats) -> fmt::Result {
    json.number("resident", resident_in_huge_pages())?;
    json.numbers([("asked", stats.thp_asked), ("hugetlb", stats.hugetlb)])?;
    json.number("hugetlb_refused", stats.hugetlb_refused as usize)
}

fn limits(json: &mut Json<'_>, stats: &Stats) -> fmt::Result {
    let bound = |bytes| Some(bytes).filter(|&bytes| bytes > 0);
    // Where something is counted, there are tables.
    json.number("held", bound(stats.held))?;
    json.number("ceiling", bound(stats.ceiling))?;
    json.number("limit", bound(stats.limit))?;
    json.number("hits", stats.limit_hits as usize)
}

fn numa(json: &mut Json<'_>) -> fmt::Result {
    json.text("policy", numa_policy())?;
    json.list("refused", |json| {
        let mut refused = numa_refusals();
        refused.try_for_each(|it| {
            json.members("", |json| {
                json.text("call", it.call)?;
                json.number("errno", it.errno as usize)
            })
        })
    })
}

/// One arena: a node's, the interleaved one if there are several nodes, or, last, the spare node's.
fn arena(json: &mut Json<'_>, index: usize, nodes: usize) -> fmt::Result {
    let Some(pages) = seen().page_stats(index) else { return Ok(()) };
    let figures = seen().node_stats(index);
    json.members("", |json| {
        let kind = if index < nodes { "node" } else { figures.map_or("spare", |_| "interleaved") };
        json.text("kind", kind)?;
        if let Some(figures) = figures {
            json.number("node", figures.node)?;
            json.number("base", figures.base)?;
        }
        json.members("pages", |json| page_states(json, pages))?;
        json.list("buddyinfo", |json| orders(json, &seen().order_stats(index).unwrap_or_default()))?;
        figures.filter(|_| nodes > 1).map_or(Ok(()), |figures| numastat(json, index, &figures))
    })
}

/// The pages by state, the watermarks of warm pages, and what was given back, as in zoneinfo.
fn page_states(json: &mut Json<'_>, pages: PageStats) -> fmt::Result {
    let PageStats { committed, in_use, warm, zero, min, low, high, given_back: given, refaulted } = pages;
    json.numbers([("committed", committed), ("in_use", in_use), ("warm", warm), ("zero", zero)])?;
    json.numbers([("min", min), ("low", low), ("high", high)])?;
    json.members("given_back", |json| given_back(json, given))?;
    json.number("refaulted", refaulted)
}

/// Where there are several nodes: the counters of the kernel's numastat, and where pages lie.
fn numastat(json: &mut Json<'_>, index: usize, figures: &NodeStats) -> fmt::Result {
    let NumaCounts { numa_hit, numa_miss, numa_foreign, interleave_hit, local_node, other_node, remote_free } =
        figures.counts;
    json.number("used", figures.used)?;
    json.members("numastat", |json| {
        let first = [("numa_hit", numa_hit), ("numa_miss", numa_miss), ("numa_foreign", numa_foreign)];
        json.numbers(first.map(|(name, count)| (name, count as usize)))?;
        let rest = [("interleave_hit", interleave_hit), ("local_node", local_node), ("other_node", other_node)];
        json.numbers(rest.map(|(name, count)| (name, count as usize)))?;
        json.number("remote_free", remote_free as usize)
    })?;
    let Ok(residence) = seen().residence(index, SAMPLES) else { return json.number("residence", None) };
    json.members("residence", |json| {
        json.numbers([("asked", residence.asked), ("present", residence.present), ("at_home", residence.at_home)])?;
        json.list("by_node", |json| {
            let some = (0..RESIDENCE_NODES).filter(|&node| residence.by_node[node] > 0);
            some.into_iter().try_for_each(|node| {
                json.members("", |json| json.numbers([("node", node), ("pages", residence.by_node[node] as usize)]))
            })
        })
    })
}

fn class(json: &mut Json<'_>, class: &ClassStats) -> fmt::Result {
    let ClassStats { size, in_use, in_windows, in_depots, in_slabs, slabs, slab_bytes } = *class;
    json.numbers([("size", size), ("in_use", in_use), ("in_windows", in_windows), ("in_depots", in_depots)])?;
    json.numbers([("in_slabs", in_slabs), ("slabs", slabs), ("slab_bytes", slab_bytes)])
}

/// Free runs by their length.
fn orders(json: &mut Json<'_>, orders: &[OrderStats]) -> fmt::Result {
    orders.iter().enumerate().try_for_each(|(order, free)| {
        json.members("", |json| json.numbers([("pages", 1 << order), ("warm", free.warm), ("zero", free.zero)]))
    })
}
