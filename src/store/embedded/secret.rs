//! The reporter key's secret, kept beside the data where the operator gives none.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

const NAME: &str = "reporter.key";
const NEXT_NAME: &str = "reporter.key.next";
const SECRET_BYTES: usize = 32;

/// The secret in `reporter.key`, made on first use: 32 random bytes in hexadecimal,
/// readable by the owner alone.
///
/// # Errors
/// Where it cannot be read or made, or is not what was made. A store that is there
/// without its secret was given another: a new one would be wrong, and stay.
pub fn read_or_make(dir: &Path) -> io::Result<Vec<u8>> {
    match read(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_store(dir) => make(dir, NAME),
        read => read,
    }
}

/// The secret of the key that replaces the one of a directory, in `reporter.key.next`;
/// none where there is no such file.
///
/// # Errors
/// Where it cannot be read, or is not what was made.
pub fn read_next(dir: &Path) -> io::Result<Option<Vec<u8>>> {
    match read_file(dir, NEXT_NAME) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// The same, made where there is none.
///
/// # Errors
/// Where it cannot be read or made, or is not what was made.
pub fn read_or_make_next(dir: &Path) -> io::Result<Vec<u8>> {
    match read_next(dir)? {
        Some(secret) => Ok(secret),
        None => make(dir, NEXT_NAME),
    }
}

/// Lets `reporter.key.next` take the place of `reporter.key`.
///
/// # Errors
/// Where it cannot be written.
pub fn go_over_to_next(dir: &Path) -> io::Result<()> {
    std::fs::rename(dir.join(NEXT_NAME), dir.join(NAME))?;
    File::open(dir)?.sync_all()
}

/// Whether the directory holds the secret of its key.
#[must_use]
pub fn is_kept(dir: &Path) -> bool {
    dir.join(NAME).exists()
}

/// The secret in `reporter.key` of a directory that is only read.
///
/// # Errors
/// Where it is not there, cannot be read, or is not what was made.
pub fn read(dir: &Path) -> io::Result<Vec<u8>> {
    read_file(dir, NAME).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if is_store(dir) => io::Error::new(
            error.kind(),
            "the store has none: give the key that it was written with, by \
             GROUNDSWELL_REPORTER_KEY or --reporter-key-file",
        ),
        _ => error,
    })
}

fn read_file(dir: &Path, name: &str) -> io::Result<Vec<u8>> {
    let text = std::fs::read_to_string(dir.join(name))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    from_hex(text).ok_or_else(|| {
        let must = format!("{name} must hold 64 hexadecimal digits");
        io::Error::new(io::ErrorKind::InvalidData, must)
    })
}

fn is_store(dir: &Path) -> bool {
    dir.join("meta.json").exists()
}

fn make(dir: &Path, name: &str) -> io::Result<Vec<u8>> {
    std::fs::create_dir_all(dir)?;
    let mut secret = vec![0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    // For the owner alone, as all temporary files are.
    let mut file = tempfile::Builder::new().prefix(".reporter.key").tempfile_in(dir)?;
    for byte in &secret {
        write!(file, "{byte:02x}")?;
    }
    writeln!(file)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(dir.join(name)) {
        Ok(_) => {}
        // Another process was quicker: whoever then has the store, has its secret.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            return read_file(dir, name);
        }
        Err(error) => return Err(error.error),
    }
    File::open(dir)?.sync_all()?;
    Ok(secret)
}

/// The secret that the text of a `reporter.key` stands for; none of another text.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 2 * SECRET_BYTES {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
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
    fn whoever_asks_first_at_the_same_time_all_get_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let ask = || read_or_make(dir.path()).unwrap();
        let secrets = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_next_secret_is_made_once_and_takes_the_place_of_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let before = read_or_make(dir.path()).unwrap();
        assert_eq!(read_next(dir.path()).unwrap(), None);
        let next = read_or_make_next(dir.path()).unwrap();
        assert_eq!(read_or_make_next(dir.path()).unwrap(), next);
        assert_eq!(read_next(dir.path()).unwrap(), Some(next.clone()));
        assert!(read(dir.path()).unwrap() == before && before != next);
        go_over_to_next(dir.path()).unwrap();
        assert_eq!((read(dir.path()).unwrap(), read_next(dir.path()).unwrap()), (next, None));
    }

    #[test]
    fn a_store_without_its_secret_gets_no_other() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("meta.json"), "{}").unwrap();
        for error in [read_or_make(dir.path()).unwrap_err(), read(dir.path()).unwrap_err()] {
            assert!(error.to_string().contains("GROUNDSWELL_REPORTER_KEY"), "{error}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_editor_may_have_added_a_byte_order_mark() {
        let dir = tempfile::tempdir().unwrap();
        let secret = read_or_make(dir.path()).unwrap();
        let path = dir.path().join(NAME);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("\u{feff}{}\r\n", text.trim())).unwrap();
        assert_eq!(read_or_make(dir.path()).unwrap(), secret);
    }

    #[test]
    fn a_spoilt_secret_is_refused_rather_than_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("reporter.key"), "zz").unwrap();
        assert!(
            read_or_make(dir.path()).unwrap_err().to_string().contains("64 hexadecimal digits")
        );
    }
}
