//! Names that stand in some files only.

use super::source::Named;

/// A name that stands in some files only.
struct Absence {
    /// The name, as consecutive segments of a path.
    name: &'static [&'static str],
    /// Where it must not stand.
    absent_from: fn(&str) -> bool,
    /// What to do instead.
    instead: &'static str,
}

const ABSENCES: [Absence; 16] = [
    Absence {
        name: &["groundswell_lab"],
        absent_from: |file| file.starts_with("src/"),
        instead: "nothing of the server uses the laboratory: move what both need into src",
    },
    Absence {
        name: &["h3o"],
        absent_from: |file| file != "src/domain/grid.rs",
        instead: "h3o is named in src/domain/grid.rs only: give Cell or Resolution the method \
             that is missing",
    },
    Absence {
        name: &["StatusCode"],
        absent_from: |file| file.starts_with("src/") && file != "src/http/error.rs",
        instead: "statuses of failures stand in the table of src/http/error.rs only: return its \
             error, or build a success by HttpResponse::Ok()",
    },
    Absence {
        name: &["SystemTime"],
        absent_from: |file| !file.starts_with("src/engine/"),
        instead: "only the engine holds a clock: take `now` as an argument",
    },
    in_domain(&["async"], "the domain is arithmetic: wait in the engine or the store"),
    in_domain(&["tokio"], "the domain is arithmetic: wait in the engine or the store"),
    in_domain(&["actix_web"], "the domain knows no HTTP: translate in src/http"),
    in_domain(
        &["serde"],
        "wire and disk formats stay at the border: put a DTO into src/http, or a codec into \
         src/store",
    ),
    in_domain(
        &["Serialize"],
        "wire and disk formats stay at the border: put a DTO into src/http, or a codec into \
         src/store",
    ),
    in_domain(
        &["Deserialize"],
        "wire and disk formats stay at the border: put a DTO into src/http, or a codec into \
         src/store",
    ),
    in_domain(&["ToSchema"], "the documented types are the DTOs of src/http"),
    in_domain(
        &["tracing"],
        "the domain does not log: return what happened, and log it where it is handled",
    ),
    in_domain(
        &["std", "fs"],
        "the domain does no I/O: read in src/cli or src/store, and pass the bytes in",
    ),
    in_domain(&["std", "net"], "the domain does no I/O: it has no use for addresses"),
    in_domain(
        &["std", "io"],
        "the domain does no I/O: return values, and write them in src/render or src/store",
    ),
    in_domain(&["Instant"], "the domain asks no clock: take `now` as an argument"),
];

const fn in_domain(name: &'static [&'static str], instead: &'static str) -> Absence {
    Absence { name, absent_from: |file| file.starts_with("src/domain/"), instead }
}

/// What a path of a file names that must not stand there, one sentence each.
pub fn faults(file: &str, path: &Named) -> Vec<String> {
    let stands = |absence: &&Absence| {
        (absence.absent_from)(file)
            && path
                .segments
                .windows(absence.name.len())
                .any(|part| part.iter().eq(absence.name.iter()))
    };
    let fault = |absence: &Absence| {
        format!("{file}:{}: names {}: {}", path.line, absence.name.join("::"), absence.instead)
    };
    ABSENCES.iter().filter(stands).map(fault).collect()
}
