//! What the heap should hold: every live object, and every byte of it.
use larder::heap::Heap;
use std::collections::BTreeMap;

/// Objects up to this size and alignment are small, and those up to the next may be medium.
const MAX_SMALL: usize = 32 << 10;
const MAX_MEDIUM: usize = 256 << 10;
const PAGE: usize = 4096;

/// A live object.
#[derive(Debug)]
pub struct Object {
    /// Its address.
    pub start: *mut u8,
    /// As asked for.
    pub size: usize,
    /// As asked for.
    pub align: usize,
    /// Bytes that may be used: all of them are written and checked.
    pub usable: usize,
    /// What its bytes are made of: no other object has it.
    stamp: u64,
}

// SAFETY: an object belongs to whoever holds this value.
unsafe impl Send for Object {}

impl Object {
    /// Takes charge of an object and fills it.
    pub fn new(start: *mut u8, size: usize, align: usize, usable: usize, stamp: u64) -> Object {
        assert!(!start.is_null(), "no memory for {size} bytes aligned to {align}");
        assert!(usable >= size, "{usable} usable bytes for {size}");
        let least = if align <= 8 && size <= 8 { align } else { align.max(16) };
        assert!(start.addr().is_multiple_of(least), "{start:p} is not aligned to {least}");
        let object = Object { start, size, align, usable, stamp };
        object.fill();
        object
    }

    /// Whether it comes from a slab. Which medium ones do the heap must say: those that were zeroed or have grown do not.
    pub fn is_slabs(&self, heap: &Heap) -> bool {
        let has_class = heap.has_class(self.start);
        assert!(has_class || self.size > MAX_SMALL || self.align > PAGE, "{} bytes of no class", self.size);
        assert!(!has_class || self.size <= MAX_MEDIUM && self.align <= PAGE, "{} bytes of a class", self.size);
        has_class
    }

    /// Writes every usable byte.
    fn fill(&self) {
        // SAFETY: the object is live, ours, and aligned to 8.
        let words = unsafe { std::slice::from_raw_parts_mut(self.start.cast::<u64>(), self.usable / 8) };
        for (index, word) in words.iter_mut().enumerate() {
            *word = word_at(self.stamp, index);
        }
    }

    /// Checks every usable byte.
    pub fn check(&self) {
        self.check_first(self.usable, self.start);
    }

    /// Checks that `kept` bytes at `start` are this object's first.
    pub fn check_first(&self, kept: usize, start: *const u8) {
        // SAFETY: at least `kept` bytes there are of a live object of ours, aligned to 8.
        let words = unsafe { std::slice::from_raw_parts(start.cast::<u64>(), kept / 8) };
        let wrong = words.iter().enumerate().position(|(index, &word)| word != word_at(self.stamp, index));
        assert!(wrong.is_none(), "{self:x?}: another hand wrote to word {wrong:?}");
    }
}

fn word_at(stamp: u64, index: usize) -> u64 {
    stamp.wrapping_add((index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Fails unless `size` bytes at `start` are zero.
pub fn check_zero(start: *const u8, size: usize) {
    assert!(!start.is_null(), "no memory for {size} zeroed bytes");
    // SAFETY: the caller just got so many bytes from the heap.
    let bytes = unsafe { std::slice::from_raw_parts(start, size) };
    let wrong = bytes.iter().position(|&byte| byte != 0);
    assert!(wrong.is_none(), "byte {wrong:?} of {size} at {start:p} is not zero");
}

/// All live objects of one hand.
#[derive(Debug, Default)]
pub struct Shadow {
    objects: Vec<Object>,
    /// First address to end.
    ranges: BTreeMap<usize, usize>,
    bytes: usize,
}

impl Shadow {
    /// Adds an object; it must not overlap another.
    pub fn insert(&mut self, object: Object) {
        let (start, end) = (object.start.addr(), object.start.addr() + object.usable);
        let before = self.ranges.range(..end).next_back();
        assert!(before.is_none_or(|(_, &other)| other <= start), "{object:x?} overlaps {before:x?}");
        self.ranges.insert(start, end);
        self.bytes += object.usable;
        self.objects.push(object);
    }

    /// Removes object number `index`, whose bytes must be as they were written.
    pub fn take(&mut self, index: usize) -> Object {
        let object = self.objects.swap_remove(index);
        object.check();
        self.ranges.remove(&object.start.addr());
        self.bytes -= object.usable;
        object
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Bytes of all objects.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = &Object> + Clone {
        self.objects.iter()
    }
}
