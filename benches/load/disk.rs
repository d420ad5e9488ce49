//! The disk that stores are on: room to work in, what a directory takes, and what one
//! fsync costs.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A new directory under `target/tmp`, gone when dropped. On the disk of the build, since
/// `/tmp` is often memory.
///
/// # Errors
/// Where it cannot be made.
pub fn scratch() -> anyhow::Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// The median time to append 4 KiB and make them durable, of 200.
///
/// # Errors
/// Where writing fails.
pub fn median_fsync(directory: &Path) -> anyhow::Result<Duration> {
    let mut file = File::create(directory.join("fsync-probe"))?;
    let mut times = Vec::with_capacity(200);
    for _ in 0..200 {
        let began = Instant::now();
        file.write_all(&[0x5a; 4 << 10])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// Bytes of all files in a directory and those in it.
///
/// # Errors
/// Where it cannot be read.
pub fn bytes_in(directory: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_in(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
