//! Messages of the tool that are not results: one line each, on standard error.

use std::fmt::Display;
use std::io::{Write, stderr};

/// Prints a message. If it cannot be written it is lost, and the tool goes on.
pub(crate) fn say(message: impl Display) {
    let _lost = stderr().write_all(format!("larder: {message}\n").as_bytes());
}
