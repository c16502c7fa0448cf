//! `mallinfo` and `mallinfo2`: larder's figures, each in the field whose meaning in glibc is nearest.

use core::ffi::c_int;

use larder_core::Stats;
use libc::{mallinfo as MallInfo, mallinfo2 as MallInfo2};

#[unsafe(no_mangle)]
extern "C" fn mallinfo2() -> MallInfo2 {
    mallinfo2_of_now()
}

/// The old form. Its fields are ints: a figure that does not fit becomes `INT_MAX` and does not wrap.
#[unsafe(no_mangle)]
extern "C" fn mallinfo() -> MallInfo {
    mallinfo_of_now()
}

/// glibc's internal name of `mallinfo`.
#[unsafe(no_mangle)]
extern "C" fn __libc_mallinfo() -> MallInfo {
    mallinfo_of_now()
}

fn mallinfo_of_now() -> MallInfo {
    let wide = mallinfo2_of_now();
    MallInfo {
        arena: saturated(wide.arena),
        ordblks: saturated(wide.ordblks),
        smblks: saturated(wide.smblks),
        hblks: saturated(wide.hblks),
        hblkhd: saturated(wide.hblkhd),
        usmblks: saturated(wide.usmblks),
        fsmblks: saturated(wide.fsmblks),
        uordblks: saturated(wide.uordblks),
        fordblks: saturated(wide.fordblks),
        keepcost: saturated(wide.keepcost),
    }
}

fn mallinfo2_of_now() -> MallInfo2 {
    let mut stats = Stats::default();
    larder_core::read_stats(&mut stats);
    MallInfo2 {
        arena: stats.committed.saturating_sub(stats.huge_in_use),
        ordblks: free_pieces(&stats),
        smblks: stats.classes.iter().map(|class| class.in_windows).sum(),
        hblks: stats.huge_count,
        hblkhd: stats.huge_in_use,
        usmblks: 0, // glibc's has long been 0, too
        fsmblks: stats.cached_windows,
        uordblks: stats.small_in_use + stats.large_in_use,
        fordblks: stats.cached_windows + stats.cached_depots + stats.cached_slabs + stats.warm + stats.huge_warm,
        keepcost: stats.warm + stats.huge_warm,
    }
}

/// The number of free objects outside the windows plus the number of free runs.
fn free_pieces(stats: &Stats) -> usize {
    let objects: usize = stats.classes.iter().map(|class| class.in_depots + class.in_slabs).sum();
    let runs: usize = stats.orders.iter().map(|order| order.warm + order.zero).sum();
    objects + runs
}

fn saturated(figure: usize) -> c_int {
    c_int::try_from(figure).unwrap_or(c_int::MAX)
}
