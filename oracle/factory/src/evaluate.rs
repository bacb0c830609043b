//! How good a model is.

use tributary_attribution::{AttributionError, Labels, Records, graph::Graph, onnx, targets::Target};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};

use crate::FactoryError;

/// Records in one pass.
const PASS: usize = 512;

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

/// Classifies records with the model, by its first output, and counts.
///
/// # Errors
/// [`FactoryError::NoRecords`], [`FactoryError::Runtime`], [`FactoryError::Attribution`] for records of another kind.
pub fn evaluate(runtime: &OnnxRuntime, model: &Graph, records: &Records) -> Result<Evaluation, FactoryError> {
    let Labels::Classes(labels) = records.labels() else {
        return Err(AttributionError::NotAttributed("only classifiers have an accuracy".to_owned()).into());
    };
    let output = &model.outputs.first().ok_or(AttributionError::NoOutput)?.name;
    let mut session = Session::open(runtime, &onnx::encode(model), &SessionOptions::default())?;
    let mut classes = Vec::new();
    for (start, labels) in (0..).step_by(PASS).zip(labels.chunks(PASS)) {
        let (inputs, _) = records.part(start, start + PASS, 1);
        for logits in session.run(&inputs, &[output])? {
            classes.resize(logits.shape().last().copied().unwrap_or_default(), ClassResult::default());
            let Labels::Classes(served) = Labels::served(Target::Margin, logits)? else { continue };
            for (record, (label, served)) in labels.iter().zip(served).enumerate() {
                let (record, label, count) = (start + record, *label, classes.len());
                let class = classes.get_mut(label).ok_or(AttributionError::Label { record, label, classes: count })?;
                class.records += 1;
                class.correct += u32::from(label == served);
            }
        }
    }
    match classes.is_empty() {
        true => Err(FactoryError::NoRecords),
        false => Ok(Evaluation { classes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Architecture, InputScaling, MultilayerPerceptron};
    use crate::records::labelled;
    use crate::train::Trainer;
    use ndarray::array;
    use tributary_dataset::{
        Schema,
        field::Field,
        schema::{Features, Label, Task},
    };

    #[test]
    fn counts_are_per_class() {
        // One feature, the sign decides.
        let scaling = InputScaling { shift: 8.0, scale: 1.0 };
        let model = Architecture::Perceptron(MultilayerPerceptron::default()).model(1, 2, scaling, 1).unwrap();
        let runtime = OnnxRuntime::load(None).unwrap();
        let trainer = Trainer::new(&runtime, &model, Target::Margin, &SessionOptions::default()).unwrap();
        let graph = trainer.graph(&array![-1.0, 1.0, 0.0, 0.0]).unwrap();
        let schema = Schema {
            task: Task::Classification,
            features: Features::Image { channels: 1, height: 1, width: 1, largest: 16 },
            label: Label::Class { names: vec!["low".into(), "high".into()] },
        };
        let record =
            |feature, label| schema.record(&[Field::Whole(feature), Field::Text(["low", "high"][label])]).unwrap();
        let records = [record(9, 1), record(10, 1), record(7, 0), record(11, 0)];
        let evaluation = evaluate(&runtime, &graph, &labelled(&schema, &records).unwrap()).unwrap();
        assert_eq!(evaluation.classes[0], ClassResult { records: 2, correct: 1 });
        assert_eq!(evaluation.classes[1], ClassResult { records: 2, correct: 2 });
        assert_eq!(evaluation.accuracy(), 0.75);
        let nothing = labelled(&schema, &[]).unwrap();
        assert!(matches!(evaluate(&runtime, &graph, &nothing), Err(FactoryError::NoRecords)));
    }
}
