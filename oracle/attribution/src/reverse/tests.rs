use ndarray::{Array1, Array2, Axis};

use super::*;
use crate::{InputScaling, target};

fn network(widths: &[usize]) -> DenseClassifier {
    let count = DenseClassifier::count(widths).unwrap();
    let parameters: Array1<f64> = (0..count).map(|i| ((i * 7919 % 211) as f64 / 211.0 - 0.5) * 1.3).collect();
    DenseClassifier::from_parameters(widths, InputScaling::centred(0.0, 16.0), parameters.view()).unwrap()
}

fn features(n: usize, width: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, width), |(i, j)| ((i * 31 + j * 17) % 17) as f64)
}

/// Central differences of `value` with respect to every parameter.
fn numeric(network: &DenseClassifier, value: impl Fn(&DenseClassifier) -> f64) -> Array1<f64> {
    let at = |place: usize, step: f64| {
        let mut parameters = network.parameters();
        parameters[place] += step;
        value(&DenseClassifier::from_parameters(&network.widths(), network.scaling(), parameters.view()).unwrap())
    };
    let h = 1e-5;
    (0..network.parameter_count()).map(|place| (at(place, h) - at(place, -h)) / (2.0 * h)).collect()
}

fn close(a: &Array1<f64>, b: &Array1<f64>) {
    let scale = b.iter().fold(1e-9f64, |m, v| m.max(v.abs()));
    let worst = (a - b).iter().fold(0f64, |m, v| m.max(v.abs()));
    assert!(worst <= 1e-7 * scale.max(1.0), "off by {worst}, largest {scale}");
}

#[test]
fn gradients_equal_finite_differences_at_every_depth() {
    for widths in [&[5, 3][..], &[5, 4, 3], &[5, 4, 6, 3]] {
        let network = network(widths);
        let features = features(4, 5);
        let labels = [0, 2, 1, 2];

        let trace = network.trace(features.view()).unwrap();
        let loss = network.reverse(&trace, target::loss_errors(trace.logits(), &labels)).sum();
        close(&loss, &numeric(&network, |n| target::cross_entropy(&n.logits(features.view()).unwrap(), &labels)));

        let margin = network.reverse(&trace, target::margin_errors(trace.logits(), &labels)).sum();
        close(&margin, &numeric(&network, |n| target::margins(&n.logits(features.view()).unwrap(), &labels).sum()));
    }
}

#[test]
fn sums_by_group_and_projections_are_the_same_gradients() {
    let network = network(&[5, 4, 3]);
    let trace = network.trace(features(6, 5).view()).unwrap();
    let factors = network.reverse(&trace, target::loss_errors(trace.logits(), &[0, 1, 2, 0, 1, 2]));
    let groups = [1, 0, 1, 2, 2, 1];
    let by_group = factors.sum_by(&groups, 4);
    close(&by_group.sum_axis(Axis(0)), &factors.sum());
    assert!(by_group.row(3).iter().all(|v| *v == 0.0));

    let every = factors.project(Array2::eye(network.parameter_count()).view());
    let mut expected = Array2::zeros(by_group.raw_dim());
    for (record, group) in groups.iter().enumerate() {
        let mut row = expected.row_mut(*group);
        row += &every.row(record);
    }
    for (a, b) in by_group.outer_iter().zip(expected.outer_iter()) {
        close(&a.to_owned(), &b.to_owned());
    }
}
