//! Where reports are read from: a file by its name, or the content of a pipe, kept so
//! that it can be read again.

use super::ReplayError;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names of the standard input.
const STANDARD_INPUT: [&str; 4] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// A file of reports.
#[derive(Debug, Clone)]
pub struct Input {
    /// As the caller named it.
    path: PathBuf,
    /// The content, where it came out of a pipe.
    kept: Option<Arc<File>>,
}

impl Input {
    /// An input that can be read any number of times. Reads a pipe, a socket or a
    /// terminal to its end, into a temporary file without a name; `-` is the standard
    /// input.
    ///
    /// # Errors
    /// Where it cannot be opened or read, or the temporary file not be written.
    pub fn settled(path: &Path) -> Result<Self, ReplayError> {
        let io = |source| ReplayError::Io { path: path.to_owned(), source };
        let mut file = open(path).map_err(io)?;
        if file.metadata().map_err(io)?.is_file() && !is_standard_input(path) {
            return Ok(path.to_owned().into());
        }
        let mut kept = tempfile::tempfile().map_err(ReplayError::io(&std::env::temp_dir()))?;
        io::copy(&mut file, &mut kept).map_err(io)?;
        Ok(Self { path: path.to_owned(), kept: Some(Arc::new(kept)) })
    }

    /// Its name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes; 0 where that is not known.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let metadata =
            self.kept.as_ref().map_or_else(|| self.path.metadata(), |kept| kept.metadata());
        metadata.map_or(0, |metadata| metadata.len())
    }

    /// Its content from the start.
    pub(super) fn open(&self) -> io::Result<Box<dyn Read>> {
        match &self.kept {
            Some(kept) => Ok(Box::new(FromStart { file: Arc::clone(kept), at: 0 })),
            None => Ok(Box::new(open(&self.path)?)),
        }
    }
}

impl From<PathBuf> for Input {
    /// A file that is opened by its name each time.
    fn from(path: PathBuf) -> Self {
        Self { path, kept: None }
    }
}

/// Opens a file or, by one of its names, the standard input: that may be a socket, which
/// has no name to be opened by.
///
/// # Errors
/// Where there is none, or it may not be read.
pub fn open(path: &Path) -> io::Result<File> {
    if is_standard_input(path) {
        Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
    } else {
        File::open(path)
    }
}

fn is_standard_input(path: &Path) -> bool {
    STANDARD_INPUT.iter().any(|name| path.as_os_str() == *name)
}

/// A reader with a place of its own in a file that others read too.
struct FromStart {
    file: Arc<File>,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read_at(buffer, self.at)?;
        self.at += bytes as u64;
        Ok(bytes)
    }
}
