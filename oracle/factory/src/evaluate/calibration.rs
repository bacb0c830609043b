//! Whether a classifier is as often right as it says.

use serde::{Deserialize, Serialize};

use super::answers::ClassAnswer;

/// Bins of confidence.
pub const BINS: usize = 10;

/// Confidence against accuracy (Guo et al., *On calibration of modern neural networks*, 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Calibration {
    /// Expected calibration error: the mean distance between confidence and accuracy over bins, by their records. 0 is
    /// perfect. Small samples raise it.
    pub expected_error: f64,
    /// [`BINS`] bins of equal width, ascending.
    pub bins: Vec<Bin>,
}

/// The records whose served class has a probability in `(from, to]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bin {
    /// Lower end, not in it.
    pub from: f64,
    /// Upper end, in it.
    pub to: f64,
    /// How many there are.
    pub records: u32,
    /// Their mean confidence, if there are any.
    pub confidence: Option<f64>,
    /// The share of them that is right.
    pub accuracy: Option<f64>,
}

impl Calibration {
    pub(super) fn of(answers: &[ClassAnswer]) -> Self {
        let mut sums = [(0u32, 0.0, 0u32); BINS];
        for answer in answers {
            let bin = ((answer.confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            if let Some((records, confidence, right)) = sums.get_mut(bin) {
                *records += 1;
                *confidence += answer.confidence;
                *right += u32::from(answer.is_right());
            }
        }
        let bins = sums.iter().enumerate().map(|(bin, (records, confidence, right))| {
            let mean = |sum: f64| (*records > 0).then(|| sum / f64::from(*records));
            let (from, to) = (bin as f64 / BINS as f64, (bin + 1) as f64 / BINS as f64);
            Bin { from, to, records: *records, confidence: mean(*confidence), accuracy: mean(f64::from(*right)) }
        });
        let gap = |(_, confidence, right): &(u32, f64, u32)| (confidence - f64::from(*right)).abs();
        let expected_error = sums.iter().map(gap).sum::<f64>() / answers.len().max(1) as f64;
        Self { expected_error, bins: bins.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::testing::sure;
    use proptest::prelude::*;

    #[test]
    fn it_is_the_mean_gap_by_records() {
        // Four at 0.9, three of them right; two at 0.6, both right: (4·|0.9 − 0.75| + 2·|0.6 − 1|) / 6.
        let answers = sure(&[(0.9, true), (0.9, true), (0.9, true), (0.9, false), (0.6, true), (0.6, true)]);
        let found = Calibration::of(&answers);
        assert!((found.expected_error - 1.4 / 6.0).abs() < 1e-12, "{found:?}");
        let bin = found.bins[8];
        assert_eq!((bin.records, bin.accuracy, bin.to), (4, Some(0.75), 0.9));
        assert_eq!((found.bins[0].records, found.bins[0].confidence), (0, None));
    }

    #[test]
    fn the_ends_have_their_bins() {
        let found = Calibration::of(&sure(&[(0.0, true), (1.0, true)]));
        assert_eq!((found.bins[0].records, found.bins[BINS - 1].records), (1, 1));
        assert_eq!(Calibration::of(&[]).expected_error, 0.0);
    }

    proptest! {
        #[test]
        fn every_record_is_in_one_bin(pairs in prop::collection::vec((0.0f64..=1.0, any::<bool>()), 1..60)) {
            let found = Calibration::of(&sure(&pairs));
            prop_assert_eq!(found.bins.iter().map(|bin| bin.records as usize).sum::<usize>(), pairs.len());
            prop_assert!((0.0..=1.0).contains(&found.expected_error));
            for bin in found.bins {
                let holds = |confidence: f64| bin.from - 1e-9 <= confidence && confidence <= bin.to + 1e-9;
                prop_assert!(bin.confidence.is_none_or(holds));
            }
        }
    }
}
