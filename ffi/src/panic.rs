//! What happens if a bug panics: one fixed line, then a trap.
//!
//! The message of the panic is not formatted: a broken allocator should run as little code as possible.

use core::panic::PanicInfo;

use crate::stderr;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    stderr::write(b"larder: internal error (a panic in the allocator), aborting\n");
    crate::arch::trap()
}
