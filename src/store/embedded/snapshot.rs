//! A snapshot: what is live at one frame of the log, so that a restart need not read the
//! log before it.
//!
//! Sections of tag (1 byte), length (8), payload, CRC-32 of the payload (4). A file is
//! whole once it has its name: it is written under another and renamed. Claims are copied
//! a shard at a time after the rest, and may know of frames that the log will tell of
//! again; taking a claim twice changes nothing.

use super::claims::{Claims, Record};
use super::live::Live;
use super::log::{damaged, numbered_files};
use super::stored_time::stored_minute;
use super::{names, rows};
use crate::domain::counts::Counts;
use crate::domain::time::Minute;
use crate::store::fail_point::{self, FailPoint};
use crate::store::{OpenError, SHARDS};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".bin";
const PROVIDERS: u8 = b'P';
const LIVENESS: u8 = b'L';
const CLAIMS: u8 = b'C';
const COUNTS: u8 = b'M';
const END: u8 = b'E';

/// Everything but the claims, as of one frame.
#[derive(Debug)]
pub struct Frozen {
    /// The first frame that is not in it.
    pub number: u64,
    /// Provider ids in the order of their numbers.
    pub providers: Vec<String>,
    /// When we ran.
    pub liveness: Vec<Range<Minute>>,
    /// (provider's number, minute, counts).
    pub counts: Vec<(u16, Minute, Arc<Counts>)>,
}

/// Writes a snapshot; `shard` gives the claims of one shard when asked, `is_given_up`
/// says whether it is to be left unfinished. On return it is on the disk. Gives its size.
///
/// # Errors
/// Where it cannot be written, or is given up; what was there before is untouched.
pub fn write(
    dir: &Path,
    frozen: &Frozen,
    shard: impl Fn(usize) -> Vec<u8>,
    is_given_up: &dyn Fn() -> bool,
) -> io::Result<u64> {
    let unfinished = dir.join("snapshot.unfinished");
    let finished = dir.join(format!("{PREFIX}{:016x}{SUFFIX}", frozen.number));
    let written = write_sections(&unfinished, frozen, shard, is_given_up).and_then(|bytes| {
        fail_point::reach(FailPoint::SnapshotWritten)?;
        std::fs::rename(&unfinished, finished)?;
        File::open(dir)?.sync_all()?;
        Ok(bytes)
    });
    if written.is_err() {
        // It may have taken the last room on the disk, which reports need more.
        drop(std::fs::remove_file(&unfinished));
    }
    written
}

fn write_sections(
    path: &Path,
    frozen: &Frozen,
    shard: impl Fn(usize) -> Vec<u8>,
    is_given_up: &dyn Fn() -> bool,
) -> io::Result<u64> {
    let go_on = || {
        if is_given_up() {
            Err(io::Error::other("the snapshot was given up, to stop in time"))
        } else {
            Ok(())
        }
    };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    section(&mut out, PROVIDERS, &names::write(&frozen.providers))?;
    section(&mut out, LIVENESS, &names::write_spans(&frozen.liveness))?;
    for (provider, minute, counts) in &frozen.counts {
        go_on()?;
        let mut payload = provider.to_le_bytes().to_vec();
        payload.extend_from_slice(&stored_minute(*minute).to_le_bytes());
        rows::write(counts, &mut payload);
        section(&mut out, COUNTS, &payload)?;
    }
    if fail_point::is_awaited(FailPoint::SnapshotHalfWritten) {
        out.flush()?;
        fail_point::reach(FailPoint::SnapshotHalfWritten)?;
    }
    for n in 0..SHARDS as usize {
        go_on()?;
        section(&mut out, CLAIMS, &shard(n))?;
    }
    section(&mut out, END, &[])?;
    go_on()?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// Restores the newest snapshot. Gives the first frame that is not in it, and its
/// providers.
///
/// # Errors
/// Where it cannot be read or is damaged.
pub fn restore(
    dir: &Path,
    live: &mut Live,
    claims: &mut Claims,
) -> Result<(u64, Vec<String>), OpenError> {
    let Some((number, path)) = numbered_files(dir, PREFIX, SUFFIX)?.pop() else {
        return Ok((0, Vec::new()));
    };
    let mut reader = Reader::open(path)?;
    let (mut providers, mut shard) = (Vec::new(), 0);
    loop {
        let (tag, payload) = reader.section()?;
        match tag {
            PROVIDERS => {
                providers =
                    names::read(payload).ok_or_else(|| reader.damage("names of providers"))?;
            }
            LIVENESS => {
                for span in names::read_spans(payload)
                    .ok_or_else(|| reader.damage("minutes in which we ran"))?
                {
                    live.liveness.mark(span);
                }
            }
            COUNTS => {
                let (provider, minute, counts) =
                    counts_of(payload).ok_or_else(|| reader.damage("counts of a minute"))?;
                if !live.aged.supersede_snapshot(minute.hour(), number) {
                    live.restore(provider, minute, counts);
                }
            }
            CLAIMS => {
                let (records, _) = payload.as_chunks::<{ Record::BYTES }>();
                claims.reserve(shard, records.len());
                for record in records {
                    claims.restore(Record::from_bytes(record));
                }
                shard += 1;
            }
            END => return Ok((number, providers)),
            _ => return Err(reader.damage("a section of an unknown kind")),
        }
    }
}

/// Removes every snapshot but the one of that number, and one that was never finished.
///
/// # Errors
/// Where a file cannot be removed.
pub fn remove_others(dir: &Path, number: u64) -> io::Result<()> {
    for (_, path) in numbered_files(dir, PREFIX, SUFFIX)
        .map_err(io::Error::other)?
        .into_iter()
        .filter(|(n, _)| *n != number)
    {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

fn counts_of(payload: &[u8]) -> Option<(u16, Minute, Counts)> {
    let (provider, rest) = payload.split_first_chunk()?;
    let (minute, rest) = rest.split_first_chunk()?;
    let minute = Minute(i64::from(u32::from_le_bytes(*minute)));
    Some((u16::from_le_bytes(*provider), minute, rows::read(rest)?))
}

fn section(out: &mut impl Write, tag: u8, payload: &[u8]) -> io::Result<()> {
    out.write_all(&[tag])?;
    out.write_all(&(payload.len() as u64).to_le_bytes())?;
    out.write_all(payload)?;
    out.write_all(&crc32fast::hash(payload).to_le_bytes())
}

struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    bytes: u64,
    at: u64,
    payload: Vec<u8>,
}

impl Reader {
    fn open(path: PathBuf) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: path.clone(), source };
        let file = File::open(&path).map_err(io)?;
        let bytes = file.metadata().map_err(io)?.len();
        Ok(Self {
            path,
            file: BufReader::with_capacity(1 << 20, file),
            bytes,
            at: 0,
            payload: Vec::new(),
        })
    }

    /// The next section's tag and payload.
    fn section(&mut self) -> Result<(u8, &[u8]), OpenError> {
        let mut head = [0; 9];
        self.read(&mut head)?;
        let length = u64::from_le_bytes(head[1..].try_into().expect("eight bytes"));
        if length > self.bytes - self.at {
            return Err(self.damage("cut short"));
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(length as usize, 0);
        self.read(&mut payload)?;
        let mut crc = [0; 4];
        self.read(&mut crc)?;
        if crc32fast::hash(&payload) != u32::from_le_bytes(crc) {
            return Err(self.damage("checksum"));
        }
        self.payload = payload;
        Ok((head[0], &self.payload))
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), OpenError> {
        self.file.read_exact(buffer).map_err(|_| self.damage("cut short"))?;
        self.at += buffer.len() as u64;
        Ok(())
    }

    fn damage(&self, what: &'static str) -> OpenError {
        damaged(&self.path, self.at, what)
    }
}
