//! The text in a file: unpacked, and as UTF-8. Which form it has, its first bytes say,
//! never its name.

use super::utf16::{Order, Utf16};
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Cursor, Read};

const BUFFER_BYTES: usize = 256 << 10;
/// The first bytes that tell the form: a tar archive says so in bytes 257 to 261.
const HEAD_BYTES: u64 = 512;
/// A file is packed in at most so many layers: a download may be packed once more than
/// what was asked for.
const MOST_LAYERS: usize = 3;
/// What begins a frame that a reader of zstd passes over.
const ZSTD_SKIPPABLE: std::ops::RangeInclusive<u8> = 0x50..=0x5f;

/// Forms that are refused by name: where in a file which bytes stand.
const FOREIGN: [(usize, &[u8], &str); 16] = [
    (0, &[0xff, 0xfe, 0, 0], "text in UTF-32"),
    (0, &[0, 0, 0xfe, 0xff], "text in UTF-32"),
    (0, b"\xfd7zXZ\0", "packed by xz"),
    (0, b"BZh", "packed by bzip2"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "a ZIP archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, &[0x04, 0x22, 0x4d, 0x18], "packed by lz4"),
    (0, &[0x1f, 0x9d], "packed by compress"),
    (0, b"LZIP", "packed by lzip"),
    (0, b"\xff\x06\0\0sNaPpY", "packed by snappy"),
    (257, b"ustar", "a tar archive"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"Obj\x01", "an Avro file"),
    (0, b"SQLite format 3\0", "a SQLite database"),
    (0, b"ORC", "an ORC file"),
];

/// A form that is not read here, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign(pub &'static str);

enum Form {
    Packed,
    Utf16(Order),
    Plain,
    Foreign(Foreign),
}

/// The text of a file in UTF-8, or in which form it is that is not read. What is wrong
/// with the file shows where the text is read.
pub fn text(input: impl Read + 'static) -> Result<Box<dyn BufRead>, Foreign> {
    let mut input: Box<dyn BufRead> = Box::new(BufReader::with_capacity(BUFFER_BYTES, input));
    for _ in 0..=MOST_LAYERS {
        let mut head = Vec::new();
        // An error comes again where the text is read, after what came before it.
        let _ = input.by_ref().take(HEAD_BYTES).read_to_end(&mut head);
        let form = Form::of(&head);
        let whole = Cursor::new(head).chain(input);
        input = match form {
            Form::Packed => Box::new(BufReader::with_capacity(BUFFER_BYTES, Members::of(whole))),
            Form::Utf16(order) => {
                return Ok(Box::new(BufReader::with_capacity(
                    BUFFER_BYTES,
                    Utf16::new(whole, order),
                )));
            }
            Form::Plain => return Ok(Box::new(whole)),
            Form::Foreign(foreign) => return Err(foreign),
        };
    }
    Err(Foreign("packed over and over"))
}

impl Form {
    fn of(head: &[u8]) -> Self {
        let stands = |(at, bytes, _): &&(usize, &[u8], _)| {
            head.get(*at..).is_some_and(|rest| rest.starts_with(bytes))
        };
        if let Some((_, _, name)) = FOREIGN.iter().find(stands) {
            return Self::Foreign(Foreign(name));
        }
        match head {
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Packed,
            [first, 0x2a, 0x4d, 0x18, ..] if ZSTD_SKIPPABLE.contains(first) => Self::Packed,
            // Behind a mark, or without one: no JSON in UTF-8 has a zero beside each of
            // its first characters.
            [0xff, 0xfe, ..] | [1..=0x7f, 0, 1..=0x7f, 0, ..] => Self::Utf16(Order::LittleEndian),
            [0xfe, 0xff, ..] | [0, 1..=0x7f, 0, 1..=0x7f, ..] => Self::Utf16(Order::BigEndian),
            _ => Self::Plain,
        }
    }
}

/// Packed pieces one after the other, by gzip or zstd, and what fills the space between
/// and after them: zeros of tapes and preallocated files, newlines of editors and shells.
struct Members<R: BufRead> {
    at: At<R>,
}

enum At<R: BufRead> {
    Between(R),
    Gzip(GzDecoder<R>),
    Zstd(zstd::Decoder<'static, R>),
    /// Nothing can be read from here on, and why.
    Failed(io::ErrorKind),
}

impl<R: BufRead> Members<R> {
    const fn of(input: R) -> Self {
        Self { at: At::Between(input) }
    }

    /// Begins the next piece; whether there is one.
    fn begin(mut input: R) -> io::Result<(At<R>, bool)> {
        loop {
            let fillers = input
                .fill_buf()?
                .iter()
                .take_while(|byte| **byte == 0 || byte.is_ascii_whitespace())
                .count();
            if fillers == 0 {
                break;
            }
            input.consume(fillers);
        }
        // The first byte decides: the others may lie in the next buffer, and the decoders
        // look at them.
        Ok(match input.fill_buf()?.first() {
            None => (At::Between(input), false),
            Some(0x1f) => (At::Gzip(GzDecoder::new(input)), true),
            Some(0x28 | 0x50..=0x5f) => {
                (At::Zstd(zstd::Decoder::with_buffer(input)?.single_frame()), true)
            }
            Some(_) => return Err(io::ErrorKind::InvalidData.into()),
        })
    }

    /// Reads some bytes; 0 where a piece has ended, and whether more may come.
    fn step(at: At<R>, buffer: &mut [u8]) -> io::Result<(At<R>, usize, bool)> {
        Ok(match at {
            At::Between(input) => {
                let (at, more) = Self::begin(input)?;
                (at, 0, more)
            }
            At::Gzip(mut piece) => match piece.read(buffer)? {
                0 => (At::Between(piece.into_inner()), 0, true),
                bytes => (At::Gzip(piece), bytes, true),
            },
            At::Zstd(mut piece) => match piece.read(buffer)? {
                0 => (At::Between(piece.finish()), 0, true),
                bytes => (At::Zstd(piece), bytes, true),
            },
            At::Failed(kind) => return Err(kind.into()),
        })
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut more = !buffer.is_empty();
        while more {
            let at = std::mem::replace(&mut self.at, At::Failed(io::ErrorKind::InvalidData));
            let (at, bytes, may_go_on) =
                Self::step(at, buffer).inspect_err(|error| self.at = At::Failed(error.kind()))?;
            (self.at, more) = (at, may_go_on);
            if bytes > 0 {
                return Ok(bytes);
            }
        }
        Ok(0)
    }
}
