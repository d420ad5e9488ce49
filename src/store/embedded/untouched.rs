//! A file under a database that stays as it is: what is written lies over it, in memory,
//! and is gone with the process.
//!
//! A database that was not closed must be repaired before it can be read, and each start
//! writes a little. Who only reads a store needs neither to be on the disk, and may not
//! be allowed to.

use redb::StorageBackend;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

const BLOCK: usize = 4_096;

/// The file, where there is one, and what lies over it.
#[derive(Debug)]
pub struct Untouched {
    file: Option<File>,
    /// Held for one call.
    over: Mutex<Over>,
}

#[derive(Debug)]
struct Over {
    len: u64,
    /// Bytes of the file that still count.
    of_file: u64,
    /// Blocks that were written, by number.
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
}

impl Untouched {
    /// Opens the file to be read; one that is missing is empty.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened?),
        };
        let len =
            file.as_ref().map_or(Ok(0), |file| file.metadata().map(|metadata| metadata.len()))?;
        Ok(Self { file, over: Mutex::new(Over { len, of_file: len, blocks: BTreeMap::new() }) })
    }

    // What a panic leaves is read by nobody: the database is given up with it.
    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block as it was written last, or as it is in the file; zeros beyond its end.
    fn block(&self, over: &Over, number: u64) -> io::Result<Box<[u8; BLOCK]>> {
        if let Some(block) = over.blocks.get(&number) {
            return Ok(block.clone());
        }
        let (start, mut block) = (number * BLOCK as u64, Box::new([0; BLOCK]));
        let there = over.of_file.saturating_sub(start).min(BLOCK as u64) as usize;
        if let Some(file) = &self.file {
            file.read_exact_at(&mut block[..there], start)?;
        }
        Ok(block)
    }
}

/// The blocks of a range: number, where it begins in the block, and how many bytes.
fn blocks(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let (mut at, end) = (offset, offset + length as u64);
    std::iter::from_fn(move || {
        let (number, within) = (at / BLOCK as u64, (at % BLOCK as u64) as usize);
        let count = (BLOCK - within).min((end - at) as usize);
        at += count as u64;
        (count > 0).then_some((number, within, count))
    })
}

impl StorageBackend for Untouched {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let over = self.over();
        if over.len < offset + out.len() as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut out = out;
        for (number, within, count) in blocks(offset, out.len()) {
            let (head, rest) = out.split_at_mut(count);
            head.copy_from_slice(&self.block(&over, number)?[within..within + count]);
            out = rest;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut over = self.over();
        over.of_file = over.of_file.min(len);
        over.len = len;
        let last = len / BLOCK as u64;
        over.blocks.retain(|number, _| *number <= last);
        if let Some(block) = over.blocks.get_mut(&last) {
            block[(len % BLOCK as u64) as usize..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (mut over, mut data) = (self.over(), data);
        over.len = over.len.max(offset + data.len() as u64);
        for (number, within, count) in blocks(offset, data.len()) {
            let (head, rest) = data.split_at(count);
            let mut block = self.block(&over, number)?;
            block[within..within + count].copy_from_slice(head);
            over.blocks.insert(number, block);
            data = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::{ReadableDatabase, ReadableTableMetadata, TableDefinition};

    const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("table");

    #[test]
    fn it_reads_as_a_file_that_was_written_does_and_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let bytes: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let (backend, mut model, mut random) =
            (Untouched::open(&path).unwrap(), bytes.clone(), fastrand::Rng::with_seed(3));
        for _ in 0..2_000 {
            let at = random.usize(0..20_000);
            match random.u8(0..4) {
                0 => {
                    let len = random.usize(0..20_000);
                    backend.set_len(len as u64).unwrap();
                    model.resize(len, 0);
                }
                1 => {
                    let data: Vec<u8> =
                        (0..random.usize(0..9_000)).map(|_| random.u8(..)).collect();
                    backend.write(at as u64, &data).unwrap();
                    model.resize(model.len().max(at + data.len()), 0);
                    model[at..at + data.len()].copy_from_slice(&data);
                }
                _ => {
                    let mut out = vec![0; random.usize(0..9_000)];
                    let read = backend.read(at as u64, &mut out);
                    assert_eq!(read.is_ok(), at + out.len() <= model.len());
                    assert!(read.is_err() || out == model[at..at + out.len()]);
                }
            }
            assert_eq!(backend.len().unwrap(), model.len() as u64);
        }
        assert_eq!(std::fs::read(path).unwrap(), bytes);
    }

    #[test]
    fn a_database_that_was_never_closed_is_read_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let [path, copy] = ["open.redb", "copy.redb"].map(|name| dir.path().join(name));
        let database = redb::Database::create(&path).unwrap();
        for n in 0..50 {
            let txn = database.begin_write().unwrap();
            txn.open_table(TABLE).unwrap().insert(n, &*vec![n as u8; 3_000]).unwrap();
            txn.commit().unwrap();
        }
        std::fs::copy(&path, &copy).unwrap();
        let before = std::fs::read(&copy).unwrap();
        let database =
            redb::Database::builder().create_with_backend(Untouched::open(&copy).unwrap()).unwrap();
        assert_eq!(database.begin_read().unwrap().open_table(TABLE).unwrap().len().unwrap(), 50);
        drop(database);
        assert!(std::fs::read(&copy).unwrap() == before);
        let missing = dir.path().join("missing.redb");
        drop(
            redb::Database::builder()
                .create_with_backend(Untouched::open(&missing).unwrap())
                .unwrap(),
        );
        assert!(!missing.exists());
    }
}
