//! Circles: a module may name others beside it, as long as no way along such names leads
//! back to it.

use super::source::{Named, modules_of, paths_in};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A `use` leads on to another at most so many times: more is a circle of names.
const MOST_HOPS: usize = 8;

/// The files of one package, as the modules they are.
pub struct Modules {
    /// By the path of modules down to each.
    by_path: BTreeMap<Vec<String>, Module>,
}

struct Module {
    file: String,
    paths: Vec<Named>,
}

/// Where a module names another, or what is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// The module that names.
    pub from: String,
    /// The one that is named.
    pub to: String,
    /// The first place where it does.
    place: String,
}

impl Modules {
    /// The files of one package, by their names.
    pub fn of(files: &[(String, String)]) -> Self {
        let module = |(file, source): &(String, String)| {
            let path = modules_of(file).1.into_iter().map(str::to_owned).collect();
            (path, Module { file: file.clone(), paths: paths_in(file, source) })
        };
        Self { by_path: files.iter().map(module).collect() }
    }

    /// The circles, as the arrows that they are made of. Modules beside each other count,
    /// each with all that is in it.
    pub fn circles(&self) -> Vec<Vec<Arrow>> {
        let arrows = self.arrows();
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            arrows.iter().map(|arrow| (&*arrow.from, reached(&arrow.from, &arrows))).collect();
        let leads = |from: &str, to: &str| reached.get(from).is_some_and(|way| way.contains(to));
        let mut circles: BTreeMap<BTreeSet<&str>, Vec<Arrow>> = BTreeMap::new();
        for arrow in arrows.iter().filter(|arrow| leads(&arrow.to, &arrow.from)) {
            let with = reached[&*arrow.from].iter().filter(|other| leads(other, &arrow.from));
            circles.entry(with.copied().collect()).or_default().push(arrow.clone());
        }
        circles.into_values().collect()
    }

    /// Which module names what of which other beside it. What a module shows of its
    /// children is no arrow, and neither is what a child names of its parents, of which it
    /// is a part.
    fn arrows(&self) -> Vec<Arrow> {
        let mut arrows: BTreeMap<(String, String), String> = BTreeMap::new();
        for (own, module) in &self.by_path {
            for path in &module.paths {
                let Some(found) = self.resolve(own, &path.segments, path.used_as.is_some(), 0)
                else {
                    continue;
                };
                let shared = own.iter().zip(&found).take_while(|(a, b)| a == b).count();
                if shared == own.len() || shared == found.len() {
                    continue;
                }
                let ends = (own[..=shared].join("::"), found[..=shared].join("::"));
                let place = format!("{}:{} names {}", module.file, path.line, path);
                arrows.entry(ends).or_insert(place);
            }
        }
        arrows.into_iter().map(|((from, to), place)| Arrow { from, to, place }).collect()
    }

    /// The module in which a path ends that stands in the module `own`, whoever shows it
    /// on the way; none where it is of another crate, or of no module.
    fn resolve(
        &self,
        own: &[String],
        segments: &[String],
        in_use: bool,
        hops: usize,
    ) -> Option<Vec<String>> {
        if hops == MOST_HOPS {
            return None;
        }
        let (first, rest) = segments.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Vec::new(),
            "self" => own.to_vec(),
            "super" => own.split_last()?.1.to_vec(),
            // A bare word may be any name.
            _ if rest.is_empty() && !in_use => return None,
            name => return self.step(own, name, rest, hops),
        };
        let ups = rest.iter().take_while(|segment| *segment == "super").count();
        at.truncate(at.len().checked_sub(ups)?);
        match rest[ups..].split_first() {
            Some((name, rest)) => self.step(&at, name, rest, hops).or(Some(at)),
            None => Some(at),
        }
        .filter(|found| self.by_path.contains_key(found))
    }

    /// Where a name of a module, and the segments after it, lead to; none where it is
    /// neither a child nor brought in by a `use`.
    fn step(&self, at: &[String], name: &str, rest: &[String], hops: usize) -> Option<Vec<String>> {
        let child: Vec<String> = at.iter().cloned().chain([name.to_owned()]).collect();
        if self.by_path.contains_key(&child) {
            return match rest.split_first() {
                Some((next, after)) => self.step(&child, next, after, hops).or(Some(child)),
                None => Some(child),
            };
        }
        let brings = |path: &&Named| path.used_as.as_deref() == Some(name);
        let path = self.by_path.get(at)?.paths.iter().find(brings)?;
        // A name that a `use` takes from another crate leads nowhere.
        let segments: Vec<String> = path.segments.iter().chain(rest).cloned().collect();
        if path.segments.first().is_some_and(|first| first == name && path.segments.len() == 1) {
            return None;
        }
        self.resolve(at, &segments, true, hops + 1)
    }
}

/// The modules to which a way along arrows leads from one.
fn reached<'a>(from: &str, arrows: &'a [Arrow]) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        for arrow in arrows.iter().filter(|arrow| arrow.from == next) {
            if reached.insert(&*arrow.to) {
                open.push(&arrow.to);
            }
        }
    }
    reached
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {}", self.from, self.to, self.place)
    }
}
