use ndarray::Array2;
use tributary_attribution::{
    gradient,
    graph::{Dim, Shape},
    onnx,
};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};

use std::collections::BTreeMap;

use super::*;
use crate::train::Layout;

const SCALING: InputScaling = InputScaling { shift: 8.0, scale: 0.125 };

fn architectures() -> Vec<(Architecture, usize)> {
    let perceptron = |hidden: &[usize], activation| {
        Architecture::Perceptron(MultilayerPerceptron { hidden: hidden.to_vec(), activation })
    };
    let convolutional = |activation, pooling| {
        Architecture::Convolutional(Convolutional { activation, pooling, ..Convolutional::default() })
    };
    vec![
        (perceptron(&[], Activation::Gelu), 650),
        (perceptron(&[32], Activation::Gelu), 2_410),
        (perceptron(&[8, 4], Activation::Relu), 64 * 8 + 8 + 8 * 4 + 4 + 4 * 10 + 10),
        (convolutional(Activation::Gelu, Pooling::Average), 1_898),
        (convolutional(Activation::Relu, Pooling::Maximum), 1_898),
        (Architecture::Encoder(Encoder::default()), 26_346),
    ]
}

#[test]
fn models_take_records_and_give_logits() {
    let runtime = OnnxRuntime::load(None).unwrap();
    for (architecture, count) in architectures() {
        let model = architecture.model(64, 10, SCALING, 3).unwrap();
        assert_eq!(Layout::of(&model).unwrap().len(), count, "{architecture:?}");
        assert_eq!(model.graph.inputs.len(), 1, "its parameters are constants");
        assert_eq!(gradient::parameters(&model.graph), model.parameters, "and attribution knows them from the scaling");
        assert_eq!(model.graph.outputs[0].shape, Shape(vec![Dim::Batch(1), Dim::Fixed(10)]));
        let mut session = Session::open(&runtime, &onnx::encode(&model.graph), &SessionOptions::default()).unwrap();
        let records = Array2::from_shape_fn((5, 64), |(i, j)| ((i * 7 + j * 5) % 17) as f32);
        let logits = session.run(&[(FEATURES, (&records).into())], &[LOGITS]).unwrap().remove(0);
        assert_eq!(logits.shape(), [5, 10]);
        assert!(logits.iter().all(|logit| logit.is_finite()));
        let flat = logits.iter().all(|logit| *logit == 0.0);
        assert_eq!(flat, count == 650, "only softmax regression starts at zero");
    }
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_gives_others() {
    for (architecture, count) in architectures() {
        let model = |seed| architecture.model(64, 10, SCALING, seed).unwrap();
        assert_eq!(model(1), model(1));
        assert_eq!(model(1) == model(2), count == 650);
        assert_eq!(onnx::encode(&model(1).graph), onnx::encode(&model(1).graph));
    }
}

#[test]
fn weights_keep_the_size_of_signals() {
    let hidden = MultilayerPerceptron { hidden: vec![400], activation: Activation::Relu };
    let model = hidden.model(100, 10, &SCALING.into(), 1).unwrap();
    let weights = model.graph.constants["layer1.weight"].floats().unwrap().to_vec();
    let variance = weights.iter().map(|weight| f64::from(*weight).powi(2)).sum::<f64>() / weights.len() as f64;
    assert!((variance * 100.0 - 2.0).abs() < 0.05, "{variance}");
}

#[test]
fn columns_are_scaled_one_by_one_and_categories_come_apart() {
    let linear = MultilayerPerceptron::default();
    let scaling = vec![
        InputScaling { shift: 1.0, scale: 2.0 },
        InputScaling { shift: 9.0, scale: 9.0 },
        InputScaling { shift: -1.0, scale: 0.5 },
    ];
    let inputs = Inputs::columns(scaling, BTreeMap::from([(1, 4)]));
    let model = linear.model(3, 2, &inputs, 1).unwrap();
    assert_eq!(gradient::parameters(&model.graph), model.parameters);
    let layout = Layout::of(&model).unwrap();
    assert_eq!(layout.len(), 6 * 2 + 2);
    // The first output picks a value a row: the scaled first, the scaled third, then the four places.
    let weights = [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0].into_iter().flat_map(|weight| [weight, 0.0]);
    let graph = layout.write(&weights.chain([0.0, 0.0]).collect(), &model.graph).unwrap();
    let runtime = OnnxRuntime::load(None).unwrap();
    let mut session = Session::open(&runtime, &onnx::encode(&graph), &SessionOptions::default()).unwrap();
    let records = ndarray::array![[3.0f32, 0.0, 1.0], [1.0, 2.0, 3.0], [1.0, 3.0, -1.0]];
    let logits = session.run(&[(FEATURES, (&records).into())], &[LOGITS]).unwrap().remove(0);
    let found: Vec<f32> = logits.iter().step_by(2).copied().collect();
    assert_eq!(found, [4.0 + 10.0 + 100.0, 20.0 + 10_000.0, 100_000.0]);
    let beyond = Inputs::columns(vec![SCALING], BTreeMap::from([(3, 2)]));
    assert!(matches!(linear.model(3, 2, &beyond, 1), Err(FactoryError::Recipe { .. })));
}

#[test]
fn sizes_that_make_no_network_are_refused() {
    let refused = |architecture: Architecture, width, classes| {
        matches!(architecture.model(width, classes, SCALING, 1), Err(FactoryError::Recipe { .. }))
    };
    let perceptron = |hidden: &[usize]| {
        Architecture::Perceptron(MultilayerPerceptron { hidden: hidden.to_vec(), ..MultilayerPerceptron::default() })
    };
    assert!(refused(perceptron(&[3, 0]), 64, 10));
    assert!(refused(perceptron(&[]), 0, 10));
    assert!(refused(perceptron(&[]), 64, 0));
    let convolutional = |channels| Architecture::Convolutional(Convolutional { channels, ..Convolutional::default() });
    for width in [0, 63, 36] {
        assert!(refused(convolutional([2, 2]), width, 10), "{width}");
    }
    assert!(refused(convolutional([2, 0]), 64, 10));
    assert!(refused(convolutional([2, 2]), 64, 0));
    let encoder = |patch, heads, blocks| Architecture::Encoder(Encoder { patch, heads, blocks, ..Encoder::default() });
    for unsound in [encoder(0, 4, 1), encoder(7, 4, 1), encoder(8, 5, 1), encoder(8, 0, 1), encoder(8, 4, 0)] {
        assert!(refused(unsound, 64, 10));
    }
}

#[test]
fn architectures_are_written_as_people_would() {
    let text = serde_json::to_string(&Architecture::Convolutional(Convolutional::default())).unwrap();
    assert_eq!(text, r#"{"convolutional":{"channels":[8,16],"activation":"gelu","pooling":"average"}}"#);
    assert_eq!(
        serde_json::from_str::<Architecture>(&text).unwrap(),
        Architecture::Convolutional(Convolutional::default())
    );
}
