//! Which classes are taken for which.

use super::WIDTH;
use crate::{
    evaluate::confusion::Confusion,
    svg::{Anchor, Ink, Picture},
};

/// Cells of more classes are too small for numbers and names.
const MOST_NAMED: usize = 20;
/// Letters of a name.
const LONGEST: usize = 14;

/// Right classes downwards, served ones to the right; a cell is as dark as the share of its row. `names` `[classes]`.
pub(crate) fn confusion(counts: &Confusion, names: &[String]) -> String {
    let classes = counts.classes().max(1);
    let (left, top) = (130.0, 80.0);
    let cell = ((WIDTH - left - 40.0) / classes as f64).min(56.0);
    let (side, is_named) = (cell * classes as f64, classes <= MOST_NAMED);
    let title = format!("Confusion: {} of {} records right", counts.correct(), counts.records());
    let mut picture = Picture::new(WIDTH, top + side + 60.0, &title);
    for (row, cells) in counts.rows().iter().enumerate() {
        let all = counts.class(row).records.max(1);
        let y = top + cell * row as f64;
        for (column, count) in cells.iter().enumerate() {
            let x = left + cell * column as f64;
            let ink = if row == column { Ink::One } else { Ink::Two };
            if *count > 0 {
                picture.shade((x + 1.0, y + 1.0), (cell - 2.0, cell - 2.0), ink, f64::from(*count) / f64::from(all));
            }
            if is_named && *count > 0 {
                picture.words(x + cell / 2.0, y + cell / 2.0 + 4.0, Anchor::Middle, &count.to_string());
            }
        }
        if is_named {
            let name = short(names.get(row), row);
            picture.words(left - 8.0, y + cell / 2.0 + 4.0, Anchor::End, &name);
            // Above one another where columns are narrower than names.
            let lift = if cell < 40.0 && row % 2 == 1 { 14.0 } else { 0.0 };
            picture.words(left + cell * (row as f64 + 0.5), top - 6.0 - lift, Anchor::Middle, &clipped(&name, cell));
        }
    }
    for end in [0.0, side] {
        picture.line((left + end, top), (left + end, top + side), Ink::Axis);
        picture.line((left, top + end), (left + side, top + end), Ink::Axis);
    }
    let caption = "right class downwards, served class to the right; the darker, the larger the share of its row";
    picture.words(16.0, top + side + 34.0, Anchor::Start, caption);
    picture.finish()
}

fn short(name: Option<&String>, place: usize) -> String {
    let name = name.cloned().unwrap_or_else(|| place.to_string());
    match name.chars().count() > LONGEST {
        true => format!("{}…", name.chars().take(LONGEST - 1).collect::<String>()),
        false => name,
    }
}

/// As many letters as stand above two columns.
fn clipped(name: &str, cell: f64) -> String {
    name.chars().take(((cell * 2.0 / 7.0) as usize).max(1)).collect()
}
