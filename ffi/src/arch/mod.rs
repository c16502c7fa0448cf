//! Code that only assembly can express, one file per processor architecture.

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{caught, forward, is_own, own_name, throw, throwing_tail, trap, weak_symbol, without_size};
