//! The eigenbasis: leading directions of a second moment of gradients, then the residual of the contributors' rows.

use faer::{Mat, MatRef, Side};
use ndarray::Array2;

use super::{Basis, BasisKind, energy, owner, to_array};
use crate::{AttributionError, curvature::DampedCurvature};

/// Residual directions with less than this share of the rows' squared length are rounding.
const RESIDUAL_TOLERANCE: f64 = 1e-14;

/// How many directions an eigenbasis may have, and of which sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranks {
    /// Leading directions of the second moment.
    pub leading: usize,
    /// Directions for what the contributors' rows have beside those.
    pub residual: usize,
}

impl Ranks {
    /// A quarter of the sketch for the residual: rows are what is paid by, records what is shown.
    pub fn split(total: usize) -> Self {
        Self { leading: total - total / 4, residual: total / 4 }
    }
}

impl Basis {
    /// Leading eigenvectors of `L⁻¹ M L⁻ᵀ` for a second moment of gradients `M` `[features, features]`, then leading
    /// directions of the residual of the curvature-scaled effects `[contributors, features]`.
    ///
    /// With `M` the Gauss-Newton matrix itself the leading directions are its eigenvectors. Where one sort needs fewer
    /// directions than it may have, the other takes them.
    ///
    /// # Errors
    /// [`AttributionError::NoRecords`], [`AttributionError::NotFinite`], [`AttributionError::Shape`],
    /// [`AttributionError::Factorisation`].
    pub fn eigen(
        second_moment: &Array2<f64>,
        effects: &Array2<f64>,
        curvature: &DampedCurvature,
        ranks: Ranks,
    ) -> Result<Self, AttributionError> {
        if effects.is_empty() || ranks.leading + ranks.residual == 0 {
            return Err(AttributionError::NoRecords("contributors'"));
        }
        owner::check(effects, curvature)?;
        curvature.check(second_moment.view())?;
        if second_moment.nrows() != second_moment.ncols() {
            let (expected, found) = (second_moment.ncols(), second_moment.nrows());
            return Err(AttributionError::Shape { what: "rows of the second moment", expected, found });
        }
        if second_moment.iter().any(|value| !value.is_finite()) {
            return Err(AttributionError::NotFinite("the second moment of the gradients"));
        }

        let (vectors, spectrum) = eigenvectors(curvature.whiten_both(second_moment.view()))?;
        let rows = curvature.whiten(effects.view());
        let rows_energy = energy(rows.as_ref());
        let total = (ranks.leading + ranks.residual).min(curvature.features());
        let mut leading = ranks.leading.min(total);
        let mut directions = residual(&rows, vectors.subcols(0, leading), total - leading, rows_energy)?;
        // More leading directions may leave fewer residual ones, so once is not enough.
        while leading + directions.ncols() < total {
            leading = total - directions.ncols();
            directions = residual(&rows, vectors.subcols(0, leading), total - leading, rows_energy)?;
        }
        let mut basis = Mat::zeros(rows.nrows(), leading + directions.ncols());
        basis.subcols_mut(0, leading).copy_from(vectors.subcols(0, leading));
        basis.subcols_mut(leading, directions.ncols()).copy_from(&directions);

        let share = |part: f64, whole: f64| if whole > 0.0 { (part / whole).min(1.0) } else { 1.0 };
        // The trace inside the span: λ_j once for every share of eigenvector j that the directions hold.
        let overlap = vectors.transpose() * &basis;
        let held: f64 = overlap.row_iter().zip(&spectrum).map(|(row, value)| value * row.squared_norm_l2()).sum();
        let owner_mass = share(energy((rows.transpose() * &basis).as_ref()), rows_energy);
        Ok(Self {
            projection: to_array(curvature.unwhiten(basis).as_ref()),
            kind: BasisKind::Eigen { leading },
            owner_mass,
            spectral_mass: share(held, spectrum.iter().sum()),
            spectrum,
        })
    }
}

/// Eigenvectors as columns and eigenvalues, both by falling eigenvalue. Rounding below zero is zero.
fn eigenvectors(matrix: Mat<f64>) -> Result<(Mat<f64>, Vec<f64>), AttributionError> {
    let eigen = matrix.self_adjoint_eigen(Side::Lower).map_err(|_| AttributionError::Factorisation)?;
    let last = matrix.ncols().saturating_sub(1);
    // faer's order is ascending.
    let vectors = Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| eigen.U()[(i, last - j)]);
    let values: Vec<f64> = eigen.S().column_vector().iter().rev().map(|value| value.max(0.0)).collect();
    Ok((vectors, values))
}

/// At most `most` leading directions of what the columns `rows` have beside the orthonormal `taken`.
fn residual(
    rows: &Mat<f64>,
    taken: MatRef<'_, f64>,
    most: usize,
    rows_energy: f64,
) -> Result<Mat<f64>, AttributionError> {
    if most == 0 {
        return Ok(Mat::zeros(rows.nrows(), 0));
    }
    let mut beside = rows.clone();
    // Twice, because once leaves rounding of the size of the rows.
    for _ in 0..2 {
        beside = &beside - taken * (taken.transpose() * &beside);
    }
    let (directions, squares) = if rows.ncols() > rows.nrows() {
        // More contributors than features: what counts is the features' square matrix.
        eigenvectors(&beside * beside.transpose())?
    } else {
        let svd = beside.thin_svd().map_err(|_| AttributionError::Factorisation)?;
        let squares = svd.S().column_vector().iter().map(|value| value * value).collect();
        (svd.U().to_owned(), squares)
    };
    let kept = squares.iter().filter(|square| **square > RESIDUAL_TOLERANCE * rows_energy).count();
    let kept = kept.min(most).min(rows.nrows() - taken.ncols());
    Ok(directions.subcols(0, kept).to_owned())
}
