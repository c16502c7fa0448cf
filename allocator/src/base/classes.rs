//! Size classes: 8 bytes, multiples of 16 up to 128, then eight steps to each doubling: **small** ones up to 32 KiB, **medium** ones up to 256 KiB.
//!
//! Medium objects are whole numbers of pages. Each is a slab of its own, so a freed one becomes a run again at once, except for the one or few that a
//! CPU's window and its depot keep: keeping these is what medium classes are for.
//!
//! A request above 128 bytes wastes at most one step, which is an eighth of the request: 12.5 %. The spacing is that of most
//! modern allocators (jemalloc's `lg_group` of 3). Everything here is computed at compile time.
//!
//! Per class: the object size, the pages of a slab, the objects in it, the capacity of a magazine, and the reciprocal with which
//! `free` tells an object's start from any other address without a division (see the pagemap).

use super::units::{Class, MIN_ALIGN, PAGE, round_up};

/// Number of classes, the unused class 0 included.
pub const CLASSES: usize = 98;
/// Classes below this are small.
const SMALL_CLASSES: usize = 74;
/// The largest small size in bytes.
pub const MAX_SMALL: usize = 32 * 1024;
/// The largest medium size in bytes.
pub const MAX_MEDIUM: usize = 256 * 1024;
/// Most objects a slab holds, and so the number of bits in its bitmap.
pub const MAX_SLAB_OBJECTS: usize = 512;
/// Most rounds a magazine holds.
pub const MAX_ROUNDS: usize = 256;
/// Most pages of a slab.
pub const MAX_SLAB_PAGES: usize = 64;
/// A class's reciprocal times its size exceeds 2^64 by at least this: more than the pagemap rounds by, so that it can tell the last object of a slab from the
/// place behind it.
pub const DRIFT: u64 = 1 << 17;
/// The class of 8-byte objects (only a Rust `Layout` with an alignment of at most 8 may use it).
pub const CLASS_8: Class = Class(1);
/// The first class that any request may use.
const CLASS_16: Class = Class(2);

/// Bytes of one class's place in a CPU's slot.
pub const WINDOW_BYTES: usize = 24;
/// The largest tiny size in bytes: the hit path looks up tiny sizes by the byte.
pub const MAX_TINY: usize = 1024;
/// Entries of a table by size.
pub const BY_SIZE_LEN: usize = MAX_TINY + 1;

/// Small sizes that are not tiny are looked up in steps of this many bytes; the sizes of their classes are multiples of it.
const STEP: usize = 1 << STEP_SHIFT;
/// log2 of `STEP`.
pub const STEP_SHIFT: u32 = 7;
/// Entries of a table by steps.
pub const BY_STEPS_LEN: usize = MAX_SMALL / STEP + 1;

/// Entries of a table by pages.
pub const BY_PAGES_LEN: usize = MAX_MEDIUM / PAGE + 1;

/// Entries of a table by units of [`MIN_ALIGN`].
const BY_UNITS_LEN: usize = MAX_SMALL / MIN_ALIGN + 1;

const MAGAZINE_BYTES: usize = 32 * 1024;
const MIN_ROUNDS: usize = 4;
/// For medium objects; a magazine holds one at least.
const MEDIUM_MAGAZINE_BYTES: usize = 128 * 1024;
const LARGEST_EVEN_CLASS: usize = 9;
const COLOUR_STEP: usize = 64;
pub const LINE: usize = 64;

/// The constants of one class.
#[derive(Clone, Copy)]
pub struct ClassInfo {
    /// Object size in bytes.
    pub size: u32,
    /// Pages of a slab.
    pub slab_pages: u32,
    /// Objects in a slab.
    pub slab_objects: u32,
    /// Rounds in a full magazine.
    pub rounds: u32,
    /// Number of objects that share cache lines with one another and with no others; each group begins at a multiple of this number. A power of two. Also 1
    /// for objects of two lines or more, where no line is shared by more than parts of two objects.
    pub group: u32,
    /// Bytes from one slab colour to the next.
    pub colour_step: u32,
    /// Number of colours, at least 1.
    pub colours: u32,
}

const fn size_of_class(index: usize) -> usize {
    if index == 1 {
        8
    } else if index <= LARGEST_EVEN_CLASS {
        (index - 1) * 16
    } else {
        let group = (index - LARGEST_EVEN_CLASS - 1) / 8;
        let step = (index - LARGEST_EVEN_CLASS - 1) % 8 + 1;
        (128 << group) + step * (16 << group)
    }
}

/// The alignment of every object of a class that follows from its size, because slabs begin on pages.
const fn natural_align(size: usize) -> usize {
    let low = 1 << size.trailing_zeros();
    if low > PAGE { PAGE } else { low }
}

/// The fewest pages that hold enough objects with at most 1/32 lost at the end; for a medium class, the pages of one object.
const fn slab_pages(size: usize) -> usize {
    if size > MAX_SMALL {
        return size / PAGE;
    }
    let wanted = if size <= 64 {
        128
    } else if size <= 512 {
        64
    } else if size <= 1024 {
        32
    } else {
        8
    };
    let mut pages = 1;
    loop {
        let bytes = pages * PAGE;
        let objects = bytes / size;
        let fits = objects >= wanted && objects <= MAX_SLAB_OBJECTS;
        if fits && (bytes - objects * size) * 32 <= bytes {
            return pages;
        }
        pages += 1;
    }
}

/// [`ClassInfo::group`]; the first object of a slab begins on a cache line.
const fn group(size: usize) -> usize {
    let natural = natural_align(size);
    if size < 2 * LINE && natural < LINE { LINE / natural } else { 1 }
}

const fn class_info(index: usize) -> ClassInfo {
    let size = size_of_class(index);
    let pages = slab_pages(size);
    let objects = pages * PAGE / size;
    let spare = pages * PAGE - objects * size;
    let align = natural_align(size);
    let step = if align > COLOUR_STEP { align } else { COLOUR_STEP };
    let by_bytes = MAGAZINE_BYTES / size;
    let rounds = if size > MEDIUM_MAGAZINE_BYTES {
        1
    } else if size > MAX_SMALL {
        MEDIUM_MAGAZINE_BYTES / size
    } else if by_bytes > MAX_ROUNDS {
        MAX_ROUNDS
    } else if by_bytes < MIN_ROUNDS {
        MIN_ROUNDS
    } else {
        by_bytes
    };
    ClassInfo {
        size: size as u32,
        slab_pages: pages as u32,
        slab_objects: objects as u32,
        rounds: rounds as u32,
        group: group(size) as u32,
        colour_step: step as u32,
        colours: (spare / step) as u32 + 1,
    }
}

pub const fn all_classes() -> [ClassInfo; CLASSES] {
    let none = ClassInfo { size: 0, slab_pages: 0, slab_objects: 0, rounds: 0, group: 1, colour_step: 0, colours: 1 };
    let mut table = [none; CLASSES];
    let mut index = 1;
    while index < CLASSES {
        table[index] = class_info(index);
        index += 1;
    }
    table
}

/// For 0, 1, 2… units of `unit` bytes: the [`Class::words`] of the first class, from `first` on, that holds them.
const fn words_by<const LEN: usize>(unit: usize, first: usize) -> [u16; LEN] {
    let mut table = [0; LEN];
    let mut class = first;
    let mut units = 0;
    while units < LEN {
        while size_of_class(class) < units * unit {
            class += 1;
        }
        table[units] = Class(class as u8).words() as u16;
        units += 1;
    }
    table
}

/// Narrows the words to bytes, which those of small classes fit.
const fn bytes<const LEN: usize>(words: [u16; LEN]) -> [u8; LEN] {
    let mut table = [0; LEN];
    let mut at = 0;
    while at < LEN {
        assert!(words[at] <= u8::MAX as u16, "a small class");
        table[at] = words[at] as u8;
        at += 1;
    }
    table
}

/// What the hit path reads: the place of a window, by size,
pub const fn words_by_size() -> [u8; BY_SIZE_LEN] {
    bytes(words_by(1, CLASS_16.index()))
}

/// by steps,
pub const fn words_by_steps() -> [u8; BY_STEPS_LEN] {
    bytes(words_by(STEP, CLASS_16.index()))
}

/// and by pages, for medium classes.
pub const fn words_by_pages() -> [u16; BY_PAGES_LEN] {
    words_by(PAGE, SMALL_CLASSES)
}

/// ceil((2^64 + [`DRIFT`]) / size) of every class, 0 for "no class", so that one comparison refuses both a wrong address and a wrong page.
pub const fn reciprocals() -> [u64; CLASSES] {
    let mut table = [0; CLASSES];
    let mut index = 1;
    while index < CLASSES {
        table[index] = ((1 << 64) + DRIFT as u128).div_ceil(size_of_class(index) as u128) as u64;
        index += 1;
    }
    table
}

static INFO: [ClassInfo; CLASSES] = all_classes();
static WORDS: [u8; BY_UNITS_LEN] = bytes(words_by(MIN_ALIGN, CLASS_16.index()));
static PAGE_WORDS: [u16; BY_PAGES_LEN] = words_by_pages();
static RECIPROCAL: [u64; CLASSES] = reciprocals();

impl Class {
    /// Every class, smallest first.
    pub fn all() -> impl Iterator<Item = Class> {
        (1..CLASSES as u8).map(Class)
    }

    /// The constants of this class.
    #[inline(always)]
    pub fn info(self) -> &'static ClassInfo {
        &INFO[self.index()]
    }

    /// Object size in bytes.
    #[inline(always)]
    pub fn size(self) -> usize {
        self.info().size as usize
    }

    /// The class of a 16-byte aligned object of `size` bytes, at most [`MAX_SMALL`].
    #[inline(always)]
    pub fn of(size: usize) -> Class {
        Class::at_offset(Class::offset_for(size, MIN_ALIGN))
    }

    /// Bytes from a slot's beginning to this class's window: the hit path names a class by this offset.
    #[inline(always)]
    pub const fn offset(self) -> usize {
        self.0 as usize * WINDOW_BYTES
    }

    /// [`Class::offset`] in words of 8 bytes.
    #[inline(always)]
    pub const fn words(self) -> usize {
        self.offset() / 8
    }

    /// The offset of the class for `size` bytes, at most [`MAX_SMALL`], at an alignment of at most [`MIN_ALIGN`].
    #[inline(always)]
    pub fn offset_for(size: usize, align: usize) -> usize {
        if align <= 8 && size <= 8 { CLASS_8.offset() } else { WORDS[size.div_ceil(MIN_ALIGN)] as usize * 8 }
    }

    /// The class of an offset.
    #[inline(always)]
    pub const fn at_offset(offset: usize) -> Class {
        Class((offset / WINDOW_BYTES) as u8)
    }

    /// Returns whether objects of this class are medium.
    #[inline(always)]
    pub fn is_medium(self) -> bool {
        self.index() >= SMALL_CLASSES
    }

    /// The class for `size` bytes, more than [`MAX_SMALL`] and at most [`MAX_MEDIUM`].
    #[inline(always)]
    fn medium(size: usize) -> Class {
        Class::at_offset(PAGE_WORDS[size.div_ceil(PAGE)] as usize * 8)
    }

    /// Returns how many whole objects there are in `bytes` bytes of a slab, by a multiplication.
    #[inline(always)]
    pub fn objects_in(self, bytes: usize) -> usize {
        ((bytes as u128 * self.reciprocal() as u128) >> u64::BITS) as usize
    }

    /// ceil((2^64 + [`DRIFT`]) / size).
    #[inline(always)]
    pub fn reciprocal(self) -> u64 {
        RECIPROCAL[self.index()]
    }

    /// The class for `size` bytes at `align` (a power of two); `None` if that is no small object.
    #[inline(always)]
    pub fn small(size: usize, align: usize) -> Option<Class> {
        if size > MAX_SMALL {
            None
        } else if align <= MIN_ALIGN {
            Some(Class::at_offset(Class::offset_for(size, align)))
        } else {
            Class::aligned(size, align)
        }
    }

    /// The class for `size` bytes at `align` (a power of two); `None` if that is neither a small nor a medium object.
    #[inline(always)]
    pub fn for_layout(size: usize, align: usize) -> Option<Class> {
        if size <= MAX_SMALL {
            Class::small(size, align)
        } else {
            (size <= MAX_MEDIUM && align <= PAGE).then(|| Class::medium(size))
        }
    }

    /// The first class that holds `size`, at most [`MAX_SMALL`], and whose size is a multiple of `align`. It is the class of the next multiple of `align`:
    /// where classes lie closer than `align`, each multiple is a class; where they lie further apart, all classes are multiples.
    #[inline(always)]
    fn aligned(size: usize, align: usize) -> Option<Class> {
        if align > PAGE { None } else { round_up(size.max(1), align).map(Class::of) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_counted_without_a_division() {
        for class in Class::all() {
            for bytes in 0..=MAX_SLAB_PAGES * PAGE {
                assert_eq!(class.objects_in(bytes), bytes / class.size(), "{bytes} bytes of {}", class.size());
            }
        }
    }

    #[test]
    fn aligned_classes_are_the_first_that_will_do() {
        for align in (5..=12).map(|log| 1 << log) {
            for size in 0..=MAX_SMALL {
                let first =
                    Class::all().find(|class| class.size() >= size.max(1) && class.size().is_multiple_of(align));
                assert_eq!(Class::small(size, align), first, "{size} at {align}");
            }
        }
        assert_eq!(Class::small(1, 2 * PAGE), None);
    }

    #[test]
    fn waste_is_bounded() {
        for size in 1..=MAX_SMALL {
            let got = Class::of(size).size();
            assert!(got >= size);
            assert!(size <= 128 || (got - size) * 8 <= size, "{size} -> {got}");
        }
        assert_eq!(Class::of(0).size(), 16);
        assert_eq!(Class(SMALL_CLASSES as u8 - 1).size(), MAX_SMALL);
    }

    #[test]
    fn medium_sizes_get_the_least_class_that_holds_them() {
        for size in MAX_SMALL + 1..=MAX_MEDIUM {
            let class = Class::medium(size);
            assert!(class.is_medium() && class.size() >= size && Class(class.0 - 1).size() < size, "{size}");
            assert!(class.size().is_multiple_of(PAGE) && (class.size() - size) * 8 <= size);
        }
        assert_eq!(Class(CLASSES as u8 - 1).size(), MAX_MEDIUM);
        assert_eq!(Class::for_layout(MAX_MEDIUM + 1, 16), None);
    }

    #[test]
    fn the_tables_of_the_hit_path_agree_with_the_classes() {
        let (by_size, by_steps, by_pages) = (words_by_size(), words_by_steps(), words_by_pages());
        assert!((0..=MAX_TINY).all(|size| by_size[size] as usize == Class::of(size).words()));
        assert!(
            (MAX_TINY + 1..=MAX_SMALL).all(|size| by_steps[size.div_ceil(STEP)] as usize == Class::of(size).words())
        );
        let mut medium = MAX_SMALL + 1..=MAX_MEDIUM;
        assert!(medium.all(|size| by_pages[size.div_ceil(PAGE)] as usize == Class::medium(size).words()));
    }

    #[test]
    fn slabs_fit_their_bitmap_and_pages() {
        for class in Class::all() {
            let info = class.info();
            assert!(info.slab_objects as usize <= MAX_SLAB_OBJECTS);
            let used = info.slab_objects * info.size + (info.colours - 1) * info.colour_step;
            assert!(used <= info.slab_pages * PAGE as u32, "{}", info.size);
            assert!(info.rounds <= u32::from(u16::MAX), "what a token has room for");
            assert!(info.slab_pages <= MAX_SLAB_PAGES as u32, "{} {}", info.size, info.slab_pages);
        }
    }

    #[test]
    fn layouts_get_their_alignment() {
        for shift in 0..=12 {
            let align = 1 << shift;
            for size in (0..=MAX_SMALL).step_by(37) {
                let Some(class) = Class::for_layout(size, align) else { panic!("{size} {align}") };
                assert!(class.size() >= size && class.size() % align == 0 || align <= 16);
            }
        }
        assert_eq!(Class::for_layout(8, 8), Some(CLASS_8));
        assert_eq!(Class::for_layout(8, 16), Some(Class(2)));
        assert_eq!(Class::for_layout(64, 8192), None);
        assert_eq!(Class::small(MAX_SMALL + 1, 8), None);
        assert_eq!(Class::for_layout(MAX_SMALL + 1, 8192), None);
    }
}
