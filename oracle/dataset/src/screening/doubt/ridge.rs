//! Ridge regression by normal equations.

use faer::{Mat, Side, linalg::solvers::Solve};

/// How much the weights are held back, as a share of the features' mean square.
const DAMPING: f64 = 1e-2;

/// Sums of the normal equations: of several parts they add up, so that leaving one out is a subtraction.
#[derive(Clone, Debug)]
pub(super) struct Ridge {
    /// `ΦᵀΦ`, `[features, features]`.
    gram: Mat<f64>,
    /// `ΦᵀY`, `[features, targets]`.
    moment: Mat<f64>,
}

impl Ridge {
    pub(super) fn new(features: usize, targets: usize) -> Self {
        Self { gram: Mat::zeros(features, features), moment: Mat::zeros(features, targets) }
    }

    /// Adds examples: `features` `[n, features]`, `wanted` `[n, targets]`.
    pub(super) fn learn(&mut self, features: &Mat<f64>, wanted: &Mat<f64>) {
        self.gram += features.transpose() * features;
        self.moment += features.transpose() * wanted;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.gram += &other.gram;
        self.moment += &other.moment;
    }

    /// The weights `[features, targets]` that all but a part's examples ask for. None if there is nothing to learn from.
    pub(super) fn weights_without(&self, part: &Self) -> Option<Mat<f64>> {
        let mut gram = &self.gram - &part.gram;
        let features = gram.nrows();
        let trace: f64 = (0..features).map(|at| gram[(at, at)]).sum();
        let damping = DAMPING * trace / features as f64;
        (0..features).for_each(|at| gram[(at, at)] += damping);
        let factor = gram.llt(Side::Lower).ok()?;
        Some(factor.solve(&self.moment - &part.moment))
    }
}
