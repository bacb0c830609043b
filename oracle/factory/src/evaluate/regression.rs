//! How good a regression is.

use serde::{Deserialize, Serialize};

use super::{
    answers::{Answers, ValueAnswer},
    interval::{Estimate, bootstrap, mean},
    metric::Metric,
};

/// Points of the residual plot, at most.
pub const MOST_POINTS: usize = 500;
/// Shares whose residuals are told.
const SHARES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// A regression on one set of records, in the label's unit. Intervals are at 95 %, over bootstrap resamples of the
/// records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Regression {
    /// Records evaluated.
    pub records: u32,
    /// Mean of |label − answer|.
    pub mean_absolute_error: Estimate,
    /// Root of the mean of (label − answer)².
    pub root_mean_squared_error: Estimate,
    /// R²: the share of the labels' variance that is explained; below 0 for answers worse than the labels' mean. None
    /// where labels do not vary.
    pub variance_explained: Option<Estimate>,
    /// Residuals, label − answer, by the share of records that lie below them.
    pub residuals: Vec<Quantile>,
    /// Answer and residual of at most [`MOST_POINTS`] records, evenly taken.
    pub points: Vec<[f64; 2]>,
}

/// A quantile, linear between records (Hyndman & Fan, 1996, type 7).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// The share of records below.
    pub share: f64,
    /// What they are below.
    pub value: f64,
}

impl Regression {
    /// `None` for answers to no record or of a classifier.
    pub fn of(answers: &Answers) -> Option<Self> {
        let Answers::Values(records) = answers else { return None };
        let step = records.len().div_ceil(MOST_POINTS).max(1);
        let mut residuals: Vec<f64> = records.iter().map(ValueAnswer::residual).collect();
        residuals.sort_unstable_by(f64::total_cmp);
        let quantile = |share| Some(Quantile { share, value: quantile(&residuals, share)? });
        Some(Self {
            records: records.len() as u32,
            mean_absolute_error: Metric::MeanAbsoluteError.estimate(answers)?,
            root_mean_squared_error: Metric::RootMeanSquaredError.estimate(answers)?,
            variance_explained: bootstrap(records.len(), |times| variance_explained(records, times)),
            residuals: SHARES.into_iter().map(quantile).collect::<Option<_>>()?,
            points: records.iter().step_by(step).map(|record| [record.answer, record.residual()]).collect(),
        })
    }
}

fn variance_explained(records: &[ValueAnswer], times: &[u32]) -> Option<f64> {
    let labels = || records.iter().map(|record| record.label);
    let middle = mean(labels(), times)?;
    let all = mean(labels().map(|label| (label - middle).powi(2)), times)?;
    let left = mean(records.iter().map(|record| record.residual().powi(2)), times)?;
    (all > 0.0).then(|| 1.0 - left / all)
}

/// Of ascending numbers.
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;
    use tributary_attribution::Labels;

    fn of(labels: &[f32], answers: &[f32]) -> Regression {
        let answers = Array1::from(answers.to_vec()).into_dyn();
        Regression::of(&Answers::new(&Labels::Values(labels.to_vec()), answers).unwrap()).unwrap()
    }

    #[test]
    fn numbers_are_what_a_hand_computes() {
        // Residuals 1, −1, 2, 0; labels' mean 3 and squares about it 4 + 1 + 1 + 4.
        let found = of(&[1.0, 2.0, 4.0, 5.0], &[0.0, 3.0, 2.0, 5.0]);
        assert_eq!(found.records, 4);
        assert_eq!(found.mean_absolute_error.value, 1.0);
        assert!((found.root_mean_squared_error.value - 1.5f64.sqrt()).abs() < 1e-12);
        assert!((found.variance_explained.unwrap().value - (1.0 - 6.0 / 10.0)).abs() < 1e-12);
        // −1, 0, 1, 2: the median is ½, a quarter lies below −¼.
        assert_eq!(found.residuals[1], Quantile { share: 0.25, value: -0.25 });
        assert_eq!(found.residuals[2].value, 0.5);
        assert_eq!(found.points, [[0.0, 1.0], [3.0, -1.0], [2.0, 2.0], [5.0, 0.0]]);
    }

    #[test]
    fn the_mean_explains_nothing_and_constants_have_nothing_to_explain() {
        assert_eq!(of(&[1.0, 3.0], &[2.0, 2.0]).variance_explained.unwrap().value, 0.0);
        assert_eq!(of(&[2.0, 2.0], &[2.0, 3.0]).variance_explained, None);
        assert_eq!(of(&[1.0, 3.0], &[1.0, 3.0]).variance_explained.unwrap().value, 1.0);
    }

    #[test]
    fn a_plot_has_only_so_many_points() {
        let many: Vec<f32> = (0..1_501).map(|i| i as f32).collect();
        assert_eq!(of(&many, &many).points.len(), 376);
    }
}
