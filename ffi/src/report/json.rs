//! `larder_stats_json`: one JSON object, passed on in pieces.

use core::ffi::{c_char, c_void};

use crate::stderr::{PIECE, Pieces};

/// A function that takes one piece of the text, which has no terminator.
type Take = unsafe extern "C" fn(arg: *mut c_void, text: *const c_char, length: usize);

/// # Safety
/// `take` may be called with `arg`, and does not unwind.
#[unsafe(no_mangle)]
unsafe extern "C" fn larder_stats_json(take: Take, arg: *mut c_void) {
    let mut piece = [0; PIECE];
    let mut out = Pieces::new(&mut piece, |bytes: &[u8]| {
        // SAFETY: `take` may be called with `arg` by this function's contract, and the text is `length` bytes long.
        unsafe { take(arg, bytes.as_ptr().cast(), bytes.len()) };
    });
    // The writer never fails.
    let _ = larder_core::write_json(&mut out);
}
