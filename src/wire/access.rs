//! Sources, keys and what readers may see, as they are sent: read and judged field by
//! field, the same for the HTTP interface and the command line.

use super::fault::{Fault, FaultKind};
use super::time::{INSTANT, instant};
use crate::domain::access::key::{
    self, DEFAULT_GRACE_MS, KeyLimits, MOST_GRACE_MS, MOST_ORIGINS, MOST_PROVIDERS, NewKey,
};
use crate::domain::access::scope::{Scope, Scopes};
use crate::domain::access::source::{self, LAST_SOURCE, NewSource, SourceChange};
use crate::domain::fact::Source;
use crate::domain::grid::Resolution;
use crate::domain::privacy::asked::AskedRule;
use crate::domain::privacy::rule::MOST_K;
use crate::domain::provider::{Catalogue, is_id};
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};

/// Reads in a minute at most.
pub const MOST_READS_PER_MINUTE: u64 = 1_000_000_000;
/// Reports in a second at most.
pub const MOST_REPORTS_PER_SECOND: u64 = 1_000_000;
/// Reports in a day at most.
pub const MOST_REPORTS_PER_DAY: u64 = 1_000_000_000_000;

const KEY_FIELDS: [&str; 8] =
    ["name", "source", "scopes", "providers", "origins", "expires_at", "limits", "test"];
const LIMIT_FIELDS: [&str; 3] = ["reads_per_minute", "reports_per_second", "reports_per_day"];
const SOURCE_FIELDS: [&str; 3] = ["name", "contact", "may_open"];
const PRIVACY_FIELDS: [&str; 2] = ["k", "finest"];
const LONGEST_ORIGIN: usize = 255;
const ORIGIN: &str = "an origin as browsers send it, such as https://app.example, \
     capacitor://localhost or null: scheme, host and port in lower case, no path and no *";
const BROWSER_SCOPES: [Scope; 2] = [Scope::Report, Scope::Read];

/// A source that is to be created, from a JSON object.
///
/// # Errors
/// With every field at fault.
pub fn new_source(body: &[u8]) -> Result<NewSource, Vec<Fault>> {
    let mut fields = Fields::of(body, &SOURCE_FIELDS)?;
    let name = fields.needed_text("name", source::MOST_NAME);
    let contact = fields.text("contact", source::MOST_CONTACT);
    let may_open = fields.flag("may_open").unwrap_or(true);
    fields.end(NewSource { name: name.unwrap_or_default(), contact, may_open })
}

/// What is to change of a source, from a JSON object. A contact that is null is taken
/// out.
///
/// # Errors
/// With every field at fault, or where nothing is to change.
pub fn source_change(body: &[u8]) -> Result<SourceChange, Vec<Fault>> {
    let mut fields = Fields::of(body, &SOURCE_FIELDS)?;
    if fields.values.is_empty() {
        fields.fault(FaultKind::MissingField, "body", "at least one field", "none");
    }
    let has = |fields: &Fields, field| fields.values.contains_key(field);
    let (has_name, has_contact) = (has(&fields, "name"), has(&fields, "contact"));
    let name = has_name.then(|| fields.needed_text("name", source::MOST_NAME)).flatten();
    let contact = has_contact.then(|| fields.text("contact", source::MOST_CONTACT));
    let may_open = fields.flag("may_open");
    fields.end(SourceChange { name, contact, may_open })
}

/// A key that is to be created, from a JSON object. `catalogue` says which providers there
/// are; without it their ids are only looked at.
///
/// # Errors
/// With every field at fault.
pub fn new_key(
    body: &[u8],
    now: Timestamp,
    catalogue: Option<&Catalogue>,
) -> Result<NewKey, Vec<Fault>> {
    let mut fields = Fields::of(body, &KEY_FIELDS)?;
    let name = fields.needed_text("name", key::MOST_NAME).unwrap_or_default();
    let scopes = fields.scopes();
    let source = fields.source(scopes.allow(Scope::Report) && !scopes.allow(Scope::Admin));
    let providers = fields.providers(catalogue);
    let origins = fields.origins();
    let browser_scopes = BROWSER_SCOPES.into_iter().collect();
    if !origins.is_empty() && !scopes.is_empty() && !scopes.are_within(browser_scopes) {
        let got = scopes.given().map(Scope::name).collect::<Vec<_>>().join(", ");
        let expected = "report or read, or both, where the key has origins: everybody can take \
             it out of a page";
        fields.fault(FaultKind::InvalidValue, "scopes", expected, got);
    }
    let expires_at = fields.expires_at(now);
    let limits = fields.limits();
    let is_test = fields.flag("test").unwrap_or_default();
    if is_test && scopes.allow(Scope::Admin) {
        let expected = "report, read or exact, where the key is for tests: what admin does is \
             never a test";
        fields.fault(FaultKind::InvalidValue, "scopes", expected, "admin");
    }
    let providers = providers.map(Into::into);
    let origins = origins.into();
    fields.end(NewKey { source, name, scopes, providers, origins, expires_at, limits, is_test })
}

/// What readers are to see, from a JSON object. What is left out stays.
///
/// # Errors
/// With every field at fault, or where nothing is to change.
pub fn privacy_change(body: &[u8]) -> Result<AskedRule, Vec<Fault>> {
    let mut fields = Fields::of(body, &PRIVACY_FIELDS)?;
    if fields.values.is_empty() {
        fields.fault(FaultKind::MissingField, "body", "at least one field", "none");
    }
    let k = fields.whole("k", 1, MOST_K.into()).map(|k| k as u8);
    let finest = fields.whole("finest", 0, Resolution::FINEST.number().into());
    let finest = finest.and_then(|finest| Resolution::new(finest as i64).ok());
    fields.end(AskedRule { k, finest })
}

/// For how long a key that is rotated still works, in milliseconds, from a JSON object or
/// nothing.
///
/// # Errors
/// Where it is no such time.
pub fn grace_ms(body: &[u8]) -> Result<i64, Vec<Fault>> {
    const FIELD: &str = "grace_seconds";
    if body.trim_ascii().is_empty() {
        return Ok(DEFAULT_GRACE_MS);
    }
    let mut fields = Fields::of(body, &[FIELD])?;
    let most_s = MOST_GRACE_MS.unsigned_abs() / 1_000;
    let seconds = fields.whole(FIELD, 0, most_s);
    fields.end(seconds.map_or(DEFAULT_GRACE_MS, |seconds| seconds as i64 * 1_000))
}

/// The fields of an object that were not yet read, and what was wrong with the others.
struct Fields {
    values: Map<String, Value>,
    faults: Vec<Fault>,
}

impl Fields {
    /// The fields of a body, all of which must be known: what is recorded stays, and a
    /// misspelt limit is none.
    fn of(body: &[u8], known: &[&str]) -> Result<Self, Vec<Fault>> {
        let malformed = |kind, got: String| {
            vec![Fault::new(kind, "body", format!("an object of {}", known.join(", ")), got)]
        };
        let values = match serde_json::from_slice(body) {
            Ok(Value::Object(values)) => values,
            Ok(other) => return Err(malformed(FaultKind::MalformedBody, shown(&other))),
            Err(error) => return Err(malformed(FaultKind::MalformedJson, error.to_string())),
        };
        match values.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(malformed(FaultKind::MalformedBody, format!("{name:?} in it"))),
            None => Ok(Self { values, faults: Vec::new() }),
        }
    }

    fn end<T>(self, read: T) -> Result<T, Vec<Fault>> {
        if self.faults.is_empty() { Ok(read) } else { Err(self.faults) }
    }

    fn fault(
        &mut self,
        kind: FaultKind,
        field: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) {
        self.faults.push(Fault::new(kind, field, expected, got));
    }

    fn missing(&mut self, field: &'static str, expected: impl Into<String>) {
        self.fault(FaultKind::MissingField, field, expected, "nothing");
    }

    /// A field, unless it is null or not there.
    fn take(&mut self, field: &str) -> Option<Value> {
        self.values.remove(field).filter(|value| !value.is_null())
    }

    /// A field as `read` reads it.
    fn read<T>(
        &mut self,
        field: &'static str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(field)?;
        let found = read(&value);
        if found.is_none() {
            self.fault(FaultKind::InvalidValue, field, expected, shown(&value));
        }
        found
    }

    fn text(&mut self, field: &'static str, most: usize) -> Option<String> {
        self.read(field, &expected_text(most), |value| {
            let text = value.as_str()?.trim();
            let is_one = (1..=most).contains(&text.chars().count());
            (is_one && !text.chars().any(char::is_control)).then(|| text.to_owned())
        })
    }

    fn needed_text(&mut self, field: &'static str, most: usize) -> Option<String> {
        if self.values.get(field).is_none_or(Value::is_null) {
            self.missing(field, expected_text(most));
            return None;
        }
        self.text(field, most)
    }

    fn flag(&mut self, field: &'static str) -> Option<bool> {
        self.read(field, "true or false", Value::as_bool)
    }

    fn whole(&mut self, field: &'static str, least: u64, most: u64) -> Option<u64> {
        let expected = format!("a whole number {least}..={most}");
        self.read(field, &expected, |value| {
            whole_number(value).filter(|number| (least..=most).contains(number))
        })
    }

    /// A list of texts; none where it is not there, or none.
    fn texts(&mut self, field: &'static str, most: usize, of: &str) -> Option<Vec<String>> {
        self.read(field, &format!("a list of at most {most}, each {of}"), |value| {
            let list = value.as_array().filter(|list| list.len() <= most)?;
            list.iter().map(|one| one.as_str().map(str::to_owned)).collect()
        })
    }

    fn scopes(&mut self) -> Scopes {
        const FIELD: &str = "scopes";
        let words = Scope::ALL.map(Scope::name).join(", ");
        if self.values.get(FIELD).is_none_or(Value::is_null) {
            self.missing(FIELD, format!("a list of {words}"));
            return Scopes::NONE;
        }
        let Some(names) = self.texts(FIELD, Scope::ALL.len(), &format!("one of {words}")) else {
            return Scopes::NONE;
        };
        if names.is_empty() {
            self.fault(FaultKind::InvalidValue, FIELD, format!("at least one of {words}"), "none");
        }
        let unknown = names.iter().find(|name| Scope::from_name(name).is_none());
        if let Some(name) = unknown {
            self.fault(FaultKind::InvalidValue, FIELD, format!("one of {words}"), name);
        }
        names.iter().filter_map(|name| Scope::from_name(name)).collect()
    }

    /// Whose key it is. Only a key that sends nothing may be nobody's.
    fn source(&mut self, is_needed: bool) -> Source {
        const FIELD: &str = "source";
        let least = u64::from(is_needed);
        if is_needed && self.values.get(FIELD).is_none_or(Value::is_null) {
            self.missing(FIELD, "the number of a source: what it sends stands under that");
        }
        let number = self.whole(FIELD, least, LAST_SOURCE.0.into()).unwrap_or_default();
        Source(number as u16)
    }

    fn providers(&mut self, catalogue: Option<&Catalogue>) -> Option<Vec<String>> {
        const FIELD: &str = "providers";
        let expected = "an id listed at /v1/providers";
        let names = self.texts(FIELD, MOST_PROVIDERS, expected)?;
        if names.is_empty() {
            let expected = "left out where the key may report about all, else at least one";
            self.fault(FaultKind::InvalidValue, FIELD, expected, "none");
        }
        let mut ids: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            let id = match catalogue {
                Some(catalogue) => {
                    catalogue.find(&name).map(|index| catalogue.get(index).id.clone())
                }
                None => is_id(&name).then(|| name.clone()),
            };
            match id {
                Some(id) if !ids.contains(&id) => ids.push(id),
                Some(_) => {}
                None => self.fault(FaultKind::UnknownProvider, FIELD, expected, name),
            }
        }
        Some(ids)
    }

    fn origins(&mut self) -> Vec<String> {
        const FIELD: &str = "origins";
        let mut origins = self.texts(FIELD, MOST_ORIGINS, ORIGIN).unwrap_or_default();
        if let Some(wrong) = origins.iter().find(|origin| !is_origin(origin)).cloned() {
            self.fault(FaultKind::InvalidValue, FIELD, ORIGIN, wrong);
        }
        origins.sort();
        origins.dedup();
        origins
    }

    fn expires_at(&mut self, now: Timestamp) -> Option<Timestamp> {
        const FIELD: &str = "expires_at";
        let at = self.read(FIELD, INSTANT, |value| instant(value.as_str()?))?;
        if at <= now {
            self.fault(FaultKind::InvalidValue, FIELD, "in the future", at.to_string());
        }
        Some(at)
    }

    fn limits(&mut self) -> KeyLimits {
        let expected = format!("an object of {}", LIMIT_FIELDS.join(", "));
        let read = self.read("limits", &expected, |value| {
            let values = value.as_object()?;
            let are_known = values.keys().all(|name| LIMIT_FIELDS.contains(&name.as_str()));
            are_known.then(|| values.clone())
        });
        let Some(values) = read else { return KeyLimits::default() };
        let mut limits = Self { values, faults: Vec::new() };
        let mut whole = |field, most| limits.whole(field, 1, most);
        let read = KeyLimits {
            reads_per_minute: whole(LIMIT_FIELDS[0], MOST_READS_PER_MINUTE).map(|n| n as u32),
            reports_per_second: whole(LIMIT_FIELDS[1], MOST_REPORTS_PER_SECOND).map(|n| n as u32),
            reports_per_day: whole(LIMIT_FIELDS[2], MOST_REPORTS_PER_DAY),
        };
        self.faults.append(&mut limits.faults);
        read
    }
}

/// A number without a fraction, written with a point or without: JSON knows one kind.
fn whole_number(value: &Value) -> Option<u64> {
    // Beyond, numbers with a point are no longer exact.
    const MOST_EXACT: f64 = (1_u64 << 53) as f64;
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        let is_whole = number.fract() == 0.0 && (0.0..=MOST_EXACT).contains(&number);
        is_whole.then_some(number as u64)
    })
}

/// Whether a text is an origin as a browser sends it (RFC 6454): nothing around it, in
/// lower case, without the scheme's own port. So the two can be compared as texts.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    if text == "null" {
        return true;
    }
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_scheme = scheme.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && scheme.bytes().all(|byte| is_lower(byte) || matches!(byte, b'+' | b'-' | b'.'));
    let is_address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| host.bytes().all(|byte| is_lower(byte) || matches!(byte, b':' | b'.')));
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| is_lower(byte) || matches!(byte, b'-' | b'_'))
    };
    let usual_port = match scheme {
        "http" => Some("80"),
        "https" => Some("443"),
        _ => None,
    };
    let is_port = port.is_none_or(|port| {
        !port.starts_with('0') && port.parse::<u16>().is_ok() && Some(port) != usual_port
    });
    text.len() <= LONGEST_ORIGIN
        && is_scheme
        && (is_address || host.split('.').all(is_label))
        && is_port
}

fn expected_text(most: usize) -> String {
    format!("a text of 1 to {most} characters on one line")
}

/// What a value is, as a message tells it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests;
