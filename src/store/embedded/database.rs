//! A database in a file, opened anew where a failed write has closed it.

use super::Durability;
use super::unsynced::Unsynced;
use super::untouched::Untouched;
use crate::store::{OpenError, StoreError};
use redb::Error;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// The file, and what it is open as.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    durability: Durability,
    cache_bytes: usize,
    /// None after a failed write, until somebody needs it: it then answers nothing any
    /// more, and must be opened anew.
    open: RwLock<Option<redb::Database>>,
}

impl Database {
    /// Opens the file, or makes an empty database, which may keep so many bytes in
    /// memory, and does the first work with it.
    ///
    /// # Errors
    /// Where it cannot be read or written, or that work fails.
    pub fn open<T>(
        path: &Path,
        durability: Durability,
        cache_bytes: usize,
        first: impl FnOnce(&mut redb::Database) -> Result<T, Error>,
    ) -> Result<(Self, T), OpenError> {
        let open_and_work = || {
            open(path, durability, cache_bytes)
                .and_then(|mut database| first(&mut database).map(|found| (database, found)))
        };
        // Some pages are used before their checksums are looked at: a damaged one can
        // panic. Nothing that was caught is used again.
        let opened = std::panic::catch_unwind(AssertUnwindSafe(open_and_work));
        let opened =
            opened.unwrap_or_else(|_| Err(Error::Corrupted("a page of it makes no sense".into())));
        let (database, found) = opened.map_err(|error| OpenError::Database {
            path: path.to_owned(),
            reason: reason(&error),
        })?;
        Ok((
            Self {
                path: path.to_owned(),
                durability,
                cache_bytes,
                open: RwLock::new(Some(database)),
            },
            found,
        ))
    }

    /// Works with the database.
    ///
    /// # Errors
    /// Where the work fails, or the file cannot be opened anew.
    pub fn with<T>(
        &self,
        work: impl FnOnce(&redb::Database) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let outcome = self.reopen_where_closed().and_then(|()| {
            let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
            open.as_ref().map_or(Err(Error::PreviousIo), work)
        });
        if matches!(outcome, Err(Error::Io(_) | Error::PreviousIo)) {
            *self.open.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        outcome.map_err(|error| store_error(&error))
    }

    fn reopen_where_closed(&self) -> Result<(), Error> {
        if self.open.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            let mut database = self.open.write().unwrap_or_else(PoisonError::into_inner);
            if database.is_none() {
                *database = Some(open(&self.path, self.durability, self.cache_bytes)?);
            }
        }
        Ok(())
    }
}

fn open(path: &Path, durability: Durability, cache_bytes: usize) -> Result<redb::Database, Error> {
    let mut builder = redb::Database::builder();
    builder.set_cache_size(cache_bytes);
    Ok(match durability {
        Durability::Synced => builder.create(path)?,
        Durability::Unsynced => builder.create_with_backend(Unsynced::open(path)?)?,
        Durability::Discarded => builder.create_with_backend(Untouched::open(path)?)?,
    })
}

/// Why it does not open; where it is damaged, with the way out.
fn reason(error: &Error) -> String {
    let way_out = if matches!(error, Error::Corrupted(_)) {
        ": restore it from a backup, or move it away to go on without what it holds"
    } else {
        ""
    };
    format!("{error}{way_out}")
}

fn store_error(error: &Error) -> StoreError {
    match error {
        Error::Io(io) => super::log::store_error(io),
        other => StoreError::Unavailable(other.to_string()),
    }
}
