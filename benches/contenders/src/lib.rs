//! Code that all benchmarks share: the contenders, the requests that they get, and the time budget.

mod batch;
mod budget;
mod contender;
mod requests;

pub use batch::Batch;
pub use budget::criterion;
pub use contender::{Block, CONTENDERS, Contender};
pub use requests::{layout, mixed_layouts, shuffled};
