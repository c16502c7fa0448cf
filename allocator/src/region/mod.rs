//! # region: address space, and what is known about each page
//!
//! A region is the address range of one node, reserved once. Its front part is committed; the committed part only grows (the buddy commits, under
//! its lock), so a page index below `pages()` stays valid for ever. Beside it lie four tables, out of band:
//!
//! - the **pagemap**, a 64-bit word per page, read without a lock by every `free`: what kind of page this is;
//! - the **links**, two numbers per page, used under the lock of the page's owner: free-list neighbours, a slab's number, a large
//!   run's length, or length and successor of a run on the arena's deferred stack;
//! - the **map of free pages**, used under the arena's lock: where the first stretch of a given length is (see [`free_map`]);
//! - the **map of loose pages**, used under the arena's lock: which of the free pages are in no run (see [`loose_map`]).
//!
//! A pagemap word names kind K at page P iff:
//! - `slab(class)`: P belongs to a slab of that class (every page of the slab has the same word);
//! - `large`: P is the first page of a large object's run (its other pages say `none`);
//! - `free(order, warm)`: P is the first page of a free buddy run in the free lists (its other pages say `none`);
//! - `none`: anything else, uncommitted pages included.
//!
//! Fork: the pagemap is the truth from which a child rebuilds the free lists, so changes are ordered such that at any instant the
//! runs marked free are disjoint and really free.

mod bits;
mod free_map;
mod loose_map;
mod pagemap;
mod table;
mod tokens;

pub use free_map::FreeMap;
pub use loose_map::LooseMap;
pub use pagemap::{Entry, PageMap, STARTS};
pub use table::{Table, Zeroed};
pub use tokens::{Links, Magazine, NO_LINK, Object, Reach, Run, broken_link, read_ahead};

use crate::base::sync::{AtomicU32, Ordering};
use crate::base::units::{PAGE, Page};
use crate::sys::Errno;
use crate::sys::numa::{MemoryPolicy, Refusals};
use crate::sys::vm::{Reserve, Span};

pub use crate::sys::vm::Advice;

/// Two numbers of a page; the page's owner determines their meaning.
#[derive(Debug, Default)]
pub struct PageLink {
    /// Next free run (+1) · slab number · pages of a large or a deferred run.
    pub first: AtomicU32,
    /// Previous free run (+1) · next deferred run (+1).
    pub second: AtomicU32,
}

/// The address range of one node. Fields that change lie last.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Region {
    space: Reserve,
    map: PageMap,
    links: Table<PageLink>,
    free: FreeMap,
    loose: LooseMap,
}

impl Region {
    /// Metadata bytes to reserve for a region of `len` bytes.
    pub fn metadata_len(len: usize) -> usize {
        let pages = len / PAGE;
        let maps = PageMap::bytes_for(pages) + FreeMap::bytes_for(pages) + LooseMap::bytes_for(pages);
        maps + Table::<PageLink>::bytes_for(pages)
    }

    /// Takes over the address range and cuts its tables from `metadata`; returns the rest of `metadata`.
    pub fn settle(&self, space: Span, metadata: Span) -> Span {
        let pages = space.len() / PAGE;
        let rest = self.links.settle(self.map.settle(metadata, pages), pages);
        let rest = self.loose.settle(self.free.settle(rest, pages), pages);
        self.space.adopt(space);
        rest
    }

    /// First address.
    #[inline(always)]
    pub fn base(&self) -> usize {
        self.space.base()
    }

    /// The alignment of the region's first address: no run's natural alignment is worth more in memory.
    pub fn alignment(&self) -> usize {
        1 << self.base().trailing_zeros()
    }

    /// Bytes reserved.
    pub fn reserved(&self) -> usize {
        self.space.len()
    }

    /// Bytes that the region may reach, including those that were given up until they are needed.
    pub fn most(&self) -> usize {
        self.space.most()
    }

    /// Gives the last `bytes` of the addresses back, if that many are not committed. The caller holds the buddy's lock.
    pub fn give_up(&self, bytes: usize) -> bool {
        self.space.give_up(bytes)
    }

    /// Gives addresses back until they are needed ([`Reserve::give_up_unused`]). The caller holds the buddy's lock.
    pub fn give_up_unused(&self) {
        self.space.give_up_unused();
        self.map.give_up_unused();
        self.links.give_up_unused();
        self.free.give_up_unused();
        self.loose.give_up_unused();
    }

    /// Committed pages.
    #[inline(always)]
    pub fn pages(&self) -> u32 {
        (self.space.committed() / PAGE) as u32
    }

    /// First address behind the committed part.
    #[inline(always)]
    pub fn end(&self) -> usize {
        self.base() + self.space.committed()
    }

    /// Committed bytes of the tables.
    pub fn metadata_committed(&self) -> usize {
        self.map.committed() + self.links.committed() + self.free.committed() + self.loose.committed()
    }

    /// The pagemap.
    #[inline(always)]
    pub fn map(&self) -> &PageMap {
        &self.map
    }

    /// The map of free pages.
    pub fn free(&self) -> &FreeMap {
        &self.free
    }

    /// The map of loose pages.
    pub fn loose(&self) -> &LooseMap {
        &self.loose
    }

    /// The links of a committed page.
    pub fn links(&self, page: Page) -> &PageLink {
        self.links.get(page.index())
    }

    /// Commits the region so that `pages` pages are usable, its tables first. The caller holds the buddy's lock.
    pub fn extend_to(&self, pages: u32) -> Result<(), Errno> {
        self.map.extend_to(pages as usize)?;
        self.links.extend_to(pages as usize)?;
        self.free.extend_to(pages as usize)?;
        self.space.commit_to(pages as usize * PAGE)
    }

    /// The address of a page.
    pub fn address(&self, page: Page) -> usize {
        self.base() + page.offset()
    }

    /// The page of an address; `None` outside the committed part.
    pub fn page_of(&self, address: usize) -> Option<Page> {
        let index = address.checked_sub(self.base())? / PAGE;
        (index < self.pages() as usize).then_some(Page(index as u32))
    }

    /// What the pagemap says about a page.
    pub fn entry(&self, page: Page) -> Entry {
        self.map.get(page)
    }

    /// Gives a run's memory back to the system; the run is zero afterwards iff this succeeds.
    pub fn purge(&self, run: &Run) -> Result<(), Errno> {
        tokens::purge(&self.space, run)
    }

    /// Moves a run's pages into a mapping of their own; the run is zero afterwards.
    pub fn move_out(&self, run: &Run) -> Result<Span, Errno> {
        tokens::move_out(&self.space, run)
    }

    /// Moves the pages of a mapping back to the run they came from.
    pub fn move_in(&self, run: &Run, span: Span) {
        tokens::move_in(&self.space, run, span);
    }

    /// Makes the first page of a run that no other thread knows yet resident; its contents stay.
    pub fn touch(&self, run: &Run) {
        tokens::touch(self.address(run.page));
    }

    /// Asks for transparent huge pages between two pages, or refuses them. The kernel may ignore it.
    pub fn advise(&self, from: Page, to: Page, advice: Advice) {
        self.space.advise(from.offset(), to.offset() - from.offset(), advice);
    }

    /// Gives the whole region a memory policy ([`Refusals::bind`]).
    pub fn bind(&self, refusals: &Refusals, policy: &MemoryPolicy, home: usize) -> Result<(), Errno> {
        refusals.bind(self.base(), self.reserved(), policy, home)
    }

    /// Pages of the large run that begins at `page`.
    pub fn large_pages(&self, page: Page) -> u32 {
        self.links(page).first.load(Ordering::Relaxed)
    }
}
