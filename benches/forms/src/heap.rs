//! The smallest heap that a window needs below it: bump-allocated slabs, a locked depot per class, a pagemap.

use crate::area::Area;
use crate::form::{Form, ROUNDS, Zeroed};
use std::sync::Mutex;

const MAX: usize = 1024;
pub const SIZES: [usize; 20] =
    [16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024];
const PAGE: usize = 4096;
const SLAB: usize = 16 * PAGE;
const REGION: usize = 1 << 30;

/// How `free` finds the class.
pub const SIZED: u8 = 0;
pub const PAGEMAP: u8 = 1;
pub const INTERIOR: u8 = 2;

/// The class of each 16-byte step, and `ceil(2^64 / size)` of each class.
static CLASS_OF: [u8; MAX / 16 + 1] = classes();
static INVERSE: [u64; 20] = inverses();

pub trait Heap: Send + Sync {
    fn alloc(&self, size: usize) -> usize;
    fn free(&self, object: usize, size: usize);
}

pub struct Formed<F: Form, const FREE: u8> {
    form: F,
    depots: [Mutex<Vec<F::Magazine>>; SIZES.len()],
    slabs: Mutex<usize>,
    region: Zeroed,
    /// For each page the class, and in the bits above it the page's distance from an object boundary.
    pages: Zeroed,
}

impl<F: Form, const FREE: u8> Formed<F, FREE> {
    pub fn new(area: Area) -> Self {
        let region = Zeroed::new(REGION);
        Self {
            form: F::new(area, 0x5bd1_e995_9d1b_58d3, region.at()..region.at() + REGION),
            depots: [const { Mutex::new(Vec::new()) }; SIZES.len()],
            slabs: Mutex::new(0),
            region,
            pages: Zeroed::new(REGION / PAGE * 4),
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&self, class: usize) -> usize {
        let magazine = self.form.spare(class).unwrap_or_else(|| self.trade(class));
        let (object, met) = self.form.load(class, magazine);
        self.give(class, met);
        object
    }

    #[cold]
    #[inline(never)]
    fn spill(&self, class: usize, object: usize) {
        while !self.form.push(class, object) {
            let out = self.form.unload(class);
            self.give(class, out);
        }
    }

    fn trade(&self, class: usize) -> F::Magazine {
        let kept = lock(&self.depots[class]).pop();
        kept.unwrap_or_else(|| self.form.fill(&self.fresh(class)))
    }

    fn give(&self, class: usize, magazine: Option<F::Magazine>) {
        lock(&self.depots[class]).extend(magazine);
    }

    /// The objects of a new slab, at most a magazine.
    fn fresh(&self, class: usize) -> Vec<usize> {
        let mut next = lock(&self.slabs);
        let (slab, size) = (*next, SIZES[class]);
        let count = ROUNDS.min(SLAB / size);
        *next += (count * size).next_multiple_of(PAGE);
        assert!(*next <= REGION, "the region is used up");
        for at in (slab..*next).step_by(PAGE) {
            let entry = class as u32 | (((at - slab) % size) as u32) << 8;
            // SAFETY: there is one entry per page of the region, and nobody has an object of this page yet.
            unsafe { *((self.pages.at() + at / PAGE * 4) as *mut u32) = entry };
        }
        (0..count).map(|n| self.region.at() + slab + n * size).collect()
    }

    #[inline(always)]
    fn class_at(&self, object: usize) -> usize {
        let offset = object.wrapping_sub(self.region.at());
        if offset >= REGION {
            stray(object);
        }
        // SAFETY: there is one entry per page of the region.
        let entry = unsafe { *((self.pages.at() + offset / PAGE * 4) as *const u32) };
        let class = (entry & 0xff) as usize;
        if FREE == INTERIOR {
            let inverse = INVERSE[class];
            let from_boundary = (object as u64 & 4095) + u64::from(entry >> 8);
            if from_boundary.wrapping_mul(inverse) >= inverse {
                stray(object);
            }
        }
        class
    }
}

impl<F: Form, const FREE: u8> Heap for Formed<F, FREE> {
    #[inline(never)]
    fn alloc(&self, size: usize) -> usize {
        let class = class_of(size);
        match self.form.pop(class) {
            0 => self.refill(class),
            object => object,
        }
    }

    #[inline(never)]
    fn free(&self, object: usize, size: usize) {
        let class = if FREE == SIZED { class_of(size) } else { self.class_at(object) };
        if !self.form.push(class, object) {
            self.spill(class, object);
        }
    }
}

/// The system malloc, for comparison.
pub struct System;

impl Heap for System {
    #[inline(never)]
    fn alloc(&self, size: usize) -> usize {
        // SAFETY: malloc takes any size.
        unsafe { libc::malloc(size) as usize }
    }

    #[inline(never)]
    fn free(&self, object: usize, _: usize) {
        // SAFETY: the workloads free what they allocated, once.
        unsafe { libc::free(object as *mut libc::c_void) }
    }
}

#[inline(always)]
fn class_of(size: usize) -> usize {
    CLASS_OF[size.div_ceil(16)] as usize
}

#[cold]
#[inline(never)]
fn stray(object: usize) -> ! {
    eprintln!("{object:#x} is no object");
    std::process::abort()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

const fn classes() -> [u8; MAX / 16 + 1] {
    let mut table = [0; MAX / 16 + 1];
    let (mut step, mut class) = (0, 0);
    while step <= MAX / 16 {
        if step * 16 > SIZES[class] {
            class += 1;
        }
        table[step] = class as u8;
        step += 1;
    }
    table
}

const fn inverses() -> [u64; SIZES.len()] {
    let mut table = [0; SIZES.len()];
    let mut class = 0;
    while class < SIZES.len() {
        table[class] = u64::MAX / SIZES[class] as u64 + 1;
        class += 1;
    }
    table
}
