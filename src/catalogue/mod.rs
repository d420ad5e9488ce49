//! Reads catalogues of providers from TOML: the one compiled in, or an operator's own.

mod places;

pub use places::line_at;

use crate::domain::provider::{Catalogue, CatalogueError, Category, Place, Provider};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::Path;

const BUILTIN: &str = include_str!("builtin.toml");

/// Bytes of a catalogue at most: far more than 10,000 providers take.
const MOST_BYTES: u64 = 64 << 20;

/// Why a file is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFileError {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is not of the shape described in `builtin.toml`.
    #[error("line {line}: {}{reason}", of(.provider.as_ref()))]
    Shape {
        /// Line of the text, from 1.
        line: usize,
        /// Id of the provider in which that line stands, where it can be told.
        provider: Option<String>,
        /// What is wrong there.
        reason: String,
    },
    /// A provider breaks a rule.
    #[error("line {line}: {error}")]
    Provider {
        /// Line of the text, from 1.
        line: usize,
        /// Which rule, and whose value.
        error: CatalogueError,
    },
    /// The list as a whole is none.
    #[error(transparent)]
    List(CatalogueError),
}

fn of(provider: Option<&String>) -> String {
    provider.map_or_else(String::new, |id| format!("provider {id:?}: "))
}

/// The catalogue that is compiled in.
///
/// # Panics
/// Never in a build whose tests pass.
#[must_use]
pub fn builtin() -> Catalogue {
    parse(BUILTIN).expect("a test reads the compiled-in catalogue")
}

/// The catalogue in a file.
///
/// # Errors
/// Where it cannot be read or is none.
pub fn read(path: &Path) -> Result<Catalogue, CatalogueFileError> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
    parse(&text)
}

/// The catalogue of a text. A byte order mark at its beginning is no part of it.
///
/// # Errors
/// Where it is none.
pub fn parse(text: &str) -> Result<Catalogue, CatalogueFileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let list: List = toml::from_str(text).map_err(|error| places::shape(text, &error))?;
    let rows = list.provider.into_iter().enumerate();
    let providers = rows.map(|(at, row)| row.into_provider(text, at)).collect::<Result<_, _>>()?;
    Catalogue::new(providers).map_err(|error| match error {
        CatalogueError::Provider { place, .. } => {
            CatalogueFileError::Provider { line: places::line(text, place), error }
        }
        error => CatalogueFileError::List(error),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    provider: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    name: String,
    category: String,
    #[serde(default)]
    countries: Vec<String>,
    network: Option<String>,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    plmn: Vec<String>,
    subscribers: Option<u64>,
    #[serde(default)]
    retired: bool,
}

impl Row {
    fn into_provider(self, text: &str, at: usize) -> Result<Provider, CatalogueFileError> {
        let Some(category) = Category::from_name(&self.category) else {
            let line = places::line(text, Place { provider: at, field: "category", item: 0 });
            let reason =
                format!("category must be mobile, internet or service, got {:?}", self.category);
            return Err(CatalogueFileError::Shape { line, provider: Some(self.id), reason });
        };
        Ok(Provider {
            network: self.network.unwrap_or_else(|| self.id.clone()),
            id: self.id,
            name: self.name.trim().to_owned(),
            category,
            countries: self.countries,
            depends_on: self.depends_on,
            aliases: self.aliases,
            plmn: self.plmn,
            subscribers: self.subscribers,
            retired: self.retired,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::Subject;

    #[test]
    fn the_compiled_in_catalogue_knows_the_brands_of_8_july_2022() {
        let catalogue = builtin();
        let rogers = Subject::Network(catalogue.find_network("rogers").unwrap());
        let brands: Vec<&str> = catalogue
            .brands(rogers)
            .iter()
            .map(|index| catalogue.get(*index).id.as_str())
            .collect();
        assert!(["rogers", "fido", "chatr"].iter().all(|id| brands.contains(id)), "{brands:?}");
        assert_eq!(catalogue.find_plmn("302370"), catalogue.find("fido"));
        assert!(
            catalogue
                .get(catalogue.find("interac").unwrap())
                .depends_on
                .contains(&"rogers".to_owned())
        );
    }

    #[test]
    fn a_short_table_is_enough() {
        let catalogue =
            parse("[[provider]]\nid = \"alpha\"\nname = \"Alpha\"\ncategory = \"mobile\"\n")
                .unwrap();
        assert_eq!(catalogue.get(catalogue.find("alpha").unwrap()).network, "alpha");
    }

    #[test]
    fn a_byte_order_mark_and_lines_that_end_as_on_windows_change_nothing() {
        let plain =
            "# mine\n[[provider]]\nid = \"alpha\"\nname = \" Alpha \"\ncategory = \"mobile\"\n";
        let windows = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
        let [plain, windows] = [plain, &windows].map(|text| parse(text).unwrap());
        assert_eq!(plain.fingerprint(), windows.fingerprint());
        assert_eq!(windows.get(windows.find("alpha").unwrap()).name, "Alpha");
    }

    #[test]
    fn what_is_no_catalogue_is_refused_with_line_name_and_reason() {
        let a = "[[provider]]\nid = \"a\"\nname = \"a\"\ncategory = \"mobile\"\n";
        let b = "\n# the other\n[[provider]]\nid = \"b\"\nname = \"b\"\ncategory = \"mobile\"\n";
        let rows = [
            (String::new(), "line 1: missing field `provider`"),
            ("provider = []".into(), "a catalogue needs at least one provider"),
            (
                "[[provider]]\nid = 1\nname = \"a\"\ncategory = \"mobile\"".into(),
                "line 2: invalid type: integer `1`, expected a string",
            ),
            (
                a.replace("\"mobile\"", "\"postal\""),
                "line 4: provider \"a\": category must be mobile, internet or service, got \
                 \"postal\"",
            ),
            (
                a.replace("id = \"a\"", "id = \"A\""),
                "line 2: provider \"A\": provider id must match",
            ),
            (format!("{a}plnm = []"), "line 5: provider \"a\": unknown field `plnm`"),
            (format!("{a}id = \"b\""), "line 5: duplicate key"),
            (
                format!("{a}plmn = [\"00101\", 2]"),
                "line 5: provider \"a\": invalid type: integer `2`",
            ),
            (format!("{a}subscribers = -1"), "line 5: provider \"a\": invalid value: integer `-1`"),
            (format!("{a}{b}subscribers = 0"), "line 11: provider \"b\": subscribers must be 1 to"),
            (
                format!("{a}{}", b.replace("name = \"b\"\n", "")),
                "line 7: provider \"b\": missing field `name`",
            ),
            (
                format!("{a}{b}").replace("name = \"b\"", "name = \"  \""),
                "line 9: provider \"b\": name must be",
            ),
            (
                format!("{a}{b}aliases = [\n  \"c\",\n  \"a\",\n]"),
                "line 13: provider \"b\": id or alias \"a\" is used twice",
            ),
            (
                format!("{a}aliases = [\"aa\"]\n{b}depends_on = [\"aa\"]"),
                "line 12: provider \"b\": depends on \"aa\", which is an alias",
            ),
            (format!("{a}{b}depends_on = [\"b\"]"), "line 11: provider \"b\": depends on itself"),
            (
                format!("{a}depends_on = [\"b\"]\n{b}depends_on = [\"a\"]"),
                "line 5: provider \"a\": depends on itself by way of others: a -> b -> a",
            ),
            (
                format!("{a}network = \"x\"\n{b}network = \"a\""),
                "line 12: provider \"b\": network \"a\" is itself a brand of the network \"x\"",
            ),
            (
                format!("{a}network = \"b\"\n{b}network = \"a\""),
                "line 5: provider \"a\": network \"b\" is itself a brand of the network \"a\"",
            ),
            (
                format!("{a}{b}plmn = [\n\"00101\",\n\"1\"]"),
                "line 13: provider \"b\": plmn must be",
            ),
            (
                format!("{a}{b}countries = [\"CA\", \"UK\"]"),
                "line 11: provider \"b\": country must be two capital letters",
            ),
            (
                "provider = [{ id = \"a\", name = \"\", category = \"mobile\" }]".into(),
                "line 1: provider \"a\": name must be",
            ),
            (format!("{a}{}", b.replace("id = \"b\"", "id = \"b")), "line 8: "),
        ];
        for (text, expected) in rows {
            for text in [text.clone(), format!("\u{feff}{}", text.replace('\n', "\r\n"))] {
                let message = parse(&text).unwrap_err().to_string();
                assert!(
                    message.starts_with(expected) && !message.contains('\n'),
                    "{message:?} should begin with {expected:?}"
                );
            }
        }
    }
}
