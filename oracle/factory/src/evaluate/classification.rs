//! How good a classifier is.

use serde::{Deserialize, Serialize};

use super::{
    answers::Answers,
    calibration::Calibration,
    confusion::{Confusion, macro_f1},
    interval::{Estimate, bootstrap},
    metric::Metric,
    roc::area,
};

/// A classifier on one set of records. Intervals are at 95 %: Wilson's for accuracy, the others over bootstrap resamples
/// of the records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Classification {
    /// Share of records classified right.
    pub accuracy: Estimate,
    /// Mean F1 of the classes that have records or are served.
    pub macro_f1: Estimate,
    /// Mean of −ln p of the right class, in nats.
    pub log_loss: Estimate,
    /// Mean squared distance between probabilities and the right answer, summed over all classes: 0 to 2.
    pub brier_score: Estimate,
    /// Area under the receiver operating characteristic, of two classes that both have records.
    pub area_under_curve: Option<Estimate>,
    /// Which classes are taken for which.
    pub confusion: Confusion,
    /// Whether it is as often right as it says.
    pub calibration: Calibration,
}

impl Classification {
    /// `None` for answers to no record or of a regression.
    pub fn of(answers: &Answers) -> Option<Self> {
        let Answers::Classes { classes, records } = answers else { return None };
        Some(Self {
            accuracy: Metric::Accuracy.estimate(answers)?,
            macro_f1: bootstrap(records.len(), |times| macro_f1(*classes, records, times))?,
            log_loss: Metric::LogLoss.estimate(answers)?,
            brier_score: Metric::BrierScore.estimate(answers)?,
            area_under_curve: if *classes == 2 { area(records) } else { None },
            confusion: Confusion::of(*classes, records),
            calibration: Calibration::of(records),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;
    use tributary_attribution::Labels;

    fn answers(rows: &[([f32; 3], usize)]) -> Answers {
        let logits = Array2::from_shape_fn((rows.len(), 3), |(row, class)| rows[row].0[class]);
        Answers::new(&Labels::Classes(rows.iter().map(|(_, label)| *label).collect()), logits.into_dyn()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn numbers_lie_where_they_must_in_any_order(
            rows in prop::collection::vec(([-9f32..9.0, -9f32..9.0, -9f32..9.0], 0usize..3), 1..40), turn in 0usize..40,
        ) {
            let found = Classification::of(&answers(&rows)).unwrap();
            prop_assert!((0.0..=2.0 + 1e-12).contains(&found.brier_score.value));
            prop_assert!(found.log_loss.value >= 0.0);
            prop_assert!((0.0..=1.0).contains(&found.macro_f1.value));
            prop_assert_eq!(found.area_under_curve, None);
            prop_assert_eq!(found.confusion.records() as usize, rows.len());
            prop_assert_eq!(found.accuracy.value, f64::from(found.confusion.correct()) / rows.len() as f64);

            let mut turned = rows.clone();
            turned.rotate_left(turn % rows.len());
            let turned = Classification::of(&answers(&turned)).unwrap();
            prop_assert_eq!(turned.accuracy, found.accuracy);
            prop_assert_eq!(&turned.confusion, &found.confusion);
            prop_assert!((turned.log_loss.value - found.log_loss.value).abs() < 1e-9);
        }
    }
}
