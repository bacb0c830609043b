//! The directions in which a sketch is written down.
//!
//! A score is `g_qᵀ (G + λI)⁻¹ E_c`. With `G + λI = L Lᵀ` and orthonormal directions `V` `[features, k]`, the sketch is
//! `(L⁻ᵀ V)ᵀ g_q`, the row of a contributor `(L⁻ᵀ V)ᵀ E_c`, and their product is the score as far as `V` reaches:
//!
//! - [`Basis::owner`]: the span of the contributors' own rows. Scores only ever meet those, so nothing is lost, with as
//!   many numbers as there are contributors.
//! - [`Basis::eigen`]: for larger communities, and for records one by one: the leading directions of a second moment of
//!   gradients, then what the owners' rows have beside them.
//!
//! Bases of several checkpoints of one training lie beside each other ([`Basis::concatenate`]).

mod eigen;
mod owner;

use ndarray::{Array2, ArrayView2};

use crate::AttributionError;

pub use eigen::Ranks;
pub use owner::MOST_CONTRIBUTORS;

/// How a basis was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BasisKind {
    /// The span of the contributors' rows.
    Owner,
    /// Leading directions of the gradients' second moment, then the residual of the contributors' rows.
    Eigen {
        /// Directions of the first sort; those that follow are residual.
        leading: usize,
    },
    /// Bases of several checkpoints beside each other.
    Checkpoints {
        /// How many.
        count: usize,
    },
}

/// Curvature scaling and directions in one matrix.
#[derive(Clone, Debug)]
pub struct Basis {
    /// `L⁻ᵀ V`, `[features, k]`: a gradient times this is its sketch, a contributor's effect times this its row.
    pub projection: Array2<f64>,
    /// How the directions were chosen.
    pub kind: BasisKind,
    /// What share of the contributors' rows, as squared length in curvature-scaled coordinates, the basis holds: 1 where
    /// no score loses anything.
    pub owner_mass: f64,
    /// What share of the second moment's trace the basis holds; for an owner basis the same as `owner_mass`.
    pub spectral_mass: f64,
    /// Owner basis: squared singular values of the rows. Eigenbasis: eigenvalues of the scaled second moment. All of
    /// them, descending, also those that were left out.
    pub spectrum: Vec<f64>,
}

impl Basis {
    /// Numbers in a sketch.
    pub fn width(&self) -> usize {
        self.projection.ncols()
    }

    /// Sketches of gradients, rows of effects: `[n, features]` to `[n, k]`.
    ///
    /// # Errors
    /// [`AttributionError::Shape`].
    pub fn project(&self, gradients: ArrayView2<'_, f64>) -> Result<Array2<f64>, AttributionError> {
        match (self.projection.nrows(), gradients.ncols()) {
            (expected, found) if expected == found => Ok(gradients.dot(&self.projection)),
            (expected, found) => Err(AttributionError::Shape { what: "features", expected, found }),
        }
    }

    /// One basis of several checkpoints, for features of all of them side by side, `[Σ features, Σ k]`: block by block,
    /// scaled so that a score is the mean of the checkpoints' scores.
    ///
    /// # Errors
    /// [`AttributionError::NoRecords`] without checkpoints.
    pub fn concatenate(parts: &[Self]) -> Result<Self, AttributionError> {
        if parts.is_empty() {
            return Err(AttributionError::NoRecords("checkpoints'"));
        }
        let count = parts.len() as f64;
        let (features, width) =
            parts.iter().fold((0, 0), |(p, k), part| (p + part.projection.nrows(), k + part.width()));
        let mut projection = Array2::zeros((features, width));
        let (mut row, mut column) = (0, 0);
        for part in parts {
            // Sketch and row both carry the scale, so that their product carries 1/count.
            for ((i, j), value) in part.projection.indexed_iter() {
                if let Some(to) = projection.get_mut((row + i, column + j)) {
                    *to = value / count.sqrt();
                }
            }
            row += part.projection.nrows();
            column += part.width();
        }
        let mut spectrum: Vec<f64> = parts.iter().flat_map(|part| part.spectrum.iter().copied()).collect();
        spectrum.sort_unstable_by(|a, b| b.total_cmp(a));
        Ok(Self {
            projection,
            kind: BasisKind::Checkpoints { count: parts.len() },
            owner_mass: parts.iter().map(|part| part.owner_mass).sum::<f64>() / count,
            spectral_mass: parts.iter().map(|part| part.spectral_mass).sum::<f64>() / count,
            spectrum,
        })
    }
}

/// Squared length of everything.
fn energy(matrix: faer::MatRef<'_, f64>) -> f64 {
    matrix.col_iter().flat_map(|column| column.iter()).map(|value| value * value).sum()
}

fn to_array(matrix: faer::MatRef<'_, f64>) -> Array2<f64> {
    Array2::from_shape_fn((matrix.nrows(), matrix.ncols()), |at| matrix[at])
}

#[cfg(test)]
mod tests;
