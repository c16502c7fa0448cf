//! The turn to fill.

use crate::sys::lock::{Guard, Lock};

/// A thread's turn; it ends when this is dropped. A signal handler that interrupted the thread whose turn it is gets no turn.
#[derive(Debug)]
pub struct Filling<'a> {
    _turn: Option<Guard<'a, ()>>,
    waited: bool,
}

impl<'a> Filling<'a> {
    pub(super) fn begin(lock: &'a Lock<()>) -> Filling<'a> {
        match lock.try_lock() {
            Some(turn) => Filling { _turn: Some(turn), waited: false },
            None => Filling { _turn: lock.lock().ok(), waited: true },
        }
    }

    /// Returns whether another thread was filling before.
    pub fn waited(&self) -> bool {
        self.waited
    }
}
