//! Tables of a line a row: CSV (RFC 4180) for spreadsheets, NDJSON for programs, and what
//! stands in the files of whose counts they are.

use serde::Serialize;
use serde_json::Value;
use std::io::Write;

/// How the lines of a table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineFormat {
    /// A header, and a line a row.
    Csv,
    /// A JSON object a line.
    Ndjson,
}

/// Of whose counts a file is, where the operator says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Credit {
    /// Whom to name.
    pub attribution: Option<String>,
    /// Under which licence they are.
    pub licence: Option<String>,
}

/// The column of whom to name, and that of the licence.
const OF_CREDIT: [&str; 2] = ["attribution", "licence"];

impl LineFormat {
    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

impl Credit {
    /// That of an operator who says nothing.
    pub const NOBODY: Self = Self { attribution: None, licence: None };

    /// The columns that it adds to the end of a CSV file.
    #[must_use]
    pub fn columns(&self) -> Vec<&'static str> {
        let is_there = [self.attribution.is_some(), self.licence.is_some()];
        OF_CREDIT.into_iter().zip(is_there).filter(|(_, is)| *is).map(|(name, _)| name).collect()
    }

    /// What stands in a column of it; none where it is not one.
    #[must_use]
    pub fn of_column(&self, name: &str) -> Option<&str> {
        let [attribution, licence] = OF_CREDIT;
        match name {
            _ if name == attribution => self.attribution.as_deref(),
            _ if name == licence => self.licence.as_deref(),
            _ => None,
        }
    }
}

/// Writes a header of these columns, and a line of each row, whose properties have their
/// names. What a row lacks is empty; lists are joined by commas. What the credit says stands
/// in the first line alone: in each, it would be the longest part of most files.
pub fn write_csv(
    body: &mut Vec<u8>,
    columns: &[&str],
    credit: &Credit,
    rows: impl IntoIterator<Item = impl Serialize>,
) {
    write_header(body, columns);
    for (n, row) in rows.into_iter().enumerate() {
        let row = value(row);
        for (column, name) in columns.iter().enumerate() {
            if column > 0 {
                body.push(b',');
            }
            match credit.of_column(name) {
                Some(text) if n == 0 => write_text(body, text),
                Some(_) => {}
                None => write_field(body, &row[*name]),
            }
        }
        body.extend_from_slice(b"\r\n");
    }
}

/// Writes the names of columns.
pub fn write_header(body: &mut Vec<u8>, columns: &[&str]) {
    body.extend_from_slice(columns.join(",").as_bytes());
    body.extend_from_slice(b"\r\n");
}

/// Writes a row a line: all its properties, or those of these names, in their order.
pub fn write_ndjson(
    body: &mut Vec<u8>,
    fields: Option<&[&'static str]>,
    rows: impl IntoIterator<Item = impl Serialize>,
) {
    for row in rows {
        match fields {
            None => super::write(body, &row),
            Some(fields) => {
                let row = value(row);
                let there = fields.iter().filter_map(|name| Some((*name, row.get(name)?)));
                write_object(body, there);
            }
        }
        body.push(b'\n');
    }
}

/// Writes an object of these properties, in their order.
pub fn write_object<'a, T: Serialize>(
    body: &mut Vec<u8>,
    properties: impl Iterator<Item = (&'a str, T)>,
) {
    body.push(b'{');
    for (n, (name, value)) in properties.enumerate() {
        if n > 0 {
            body.push(b',');
        }
        super::write(body, &name);
        body.push(b':');
        super::write(body, &value);
    }
    body.push(b'}');
}

fn value(row: impl Serialize) -> Value {
    serde_json::to_value(row).expect("wire types have text keys")
}

fn write_field(body: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(text) => write_text(body, text),
        Value::Array(items) => {
            let texts: Vec<String> = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect();
            write_text(body, &texts.join(","));
        }
        other => write!(body, "{other}").expect("memory takes every byte"),
    }
}

/// Writes a text as RFC 4180 has it: in quotes where it holds a comma, a quote or a line
/// break. That standard knows no formulas, and spreadsheets take what begins like one for one:
/// such a text, never a number, has an apostrophe before it, as OWASP advises.
pub fn write_text(body: &mut Vec<u8>, text: &str) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let apostrophe = if is_formula { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        let doubled = text.replace('"', "\"\"");
        write!(body, "\"{apostrophe}{doubled}\"").expect("memory takes every byte");
    } else {
        write!(body, "{apostrophe}{text}").expect("memory takes every byte");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn csv(columns: &[&str], credit: &Credit, rows: &[Value]) -> String {
        let mut body = Vec::new();
        write_csv(&mut body, columns, credit, rows);
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn texts_are_quoted_where_rfc_4180_asks_and_what_looks_like_a_formula_is_a_text() {
        let rows = [
            ("plain text", "plain text"),
            ("a,b", "\"a,b\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\""),
            ("\tx", "'\tx"),
            ("", ""),
            ("a=1", "a=1"),
            ("Montréal", "Montréal"),
        ];
        for (text, expected) in rows {
            let mut body = Vec::new();
            write_text(&mut body, text);
            assert_eq!(String::from_utf8(body).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn columns_stand_in_the_order_asked_for_and_credit_in_the_first_line() {
        let rows = [
            json!({"a": 1, "b": -2.5, "c": ["x", "y"], "d": true}),
            json!({"a": 12_345_678_901_u64, "b": null}),
        ];
        assert_eq!(
            csv(&["b", "a", "c", "d"], &Credit::default(), &rows),
            "b,a,c,d\r\n-2.5,1,\"x,y\",true\r\n,12345678901,,\r\n"
        );
        let credit = Credit {
            attribution: Some("Town of Example, C".into()),
            licence: Some("CC-BY-4.0".into()),
        };
        assert_eq!(credit.columns(), ["attribution", "licence"]);
        assert_eq!(
            csv(&["a", "attribution", "licence"], &credit, &rows),
            "a,attribution,licence\r\n1,\"Town of Example, C\",CC-BY-4.0\r\n12345678901,,\r\n"
        );
        assert_eq!(csv(&["a"], &credit, &[]), "a\r\n");
        let alone = Credit { attribution: None, ..credit };
        assert_eq!(alone.columns(), ["licence"]);
    }

    #[test]
    fn objects_have_the_properties_asked_for_in_their_order() {
        let rows = [json!({"a": 1, "b": "x", "c": null})];
        let written = |fields: Option<&[&'static str]>| {
            let mut body = Vec::new();
            write_ndjson(&mut body, fields, &rows);
            String::from_utf8(body).unwrap()
        };
        assert_eq!(written(None), "{\"a\":1,\"b\":\"x\",\"c\":null}\n");
        assert_eq!(written(Some(&["c", "a", "d"])), "{\"c\":null,\"a\":1}\n");
    }
}
