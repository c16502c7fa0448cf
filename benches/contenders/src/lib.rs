//! What every benchmark shares: the contenders, the requests put to them, and how long to measure.

mod batch;
mod budget;
mod contender;
mod requests;

pub use batch::Batch;
pub use budget::criterion;
pub use contender::{Block, CONTENDERS, Contender};
pub use requests::{layout, mixed_layouts, shuffled};
