//! The two ways to give up. Neither returns, for an allocator that went wrong once can make anything of what follows; neither allocates, for
//! there may be nothing left.

use std::fmt::Arguments;
use std::process::exit;

/// The allocator, or the machine, did not do what it must.
#[cold]
pub(crate) fn fail(message: Arguments) -> ! {
    eprintln!("larder-workloads: {message}");
    exit(1)
}

/// The command line asks for what there is not.
pub(crate) fn usage(message: Arguments) -> ! {
    eprintln!("larder-workloads: {message}");
    exit(2)
}
