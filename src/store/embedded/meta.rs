//! What a directory was written with: format, shards, and which reporter key.

use crate::domain::reporter::Replacement;
use crate::domain::time::Minute;
use crate::store::reporter_key::KeyOnRecord;
use crate::store::upgrade::OLDEST;
use crate::store::{OpenError, SCHEMA, SHARDS};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

const FILE: &str = "meta.json";

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Meta {
    /// The format. Each version refuses a number that it does not know.
    schema: u32,
    shards: u32,
    reporter_key_check: String,
    /// By which key it is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reporter_key_replacement: Option<ReplacementLine>,
    /// Fingerprint of the catalogue that it was last opened with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    catalogue: Option<String>,
    /// Minutes whose facts a wrong clock dated to the future, from and to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disowned: Option<[i64; 2]>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReplacementLine {
    by_check: String,
    /// Counted from 1970-01-01.
    day: i64,
}

/// What was remembered from the time before.
#[derive(Debug, Clone)]
pub struct Before {
    /// Fingerprint of the catalogue that it was opened with; none of a new directory.
    pub catalogue: Option<u64>,
    /// By which key its reporter key is replaced, if it is.
    pub replacement: Option<Replacement>,
    /// Minutes whose facts a wrong clock dated to the future; empty where there are none.
    pub disowned: Range<Minute>,
}

/// Checks what the directory was written with, or writes it where the directory is new.
/// Remembers the catalogue; gives what was remembered before.
///
/// # Errors
/// Where anything differs, or cannot be read or written.
pub fn agree(
    dir: &Path,
    reporter_key_check: u64,
    catalogue: Option<u64>,
) -> Result<Before, OpenError> {
    let path = dir.join(FILE);
    let io = |source| OpenError::Io { path: path.clone(), source };
    let catalogue = catalogue.map(|fingerprint| format!("{fingerprint:016x}"));
    let mut ours = Meta {
        schema: SCHEMA,
        shards: SHARDS,
        reporter_key_check: format!("{reporter_key_check:016x}"),
        reporter_key_replacement: None,
        catalogue,
        disowned: None,
    };
    let theirs = match read(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write(dir, &ours).map_err(io)?;
            let disowned = Minute(0)..Minute(0);
            return Ok(Before { catalogue: None, replacement: None, disowned });
        }
        read => read.map_err(io)?,
    };
    let on_record = theirs.checked(dir, reporter_key_check)?;
    if ours.catalogue.is_some() && ours.catalogue != theirs.catalogue {
        ours = Meta { catalogue: ours.catalogue, ..theirs.clone() };
        write(dir, &ours).map_err(io)?;
    }
    let [from, to] = theirs.disowned.unwrap_or_default();
    Ok(Before {
        replacement: on_record.replacement,
        catalogue: theirs.catalogue.and_then(|text| u64::from_str_radix(&text, 16).ok()),
        disowned: Minute(from)..Minute(to),
    })
}

/// The format of a directory that an older version wrote; none of a new one, and of one of
/// this format.
///
/// # Errors
/// Where it would not open in any format.
pub fn older_format(dir: &Path, reporter_key_check: u64) -> Result<Option<u32>, OpenError> {
    let io = |source| OpenError::Io { path: dir.join(FILE), source };
    let theirs = match read(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(io)?,
    };
    theirs.checked(dir, reporter_key_check)?;
    Ok((theirs.schema < SCHEMA).then_some(theirs.schema))
}

/// Says that the directory is of this format.
///
/// # Errors
/// Where it cannot be read or written.
pub fn upgraded(dir: &Path) -> io::Result<()> {
    write(dir, &Meta { schema: SCHEMA, ..read(dir)? })
}

/// Remembers minutes whose facts a wrong clock dated to the future, instead of those that
/// were remembered before.
///
/// # Errors
/// Where it cannot be read or written.
pub fn disown(dir: &Path, minutes: &Range<Minute>) -> io::Result<()> {
    write(dir, &Meta { disowned: Some([minutes.start.0, minutes.end.0]), ..read(dir)? })
}

/// What a directory says of its reporter key.
///
/// # Errors
/// Where it holds no store, or says nothing that can be read.
pub fn key_on_record(dir: &Path) -> Result<KeyOnRecord, OpenError> {
    let io = |source| OpenError::Io { path: dir.join(FILE), source };
    let place = || dir.display().to_string();
    let meta = match read(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::Missing(place()));
        }
        read => read.map_err(io)?,
    };
    meta.check_format(dir)?;
    if meta.schema < SCHEMA {
        return Err(OpenError::Older { place: place(), found: meta.schema, writes: SCHEMA });
    }
    meta.key_on_record().map_err(io)
}

/// Says by which key its reporter key is replaced.
///
/// # Errors
/// Where it cannot be read or written.
pub fn record_key(dir: &Path, key: KeyOnRecord) -> io::Result<()> {
    let line = |replacement: Replacement| ReplacementLine {
        by_check: format!("{:016x}", replacement.by),
        day: replacement.day,
    };
    let meta = Meta {
        reporter_key_check: format!("{:016x}", key.check),
        reporter_key_replacement: key.replacement.map(line),
        ..read(dir)?
    };
    write(dir, &meta)
}

impl Meta {
    /// What it says of its reporter key, where this version reads its format and the key
    /// is admitted.
    fn checked(&self, dir: &Path, reporter_key_check: u64) -> Result<KeyOnRecord, OpenError> {
        self.check_format(dir)?;
        let place = || dir.display().to_string();
        if self.shards != SHARDS {
            return Err(OpenError::Shards { place: place(), found: self.shards });
        }
        let io = |source| OpenError::Io { path: dir.join(FILE), source };
        let on_record = self.key_on_record().map_err(io)?;
        if !on_record.admits(reporter_key_check) {
            return Err(OpenError::ReporterKey(place()));
        }
        Ok(on_record)
    }

    fn check_format(&self, dir: &Path) -> Result<(), OpenError> {
        let (place, found) = (|| dir.display().to_string(), self.schema);
        match found {
            OLDEST..=SCHEMA => Ok(()),
            0 => Err(OpenError::Format { place: place(), found }),
            _ => Err(OpenError::Newer { place: place(), found, reads: SCHEMA }),
        }
    }

    fn key_on_record(&self) -> io::Result<KeyOnRecord> {
        let check = |text: &str| {
            let damaged = || io::Error::new(io::ErrorKind::InvalidData, "no check value of a key");
            u64::from_str_radix(text, 16).map_err(|_| damaged())
        };
        let replacement = match &self.reporter_key_replacement {
            Some(line) => Some(Replacement { by: check(&line.by_check)?, day: line.day }),
            None => None,
        };
        Ok(KeyOnRecord { check: check(&self.reporter_key_check)?, replacement })
    }
}

fn read(dir: &Path) -> io::Result<Meta> {
    let text = std::fs::read_to_string(dir.join(FILE))?;
    serde_json::from_str(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn write(dir: &Path, meta: &Meta) -> io::Result<()> {
    let unfinished = dir.join("meta.unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(serde_json::to_string_pretty(meta)?.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(unfinished, dir.join(FILE))?;
    File::open(dir)?.sync_all()
}
