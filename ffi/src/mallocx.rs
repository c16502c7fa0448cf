//! jemalloc's extended interface.
//!
//! The flags of a call are one `int`: the low six bits hold the base-2 logarithm of the alignment, and the next bit asks for
//! zeroed memory. Bits 8 to 19 choose a thread cache, bits 20 to 31 an arena; larder lets programs choose neither, so they are ignored. But
//! if bit 7 is set, which jemalloc does not use, bits 20 to 31 hold the number of a NUMA node plus one.
//! As in jemalloc, a call that fails returns null and does not set errno.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void};
use core::ptr;

use larder_core::{Larder, Placed};

use crate::MIN_ALIGN;
use crate::aligned::{MAX_ALIGN, aligned};
use crate::malloc::free_slow;
use crate::numa::on_node;

/// The flags of a call, with methods for those that larder acts on.
#[derive(Clone, Copy)]
struct Flags(c_int);

impl Flags {
    fn align(self) -> usize {
        MIN_ALIGN.max(1 << (self.0 & 0x3f))
    }

    fn zero(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Where the object must lie: anywhere (`None`), on a node, or on a node that does not exist (`Some(None)`).
    fn place(self) -> Option<Option<Placed>> {
        (self.0 & 0x80 != 0).then(|| on_node((self.0.cast_unsigned() >> 20).cast_signed() - 1))
    }

    /// With `MALLOCX_ZERO` the request is enlarged to the whole usable size of the new object. Otherwise a move might copy only the bytes asked
    /// for, and the rest of the usable size would hold another object's old bytes.
    fn whole(self, layout: Layout) -> Layout {
        let usable = if self.zero() { Larder.good_size(layout.align(), layout.size()) } else { 0 };
        Layout::from_size_align(usable.max(layout.size()), layout.align()).unwrap_or(layout)
    }

    /// A request of `size` bytes; `None` if the size or the alignment is too large for any object.
    fn layout(self, size: usize) -> Option<Layout> {
        Layout::from_size_align(size, self.align()).ok().filter(|layout| layout.align() <= MAX_ALIGN)
    }
}

#[unsafe(no_mangle)]
extern "C" fn mallocx(size: usize, flags: c_int) -> *mut c_void {
    let flags = Flags(flags);
    let Some(layout) = flags.layout(size) else { return ptr::null_mut() };
    let object = match flags.place() {
        None if flags.zero() => zeroed(layout),
        None => aligned(layout.align(), layout.size()),
        Some(Some(place)) if flags.zero() => placed_zeroed(place, layout),
        Some(Some(place)) => place.memalign(layout.align(), layout.size()),
        Some(None) => ptr::null_mut(),
    };
    object.cast()
}

/// As [`zeroed`], but on a node.
fn placed_zeroed(place: Placed, layout: Layout) -> *mut u8 {
    match Larder.good_size(layout.align(), layout.size()) {
        0 => ptr::null_mut(),
        usable => place.memalign_zeroed(layout.align(), usable),
    }
}

/// Allocates an object that is zero to the end of its usable size: a later `rallocx` with `MALLOCX_ZERO` clears only the bytes beyond that.
fn zeroed(layout: Layout) -> *mut u8 {
    let usable = Larder.good_size(layout.align(), layout.size());
    match Layout::from_size_align(usable, layout.align()) {
        // SAFETY: `usable` is not 0, as the guard checks.
        Ok(whole) if usable != 0 => unsafe { Larder.alloc_zeroed(whole) },
        _ => ptr::null_mut(),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rallocx(object: *mut c_void, size: usize, flags: c_int) -> *mut c_void {
    let flags = Flags(flags);
    let Some(layout) = flags.layout(size).map(|layout| flags.whole(layout)) else { return ptr::null_mut() };
    // SAFETY: the caller holds the object.
    let before = unsafe { Larder.usable_size(object.cast()) };
    let moved = match flags.place() {
        // SAFETY: the caller holds the object and gives it up if the call succeeds.
        None => unsafe { Larder.resize_aligned(object.cast(), layout.align(), layout.size()) },
        // SAFETY: the caller holds the object and gives it up if the call succeeds.
        Some(Some(place)) => unsafe { place.resize_aligned(object.cast(), layout.align(), layout.size()) },
        Some(None) => return ptr::null_mut(),
    };
    if flags.zero() && !moved.is_null() {
        // A move copies at most as many bytes as were asked for.
        let kept = if moved == object.cast() { before } else { before.min(layout.size()) };
        // SAFETY: `moved` is live, and only this call knows of the bytes beyond `kept`.
        unsafe { clear_from(moved, kept) };
    }
    moved.cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xallocx(object: *mut c_void, size: usize, extra: usize, flags: c_int) -> usize {
    // SAFETY: the caller holds the object.
    let before = unsafe { Larder.usable_size(object.cast()) };
    // SAFETY: the caller holds the object, and it does not move.
    let after = unsafe { Larder.resize_in_place(object.cast(), size, size.saturating_add(extra)) };
    if Flags(flags).zero() {
        // SAFETY: the object is live because it did not move; the bytes beyond its previous usable size are new to the caller.
        unsafe { clear_from(object.cast(), before) };
    }
    after
}

/// Zeroes `object` from offset `start` to the end of its usable size.
///
/// # Safety
/// `object` is live, and nobody else uses its bytes from `start` on.
unsafe fn clear_from(object: *mut u8, start: usize) {
    // SAFETY: the object is live by this function's contract.
    let end = unsafe { Larder.usable_size(object) };
    if start < end {
        // SAFETY: `start` is below the usable size, hence inside the object.
        let tail = unsafe { object.add(start) };
        // SAFETY: these bytes end at the usable size, and nobody else uses them by this function's contract.
        unsafe { tail.write_bytes(0, end - start) };
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sallocx(object: *const c_void, _flags: c_int) -> usize {
    // SAFETY: the caller holds the object.
    unsafe { Larder.usable_size(object.cast()) }
}

larder_core::define_free!(
    #[unsafe(no_mangle)]
    dallocx,
    free_slow,
    front
);

larder_core::define_free!(
    #[unsafe(no_mangle)]
    sdallocx,
    free_slow,
    front
);

#[unsafe(no_mangle)]
extern "C" fn nallocx(size: usize, flags: c_int) -> usize {
    let flags = Flags(flags);
    let layout = flags.layout(size).filter(|_| !matches!(flags.place(), Some(None)));
    layout.map_or(0, |layout| Larder.good_size(layout.align(), layout.size()))
}
