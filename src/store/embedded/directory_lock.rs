//! The lock of a directory, which one process holds to write, or several hold to read.
//! The file that is given holds it until it is closed.

use crate::store::OpenError;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Takes a directory to write, and makes it where there is none.
///
/// # Errors
/// [`OpenError::InUse`] where another process holds it.
pub(super) fn exclusive(dir: &Path) -> Result<File, OpenError> {
    std::fs::create_dir_all(dir)
        .map_err(|source| OpenError::Io { path: dir.to_owned(), source })?;
    let path = dir.join("LOCK");
    let io = |source| OpenError::Io { path: path.clone(), source };
    let file = File::create(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Keeps servers out of a directory that is only read, which must hold a store. Gives
/// nothing where nobody ever locked it: its medium may be read-only.
///
/// # Errors
/// [`OpenError::InUse`] where another process writes it, [`OpenError::Io`] where it holds
/// no store.
pub(super) fn shared(dir: &Path) -> Result<Option<File>, OpenError> {
    let io = |name: &str| {
        let path = dir.join(name);
        |source| OpenError::Io { path, source }
    };
    std::fs::metadata(dir.join("meta.json")).map_err(io("meta.json"))?;
    let file = match File::open(dir.join("LOCK")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io("LOCK"))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(io("LOCK")(source)),
    }
}
