use ndarray::{Array2, ArrayView1, Axis};
use tributary_attribution::{
    AttributionError, AttributionSettings, Column, CurvatureKind, Directions, HeldOut, Labels, OwnedRecords, Records,
    attribute,
    attribute::effects,
    attribute_checkpoints,
    compile::Checkpoint,
    curvature::{DampedCurvature, classes::Expectation},
    features::{Features, Reduction, gauss_newton},
    gradient,
    graph::{self, Graph},
    onnx,
    sketches::{Sketches, integer_totals},
    targets::Target,
};
use tributary_runtime::{Session, SessionOptions, Tensor};
use tributary_sdk::Address;

use crate::setting::*;

fn features(model: &Graph, target: Target) -> Features {
    let parameters = gradient::parameters(model);
    Features::open(&runtime(), model, target, &parameters, &Reduction::new(), &SessionOptions::default()).unwrap()
}

/// Largest difference relative to the largest number.
fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let largest = b.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    (a - b).iter().fold(0f64, |most, value| most.max(value.abs())) / largest
}

fn add_outer(sum: &mut Array2<f64>, row: ArrayView1<'_, f32>, weight: f64) {
    for (i, a) in row.iter().enumerate() {
        for (j, b) in row.iter().enumerate() {
            sum[[i, j]] += weight * f64::from(*a) * f64::from(*b);
        }
    }
}

#[test]
fn the_curvature_is_the_expectation_over_the_models_own_classes() {
    let model = perceptron(3, 4, 3);
    let records = records(Target::Margin, 11, 3, 3, 1);
    let mut features = features(&model, Target::Margin);
    let found = gauss_newton(&mut features, &records, DENOMINATOR, Expectation::Exact).unwrap();
    let mut expected = Array2::zeros(found.raw_dim());
    for class in 0..3 {
        let pass = features.run_as(&records, &Labels::Classes(vec![class; 11])).unwrap();
        for ((row, loss), _) in pass.features.outer_iter().zip(&pass.losses).zip(0..) {
            // The loss of a class is minus the logarithm of its probability.
            add_outer(&mut expected, row, f64::from((-loss).exp()) / DENOMINATOR as f64);
        }
    }
    assert!(distance(&found, &expected) < 1e-6);
}

#[test]
fn drawn_classes_come_close_to_the_expectation() {
    let model = perceptron(3, 4, 3);
    let records = records(Target::Margin, 60, 3, 3, 2);
    let mut features = features(&model, Target::Margin);
    let exact = gauss_newton(&mut features, &records, DENOMINATOR, Expectation::Exact).unwrap();
    let drawn = |features: &mut Features, draws| {
        let expectation = Expectation::Sampled { draws, seed: 5 };
        gauss_newton(features, &records, DENOMINATOR, expectation).unwrap()
    };
    let (few, many) = (drawn(&mut features, 2), drawn(&mut features, 200));
    assert!(distance(&many, &exact) < 0.1, "{}", distance(&many, &exact));
    assert!(distance(&few, &exact) > distance(&many, &exact));
    assert_eq!(few, drawn(&mut features, 2));
}

#[test]
fn regression_and_several_labels_have_their_gauss_newton_matrix() {
    // Regression: the outer products of the output's own gradient, which is the sketch in the identity basis.
    let model = perceptron(3, 4, 1);
    let regression = records(Target::Regression, 9, 3, 1, 3);
    let mut features_of = features(&model, Target::Regression);
    let found = gauss_newton(&mut features_of, &regression, DENOMINATOR, Expectation::Exact).unwrap();
    let mut expected = Array2::zeros(found.raw_dim());
    for row in in_identity(&model, Target::Regression, &regression).outer_iter() {
        add_outer(&mut expected, row, 1.0 / DENOMINATOR as f64);
    }
    assert!(distance(&found, &expected) < 1e-4, "{}", distance(&found, &expected));

    // Several labels: each is a margin of its own, p(1 − p) of it.
    let model = perceptron(3, 4, 2);
    let several = records(Target::MultiLabel, 9, 3, 2, 4);
    let mut features_of = features(&model, Target::MultiLabel);
    let found = gauss_newton(&mut features_of, &several, DENOMINATOR, Expectation::Exact).unwrap();
    let mut expected = Array2::zeros(found.raw_dim());
    let logits = features_of.run(&several).unwrap().outputs;
    for label in 0..2 {
        let signs = |sign: f32| {
            let mut bits = Array2::zeros((9, 2));
            bits.column_mut(label).fill((1.0 + sign) / 2.0);
            let labelled = Records::new(several.inputs().to_vec(), Labels::Several(bits)).unwrap();
            in_identity(&model, Target::MultiLabel, &labelled)
        };
        let gradients = (signs(1.0) - signs(-1.0)) / 2.0;
        for (place, row) in gradients.outer_iter().enumerate() {
            let p = 1.0 / (1.0 + (-f64::from(logits[[place, label]])).exp());
            add_outer(&mut expected, row, p * (1.0 - p) / DENOMINATOR as f64);
        }
    }
    assert!(distance(&found, &expected) < 1e-4, "{}", distance(&found, &expected));
}

/// The target's gradients for the records' labels, `[n, parameters]`: sketches in the identity basis.
fn in_identity(model: &Graph, target: Target, records: &Records) -> Array2<f32> {
    let parameters = gradient::parameters(model);
    let count = parameters.iter().map(|name| model.constants[name].len()).sum();
    let (parameters, reduction, projection) = (&parameters[..], &Reduction::new(), &Array2::eye(count));
    let checkpoint = Checkpoint { model, parameters, reduction, projection };
    let graph = tributary_attribution::compile(&[checkpoint], target).unwrap();
    Sketches::open(&runtime(), &graph, &SessionOptions::default()).unwrap().of_labels(records).unwrap()
}

/// `g_qᵀ (G + λI)⁻¹ E_c`, spelt out.
fn exact(model: &Graph, target: Target, training: &OwnedRecords, queries: &Records) -> Array2<f64> {
    let mut features = features(model, target);
    let expectation = settings(target).expectation;
    let curvature = gauss_newton(&mut features, training.records(), DENOMINATOR, expectation).unwrap();
    let effects = effects(&mut features, training, DENOMINATOR).unwrap();
    let solved = DampedCurvature::new(&curvature, DAMPING).unwrap().solve(&effects);
    in_identity(model, target, queries).mapv(f64::from).dot(&solved.t())
}

#[test]
fn a_sketch_times_a_row_is_the_influence_for_every_kind_of_target() {
    for (target, outputs) in
        [(Target::Margin, 3), (Target::Regression, 1), (Target::MultiLabel, 2), (Target::Sequence, 5)]
    {
        let model = if target == Target::Sequence { language(4, 5, 3) } else { perceptron(4, 5, outputs) };
        let training = owned(records(target, DENOMINATOR, 4, outputs, 6));
        let queries = records(target, 7, 4, outputs, 7);
        let held_out = HeldOut::apart(records(target, 12, 4, outputs, 8));
        for directions in [Directions::Owner, Directions::Eigen { rank: 12 }] {
            let settings = AttributionSettings { directions, ..settings(target) };
            let attribution = attribute(&runtime(), &model, &training, &held_out, &settings, |_| ()).unwrap();
            let mut sketches = Sketches::open(&runtime(), attribution.graph(), &SessionOptions::default()).unwrap();
            let found = sketches.of_labels(&queries).unwrap();
            let expected = exact(&model, target, &training, &queries);
            let scores = found.mapv(f64::from).dot(&attribution.rows().t());
            // Sequences draw their curvature, so that both sides must draw alike: they do, by the same seed.
            assert!(distance(&scores, &expected) < 1e-4, "{target:?} {directions:?}: {}", distance(&scores, &expected));
            let totals = integer_totals(found.view(), attribution.table(), attribution.unit()).unwrap();
            let (totals, expected) = (totals.insert_axis(Axis(0)), expected.sum_axis(Axis(0)).insert_axis(Axis(0)));
            assert!(distance(&totals, &expected) < 0.02, "{target:?}: {totals} {expected}");
        }
    }
}

/// The model with its weights moved.
fn moved(model: &Graph, factor: f32) -> Graph {
    let mut moved = model.clone();
    for name in gradient::parameters(model) {
        let tensor = &model.constants[&name];
        let values = tensor.floats().unwrap().iter().map(|value| value * factor).collect();
        moved.constants.insert(name, graph::Tensor::new(tensor.dims().to_vec(), graph::Data::F32(values)).unwrap());
    }
    moved
}

#[test]
fn a_score_over_checkpoints_is_the_mean_of_their_scores_for_what_the_first_one_serves() {
    for (target, outputs) in [(Target::Margin, 3), (Target::Regression, 1), (Target::MultiLabel, 2)] {
        let model = perceptron(4, 5, outputs);
        // The last one answers differently.
        let models = [model.clone(), moved(&model, 0.8), moved(&model, -1.0)];
        let training = owned(records(target, DENOMINATOR, 4, outputs, 6));
        let held_out = HeldOut::apart(records(target, 12, 4, outputs, 8));
        let asked = records(target, 7, 4, outputs, 9);
        for directions in [Directions::Owner, Directions::Eigen { rank: 30 }] {
            let settings = AttributionSettings { directions, ..settings(target) };
            let checkpoints: Vec<&Graph> = models.iter().collect();
            let found = attribute_checkpoints(&runtime(), &checkpoints, &training, &held_out, &settings, |_| ());
            let found = found.unwrap();
            let open = |graph: &Graph| Sketches::open(&runtime(), graph, &SessionOptions::default()).unwrap();
            let scores = open(found.graph()).served(&asked).unwrap().mapv(f64::from).dot(&found.rows().t());
            let output = model.outputs[0].name.clone();
            let [(name, column)] = asked.inputs() else { panic!("one input") };
            let mut session = Session::open(&runtime(), &onnx::encode(&model), &SessionOptions::default()).unwrap();
            let answers = session.run(&[(name.as_str(), column.tensor())], &[&output]).unwrap().remove(0);
            let labelled = asked.relabelled(Labels::served(target, answers).unwrap()).unwrap();
            let mut mean = Array2::zeros(scores.raw_dim());
            for model in &models {
                let alone = attribute(&runtime(), model, &training, &held_out, &settings, |_| ()).unwrap();
                let sketches = open(alone.graph()).of_labels(&labelled).unwrap();
                mean += &(sketches.mapv(f64::from).dot(&alone.rows().t()) / 3.0);
            }
            // Fewer directions each are another approximation, so only the contributors' own are compared.
            if directions == Directions::Owner {
                assert!(distance(&scores, &mean) < 1e-4, "{target:?}: {}", distance(&scores, &mean));
            }
            assert_eq!(found.table().k(), found.basis().width());
        }
        let other = perceptron(3, 5, outputs);
        let refused =
            attribute_checkpoints(&runtime(), &[&model, &other], &training, &held_out, &settings(target), |_| ());
        assert!(refused.is_err());
    }
}

#[test]
fn the_served_graph_answers_as_before_and_is_the_same_file_every_time() {
    let model = perceptron(4, 5, 3);
    let training = owned(records(Target::Margin, DENOMINATOR, 4, 3, 6));
    let held_out = HeldOut::apart(records(Target::Margin, 12, 4, 3, 8));
    let attributed = || attribute(&runtime(), &model, &training, &held_out, &settings(Target::Margin), |_| ()).unwrap();
    let attribution = attributed();
    assert_eq!(attribution.onnx(), attributed().onnx());
    assert_eq!(attribution.table(), attributed().table());
    assert_eq!(onnx::decode(&attribution.onnx()).unwrap().outputs.len(), 2);

    let records = records(Target::Margin, 5, 4, 3, 9);
    let [(_, tributary_attribution::Column::F32(values))] = records.inputs() else { panic!("one input") };
    let logits = |file: &[u8]| {
        let mut session = Session::open(&runtime(), file, &SessionOptions::default()).unwrap();
        let output = model.outputs[0].name.clone();
        session.run(&[(INPUT, Tensor::F32(values.view().into()))], &[&output]).unwrap().remove(0)
    };
    let (before, after) = (logits(&onnx::encode(&model)), logits(&attribution.onnx()));
    assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() <= 1e-6), "{before} {after}");

    // Left out, the label is the served class.
    let served: Vec<usize> = before
        .outer_iter()
        .map(|row| {
            row.iter().enumerate().fold((0, f32::MIN), |best, (j, z)| if *z > best.1 { (j, *z) } else { best }).0
        })
        .collect();
    let labelled = Records::new(records.inputs().to_vec(), Labels::Classes(served)).unwrap();
    let mut sketches = Sketches::open(&runtime(), attribution.graph(), &SessionOptions::default()).unwrap();
    assert_eq!(sketches.served(&records).unwrap(), sketches.of_labels(&labelled).unwrap());
}

#[test]
fn the_gate_fails_whoever_pushes_away_from_the_truth() {
    for (target, outputs) in [(Target::Margin, 3), (Target::Regression, 1)] {
        let model = undecided(4, outputs);
        let held_out = labelled_by_features(records(target, 60, 4, outputs, 8), |label| label);
        // One account is right, one wrong, and one's answers have nothing to do with the records.
        let right = labelled_by_features(records(target, 60, 4, outputs, 10), |label| label);
        let wrong = labelled_by_features(records(target, 60, 4, outputs, 11), |label| match label {
            Labels::Classes(classes) => Labels::Classes(classes.iter().map(|class| (class + 1) % 3).collect()),
            Labels::Values(values) => Labels::Values(values.iter().map(|value| -value).collect()),
            other => other,
        });
        let training = joined(&[right, wrong, records(target, 60, 4, outputs, 9)]);
        let settings = settings(target);
        let found = attribute(&runtime(), &model, &training, &HeldOut::apart(held_out), &settings, |_| ()).unwrap();
        let z: Vec<f64> = found.gate().iter().map(|result| result.z).collect();
        assert!(z[0] > 3.0 && z[1] < -3.0, "{target:?}: {z:?}");
        let rows = found.table().rows();
        assert!(rows[0].passes_gate && !rows[1].passes_gate);
        assert!(rows[0].baseline > 0 && rows[1].baseline == 0);
    }
}

/// The class is the largest of the first three features, the value the first feature.
fn labelled_by_features(records: Records, change: impl Fn(Labels) -> Labels) -> Records {
    let Column::F32(values) = &records.inputs()[0].1 else { panic!("features are real") };
    let largest = |row: ndarray::ArrayViewD<'_, f32>| (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
    let labels = match records.labels() {
        Labels::Classes(_) => Labels::Classes(values.outer_iter().map(largest).collect()),
        _ => Labels::Values(values.outer_iter().map(|row| row[0]).collect()),
    };
    Records::new(records.inputs().to_vec(), change(labels)).unwrap()
}

/// Records of one account each, one account after the other.
fn joined(sources: &[Records]) -> OwnedRecords {
    let column = |records: &Records| match &records.inputs()[0].1 {
        Column::F32(values) => values.clone(),
        Column::I64(_) => panic!("features are real"),
    };
    let columns: Vec<_> = sources.iter().map(column).collect();
    let views: Vec<_> = columns.iter().map(|values| values.view()).collect();
    let features = ndarray::concatenate(Axis(0), &views).unwrap();
    let labels = match sources[0].labels() {
        Labels::Classes(_) => Labels::Classes(
            sources.iter().flat_map(|r| if let Labels::Classes(c) = r.labels() { c.clone() } else { vec![] }).collect(),
        ),
        _ => Labels::Values(
            sources.iter().flat_map(|r| if let Labels::Values(v) = r.labels() { v.clone() } else { vec![] }).collect(),
        ),
    };
    let owners: Vec<Address> = (1u8..)
        .zip(sources)
        .flat_map(|(account, records)| vec![Address::with_last_byte(account); records.len()])
        .collect();
    OwnedRecords::new(Records::new(vec![(INPUT.into(), Column::F32(features))], labels).unwrap(), &owners).unwrap()
}

#[test]
fn kronecker_directions_lose_nothing_where_all_are_kept_and_little_where_most_are() {
    for (target, outputs) in [(Target::Margin, 3), (Target::MultiLabel, 2), (Target::Sequence, 5)] {
        let model = if target == Target::Sequence { language(4, 5, 3) } else { perceptron(4, 5, outputs) };
        let training = owned(records(target, DENOMINATOR, 4, outputs, 6));
        let (queries, held_out) =
            (records(target, 7, 4, outputs, 7), HeldOut::apart(records(target, 12, 4, outputs, 8)));
        let whole: usize = gradient::parameters(&model).iter().map(|name| model.constants[name].len()).sum();
        let expected = exact(&model, target, &training, &queries);
        for (features, bound) in [(whole, 1e-3), (whole * 3 / 4, 0.5)] {
            let curvature = CurvatureKind::Kronecker { features };
            let settings = AttributionSettings { curvature, directions: Directions::Owner, ..settings(target) };
            let attribution = attribute(&runtime(), &model, &training, &held_out, &settings, |_| ()).unwrap();
            let mut sketches = Sketches::open(&runtime(), attribution.graph(), &SessionOptions::default()).unwrap();
            let found = sketches.of_labels(&queries).unwrap().mapv(f64::from).dot(&attribution.rows().t());
            // Sequences draw other answers in blocks of another size, never here: all records are one block.
            let off = distance(&found, &expected);
            assert!(off < bound, "{target:?} with {features} of {whole}: {off}");
        }
    }
    let model = perceptron(4, 5, 3);
    let training = owned(records(Target::Margin, DENOMINATOR, 4, 3, 6));
    let held_out = HeldOut::apart(records(Target::Margin, 12, 4, 3, 8));
    let curvature = CurvatureKind::Kronecker { features: 2 };
    let refused = attribute(
        &runtime(),
        &model,
        &training,
        &held_out,
        &AttributionSettings { curvature, ..settings(Target::Margin) },
        |_| (),
    );
    assert!(matches!(refused, Err(AttributionError::Features { limit: 2, .. })), "{refused:?}");
}

#[test]
fn record_rows_add_up_to_contributor_rows_exactly() {
    let model = perceptron(4, 5, 3);
    let training = owned(records(Target::Margin, DENOMINATOR, 4, 3, 6));
    let held_out = HeldOut::apart(records(Target::Margin, 12, 4, 3, 8));
    let attribution = attribute(&runtime(), &model, &training, &held_out, &settings(Target::Margin), |_| ()).unwrap();
    let sums = attribution.records().sums(training.owners(), training.accounts().len()).unwrap();
    let rows: Vec<Vec<i32>> = attribution.table().rows().iter().map(|row| row.values.clone()).collect();
    assert_eq!(sums, rows);
}

#[test]
fn contributors_of_few_records_share_a_row_by_records() {
    let model = perceptron(4, 5, 3);
    let all = records(Target::Margin, DENOMINATOR, 4, 3, 6);
    // Accounts 1 and 3 have 4 and 8 records, 2 the rest.
    let owner = |place: usize| {
        Address::with_last_byte(if place < 4 {
            1
        } else if place < 12 {
            3
        } else {
            2
        })
    };
    let owners: Vec<Address> = (0..all.len()).map(owner).collect();
    let training = OwnedRecords::new(all.clone(), &owners).unwrap();
    let held_out = HeldOut::apart(records(Target::Margin, 12, 4, 3, 8));
    let run = |training: &OwnedRecords| {
        attribute(&runtime(), &model, training, &held_out, &settings(Target::Margin), |_| ()).unwrap()
    };
    let found = run(&training);
    let joined: Vec<Address> = owners
        .iter()
        .map(|owner| if *owner == Address::with_last_byte(3) { Address::with_last_byte(1) } else { *owner })
        .collect();
    let together = run(&OwnedRecords::new(all, &joined).unwrap());
    let ([small, large, other], [both, alone]) = (found.table().rows(), together.table().rows()) else {
        panic!("rows")
    };
    assert_eq!([small.records, large.records, other.records], [4, DENOMINATOR as u32 - 12, 8]);
    assert_eq!((large, found.onnx()), (alone, together.onnx()));
    for (place, whole) in both.values.iter().enumerate() {
        assert_eq!(small.values[place] + other.values[place], *whole);
        assert!((f64::from(small.values[place]) - f64::from(*whole) / 3.0).abs() < 1.0);
    }
    assert_eq!(small.baseline + other.baseline, both.baseline);
    assert_eq!([small.passes_gate, other.passes_gate], [both.passes_gate; 2]);
    let parts = &found.rows().row(0) + &found.rows().row(2);
    assert!((parts - together.rows().row(0)).iter().all(|difference| difference.abs() < 1e-12));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let model = perceptron(4, 5, 3);
    let held_out = HeldOut::apart(records(Target::Margin, 12, 4, 3, 8));
    let run = |training: Records, held_out: &HeldOut, target| {
        attribute(&runtime(), &model, &owned(training), held_out, &settings(target), |_| ())
    };
    let good = || records(Target::Margin, DENOMINATOR, 4, 3, 6);
    let refused = run(good(), &HeldOut::apart(good().select(&[])), Target::Margin);
    assert!(matches!(refused, Err(AttributionError::NoRecords("held-out"))));
    let refused = run(good().select(&(0..8).collect::<Vec<_>>()), &held_out, Target::Margin);
    assert!(matches!(refused, Err(AttributionError::TooFewRecords { records: 8, .. })));
    let refused = run(records(Target::Margin, DENOMINATOR, 4, 4, 6), &held_out, Target::Margin);
    assert!(matches!(refused, Err(AttributionError::Label { label: 3, classes: 3, .. })));
    let beyond = HeldOut::apart(records(Target::Margin, 12, 4, 5, 8));
    let refused = run(good(), &beyond, Target::Margin);
    assert!(matches!(refused, Err(AttributionError::Label { classes: 3, .. })), "{refused:?}");
    let mut sequences = features(&language(4, 5, 3), Target::Sequence);
    let tokens = records(Target::Sequence, 3, 4, 5, 6);
    let refused = gauss_newton(&mut sequences, &tokens, DENOMINATOR, Expectation::Exact);
    assert!(matches!(refused, Err(AttributionError::Unbounded)), "{refused:?}");
    let refused = run(good(), &held_out, Target::MultiLabel);
    assert!(matches!(refused, Err(AttributionError::Labels { .. })), "{refused:?}");
    let refused = run(records(Target::Margin, DENOMINATOR, 5, 3, 6), &held_out, Target::Margin);
    assert!(matches!(refused, Err(AttributionError::Runtime(_))), "{refused:?}");
}
