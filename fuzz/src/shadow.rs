//! The state that a program would know: where its objects lie, how long they are, and what they hold.
use std::collections::BTreeMap;

/// The most bytes that a run holds at once.
pub(super) const MOST_BYTES: usize = 192 << 20;
/// Objects up to this size are written and checked completely, longer ones at about this many places.
const PROBES: usize = 512;

/// A live object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    /// The object's address.
    pub(super) start: *mut u8,
    /// The size that was asked for.
    pub(super) size: usize,
    /// The alignment that was asked for.
    pub(super) align: usize,
    tag: u8,
}

impl Object {
    /// Panics if the first `size` bytes of this object did not arrive at `place`.
    pub(super) fn check_at(&self, place: *const u8, size: usize) {
        for at in probes(self.size).filter(|&at| at < size) {
            // SAFETY: `place` is a live object of at least `size` bytes, and `at` is below `size`.
            let found = unsafe { place.wrapping_add(at).read() };
            assert_eq!(found, self.byte_at(at), "byte {at} of {self:?} seen at {place:?} has changed");
        }
    }

    fn paint(&self) {
        for at in probes(self.size) {
            // SAFETY: `at` lies inside this live object.
            unsafe { self.start.wrapping_add(at).write(self.byte_at(at)) };
        }
    }

    fn byte_at(&self, at: usize) -> u8 {
        (at as u8).wrapping_mul(31) ^ (at >> 8) as u8 ^ self.tag
    }
}

/// The offsets at which an object of `size` bytes is written and checked; the last byte is always one of them.
pub(super) fn probes(size: usize) -> impl Iterator<Item = usize> {
    (0..size).step_by(size.div_ceil(PROBES).max(1)).chain(size.checked_sub(1))
}

/// Panics if `size` bytes from `start` are not zero.
pub(super) fn check_zero(start: *const u8, size: usize) {
    for at in probes(size) {
        // SAFETY: the caller has just allocated this object of `size` bytes, and `at` is below `size`.
        let found = unsafe { start.wrapping_add(at).read() };
        assert_eq!(found, 0, "byte {at} of the zeroed object {start:?} of {size} bytes");
    }
}

/// All live objects by address.
#[derive(Default)]
pub(super) struct Shadow {
    live: BTreeMap<usize, Object>,
    bytes: usize,
    made: u8,
}

impl Shadow {
    /// Whether an object of `size` bytes would stay within the bound.
    pub(super) fn has_room(&self, size: usize) -> bool {
        size <= MOST_BYTES - self.bytes.min(MOST_BYTES)
    }

    /// Records a new object. It must exist, be aligned and overlap no other object. Its bytes get a pattern of their own.
    pub(super) fn insert(&mut self, start: *mut u8, size: usize, align: usize) {
        self.made = self.made.wrapping_add(1);
        let object = Object { start, size, align, tag: self.made };
        assert!(!start.is_null(), "no memory for {object:?}");
        assert_eq!(start.addr() % align, 0, "alignment of {object:?}");
        self.check_alone(&object);
        object.paint();
        self.bytes += size;
        self.live.insert(start.addr(), object);
    }

    /// A live object, picked by a number, after checking its content. It stays in the shadow.
    pub(super) fn look(&self, pick: usize) -> Option<Object> {
        let object = *self.live.values().nth(pick % self.live.len().max(1))?;
        object.check_at(object.start, object.size);
        Some(object)
    }

    /// As [`Shadow::look`], but removes the object: the caller frees or moves it.
    pub(super) fn take(&mut self, pick: usize) -> Option<Object> {
        let object = self.look(pick)?;
        self.live.remove(&object.start.addr());
        self.bytes -= object.size;
        Some(object)
    }

    /// Panics if another object overlaps this one. An object of size 0 counts as one byte, because it must be unique.
    fn check_alone(&self, object: &Object) {
        let (start, end) = (object.start.addr(), object.start.addr() + object.size.max(1));
        if let Some((_, before)) = self.live.range(..end).next_back() {
            assert!(before.start.addr() + before.size.max(1) <= start, "{object:?} overlaps {before:?}");
        }
    }
}
