//! The hit path with several nodes.
//!
//! A **row** is the windows that all CPUs have for one node's objects. `malloc` pops from the row of the node whose memory threads on this CPU are to
//! get (the CPU's **home**); `free` pushes to the row of the node that the object lies in. The windows, their links and the sequences are the same as
//! with one node, and so are the parts that the functions are made of (`hit_part`):
//! ```text
//! malloc(size)   row = home of this CPU, else slow;   the window by size as ever, but in that row;   links lead into the row's region
//! free(object)   row = rows[(object - first region) >> log2 of a region's length], else slow;   object below the row's end, else slow
//!                word = map of the row[page of object];   and as ever
//! ```
//! A call that finds the bounds of the one-node path shut jumps here if the same door's bounds for rows are open, with the arguments untouched, the
//! heap in `rdx` and the slow function in `r11`. The bounds of `malloc` are open iff the rows are (`Cpus::open_rows`) and the CPU alone tells which
//! one to pop from. Those of `free` are open iff the rows were opened and the length of regions is a power of two, which it is except where addresses
//! are scarce; there, the compiled hits of the slow functions remain. The CPU is read inside the sequence, so the object is of the node that the
//! thread runs on.
//!
//! Locks: none; a row's end only grows. Fork: nothing to do.
#![allow(unsafe_code, reason = "the instructions, and a table that all zero is empty")]

use super::hit::Hot;
use super::window::Cpus;
use crate::base::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::base::units::Class;
use crate::region::{Object, Reach, Region, Table, Zeroed};
use crate::sys::rseq::DEAD_SLOTS;
use crate::sys::vm::Span;
use core::mem::offset_of;

/// What the hit path reads of a row. An all-zero row has no objects.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Row {
    /// From a window of the row that the one-node hit path uses to the same window of this row; wraps around.
    distance: AtomicUsize,
    /// First address of the row's region.
    region: AtomicUsize,
    /// First address behind the committed part of it. It may lag behind, but no object beyond it is in a magazine.
    end: AtomicUsize,
    /// Where its pagemap would have the word of address 0.
    map_origin: AtomicUsize,
}

// SAFETY: four atomics.
unsafe impl Zeroed for Row {}

impl Row {
    /// Returns where the row's objects lie.
    pub(super) fn reach(&self) -> Reach {
        Reach::of(self.region.load(Ordering::Relaxed), self.end.load(Ordering::Acquire))
    }
}

/// What the hit path reads before it knows the row. All zero is shut.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Way {
    /// Where the address of CPU 0's row is stored.
    homes: AtomicUsize,
    /// Address of the first row.
    rows: AtomicUsize,
    /// Number of rows.
    count: AtomicUsize,
    /// Address of the first region.
    regions: AtomicUsize,
    /// log2 of a region's length, 0 if that is not a power of two,
    log_len: AtomicUsize,
    /// and the length, for compiled hits.
    len: AtomicUsize,
}

impl Way {
    pub(super) const fn new() -> Way {
        Way {
            homes: AtomicUsize::new(0),
            rows: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            regions: AtomicUsize::new(0),
            log_len: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
        }
    }
}

/// The tables that there are with several nodes.
#[derive(Debug)]
pub(super) struct Rows {
    rows: Table<Row>,
    /// Address of each CPU's row, 0 while it is unknown. Before CPU 0 lie those of the numbers -1 and -2, which never have one.
    homes: Table<AtomicU64>,
}

impl Rows {
    pub(super) const fn new() -> Rows {
        Rows { rows: Table::new(), homes: Table::new() }
    }

    pub(super) fn metadata_len(rows: usize, slots: usize) -> usize {
        if is_needed(rows) {
            Table::<Row>::bytes_for(rows) + Table::<AtomicU64>::bytes_for(DEAD_SLOTS + slots)
        } else {
            0
        }
    }

    /// Cuts room from `metadata`; returns the rest. If there is no memory, there are no rows.
    pub(super) fn settle(&self, metadata: Span, rows: usize, slots: usize) -> Span {
        if !is_needed(rows) {
            return metadata;
        }
        let rest = self.homes.settle(self.rows.settle(metadata, rows), DEAD_SLOTS + slots);
        let _none_then = self.homes.extend_exactly(DEAD_SLOTS + slots).and_then(|()| self.rows.extend_exactly(rows));
        rest
    }

    pub(super) fn committed(&self) -> usize {
        self.rows.committed() + self.homes.committed()
    }

    /// Returns what is known of a row; `None` with a single node.
    #[inline(always)]
    pub(super) fn get(&self, row: usize) -> Option<&Row> {
        self.rows.at(row)
    }
}

/// Returns whether there are several nodes: a single node comes with two rows, its own and the spare node's.
fn is_needed(rows: usize) -> bool {
    rows > 2
}

impl Cpus {
    /// Announces where the region of a row lies.
    pub fn begin_row(&self, row: usize, region: &Region) {
        if let Some(hot) = self.rows.get(row) {
            hot.distance.store(self.banks.distance(row), Ordering::Relaxed);
            hot.region.store(region.base(), Ordering::Relaxed);
            hot.map_origin.store(region.map().origin(region.base()), Ordering::Relaxed);
        }
        self.show_row(row, region);
    }

    /// Lets hits in a row see how far its region reaches now. The end never moves back: two threads may announce theirs at once.
    pub fn show_row(&self, row: usize, region: &Region) {
        if let Some(row) = self.rows.get(row) {
            let end = region.end();
            // Every hit reads that line, so it is only written to if something has changed.
            if end > row.end.load(Ordering::Relaxed) {
                row.end.fetch_max(end, Ordering::Release);
            }
        }
    }

    /// Makes a row the one that threads on a CPU are served from.
    pub fn set_home(&self, cpu: usize, row: usize) {
        if let (Some(place), Some(row)) = (self.rows.homes.at(DEAD_SLOTS + cpu), self.rows.get(row)) {
            place.store(core::ptr::from_ref(row).addr() as u64, Ordering::Release);
        }
    }

    /// A hit: pops a round of `class` in the row of this CPU's home; `None` if that holds none or is unknown. Only to be called where
    /// `has_plain_rows` said yes.
    #[inline(always)]
    pub fn pop_at_home(&self, class: Class) -> Option<Object> {
        let home = self.rows.homes.at(DEAD_SLOTS + self.present_cpu()?)?.load(Ordering::Acquire) as usize;
        let row = home.checked_sub(self.rows.rows.base())? / size_of::<Row>();
        self.pop(row, class)
    }

    /// A hit: pushes the small object that begins at `address` to this CPU's window in the row of its node. Returns false if no small object begins
    /// there, or if there is no room.
    #[inline(always)]
    pub fn push_by_row(&self, address: usize) -> bool {
        let Some((row, offset)) = self.found_by_row(address) else { return false };
        let at = row.distance.load(Ordering::Relaxed).wrapping_add(offset);
        self.hit_push(at, Object::mint(address)).is_ok()
    }

    /// Returns the offset of the class of the small object that begins at `address`, iff the hit path by rows covers it.
    #[inline(always)]
    pub fn offset_by_row(&self, address: usize) -> Option<usize> {
        self.found_by_row(address).map(|(_, offset)| offset)
    }

    /// Returns row and offset of the same.
    #[inline(always)]
    fn found_by_row(&self, address: usize) -> Option<(&Row, usize)> {
        let row = self.rows.get(self.row_of(address)).filter(|_| self.has_open_rows())?;
        if address >= row.end.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: what lies below the row's end is committed, and the map was settled; both happened before the end was announced.
        let found = unsafe { self.hot.find(row.map_origin.load(Ordering::Relaxed), address) };
        found.map(|(offset, _)| (row, offset))
    }

    /// Returns the number of the row whose region an address may lie in; meaningless with a single node.
    #[inline(always)]
    pub(super) fn row_of(&self, address: usize) -> usize {
        let way = &self.hot.way;
        let distance = address.wrapping_sub(way.regions.load(Ordering::Relaxed));
        match way.log_len.load(Ordering::Relaxed) {
            0 => distance.checked_div(way.len.load(Ordering::Relaxed)).unwrap_or(usize::MAX),
            log_len => distance >> (log_len % usize::BITS as usize),
        }
    }

    /// Announces where regions lie: one after the other from `regions` on, each `len` bytes long (the last one may be shorter).
    pub fn begin_rows(&self, regions: usize, len: usize) {
        let (way, tables) = (&self.hot.way, &self.rows);
        way.homes.store(tables.homes.base() + DEAD_SLOTS * size_of::<AtomicU64>(), Ordering::Relaxed);
        way.rows.store(tables.rows.base(), Ordering::Relaxed);
        way.count.store(self.row_count.load(Ordering::Relaxed), Ordering::Relaxed);
        way.regions.store(regions, Ordering::Relaxed);
        way.len.store(len, Ordering::Relaxed);
        if len.is_power_of_two() {
            way.log_len.store(len.ilog2() as usize, Ordering::Relaxed);
        }
    }

    /// Opens the hit path by rows; for frees only if a row is found by a shift.
    pub(super) fn open_way(&self) {
        if self.hot.way.log_len.load(Ordering::Relaxed) != 0 {
            self.hot.open_row_frees();
        }
        self.hot.set_row_mallocs(true);
    }
}

/// Byte offsets in `Hot` and in a row, for the macro's assembly.
pub(crate) mod at {
    use super::{Hot, Row, Way, offset_of};
    const WAY: usize = offset_of!(Hot, way);
    pub(crate) const HOMES: usize = WAY + offset_of!(Way, homes);
    pub(crate) const ROWS: usize = WAY + offset_of!(Way, rows);
    pub(crate) const COUNT: usize = WAY + offset_of!(Way, count);
    pub(crate) const REGIONS: usize = WAY + offset_of!(Way, regions);
    pub(crate) const LOG_LEN: usize = WAY + offset_of!(Way, log_len);
    pub(crate) const REGION: usize = offset_of!(Row, region);
    pub(crate) const END: usize = offset_of!(Row, end);
    pub(crate) const MAP_ORIGIN: usize = offset_of!(Row, map_origin);
    pub(crate) const ROW_SHIFT: usize = size_of::<Row>().ilog2() as usize;
    const _: () = assert!(size_of::<Row>() == 1 << ROW_SHIFT && offset_of!(Row, distance) == 0);
}

/// Defines `malloc_by_row` and `free_by_row`, to which the two functions of the hit path jump; `$odd_link` is where a link goes that needs a closer
/// look. Both are hidden: a jump by way of the dynamic linker, as in a library made of `liblarder.a`, would lose r11.
macro_rules! define_by_row {
    ($odd_link:path) => {
        /// `malloc(rdi)` by the row of this CPU's home, or else a jump to the slow function in r11; rdx: the heap. For sizes of at most
        /// `MAX_MEDIUM`.
        ///
        /// # Safety
        /// Jumped to by the hit path only, with these registers.
        #[unsafe(naked)]
        pub unsafe extern "C" fn malloc_by_row() {
            ::core::arch::naked_asm!(
                ".hidden {own}",
                ".cfi_startproc",
                $crate::rseq_descriptor!(),
                "cmp rdi, {max_tiny}",
                "ja 26f",
                "movzx esi, byte ptr [rdx + rdi + {by_size}]",
                "21:",
                $crate::hit_part!(enter),
                "movsxd r10, dword ptr fs:[r8 + {cpu}]",
                "mov r9, [rdx + {homes}]",
                "mov r10, [r9 + r10 * 8]",
                "test r10, r10",
                "jz 20f",
                $crate::hit_part!(slot),
                "add r8, [r10]",
                $crate::hit_part!(pop "20f", "[r10 + {region}]", "[r10 + {end}]"),
                "26:",
                "cmp rdi, {max_small}",
                "ja 25f",
                $crate::hit_part!(steps),
                "25:",
                $crate::hit_part!(pages),
                $crate::hit_part!(odd),
                "20:",
                "jmp r11",
                $crate::rseq_abort!(),
                "jmp 21b",
                ".cfi_endproc",
                max_tiny = const $crate::base::classes::MAX_TINY,
                max_small = const $crate::base::classes::MAX_SMALL,
                by_size = const $crate::hit::at::BY_SIZE,
                by_steps = const $crate::hit::at::BY_STEPS,
                step_shift = const $crate::hit::STEP_SHIFT,
                within_step = const (1 << $crate::hit::STEP_SHIFT) - 1,
                by_pages = const $crate::hit::at::BY_PAGES,
                cpu = const $crate::sys::rseq::CPU_FROM_CS,
                homes = const $crate::cpu::rows_at::HOMES,
                region = const $crate::cpu::rows_at::REGION,
                end = const $crate::cpu::rows_at::END,
                mix = const $crate::hit::MIX,
                shift = const $crate::hit::SLOT_SHIFT,
                odd_link = sym $odd_link,
                own = sym malloc_by_row,
            )
        }

        /// `free(rdi)` to the row of the node that the object lies in, or else a jump to the slow function in r11; rdx: the heap.
        ///
        /// # Safety
        /// Jumped to by the hit path only, with these registers.
        #[unsafe(naked)]
        pub unsafe extern "C" fn free_by_row() {
            ::core::arch::naked_asm!(
                ".hidden {own}",
                ".cfi_startproc",
                $crate::rseq_descriptor!(),
                "mov rax, rdi",
                "sub rax, [rdx + {regions}]",
                "mov ecx, [rdx + {log_len}]",
                "shr rax, cl",
                "cmp rax, [rdx + {count}]",
                "jae 20f",
                "shl rax, {row_shift}",
                "add rax, [rdx + {rows}]",
                "mov r10, rax",
                "cmp rdi, [r10 + {end}]",
                "jae 20f",
                $crate::hit_part!(object "[r10 + {map_origin}]", "20f"),
                "21:",
                $crate::hit_part!(enter),
                $crate::hit_part!(slot),
                "add r8, [r10]",
                $crate::hit_part!(push "20f"),
                "20:",
                "jmp r11",
                $crate::rseq_abort!(),
                "mov qword ptr [rdi], 0",
                "jmp 21b",
                ".cfi_endproc",
                regions = const $crate::cpu::rows_at::REGIONS,
                log_len = const $crate::cpu::rows_at::LOG_LEN,
                count = const $crate::cpu::rows_at::COUNT,
                rows = const $crate::cpu::rows_at::ROWS,
                row_shift = const $crate::cpu::rows_at::ROW_SHIFT,
                end = const $crate::cpu::rows_at::END,
                map_origin = const $crate::cpu::rows_at::MAP_ORIGIN,
                reciprocal = const $crate::hit::at::RECIPROCAL,
                starts = const $crate::hit::STARTS,
                mix = const $crate::hit::MIX,
                shift = const $crate::hit::SLOT_SHIFT,
                own = sym free_by_row,
            )
        }
    };
}
pub(crate) use define_by_row;

#[cfg(test)]
impl Cpus {
    /// Makes a CPU's home unknown.
    pub fn forget_home(&self, cpu: usize) {
        if let Some(place) = self.rows.homes.at(DEAD_SLOTS + cpu) {
            place.store(0, Ordering::Release);
        }
    }
}
