//! The source files of the workspace, as tokens, and the paths that stand in them.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::fmt;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

/// Every file of Rust below some directories of the workspace, with its text, sorted.
pub fn files_below(directories: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for directory in directories {
        collect(&root.join(directory), &mut files);
    }
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(root).expect("it lies below the root").display().to_string();
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (name, text)
    };
    files.iter().map(read).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    for path in entries.map(|entry| entry.expect("a directory can be listed").path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Files without the modules that are declared as `#[cfg(test)] mod name;`.
pub fn without_test_modules(files: Vec<(String, String)>) -> Vec<(String, String)> {
    let only_tests: Vec<String> =
        files.iter().flat_map(|(file, source)| test_modules(file, source)).collect();
    let in_tests = |file: &str| {
        only_tests
            .iter()
            .any(|module| file == format!("{module}.rs") || file.starts_with(&format!("{module}/")))
    };
    files.into_iter().filter(|(file, _)| !in_tests(file)).collect()
}

/// The files (without `.rs`) or directories of the modules that a file declares for tests
/// only.
fn test_modules(file: &str, source: &str) -> Vec<String> {
    let home = file
        .trim_end_matches(".rs")
        .trim_end_matches("/mod")
        .trim_end_matches("/lib")
        .trim_end_matches("/main");
    let trees: Vec<TokenTree> = parse(file, source).into_iter().collect();
    let declared = trees.windows(5).filter_map(|window| match window {
        [hash, attribute, TokenTree::Ident(keyword), TokenTree::Ident(name), end]
            if is_punct(hash, '#')
                && is_cfg_test(attribute)
                && keyword == "mod"
                && is_punct(end, ';') =>
        {
            Some(format!("{home}/{name}"))
        }
        _ => None,
    });
    declared.collect()
}

/// The package that a file belongs to, by the directory of its sources, and the path of
/// modules down to it; no modules for `lib.rs`, which is the map of all of them.
pub fn modules_of(file: &str) -> (&'static str, Vec<&str>) {
    let (package, inside) = match file.strip_prefix("lab/src/") {
        Some(inside) => ("lab/src", inside),
        None => ("src", file.trim_start_matches("src/")),
    };
    let parts = inside.trim_end_matches(".rs").split('/');
    (package, parts.filter(|part| !["mod", "lib"].contains(part)).collect())
}

/// A path as it stands in the source. A bare word is a path of one segment.
#[derive(Debug)]
pub struct Named {
    /// Its line, from 1.
    pub line: usize,
    /// Its segments; `*` is one.
    pub segments: Vec<String>,
    /// The name that it is known by from there on, where it stands in a `use`, whose trees
    /// are unfolded.
    pub used_as: Option<String>,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments.join("::"))
    }
}

/// The paths of a file, but for those under `#[cfg(test)]`.
pub fn paths_in(file: &str, source: &str) -> Vec<Named> {
    let mut paths = Vec::new();
    read_paths(without_tests(parse(file, source)), &mut paths);
    paths
}

fn read_paths(tokens: TokenStream, paths: &mut Vec<Named>) {
    let mut trees = tokens.into_iter().peekable();
    let (mut is_open, mut colons) = (false, 0);
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                colons += 1;
                continue;
            }
            TokenTree::Ident(word) if word == "use" && is_use(&mut trees) => {
                read_use(&mut trees, &[], paths);
                is_open = false;
            }
            TokenTree::Ident(word) => {
                let continued = if is_open && colons == 2 { paths.pop() } else { None };
                let mut segments = continued.map_or_else(Vec::new, |path| path.segments);
                segments.push(word.to_string());
                paths.push(Named { line: word.span().start().line, segments, used_as: None });
                is_open = true;
            }
            TokenTree::Group(group) => {
                read_paths(group.stream(), paths);
                is_open = false;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => is_open = false,
        }
        colons = 0;
    }
}

/// Whether what follows the word `use` is a path, and not a list of captures in angle
/// brackets.
fn is_use(trees: &mut Peekable<impl Iterator<Item = TokenTree>>) -> bool {
    trees.peek().is_some_and(|tree| !is_punct(tree, '<'))
}

/// Reads the trees of a `use` up to its `;`, or to the end of a brace within it.
fn read_use(
    trees: &mut impl Iterator<Item = TokenTree>,
    prefix: &[String],
    paths: &mut Vec<Named>,
) {
    let mut path = Named { line: 0, segments: prefix.to_vec(), used_as: None };
    let mut alias = None;
    for tree in trees {
        match tree {
            TokenTree::Ident(word) if word == "as" => alias = Some(String::new()),
            TokenTree::Ident(word) if alias.is_some() => alias = Some(word.to_string()),
            TokenTree::Ident(word) => {
                path.line = word.span().start().line;
                path.segments.push(word.to_string());
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => {
                path.segments.push("*".to_owned());
            }
            TokenTree::Punct(punct) if [',', ';'].contains(&punct.as_char()) => {
                let next = Named { line: 0, segments: prefix.to_vec(), used_as: None };
                paths.extend(brought_in(std::mem::replace(&mut path, next), &mut alias));
                if punct.as_char() == ';' {
                    return;
                }
            }
            TokenTree::Group(group) => {
                read_use(&mut group.stream().into_iter(), &path.segments, paths);
                path.line = 0;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    paths.extend(brought_in(path, &mut alias));
}

/// A path of a `use` with the name that it brings in; none where nothing was read of it.
fn brought_in(mut path: Named, alias: &mut Option<String>) -> Option<Named> {
    // `{self, …}` names what stands before the brace.
    if 1 < path.segments.len() && path.segments.last().is_some_and(|last| last == "self") {
        path.segments.pop();
    }
    let name = alias.take().or_else(|| path.segments.last().cloned())?;
    path.used_as = Some(name);
    (0 < path.line).then_some(path)
}

/// The tokens without the items, and the groups within them, that stand under
/// `#[cfg(test)]`.
fn without_tests(tokens: TokenStream) -> TokenStream {
    let mut kept = Vec::new();
    let mut skipping = false;
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let starts_test = is_punct(&tree, '#') && trees.peek().is_some_and(is_cfg_test);
        skipping |= starts_test;
        if skipping {
            let attribute = is_punct(&tree, '#').then(|| trees.next()).flatten();
            let ends = is_punct(&tree, ';')
                || matches!(&tree, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace);
            skipping = attribute.is_some() || !ends;
            continue;
        }
        kept.push(match tree {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_tests(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        });
    }
    kept.into_iter().collect()
}

fn is_punct(tree: &TokenTree, c: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == c)
}

fn is_cfg_test(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.to_string().replace(' ', "") == "[cfg(test)]")
}

/// The tokens of a file.
pub fn parse(file: &str, source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{file} is not Rust: {error}"))
}
