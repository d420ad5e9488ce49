//! Rooms, and which of them may use which: arrows point down only.

use super::source::{Named, modules_of};

/// Each room of the server (a module of the crate's root), and the rooms that it may use.
const ROOMS: [(&str, &[&str]); 12] = [
    ("main", &["cli"]),
    (
        "cli",
        &[
            "config",
            "catalogue",
            "http",
            "render",
            "notify",
            "engine",
            "gazetteer",
            "wire",
            "store",
            "domain",
        ],
    ),
    ("config", &["domain"]),
    ("catalogue", &["domain"]),
    ("http", &["render", "notify", "engine", "gazetteer", "wire", "store", "domain"]),
    ("notify", &["engine", "store", "domain"]),
    ("engine", &["gazetteer", "wire", "store", "domain"]),
    ("gazetteer", &["domain"]),
    ("wire", &["domain"]),
    ("store", &["domain"]),
    ("render", &["domain"]),
    ("domain", &[]),
];

/// Each room of the laboratory, and those of its rooms that it may use. All of them may
/// use the server's library.
const LAB_ROOMS: [(&str, &[&str]); 6] = [
    ("main", &["cli"]),
    ("cli", &["guard", "rehearsal", "backtest", "simulate"]),
    ("guard", &["rehearsal", "backtest"]),
    ("rehearsal", &["backtest", "simulate"]),
    ("backtest", &[]),
    ("simulate", &[]),
];

/// The rooms of the domain, by floors, the highest first: each may use the rooms of the
/// floors below its own.
const DOMAIN_FLOORS: [&[&str]; 8] = [
    // What is published, and how a map is coloured.
    &["incident", "assessment", "coverage"],
    // What is unusual, and what readers see.
    &["detect", "view"],
    // What was counted, and what is usual.
    &["baseline", "counts", "cover", "late_arrivals", "level", "report", "series"],
    // Where something is asked about or happens, and who may ask.
    &["access", "counted", "region", "viewport"],
    // Where reports may be shown, and how maps are cut.
    &["privacy", "tile"],
    // Facts, sets of places, and clocks.
    &[
        "bbox",
        "cell_set",
        "clock_guard",
        "fact",
        "liveness",
        "local_clock",
        "outline",
        "population",
        "reporter",
        "steady",
        "symptom_word",
    ],
    // The words that all others are made of.
    &["extent", "grid", "provider", "shared_id", "symptom", "time"],
    // What knows nothing of reports.
    &["shrunk_ratio", "word_enum"],
];

/// What is wrong with the place of a file, if anything is.
pub fn place_fault(file: &str) -> Option<String> {
    let (package, modules) = modules_of(file);
    let (room, inner) = (*modules.first()?, modules.get(1));
    if !rooms_of(package).iter().any(|(name, _)| *name == room) {
        return Some(format!(
            "{file}: {room} is a room that no plan knows: give it a line in tests/house/rooms.rs, \
             and in ARCHITECTURE.md"
        ));
    }
    let inner = inner.filter(|_| (package, room) == ("src", "domain"))?;
    floor_of(inner).is_none().then(|| {
        format!(
            "{file}: domain::{inner} stands on no floor: give it a place in DOMAIN_FLOORS of \
             tests/house/rooms.rs"
        )
    })
}

/// What is wrong with the arrow that a path of a file draws, if anything is.
pub fn arrow_fault(file: &str, path: &Named) -> Option<String> {
    let (package, modules) = modules_of(file);
    let room = *modules.first()?;
    let used = target(package, &modules, path)?;
    let place = format!("{file}:{}", path.line);
    let first = used.first()?;
    if *first != room {
        return room_fault(&place, rooms_of(package), room, first);
    }
    let (own, other) = (modules.get(1)?, used.get(1)?);
    if (package, room) == ("src", "domain") { floor_fault(&place, own, other) } else { None }
}

fn rooms_of(package: &str) -> &'static [(&'static str, &'static [&'static str])] {
    if package == "src" { &ROOMS } else { &LAB_ROOMS }
}

fn floor_of(room: &str) -> Option<usize> {
    DOMAIN_FLOORS.iter().position(|floor| floor.contains(&room))
}

fn room_fault(place: &str, rooms: &[(&str, &[&str])], room: &str, used: &str) -> Option<String> {
    let (_, may_use) = rooms.iter().find(|(name, _)| *name == room)?;
    let list = if may_use.is_empty() {
        "nothing".to_owned()
    } else {
        format!("only {}", may_use.join(", "))
    };
    let sentence = format!(
        "{place}: {room} uses crate::{used}, but may use {list}: move the code to a room above \
         both, or pass in what it needs"
    );
    (!may_use.contains(&used)).then_some(sentence)
}

fn floor_fault(place: &str, own: &str, other: &str) -> Option<String> {
    // What stands on no floor is an item of domain/mod.rs.
    let is_below = floor_of(other).is_none_or(|other| floor_of(own) < Some(other));
    (own != other && !is_below).then(|| {
        format!(
            "{place}: domain::{own} uses domain::{other}, which is not on a floor below it \
             (DOMAIN_FLOORS of tests/house/rooms.rs): move the code up, or pass in what it needs"
        )
    })
}

/// The path from the crate's root that a path of a module leads along; none where it does
/// not leave its module by `crate` or `super`.
fn target<'a>(package: &str, modules: &[&'a str], path: &'a Named) -> Option<Vec<&'a str>> {
    let segments = &path.segments;
    let rest = |from: usize| segments[from..].iter().map(String::as_str);
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    match segments.first()?.as_str() {
        "crate" => Some(rest(1).collect()),
        "groundswell" if (package, modules) == ("src", &["main"]) => Some(rest(1).collect()),
        "groundswell_lab" if modules == ["main"] => Some(rest(1).collect()),
        "super" => {
            let parents = &modules[..modules.len().saturating_sub(ups)];
            Some(parents.iter().copied().chain(rest(ups)).collect())
        }
        _ => None,
    }
}
