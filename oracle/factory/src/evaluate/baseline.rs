//! What anybody could answer who had seen nothing but the training labels.

use tributary_attribution::{AttributionError, Labels};

use super::answers::{Answers, ClassAnswer, ValueAnswer};
use crate::FactoryError;

/// An answer that does not look at the record.
#[derive(Clone, Debug, PartialEq)]
pub enum Baseline {
    /// The classes by how often they occur, `[classes]`, each counted once more than it does (Laplace), so that none is
    /// impossible. The most frequent is served.
    Frequencies(Vec<f64>),
    /// The mean.
    Mean(f64),
}

impl Baseline {
    /// Of training labels; `classes` is how many the model tells apart, and says nothing of numbers.
    ///
    /// # Errors
    /// [`FactoryError::NoRecords`], [`FactoryError::Attribution`] for other labels.
    pub fn of(training: &Labels, classes: usize) -> Result<Self, FactoryError> {
        if training.is_empty() {
            return Err(FactoryError::NoRecords);
        }
        match training {
            Labels::Classes(labels) => {
                let mut counts = vec![1.0; classes];
                for (record, label) in labels.iter().enumerate() {
                    *counts.get_mut(*label).ok_or(AttributionError::Label { record, label: *label, classes })? += 1.0;
                }
                let all: f64 = counts.iter().sum();
                Ok(Self::Frequencies(counts.into_iter().map(|count| count / all).collect()))
            }
            Labels::Values(labels) => {
                Ok(Self::Mean(labels.iter().map(|label| f64::from(*label)).sum::<f64>() / labels.len() as f64))
            }
            Labels::Several(_) | Labels::Tokens(_) => Err(other()),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Frequencies(_) => "trivial baseline: class frequencies of the training records",
            Self::Mean(_) => "trivial baseline: mean of the training records",
        }
    }

    /// The same answer to every record.
    ///
    /// # Errors
    /// [`FactoryError::Attribution`] for labels of another kind or class.
    pub fn answers(&self, labels: &Labels) -> Result<Answers, FactoryError> {
        match (self, labels) {
            (Self::Frequencies(shares), Labels::Classes(labels)) => {
                let logits: Vec<f64> = shares.iter().map(|share| share.ln()).collect();
                let largest = shares.iter().copied().fold(0.0, f64::max);
                let served = shares.iter().position(|share| *share == largest).unwrap_or_default();
                let classes = shares.len();
                let of = |(record, label): (usize, &usize)| {
                    let beyond = AttributionError::Label { record, label: *label, classes };
                    ClassAnswer::of(&logits, *label, served).ok_or(beyond)
                };
                Ok(Answers::Classes { classes, records: labels.iter().enumerate().map(of).collect::<Result<_, _>>()? })
            }
            (Self::Mean(mean), Labels::Values(labels)) => {
                let of = |label: &f32| ValueAnswer { label: f64::from(*label), answer: *mean };
                Ok(Answers::Values(labels.iter().map(of).collect()))
            }
            _ => Err(other()),
        }
    }
}

fn other() -> FactoryError {
    AttributionError::NotAttributed("a baseline answers with a class or with a number".to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Metric;

    #[test]
    fn the_most_frequent_class_is_served_with_its_frequency() {
        let baseline = Baseline::of(&Labels::Classes(vec![1, 1, 1, 0]), 3).unwrap();
        assert_eq!(baseline, Baseline::Frequencies(vec![2.0 / 7.0, 4.0 / 7.0, 1.0 / 7.0]));
        let answers = baseline.answers(&Labels::Classes(vec![1, 1, 2, 0])).unwrap();
        assert_eq!(Metric::Accuracy.estimate(&answers).unwrap().value, 0.5);
        let expected = -(2.0 * (4.0f64 / 7.0).ln() + (1.0f64 / 7.0).ln() + (2.0f64 / 7.0).ln()) / 4.0;
        assert!((Metric::LogLoss.estimate(&answers).unwrap().value - expected).abs() < 1e-12);
    }

    #[test]
    fn a_number_is_answered_by_the_mean() {
        let baseline = Baseline::of(&Labels::Values(vec![1.0, 2.0, 6.0]), 1).unwrap();
        assert_eq!(baseline, Baseline::Mean(3.0));
        let answers = baseline.answers(&Labels::Values(vec![5.0, 2.0])).unwrap();
        assert_eq!(Metric::MeanAbsoluteError.estimate(&answers).unwrap().value, 1.5);
    }

    #[test]
    fn other_labels_are_refused() {
        assert!(matches!(Baseline::of(&Labels::Values(vec![]), 1), Err(FactoryError::NoRecords)));
        assert!(matches!(Baseline::of(&Labels::Classes(vec![3]), 3), Err(FactoryError::Attribution(_))));
        let mean = Baseline::Mean(1.0);
        assert!(matches!(mean.answers(&Labels::Classes(vec![1])), Err(FactoryError::Attribution(_))));
    }
}
