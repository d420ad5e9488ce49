//! The reporter key's secret, kept beside the data where the operator gives none.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const SECRET_BYTES: usize = 32;

/// The secret in `reporter.key`, made on first use: 32 random bytes in hexadecimal, readable by the owner alone.
///
/// # Errors
/// Where it cannot be read or made, or is not what was made.
pub fn read_or_make(dir: &Path) -> io::Result<Vec<u8>> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join("reporter.key");
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            from_hex(text.trim()).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "reporter.key must hold 64 hexadecimal digits"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(dir, &path),
        Err(error) => Err(error),
    }
}

fn make(dir: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let mut secret = vec![0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let unfinished = dir.join("reporter.key.unfinished");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    for byte in &secret {
        write!(file, "{byte:02x}")?;
    }
    writeln!(file)?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)?;
    File::open(dir)?.sync_all()?;
    Ok(secret)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 2 * SECRET_BYTES {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_secret_is_made_once_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = read_or_make(dir.path()).unwrap();
        assert_eq!(read_or_make(dir.path()).unwrap(), first);
        let mode = std::fs::metadata(dir.path().join("reporter.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_spoilt_secret_is_refused_rather_than_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("reporter.key"), "zz").unwrap();
        assert!(read_or_make(dir.path()).unwrap_err().to_string().contains("64 hexadecimal digits"));
    }
}
