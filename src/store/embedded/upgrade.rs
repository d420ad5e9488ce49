//! A directory of an older format: its journal of incidents is written anew in a file beside
//! the one of before, which stays until the new one is whole, and is then replaced by it.
//! In one file, what was written over would stay to be read.
//!
//! Cut off at any moment, it begins again at the next start, unasked: that file says so.

use super::database::Database;
use super::journal::{ENTRIES, Journal, PLACES, cache_bytes, file_of};
use super::options::{Durability, Options};
use super::{meta, places};
use crate::store::fail_point::{self, FailPoint};
use crate::store::journal::{JournalName, Piece, Position, Tail};
use crate::store::places::{MOST_AT_ONCE, kept_since};
use crate::store::upgrade::{Carry, Older};
use crate::store::{OpenError, SCHEMA, StoreError};
use redb::Error;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A journal that is being written anew.
const NEXT: &str = "incidents.redb.next";

/// Does with a directory of an older format what is to be done with such.
///
/// # Errors
/// Where that is to be refused, or it cannot be read or written.
pub fn heed(dir: &Path, found: u32, options: &Options) -> Result<(), OpenError> {
    match options.older {
        Older::AsItIs => Ok(()),
        Older::Upgraded { carry, is_asked_for } if options.durability != Durability::Discarded => {
            let upgrade = Upgrade { dir, found, carry, durability: options.durability };
            upgrade.run(is_asked_for)
        }
        Older::Refused | Older::Upgraded { .. } => Err(refused(dir, found)),
    }
}

fn refused(dir: &Path, found: u32) -> OpenError {
    OpenError::Older { place: dir.display().to_string(), found, writes: SCHEMA }
}

struct Upgrade<'a> {
    dir: &'a Path,
    found: u32,
    carry: Carry,
    durability: Durability,
}

impl Upgrade<'_> {
    fn run(&self, is_asked_for: bool) -> Result<(), OpenError> {
        let has_begun = self.next().exists();
        // Who is refused leaves the directory as it was.
        let journal = Journal::open(self.dir, JournalName::Incidents, Durability::Discarded)?;
        if self.changes(&journal)? {
            if !is_asked_for && !has_begun {
                return Err(refused(self.dir, self.found));
            }
            tracing::info!(entries = journal.length(), "the journal of incidents is upgraded");
            self.write(&journal)?;
            drop(journal);
            self.reach(FailPoint::UpgradeWritten)?;
            std::fs::rename(self.next(), self.dir.join(file_of(JournalName::Incidents)))
                .and_then(|()| File::open(self.dir)?.sync_all())
                .map_err(|source| self.io(source))?;
        } else if has_begun {
            // It changes nothing any more: of a directory that was put back.
            std::fs::remove_file(self.next()).map_err(|source| self.io(source))?;
        }
        self.reach(FailPoint::UpgradeSwapped)?;
        meta::upgraded(self.dir).map_err(|source| self.io(source))?;
        tracing::info!(from = self.found, to = SCHEMA, "the store is of another format now");
        Ok(())
    }

    fn next(&self) -> PathBuf {
        self.dir.join(NEXT)
    }

    fn changes(&self, journal: &Journal) -> Result<bool, OpenError> {
        let mut position = Position::START;
        while let Some(piece) = self.known(next_piece(journal, position))? {
            if self.carry.changes(&piece.entries) {
                return Ok(true);
            }
            position = piece.end;
        }
        Ok(false)
    }

    /// Writes the journal and its places anew, durably.
    fn write(&self, journal: &Journal) -> Result<(), OpenError> {
        // Half of one is of no use; emptied, it still says that this was begun.
        File::create(self.next()).map_err(|source| self.io(source))?;
        let cache = cache_bytes(JournalName::Incidents);
        Database::open(&self.next(), self.durability, cache, |database| {
            let mut txn = database.begin_write()?;
            txn.set_two_phase_commit(true);
            {
                let mut kept = txn.open_table(PLACES)?;
                let keys = journal.places_since(kept_since(self.carry.now)).map_err(failed)?;
                for keys in keys.chunks(MOST_AT_ONCE) {
                    let found = journal.places(keys).map_err(failed)?;
                    for (key, place) in keys.iter().zip(found) {
                        kept.insert(places::stored(*key), &*place.unwrap_or_default())?;
                    }
                }
                let mut entries = txn.open_table(ENTRIES)?;
                let mut position = Position::START;
                while let Some(piece) = next_piece(journal, position).map_err(failed)? {
                    let (anew, places) = self.carry.carried(piece.entries);
                    for (number, entry) in (position.length..).zip(anew) {
                        entries.insert(number, &*entry)?;
                    }
                    for (key, place) in places {
                        kept.insert(places::stored(key), &*place)?;
                    }
                    position = piece.end;
                    fail_point::reach(FailPoint::UpgradeHalfWritten)?;
                }
            }
            txn.commit()?;
            Ok(())
        })
        .map(drop)
    }

    fn reach(&self, point: FailPoint) -> Result<(), OpenError> {
        fail_point::reach(point).map_err(|source| self.io(source))
    }

    fn io(&self, source: io::Error) -> OpenError {
        OpenError::Io { path: self.dir.to_owned(), source }
    }

    fn known<T>(&self, read: Result<T, StoreError>) -> Result<T, OpenError> {
        read.map_err(|error| OpenError::Database {
            path: self.dir.join(file_of(JournalName::Incidents)),
            reason: error.to_string(),
        })
    }
}

/// The entries that follow a position; none at the end.
fn next_piece(journal: &Journal, from: Position) -> Result<Option<Piece>, StoreError> {
    match journal.read(from)? {
        Tail::Since(piece) => Ok(Some(piece).filter(|piece| !piece.entries.is_empty())),
        Tail::Lost => Err(StoreError::Unavailable("the journal became shorter".into())),
    }
}

/// An error of the journal that is read, as one of the database that is written.
fn failed(error: StoreError) -> Error {
    Error::Io(io::Error::other(error))
}
