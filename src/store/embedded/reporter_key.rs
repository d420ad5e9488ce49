//! The reporter key of a directory is replaced: only while nobody has the directory.

use super::{lock, meta};
use crate::store::OpenError;
use crate::store::reporter_key::KeyOnRecord;
use std::path::{Path, PathBuf};

/// A directory whose reporter key is to be replaced. It stays ours until it is dropped.
#[derive(Debug)]
pub struct Directory {
    dir: PathBuf,
    on_record: KeyOnRecord,
    _lock: lock::Lock,
}

impl Directory {
    /// Takes the directory of a store.
    ///
    /// # Errors
    /// Where it holds none, or a server runs on it.
    pub fn take(dir: &Path) -> Result<Self, OpenError> {
        // Before the lock, which would make a directory.
        meta::key_on_record(dir)?;
        let lock = lock::to_write(dir)?;
        Ok(Self { dir: dir.to_owned(), on_record: meta::key_on_record(dir)?, _lock: lock })
    }

    /// What it says of its key.
    #[must_use]
    pub const fn on_record(&self) -> KeyOnRecord {
        self.on_record
    }

    /// Says otherwise, durably.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn record(&mut self, key: KeyOnRecord) -> Result<(), OpenError> {
        let io = |source| OpenError::Io { path: self.dir.join("meta.json"), source };
        meta::record_key(&self.dir, key).map_err(io)?;
        self.on_record = key;
        Ok(())
    }
}
