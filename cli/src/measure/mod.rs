//! What every measurement needs, whatever is measured: which allocators there are, how a program is run on one of them
//! and what that cost, in which order, and how the figures are summed up and laid out.

pub(crate) mod allocator;
mod child;
pub(crate) mod environment;
mod group;
mod installed;
mod interrupt;
pub(crate) mod launch;
pub(crate) mod layout;
pub(crate) mod order;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod runner;
pub(crate) mod sample;
pub(crate) mod statistics;
mod stop;

pub(crate) use allocator::Allocator;
pub(crate) use interrupt::Interrupt;
pub(crate) use runner::Runner;
