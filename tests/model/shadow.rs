//! The expected content of the heap: every live object, and every byte of it.
use larder::heap::Heap;
use std::collections::BTreeMap;

/// Objects up to this size and alignment are small; larger ones up to `MAX_MEDIUM` may be medium.
const MAX_SMALL: usize = 32 << 10;
const MAX_MEDIUM: usize = 256 << 10;
const PAGE: usize = 4096;

/// A live object.
#[derive(Debug)]
pub struct Object {
    /// The object's address.
    pub start: *mut u8,
    /// The requested size.
    pub size: usize,
    /// The requested alignment.
    pub align: usize,
    /// The usable size: all these bytes are written and checked.
    pub usable: usize,
    /// The number from which the content is computed; no other object has it.
    stamp: u64,
}

// SAFETY: the holder of this value owns the object, and any thread may use and free it.
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

    /// Whether the object comes from a slab. Only the heap knows this of medium ones: those that were zeroed or have grown do not.
    pub fn is_slabs(&self, heap: &Heap) -> bool {
        let has_class = heap.has_class(self.start);
        assert!(has_class || self.size > MAX_SMALL || self.align > PAGE, "{} bytes of no class", self.size);
        assert!(!has_class || self.size <= MAX_MEDIUM && self.align <= PAGE, "{} bytes of a class", self.size);
        has_class
    }

    /// Writes every usable byte.
    fn fill(&self) {
        // SAFETY: the object is live, belongs to this value and is aligned to 8, and its usable bytes may be written.
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
        // SAFETY: `start` is a live object of the caller's, aligned to 8, of which at least `kept` bytes are initialized.
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
    // SAFETY: the caller has just got an object of `size` bytes from the heap.
    let bytes = unsafe { std::slice::from_raw_parts(start, size) };
    let wrong = bytes.iter().position(|&byte| byte != 0);
    assert!(wrong.is_none(), "byte {wrong:?} of {size} at {start:p} is not zero");
}

/// All live objects of one hand.
#[derive(Debug, Default)]
pub struct Shadow {
    objects: Vec<Object>,
    /// The end address of each object, by its start address.
    ranges: BTreeMap<usize, usize>,
    bytes: usize,
}

impl Shadow {
    /// Adds an object, which must not overlap another.
    pub fn insert(&mut self, object: Object) {
        let (start, end) = (object.start.addr(), object.start.addr() + object.usable);
        let before = self.ranges.range(..end).next_back();
        assert!(before.is_none_or(|(_, &other)| other <= start), "{object:x?} overlaps {before:x?}");
        self.ranges.insert(start, end);
        self.bytes += object.usable;
        self.objects.push(object);
    }

    /// Removes object number `index`, whose content must be intact.
    pub fn take(&mut self, index: usize) -> Object {
        let object = self.objects.swap_remove(index);
        object.check();
        self.ranges.remove(&object.start.addr());
        self.bytes -= object.usable;
        object
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// The bytes of all objects.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = &Object> + Clone {
        self.objects.iter()
    }
}
