//! What a history left: a store at rest and its detector pool. Any number of streams go on from
//! it, each on a copy of its own.

use super::input::Input;
use super::leftovers::Leftover;
use super::simulation::{Reached, Simulation};
use super::statistics::Statistics;
use super::{ReplayError, Setting, wait};
use crate::store::Store;
use crate::store::copy::copy;
use crate::store::embedded::{Durability, Embedded, Options};
use crate::store::redis::Redis;
use crate::store::upgrade::Carry;
use std::path::Path;

/// What a history left.
#[derive(Debug)]
pub struct Past<'a> {
    setting: &'a Setting,
    directory: Leftover,
    reached: Reached,
    statistics: Statistics,
}

impl<'a> Past<'a> {
    /// Plays a history, which may be none, in a temporary directory.
    ///
    /// # Errors
    /// Where a file or the directory fails.
    pub fn play(
        setting: &'a Setting,
        history: &[Input],
        progress: &mut impl FnMut(u64),
    ) -> Result<Self, ReplayError> {
        let directory = temporary()?;
        let mut simulation = Simulation::at(
            setting,
            open(setting, directory.path())?,
            Reached::nothing(setting),
            None,
        );
        let statistics = simulation.history(history, progress)?;
        Ok(Self { setting, directory, reached: simulation.close()?, statistics })
    }

    /// What became of the lines of the history.
    #[must_use]
    pub const fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// A simulation that goes on from here, on a copy of the store that ends with it.
    ///
    /// # Errors
    /// Where the copy cannot be made.
    pub fn resume(&self) -> Result<Simulation<'a>, ReplayError> {
        let directory = self.copied()?;
        let store = open(self.setting, directory.path())?;
        Ok(Simulation::at(self.setting, store, self.reached.over_copy(), Some(directory)))
    }

    /// The same in a Redis, which must be empty. There each minute is a few round trips:
    /// what the history left is copied in much sooner than it would be played.
    ///
    /// # Errors
    /// Where the Redis holds facts, or the copy cannot be made.
    pub fn resume_in(&self, redis: Redis) -> Result<Simulation<'a>, ReplayError> {
        let (setting, directory) = (self.setting, self.copied()?);
        let from =
            Embedded::open(directory.path(), &setting.catalogue, setting.terms(), unsynced())?;
        must_be_empty(&redis)?;
        // A directory that began empty numbers providers as its catalogue does, so one
        // catalogue is that of both ends.
        let carry = Carry::of_this_format();
        wait(async { Ok(copy(&from, &setting.catalogue, &redis, &carry, |_, _| {}).await?) })?;
        Ok(Simulation::at(setting, Store::on_redis(redis), self.reached.over_copy(), None))
    }

    /// A copy of its directory.
    fn copied(&self) -> Result<Leftover, ReplayError> {
        let directory = temporary()?;
        copy_files(self.directory.path(), directory.path())?;
        Ok(directory)
    }
}

/// Refuses a Redis that [`Past::resume_in`] would refuse, before the time is spent on a
/// history.
///
/// # Errors
/// Where it holds facts, or cannot be read.
pub fn must_be_empty(redis: &Redis) -> Result<(), ReplayError> {
    let is_empty = wait(async { Ok(redis.is_empty().await?) })?;
    if is_empty { Ok(()) } else { Err(ReplayError::Occupied(redis.shown().to_owned())) }
}

fn temporary() -> Result<Leftover, ReplayError> {
    Leftover::directory("groundswell-replay-").map_err(ReplayError::io(&std::env::temp_dir()))
}

fn open(setting: &Setting, directory: &Path) -> Result<Store, ReplayError> {
    Ok(Store::open_embedded(directory, &setting.catalogue, setting.terms(), unsynced())?)
}

/// Nobody needs it after the process, so nobody waits for the disk.
fn unsynced() -> Options {
    Options { durability: Durability::Unsynced, ..Options::default() }
}

fn copy_files(from: &Path, to: &Path) -> Result<(), ReplayError> {
    for file in std::fs::read_dir(from).map_err(ReplayError::io(from))? {
        let file = file.map_err(ReplayError::io(from))?;
        std::fs::copy(file.path(), to.join(file.file_name()))
            .map_err(ReplayError::io(&file.path()))?;
    }
    Ok(())
}
