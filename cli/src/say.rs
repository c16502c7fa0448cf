//! What the tool says beside its results: one line each, on standard error.

use std::fmt::Display;
use std::io::{Write, stderr};

/// Says it. A line that cannot be written is lost: that keeps nothing from being done.
pub(crate) fn say(message: impl Display) {
    let _lost = stderr().write_all(format!("larder: {message}\n").as_bytes());
}
