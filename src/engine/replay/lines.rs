//! Lines of a file, plain or packed by gzip: by its content, whatever its name. Holds one line at a time.

use super::ReplayError;
use super::account::Flaw;
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The longest line, in bytes: the longest body of a single report over HTTP.
const LONGEST_LINE: usize = 64 << 10;
const BUFFER_BYTES: usize = 256 << 10;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The lines of a file.
pub struct Lines {
    path: PathBuf,
    input: Box<dyn BufRead>,
    is_packed: bool,
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
    /// A line that is no report; or, where that is what [`Flaw`] says, the last that can be read.
    Flaw(Flaw),
    /// Nothing.
    End,
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    read: Rc<Cell<u64>>,
}

impl Lines {
    /// The lines of a file.
    ///
    /// # Errors
    /// Where it cannot be opened or read.
    pub fn open(path: &Path) -> Result<Self, ReplayError> {
        let io = |source| ReplayError::Io { path: path.to_owned(), source };
        let read = Rc::new(Cell::new(0));
        let file = Counted { file: File::open(path).map_err(io)?, read: Rc::clone(&read) };
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        let is_packed = file.fill_buf().map_err(io)?.starts_with(&GZIP);
        let input: Box<dyn BufRead> =
            if is_packed { Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(file))) } else { Box::new(file) };
        Ok(Self { path: path.to_owned(), input, is_packed, read, told: 0, number: 0, line: Vec::new() })
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
                Ok(None) if self.line.trim_ascii().is_empty() => {}
                Ok(None) => return Ok(Next::Line(self.line.trim_ascii())),
                Err(error) => {
                    let flaw = if self.is_packed { flaw_of_packing(&error) } else { None };
                    let flaw = flaw.ok_or_else(|| ReplayError::Io { path: self.path.clone(), source: error })?;
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
}

enum LineEnd {
    End,
    TooFar,
}

/// What an error of unpacking says of the file; none where it is the disk's.
fn flaw_of_packing(error: &io::Error) -> Option<Flaw> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Some(Flaw::Truncated),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Some(Flaw::Damaged),
        _ => None,
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read.set(self.read.get() + bytes as u64);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[track_caller]
    fn read(content: &[u8]) -> Vec<(u64, Result<String, Flaw>)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let mut lines = Lines::open(file.path()).unwrap();
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
        assert_eq!(read(&[packed(b"a\n\nb\r\n"), packed(b"  \nc")].concat()), expected, "in two members");
        assert_eq!(read(b""), []);
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
        let plain: Vec<u8> = (0..50_000).flat_map(|n| format!("{}\n", n * 7_919 % 100_003).into_bytes()).collect();
        let whole = packed(&plain);
        let cut = read(&whole[..whole.len() / 2]);
        let (last, lines) = cut.split_last().unwrap();
        assert_eq!(last.1, Err(Flaw::Truncated));
        assert!(lines.len() > 10_000 && lines.iter().all(|(_, line)| line.is_ok()), "{} lines", lines.len());
        let mut spoilt = whole;
        let middle = spoilt.len() / 2;
        spoilt[middle..].fill(0xff);
        assert!(matches!(read(&spoilt).last(), Some((_, Err(Flaw::Damaged | Flaw::Truncated)))));
    }
}
