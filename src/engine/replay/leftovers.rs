//! Temporary files and directories that end with whoever holds them, and with the process
//! where a signal ends it.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Paths that this process has to remove before it ends. Held for as long as one of them
/// is made, moved or removed.
static LEFT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A temporary file or directory. Removed when dropped.
#[derive(Debug)]
pub struct Leftover {
    path: PathBuf,
}

/// As long as this lives nothing temporary is made, moved or removed.
#[derive(Debug)]
pub struct Swept(
    #[expect(dead_code, reason = "held, not read")] MutexGuard<'static, BTreeSet<PathBuf>>,
);

impl Leftover {
    /// A new directory among the system's temporary ones.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn directory(prefix: &str) -> io::Result<Self> {
        let mut left = left();
        let path = tempfile::Builder::new().prefix(prefix).tempdir()?.keep();
        left.insert(path.clone());
        Ok(Self { path })
    }

    /// A new hidden file in a directory.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn file_in(directory: &Path, permissions: Permissions) -> io::Result<(File, Self)> {
        let mut left = left();
        let mut builder = tempfile::Builder::new();
        let (file, path) = builder
            .prefix(".groundswell-")
            .suffix(".part")
            .permissions(permissions)
            .tempfile_in(directory)?
            .keep()?;
        left.insert(path.clone());
        Ok((file, Self { path }))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives a file its lasting name, in place of whatever had that name.
    ///
    /// # Errors
    /// Where the system refuses; the file is removed then.
    pub fn rename_to(self, path: &Path) -> io::Result<()> {
        // Given back before this is dropped, which takes it again.
        let renamed = {
            let mut left = left();
            let renamed = std::fs::rename(&self.path, path);
            if renamed.is_ok() {
                left.remove(&self.path);
            }
            renamed
        };
        renamed.inspect(|()| std::mem::forget(self))
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let mut left = left();
        remove(&self.path);
        left.remove(&self.path);
    }
}

/// Removes all that this process would leave behind. It must end while the answer lives.
#[must_use]
pub fn sweep() -> Swept {
    let left = left();
    left.iter().for_each(|path| remove(path));
    Swept(left)
}

fn remove(path: &Path) {
    // Where it cannot be removed there is nobody to tell, and nothing else to do.
    drop(std::fs::remove_file(path).or_else(|_| std::fs::remove_dir_all(path)));
}

fn left() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_dropped_is_gone_and_what_was_renamed_stays() {
        let directory = Leftover::directory("groundswell-test-").unwrap();
        let path = directory.path().to_owned();
        let (_, dropped) = Leftover::file_in(&path, Permissions::from_mode(0o600)).unwrap();
        let hidden = dropped.path().to_owned();
        assert!(hidden.exists() && hidden.starts_with(&path));
        drop(dropped);
        let (_, kept) = Leftover::file_in(&path, Permissions::from_mode(0o600)).unwrap();
        kept.rename_to(&path.join("kept")).unwrap();
        let names: Vec<_> =
            std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["kept"]);
        let (_, lost) = Leftover::file_in(&path, Permissions::from_mode(0o600)).unwrap();
        lost.rename_to(&path.join("no/such/directory")).unwrap_err();
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
        drop(directory);
        assert!(!path.exists());
    }
}
