use super::*;
use crate::{evaluate, train::Convergence};

const RECIPE: Convergence = Convergence { weight_decay: 1e-2, tolerance: 1e-6, most_steps: 20_000 };

/// A base that was trained to tell the digits' five pairs apart.
fn pretrained(base: &Graph, training: &Records) -> Graph {
    let Labels::Classes(classes) = training.labels() else { panic!("classes") };
    let pairs = training.relabelled(Labels::Classes(classes.iter().map(|class| class / 2).collect())).unwrap();
    let mut trainer = trainer(&adapt(base, &Adaptation::Full, 64, 5, 1).unwrap());
    let recipe = Convergence { weight_decay: 1e-3, tolerance: 5e-3, most_steps: 20_000 };
    let trained = trainer.converge(&pairs, 300, &recipe, &trainer.start().unwrap(), |_| ()).unwrap();
    trainer.graph(&trained.parameters).unwrap()
}

#[test]
fn a_head_comes_to_the_same_minimum_on_cached_features() {
    let (training, test) = digits();
    for (base, least) in [(perceptron(), 0.7), (convolutional(), 0.7), (encoder(), 0.5)] {
        let base = pretrained(&base, &training);
        let model = adapt(&base, &Adaptation::Head, 64, 10, 1).unwrap();
        let frozen = Frozen::split(&model).unwrap().unwrap();
        let kept = frozen.records(&runtime(), &SessionOptions::default(), &training).unwrap();
        let (mut whole, mut part) = (trainer(&model), trainer(frozen.model()));
        let start = whole.start().unwrap();
        let one = whole.converge(&training, 300, &RECIPE, &start, |_| ()).unwrap();
        let other = part.converge(&kept, 300, &RECIPE, &start, |_| ()).unwrap();
        let distance = apart(&one.parameters, &other.parameters);
        assert!(distance < 1e-5, "{distance}");
        // Parameters found on cached features are the whole model's.
        let graph = whole.graph(&other.parameters).unwrap();
        let accuracy = evaluate(&runtime(), &graph, &test).unwrap().accuracy();
        assert!(accuracy > least, "{}: {accuracy}", base.name);
    }
}

#[test]
fn adapters_learn_and_leave_the_rest_as_it_was() {
    let (training, _) = digits();
    let recipe = Convergence { tolerance: 1e-3, ..RECIPE };
    for (base, adaptation) in [(perceptron(), lora(3, &[])), (encoder(), lora(2, &["attention"]))] {
        let model = adapt(&base, &adaptation, 64, 10, 1).unwrap();
        let mut trainer = trainer(&model);
        let start = trainer.start().unwrap();
        let (before, _) = trainer.loss_and_gradient(&start, &training).unwrap();
        let trained = trainer.converge(&training, 300, &recipe, &start, |_| ()).unwrap();
        let (after, _) = trainer.loss_and_gradient(&trained.parameters, &training).unwrap();
        assert!(after < 0.9 * before, "{}: {before} to {after}", base.name);
        let graph = trainer.graph(&trained.parameters).unwrap();
        for (name, tensor) in &graph.constants {
            assert_eq!(*tensor == model.graph.constants[name], !model.parameters.contains(name), "{name}");
            if let Some(before) = base.constants.get(name) {
                assert_eq!(tensor, before);
            }
        }
        // What was trained is what is attributed.
        let count = model.parameters.iter().map(|name| graph.constants[name].len()).sum();
        let (reduction, projection) = (Reduction::default(), Array2::from_elem((count, 2), 0.5));
        let checkpoint =
            Checkpoint { model: &graph, parameters: &model.parameters, reduction: &reduction, projection: &projection };
        let compiled = tributary_attribution::compile(&[checkpoint], Target::Margin).unwrap();
        let mut session = Session::open(&runtime(), &onnx::encode(&compiled), &SessionOptions::default()).unwrap();
        let inputs = training.part(0, 5, 0).0;
        let sketches = session.run(&inputs, &["sketch"]).unwrap().remove(0);
        assert_eq!(sketches.shape(), [5, 2]);
        assert!(sketches.iter().all(|number| number.is_finite() && *number != 0.0));
    }
}
