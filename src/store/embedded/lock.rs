//! Who owns a directory.

use crate::store::OpenError;
use std::fs::File;
use std::path::Path;

/// The lock of a directory, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock(File);

impl Drop for Lock {
    /// A program that another thread is starting has a copy of every open file until it runs:
    /// closing ours would leave the directory locked for that long.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of a directory is given up when this process ends");
        }
    }
}

/// Keeps servers out of a directory that is only read, which must hold a store.
pub fn to_read(dir: &Path) -> Result<Option<Lock>, OpenError> {
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
        Ok(()) => Ok(Some(Lock(file))),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(io("LOCK")(source)),
    }
}

/// Keeps everybody else out of a directory, which is made where there is none.
pub fn to_write(dir: &Path) -> Result<Lock, OpenError> {
    std::fs::create_dir_all(dir)
        .map_err(|source| OpenError::Io { path: dir.to_owned(), source })?;
    let path = dir.join("LOCK");
    let io = |source| OpenError::Io { path: path.clone(), source };
    let file = File::create(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::to_write;

    #[test]
    fn a_directory_is_free_at_once_although_a_program_that_starts_has_a_copy_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let lock = to_write(directory.path()).unwrap();
        let _copy = lock.0.try_clone().unwrap();
        to_write(directory.path()).unwrap_err();
        drop(lock);
        to_write(directory.path()).unwrap();
    }
}
