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
    /// Fingerprint of the catalogue that it was last opened with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    catalogue: Option<String>,
}

/// Checks what the directory was written with, or writes it where the directory is new. Remembers the catalogue; gives the fingerprint of the
/// one before.
///
/// # Errors
/// Where anything differs, or cannot be read or written.
pub fn agree(dir: &Path, reporter_key_check: u64, catalogue: Option<u64>) -> Result<Option<u64>, OpenError> {
    let path = dir.join("meta.json");
    let io = |source| OpenError::Io { path: path.clone(), source };
    let catalogue = catalogue.map(|fingerprint| format!("{fingerprint:016x}"));
    let ours = Meta { schema: SCHEMA, shards: SHARDS, reporter_key_check: format!("{reporter_key_check:016x}"), catalogue };
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return write(dir, &path, &ours).map(|()| None).map_err(io),
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
    if ours.catalogue.is_some() && ours.catalogue != theirs.catalogue {
        write(dir, &path, &ours).map_err(io)?;
    }
    Ok(theirs.catalogue.and_then(|text| u64::from_str_radix(&text, 16).ok()))
}

fn write(dir: &Path, path: &Path, meta: &Meta) -> io::Result<()> {
    let unfinished = dir.join("meta.unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(serde_json::to_string_pretty(meta)?.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)?;
    File::open(dir)?.sync_all()
}
