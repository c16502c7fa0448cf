//! `larder_stats_json`: one JSON object, passed on in pieces.

use core::ffi::{c_char, c_void};

use crate::stderr::{PIECE, Pieces};

/// Takes a piece of the text, which is not terminated.
type Take = unsafe extern "C" fn(arg: *mut c_void, text: *const c_char, length: usize);

/// # Safety
/// `take` may be called with `arg`, and does not unwind.
#[unsafe(no_mangle)]
unsafe extern "C" fn larder_stats_json(take: Take, arg: *mut c_void) {
    let mut piece = [0; PIECE];
    let mut out = Pieces::new(&mut piece, |bytes: &[u8]| {
        // SAFETY: by the caller's word; the text is as long as said.
        unsafe { take(arg, bytes.as_ptr().cast(), bytes.len()) };
    });
    // The writer never fails.
    let _ = larder_core::write_json(&mut out);
}
