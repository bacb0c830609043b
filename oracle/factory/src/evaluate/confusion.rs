//! Which classes are taken for which.

use serde::{Deserialize, Serialize};

use super::answers::ClassAnswer;

/// Records by their right class (rows) and by the class that is served (columns), `[classes, classes]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion(Vec<Vec<u32>>);

/// One class against the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassTally {
    /// Records of this class.
    pub records: u32,
    /// Records that it is served for.
    pub served: u32,
    /// Records that are both.
    pub correct: u32,
}

impl ClassTally {
    /// Of the records that the class is served for, the share that is right. `None` where it is never served.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.correct, self.served)
    }

    /// Of the class's records, the share that is found. `None` without any.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.correct, self.records)
    }

    /// The harmonic mean of both: 2·correct / (records + served). `None` for a class that neither has records nor is
    /// served.
    pub fn f1(&self) -> Option<f64> {
        ratio(2 * self.correct, self.records + self.served)
    }
}

fn ratio(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

impl Confusion {
    pub(super) fn of(classes: usize, answers: &[ClassAnswer]) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        for answer in answers {
            if let Some(count) = counts.get_mut(answer.label).and_then(|row| row.get_mut(answer.served)) {
                *count += 1;
            }
        }
        Self(counts)
    }

    /// The counts, a row a right class.
    pub fn rows(&self) -> &[Vec<u32>] {
        &self.0
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.0.len()
    }

    /// All records.
    pub fn records(&self) -> u32 {
        self.0.iter().flatten().sum()
    }

    /// Records on the diagonal.
    pub fn correct(&self) -> u32 {
        self.0.iter().enumerate().filter_map(|(class, row)| row.get(class)).sum()
    }

    /// One class against the others; zeros for one that does not exist.
    pub fn class(&self, class: usize) -> ClassTally {
        ClassTally {
            records: self.0.get(class).map_or(0, |row| row.iter().sum()),
            served: self.0.iter().filter_map(|row| row.get(class)).sum(),
            correct: self.0.get(class).and_then(|row| row.get(class)).copied().unwrap_or_default(),
        }
    }
}

/// The mean F1 of the classes that have records or are served, each record as often as it counts.
pub(super) fn macro_f1(classes: usize, answers: &[ClassAnswer], times: &[u32]) -> Option<f64> {
    let mut tallies = vec![ClassTally::default(); classes];
    for (answer, times) in answers.iter().zip(times) {
        if let Some(tally) = tallies.get_mut(answer.label) {
            tally.records += times;
            tally.correct += if answer.is_right() { *times } else { 0 };
        }
        if let Some(tally) = tallies.get_mut(answer.served) {
            tally.served += times;
        }
    }
    let scores: Vec<f64> = tallies.iter().filter_map(ClassTally::f1).collect();
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::testing::answered;
    use proptest::prelude::*;

    #[test]
    fn scores_are_what_a_hand_computes() {
        let answers = answered(&[(0, 0), (0, 0), (0, 1), (1, 1), (2, 0)]);
        let confusion = Confusion::of(4, &answers);
        assert_eq!(confusion.rows()[0], [2, 1, 0, 0]);
        assert_eq!((confusion.records(), confusion.correct()), (5, 3));
        let first = confusion.class(0);
        assert_eq!(
            (first.precision(), first.recall(), first.f1()),
            (Some(2.0 / 3.0), Some(2.0 / 3.0), Some(2.0 / 3.0))
        );
        assert_eq!(confusion.class(1).f1(), Some(2.0 / 3.0));
        assert_eq!((confusion.class(2).precision(), confusion.class(2).f1()), (None, Some(0.0)));
        assert_eq!(confusion.class(3).f1(), None);
        // The fourth class neither occurs nor is served.
        let expected = (2.0 / 3.0 + 2.0 / 3.0 + 0.0) / 3.0;
        assert!((macro_f1(4, &answers, &[1; 5]).unwrap() - expected).abs() < 1e-12);
        // Twice the second error, nothing of the last.
        let weighted = macro_f1(4, &answers, &[1, 1, 2, 1, 0]).unwrap();
        assert!((weighted - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12, "{weighted}");
        assert_eq!(macro_f1(4, &answers, &[0; 5]), None);
    }

    proptest! {
        #[test]
        fn rows_sum_to_their_classes(pairs in prop::collection::vec((0usize..5, 0usize..5), 0..80)) {
            let confusion = Confusion::of(5, &answered(&pairs));
            for class in 0..5 {
                let labelled = pairs.iter().filter(|(label, _)| *label == class).count() as u32;
                let served = pairs.iter().filter(|(_, served)| *served == class).count() as u32;
                prop_assert_eq!(confusion.class(class).records, labelled);
                prop_assert_eq!(confusion.class(class).served, served);
            }
            prop_assert_eq!(confusion.records() as usize, pairs.len());
        }
    }
}
