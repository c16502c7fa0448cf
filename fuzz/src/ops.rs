//! Calls, in any order, of the methods of [`Larder`] that the C face is built on.
use super::input::Input;
use super::shadow::{Object, Shadow, check_zero};
use larder::Larder;

const HEAP: Larder = Larder;
/// The alignment that malloc promises.
const NATURAL: usize = 16;
/// Sizes reach 2^27, past the largest buddy run.
const SIZE_BITS: u32 = 27;
/// Alignments reach 2^22.
const ALIGN_BITS: u32 = 23;

/// Runs the calls that `bytes` encode, then frees the objects that are left.
pub fn run(bytes: &[u8]) {
    let mut shadow = Shadow::default();
    let mut input = Input::new(bytes);
    while step(&mut shadow, &mut input).is_some() {}
    while let Some(object) = shadow.take(0) {
        // SAFETY: the shadow hands out each live object once.
        unsafe { HEAP.free(object.start) };
    }
}

/// Makes one call. Returns `None` when the input is used up.
fn step(shadow: &mut Shadow, input: &mut Input<'_>) -> Option<()> {
    match input.byte()? % 16 {
        0..=2 => malloc(shadow, input.size(SIZE_BITS)?),
        3 => calloc(shadow, input.size(SIZE_BITS)?),
        4 => memalign(shadow, input.align(ALIGN_BITS)?, input.size(SIZE_BITS)?),
        5..=7 => free(shadow, input.pair()?),
        8..=9 => realloc(shadow, input.pair()?, input.size(SIZE_BITS)?),
        10 => realloc_aligned(shadow, input.pair()?, input.align(ALIGN_BITS)?, input.size(SIZE_BITS)?),
        11 => resize_in_place(shadow, input.pair()?, input.size(SIZE_BITS)?, input.size(SIZE_BITS)?),
        12 => use_all(shadow, input.pair()?),
        13 => compare_good_size(shadow, input.align(ALIGN_BITS)?, input.size(SIZE_BITS)?),
        14 => ask_too_much(shadow, input.pair()?, input.byte()?),
        _ => trim(input.byte()?, input.size(SIZE_BITS)?),
    }
    Some(())
}

fn malloc(shadow: &mut Shadow, size: usize) {
    if shadow.has_room(size) {
        shadow.insert(HEAP.malloc(size), size, NATURAL);
    }
}

fn calloc(shadow: &mut Shadow, size: usize) {
    if !shadow.has_room(size) {
        return;
    }
    let start = HEAP.calloc(size);
    assert!(!start.is_null(), "no zeroed memory for {size} bytes");
    check_zero(start, size);
    shadow.insert(start, size, NATURAL);
}

fn memalign(shadow: &mut Shadow, align: usize, size: usize) {
    if shadow.has_room(size) {
        shadow.insert(HEAP.memalign(align, size), size, align.max(NATURAL));
    }
}

fn free(shadow: &mut Shadow, pick: usize) {
    if let Some(object) = shadow.take(pick) {
        // SAFETY: the shadow hands out each live object once.
        unsafe { HEAP.free(object.start) };
    }
}

fn realloc(shadow: &mut Shadow, pick: usize, size: usize) {
    let Some(object) = take_to_resize(shadow, pick, size) else { return };
    // SAFETY: the object is live and no longer in the shadow.
    let moved = unsafe { HEAP.resize(object.start, size) };
    settle(shadow, &object, moved, size, NATURAL);
}

fn realloc_aligned(shadow: &mut Shadow, pick: usize, align: usize, size: usize) {
    let Some(object) = take_to_resize(shadow, pick, size) else { return };
    // SAFETY: the object is live and no longer in the shadow.
    let moved = unsafe { HEAP.resize_aligned(object.start, align, size) };
    settle(shadow, &object, moved, size, align.max(NATURAL));
}

fn take_to_resize(shadow: &mut Shadow, pick: usize, size: usize) -> Option<Object> {
    shadow.has_room(size).then(|| shadow.take(pick))?
}

/// Checks that the content of `object` is now at `moved`, up to the smaller of the two sizes, and records the object under its new size.
fn settle(shadow: &mut Shadow, object: &Object, moved: *mut u8, size: usize, align: usize) {
    assert!(!moved.is_null(), "no memory to make {object:?} {size} bytes long");
    object.check_at(moved, size.min(object.size));
    shadow.insert(moved, size, align);
}

/// The object gets `size` bytes or more, or stays as it was. Either way its holder may use all bytes that are reported as usable.
fn resize_in_place(shadow: &mut Shadow, pick: usize, size: usize, more: usize) {
    let Some(object) = take_to_resize(shadow, pick, size.saturating_add(more)) else { return };
    // SAFETY: the object is live and no longer in the shadow.
    let usable = unsafe { HEAP.resize_in_place(object.start, size, size + more) };
    // SAFETY: the object is still live: it was resized in place.
    assert_eq!(usable, unsafe { HEAP.usable_size(object.start) }, "{object:?}");
    assert!(usable >= size.min(object.size), "{object:?} was left with {usable} bytes, {size} were asked for");
    settle(shadow, &object, object.start, usable, object.align);
}

/// All usable bytes belong to the holder: writing them must not damage anything.
fn use_all(shadow: &mut Shadow, pick: usize) {
    let Some(object) = shadow.look(pick) else { return };
    // SAFETY: the object is live.
    let usable = unsafe { HEAP.usable_size(object.start) };
    assert!(usable >= object.size, "{object:?} has {usable} usable bytes");
    for at in object.size..usable {
        // SAFETY: `at` is below the usable size.
        unsafe { object.start.wrapping_add(at).write(0xa5) };
    }
}

/// An object must have the usable size that `good_size` predicts.
fn compare_good_size(shadow: &mut Shadow, align: usize, size: usize) {
    if !shadow.has_room(size) {
        return;
    }
    let start = HEAP.memalign(align, size);
    shadow.insert(start, size, align.max(NATURAL));
    // SAFETY: the object is live.
    assert_eq!(HEAP.good_size(align, size), unsafe { HEAP.usable_size(start) }, "align {align}, size {size}");
}

/// Sizes that no object can have must be refused, and a refused realloc must leave the object unchanged.
fn ask_too_much(shadow: &mut Shadow, pick: usize, less: u8) {
    let size = usize::MAX - (usize::from(less) << (less % 56));
    if size <= isize::MAX as usize {
        return;
    }
    assert!(HEAP.malloc(size).is_null());
    assert!(HEAP.calloc(size).is_null());
    assert!(HEAP.memalign(4096, size).is_null());
    assert_eq!(HEAP.good_size(1, size), 0);
    if let Some(object) = shadow.look(pick) {
        // SAFETY: the object is live and stays so, because this cannot succeed.
        assert!(unsafe { HEAP.resize(object.start, size) }.is_null());
        shadow.look(pick);
    }
}

/// Trims, but only rarely, because it is slow.
fn trim(when: u8, keep: usize) {
    if when < 8 {
        HEAP.trim(keep);
    }
}
