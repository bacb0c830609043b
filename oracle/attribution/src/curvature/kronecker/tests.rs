use ndarray::{Array1, Array2, Array4};
use proptest::prelude::*;

use super::*;

fn patterned(shape: (usize, usize, usize, usize), seed: usize) -> Array4<f64> {
    Array4::from_shape_fn(shape, |(a, b, c, d)| {
        ((a * 7 + b * 5 + c * c * 3 + d * d + a * d + seed) % 13) as f64 / 6.0 - 1.0
    })
}

fn weights(records: usize) -> Array1<f64> {
    (0..records).map(|i| (1 + i % 3) as f64 / 10.0).collect()
}

fn bases(activation: &Array4<f64>, error: &Array4<f64>) -> Eigenbases {
    let ((records, groups, _, inputs), (.., outputs)) = (activation.dim(), error.dim());
    let mut moments = LayerMoments::new(groups, inputs, outputs).unwrap();
    // In two chunks.
    let cut = records / 2;
    let (a, b) = (activation.view().split_at(Axis(0), cut), error.view().split_at(Axis(0), cut));
    let weights = weights(records);
    let w = weights.view().split_at(Axis(0), cut);
    moments.add(Factors { activation: a.0, error: b.0 }, w.0).unwrap();
    moments.add(Factors { activation: a.1, error: b.1 }, w.1).unwrap();
    moments.finish().unwrap()
}

fn worst(difference: Array2<f64>) -> f64 {
    difference.iter().fold(0.0, |worst, value| worst.max(value.abs()))
}

/// `U diag(values) Uᵀ`.
fn composed(vectors: &Array2<f64>, values: &Array1<f64>) -> Array2<f64> {
    (vectors * values).dot(&vectors.t())
}

proptest! {
    #[test]
    fn factors_are_the_mean_outer_products_of_inputs_and_errors(
        records in 1usize..6, groups in 1usize..3, positions in 1usize..4, inputs in 1usize..5, outputs in 1usize..5,
        seed in 0usize..500,
    ) {
        let activation = patterned((records, groups, positions, inputs), seed);
        let error = patterned((records, groups, positions, outputs), seed + 4);
        let (bases, weights) = (bases(&activation, &error), weights(records));
        let outer = |factor: &Array4<f64>, i: usize, j: usize| {
            let mut sum = 0.0;
            for n in 0..records {
                for g in 0..groups {
                    for p in 0..positions {
                        sum += weights[n] * factor[[n, g, p, i]] * factor[[n, g, p, j]] / groups as f64;
                    }
                }
            }
            sum
        };
        let a = Array2::from_shape_fn((inputs, inputs), |(i, j)| outer(&activation, i, j) / weights.sum());
        let b = Array2::from_shape_fn((outputs, outputs), |(i, j)| outer(&error, i, j) / positions as f64);
        prop_assert!(worst(composed(&bases.input, &bases.input_values) - a) < 1e-9);
        prop_assert!(worst(composed(&bases.output, &bases.output_values) - b) < 1e-9);
    }

    #[test]
    fn projections_are_of_the_gradient_and_measured_values_are_the_rotated_blocks_diagonal(
        records in 1usize..6, groups in 1usize..3, positions in 1usize..4, inputs in 1usize..4, outputs in 1usize..4,
        seed in 0usize..500,
    ) {
        let activation = patterned((records, groups, positions, inputs), seed);
        let error = patterned((records, groups, positions, outputs), seed + 4);
        let factors = Factors { activation: activation.view(), error: error.view() };
        let bases = bases(&activation, &error);
        let weights = weights(records);
        // Row-major gradients per group, rotated entry by entry.
        let rotated = Array2::from_shape_fn((records, groups * inputs * outputs), |(n, place)| {
            let (g, r, s) = (place / (inputs * outputs), place / outputs % inputs, place % outputs);
            let mut sum = 0.0;
            for p in 0..positions {
                for i in 0..inputs {
                    for o in 0..outputs {
                        let gradient = activation[[n, g, p, i]] * error[[n, g, p, o]];
                        sum += bases.input[[i, r]] * gradient * bases.output[[o, s]];
                    }
                }
            }
            sum
        });
        prop_assert!(worst(&rotated - &factors.project(&bases.input, &bases.output).unwrap()) < 1e-9);

        let mut ekfac = EkFac::new(bases);
        ekfac.add(factors, weights.view()).unwrap();
        let values = (&rotated * &rotated * &weights.insert_axis(Axis(1))).sum_axis(Axis(0));
        prop_assert!((ekfac.values() - &values).iter().all(|d| d.abs() < 1e-9));
        let whitened = ekfac.whiten(factors, 0.3).unwrap();
        let scores = whitened.dot(&whitened.t());
        let naive = (&rotated / &values.mapv(|value| value + 0.3)).dot(&rotated.t());
        prop_assert!(worst(scores - naive) < 1e-9);
    }

    #[test]
    fn a_plan_fits_its_budget_and_more_budget_holds_more(
        sizes in prop::collection::vec((1usize..3, 1usize..7, 1usize..7), 1..5), budget in 8usize..120, seed in 0usize..100,
    ) {
        let layers: Vec<Eigenbases> = sizes
            .iter()
            .map(|(groups, inputs, outputs)| {
                bases(&patterned((9, *groups, 2, *inputs), seed), &patterned((9, *groups, 2, *outputs), seed + 1))
            })
            .collect();
        let planned = plan(&layers, budget).unwrap();
        let used: usize = planned.iter().map(LayerProjection::features).sum();
        let whole: usize = sizes.iter().map(|(g, i, o)| g * i * o).sum();
        prop_assert!(used <= budget);
        if budget >= whole {
            prop_assert_eq!(used, whole);
            prop_assert!(planned.iter().all(|layer| (layer.mass - 1.0).abs() < 1e-9));
        }
        for (projection, layer) in planned.iter().zip(&layers) {
            let (r, s) = (projection.input.ncols(), projection.output.ncols());
            let mass: f64 = layer.input_values.iter().take(r).sum::<f64>() * layer.output_values.iter().take(s).sum::<f64>();
            let all = layer.input_values.sum() * layer.output_values.sum();
            prop_assert!((projection.mass - mass / all).abs() < 1e-9);
            let metric = projection.input.t().dot(&projection.input);
            prop_assert!(worst(metric - Array2::<f64>::eye(r)) < 1e-9);
        }
    }
}

#[test]
fn with_independent_factors_the_product_is_the_exact_block() {
    // Every input meets every error once, so that the expectation factorises.
    let inputs = ndarray::array![[1.0, 2.0], [-1.0, 0.5], [0.3, 1.0]];
    let errors = ndarray::array![[0.5, -1.0, 2.0], [1.0, 1.0, 0.0]];
    let activation = Array4::from_shape_fn((6, 1, 1, 2), |(n, _, _, i)| inputs[[n / 2, i]]);
    let error = Array4::from_shape_fn((6, 1, 1, 3), |(n, _, _, o)| errors[[n % 2, o]]);
    let mut moments = LayerMoments::new(1, 2, 3).unwrap();
    let weights = Array1::from_elem(6, 1.0 / 6.0);
    moments.add(Factors { activation: activation.view(), error: error.view() }, weights.view()).unwrap();
    let bases = moments.finish().unwrap();
    let (a, b) = (composed(&bases.input, &bases.input_values), composed(&bases.output, &bases.output_values));
    let gradients = Array2::from_shape_fn((6, 6), |(n, place)| inputs[[n / 2, place / 3]] * errors[[n % 2, place % 3]]);
    let block = gradients.t().dot(&gradients) / 6.0;
    let product = Array2::from_shape_fn((6, 6), |(x, y)| a[[x / 3, y / 3]] * b[[x % 3, y % 3]]);
    assert!(worst(block - product) < 1e-12);
}

#[test]
fn the_heavier_layer_gets_the_directions() {
    let light = bases(&patterned((9, 1, 1, 5), 1), &(patterned((9, 1, 1, 5), 2) * 1e-3));
    let heavy = bases(&patterned((9, 1, 1, 5), 1), &patterned((9, 1, 1, 5), 2));
    let planned = plan(&[light, heavy], 12).unwrap();
    // The light one gets what is too little for another direction of the heavy one.
    assert!(planned[0].features() <= 2);
    assert!(planned[1].features() > 8);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let activation = patterned((3, 1, 2, 4), 1);
    let mut moments = LayerMoments::new(1, 4, 2).unwrap();
    let mut add = |error: &Array4<f64>, weights: &[f64]| {
        moments.add(Factors { activation: activation.view(), error: error.view() }, weights.into())
    };
    let good = patterned((3, 1, 2, 2), 1);
    for shape in [(2, 1, 2, 2), (3, 2, 2, 2), (3, 1, 1, 2), (3, 1, 2, 3)] {
        assert!(matches!(add(&patterned(shape, 1), &[1.0; 3]), Err(AttributionError::Shape { .. })));
    }
    assert!(matches!(add(&good, &[1.0; 2]), Err(AttributionError::Shape { .. })));
    assert!(matches!(add(&good, &[-1.0; 3]), Err(AttributionError::Weight(_))));
    assert!(matches!(add(&(&good * f64::NAN), &[1.0; 3]), Err(AttributionError::NotFinite(_))));
    assert!(matches!(moments.finish(), Err(AttributionError::NoRecords(_))));
    assert!(LayerMoments::new(0, 1, 1).is_err() && LayerMoments::new(1, 0, 1).is_err());
    assert!(plan(&[], 4).is_err());
    let bases = bases(&activation, &good);
    assert!(matches!(plan(&[bases.clone(), bases.clone()], 1), Err(AttributionError::Features { .. })));
    let mut ekfac = EkFac::new(bases);
    let factors = Factors { activation: activation.view(), error: good.view() };
    assert!(matches!(ekfac.whiten(factors, 0.0), Err(AttributionError::Damping(_))));
    assert!(matches!(ekfac.add(factors, [1.0].as_slice().into()), Err(AttributionError::Shape { .. })));
    assert!(matches!(ekfac.add(factors, [f64::NAN; 3].as_slice().into()), Err(AttributionError::Weight(_))));
}
