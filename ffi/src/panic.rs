//! The panic handler, which only a bug can reach: it writes one fixed line, then traps.
//!
//! The message of the panic is not formatted, because a broken allocator should run as little code as possible.

use core::panic::PanicInfo;

use crate::stderr;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    stderr::write(b"larder: internal error (a panic in the allocator), aborting\n");
    crate::arch::trap()
}
