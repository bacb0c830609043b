//! What a model answers to labelled records: every measurement is made from it.

use std::ops::Range;

use ndarray::{ArrayD, Axis};
use tributary_attribution::{AttributionError, Labels, Records, graph::Graph, onnx, targets::Target};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};

use crate::FactoryError;

/// Records in one pass.
const PASS: usize = 512;

/// A model's answers, record by record, beside what would have been right.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// Of a classifier.
    Classes {
        /// How many classes it tells apart.
        classes: usize,
        /// Per record.
        records: Vec<ClassAnswer>,
    },
    /// Of a regression, per record.
    Values(Vec<ValueAnswer>),
}

/// What a classifier answers to one record. Probabilities are the softmax of its logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassAnswer {
    /// The right class.
    pub label: usize,
    /// The class of the largest logit, the first of equals.
    pub served: usize,
    /// Probability of the served class.
    pub confidence: f64,
    /// −ln of the right class's probability.
    pub loss: f64,
    /// Squared distance between the probabilities and the right answer, summed over all classes: 0 to 2 (Brier, 1950).
    pub brier: f64,
    /// Logit of the second class minus that of the first: the score that two classes are told apart by.
    pub score: f64,
}

impl ClassAnswer {
    /// Whether the class is right.
    pub fn is_right(&self) -> bool {
        self.label == self.served
    }

    /// From logits `[classes]`. `None` where there is no such label.
    pub(super) fn of(logits: &[f64], label: usize, served: usize) -> Option<Self> {
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = largest + logits.iter().map(|logit| (logit - largest).exp()).sum::<f64>().ln();
        let probability = |logit: f64| (logit - log_sum).exp();
        let brier = |(class, logit): (usize, &f64)| (probability(*logit) - f64::from(u8::from(class == label))).powi(2);
        let score = match logits {
            [first, second, ..] => second - first,
            _ => 0.0,
        };
        Some(Self {
            label,
            served,
            confidence: probability(*logits.get(served)?),
            loss: log_sum - logits.get(label)?,
            brier: logits.iter().enumerate().map(brier).sum(),
            score,
        })
    }
}

/// What a regression answers to one record, in the label's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueAnswer {
    /// The right number.
    pub label: f64,
    /// The number that is served.
    pub answer: f64,
}

impl ValueAnswer {
    /// What is right minus what is answered.
    pub fn residual(&self) -> f64 {
        self.label - self.answer
    }
}

impl Answers {
    /// Asks the model, by its first output: logits `[batch, classes]` or a number, `[batch]` or `[batch, 1]`.
    ///
    /// # Errors
    /// [`FactoryError::NoRecords`], [`FactoryError::Runtime`], [`FactoryError::Attribution`] for labels or an output of
    /// another kind.
    pub fn of(runtime: &OnnxRuntime, model: &Graph, records: &Records) -> Result<Self, FactoryError> {
        let output = &model.outputs.first().ok_or(AttributionError::NoOutput)?.name;
        let mut session = Session::open(runtime, &onnx::encode(model), &SessionOptions::default())?;
        let mut all: Option<Self> = None;
        for start in (0..records.len()).step_by(PASS) {
            let (inputs, _) = records.part(start, start + PASS, 1);
            for outputs in session.run(&inputs, &[output])? {
                let answers = Self::read(records.labels(), start, outputs)?;
                match &mut all {
                    Some(all) => all.extend(answers),
                    None => all = Some(answers),
                }
            }
        }
        all.ok_or(FactoryError::NoRecords)
    }

    /// An output of a model, as in [`Answers::of`], beside the labels of the same records.
    ///
    /// # Errors
    /// [`FactoryError::Attribution`] for labels or an output of another kind, or as many as there are not.
    pub fn new(labels: &Labels, output: ArrayD<f32>) -> Result<Self, FactoryError> {
        let (expected, found) = (labels.len(), output.shape().first().copied().unwrap_or_default());
        match expected == found {
            true => Self::read(labels, 0, output),
            false => Err(AttributionError::LabelCount { features: found, labels: expected }.into()),
        }
    }

    /// The output for the records that begin at `start`.
    fn read(labels: &Labels, start: usize, output: ArrayD<f32>) -> Result<Self, FactoryError> {
        let shape = || AttributionError::OutputShape(output.shape().to_vec());
        if output.iter().any(|value| !value.is_finite()) {
            return Err(AttributionError::NotFinite("an output").into());
        }
        let rows = output.shape().first().copied().unwrap_or_default();
        match labels {
            Labels::Classes(labels) => {
                let &[_, classes] = output.shape() else { return Err(shape().into()) };
                let Labels::Classes(served) = Labels::served(Target::Margin, output.clone())? else {
                    return Err(shape().into());
                };
                let labels = part(labels, start..start + rows);
                let asked = output.axis_iter(Axis(0)).zip(labels.iter().zip(served)).enumerate();
                let records = asked.map(|(record, (logits, (label, served)))| {
                    let logits: Vec<f64> = logits.iter().map(|logit| f64::from(*logit)).collect();
                    ClassAnswer::of(&logits, *label, served)
                        .ok_or(AttributionError::Label { record: start + record, label: *label, classes }.into())
                });
                Ok(Self::Classes { classes, records: records.collect::<Result<_, FactoryError>>()? })
            }
            Labels::Values(values) if output.len() == rows => {
                let labels = part(values, start..start + rows);
                let pair = |(label, answer): (&f32, &f32)| ValueAnswer {
                    label: f64::from(*label),
                    answer: f64::from(*answer),
                };
                Ok(Self::Values(labels.iter().zip(&output).map(pair).collect()))
            }
            Labels::Values(_) => Err(shape().into()),
            Labels::Several(_) | Labels::Tokens(_) => {
                let which = "several labels and sequences are not evaluated: give a class or a number a record";
                Err(AttributionError::NotAttributed(which.to_owned()).into())
            }
        }
    }

    fn extend(&mut self, others: Self) {
        match (self, others) {
            (Self::Classes { records, .. }, Self::Classes { records: others, .. }) => records.extend(others),
            (Self::Values(records), Self::Values(others)) => records.extend(others),
            _ => (),
        }
    }

    /// How many records were asked about.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes { records, .. } => records.len(),
            Self::Values(records) => records.len(),
        }
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The answers at these places, in this order. Places beyond the end are left out.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        match self {
            Self::Classes { classes, records } => {
                Self::Classes { classes: *classes, records: selected(records, places) }
            }
            Self::Values(records) => Self::Values(selected(records, places)),
        }
    }
}

fn part<T>(labels: &[T], range: Range<usize>) -> &[T] {
    labels.get(range.start.min(labels.len())..range.end.min(labels.len())).unwrap_or_default()
}

fn selected<T: Copy>(records: &[T], places: &[usize]) -> Vec<T> {
    places.iter().filter_map(|place| records.get(*place).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn probabilities_are_the_softmax_of_logits() {
        // Probabilities ¼ and ¾.
        let logits = array![[0.0f32, 3.0f32.ln()], [0.0, 3.0f32.ln()]].into_dyn();
        let answers = Answers::new(&Labels::Classes(vec![1, 0]), logits).unwrap();
        let Answers::Classes { classes: 2, records } = &answers else { panic!("{answers:?}") };
        for (answer, loss, brier) in [(records[0], -(0.75f64.ln()), 0.125), (records[1], -(0.25f64.ln()), 1.125)] {
            assert_eq!(answer.served, 1);
            assert!((answer.confidence - 0.75).abs() < 1e-7, "{answer:?}");
            assert!((answer.loss - loss).abs() < 1e-7 && (answer.brier - brier).abs() < 1e-7, "{answer:?}");
            assert!((answer.score - 3.0f64.ln()).abs() < 1e-7, "{answer:?}");
        }
        assert_eq!(answers.select(&[1, 7]).len(), 1);
    }

    #[test]
    fn logits_may_be_as_large_as_they_like() {
        let logits = array![[f32::MAX, 0.0, f32::MIN]].into_dyn();
        let answers = Answers::new(&Labels::Classes(vec![2]), logits).unwrap();
        let Answers::Classes { records, .. } = answers else { panic!("classes") };
        assert!(records[0].loss.is_finite() && records[0].brier == 2.0, "{records:?}");
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let of = |labels: Labels, output: ArrayD<f32>| Answers::new(&labels, output).map(|_| ());
        let refused = |labels, output| match of(labels, output) {
            Err(FactoryError::Attribution(error)) => error,
            other => panic!("{other:?}"),
        };
        let logits = || array![[0.0f32, 1.0]].into_dyn();
        assert!(matches!(
            refused(Labels::Classes(vec![2]), logits()),
            AttributionError::Label { label: 2, classes: 2, .. }
        ));
        assert!(matches!(refused(Labels::Classes(vec![1, 1]), logits()), AttributionError::LabelCount { .. }));
        assert!(matches!(refused(Labels::Values(vec![1.0]), logits()), AttributionError::OutputShape(_)));
        assert!(matches!(refused(Labels::Classes(vec![0]), array![1.0].into_dyn()), AttributionError::OutputShape(_)));
        assert!(matches!(refused(Labels::Tokens(array![[1]]), logits()), AttributionError::NotAttributed(_)));
        let nan = array![[f32::NAN, 1.0]].into_dyn();
        assert!(matches!(refused(Labels::Classes(vec![1]), nan), AttributionError::NotFinite(_)));
        // A number may stand alone or in a row of its own.
        of(Labels::Values(vec![1.0]), array![2.0].into_dyn()).unwrap();
        of(Labels::Values(vec![1.0]), array![[2.0]].into_dyn()).unwrap();
    }
}
