//! Targets and losses against central differences of their definitions, and at the edge of what `f32` holds.

use std::collections::BTreeMap;

use ndarray::{Array, ArrayD, Axis, IxDyn, array};
use tributary_attribution::{
    graph::{Builder, Element, Graph, Shape, Signature},
    reference::{Value, evaluate},
    targets::{Target, TargetError, labels, loss, serve},
};

use crate::gradients::{Case, run};

/// A graph whose input is the model's output, with target, loss, and both cotangents.
fn bare(target: Target, dims: &[usize]) -> Graph {
    let mut builder = Builder::new("bare");
    let shape = Shape::batched(dims);
    builder.input(Signature { name: "z".to_owned(), element: Element::F32, shape }).unwrap();
    labels(&mut builder, target, "z", "label").unwrap();
    let served = serve(&mut builder, target, "z", Some("label")).unwrap();
    let lost = loss(&mut builder, target, "z", "label").unwrap();
    let names = ["f", "df", "loss", "dloss"];
    for (value, name) in [&served.value, &served.cotangent, &lost.value, &lost.cotangent].into_iter().zip(names) {
        builder.output_as(value, name).unwrap();
    }
    builder.finish()
}

fn outputs(graph: &Graph, z: &ArrayD<f64>, label: Option<Value>) -> BTreeMap<String, ArrayD<f64>> {
    let mut inputs = BTreeMap::from([("z".to_owned(), Value::F64(z.clone()))]);
    if let Some(label) = label {
        inputs.insert("label".to_owned(), label);
    }
    let exact = evaluate(graph, &inputs).unwrap();
    let names: Vec<String> = ["f", "df", "loss", "dloss"].map(str::to_owned).into();
    let close = run(graph, &inputs, &names);
    let mut made = BTreeMap::new();
    for (name, close) in names.into_iter().zip(close) {
        let exact = exact[&name].floats().unwrap().clone();
        let off = (&exact - &close).iter().fold(0.0f64, |worst, off| worst.max(off.abs()));
        let size = exact.iter().fold(1.0f64, |largest, value| largest.max(value.abs()));
        assert!(off <= 1e-5 * size, "{name} is off by {off}: {exact} and {close}");
        made.insert(name, exact);
    }
    made
}

/// Each cotangent against central differences of its value.
fn slopes_fit(graph: &Graph, z: &ArrayD<f64>, label: Option<Value>) {
    let at = outputs(graph, z, label.clone());
    let each = z.len() / z.shape()[0];
    for (value, slope) in [("f", "df"), ("loss", "dloss")] {
        for coordinate in 0..each {
            let moved = |step: f64| {
                let mut z = z.clone();
                for mut record in z.outer_iter_mut() {
                    *record.iter_mut().nth(coordinate).unwrap() += step;
                }
                let mut inputs = BTreeMap::from([("z".to_owned(), Value::F64(z))]);
                inputs.extend(label.clone().map(|label| ("label".to_owned(), label)));
                evaluate(graph, &inputs).unwrap()[value].floats().unwrap().clone()
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            for (record, found) in at[slope].outer_iter().enumerate() {
                let found = *found.iter().nth(coordinate).unwrap();
                let expected = difference[record];
                assert!((found - expected).abs() < 1e-7, "{slope} of record {record}: {found}, not {expected}");
            }
        }
    }
}

fn numbers(dims: &[usize]) -> ArrayD<f64> {
    Array::from_iter((0..dims.iter().product()).map(|at: usize| (at as f64 * 1.7 + 0.3).sin() * 2.0))
        .to_shape(IxDyn(dims))
        .unwrap()
        .into_owned()
}

#[test]
fn margins_of_the_served_and_of_given_classes() {
    let graph = bare(Target::Margin, &[4]);
    let z = numbers(&[3, 4]);
    slopes_fit(&graph, &z, None);
    let label = array![2, -1, 0].into_dyn();
    slopes_fit(&graph, &z, Some(Value::I64(label.clone())));
    let given = outputs(&graph, &z, Some(Value::I64(label)));
    let served = outputs(&graph, &z, None);
    assert_eq!(given["f"][1], served["f"][1], "−1 is the served class");
    for (record, row) in z.outer_iter().enumerate() {
        let whole = row.iter().map(|z| z.exp()).sum::<f64>().ln();
        let p = |class: usize| (row[class] - whole).exp();
        let class = [2, 0, 0][record];
        if record != 1 {
            assert!((given["f"][record] - (p(class) / (1.0 - p(class))).ln()).abs() < 1e-12, "the log-odds");
            assert!((given["loss"][record] + p(class).ln()).abs() < 1e-12);
            // Cross-entropy depends on the margin alone.
            let factor = -(1.0 - p(class));
            let loss = given["dloss"].index_axis(Axis(0), record);
            let margin = given["df"].index_axis(Axis(0), record).mapv(|slope| factor * slope);
            assert!((&loss - &margin).iter().all(|off| off.abs() < 1e-12));
        }
        assert!(served["f"][record] >= given["f"][record] - 1e-12);
    }
}

#[test]
fn logits_at_the_edge_stay_finite() {
    for target in [Target::Margin, Target::MultiLabel] {
        let graph = bare(target, &[3]);
        let z = array![[3e38, -3e38, 0.0], [-3e38, -3e38, -3e38], [1e4, 1e4, -1e4], [88.0, 0.0, -104.0]];
        // Sums of three such numbers are beyond f32, whoever adds them.
        let z = if target == Target::MultiLabel { z / 4.0 } else { z };
        for (name, values) in outputs(&graph, &z.into_dyn(), None) {
            assert!(values.iter().all(|value| value.is_finite()), "{target:?}: {name} {values}");
        }
    }
    let graph = bare(Target::Sequence, &[2, 3]);
    let z = array![[[3e37, -3e37, 0.0], [1e4, -1e4, 0.0]]].into_dyn();
    for (name, values) in outputs(&graph, &z, None) {
        assert!(values.iter().all(|value| value.is_finite()), "{name} {values}");
    }
}

#[test]
fn regressions() {
    for dims in [&[][..], &[1]] {
        let graph = bare(Target::Regression, dims);
        let whole = [&[3], dims].concat();
        let label = numbers(&whole).mapv(|value| value * 0.5);
        slopes_fit(&graph, &numbers(&whole), Some(Value::F64(label.clone())));
        let at = outputs(&graph, &numbers(&whole), Some(Value::F64(label.clone())));
        let error = numbers(&whole).iter().next().unwrap() - label.iter().next().unwrap();
        assert!((at["loss"][0] - 0.5 * error * error).abs() < 1e-12);
    }
}

#[test]
fn independent_labels() {
    let graph = bare(Target::MultiLabel, &[3]);
    let z = numbers(&[2, 3]);
    slopes_fit(&graph, &z, None);
    let label = array![[1.0, 0.0, 0.0], [0.0, -1.0, 1.0]].into_dyn();
    slopes_fit(&graph, &z, Some(Value::F64(label.clone())));
    let served = outputs(&graph, &z, None);
    assert!((served["f"][0] - z.index_axis(Axis(0), 0).iter().map(|z| z.abs()).sum::<f64>()).abs() < 1e-12);
    let given = outputs(&graph, &z, Some(Value::F64(label)));
    let loss: f64 = [1.0, 0.0, 0.0].iter().zip(z.outer_iter().next().unwrap()).map(|(l, z)| (1.0 + z.exp()).ln() - l * z).sum();
    assert!((given["loss"][0] - loss).abs() < 1e-12);
}

#[test]
fn sequences_leave_positions_out() {
    let graph = bare(Target::Sequence, &[3, 4]);
    let z = numbers(&[2, 3, 4]);
    slopes_fit(&graph, &z, None);
    let label = array![[1, -1, 3], [-2, 0, -1]].into_dyn();
    slopes_fit(&graph, &z, Some(Value::I64(label.clone())));
    let at = outputs(&graph, &z, Some(Value::I64(label)));
    assert!(at["df"].index_axis(Axis(0), 0).index_axis(Axis(0), 1).iter().all(|slope| *slope == 0.0));
    assert!((&at["f"] + &at["loss"]).iter().all(|sum| *sum == 0.0));
}

#[test]
fn what_does_not_fit_a_target_is_refused() {
    let mut builder = Builder::new("refused");
    let shape = Shape::batched(&[1]);
    builder.input(Signature { name: "one".to_owned(), element: Element::F32, shape }).unwrap();
    let shape = Shape::batched(&[2, 3]);
    builder.input(Signature { name: "deep".to_owned(), element: Element::F32, shape }).unwrap();
    for (target, output) in [(Target::Margin, "one"), (Target::Regression, "deep"), (Target::Sequence, "one")] {
        let refused = serve(&mut builder, target, output, None);
        assert!(matches!(refused, Err(TargetError::Output { .. })), "{target:?} {refused:?}");
    }
    let refused = loss(&mut builder, Target::MultiLabel, "one", "deep");
    assert!(matches!(refused, Err(TargetError::Labels { .. })), "{refused:?}");
}

#[test]
fn a_margin_is_a_seed_of_reverse_mode() {
    let mut case = Case::new(70);
    let x = case.input("x", &[5]);
    let hidden = case.dense(&x, 5, 6);
    let hidden = case.op("Tanh", &[&hidden]);
    let logits = case.dense(&hidden, 6, 4);
    let seed = serve(&mut case.builder, Target::Margin, &logits, None).unwrap();
    case.check_seed(&logits, &seed.cotangent, |logits| {
        let margin = |row: ndarray::ArrayViewD<'_, f64>| {
            let served = row.iter().enumerate().fold(0, |best, (at, z)| if *z > row[best] { at } else { best });
            let rest = row.iter().enumerate().filter(|(at, _)| *at != served).map(|(_, z)| z.exp()).sum::<f64>();
            row[served] - rest.ln()
        };
        logits.outer_iter().map(margin).collect::<ndarray::Array1<f64>>().into_dyn()
    });
}
