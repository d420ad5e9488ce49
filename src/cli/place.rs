//! Where a name leads to in the end: links followed, names of the standard output known.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A chain of links that is longer leads in a circle.
const MOST_LINKS: usize = 40;

/// What all names of a file have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id {
    device: u64,
    inode: u64,
}

/// Where a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A regular file, or none yet, by a name that is no link.
    File(PathBuf),
    /// What is written to as it goes.
    Stream(Stream),
}

/// What is written to as it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stream {
    /// The standard output.
    Output,
    /// The standard error.
    Error,
    /// Another open file, a pipe or a device.
    Other(PathBuf),
}

impl Id {
    pub fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Place {
    /// Where a name leads to; `-` is the standard output. Makes the directories on the
    /// way there.
    pub fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stream(Stream::Output));
        }
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "names no file"));
            };
            let directory =
                if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
            std::fs::create_dir_all(directory)?;
            // The system alone follows links on the way: some of `/proc` lead to where no
            // name leads.
            let whole = directory.join(name);
            if let Some(stream) =
                directory.canonicalize().ok().and_then(|directory| descriptor(&directory, &whole))
            {
                return Ok(Self::Stream(stream));
            }
            let Ok(link) = whole.read_link() else { return Ok(Self::unlinked(whole)) };
            path = directory.join(link);
        }
        Err(io::Error::other("too many links, one after the other"))
    }

    /// What is known of what is there; none where nothing is.
    pub fn metadata(&self) -> io::Result<Option<Metadata>> {
        match self {
            Self::File(path) => match path.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                metadata => metadata.map(Some),
            },
            // A pipe by its name is not opened to be looked at: that waits for who reads
            // it.
            Self::Stream(Stream::Other(path)) => path.metadata().map(Some),
            Self::Stream(_) => self.open()?.metadata().map(Some),
        }
    }

    /// The directory in which a file lies.
    pub fn directory(&self) -> Option<&Path> {
        if let Self::File(path) = self { path.parent() } else { None }
    }

    /// Opens what is written to as it goes.
    pub fn open(&self) -> io::Result<File> {
        match self {
            Self::Stream(Stream::Output) => Ok(io::stdout().as_fd().try_clone_to_owned()?.into()),
            Self::Stream(Stream::Error) => Ok(io::stderr().as_fd().try_clone_to_owned()?.into()),
            // An open file may hold something already: what comes is put behind it.
            Self::Stream(Stream::Other(path)) | Self::File(path) => {
                OpenOptions::new().append(true).open(path)
            }
        }
    }

    /// Whether what is written to both would be mixed, or lost.
    pub fn is_one_file_with(&self, other: &Self) -> bool {
        let id = |place: &Self| {
            place
                .metadata()
                .ok()
                .flatten()
                .filter(|metadata| !is_device(metadata))
                .map(|metadata| Id::of(&metadata))
        };
        let (here, there) = (id(self), id(other));
        if here.is_some() || there.is_some() {
            return here == there;
        }
        let new = |place: &Self| {
            Some((
                place.directory()?.metadata().map(|metadata| Id::of(&metadata)).ok()?,
                place.name()?.to_owned(),
            ))
        };
        new(self).is_some_and(|new_here| new(other) == Some(new_here))
    }

    fn name(&self) -> Option<&OsStr> {
        if let Self::File(path) = self { path.file_name() } else { None }
    }

    fn unlinked(path: PathBuf) -> Self {
        match path.metadata() {
            Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
                Self::Stream(Stream::Other(path))
            }
            _ => Self::File(path),
        }
    }
}

fn is_device(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_char_device()
}

/// The open file that a name of `/dev/fd` or of `/proc` stands for. Its link leads to
/// what is open, but a file that is opened anew is written from its start, and one that
/// is replaced is not the one that is open.
fn descriptor(directory: &Path, whole: &Path) -> Option<Stream> {
    let own = Path::new("/proc").join(std::process::id().to_string());
    let is_own = directory == Path::new("/dev/fd") || directory.starts_with(&own);
    if !(is_own || directory.starts_with("/proc")) || !directory.ends_with("fd") {
        return None;
    }
    Some(match whole.file_name()?.to_str() {
        Some("1") if is_own => Stream::Output,
        Some("2") if is_own => Stream::Error,
        _ => Stream::Other(whole.to_owned()),
    })
}
