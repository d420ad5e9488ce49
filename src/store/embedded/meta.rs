//! What a directory was written with: schema, shards, and which reporter key.

use crate::store::{OpenError, SCHEMA, SHARDS};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    schema: u32,
    shards: u32,
    reporter_key_check: String,
}

/// Checks what the directory was written with, or writes it where the directory is new.
///
/// # Errors
/// Where anything differs, or cannot be read or written.
pub fn agree(dir: &Path, reporter_key_check: u64) -> Result<(), OpenError> {
    let path = dir.join("meta.json");
    let io = |source| OpenError::Io { path: path.clone(), source };
    let ours = Meta { schema: SCHEMA, shards: SHARDS, reporter_key_check: format!("{reporter_key_check:016x}") };
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return write(dir, &path, &ours).map_err(io),
        read => read.map_err(io)?,
    };
    let theirs: Meta = serde_json::from_str(&text).map_err(|error| io(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    if theirs.schema != ours.schema {
        return Err(OpenError::Schema { place: dir.display().to_string(), found: theirs.schema });
    }
    if theirs.shards != ours.shards {
        return Err(OpenError::Shards { place: dir.display().to_string(), found: theirs.shards });
    }
    if theirs.reporter_key_check != ours.reporter_key_check {
        return Err(OpenError::ReporterKey(dir.display().to_string()));
    }
    Ok(())
}

fn write(dir: &Path, path: &Path, meta: &Meta) -> io::Result<()> {
    let unfinished = dir.join("meta.unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(serde_json::to_string_pretty(meta)?.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)?;
    File::open(dir)?.sync_all()
}
