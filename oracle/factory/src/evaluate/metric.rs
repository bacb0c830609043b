//! What is measured of a model.

use serde::{Deserialize, Serialize};

use super::{
    answers::{Answers, ClassAnswer, ValueAnswer},
    interval::{Estimate, bootstrap, mean, wilson},
};

/// A number that says how good answers are. Each is a mean over records, or a function of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Metric {
    /// Share of classes that are right.
    Accuracy,
    /// Mean of −ln p of the right class, in nats.
    LogLoss,
    /// Mean squared distance between probabilities and the right answer, summed over all classes: 0 to 2 (Brier, 1950).
    BrierScore,
    /// Mean of |label − answer|, in the label's unit.
    MeanAbsoluteError,
    /// Root of the mean of (label − answer)², in the label's unit.
    RootMeanSquaredError,
}

impl Metric {
    /// What one number says of such answers: accuracy or mean absolute error.
    pub fn first(answers: &Answers) -> Self {
        match answers {
            Answers::Classes { .. } => Self::Accuracy,
            Answers::Values(_) => Self::MeanAbsoluteError,
        }
    }

    /// What two models are compared by.
    pub(super) fn compared(answers: &Answers) -> [Self; 2] {
        match answers {
            Answers::Classes { .. } => [Self::Accuracy, Self::LogLoss],
            Answers::Values(_) => [Self::MeanAbsoluteError, Self::RootMeanSquaredError],
        }
    }

    /// As people say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::LogLoss => "log loss",
            Self::BrierScore => "Brier score",
            Self::MeanAbsoluteError => "mean absolute error",
            Self::RootMeanSquaredError => "root mean squared error",
        }
    }

    /// Whether more is better.
    pub fn rises(self) -> bool {
        self == Self::Accuracy
    }

    /// With a 95 % interval: Wilson's for accuracy, otherwise over bootstrap resamples. `None` for answers to no record or
    /// of another task.
    pub fn estimate(self, answers: &Answers) -> Option<Estimate> {
        let values = self.of_records(answers)?;
        match self {
            Self::Accuracy => wilson(values.iter().filter(|right| **right > 0.0).count() as u32, values.len() as u32),
            _ => bootstrap(values.len(), |times| self.of_values(&values, times)),
        }
    }

    /// `model` minus `other` on the same records, with a 95 % interval over resamples of these records, in each of which
    /// both are measured. `None` as for [`Metric::estimate`] or where their numbers differ.
    pub(super) fn difference(self, model: &Answers, other: &Answers) -> Option<Estimate> {
        let (model, other) = (self.of_records(model)?, self.of_records(other)?);
        if model.len() != other.len() {
            return None;
        }
        bootstrap(model.len(), |times| Some(self.of_values(&model, times)? - self.of_values(&other, times)?))
    }

    fn of_values(self, values: &[f64], times: &[u32]) -> Option<f64> {
        let mean = mean(values.iter().copied(), times)?;
        Some(if self == Self::RootMeanSquaredError { mean.sqrt() } else { mean })
    }

    /// What each record adds to the mean.
    fn of_records(self, answers: &Answers) -> Option<Vec<f64>> {
        let of_class: fn(&ClassAnswer) -> f64 = match self {
            Self::Accuracy => |answer| f64::from(u8::from(answer.is_right())),
            Self::LogLoss => |answer| answer.loss,
            Self::BrierScore => |answer| answer.brier,
            Self::MeanAbsoluteError | Self::RootMeanSquaredError => {
                let of_value: fn(&ValueAnswer) -> f64 = match self {
                    Self::MeanAbsoluteError => |answer| answer.residual().abs(),
                    _ => |answer| answer.residual().powi(2),
                };
                let Answers::Values(records) = answers else { return None };
                return Some(records.iter().map(of_value).collect());
            }
        };
        let Answers::Classes { records, .. } = answers else { return None };
        Some(records.iter().map(of_class).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use tributary_attribution::Labels;

    #[test]
    fn metrics_are_what_a_hand_computes() {
        let half = array![[0.0f32, 0.0], [0.0, 0.0], [0.0, 0.0]].into_dyn();
        let classes = Answers::new(&Labels::Classes(vec![0, 1, 0]), half).unwrap();
        let values = Answers::new(&Labels::Values(vec![1.0, 2.0]), array![0.0f32, 5.0].into_dyn()).unwrap();
        for (metric, answers, expected) in [
            (Metric::Accuracy, &classes, 2.0 / 3.0),
            (Metric::LogLoss, &classes, std::f64::consts::LN_2),
            (Metric::BrierScore, &classes, 0.5),
            (Metric::MeanAbsoluteError, &values, 2.0),
            (Metric::RootMeanSquaredError, &values, 5f64.sqrt()),
        ] {
            let found = metric.estimate(answers).unwrap();
            assert!((found.value - expected).abs() < 1e-12, "{metric:?} {found:?}");
            assert_eq!(metric.difference(answers, answers).unwrap(), Estimate { value: 0.0, low: 0.0, high: 0.0 });
        }
        assert_eq!(Metric::Accuracy.estimate(&values), None);
        assert_eq!(Metric::MeanAbsoluteError.estimate(&classes), None);
        assert_eq!(Metric::Accuracy.difference(&classes, &classes.select(&[0])), None);
        assert_eq!(Metric::Accuracy.estimate(&classes.select(&[])), None);
    }
}
