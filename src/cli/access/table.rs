//! Lists as people read them: columns of text, a line a row.

use std::fmt::Write;

/// Rows under a head, each column as wide as its widest cell. What could move the cursor
/// of a terminal is shown as `?`: names are texts of others.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = std::iter::once(head.map(str::to_owned))
        .chain(rows.iter().map(|row| row.each_ref().map(|cell| printable(cell))))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_nothing_moves_the_cursor() {
        let rows = [["1".into(), "Ünï\u{1b}[2J".into()], ["16383".into(), String::new()]];
        assert_eq!(table(["NO", "NAME"], &rows), "NO     NAME\n1      Ünï?[2J\n16383\n");
    }
}
