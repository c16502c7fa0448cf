//! Reads bytes as numbers.

/// The rest of a byte string. The run ends when it is used up.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Input(bytes)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// The next two bytes.
    pub(super) fn pair(&mut self) -> Option<usize> {
        Some(usize::from(self.byte()?) << 8 | usize::from(self.byte()?))
    }

    /// A size below 2^`most_bits`: one byte for the scale, two for the value. Three in four are below 2^12, and among these
    /// every scale is equally likely.
    pub(super) fn size(&mut self, most_bits: u32) -> Option<usize> {
        let scale = u32::from(self.byte()?);
        let bits = if scale < 192 { scale % 13 } else { scale % (most_bits + 1) };
        let value = self.pair()?;
        Some(if bits > 16 { value << (bits - 16) } else { value & ((1 << bits) - 1) })
    }

    /// A power of two below 2^`most_bits`.
    pub(super) fn align(&mut self, most_bits: u32) -> Option<usize> {
        Some(1 << (u32::from(self.byte()?) % most_bits))
    }
}
