//! Text in UTF-16 as UTF-8, which is how some shells and editors of Windows write files.

use std::io::{self, BufRead, Read};

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The low one.
    LittleEndian,
    /// The high one.
    BigEndian,
}

/// Text in UTF-16, read as UTF-8. A half of a pair that stands alone is read as U+FFFD.
pub struct Utf16<R> {
    input: R,
    order: Order,
    /// The first half of a pair whose second half has not been read.
    high: Option<u16>,
    /// Whether the text ended in the middle of a unit.
    is_torn: bool,
    /// What is read and not passed on, and how much of it is passed on.
    text: String,
    passed: usize,
}

/// Units that are read at once.
const UNITS: u64 = 4_096;

impl<R: BufRead> Utf16<R> {
    pub const fn new(input: R, order: Order) -> Self {
        Self { input, order, high: None, is_torn: false, text: String::new(), passed: 0 }
    }

    /// Reads more units; whether there were any.
    fn more(&mut self) -> io::Result<bool> {
        if self.is_torn {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = Vec::new();
        // What came before an error is lost with it, a few lines at most.
        self.input.by_ref().take(2 * UNITS).read_to_end(&mut bytes)?;
        let (pairs, rest) = bytes.as_chunks::<2>();
        self.is_torn = !rest.is_empty();
        let unit = |pair: &[u8; 2]| match self.order {
            Order::LittleEndian => u16::from_le_bytes(*pair),
            Order::BigEndian => u16::from_be_bytes(*pair),
        };
        let mut units: Vec<u16> =
            self.high.take().into_iter().chain(pairs.iter().map(unit)).collect();
        let is_high = |unit: &u16| (0xd800..0xdc00).contains(unit);
        if pairs.len() as u64 == UNITS && units.last().is_some_and(is_high) {
            self.high = units.pop();
        }
        self.text = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.passed = 0;
        Ok(!bytes.is_empty())
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.passed == self.text.len() {
            if !self.more()? && self.text.is_empty() {
                return Ok(0);
            }
        }
        let rest = &self.text.as_bytes()[self.passed..];
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        self.passed += bytes;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_same_in_either_order_and_across_buffers() {
        let text = format!("{}🐋{}é\n", "a".repeat(UNITS as usize - 1), "b".repeat(UNITS as usize));
        for order in [Order::LittleEndian, Order::BigEndian] {
            let bytes = |unit: u16| {
                if order == Order::LittleEndian { unit.to_le_bytes() } else { unit.to_be_bytes() }
            };
            let packed: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
            let mut read = String::new();
            Utf16::new(&packed[..], order).read_to_string(&mut read).unwrap();
            assert!(read == text, "{order:?}");
            let mut torn = Vec::new();
            let error =
                Utf16::new(&packed[..packed.len() - 1], order).read_to_end(&mut torn).unwrap_err();
            assert_eq!(
                (error.kind(), torn.len()),
                (io::ErrorKind::UnexpectedEof, text.len() - 1),
                "all before the torn unit is read"
            );
        }
    }

    #[test]
    fn half_a_pair_is_replaced() {
        let mut read = String::new();
        Utf16::new(&[b'a', 0, 0x00, 0xd8, b'b', 0, 0x01, 0xd8][..], Order::LittleEndian)
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, "a\u{fffd}b\u{fffd}");
    }
}
