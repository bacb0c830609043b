//! The owner basis.

use ndarray::Array2;

use super::{Basis, BasisKind, to_array};
use crate::{AttributionError, curvature::DampedCurvature};

/// Communities up to this size get a direction each.
pub const MOST_CONTRIBUTORS: usize = 256;

/// Singular values below this share of the largest are rounding: rows that depend on each other need no more.
const RANK_TOLERANCE: f64 = 1e-13;

impl Basis {
    /// The span of every contributor's effect on the parameters, `−Σ ∇loss / N`, `[contributors, features]`.
    ///
    /// With `R` the curvature-scaled effects and `R = U S Vᵀ`, the directions are `V`, by falling singular value.
    ///
    /// # Errors
    /// [`AttributionError::NoRecords`], [`AttributionError::TooManyContributors`], [`AttributionError::NotFinite`],
    /// [`AttributionError::Shape`], [`AttributionError::Factorisation`].
    pub fn owner(effects: &Array2<f64>, curvature: &DampedCurvature) -> Result<Self, AttributionError> {
        if effects.is_empty() {
            return Err(AttributionError::NoRecords("contributors'"));
        }
        if effects.nrows() > MOST_CONTRIBUTORS {
            return Err(AttributionError::TooManyContributors { found: effects.nrows(), limit: MOST_CONTRIBUTORS });
        }
        check(effects, curvature)?;
        let scaled = curvature.whiten(effects.view());
        let svd = scaled.thin_svd().map_err(|_| AttributionError::Factorisation)?;
        let singular: Vec<f64> = svd.S().column_vector().iter().copied().collect();
        let least = singular.iter().fold(0f64, |largest, value| largest.max(*value)) * RANK_TOLERANCE;
        // A sketch has at least one number, also where nobody has any effect.
        let rank = singular.iter().filter(|value| **value > least).count().max(1);
        // `scaled` is Rᵀ, so its left vectors are V.
        let projection = curvature.unwhiten(svd.U().subcols(0, rank).to_owned());
        Ok(Self {
            projection: to_array(projection.as_ref()),
            kind: BasisKind::Owner,
            owner_mass: 1.0,
            spectral_mass: 1.0,
            spectrum: singular.iter().map(|value| value * value).collect(),
        })
    }
}

/// That the effects are finite and as wide as the curvature.
pub(super) fn check(effects: &Array2<f64>, curvature: &DampedCurvature) -> Result<(), AttributionError> {
    curvature.check(effects.view())?;
    match effects.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(AttributionError::NotFinite("a contributor's gradient")),
    }
}
