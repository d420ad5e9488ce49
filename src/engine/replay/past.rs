//! What a history left: a store at rest and its watch. Any number of streams go on from it, each on a copy of its own.

use super::account::Account;
use super::simulation::{Reached, Simulation};
use super::{ReplayError, Setting};
use crate::store::Store;
use crate::store::embedded::{Durability, Options};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What a history left.
#[derive(Debug)]
pub struct Past<'a> {
    setting: &'a Setting,
    directory: TempDir,
    reached: Reached,
    account: Account,
}

impl<'a> Past<'a> {
    /// Plays a history, which may be none, in a temporary directory.
    ///
    /// # Errors
    /// Where a file or the directory fails.
    pub fn play(setting: &'a Setting, history: &[PathBuf], progress: &mut impl FnMut(u64)) -> Result<Self, ReplayError> {
        let directory = temporary()?;
        let mut simulation = Simulation::at(setting, open(setting, directory.path())?, Reached::nothing(setting), None);
        let account = simulation.history(history, progress)?;
        Ok(Self { setting, directory, reached: simulation.close()?, account })
    }

    /// What became of the lines of the history.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// A simulation that goes on from here, on a copy of the store that ends with it.
    ///
    /// # Errors
    /// Where the copy cannot be made.
    pub fn resume(&self) -> Result<Simulation<'a>, ReplayError> {
        let directory = temporary()?;
        copy_files(self.directory.path(), directory.path())?;
        let store = open(self.setting, directory.path())?;
        Ok(Simulation::at(self.setting, store, self.reached.over_copy(), Some(directory)))
    }
}

fn temporary() -> Result<TempDir, ReplayError> {
    tempfile::Builder::new().prefix("groundswell-replay-").tempdir().map_err(ReplayError::io(&std::env::temp_dir()))
}

/// Nobody needs it after the process, so nobody waits for the disk.
fn open(setting: &Setting, directory: &Path) -> Result<Store, ReplayError> {
    let options = Options { durability: Durability::Unsynced, ..Options::default() };
    Ok(Store::open_embedded(directory, &setting.catalogue, setting.terms(), options)?)
}

fn copy_files(from: &Path, to: &Path) -> Result<(), ReplayError> {
    for file in std::fs::read_dir(from).map_err(ReplayError::io(from))? {
        let file = file.map_err(ReplayError::io(from))?;
        std::fs::copy(file.path(), to.join(file.file_name())).map_err(ReplayError::io(&file.path()))?;
    }
    Ok(())
}
