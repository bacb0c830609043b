//! Records unlike the others.
//!
//! Images and tables: the distance of a record to the middle of its class (coordinate-wise median), as a modified z-score
//! among the distances of its class. Classes with few records are measured against all. Text and tokens: the logarithm of the
//! length, as a modified z-score; of text also the share of unusual characters.

use std::collections::BTreeMap;

use super::{
    Desk, Screening,
    robust::{Spread, thousandths},
    space::{Space, middle, squared_distance},
    verdict::{Decision, Measured, Reason},
};

/// With fewer records, nothing is usual.
const FEWEST: usize = 20;
/// Numbers held at once for a median.
const MOST_NUMBERS: usize = 1 << 24;

/// Holds outliers among the records at these places.
pub(super) fn screen(desk: &Desk<'_, '_>, space: Option<&Space<'_>>, places: &[usize], screening: &mut Screening) {
    let mut hold = |place: usize, measured, score: f64, threshold: f64| {
        if score > threshold {
            let reason = Reason::Outlier { measured, score: thousandths(score), threshold };
            screening.verdicts[place].add(Decision::Hold, reason);
        }
    };
    let threshold = desk.rules.outlier;
    if threshold > 0.0 && places.len() >= FEWEST {
        match space {
            Some(space) => {
                distances(desk, space, places, |place, score| hold(place, Measured::Distance, score, threshold));
            }
            None => lengths(desk, places, |place, score| hold(place, Measured::Length, score, threshold)),
        }
    }
    for place in places {
        if let Some(text) = desk.schema.text(desk.record(*place)) {
            hold(*place, Measured::UnusualCharacters, unusual(text), desk.rules.unusual);
        }
    }
}

fn distances(desk: &Desk<'_, '_>, space: &Space<'_>, places: &[usize], mut report: impl FnMut(usize, f64)) {
    let mut classes: BTreeMap<Option<u32>, Vec<usize>> = BTreeMap::new();
    for place in places {
        classes.entry(desk.class(*place)).or_default().push(*place);
    }
    let most = (MOST_NUMBERS / space.size.max(1)).max(FEWEST);
    let middle_of = |places: &[usize]| {
        let sample = desk.sample(places, most);
        let mut points = vec![0.0; sample.len() * space.size];
        for (place, point) in sample.iter().zip(points.chunks_exact_mut(space.size.max(1))) {
            space.point(desk.record(*place), point);
        }
        middle(&points, space.size)
    };
    let mut point = vec![0.0; space.size];
    let mut measure = |middle: &[f64], places: &[usize]| -> Vec<f64> {
        let distance = |place: &usize| {
            space.point(desk.record(*place), &mut point);
            squared_distance(middle, &point).sqrt()
        };
        places.iter().map(distance).collect()
    };
    let small = classes.values().any(|places| places.len() < FEWEST);
    let all = small.then(|| {
        let middle = middle_of(places);
        let spread = Spread::of(measure(&middle, places));
        (middle, spread)
    });
    for places in classes.values() {
        let (distances, spread) = match &all {
            Some((middle, spread)) if places.len() < FEWEST => (measure(middle, places), *spread),
            _ => {
                let distances = measure(&middle_of(places), places);
                let spread = Spread::of(distances.clone());
                (distances, spread)
            }
        };
        for (place, distance) in places.iter().zip(distances) {
            report(*place, spread.score(distance));
        }
    }
}

fn lengths(desk: &Desk<'_, '_>, places: &[usize], mut report: impl FnMut(usize, f64)) {
    let length = |place: &usize| (desk.schema.feature_bytes(desk.record(*place)).len() as f64).ln();
    let lengths: Vec<f64> = places.iter().map(length).collect();
    let spread = Spread::of(lengths.clone());
    // Much longer or shorter; lengths that are nearly all equal say nothing against one that is not.
    let least = Spread { scale: spread.scale.max(0.1), ..spread };
    for (place, length) in places.iter().zip(lengths) {
        report(*place, least.score(length).abs());
    }
}

/// The share of characters that no ordinary text is made of: neither letters, digits, blanks nor punctuation.
fn unusual(text: &str) -> f64 {
    let usual = |character: char| {
        character.is_alphanumeric()
            || matches!(character, ' ' | '\n' | '\r' | '\t' | '!'..='~' | '\u{a0}'..='\u{bf}')
            // Combining marks, general punctuation and currencies, punctuation of East Asia.
            || matches!(character, '\u{300}'..='\u{36f}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}')
            || matches!(character, '\u{20a0}'..='\u{20cf}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}')
            // Vowel signs of the scripts of South and South-East Asia, of Hebrew and of Arabic.
            || matches!(character, '\u{591}'..='\u{5c7}' | '\u{60c}'..='\u{6ff}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
    };
    let (mut all, mut odd) = (0u32, 0u32);
    for character in text.chars() {
        all += 1;
        odd += u32::from(!usual(character));
    }
    f64::from(odd) / f64::from(all.max(1))
}
