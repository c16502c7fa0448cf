//! Text of others in larder's messages: it can neither break the line nor fill it.

use core::{ascii, fmt};

/// The most characters that are shown.
const MOST: usize = 60;

/// Bytes that somebody else wrote: anything but plain characters is escaped, and what is too long is cut off.
#[derive(Debug)]
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = MOST;
        for &byte in self.0 {
            let escaped = ascii::escape_default(byte);
            let Some(left) = room.checked_sub(escaped.len()) else { return out.write_str("...") };
            room = left;
            write!(out, "{escaped}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::ToString;

    #[test]
    fn one_line_of_bounded_length() {
        let shown = |bytes| Shown(bytes).to_string();
        assert_eq!(shown(b"thp:maybe"), "thp:maybe");
        assert_eq!(shown(b"a\n\x1b[31m\xff"), r"a\n\x1b[31m\xff");
        assert_eq!(shown(&[b'x'; 60]).len(), 60);
        assert_eq!(shown(&[b'x'; 61]), std::format!("{}...", "x".repeat(60)));
        assert_eq!(shown(&[0xff; 1000]).len(), 63);
    }
}
