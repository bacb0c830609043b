//! How well two classes are told apart at all thresholds.

use super::{
    answers::ClassAnswer,
    interval::{Estimate, bootstrap},
};

/// Area under the receiver operating characteristic of the second of two classes: the probability that one of its records
/// scores above one of the first's, ties half (Hanley & McNeil, 1982). `None` where one of them has no record.
pub(super) fn area(answers: &[ClassAnswer]) -> Option<Estimate> {
    let mut order: Vec<usize> = (0..answers.len()).collect();
    let score = |place: &usize| answers.get(*place).map_or(0.0, |answer| answer.score);
    order.sort_by(|a, b| score(a).total_cmp(&score(b)));
    let mut levels: Vec<Vec<usize>> = Vec::new();
    for place in order {
        match levels.last_mut() {
            Some(level) if level.first().is_some_and(|first| score(first) == score(&place)) => level.push(place),
            _ => levels.push(vec![place]),
        }
    }
    bootstrap(answers.len(), |times| {
        let (mut won, mut below, mut above) = (0.0, 0.0, 0.0);
        for level in &levels {
            let (mut first, mut second) = (0.0, 0.0);
            for place in level {
                let (Some(answer), Some(times)) = (answers.get(*place), times.get(*place)) else { continue };
                match answer.label {
                    0 => first += f64::from(*times),
                    _ => second += f64::from(*times),
                }
            }
            won += second * (below + first / 2.0);
            below += first;
            above += second;
        }
        (below > 0.0 && above > 0.0).then(|| won / (below * above))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::testing::scored;
    use proptest::prelude::*;

    #[test]
    fn perfect_reversed_and_undefined() {
        assert_eq!(area(&scored(&[(0, -1.0), (0, 0.0), (1, 1.0)])).unwrap().value, 1.0);
        assert_eq!(area(&scored(&[(1, -1.0), (0, 0.0)])).unwrap().value, 0.0);
        assert_eq!(area(&scored(&[(1, 1.0), (0, 1.0)])).unwrap().value, 0.5);
        assert_eq!(area(&scored(&[(1, 1.0), (1, 2.0)])), None);
        assert_eq!(area(&[]), None);
    }

    proptest! {
        #[test]
        fn it_is_the_share_of_pairs_in_order(pairs in prop::collection::vec((0usize..2, -4i32..4), 2..40)) {
            let pairs: Vec<(usize, f64)> = pairs.into_iter().map(|(label, score)| (label, f64::from(score))).collect();
            let (mut won, mut all) = (0.0, 0.0);
            for (_, second) in pairs.iter().filter(|(label, _)| *label == 1) {
                for (_, first) in pairs.iter().filter(|(label, _)| *label == 0) {
                    won += if second > first { 1.0 } else if second == first { 0.5 } else { 0.0 };
                    all += 1.0;
                }
            }
            let found = area(&scored(&pairs));
            match all > 0.0 {
                true => prop_assert!((found.unwrap().value - won / all).abs() < 1e-12),
                false => prop_assert!(found.is_none()),
            }
        }
    }
}
