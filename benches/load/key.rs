//! Keys of a store, created as an operator does: by the command line, before the server
//! starts.

use super::server::groundswell;
use anyhow::{Context, ensure};
use std::path::Path;

/// Creates a source on the store in that directory.
///
/// # Errors
/// Where the command fails.
pub fn create_source(store: &Path, name: &str) -> anyhow::Result<()> {
    created("sources", store, &["--name", name]).map(drop)
}

/// Creates a key by what else it is given, and gives its text.
///
/// # Errors
/// Where the command fails.
pub fn create(store: &Path, name: &str, arguments: &[&str]) -> anyhow::Result<String> {
    created("keys", store, &[&["--name", name], arguments].concat())
}

/// What was printed of what was created.
fn created(kind: &str, store: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = groundswell(kind);
    command.arg("create").args(arguments).arg("--store").arg(store);
    let output = command.output().with_context(|| format!("starting `groundswell {kind}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`groundswell {kind} create` failed: {said}");
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
