//! One model against another on the same records.

use serde::{Deserialize, Serialize};

use super::{answers::Answers, interval::Estimate, metric::Metric};
use crate::FactoryError;

/// A model beside a baseline or a base model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Comparison {
    /// What it is compared with.
    pub with: String,
    /// By accuracy and log loss, or by mean absolute and root mean squared error.
    pub metrics: Vec<Paired>,
}

/// Two models by one metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Paired {
    /// By what.
    pub metric: Metric,
    /// The model's.
    pub model: Estimate,
    /// The other's.
    pub other: Estimate,
    /// The model's minus the other's. Its 95 % interval is narrower than the two alone suggest: both are measured on the
    /// same resamples.
    pub difference: Estimate,
}

impl Paired {
    /// Compares by one metric.
    ///
    /// # Errors
    /// [`FactoryError::NotComparable`], [`FactoryError::NoRecords`].
    pub fn new(metric: Metric, model: &Answers, other: &Answers) -> Result<Self, FactoryError> {
        if !same_labels(model, other) {
            return Err(FactoryError::NotComparable);
        }
        let found = || {
            let (of_model, of_other) = (metric.estimate(model)?, metric.estimate(other)?);
            Some(Self { metric, model: of_model, other: of_other, difference: metric.difference(model, other)? })
        };
        found().ok_or(FactoryError::NoRecords)
    }

    /// Whether the model is better, worse, or neither for sure: the interval holds 0.
    pub fn verdict(&self) -> Verdict {
        let (low, high) = (self.difference.low, self.difference.high);
        match (low > 0.0, high < 0.0) {
            (true, _) if self.metric.rises() => Verdict::Better,
            (true, _) => Verdict::Worse,
            (_, true) if self.metric.rises() => Verdict::Worse,
            (_, true) => Verdict::Better,
            _ => Verdict::Open,
        }
    }
}

/// What a comparison shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The model is better.
    Better,
    /// It is worse.
    Worse,
    /// These records do not tell.
    Open,
}

/// Compares answers of two models to the same records.
///
/// # Errors
/// [`FactoryError::NotComparable`], [`FactoryError::NoRecords`].
pub fn compare(with: impl Into<String>, model: &Answers, other: &Answers) -> Result<Comparison, FactoryError> {
    let metrics = Metric::compared(model).into_iter().map(|metric| Paired::new(metric, model, other));
    Ok(Comparison { with: with.into(), metrics: metrics.collect::<Result<_, _>>()? })
}

fn same_labels(model: &Answers, other: &Answers) -> bool {
    match (model, other) {
        (Answers::Classes { records: model, .. }, Answers::Classes { records: other, .. }) => {
            model.iter().map(|answer| answer.label).eq(other.iter().map(|answer| answer.label))
        }
        (Answers::Values(model), Answers::Values(other)) => {
            model.iter().map(|answer| answer.label).eq(other.iter().map(|answer| answer.label))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::testing::answered;

    fn classes(pairs: &[(usize, usize)]) -> Answers {
        Answers::Classes { classes: 2, records: answered(pairs) }
    }

    #[test]
    fn a_difference_is_paired() {
        // Both are wrong on half the records; on every fifth only the other is wrong too.
        let model: Vec<(usize, usize)> = (0..200).map(|i| (0, i % 2)).collect();
        let other: Vec<(usize, usize)> = (0..200).map(|i| (0, usize::from(i % 2 == 1 || i % 10 == 0))).collect();
        let found = compare("another", &classes(&model), &classes(&other)).unwrap();
        let [accuracy, loss] = found.metrics[..] else { panic!("{found:?}") };
        assert!((accuracy.difference.value - 0.1).abs() < 1e-12, "{accuracy:?}");
        // The deviation of a difference that is 1 with probability 0.1: 0.3 / √200 each way, less than half of what the
        // two intervals have.
        let width = accuracy.difference.high - accuracy.difference.low;
        assert!((width / (2.0 * 1.96 * 0.3 / 200f64.sqrt()) - 1.0).abs() < 0.15, "{width}");
        assert_eq!((accuracy.verdict(), loss.verdict()), (Verdict::Better, Verdict::Open));
        let reversed = compare("it", &classes(&other), &classes(&model)).unwrap();
        assert_eq!(reversed.metrics[0].verdict(), Verdict::Worse);
    }

    #[test]
    fn only_answers_to_the_same_records_are_compared() {
        let refused = |a: &Answers, b: &Answers| compare("x", a, b).unwrap_err();
        let here = classes(&[(0, 0), (1, 1)]);
        assert!(matches!(refused(&here, &classes(&[(1, 0), (1, 1)])), FactoryError::NotComparable));
        assert!(matches!(refused(&here, &classes(&[(0, 0)])), FactoryError::NotComparable));
        assert!(matches!(refused(&here, &Answers::Values(vec![])), FactoryError::NotComparable));
        assert!(matches!(refused(&classes(&[]), &classes(&[])), FactoryError::NoRecords));
    }
}
