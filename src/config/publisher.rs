//! In whose name a server answers: what stands on its maps and in its files.

use clap::Args;
use ureq::http::Uri;

/// Settings of what documents say of the server itself.
#[derive(Debug, Clone, Default, Args)]
pub struct PublisherConfig {
    /// Where everybody reaches the server, such as <https://outages.example>: what
    /// tiles.json and style.json begin the addresses of tiles with. Without it, the host
    /// that each request names
    #[arg(
        long,
        env = "GROUNDSWELL_PUBLIC_URL",
        value_parser = public_url,
        value_name = "URL",
    )]
    pub public_url: Option<String>,
    /// Whom maps and files name, besides Groundswell; may hold HTML
    #[arg(
        long,
        env = "GROUNDSWELL_ATTRIBUTION",
        value_parser = line,
        value_name = "TEXT",
    )]
    pub attribution: Option<String>,
    /// Under which licence the counts are, such as CC-BY-4.0
    #[arg(
        long,
        env = "GROUNDSWELL_LICENCE",
        value_parser = line,
        value_name = "TEXT",
    )]
    pub licence: Option<String>,
}

/// Characters of an attribution at most, and of a licence.
const MOST_CHARS: usize = 500;

/// The address of a server, without a slash at its end.
fn public_url(text: &str) -> Result<String, String> {
    let expected = "expected http:// or https://, a host, and perhaps a path, without ? and #";
    let base = text.trim().trim_end_matches('/');
    let url: Uri = base.parse().map_err(|_| expected.to_owned())?;
    let has_host = url
        .authority()
        .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    let is_web = matches!(url.scheme_str(), Some("http" | "https"));
    if is_web && has_host && url.query().is_none() && !base.contains('#') {
        return Ok(base.to_owned());
    }
    Err(expected.to_owned())
}

fn line(text: &str) -> Result<String, String> {
    let is_line = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if is_line && text.chars().count() <= MOST_CHARS {
        return Ok(text.to_owned());
    }
    Err(format!("expected a line of 1 to {MOST_CHARS} characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_everybody_reaches_is_a_scheme_a_host_and_perhaps_a_path() {
        for (text, expected) in [
            ("https://outages.example", "https://outages.example"),
            ("https://outages.example/", "https://outages.example"),
            ("http://10.0.0.5:8080/map/", "http://10.0.0.5:8080/map"),
        ] {
            assert_eq!(public_url(text).as_deref(), Ok(expected));
        }
        for text in [
            "outages.example",
            "ftp://outages.example",
            "https://",
            "https://a.example?x=1",
            "https://a.example#x",
            "https://user:secret@a.example",
            "",
        ] {
            assert!(public_url(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_attribution_is_a_line() {
        assert!(line("© Town of Example, <a href='https://e.example'>e</a>").is_ok());
        for text in ["", "  ", "two\nlines", &"x".repeat(501)] {
            assert!(line(text).is_err(), "{text:?}");
        }
    }
}
