//! Who owns a directory: the lock is held for as long as the file is open.

use crate::store::OpenError;
use std::fs::File;
use std::path::Path;

/// Keeps servers out of a directory that is only read, which must hold a store.
pub fn to_read(dir: &Path) -> Result<Option<File>, OpenError> {
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
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(io("LOCK")(source)),
    }
}

/// Keeps everybody else out of a directory, which is made where there is none.
pub fn to_write(dir: &Path) -> Result<File, OpenError> {
    std::fs::create_dir_all(dir)
        .map_err(|source| OpenError::Io { path: dir.to_owned(), source })?;
    let path = dir.join("LOCK");
    let io = |source| OpenError::Io { path: path.clone(), source };
    let file = File::create(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}
