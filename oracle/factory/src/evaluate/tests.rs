use super::*;
use crate::model::{Architecture, InputScaling, MultilayerPerceptron};
use crate::records::labelled;
use crate::train::Trainer;
use ndarray::array;
use tributary_attribution::targets::Target;
use tributary_dataset::{
    Schema,
    field::Field,
    schema::{Features, Label, Task},
};
use tributary_runtime::SessionOptions;

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
    let record = |feature, label| schema.record(&[Field::Whole(feature), Field::Text(["low", "high"][label])]).unwrap();
    let records = [record(9, 1), record(10, 1), record(7, 0), record(11, 0)];
    let evaluation = evaluate(&runtime, &graph, &labelled(&schema, &records).unwrap()).unwrap();
    let Evaluation::Classification(found) = &evaluation else { panic!("{evaluation:?}") };
    assert_eq!(found.confusion.rows(), [[1, 1], [0, 2]]);
    assert_eq!((evaluation.records(), evaluation.correct(), evaluation.accuracy()), (4, 3, 0.75));
    assert_eq!(found.accuracy.value, 0.75);
    // Scores 2, 4 and −2, 6: of four pairs the second class is above in two.
    assert_eq!(found.area_under_curve.unwrap().value, 0.5);
    let nothing = labelled(&schema, &[]).unwrap();
    assert!(matches!(evaluate(&runtime, &graph, &nothing), Err(FactoryError::NoRecords)));
}
