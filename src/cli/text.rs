//! Small files of text that people write: secrets, certificates, settings.

use anyhow::{Context, ensure};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes of such a file at most.
const MOST_BYTES: u64 = 1 << 20;
/// What some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a file, without a byte order mark.
pub fn read(path: &Path) -> anyhow::Result<String> {
    let shown = || path.display().to_string();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .with_context(shown)?;
    ensure!(bytes.len() as u64 <= MOST_BYTES, "{}: expected at most {MOST_BYTES} bytes", shown());
    let text = String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("expected text in UTF-8"))
        .with_context(shown)?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map_or_else(|| text.clone(), ToOwned::to_owned))
}

/// A text without what stands around it and is not seen: blanks, line ends, a byte order
/// mark.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK)
}

/// A text without the line ends after it and a byte order mark before it. Blanks stay: a
/// password may have them.
pub fn without_line_ends(text: &str) -> &str {
    text.trim_start_matches(BYTE_ORDER_MARK).trim_end_matches(['\r', '\n'])
}
