use ndarray::{Array2, Axis, concatenate};
use proptest::prelude::*;

use super::*;
use crate::curvature::DampedCurvature;

fn patterned(rows: usize, columns: usize, seed: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 7 + j * j * 3 + i * j + seed) % 13) as f64 / 6.0 - 1.0)
}

fn curvature(p: usize, seed: usize) -> (Array2<f64>, DampedCurvature) {
    let half = patterned(p + 2, p, seed + 5);
    let g = half.t().dot(&half) / p as f64;
    let damped = DampedCurvature::new(&g, 0.05).unwrap();
    (g, damped)
}

fn worst(difference: Array2<f64>) -> f64 {
    difference.iter().fold(0.0, |worst, value| worst.max(value.abs()))
}

proptest! {
    #[test]
    fn the_owner_basis_loses_no_score(p in 2usize..14, contributors in 1usize..20, seed in 0usize..500) {
        let (_, curvature) = curvature(p, seed);
        let (effects, gradients) = (patterned(contributors, p, seed), patterned(5, p, seed + 1));
        let basis = Basis::owner(&effects, &curvature).unwrap();
        let scores = basis.project(gradients.view()).unwrap().dot(&basis.project(effects.view()).unwrap().t());
        let exact = gradients.dot(&curvature.solve(&effects).t());
        prop_assert!(worst(scores - exact) < 1e-7);
        prop_assert!(basis.width() <= p.min(contributors));
    }

    #[test]
    fn eigen_directions_are_orthonormal_in_the_curvature_and_mass_is_what_they_hold(
        p in 2usize..14, contributors in 1usize..20, leading in 0usize..8, residual in 1usize..6, seed in 0usize..500,
    ) {
        let (g, curvature) = curvature(p, seed);
        let effects = patterned(contributors, p, seed);
        let basis = Basis::eigen(&g, &effects, &curvature, Ranks { leading, residual }).unwrap();
        let k = basis.width();
        prop_assert_eq!(k, p.min(leading + residual));
        // Pᵀ (G + λI) P = I.
        let damped = &g + &(Array2::<f64>::eye(p) * 0.05);
        let metric = basis.projection.t().dot(&damped).dot(&basis.projection);
        prop_assert!(worst(metric - Array2::<f64>::eye(k)) < 1e-7);
        // Σ |row|² over Σ Eᵀ (G + λI)⁻¹ E, and Pᵀ M P's trace over that of (G + λI)⁻¹ M.
        let rows = basis.project(effects.view()).unwrap();
        let exact = (&effects * &curvature.solve(&effects)).sum();
        prop_assert!((basis.owner_mass - (&rows * &rows).sum() / exact).abs() < 1e-7);
        let trace = curvature.solve(&g).diag().sum();
        let held = basis.projection.t().dot(&g).dot(&basis.projection).diag().sum();
        prop_assert!((basis.spectral_mass - held / trace).abs() < 1e-7);
        prop_assert!(basis.spectrum.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn with_room_for_every_direction_nothing_is_lost(p in 2usize..10, seed in 0usize..500) {
        let (g, curvature) = curvature(p, seed);
        let (effects, gradients) = (patterned(30, p, seed), patterned(5, p, seed + 1));
        let basis = Basis::eigen(&g, &effects, &curvature, Ranks::split(p)).unwrap();
        let scores = basis.project(gradients.view()).unwrap().dot(&basis.project(effects.view()).unwrap().t());
        prop_assert!(worst(scores - gradients.dot(&curvature.solve(&effects).t())) < 1e-7);
        prop_assert!((basis.owner_mass - 1.0).abs() < 1e-9);
    }
}

#[test]
fn without_residual_the_leading_directions_are_the_curvatures_eigenvectors() {
    let g = Array2::from_diag(&ndarray::array![1.0, 5.0, 3.0, 0.5]);
    let curvature = DampedCurvature::new(&g, 0.1).unwrap();
    let basis = Basis::eigen(&g, &Array2::ones((9, 4)), &curvature, Ranks { leading: 2, residual: 0 }).unwrap();
    assert_eq!((basis.width(), basis.kind), (2, BasisKind::Eigen { leading: 2 }));
    let expected = Array2::from_shape_fn((4, 2), |(i, j)| match (i, j) {
        (1, 0) => 1.0 / 5.1f64.sqrt(),
        (2, 1) => 1.0 / 3.1f64.sqrt(),
        _ => 0.0,
    });
    assert!(worst(basis.projection.mapv(f64::abs) - expected) < 1e-12);
}

#[test]
fn the_residual_catches_the_owners_and_gives_back_what_it_does_not_need() {
    let g = Array2::from_diag(&ndarray::Array1::from_iter((0..12).map(|i| 12.0 - f64::from(i))));
    let curvature = DampedCurvature::new(&g, 0.1).unwrap();
    // Two owners, both in the directions of least curvature.
    let mut effects = Array2::zeros((2, 12));
    (effects[[0, 10]], effects[[1, 11]]) = (1.0, 2.0);
    let basis = Basis::eigen(&g, &effects, &curvature, Ranks { leading: 4, residual: 4 }).unwrap();
    assert_eq!((basis.width(), basis.kind), (8, BasisKind::Eigen { leading: 6 }));
    assert!((basis.owner_mass - 1.0).abs() < 1e-12);
    let blind = Basis::eigen(&g, &effects, &curvature, Ranks { leading: 8, residual: 0 }).unwrap();
    assert!(blind.owner_mass < 1e-12);
}

#[test]
fn a_score_over_checkpoints_is_the_mean_of_their_scores() {
    let parts: Vec<_> = [(6, 1), (4, 2), (5, 3)]
        .into_iter()
        .map(|(p, seed)| {
            let (_, curvature) = curvature(p, seed);
            let (effects, gradients) = (patterned(3, p, seed), patterned(2, p, seed + 1));
            let basis = Basis::owner(&effects, &curvature).unwrap();
            let scores = gradients.dot(&curvature.solve(&effects).t());
            (basis, effects, gradients, scores)
        })
        .collect();
    let bases: Vec<Basis> = parts.iter().map(|part| part.0.clone()).collect();
    let basis = Basis::concatenate(&bases).unwrap();
    let effects: Vec<_> = parts.iter().map(|part| part.1.view()).collect();
    let gradients: Vec<_> = parts.iter().map(|part| part.2.view()).collect();
    let rows = basis.project(concatenate(Axis(1), &effects).unwrap().view()).unwrap();
    let sketches = basis.project(concatenate(Axis(1), &gradients).unwrap().view()).unwrap();
    let mean = (&parts[0].3 + &parts[1].3 + &parts[2].3) / 3.0;
    assert!(worst(sketches.dot(&rows.t()) - mean) < 1e-9);
    assert_eq!(basis.kind, BasisKind::Checkpoints { count: 3 });
    assert!(Basis::concatenate(&[]).is_err());
}

#[test]
fn owners_that_depend_on_each_other_share_directions() {
    let (_, curvature) = curvature(9, 0);
    let mut effects = patterned(4, 9, 0);
    let twin = &effects.row(0) * 2.0;
    effects.row_mut(1).assign(&twin);
    effects.row_mut(2).fill(0.0);
    assert_eq!(Basis::owner(&effects, &curvature).unwrap().width(), 2);
    assert_eq!(Basis::owner(&Array2::zeros((2, 9)), &curvature).unwrap().width(), 1);
}

#[test]
fn what_makes_no_basis_is_refused() {
    let (g, curvature) = curvature(2, 0);
    let ranks = Ranks { leading: 1, residual: 1 };
    let eigen = |g: &Array2<f64>, effects: &Array2<f64>| Basis::eigen(g, effects, &curvature, ranks);
    let crowd = Array2::ones((MOST_CONTRIBUTORS + 1, 2));
    assert!(matches!(Basis::owner(&crowd, &curvature), Err(AttributionError::TooManyContributors { .. })));
    assert!(eigen(&g, &crowd).is_ok());
    for effects in [Array2::from_elem((1, 2), f64::NAN), Array2::zeros((0, 2)), Array2::ones((1, 3))] {
        assert!(Basis::owner(&effects, &curvature).is_err());
        assert!(eigen(&g, &effects).is_err());
    }
    assert!(matches!(eigen(&Array2::ones((3, 2)), &Array2::ones((1, 2))), Err(AttributionError::Shape { .. })));
    assert!(matches!(eigen(&(&g * f64::NAN), &Array2::ones((1, 2))), Err(AttributionError::NotFinite(_))));
    let none = Ranks { leading: 0, residual: 0 };
    assert!(Basis::eigen(&g, &Array2::ones((1, 2)), &curvature, none).is_err());
    assert!(matches!(
        Basis::owner(&g, &curvature).unwrap().project(Array2::ones((1, 3)).view()),
        Err(AttributionError::Shape { .. })
    ));
}
