//! A file system of a few megabytes that can be filled to the last byte, in a mount
//! namespace of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const MIB: usize = 1 << 20;

/// A tiny file system. It lasts as long as the process that holds its namespace; other
/// processes reach it through that one's `/proc`.
#[derive(Debug)]
pub struct TinyDisk {
    holder: Child,
    path: PathBuf,
    _mount_point: tempfile::TempDir,
}

impl TinyDisk {
    pub fn new(mib: usize) -> Self {
        let mount_point = tempfile::tempdir().unwrap();
        let script =
            format!("mount -t tmpfs -o size={mib}m tmpfs \"$0\" && echo mounted && exec cat");
        let mut holder = Command::new("unshare")
            .args(["--mount", "--map-root-user", "sh", "-c", &script])
            .arg(mount_point.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs the command unshare (package util-linux)");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(
            line, "mounted\n",
            "this test fills a small file system, and must be allowed to mount one: run it as \
             root, or where user namespaces are allowed \
             (sysctl kernel.unprivileged_userns_clone=1, \
             kernel.apparmor_restrict_unprivileged_userns=0; in a container --privileged)"
        );
        let path =
            PathBuf::from(format!("/proc/{}/root{}", holder.id(), mount_point.path().display()));
        Self { holder, path, _mount_point: mount_point }
    }

    /// Where it can be reached.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes space until only `spare` bytes are left.
    pub fn fill_but(&self, spare: usize) {
        std::fs::write(self.ballast(), []).unwrap();
        let stat = rustix::fs::statvfs(&self.path).unwrap();
        let free = usize::try_from(stat.f_bavail * stat.f_frsize).unwrap();
        assert!(spare < free && free < 256 * MIB, "{free} bytes are free");
        std::fs::write(self.ballast(), vec![0; free - spare]).unwrap();
    }

    /// Gives back what [`TinyDisk::fill_but`] took.
    pub fn make_room(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}
