//! Calls of `GlobalAlloc` with every layout that Rust can ask for.
use super::input::Input;
use super::shadow::{Object, Shadow, check_zero};
use larder::Larder;
use std::alloc::{GlobalAlloc, Layout};

const HEAP: Larder = Larder;
/// Sizes reach 2^26, past the largest buddy run.
const SIZE_BITS: u32 = 26;
/// Alignments reach 2^24.
const ALIGN_BITS: u32 = 25;

/// Runs the calls that `bytes` encode, then frees the objects that are left.
pub fn run(bytes: &[u8]) {
    let mut shadow = Shadow::default();
    let mut input = Input::new(bytes);
    while step(&mut shadow, &mut input).is_some() {}
    while dealloc(&mut shadow, 0) {}
}

/// Makes one call. Returns `None` when the input is used up.
fn step(shadow: &mut Shadow, input: &mut Input<'_>) -> Option<()> {
    match input.byte()? % 8 {
        0..=1 => alloc(shadow, layout(input)?),
        2 => alloc_zeroed(shadow, layout(input)?),
        3..=5 => _ = dealloc(shadow, input.pair()?),
        _ => realloc(shadow, input.pair()?, input.size(SIZE_BITS)?.max(1)),
    }
    Some(())
}

/// A layout, mostly with the small alignment of a real type. Its size need not be a multiple of the alignment and is never 0.
fn layout(input: &mut Input<'_>) -> Option<Layout> {
    let most = if input.byte()? % 4 == 0 { ALIGN_BITS } else { 7 };
    Layout::from_size_align(input.size(SIZE_BITS)?.max(1), input.align(most)?).ok()
}

fn alloc(shadow: &mut Shadow, layout: Layout) {
    if shadow.has_room(layout.size()) {
        // SAFETY: the layout's size is not 0.
        shadow.insert(unsafe { HEAP.alloc(layout) }, layout.size(), layout.align());
    }
}

fn alloc_zeroed(shadow: &mut Shadow, layout: Layout) {
    if !shadow.has_room(layout.size()) {
        return;
    }
    // SAFETY: the layout's size is not 0.
    let start = unsafe { HEAP.alloc_zeroed(layout) };
    assert!(!start.is_null(), "no zeroed memory for {layout:?}");
    check_zero(start, layout.size());
    shadow.insert(start, layout.size(), layout.align());
}

/// The layout with which the object was allocated.
fn layout_of(object: &Object) -> Option<Layout> {
    Layout::from_size_align(object.size, object.align).ok()
}

/// Frees an object. Returns whether there was one left.
fn dealloc(shadow: &mut Shadow, pick: usize) -> bool {
    let Some(object) = shadow.take(pick) else { return false };
    let Some(layout) = layout_of(&object) else { return false };
    // SAFETY: the shadow hands out each live object once, with its layout.
    unsafe { HEAP.dealloc(object.start, layout) };
    true
}

/// Resizes an object, and checks that it keeps its alignment and its content.
fn realloc(shadow: &mut Shadow, pick: usize, size: usize) {
    if !shadow.has_room(size) {
        return;
    }
    let Some(object) = shadow.take(pick) else { return };
    let Some(layout) = layout_of(&object) else { return };
    // SAFETY: the object is live, this is its layout, and `size` is not 0.
    let moved = unsafe { HEAP.realloc(object.start, layout, size) };
    assert!(!moved.is_null(), "no memory to make {object:?} {size} bytes long");
    object.check_at(moved, size.min(object.size));
    shadow.insert(moved, size, object.align);
}
