//! The two ways to give up. Neither returns, because after one error of the allocator nothing can be relied on. Neither allocates, because there may
//! be no memory left.

use std::fmt::Arguments;
use std::process::exit;

/// Ends the process because the allocator or the machine has failed.
#[cold]
pub(crate) fn fail(message: Arguments) -> ! {
    eprintln!("larder-workloads: {message}");
    exit(1)
}

/// Ends the process because the command line asks for something that does not exist.
pub(crate) fn usage(message: Arguments) -> ! {
    eprintln!("larder-workloads: {message}");
    exit(2)
}
