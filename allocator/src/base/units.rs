//! Units: no bare integer crosses a layer without saying what it counts.

/// Bytes of larder's page, the unit of the buddy and the pagemap. The system's page may be larger; `sys::vm` knows it at run time.
pub const PAGE: usize = 4096;
/// Bytes of a transparent huge page.
pub const HUGE_PAGE: usize = 2 << 20;
/// log2 of [`PAGE`].
pub const PAGE_SHIFT: u32 = 12;
/// Number of buddy orders: runs of 1 to 2^13 pages (4 KiB to 32 MiB).
pub const ORDERS: usize = 14;
/// Most pages one run can have.
pub const MAX_RUN_PAGES: u32 = 1 << (ORDERS - 1);
/// Alignment every C object has, whatever its size.
pub const MIN_ALIGN: usize = 16;
/// The largest size of an object: larger requests are refused (C: `PTRDIFF_MAX`).
pub const MAX_SIZE: usize = isize::MAX as usize;

/// The number of addresses a process has at most, unless it asks the kernel for more.
pub const ADDRESSES: usize = if cfg!(target_arch = "x86_64") { 1 << 47 } else { 1 << 48 };

/// A node's number in larder's dense numbering (the system's numbers may be sparse).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub u8);

/// Index of a page in its node's region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Page(pub u32);

/// log2 of the number of pages in a buddy run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order(pub u8);

/// A size class; 0 means "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class(pub u8);

impl NodeId {
    /// As an index.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Page {
    /// As an index.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Byte offset from the region's first byte.
    #[inline(always)]
    pub const fn offset(self) -> usize {
        (self.0 as usize) << PAGE_SHIFT
    }

    /// The page `count` pages further up.
    #[inline(always)]
    pub const fn plus(self, count: u32) -> Page {
        Page(self.0 + count)
    }

    /// The largest order at which a run may begin here (natural alignment), capped at the top order.
    pub const fn natural_order(self) -> Order {
        let zeros = self.0.trailing_zeros();
        if zeros as usize >= ORDERS { Order(ORDERS as u8 - 1) } else { Order(zeros as u8) }
    }
}

impl Order {
    /// Pages in a run of this order.
    #[inline(always)]
    pub const fn pages(self) -> u32 {
        1 << self.0
    }

    /// As an index.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The smallest order that holds `pages` (1 or more); may exceed the top order.
    pub const fn holding(pages: u32) -> Order {
        Order((u32::BITS - (pages - 1).leading_zeros()) as u8)
    }

    /// The largest order whose runs have no more than `pages` pages (1 or more), capped at the top order.
    pub const fn within(pages: u32) -> Order {
        let floor = pages.ilog2();
        if floor as usize >= ORDERS { Order(ORDERS as u8 - 1) } else { Order(floor as u8) }
    }
}

impl Class {
    /// As an index.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// `value` rounded up to a multiple of `align`, a power of two; `None` on overflow.
#[inline(always)]
pub const fn round_up(value: usize, align: usize) -> Option<usize> {
    match value.checked_add(align - 1) {
        Some(sum) => Some(sum & !(align - 1)),
        None => None,
    }
}

/// Number of pages that hold `bytes`, at least 1; `None` if no run has that many.
pub const fn pages_for(bytes: usize) -> Option<u32> {
    let pages = bytes.div_ceil(PAGE);
    if pages > MAX_RUN_PAGES as usize { None } else { Some(if pages == 0 { 1 } else { pages as u32 }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_bracket_page_counts() {
        for pages in 1..=MAX_RUN_PAGES {
            assert!(Order::holding(pages).pages() >= pages);
            assert!(Order::within(pages).pages() <= pages);
        }
        assert_eq!(Order::holding(5), Order(3));
        assert_eq!(Order::within(5), Order(2));
        assert_eq!(Page(24).natural_order(), Order(3));
        assert_eq!(Page(0).natural_order(), Order(13));
    }

    #[test]
    fn rounding_refuses_overflow() {
        assert_eq!(round_up(17, 16), Some(32));
        assert_eq!(round_up(usize::MAX - 3, 16), None);
        assert_eq!(pages_for(0), Some(1));
        assert_eq!(pages_for(PAGE + 1), Some(2));
        assert_eq!(pages_for(usize::MAX), None);
    }
}
