//! Words and tables of Markdown.

use std::fmt::Write;

use crate::evaluate::{Estimate, digits::rounded};

/// Text from elsewhere as Markdown shows it, on one line: nothing in it is markup, and nothing ends a cell.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (place, letter) in text.trim().chars().enumerate() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => out.extend(['\\', letter]),
            '-' | '+' if place == 0 => out.extend(['\\', letter]),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// A table. Cells are Markdown already.
pub(super) fn table(out: &mut String, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    line(out, heads.iter().map(|head| (*head).to_owned()));
    line(out, heads.iter().enumerate().map(|(place, _)| if place == 0 { "---" } else { "---:" }.to_owned()));
    rows.into_iter().for_each(|row| line(out, row));
    out.push('\n');
}

/// A table of names and texts.
pub(super) fn pairs<'t>(out: &mut String, rows: impl IntoIterator<Item = (&'t str, String)>) {
    line(out, ["", ""].map(str::to_owned));
    line(out, ["---", "---"].map(str::to_owned));
    rows.into_iter().for_each(|(name, value)| line(out, [escaped(name), escaped(&value)]));
    out.push('\n');
}

fn line(out: &mut String, cells: impl IntoIterator<Item = String>) {
    out.push('|');
    for cell in cells {
        // Writing to a string does not fail.
        let _ = write!(out, " {cell} |");
    }
    out.push('\n');
}

/// Four digits that count.
pub(super) fn number(value: f64) -> String {
    let value = rounded(value);
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e6).contains(&size) => {
            let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
            format!("{value:.decimals$}")
        }
        _ => format!("{value:.3e}"),
    }
}

/// With its sign.
pub(super) fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", number(value)) } else { number(value) }
}

/// The ends of an interval.
pub(super) fn ends(estimate: &Estimate) -> String {
    format!("{} to {}", number(estimate.low), number(estimate.high))
}

/// A number with its interval.
#[must_use]
pub fn estimate(estimate: &Estimate) -> String {
    format!("{} ({})", number(estimate.value), ends(estimate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1.000"),
            (0.954_321, "0.9543"),
            (0.012_345_6, "0.01235"),
            (123.456, "123.5"),
            (-98_765.4, "-98765"),
            (1e-7, "1.000e-7"),
            (2.5e9, "2.500e9"),
        ] {
            assert_eq!(number(value), expected);
        }
        assert_eq!(signed(0.5), "+0.5000");
        assert_eq!(signed(-0.5), "-0.5000");
    }

    #[test]
    fn nothing_in_a_text_is_markup() {
        let text = "# a | b <script>\n[x](http://y) *bold* `code` \\ & - _";
        let expected = "\\# a \\| b &lt;script&gt; \\[x\\](http://y) \\*bold\\* \\`code\\` \\\\ &amp; - \\_";
        assert_eq!(escaped(text), expected);
        assert_eq!(escaped("- item"), "\\- item");
    }

    proptest! {
        #[test]
        fn every_row_has_as_many_cells_as_heads(cells in prop::collection::vec(".{0,20}", 3)) {
            let mut out = String::new();
            table(&mut out, &["a", "b", "c"], [cells.iter().map(|cell| escaped(cell)).collect()]);
            let lines: Vec<&str> = out.lines().collect();
            prop_assert_eq!(lines.len(), 4, "{}", out);
            // Escaped backslashes first: what is left before a bar escapes it.
            let bars = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
            prop_assert_eq!((bars(lines[0]), bars(lines[2])), (4, 4), "{}", out);
        }
    }
}
