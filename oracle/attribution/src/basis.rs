//! The owner basis.
//!
//! Scores only ever meet contributor rows, so the only directions of gradient space that matter are those the rows
//! span: with `R` the curvature-scaled rows `[contributors, p]` and `R = U S Vᵀ`, a sketch in the basis `V` gives every
//! contributor's score without loss, with as many numbers as there are contributors.

use ndarray::Array2;

use crate::{AttributionError, curvature::DampedCurvature};

/// Communities up to this size get a direction each.
pub const MOST_CONTRIBUTORS: usize = 256;

/// The basis as the graph needs it, and the contributors in it.
#[derive(Clone, Debug)]
pub struct OwnerBasis {
    /// `(G + λI)^{-½}` and the basis in one matrix, `[parameters, k]`: a gradient times this is its sketch.
    pub projection: Array2<f64>,
    /// Contributor rows, `[contributors, k]`: a row times a sketch is a score.
    pub rows: Array2<f64>,
}

impl OwnerBasis {
    /// From every contributor's effect on the parameters, `-Σ ∇loss / N`, `[contributors, parameters]`.
    ///
    /// # Errors
    /// [`AttributionError::NoRecords`], [`AttributionError::TooManyContributors`], [`AttributionError::NotFinite`],
    /// [`AttributionError::Factorisation`].
    pub fn new(effects: &Array2<f64>, curvature: &DampedCurvature) -> Result<Self, AttributionError> {
        if effects.is_empty() {
            return Err(AttributionError::NoRecords("contributors'"));
        }
        if effects.nrows() > MOST_CONTRIBUTORS {
            return Err(AttributionError::TooManyContributors { found: effects.nrows(), limit: MOST_CONTRIBUTORS });
        }
        if effects.iter().any(|value| !value.is_finite()) {
            return Err(AttributionError::NotFinite("a contributor's gradient"));
        }
        let scaled = curvature.whiten(effects);
        let svd = scaled.thin_svd().map_err(|_| AttributionError::Factorisation)?;
        // `scaled` is Rᵀ, so its left vectors are V.
        let directions = svd.U().to_owned();
        let rows = scaled.transpose() * &directions;
        let projection = curvature.unwhiten(directions);
        Ok(Self {
            projection: Array2::from_shape_fn((projection.nrows(), projection.ncols()), |at| projection[at]),
            rows: Array2::from_shape_fn((rows.nrows(), rows.ncols()), |at| rows[at]),
        })
    }

    /// Numbers in a sketch.
    pub fn width(&self) -> usize {
        self.rows.ncols()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_even_when_rows_depend_on_each_other() {
        let p = 9;
        let half = Array2::from_shape_fn((p, p), |(i, j)| ((i * 5 + j * 11) % 7) as f64 / 7.0);
        let curvature = DampedCurvature::new(&half.t().dot(&half), 0.05).unwrap();
        let mut effects = Array2::from_shape_fn((4, p), |(i, j)| ((i * 3 + j * j) % 5) as f64 - 2.0);
        let twin = &effects.row(0) * 2.0;
        effects.row_mut(1).assign(&twin);
        effects.row_mut(2).fill(0.0);
        let gradients = Array2::from_shape_fn((5, p), |(i, j)| ((i + j * 7) % 6) as f64 - 2.5);

        let basis = OwnerBasis::new(&effects, &curvature).unwrap();
        let scores = gradients.dot(&basis.projection).dot(&basis.rows.t());
        let exact = gradients.dot(&curvature.solve(&effects).t());
        assert!((scores - exact).iter().all(|d| d.abs() < 1e-9));
        assert_eq!(basis.width(), 4);
    }

    #[test]
    fn more_contributors_than_parameters_need_no_more_directions() {
        let curvature = DampedCurvature::new(&Array2::eye(2), 1.0).unwrap();
        let effects = Array2::from_shape_fn((3, 2), |(i, j)| (i + j) as f64);
        assert_eq!(OwnerBasis::new(&effects, &curvature).unwrap().width(), 2);
        let crowd = Array2::ones((MOST_CONTRIBUTORS + 1, 2));
        assert!(matches!(OwnerBasis::new(&crowd, &curvature), Err(AttributionError::TooManyContributors { .. })));
        let broken = Array2::from_elem((1, 2), f64::NAN);
        assert!(matches!(OwnerBasis::new(&broken, &curvature), Err(AttributionError::NotFinite(_))));
    }
}
