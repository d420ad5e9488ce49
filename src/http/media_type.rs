//! What a body of reports is said to be by its media type.

use super::error::{Code, Problem};
use actix_web::HttpRequest;
use actix_web::http::header;

/// What the sender says of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// JSON.
    Json,
    /// A JSON object a line.
    Lines,
    /// A form, as browsers send one.
    Form,
    /// Nothing that would help: no media type, or one that is sent where none was chosen.
    /// `navigator.sendBeacon` says `text/plain` of a text, and nothing of a blob without
    /// a type.
    Nothing,
}

impl Declared {
    /// What a request says of its body.
    ///
    /// # Errors
    /// Where it is something else; `expected` is what the call reads.
    pub fn of(request: &HttpRequest, expected: &str) -> Result<Self, Problem> {
        let essence = essence(request);
        Self::named(&essence).ok_or_else(|| {
            Problem::field(Code::UnsupportedMediaType, "Content-Type", expected, essence)
        })
    }

    fn named(essence: &str) -> Option<Self> {
        match essence {
            "application/json" | "text/json" => Some(Self::Json),
            "" | "text/plain" | "application/octet-stream" => Some(Self::Nothing),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines" => Some(Self::Lines),
            "application/x-www-form-urlencoded" => Some(Self::Form),
            // A structured syntax suffix (RFC 6839), as `application/vnd.api+json`.
            _ => essence.strip_prefix("application/")?.ends_with("+json").then_some(Self::Json),
        }
    }

    /// The same, or what a text without anything around it looks like where nothing was
    /// said: a list, or lines.
    #[must_use]
    pub fn or_by_look(self, text: &[u8]) -> Self {
        if self != Self::Nothing {
            return self;
        }
        if text.first() == Some(&b'[') { Self::Json } else { Self::Lines }
    }
}

/// The media type of a request, without parameters, in lower case; empty where it says
/// nothing.
#[must_use]
pub fn essence(request: &HttpRequest) -> String {
    let sent = request
        .headers()
        .get(header::CONTENT_TYPE)
        .map_or("", |value| value.to_str().unwrap_or("?"));
    sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_many_names_and_a_beacon_has_none() {
        use Declared::{Form, Json, Lines, Nothing};
        let rows = [
            ("application/json", Some(Json)),
            ("text/json", Some(Json)),
            ("application/vnd.api+json", Some(Json)),
            ("application/x-ndjson", Some(Lines)),
            ("application/jsonl", Some(Lines)),
            ("text/plain", Some(Nothing)),
            ("application/octet-stream", Some(Nothing)),
            ("", Some(Nothing)),
            ("application/x-www-form-urlencoded", Some(Form)),
            ("multipart/form-data", None),
            ("text/csv", None),
            ("text/html", None),
            ("image/svg+xml", None),
            ("json", None),
            ("?", None),
        ];
        for (essence, expected) in rows {
            assert_eq!(Declared::named(essence), expected, "{essence:?}");
        }
    }

    #[test]
    fn what_says_nothing_is_a_list_or_lines_by_its_look() {
        let rows = [("[{}]", Declared::Json), ("{}\n{}", Declared::Lines), ("", Declared::Lines)];
        for (text, expected) in rows {
            assert_eq!(Declared::Nothing.or_by_look(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(
            (Declared::Lines.or_by_look(b"[]"), Declared::Json.or_by_look(b"{}")),
            (Declared::Lines, Declared::Json)
        );
    }
}
