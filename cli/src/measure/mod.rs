//! What every measurement needs: finding the allocators, running a program on one of them and recording what it cost, the
//! order of the runs, and summing up and laying out the figures.

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
