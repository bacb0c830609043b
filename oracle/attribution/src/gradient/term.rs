use super::{GradientError, emit::Emit};
use crate::graph::{Attribute, Builder, Dim};

/// One part of a parameter's gradient, record by record. A gradient is the sum of its terms.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Products of a layer's inputs and its output errors, summed over positions:
    /// `Σ_p activation[b, g, p, :] ⊗ error[b, g, p, :]`.
    Outer {
        /// The value `[batch, groups, positions, in]`.
        activation: String,
        /// The value `[batch, groups, positions, out]`.
        error: String,
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
fn stacked(emit: &mut Emit<'_>, factor: &str) -> Result<String, GradientError> {
    let [groups, positions, width] = factor_dims(emit, factor)?;
    if groups == 1 {
        return emit.reshape(factor, &[Dim::Batch(positions), Dim::Fixed(width)]);
    }
    let turned = emit.transpose(factor, &[1, 0, 2, 3])?;
    emit.reshape(&turned, &[Dim::Fixed(groups), Dim::Batch(positions), Dim::Fixed(width)])
}

/// `groups, positions, width` of a factor.
pub(super) fn factor_dims(emit: &Emit<'_>, factor: &str) -> Result<[usize; 3], GradientError> {
    match emit.shape(factor)?.0.as_slice() {
        [_, Dim::Fixed(groups), Dim::Fixed(positions), Dim::Fixed(width)] => Ok([*groups, *positions, *width]),
        _ => Err(emit.refused("a factor must be [batch, groups, positions, width]")),
    }
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
                let left = emit.swapped(left)?;
                let products = emit.op("MatMul", &[&left, right])?;
                emit.reshape(&products, &[Dim::Batch(1), Dim::Fixed(len)])?
            }
        });
    }
    emit.sum_of(&parts)
}

fn unreached(gradient: &ParameterGradient) -> GradientError {
    GradientError::Unreached { parameter: gradient.parameter.clone() }
}
