//! larder's own names.

use core::ffi::{CStr, c_char};
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use larder_core::Larder;

/// The version, such as "0.1.0".
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

const VERSION_C: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => c"",
};

/// The text that `larder_mode` returns. Threads that race write the same bytes; the last byte always stays 0.
static MODE: [AtomicU8; 128] = [const { AtomicU8::new(0) }; 128];

/// Fills `MODE` except for its last byte.
struct ModeWriter(usize);

impl Write for ModeWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match MODE.get(self.0) {
                Some(place) if self.0 + 1 < MODE.len() => place.store(byte, Relaxed),
                _ => return Err(fmt::Error),
            }
            self.0 += 1;
        }
        Ok(())
    }
}

/// Returns the version of the library as a static string.
#[unsafe(no_mangle)]
extern "C" fn larder_version() -> *const c_char {
    VERSION_C.as_ptr()
}

/// Returns how this process reaches its per-CPU windows as a static string.
#[unsafe(no_mangle)]
extern "C" fn larder_mode() -> *const c_char {
    // A reason too long for the buffer is cut off; that is all that an `Err` would report.
    let _ = write!(ModeWriter(0), "{}", larder_core::mode());
    MODE.as_ptr().cast()
}

/// Returns free memory to the system, except for `keep` bytes of each node. Returns the number of bytes given back.
#[unsafe(no_mangle)]
extern "C" fn larder_trim(keep: usize) -> usize {
    Larder.trim(keep)
}
