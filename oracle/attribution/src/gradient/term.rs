use ndarray::Array2;

use super::{
    GradientError,
    emit::Emit,
    factor::{Factor, product},
};
use crate::graph::{Attribute, Builder, Dim};

/// One part of a parameter's gradient, record by record. A gradient is the sum of its terms.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Products of a layer's inputs and its output errors, summed over positions:
    /// `Σ_p activation[b, g, p, :] ⊗ error[b, g, p, :]`.
    Outer {
        /// `[groups, positions, in]` a record.
        activation: Factor,
        /// `[groups, positions, out]` a record.
        error: Factor,
        /// How the products fill the parameter.
        layout: Layout,
    },
    /// The value `[batch, numbers]`, in the parameter's row-major order.
    Direct {
        /// The value.
        value: String,
    },
}

/// The row-major order of a product's numbers in its parameter; groups always come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[groups, in, out]`, as `MatMul` keeps weights.
    InOut,
    /// `[groups, out, in]`, as `Gemm` with `transB` and `Conv` keep them.
    OutIn,
}

impl Layout {
    /// The other one.
    pub(super) fn flipped(self) -> Self {
        match self {
            Self::InOut => Self::OutIn,
            Self::OutIn => Self::InOut,
        }
    }
}

/// A parameter's gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterGradient {
    /// The parameter.
    pub parameter: String,
    /// Its dimensions.
    pub dims: Vec<usize>,
    /// What adds up to its gradient; at least one.
    pub terms: Vec<Term>,
}

impl ParameterGradient {
    /// How many numbers the parameter has.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Appends `rowsᵀ · gradient · columns` of each record, group by group: the value `[batch, numbers]`. Without a matrix
/// that side stays whole. A parameter that is no matrix is one row.
///
/// # Errors
/// As [`per_record`].
pub fn reduced(
    builder: &mut Builder,
    gradient: &ParameterGradient,
    rows: Option<&Array2<f64>>,
    columns: Option<&Array2<f64>>,
) -> Result<String, GradientError> {
    let mut emit = Emit::new(builder, &format!("{}/reduced", gradient.parameter));
    let mut parts = Vec::with_capacity(gradient.terms.len());
    for term in &gradient.terms {
        let value = match term {
            Term::Outer { activation, error, layout } => {
                let (left, right) = match layout {
                    Layout::InOut => (activation, error),
                    Layout::OutIn => (error, activation),
                };
                let left = rows.map_or_else(|| Ok(left.clone()), |rows| left.projected(&mut emit, rows))?;
                let right = columns.map_or_else(|| Ok(right.clone()), |columns| right.projected(&mut emit, columns))?;
                product(&mut emit, &left, &right)?
            }
            Term::Direct { value } => match columns {
                None => value.clone(),
                Some(columns) => {
                    let numbers = columns.iter().map(|number| *number as f32).collect();
                    let columns = emit.constant(&[columns.nrows(), columns.ncols()], numbers)?;
                    emit.op("MatMul", &[value, &columns])?
                }
            },
        };
        let sizes = emit.shape(&value)?.0.into_iter().skip(1);
        let len = sizes.map(|dim| if let Dim::Fixed(size) = dim { size } else { 1 }).product();
        parts.push(emit.reshape(&value, &[Dim::Batch(1), Dim::Fixed(len)])?);
    }
    emit.sum_of(&parts)?.ok_or_else(|| unreached(gradient))
}

/// Appends the gradients of each record: the value `[batch, numbers]`, row-major.
///
/// # Errors
/// [`GradientError::Graph`], [`GradientError::Unreached`] if there are no terms.
pub fn per_record(builder: &mut Builder, gradient: &ParameterGradient) -> Result<String, GradientError> {
    let mut emit = Emit::new(builder, &format!("{}/per_record", gradient.parameter));
    let value = records_of(&mut emit, &gradient.terms, gradient.len())?;
    value.ok_or_else(|| unreached(gradient))
}

/// Appends the gradient summed over the records of the batch: a value of the parameter's dimensions.
///
/// # Errors
/// As [`per_record`].
pub fn summed(builder: &mut Builder, gradient: &ParameterGradient) -> Result<String, GradientError> {
    let mut emit = Emit::new(builder, &format!("{}/summed", gradient.parameter));
    let mut sums = Vec::with_capacity(gradient.terms.len());
    for term in &gradient.terms {
        let sum = match term {
            Term::Direct { value } => emit.total(value, &[0])?,
            Term::Outer { activation, error, layout } => {
                let (left, right) = match layout {
                    Layout::InOut => (activation, error),
                    Layout::OutIn => (error, activation),
                };
                let (left, right) = (stacked(&mut emit, left)?, stacked(&mut emit, right)?);
                if emit.shape(&left)?.rank() == 2 {
                    emit.with("Gemm", &[&left, &right], vec![("transA", Attribute::Int(1))])?
                } else {
                    let left = emit.swapped(&left)?;
                    emit.op("MatMul", &[&left, &right])?
                }
            }
        };
        sums.push(emit.reshape_fixed(&sum, &gradient.dims)?);
    }
    emit.sum_of(&sums)?.ok_or_else(|| unreached(gradient))
}

/// `[batch, groups, positions, n]` as `[groups, batch · positions, n]`, or without the groups where there is one.
fn stacked(emit: &mut Emit<'_>, factor: &Factor) -> Result<String, GradientError> {
    let [groups, positions, width] = factor.dims(emit)?;
    let factor = factor.upright(emit)?;
    if groups == 1 {
        return emit.reshape(&factor, &[Dim::Batch(positions), Dim::Fixed(width)]);
    }
    let turned = emit.transpose(&factor, &[1, 0, 2, 3])?;
    emit.reshape(&turned, &[Dim::Fixed(groups), Dim::Batch(positions), Dim::Fixed(width)])
}

/// The sum of all terms, `[batch, numbers]`; nothing if there are none.
pub(super) fn records_of(emit: &mut Emit<'_>, terms: &[Term], len: usize) -> Result<Option<String>, GradientError> {
    let mut parts = Vec::with_capacity(terms.len());
    for term in terms {
        parts.push(match term {
            Term::Direct { value } => value.clone(),
            Term::Outer { activation, error, layout } => {
                let (left, right) = match layout {
                    Layout::InOut => (activation, error),
                    Layout::OutIn => (error, activation),
                };
                let products = product(emit, left, right)?;
                emit.reshape(&products, &[Dim::Batch(1), Dim::Fixed(len)])?
            }
        });
    }
    emit.sum_of(&parts)
}

fn unreached(gradient: &ParameterGradient) -> GradientError {
    GradientError::Unreached { parameter: gradient.parameter.clone() }
}
