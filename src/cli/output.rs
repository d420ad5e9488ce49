//! Files that commands write: each appears whole or not at all, and none in place of
//! something that is read.
//!
//! A file is written under a hidden name beside its own, brought to the disk and then
//! renamed. Standard output, pipes and devices are written to as it goes.

use super::place::{Id, Place};
use crate::engine::replay::input;
use crate::engine::replay::leftovers::Leftover;
use std::fmt;
use std::fs::{File, Metadata, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Of a new file, before the process' mask.
const MODE: u32 = 0o666;

/// What a command reads, and so must not write.
#[derive(Debug)]
pub struct Outputs {
    inputs: Vec<(PathBuf, Id)>,
    targets: Vec<(PathBuf, Place)>,
    published: Mutex<Vec<(PathBuf, Id)>>,
}

/// A file that may be written.
#[derive(Debug, Clone)]
pub struct Target {
    /// As the caller named it.
    path: PathBuf,
    place: Place,
}

/// A file that is being written.
#[derive(Debug)]
pub struct Output {
    target: Target,
    writer: BufWriter<File>,
    /// What it is called until it is whole; none where it is written to as it goes.
    hidden: Option<Leftover>,
}

/// A file that is whole, and on the disk under its hidden name.
#[derive(Debug)]
pub struct Finished {
    target: Target,
    hidden: Option<Leftover>,
}

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The system refuses.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It would be written over something that is read.
    #[error("{output} is the file that is read as {input}: write to another")]
    IsInput {
        /// The output.
        output: PathBuf,
        /// The input.
        input: PathBuf,
    },
    /// Two outputs are one file.
    #[error("{one} and {other} are one file: write to two")]
    Twice {
        /// One name.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A pipe can be read but once.
    #[error("{one} and {other} are one pipe, which can be read only once: name it once")]
    PipeTwice {
        /// One name.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A file is expected.
    #[error("{0} is a directory: give the name of a file")]
    Directory(PathBuf),
    /// A store's directory is the store's alone.
    #[error(
        "{path} lies in {directory}, the directory of the store: choose a directory of its own"
    )]
    InStore {
        /// The file.
        path: PathBuf,
        /// The directory.
        directory: PathBuf,
    },
}

impl Outputs {
    /// Outputs of a command that reads these files, by any of their names.
    ///
    /// # Errors
    /// Where one of them is not there, or a pipe is named twice.
    pub fn beside<'a>(inputs: impl IntoIterator<Item = &'a Path>) -> Result<Self, OutputError> {
        let mut read: Vec<(PathBuf, Id)> = Vec::new();
        for path in inputs {
            let metadata = metadata_of_input(path).map_err(of(path))?;
            let id = Id::of(&metadata);
            let kind = metadata.file_type();
            if let Some((one, _)) =
                read.iter().find(|(_, other)| *other == id && (kind.is_fifo() || kind.is_socket()))
            {
                return Err(OutputError::PipeTwice { one: one.clone(), other: path.to_owned() });
            }
            // Terminals and sockets may be read and written; nothing is lost by it.
            if !kind.is_char_device() && !kind.is_socket() {
                read.push((path.to_owned(), id));
            }
        }
        Ok(Self { inputs: read, targets: Vec::new(), published: Mutex::default() })
    }

    /// A file that may be written. Makes the directory that it lies in.
    ///
    /// # Errors
    /// Where it is something that is read or written already, or cannot be written.
    pub fn target(&mut self, path: &Path) -> Result<Target, OutputError> {
        let place = Place::of(path).map_err(of(path))?;
        let metadata = place.metadata().map_err(of(path))?;
        if metadata.as_ref().is_some_and(Metadata::is_dir) {
            return Err(OutputError::Directory(path.to_owned()));
        }
        if let Some(metadata) = &metadata {
            self.is_no_input(path, metadata)?;
        }
        let mut others = self.targets.iter().filter(|(_, other)| place.is_one_file_with(other));
        if let Some((one, _)) = others.next() {
            return Err(OutputError::Twice { one: one.clone(), other: path.to_owned() });
        }
        self.targets.push((path.to_owned(), place.clone()));
        Ok(Target { path: path.to_owned(), place })
    }

    /// Makes sure that nothing that is read or written lies in the directory of a store,
    /// which need not be there yet.
    ///
    /// # Errors
    /// Where something does.
    pub fn stay_out_of(&self, directory: &Path) -> Result<(), OutputError> {
        let Ok(store) = directory.canonicalize() else { return Ok(()) };
        let written = self
            .targets
            .iter()
            .filter_map(|(path, place)| Some((path, place.directory()?.canonicalize().ok()?)));
        let read =
            self.inputs.iter().filter_map(|(path, _)| Some((path, path.canonicalize().ok()?)));
        match written.chain(read).find(|(_, whole)| whole.starts_with(&store)) {
            Some((path, _)) => {
                Err(OutputError::InStore { path: path.clone(), directory: directory.to_owned() })
            }
            None => Ok(()),
        }
    }

    /// Gives files their names, one right after the other.
    ///
    /// # Errors
    /// Where one has become an input meanwhile, or the system refuses.
    pub fn publish(&self, files: impl IntoIterator<Item = Finished>) -> Result<(), OutputError> {
        // Held until all have their names: on a disk that does not tell upper case from
        // lower, two new files may be one.
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        for Finished { target, hidden } in files {
            let (Some(hidden), Place::File(path)) = (hidden, &target.place) else { continue };
            if let Ok(metadata) = path.metadata() {
                self.is_no_input(&target.path, &metadata)?;
                if let Some((one, _)) = published.iter().find(|(_, id)| *id == Id::of(&metadata)) {
                    return Err(OutputError::Twice { one: one.clone(), other: target.path });
                }
            }
            hidden.rename_to(path).map_err(of(&target.path))?;
            published
                .push((target.path.clone(), Id::of(&path.metadata().map_err(of(&target.path))?)));
            sync_directory_of(path);
        }
        Ok(())
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// Where it is no file that may be written, or the system refuses.
    pub fn write(&self, target: &Target, content: &[u8]) -> Result<(), OutputError> {
        self.publish([target.written(content)?])
    }

    fn is_no_input(&self, path: &Path, metadata: &Metadata) -> Result<(), OutputError> {
        let same = self.inputs.iter().find(|(_, id)| *id == Id::of(metadata));
        same.map_or(Ok(()), |(input, _)| {
            Err(OutputError::IsInput { output: path.to_owned(), input: input.clone() })
        })
    }
}

impl Target {
    /// Begins to write it. What had its name before stays until [`Outputs::publish`].
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn begin(&self) -> Result<Output, OutputError> {
        let (file, hidden) = match &self.place {
            Place::File(path) => {
                let (file, hidden) = hidden_beside(path).map_err(of(&self.path))?;
                (file, Some(hidden))
            }
            Place::Stream(_) => (self.place.open().map_err(of(&self.path))?, None),
        };
        Ok(Output { target: self.clone(), writer: BufWriter::new(file), hidden })
    }

    /// The file, with this content.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn written(&self, content: &[u8]) -> Result<Finished, OutputError> {
        let mut output = self.begin()?;
        output.write_all(content).map_err(of(&self.path))?;
        output.finish()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Output {
    /// Brings it to the disk, whole.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn finish(self) -> Result<Finished, OutputError> {
        let Self { target, writer, hidden } = self;
        let file = writer.into_inner().map_err(|error| OutputError::Io {
            path: target.path.clone(),
            source: error.into_error(),
        })?;
        if hidden.is_some() {
            file.sync_all().map_err(of(&target.path))?;
        }
        Ok(Finished { target, hidden })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A new file beside another, with the owner and permissions of that one where it is
/// there.
fn hidden_beside(path: &Path) -> io::Result<(File, Leftover)> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let (file, hidden) = Leftover::file_in(directory, Permissions::from_mode(MODE))?;
    if let Ok(old) = path.metadata() {
        // Only root may give files away; for everybody else they are the owner's already.
        drop(std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid())));
        file.set_permissions(Permissions::from_mode(old.mode() & 0o777))?;
    }
    Ok((file, hidden))
}

/// So that the new name survives a power loss, where the file system can do that.
fn sync_directory_of(path: &Path) {
    let directory = path.parent().and_then(|directory| File::open(directory).ok());
    drop(directory.map(|directory| directory.sync_all()));
}

/// Opening a pipe by name would wait for who writes it.
fn metadata_of_input(path: &Path) -> io::Result<Metadata> {
    if path.as_os_str() == "-" { input::open(path)?.metadata() } else { path.metadata() }
}

fn of(path: &Path) -> impl FnOnce(io::Error) -> OutputError + '_ {
    |source| OutputError::Io { path: path.to_owned(), source }
}
