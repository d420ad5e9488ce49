//! A wall clock that only a test moves, for a process that runs under libfaketime. The
//! steady clock goes on as it does.

use std::path::PathBuf;
use std::process::Command;

/// Where Debian and its kin put the library, by architecture.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The clock of one or more processes.
#[derive(Debug)]
pub struct FakeTime {
    directory: tempfile::TempDir,
}

impl FakeTime {
    /// A clock that is off by this, like `+15d` or `-600`.
    pub fn off_by(offset: &str) -> Self {
        let clock = Self { directory: tempfile::tempdir().unwrap() };
        clock.set_off_by(offset);
        clock
    }

    /// Sets it.
    pub fn set_off_by(&self, offset: &str) {
        // In one piece: half a file would be another time.
        let unfinished = self.directory.path().join("unfinished");
        std::fs::write(&unfinished, offset).unwrap();
        std::fs::rename(unfinished, self.file()).unwrap();
    }

    /// The environment in which a process goes by it.
    pub fn rule(&self, command: &mut Command) {
        command
            // The C library beside it: Redis' allocator would ask for the time before the
            // other is ready to answer.
            .env("LD_PRELOAD", format!("{} libc.so.6", library().display()))
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("offset")
    }
}

fn library() -> PathBuf {
    let folders = ["/usr/lib".into(), format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH)];
    let found =
        folders.iter().map(|folder| PathBuf::from(folder).join(LIBRARY)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!(
            "tests of clocks need libfaketime: apt-get install libfaketime, \
             or what brings {LIBRARY} on this system"
        )
    })
}
