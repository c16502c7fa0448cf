//! Owned tokens: memory travels by value, so inside larder a double free does not compile.
//!
//! - [`Run`]: consecutive pages of one region; whoever holds the token owns the pages.
//! - [`Object`]: one free object of a class.
//! - [`Magazine`]: a chain of free objects (*rounds*). Each round's first word holds the address of the next one, encoded by [`Links`]. The
//!   token is one word: the first round's address from bit 16 on, and below it the *room*, the number of rounds that may still be pushed. The
//!   room is a hint (a restarted sequence may count a push twice); the chain is the truth.
#![allow(unsafe_code, reason = "free objects hold links")]

use crate::base::sync::{AtomicU8, Ordering};
use crate::base::units::{Class, PAGE_SHIFT, Page};
use crate::sys::Errno;
use crate::sys::die::die;
use crate::sys::rseq::MIX;
use crate::sys::vm::{Reserve, Span};

/// Consecutive pages, owned by the holder.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// First page.
    pub page: Page,
    /// Number of pages.
    pub pages: u32,
    /// Whether every byte is known to be zero.
    pub zero: bool,
}

impl Run {
    /// Splits off what lies behind the first `pages` pages.
    pub fn split(self, pages: u32) -> (Run, Option<Run>) {
        let rest = self.pages.saturating_sub(pages);
        let head = Run { page: self.page, pages: self.pages - rest, zero: self.zero };
        let tail = (rest > 0).then_some(Run { page: self.page.plus(pages), pages: rest, zero: self.zero });
        (head, tail)
    }
}

pub(super) fn purge(space: &Reserve, run: &Run) -> Result<(), Errno> {
    // SAFETY: the holder of the token owns the pages, which are committed, and does not need their contents.
    unsafe { space.purge(run.page.offset(), (run.pages as usize) << PAGE_SHIFT) }
}

pub(super) fn move_out(space: &Reserve, run: &Run) -> Result<Span, Errno> {
    // SAFETY: the holder of the token owns the pages, which are committed.
    unsafe { space.move_out(run.page.offset(), (run.pages as usize) << PAGE_SHIFT) }
}

pub(super) fn move_in(space: &Reserve, run: &Run, span: Span) {
    // SAFETY: the holder of the token owns the pages, which are committed and as long as the span that was moved out of them; the span's token ends here.
    unsafe { space.move_in(run.page.offset(), span) }
}

pub(super) fn touch(address: usize) {
    // SAFETY: the address is the first byte of a run that the caller holds: committed memory that no other thread uses.
    let byte = unsafe { AtomicU8::from_ptr(address as *mut u8) };
    // An exchange, because it always writes: the compiler would turn adding 0 into a load.
    let _as_it_was = byte.compare_exchange(0, 0, Ordering::Relaxed, Ordering::Relaxed);
}

/// A free object that only one holder knows.
#[derive(Debug, PartialEq, Eq)]
pub struct Object(usize);

impl Object {
    /// The token of the free object at `address`: made where a slab's bit is cleared, and where a program frees.
    #[inline(always)]
    pub fn mint(address: usize) -> Object {
        Object(address)
    }

    /// Its address.
    #[inline(always)]
    pub fn address(&self) -> usize {
        self.0
    }

    /// Hands the object to the program. Wipes its link first, so that a free object can be told from a used one.
    #[inline(always)]
    pub fn into_pointer(self) -> *mut u8 {
        // SAFETY: the token says that the object is ours until this function returns.
        unsafe { (self.0 as *mut u64).write_volatile(0) };
        self.0 as *mut u8
    }
}

/// How links are encoded: mixed with the process's secret and the object's own address, so that a link copied elsewhere, or
/// written by the program, decodes to noise.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    /// The process's secret.
    pub secret: u64,
    /// Where links may lead: the region of the single node and the spare one, or the region of one of several nodes. Both empty: unknown, any address passes.
    pub regions: [Reach; 2],
}

/// A region, as far as it is committed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach {
    /// First address.
    pub base: usize,
    /// Length from there in units of 8 bytes.
    pub words: usize,
}

impl Reach {
    /// From the first address to `end`, the first one behind it.
    pub fn of(base: usize, end: usize) -> Reach {
        Reach { base, words: end.saturating_sub(base) / 8 }
    }

    /// Returns whether an object may begin at `address`.
    #[inline(always)]
    pub fn has(self, address: u64) -> bool {
        (address as usize).wrapping_sub(self.base).rotate_right(3) < self.words
    }
}

impl Links {
    /// The key with which the link in the object at `address` is mixed.
    #[inline(always)]
    pub fn key(self, address: usize) -> u64 {
        Links::mix(address, self.secret)
    }

    /// [`Links::key`] for a given secret.
    #[inline(always)]
    pub fn mix(address: usize, secret: u64) -> u64 {
        (address as u64).wrapping_mul(MIX) ^ secret
    }

    /// Returns whether a link can lead to `next`.
    pub fn leads_to(self, next: u64) -> bool {
        let known = self.regions[0].words != 0;
        next == 0 || if known { self.regions.iter().any(|reach| reach.has(next)) } else { next & NO_LINK == 0 }
    }

    /// The address that the first word of the object at `address` holds, if that word is a link.
    #[inline(always)]
    pub fn read(self, address: usize) -> u64 {
        // SAFETY: every caller has the address of an object of larder's, or of a link that `leads_to` accepted: 8 bytes in mapped memory.
        let raw = unsafe { (address as *const u64).read_volatile() };
        raw ^ self.key(address)
    }

    /// Makes the object's first word a link to `next` (0: none).
    #[inline(always)]
    pub fn write(self, object: &Object, next: u64) {
        let raw = next ^ self.key(object.0);
        // SAFETY: the token says that the object is free and ours, and an object has at least 8 bytes.
        unsafe { (object.0 as *mut u64).write_volatile(raw) }
    }
}

/// A chain of free objects of one class.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a dropped magazine is lost memory"]
pub struct Magazine(u64);

impl Magazine {
    /// The empty magazine of a class.
    pub fn empty(class: Class) -> Magazine {
        Magazine(class.info().rounds as u64)
    }

    /// The magazine of a word that `into_word` returned.
    pub fn from_word(word: u64) -> Magazine {
        Magazine(word)
    }

    /// The word to store.
    pub fn into_word(self) -> u64 {
        self.0
    }

    /// Returns whether it holds no round.
    pub fn is_empty(&self) -> bool {
        self.0 >> 16 == 0
    }

    /// From the two words of a window. The room may have fallen below 0, by pushes that found none.
    pub fn from_window(head: u64, room: u64) -> Magazine {
        Magazine((head << 16) | (room as i64).clamp(0, ROOM as i64) as u64)
    }

    /// The two words of a window.
    pub fn into_window(self) -> (u64, u64) {
        (self.0 >> 16, self.0 & ROOM)
    }

    /// Number of rounds, as far as the room is right.
    pub fn len(&self, class: Class) -> u32 {
        Magazine::rounds_in(self.0, class)
    }

    /// Number of rounds that a stored word stands for.
    pub fn rounds_in(word: u64, class: Class) -> u32 {
        if word >> 16 == 0 { 0 } else { class.info().rounds.saturating_sub(word as u16 as u32) }
    }

    /// Pushes a round; returns it if the magazine is full.
    #[inline]
    pub fn push(&mut self, links: Links, object: Object) -> Result<(), Object> {
        if self.0 & ROOM == 0 {
            return Err(object);
        }
        links.write(&object, self.0 >> 16);
        self.0 = ((object.0 as u64) << 16) | ((self.0 & ROOM) - 1);
        Ok(())
    }

    /// Pops a round; a broken link ends the process.
    #[inline]
    pub fn pop(&mut self, links: Links, class: Class) -> Option<Object> {
        if self.is_empty() {
            return None;
        }
        let sound = self.pop_sound(links, class);
        if sound.is_none() {
            broken_link((self.0 >> 16) as usize, class);
        }
        sound
    }

    /// Pops a round. Leaves it if its link is broken.
    #[inline(always)]
    pub fn pop_sound(&mut self, links: Links, class: Class) -> Option<Object> {
        if self.is_empty() {
            return None;
        }
        let address = (self.0 >> 16) as usize;
        let next = links.read(address);
        if !links.leads_to(next) {
            return None;
        }
        let room = (self.0 & ROOM) + 1;
        self.0 = (next << 16) | room.min(class.info().rounds as u64);
        Some(Object(address))
    }
}

/// Reads the links of several magazines of a class, one step of all of them at a time: cold lines then come from memory together,
/// where a single chain waits for one after the other. A chain that leads astray is abandoned: whoever pops its rounds will report it.
pub fn read_ahead<const N: usize>(magazines: &[Option<Magazine>; N], links: Links, class: Class) {
    let mut heads = magazines.each_ref().map(|magazine| magazine.as_ref().map_or(0, |magazine| magazine.0 >> 16));
    for _ in 0..class.info().rounds {
        for head in heads.iter_mut().filter(|head| **head != 0) {
            let next = links.read(*head as usize);
            *head = if links.leads_to(next) { next } else { 0 };
        }
    }
}

const ROOM: u64 = 0xFFFF;

/// Bits that no object's address has: 20 of them, so a word that is no link passes once in a million times.
pub const NO_LINK: u64 = 0xFFFF_8000_0000_0007;

/// Reports the free object at `address` whose link was overwritten.
#[cold]
pub fn broken_link(address: usize, class: Class) -> ! {
    die(format_args!("write after free, or freed twice: {address:#x}: an object of {} bytes", class.size()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::sync::AtomicU64;
    extern crate std;
    use std::vec::Vec;

    const SIZE: usize = 64;
    type Block = [AtomicU64; SIZE / 8];

    fn blocks<const N: usize>() -> [Block; N] {
        core::array::from_fn(|_| Block::default())
    }

    fn object(block: &Block) -> Object {
        Object::mint(block.as_ptr() as usize)
    }

    fn links(blocks: &[Block]) -> Links {
        let reach = Reach { base: blocks.as_ptr() as usize, words: blocks.len() * SIZE / 8 };
        Links { secret: 0x5EC2E7, regions: [reach, Reach::default()] }
    }

    fn chain(blocks: &[Block], links: Links) -> Option<Magazine> {
        let mut magazine = Magazine::empty(Class::of(SIZE));
        blocks.iter().for_each(|block| magazine.push(links, object(block)).unwrap());
        Some(magazine)
    }

    fn pop_all(magazine: Option<Magazine>, links: Links) -> Vec<usize> {
        let mut magazine = magazine.unwrap();
        core::iter::from_fn(|| magazine.pop(links, Class::of(SIZE))).map(|object| object.address()).collect()
    }

    #[test]
    fn what_was_read_ahead_is_what_it_was() {
        let blocks = blocks::<12>();
        let links = links(&blocks);
        let magazines = [chain(&blocks[..7], links), None, chain(&blocks[7..], links)];
        read_ahead(&magazines, links, Class::of(SIZE));
        let [first, _, last] = magazines;
        let mut found = pop_all(first, links);
        assert_eq!((found.len(), found[0]), (7, object(&blocks[6]).address()));
        found.extend(pop_all(last, links));
        found.sort_unstable();
        assert_eq!(found, blocks.each_ref().map(|block| object(block).address()));
    }

    #[test]
    fn a_window_with_less_than_no_room_is_full() {
        let blocks = blocks::<2>();
        let (links, class) = (links(&blocks), Class::of(SIZE));
        for (room, len) in [(u64::MAX, class.info().rounds), (0, class.info().rounds), (3, class.info().rounds - 3)] {
            let mut window = Magazine::from_window(object(&blocks[0]).address() as u64, room);
            assert_eq!(window.len(class), len);
            assert_eq!(window.push(links, object(&blocks[1])).is_ok(), room == 3);
        }
    }

    #[test]
    fn a_chain_that_leads_astray_or_round_is_left() {
        let blocks = blocks::<4>();
        let links = links(&blocks);
        for next in [1 << 40, object(&blocks[3]).address() as u64] {
            let magazine = chain(&blocks, links);
            links.write(&object(&blocks[2]), next);
            read_ahead(&[magazine], links, Class::of(SIZE));
        }
    }
}
