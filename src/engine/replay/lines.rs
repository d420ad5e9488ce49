//! Lines of a file, without what marks or pads them. Holds one line at a time.

use super::ReplayError;
use super::input::Input;
use super::statistics::Flaw;
use super::unpack;
use crate::wire::text::trimmed;
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;
use std::rc::Rc;

/// The longest line, in bytes: the longest body of a single report over HTTP.
const LONGEST_LINE: usize = 64 << 10;

/// The lines of a file.
pub struct Lines {
    path: PathBuf,
    input: Box<dyn BufRead>,
    /// Bytes of the file read so far.
    read: Rc<Cell<u64>>,
    told: u64,
    number: u64,
    line: Vec<u8>,
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A line that is not blank.
    Line(&'a [u8]),
    /// A line that is no report; or, where that is what [`Flaw`] says, the last that can
    /// be read.
    Flaw(Flaw),
    /// Nothing.
    End,
}

/// A file that counts what is read of it.
struct Counted<R> {
    file: R,
    read: Rc<Cell<u64>>,
}

impl Lines {
    /// The lines of a file.
    ///
    /// # Errors
    /// Where it cannot be opened, or is of a form that is not read here.
    pub fn open(source: &Input) -> Result<Self, ReplayError> {
        let path = source.path().to_owned();
        let file = source.open().map_err(ReplayError::io(&path))?;
        let read = Rc::new(Cell::new(0));
        let counted = Counted { file, read: Rc::clone(&read) };
        let input = unpack::text(counted)
            .map_err(|unpack::Foreign(form)| ReplayError::Form { path: path.clone(), form })?;
        Ok(Self { path, input, read, told: 0, number: 0, line: Vec::new() })
    }

    /// Reads on. After a flaw of the file itself, nothing comes any more.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn next(&mut self) -> Result<Next<'_>, ReplayError> {
        loop {
            self.number += 1;
            match self.read_line() {
                Ok(Some(LineEnd::End)) => return Ok(Next::End),
                Ok(Some(LineEnd::TooFar)) => return Ok(Next::Flaw(Flaw::TooLarge)),
                Ok(None) if trimmed(&self.line).is_empty() => {}
                Ok(None) => return Ok(Next::Line(trimmed(&self.line))),
                Err(error) => {
                    let flaw = flaw_of_packing(&error);
                    let flaw = flaw.ok_or_else(|| ReplayError::Io {
                        path: self.path.clone(),
                        source: error,
                    })?;
                    self.input = Box::new(io::empty());
                    return Ok(Next::Flaw(flaw));
                }
            }
        }
    }

    /// The number of the line that came last, the first being 1.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of the file that were read since this was last asked.
    pub fn newly_read(&mut self) -> u64 {
        let new = self.read.get() - self.told;
        self.told = self.read.get();
        new
    }

    /// Reads a line. Gives why there is none.
    fn read_line(&mut self) -> io::Result<Option<LineEnd>> {
        self.line.clear();
        self.skip_zeros()?;
        let most = LONGEST_LINE as u64 + 1;
        if self.input.by_ref().take(most).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(Some(LineEnd::End));
        }
        if self.line.len() > LONGEST_LINE && !self.line.ends_with(b"\n") {
            self.input.skip_until(b'\n')?;
            return Ok(Some(LineEnd::TooFar));
        }
        Ok(None)
    }

    /// Skips what a file system has reserved and nobody has written. It may be more than
    /// any line.
    fn skip_zeros(&mut self) -> io::Result<()> {
        while let [0, ..] = self.input.fill_buf()? {
            let zeros = self.input.fill_buf()?.iter().take_while(|byte| **byte == 0).count();
            self.input.consume(zeros);
        }
        Ok(())
    }
}

enum LineEnd {
    End,
    TooFar,
}

/// What an error of unpacking says of the file; none where it is the system's.
fn flaw_of_packing(error: &io::Error) -> Option<Flaw> {
    match error.kind() {
        _ if error.raw_os_error().is_some() => None,
        io::ErrorKind::UnexpectedEof => Some(Flaw::Truncated),
        _ => Some(Flaw::Damaged),
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read.set(self.read.get() + bytes as u64);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    use std::io::Write;

    #[track_caller]
    fn read(content: &[u8]) -> Vec<(u64, Result<String, Flaw>)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let mut lines = Lines::open(&file.path().to_owned().into()).unwrap();
        let mut found = Vec::new();
        loop {
            let next = match lines.next().unwrap() {
                Next::Line(line) => Ok(String::from_utf8(line.to_vec()).unwrap()),
                Next::Flaw(flaw) => Err(flaw),
                Next::End => break,
            };
            found.push((lines.number(), next));
        }
        assert_eq!(lines.newly_read(), content.len() as u64);
        found
    }

    fn packed(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn blank_lines_are_passed_over_but_numbered_and_the_last_needs_no_end() {
        let expected = [(1, Ok("a".into())), (3, Ok("b".into())), (5, Ok("c".into()))];
        assert_eq!(read(b"a\n\nb\r\n  \nc"), expected);
        assert_eq!(read(&packed(b"a\n\nb\r\n  \nc")), expected);
        assert_eq!(
            read(&[packed(b"a\n\nb\r\n"), packed(b"  \nc")].concat()),
            expected,
            "in two members"
        );
        assert_eq!(read(b""), []);
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        zstd::encode_all(plain, 1).unwrap()
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn marks_padding_and_packing_of_any_kind_change_nothing() {
        let (text, zeros) = ("{\"a\": \"é🐋\"}\r\n\r\n{\"b\": 2}\r\n", vec![0; 300_000]);
        let plain = text.as_bytes();
        let marked = [BYTE_ORDER_MARK, plain].concat();
        let expected = [(1, Ok("{\"a\": \"é🐋\"}".into())), (3, Ok("{\"b\": 2}".into()))];
        let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc", &zstd(plain)].concat();
        let forms = [
            ("a mark", marked.clone()),
            ("zeros behind", [plain, &zeros].concat()),
            ("zeros before", [&zeros, plain].concat()),
            ("gzip with a mark", packed(&marked)),
            ("gzip and zeros", [packed(plain), zeros.clone()].concat()),
            ("gzip and a newline", [&packed(plain)[..], b"\r\n"].concat()),
            (
                "gzip, zeros, gzip",
                [packed(&plain[..7]), zeros.clone(), packed(&plain[7..])].concat(),
            ),
            ("zstd", zstd(plain)),
            (
                "zstd in two frames and zeros",
                [zstd(&plain[..7]), zstd(&plain[7..]), zeros].concat(),
            ),
            ("zstd after something to skip", skippable),
            ("gzip, then zstd", [packed(&plain[..7]), zstd(&plain[7..])].concat()),
            ("gzip in gzip", packed(&packed(plain))),
            ("gzip in zstd in gzip", packed(&zstd(&packed(plain)))),
            ("UTF-16, low byte first", utf16(&format!("\u{feff}{text}"), u16::to_le_bytes)),
            ("UTF-16, high byte first", utf16(&format!("\u{feff}{text}"), u16::to_be_bytes)),
            ("UTF-16 without a mark, low byte first", utf16(text, u16::to_le_bytes)),
            ("UTF-16 without a mark, high byte first", utf16(text, u16::to_be_bytes)),
            ("UTF-16 in gzip", packed(&utf16(&format!("\u{feff}{text}"), u16::to_le_bytes))),
        ];
        for (form, content) in forms {
            assert_eq!(read(&content), expected, "{form}");
        }
    }

    #[test]
    fn marks_between_files_that_were_joined_are_passed_over() {
        let joined =
            [BYTE_ORDER_MARK, b"a\n", BYTE_ORDER_MARK, b"b\n\0\0", BYTE_ORDER_MARK, b" c \0"]
                .concat();
        assert_eq!(read(&joined), [(1, Ok("a".into())), (2, Ok("b".into())), (3, Ok("c".into()))]);
    }

    #[test]
    fn other_forms_are_refused_by_name() {
        let tar = [&[b'x'; 257][..], b"ustar\0"].concat();
        let rows: [(&[u8], &str); 7] = [
            (b"\xfd7zXZ\0\0\x04", "packed by xz"),
            (b"BZh91AY&SY", "packed by bzip2"),
            (b"PK\x03\x04\x14", "a ZIP archive"),
            (&[0xff, 0xfe, 0, 0, b'{', 0, 0, 0], "text in UTF-32"),
            (&tar, "a tar archive"),
            (&packed(&tar), "a tar archive"),
            (&packed(&packed(&packed(&packed(b"a")))), "packed over and over"),
        ];
        for (content, form) in rows {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(content).unwrap();
            let error = Lines::open(&file.path().to_owned().into()).err().unwrap().to_string();
            assert!(
                error.contains(form) && error.contains(file.path().to_str().unwrap()),
                "{error}"
            );
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_one_flaw() {
        let longest = "x".repeat(LONGEST_LINE);
        let expected = [(1, Ok(longest.clone())), (2, Err(Flaw::TooLarge)), (3, Ok("z".into()))];
        assert_eq!(read(format!("{longest}\n{longest}{longest}y\nz\n").as_bytes()), expected);
        assert_eq!(read(format!("{longest}y").as_bytes()), [(1, Err(Flaw::TooLarge))]);
    }

    #[test]
    fn what_cannot_be_unpacked_ends_the_file_after_what_can() {
        let plain: Vec<u8> =
            (0..50_000).flat_map(|n| format!("{}\n", n * 7_919 % 100_003).into_bytes()).collect();
        let whole = packed(&plain);
        let cut = read(&whole[..whole.len() / 2]);
        let (last, lines) = cut.split_last().unwrap();
        assert_eq!(last.1, Err(Flaw::Truncated));
        assert!(
            lines.len() > 10_000 && lines.iter().all(|(_, line)| line.is_ok()),
            "{} lines",
            lines.len()
        );
        let mut spoilt = whole;
        let middle = spoilt.len() / 2;
        spoilt[middle..].fill(0xff);
        assert!(matches!(read(&spoilt).last(), Some((_, Err(Flaw::Damaged | Flaw::Truncated)))));
        let squeezed = zstd(&plain);
        let cut = read(&squeezed[..squeezed.len() / 2]);
        assert!(
            cut.len() > 1_000 && cut.last().is_some_and(|last| last.1 == Err(Flaw::Truncated)),
            "{} lines",
            cut.len()
        );
        let mut spoilt = squeezed;
        spoilt[middle / 2..].fill(0xff);
        assert!(matches!(read(&spoilt).last(), Some((_, Err(Flaw::Damaged | Flaw::Truncated)))));
        let followed = [packed(b"a\n"), b"{\"no\": \"gzip\"}\n".to_vec()].concat();
        assert_eq!(read(&followed), [(1, Ok("a".into())), (2, Err(Flaw::Damaged))]);
    }
}
