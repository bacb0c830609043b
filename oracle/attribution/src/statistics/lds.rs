//! The linear datamodelling score (Ilyas et al. 2022, Park et al. 2023): retrain on random subsets of records or of
//! contributors, and see for every query whether summed scores rank the subsets as the retrained outputs do.

use ndarray::{Array2, ArrayView2};

use super::{Interval, bootstrap, spearman};
use crate::AttributionError;

/// How well scores predict retraining.
#[derive(Clone, Debug, PartialEq)]
pub struct Datamodelling {
    /// Mean over queries, with a 95 % interval over them.
    pub interval: Interval,
    /// Per query whose retrained outputs vary at all, Spearman's correlation over subsets. Scores that tell no subset
    /// from another correlate by zero.
    pub queries: Vec<f64>,
}

/// What scores `[queries, members]` say of each subset, `[queries, subsets]`: the sum over those in it. `subsets`
/// `[subsets, members]` is 1 where a member is in, else 0.
///
/// # Errors
/// [`AttributionError::Shape`].
pub fn subset_sums(scores: ArrayView2<'_, f64>, subsets: ArrayView2<'_, f64>) -> Result<Array2<f64>, AttributionError> {
    match (scores.ncols(), subsets.ncols()) {
        (expected, found) if expected == found => Ok(scores.dot(&subsets.t())),
        (expected, found) => Err(AttributionError::Shape { what: "members of a subset", expected, found }),
    }
}

/// Judges `predicted` outputs `[queries, subsets]` by those of models `retrained` on the subsets, `[queries, subsets]`.
/// The same seed gives the same interval.
///
/// # Errors
/// [`AttributionError::Shape`], [`AttributionError::NotFinite`]; [`AttributionError::NoRecords`] if no query's retrained
/// outputs vary.
pub fn lds(
    predicted: ArrayView2<'_, f64>,
    retrained: ArrayView2<'_, f64>,
    seed: u64,
) -> Result<Datamodelling, AttributionError> {
    for (what, expected, found) in [
        ("predicted queries", retrained.nrows(), predicted.nrows()),
        ("predicted subsets", retrained.ncols(), predicted.ncols()),
    ] {
        if expected != found {
            return Err(AttributionError::Shape { what, expected, found });
        }
    }
    if predicted.iter().chain(retrained).any(|value| !value.is_finite()) {
        return Err(AttributionError::NotFinite("a prediction or a retrained output"));
    }
    let queries: Vec<f64> = (predicted.outer_iter().zip(retrained.outer_iter()))
        .map(|(predicted, retrained)| (predicted.to_vec(), retrained.to_vec()))
        .filter(|(_, retrained)| spearman(retrained, retrained).is_some())
        .map(|(predicted, retrained)| spearman(&predicted, &retrained).unwrap_or(0.0))
        .collect();
    let interval = bootstrap(&queries, seed).ok_or(AttributionError::NoRecords("retrained"))?;
    Ok(Datamodelling { interval, queries })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn it_is_the_mean_of_each_querys_rank_correlation() {
        let predicted = array![[1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [5.0, 5.0, 5.0], [1.0, 2.0, 3.0]];
        let retrained = array![[10.0, 20.0, 30.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [4.0, 4.0, 4.0]];
        let judged = lds(predicted.view(), retrained.view(), 1).unwrap();
        assert_eq!(judged.queries, [1.0, -1.0, 0.0]);
        assert_eq!(judged.interval.mean, 0.0);
        assert!(judged.interval.low < 0.0 && judged.interval.high > 0.0);
    }

    #[test]
    fn a_subset_is_worth_what_its_members_are() {
        let scores = array![[1.0, 2.0, 4.0]];
        let subsets = array![[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]];
        assert_eq!(subset_sums(scores.view(), subsets.view()).unwrap(), array![[5.0, 0.0, 7.0]]);
        assert!(subset_sums(scores.view(), subsets.t().slice_axis(ndarray::Axis(1), (0..2).into())).is_err());
    }

    #[test]
    fn what_cannot_be_judged_is_refused() {
        let flat = Array2::<f64>::zeros((2, 3));
        assert!(matches!(lds(flat.view(), flat.view(), 1), Err(AttributionError::NoRecords(_))));
        let nan = Array2::from_elem((2, 3), f64::NAN);
        assert!(matches!(lds(nan.view(), flat.view(), 1), Err(AttributionError::NotFinite(_))));
        assert!(matches!(lds(flat.t(), flat.view(), 1), Err(AttributionError::Shape { .. })));
    }
}
