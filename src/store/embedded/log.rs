//! The append-only log: checksummed frames in numbered segments, one fdatasync a frame, a
//! torn tail dropped.
//!
//! A frame is: length of the payload (4 bytes), CRC-32 of all that follows (4), sequence
//! number (8), kind (1), payload. Frames are numbered without gaps. A segment is named
//! after its first frame; where a segment holds frames that the next one holds too, the
//! next one's count: the earlier were given up after a failed write.

use super::Durability;
use crate::store::fail_point::{self, FailPoint};
use crate::store::{OpenError, StoreError};
use rustix::fs::FallocateFlags;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const HEADER_BYTES: usize = 17;
const KIND_AT: usize = 16;
/// Space is reserved in pieces of this size, so that a full disk is met before a frame is
/// begun, and a frame changes no metadata.
const RESERVE_BYTES: u64 = 4 << 20;
const PREFIX: &str = "log-";
const SUFFIX: &str = ".bin";

/// What a frame's payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Entries of counted reports.
    Reports = 1,
    /// Numbers given to provider ids.
    Providers = 2,
    /// Minutes in which we ran.
    Liveness = 3,
}

/// The end of the log, where frames are appended.
#[derive(Debug)]
pub struct Log {
    dir: PathBuf,
    /// The open segment; none after a failed write, until the next frame begins a new
    /// one.
    segment: Option<Segment>,
    next: u64,
    /// Bytes of the segments before the open one.
    sealed_bytes: u64,
    frame: Vec<u8>,
    durability: Durability,
}

#[derive(Debug)]
struct Segment {
    file: File,
    end: u64,
    reserved: u64,
}

impl Kind {
    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Reports),
            2 => Some(Self::Providers),
            3 => Some(Self::Liveness),
            _ => None,
        }
    }
}

impl Log {
    /// Reads every frame numbered `from` or later in order, then stands ready to append
    /// after the last.
    ///
    /// # Errors
    /// Where a frame before the last segment's tail is damaged or missing, or a file
    /// cannot be read.
    pub fn open(
        dir: &Path,
        from: u64,
        mut replay: impl FnMut(u64, Kind, &[u8]),
    ) -> Result<Self, OpenError> {
        let segments = segments(dir)?;
        let (mut next, mut sealed_bytes) = (from, 0);
        for (n, (first, path)) in segments.iter().enumerate() {
            let until = segments.get(n + 1).map(|(first, _)| *first);
            if until.is_some_and(|until| until <= from) {
                continue;
            }
            if *first > next {
                return Err(damaged(path, 0, "frames before it are missing"));
            }
            let end = read_segment(path, *first, until, |number, kind, payload| {
                if number >= from {
                    replay(number, kind, payload);
                }
            })?;
            next = next.max(end.next);
            sealed_bytes += end.bytes;
        }
        // A new segment each time keeps a torn tail as it was found, and is never
        // appended to by a process that did not begin it.
        Ok(Self {
            dir: dir.to_owned(),
            segment: None,
            next,
            sealed_bytes,
            frame: Vec::new(),
            durability: Durability::Synced,
        })
    }

    /// The same log, whose frames are waited for or not.
    #[must_use]
    pub fn with(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// Appends one frame and waits until it is on the disk, where frames are waited for.
    /// Gives its number.
    ///
    /// # Errors
    /// Where it could not be written whole. The log then goes on as if it had never been
    /// tried.
    pub fn append(
        &mut self,
        kind: Kind,
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> Result<u64, StoreError> {
        let number = self.next;
        self.frame.clear();
        self.frame.resize(HEADER_BYTES, 0);
        payload(&mut self.frame);
        seal(&mut self.frame, number, kind);
        self.write_frame().map_err(|error| store_error(&error))?;
        self.next += 1;
        Ok(number)
    }

    /// Ends the open segment. Frames from the returned number on go to a new one.
    pub fn rotate(&mut self) -> u64 {
        if let Some(segment) = self.segment.take() {
            self.sealed_bytes += segment.end;
            // Gives back what was reserved; only a matter of disk space.
            drop(segment.file.set_len(segment.end));
        }
        self.next
    }

    /// Removes segments all of whose frames are numbered below `number`.
    ///
    /// # Errors
    /// Where a file cannot be removed; the others are tried all the same.
    pub fn remove_before(&mut self, number: u64) -> io::Result<()> {
        let segments = segments(&self.dir).map_err(io::Error::other)?;
        let mut result = Ok(());
        for (n, (_, path)) in segments.iter().enumerate() {
            let next_first = segments.get(n + 1).map_or(self.next, |(first, _)| *first);
            let is_open = n + 1 == segments.len() && self.segment.is_some();
            if next_first <= number && !is_open {
                let bytes = path.metadata().map_or(0, |m| m.len());
                match std::fs::remove_file(path) {
                    Ok(()) => self.sealed_bytes = self.sealed_bytes.saturating_sub(bytes),
                    Err(error) => result = Err(error),
                }
            }
        }
        result
    }

    /// Bytes that a restart would read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sealed_bytes + self.segment.as_ref().map_or(0, |segment| segment.end)
    }

    /// The number of the next frame.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    fn write_frame(&mut self) -> io::Result<()> {
        if self.durability == Durability::Discarded {
            return Err(io::Error::new(
                io::ErrorKind::ReadOnlyFilesystem,
                "the store is open to be read only",
            ));
        }
        let mut segment = match self.segment.take() {
            Some(segment) => segment,
            None => Segment::create(&self.dir, self.next)?,
        };
        match segment.append(&self.frame, self.durability) {
            Ok(()) => {
                self.segment = Some(segment);
                Ok(())
            }
            Err(error) => {
                // After a failed write or sync nobody knows what the disk holds: this
                // segment is cut and left, the next frame begins another. Should the cut
                // fail too, the other segment's name says that what stands here beyond it
                // does not count.
                drop(segment.file.set_len(segment.end));
                drop(segment.file.sync_all());
                self.sealed_bytes += segment.end;
                Err(error)
            }
        }
    }
}

impl Segment {
    fn create(dir: &Path, first: u64) -> io::Result<Self> {
        let path = dir.join(format!("{PREFIX}{first:016x}{SUFFIX}"));
        // A segment that begins with this frame was given up before the frame was whole.
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        File::open(dir)?.sync_all()?;
        fail_point::reach(FailPoint::LogSegmentBegun)?;
        Ok(Self { file, end: 0, reserved: 0 })
    }

    fn append(&mut self, frame: &[u8], durability: Durability) -> io::Result<()> {
        let end = self.end + frame.len() as u64;
        if end > self.reserved {
            self.reserve(end)?;
        }
        // Those who wait for a frame of reports are promised most.
        let reach = |point| {
            if frame[KIND_AT] == Kind::Reports as u8 { fail_point::reach(point) } else { Ok(()) }
        };
        reach(FailPoint::BeforeLogAppend)?;
        if fail_point::is_awaited(FailPoint::LogHalfAppended) {
            self.file.write_all_at(&frame[..frame.len() / 2], self.end)?;
            reach(FailPoint::LogHalfAppended)?;
        }
        self.file.write_all_at(frame, self.end)?;
        reach(FailPoint::LogAppended)?;
        if durability == Durability::Synced {
            self.file.sync_data()?;
        }
        self.end = end;
        Ok(())
    }

    fn reserve(&mut self, end: u64) -> io::Result<()> {
        let generous = end.next_multiple_of(RESERVE_BYTES);
        for upto in [generous, end] {
            match rustix::fs::fallocate(
                &self.file,
                FallocateFlags::empty(),
                self.reserved,
                upto - self.reserved,
            ) {
                Ok(()) => {
                    self.reserved = upto;
                    return Ok(());
                }
                // Some file systems cannot reserve: then a full disk is met by the write
                // itself.
                Err(rustix::io::Errno::OPNOTSUPP) => return Ok(()),
                Err(_) if upto == generous && upto != end => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

struct SegmentEnd {
    next: u64,
    bytes: u64,
}

/// Reads the frames of one segment that count. Only the last segment (`until` is none)
/// may end in a torn frame.
fn read_segment(
    path: &Path,
    first: u64,
    until: Option<u64>,
    mut replay: impl FnMut(u64, Kind, &[u8]),
) -> Result<SegmentEnd, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let mut file = io::BufReader::with_capacity(1 << 20, File::open(path).map_err(io)?);
    let mut frame = Vec::new();
    let mut end = SegmentEnd { next: first, bytes: 0 };
    while until.is_none_or(|until| end.next < until) {
        match read_frame(&mut file, &mut frame, end.next).map_err(io)? {
            Some(kind) => replay(end.next, kind, &frame[HEADER_BYTES - 8..]),
            None if until.is_none() => break,
            None => {
                return Err(damaged(
                    path,
                    end.bytes,
                    "a frame in the middle of the log is not as it was written",
                ));
            }
        }
        end.next += 1;
        end.bytes += 8 + frame.len() as u64;
    }
    Ok(end)
}

/// Reads the frame of that number: what follows the checksum is left in `frame`. None
/// where there is no such whole frame.
fn read_frame(file: &mut impl Read, frame: &mut Vec<u8>, number: u64) -> io::Result<Option<Kind>> {
    let mut head = [0; 8];
    if !read_whole(file, &mut head)? {
        return Ok(None);
    }
    let [length, crc] =
        [0, 4].map(|at| u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes")));
    if length == 0 || length as usize > LARGEST_PAYLOAD {
        return Ok(None);
    }
    frame.resize(HEADER_BYTES - 8 + length as usize, 0);
    if !read_whole(file, frame)?
        || crc32fast::hash(frame) != crc
        || frame[..8] != number.to_le_bytes()
    {
        return Ok(None);
    }
    Ok(Kind::from_number(frame[8]))
}

/// Far above the largest group, far below what would hurt to allocate for a torn length.
const LARGEST_PAYLOAD: usize = 64 << 20;

fn read_whole(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn seal(frame: &mut [u8], number: u64, kind: Kind) {
    let length = u32::try_from(frame.len() - HEADER_BYTES).expect("a group is far below 4 GiB");
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame[8..16].copy_from_slice(&number.to_le_bytes());
    frame[KIND_AT] = kind as u8;
    let crc = crc32fast::hash(&frame[8..]);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// The segments of a directory, by the number of their first frame.
fn segments(dir: &Path) -> Result<Vec<(u64, PathBuf)>, OpenError> {
    numbered_files(dir, PREFIX, SUFFIX)
}

/// Files named `prefix`, sixteen hexadecimal digits, `suffix`; sorted by the number.
pub fn numbered_files(
    dir: &Path,
    prefix: &str,
    suffix: &str,
) -> Result<Vec<(u64, PathBuf)>, OpenError> {
    let io = |source| OpenError::Io { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for file in std::fs::read_dir(dir).map_err(io)? {
        let path = file.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let digits = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
        if let Some(number) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            files.push((number, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// The error of a damaged file.
pub fn damaged(file: &Path, offset: u64, what: &'static str) -> OpenError {
    OpenError::Damaged { file: file.to_owned(), offset, what }
}

/// What a failed write means to a caller.
pub fn store_error(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StoreError::Full
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(log: &mut Log, text: &str) -> u64 {
        log.append(Kind::Reports, |out| out.extend_from_slice(text.as_bytes())).unwrap()
    }

    fn read(dir: &Path, from: u64) -> Result<(Log, Vec<(u64, String)>), OpenError> {
        let mut frames = Vec::new();
        let log = Log::open(dir, from, |number, _, payload| {
            frames.push((number, String::from_utf8(payload.to_vec()).unwrap()));
        })?;
        Ok((log, frames))
    }

    fn texts(frames: &[(u64, String)]) -> Vec<&str> {
        frames.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn only_segment(dir: &Path) -> PathBuf {
        let [(_, path)] = &segments(dir).unwrap()[..] else { panic!("one segment") };
        path.clone()
    }

    #[test]
    fn frames_come_back_in_order_across_restarts_and_rotations() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = read(dir.path(), 0).unwrap();
        append(&mut log, "a");
        append(&mut log, "b");
        log.rotate();
        append(&mut log, "c");
        drop(log);
        let (mut log, frames) = read(dir.path(), 0).unwrap();
        assert_eq!(texts(&frames), ["a", "b", "c"]);
        assert_eq!(append(&mut log, "d"), 3);
        drop(log);
        let (_, frames) = read(dir.path(), 2).unwrap();
        assert_eq!(frames, [(2, "c".into()), (3, "d".into())]);
    }

    #[test]
    fn a_tail_torn_at_any_byte_is_dropped_and_written_over() {
        let whole = tempfile::tempdir().unwrap();
        let (mut log, _) = read(whole.path(), 0).unwrap();
        append(&mut log, "first");
        append(&mut log, "second");
        log.rotate();
        let bytes = std::fs::read(only_segment(whole.path())).unwrap();
        let first_frame = HEADER_BYTES + "first".len();
        for cut in 0..bytes.len() {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("log-0000000000000000.bin"), &bytes[..cut]).unwrap();
            let (mut log, frames) = read(dir.path(), 0).unwrap();
            let expected: &[&str] = if cut < first_frame { &[] } else { &["first"] };
            assert_eq!(texts(&frames), expected, "cut at {cut}");
            append(&mut log, "again");
            drop(log);
            let (_, frames) = read(dir.path(), 0).unwrap();
            assert_eq!(texts(&frames), [expected, &["again"]].concat(), "cut at {cut}");
        }
    }

    #[test]
    fn a_flipped_bit_before_the_last_segment_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = read(dir.path(), 0).unwrap();
        append(&mut log, "first");
        log.rotate();
        let path = only_segment(dir.path());
        append(&mut log, "second");
        drop(log);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = read(dir.path(), 0).unwrap_err().to_string();
        assert!(error.contains("log-0000000000000000.bin is damaged at byte 0"), "{error}");
    }

    #[test]
    fn a_missing_segment_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = read(dir.path(), 0).unwrap();
        append(&mut log, "first");
        log.rotate();
        std::fs::remove_file(only_segment(dir.path())).unwrap();
        append(&mut log, "second");
        let error = read(dir.path(), 0).unwrap_err().to_string();
        assert!(error.contains("frames before it are missing"), "{error}");
    }

    #[test]
    fn frames_given_up_after_a_failed_write_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = read(dir.path(), 0).unwrap();
        append(&mut log, "kept");
        append(&mut log, "given up");
        // As after a failed sync: the frame reached the disk, but its writer was told
        // otherwise and began a new segment with its number.
        log.rotate();
        log.next = 1;
        append(&mut log, "instead");
        let (_, frames) = read(dir.path(), 0).unwrap();
        assert_eq!(texts(&frames), ["kept", "instead"]);
    }

    #[test]
    fn segments_below_a_number_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = read(dir.path(), 0).unwrap();
        append(&mut log, "a");
        let number = log.rotate();
        append(&mut log, "b");
        log.remove_before(number).unwrap();
        assert_eq!(segments(dir.path()).unwrap().len(), 1);
        drop(log);
        let (_, frames) = read(dir.path(), number).unwrap();
        assert_eq!(texts(&frames), ["b"]);
    }
}
