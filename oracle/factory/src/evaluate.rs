//! How good a network is.

use ndarray::ArrayView2;
use tributary_attribution::{AttributionError, DenseClassifier, LabelledRecords, target::served_classes};

use crate::{FactoryError, train::LABEL};

/// Accuracy on one set of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Per class, how it did.
    pub classes: Vec<ClassResult>,
}

/// Accuracy on the records of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassResult {
    /// Records with this label.
    pub records: u32,
    /// Of those, classified correctly.
    pub correct: u32,
}

impl Evaluation {
    /// Counts how often the largest of the logits `[n, classes]`, the first of equals, is the label's.
    ///
    /// # Errors
    /// [`FactoryError::NoExamples`], [`FactoryError::Uneven`], [`FactoryError::LabelRange`] for a label without a logit.
    pub fn of(logits: ArrayView2<'_, f32>, labels: &[usize]) -> Result<Self, FactoryError> {
        if labels.is_empty() {
            return Err(FactoryError::NoExamples);
        }
        if logits.nrows() != labels.len() {
            let (found, expected) = (labels.len(), logits.nrows());
            return Err(FactoryError::Uneven { input: LABEL.to_owned(), found, expected });
        }
        let mut classes = vec![ClassResult::default(); logits.ncols()];
        for (line, (row, label)) in logits.outer_iter().zip(labels).enumerate() {
            let class = classes.get_mut(*label).ok_or_else(|| FactoryError::LabelRange {
                line: line + 1,
                found: *label as u64,
                classes: u8::try_from(logits.ncols()).unwrap_or(u8::MAX),
            })?;
            let mut served = (0, f32::NEG_INFINITY);
            for (class, logit) in row.iter().enumerate() {
                if *logit > served.1 {
                    served = (class, *logit);
                }
            }
            class.records += 1;
            class.correct += u32::from(served.0 == *label);
        }
        Ok(Self { classes })
    }

    /// Records evaluated.
    pub fn records(&self) -> u32 {
        self.classes.iter().map(|class| class.records).sum()
    }

    /// Records classified correctly.
    pub fn correct(&self) -> u32 {
        self.classes.iter().map(|class| class.correct).sum()
    }

    /// Share classified correctly, between 0 and 1.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct()) / f64::from(self.records().max(1))
    }
}

/// Classifies records and counts.
///
/// # Errors
/// [`FactoryError::Attribution`] for no records or records of another schema.
pub fn evaluate(network: &DenseClassifier, records: &LabelledRecords) -> Result<Evaluation, FactoryError> {
    if records.is_empty() {
        return Err(AttributionError::NoRecords("test").into());
    }
    network.check(records)?;
    let mut classes = vec![ClassResult::default(); network.classes()];
    let served = served_classes(&network.logits(records.features().view())?);
    for (label, served) in records.labels().iter().zip(served) {
        classes[*label].records += 1;
        classes[*label].correct += u32::from(*label == served);
    }
    Ok(Evaluation { classes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use tributary_attribution::InputScaling;

    #[test]
    fn the_largest_logit_is_served() {
        let logits = array![[1f32, 2.0, 0.0], [3.0, 3.0, 1.0], [0.0, -1.0, 5.0]];
        let evaluation = Evaluation::of(logits.view(), &[1, 1, 2]).unwrap();
        let result = |records, correct| ClassResult { records, correct };
        assert_eq!(evaluation.classes, [result(0, 0), result(2, 1), result(1, 1)]);
        let of = |labels: &[usize]| Evaluation::of(logits.view(), labels);
        assert!(matches!(of(&[]), Err(FactoryError::NoExamples)));
        assert!(matches!(of(&[1, 1]), Err(FactoryError::Uneven { found: 2, expected: 3, .. })));
        assert!(matches!(of(&[1, 1, 3]), Err(FactoryError::LabelRange { line: 3, found: 3, classes: 3 })));
    }

    #[test]
    fn counts_are_per_class() {
        // One feature, the sign decides.
        let parameters = array![-1.0, 1.0, 0.0, 0.0];
        let scaling = InputScaling { shift: 0.0, scale: 1.0 };
        let network = DenseClassifier::from_parameters(&[1, 2], scaling, parameters.view()).unwrap();
        let features = array![[1.0], [2.0], [-1.0], [3.0]];
        let evaluation = evaluate(&network, &LabelledRecords::new(features, vec![1, 1, 0, 0]).unwrap()).unwrap();
        assert_eq!(evaluation.classes[0], ClassResult { records: 2, correct: 1 });
        assert_eq!(evaluation.classes[1], ClassResult { records: 2, correct: 2 });
        assert_eq!(evaluation.accuracy(), 0.75);
        assert!(evaluate(&network, &LabelledRecords::new(Array2::zeros((0, 1)), vec![]).unwrap()).is_err());
    }
}
