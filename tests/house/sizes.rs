//! Sizes that a reader can take in: lines of a file, columns of a line.

use super::source::parse;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;

/// A file of code has no more lines.
const MOST_LINES: usize = 600;
/// A line has no more columns: two windows side by side, and a review on a laptop.
const MOST_COLUMNS: usize = 100;

/// What is too long in a file, one sentence each. Raw strings and addresses may be as
/// wide as they are.
pub fn faults(file: &str, source: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = source.lines().count();
    if MOST_LINES < lines {
        faults.push(format!(
            "{file}: {lines} lines, but a file of code has at most {MOST_LINES}: give a part of \
             it a file of its own"
        ));
    }
    let mut raw = BTreeSet::new();
    raw_string_lines(parse(file, source), &mut raw);
    for (number, line) in (1..).zip(source.lines()) {
        let columns = line.chars().count();
        if MOST_COLUMNS < columns && !raw.contains(&number) && !line.contains("://") {
            faults.push(format!(
                "{file}:{number}: {columns} columns, but a line has at most {MOST_COLUMNS}: break \
                 it"
            ));
        }
    }
    faults
}

/// The lines that a raw string stands in.
fn raw_string_lines(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => raw_string_lines(group.stream(), lines),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let prefix = text.trim_start_matches('b');
                if prefix.starts_with("r\"") || prefix.starts_with("r#") {
                    lines.extend(literal.span().start().line..=literal.span().end().line);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}
