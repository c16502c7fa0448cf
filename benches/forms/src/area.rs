//! The rseq area that glibc registered for this thread, as offsets from the thread pointer.

use std::arch::asm;

const AT_RSEQ_FEATURE_SIZE: u64 = 27;
const CPU_ID: isize = 4;
const RSEQ_CS: isize = 8;
const MM_CID: isize = 24;

/// Where a section on a window finds the word for its descriptor, and its index.
#[derive(Clone, Copy)]
pub struct Area {
    /// `fs:` offset of `rseq_cs`.
    pub cs: isize,
    /// `fs:` offset of the index: `mm_cid` where the kernel keeps it, else `cpu_id`.
    pub index: isize,
    /// First index that is out of bounds.
    pub limit: u32,
    /// The name of the index, for the report.
    pub name: &'static str,
}

impl Area {
    /// The area of this process, or `None` if glibc registered none.
    pub fn find(prefer_cpu: bool) -> Option<Self> {
        let offset = offset()?;
        // SAFETY: getauxval reads a table that the kernel wrote before main.
        let features = unsafe { libc::getauxval(AT_RSEQ_FEATURE_SIZE) };
        let (field, name) = match features >= 28 && !prefer_cpu {
            true => (MM_CID, "mm_cid"),
            false => (CPU_ID, "cpu_id"),
        };
        let area = Self { cs: offset + RSEQ_CS, index: offset + field, limit: cpus(), name };
        (read(offset + CPU_ID) < area.limit).then_some(area)
    }
}

/// `__rseq_offset`, or `None` where libc has no such symbol.
fn offset() -> Option<isize> {
    let at: *const isize;
    // SAFETY: reads one GOT entry, which is 0 if the weak symbol is missing.
    unsafe {
        asm!(".weak __rseq_offset", "mov {}, [rip + __rseq_offset@GOTPCREL]", out(reg) at,
             options(nostack, pure, readonly, preserves_flags));
    }
    // SAFETY: a non-null entry is the address of glibc's constant.
    (!at.is_null()).then(|| unsafe { *at })
}

fn cpus() -> u32 {
    // SAFETY: sysconf takes no pointer.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_CONF) };
    u32::try_from(count).unwrap_or(1)
}

fn read(at: isize) -> u32 {
    let value: u32;
    // SAFETY: `at` lies inside the rseq area of this thread.
    unsafe { asm!("mov {:e}, fs:[{}]", out(reg) value, in(reg) at, options(nostack, readonly, preserves_flags)) };
    value
}
