//! `groundswell openapi`: prints the document that `openapi/openapi.json` holds.

use std::io::Write;

pub fn run() -> anyhow::Result<()> {
    let document = crate::http::openapi::document();
    Ok(writeln!(std::io::stdout(), "{}", document.to_pretty_json()?)?)
}
