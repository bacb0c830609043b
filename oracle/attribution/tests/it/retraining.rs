//! Influence against really leaving data out.

use tributary_attribution::{
    DenseClassifier, OwnedRecords,
    attribute::effects,
    curvature::{DampedCurvature, gauss_newton},
    statistics::spearman,
    target::{margin_errors, margins, served_classes},
};
use tributary_sdk::Address;

use crate::setting::Setting;

/// Mean margin of the classes that the whole model serves.
fn mean_margin(setting: &Setting, network: &DenseClassifier) -> f64 {
    let logits = |network: &DenseClassifier| network.logits(setting.test.features().view()).unwrap();
    let served = served_classes(&logits(&setting.trained.network));
    margins(&logits(network), &served).mean().unwrap()
}

#[test]
fn totals_rank_contributors_as_retraining_without_each_does() {
    for hidden in [vec![], vec![8]] {
        let setting = Setting::new(hidden, 8, 2.0);
        let whole = mean_margin(&setting, &setting.trained.network);
        let truth: Vec<f64> = (0..8)
            .map(|left_out| whole - mean_margin(&setting, &setting.without(|r| setting.owners[r] == left_out).network))
            .collect();
        let totals = setting.attribution.integer_totals(setting.test.features().view()).unwrap().to_vec();
        assert!(spearman(&totals, &truth).unwrap() >= 0.85, "attributed {totals:?}, retrained {truth:?}");
    }
}

#[test]
fn influence_has_the_sign_and_size_of_leaving_one_record_out() {
    // One record is a small step and softmax regression has one minimum, so that the first-order prediction must hold
    // closely, image by image. λ is the objective's own.
    let setting = Setting::new(vec![], 4, 1.0);
    let network = &setting.trained.network;
    let trace = network.trace(setting.test.features().view()).unwrap();
    let served = served_classes(trace.logits());
    let factors = network.reverse(&trace, margin_errors(trace.logits(), &served));
    let curvature = gauss_newton(network, &setting.training, setting.training.len()).unwrap();
    let curvature = DampedCurvature::new(&curvature, setting.recipe.weight_decay).unwrap();

    let (mut predicted, mut shown) = (Vec::new(), Vec::new());
    for left_out in [3, 77, 150, 222, 301, 399] {
        let record = OwnedRecords::new(setting.training.select(&[left_out]), &[Address::ZERO]).unwrap();
        let effect = effects(network, &record, setting.training.len()).unwrap();
        predicted.extend(factors.project(curvature.solve(&effect).t()).iter().copied());
        let without = setting.without(|r| r == left_out).network;
        let logits = without.logits(setting.test.features().view()).unwrap();
        shown.extend((margins(trace.logits(), &served) - margins(&logits, &served)).iter().copied());
    }
    let correlation = spearman(&predicted, &shown).unwrap();
    assert!(correlation > 0.95, "{correlation}");
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let slope = product(&predicted, &shown) / product(&predicted, &predicted);
    assert!((0.7..1.6).contains(&slope), "a unit of influence is a unit of margin: {slope}");
}

#[test]
fn a_contributor_of_wrong_labels_fails_the_gate_and_has_no_baseline() {
    let setting =
        Setting::with_labels(vec![], 6, 2.0, |owner, label| if owner == 0 { (label + 3) % 10 } else { label });
    let rows = setting.attribution.table().rows();
    let passes: Vec<bool> = rows.iter().map(|row| row.passes_gate).collect();
    assert_eq!(passes, [false, true, true, true, true, true], "{:?}", setting.attribution.gate());
    assert_eq!(rows[0].baseline, 0);
}

#[test]
fn integer_scores_are_exact_influence_up_to_rounding() {
    for hidden in [vec![], vec![8]] {
        let setting = Setting::new(hidden, 8, 2.0);
        let features = setting.test.features();
        let exact = {
            // The long way round: no basis, no quantisation.
            let network = &setting.trained.network;
            let curvature = gauss_newton(network, &setting.training, setting.training.len()).unwrap();
            let curvature = DampedCurvature::new(&curvature, setting.recipe.damping()).unwrap();
            let accounts: Vec<_> = setting.owners.iter().map(|o| Address::with_last_byte(*o as u8 + 1)).collect();
            let owned = OwnedRecords::new(setting.training.clone(), &accounts).unwrap();
            let effects = effects(network, &owned, setting.training.len()).unwrap();
            let trace = network.trace(features.view()).unwrap();
            let served = served_classes(trace.logits());
            network.reverse(&trace, margin_errors(trace.logits(), &served)).project(curvature.solve(&effects).t())
        };
        let totals = setting.attribution.integer_totals(features.view()).unwrap();
        let expected = exact.sum_axis(ndarray::Axis(0));
        let largest = expected.iter().fold(0f64, |l, v| l.max(v.abs()));
        for (integer, exact) in totals.iter().zip(&expected) {
            assert!((integer - exact).abs() <= 1e-3 * largest, "{integer} is not {exact}");
        }
        assert_eq!(spearman(&totals.to_vec(), &expected.to_vec()), Some(1.0));

        let table = setting.attribution.table();
        assert_eq!(table.k(), 8);
        assert_eq!(table.rows().iter().map(|row| row.records as usize).sum::<usize>(), setting.training.len());
        assert!(table.rows().iter().all(|row| row.passes_gate), "honest contributors pass");
        assert!(table.rows().iter().map(|row| row.baseline).sum::<u64>() > 0);
    }
}
