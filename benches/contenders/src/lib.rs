//! What every benchmark shares: the contenders, the requests put to them, and how long to measure.

mod budget;
mod contender;
mod requests;

pub use budget::criterion;
pub use contender::{Block, CONTENDERS, Contender};
pub use requests::{Dice, layout, mixed_layouts, shuffled};
