//! Factored projections: a layer's gradient in fewer numbers without ever being formed.

use std::collections::BTreeMap;

use ndarray::Array2;

use crate::{
    AttributionError,
    gradient::{self, Layout, ParameterGradient, Term},
    graph::{Attribute, Builder, Dim, GraphError, Shape},
};

/// Factored projections of parameters, by name. A parameter that is not here keeps its whole gradient.
pub type Reduction = BTreeMap<String, LayerReduction>;

/// `Rᵀ · gradient · C` of a layer's gradient as a matrix, group by group.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerReduction {
    /// R, `[rows, r]`, for the parameter's rows; a parameter that is no matrix is one row.
    pub rows: Array2<f64>,
    /// C, `[columns, c]`.
    pub columns: Array2<f64>,
}

/// A parameter's part of the features.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The parameter.
    pub parameter: String,
    /// The value `[batch, width]`.
    pub value: String,
    /// Numbers a record.
    pub width: usize,
}

/// Appends every parameter's part of the features, in the order of `gradients`.
///
/// # Errors
/// [`AttributionError::Gradient`].
pub fn parts(
    builder: &mut Builder,
    gradients: &[ParameterGradient],
    reduction: &Reduction,
) -> Result<Vec<Part>, AttributionError> {
    let part = |gradient: &ParameterGradient| {
        let (value, width) = match reduction.get(&gradient.parameter) {
            Some(reduction) => reduced(builder, gradient, reduction)?,
            None => (gradient::per_record(builder, gradient)?, gradient.len()),
        };
        Ok(Part { parameter: gradient.parameter.clone(), value, width })
    };
    gradients.iter().map(part).collect()
}

fn reduced(
    builder: &mut Builder,
    gradient: &ParameterGradient,
    reduction: &LayerReduction,
) -> Result<(String, usize), AttributionError> {
    let stem = format!("{}/reduced", gradient.parameter);
    let rows = matrix(builder, &format!("{stem}/rows"), &reduction.rows)?;
    let columns = matrix(builder, &format!("{stem}/columns"), &reduction.columns)?;
    let (mut sum, mut width) = (None::<String>, 0);
    for term in &gradient.terms {
        let value = match term {
            Term::Outer { activation, error, layout } => {
                let (of_rows, of_columns) = match layout {
                    Layout::InOut => (activation, error),
                    Layout::OutIn => (error, activation),
                };
                let left = builder.node("MatMul", &stem, &[of_rows, &rows], vec![])?;
                let right = builder.node("MatMul", &stem, &[of_columns, &columns], vec![])?;
                let order = Attribute::Ints(vec![0, 1, 3, 2]);
                let left = builder.node("Transpose", &stem, &[&left], vec![("perm", order)])?;
                builder.node("MatMul", &stem, &[&left, &right], vec![])?
            }
            Term::Direct { value } => builder.node("MatMul", &stem, &[value, &columns], vec![])?,
        };
        let (flat, numbers) = flat(builder, &stem, &value)?;
        width = numbers;
        sum = Some(match sum {
            None => flat,
            Some(before) => builder.node("Add", &stem, &[&before, &flat], vec![])?,
        });
    }
    let sum = sum.ok_or_else(|| GraphError::Missing { value: gradient.parameter.clone() })?;
    Ok((sum, width))
}

/// `[batch, …]` as `[batch, numbers]`.
fn flat(builder: &mut Builder, stem: &str, value: &str) -> Result<(String, usize), AttributionError> {
    let Shape(dims) = builder.shape(value)?.clone();
    let width = dims.iter().skip(1).map(|dim| if let Dim::Fixed(size) = dim { *size } else { 1 }).product();
    let shape = builder.integers(&[-1, width as i64]);
    Ok((builder.node("Reshape", stem, &[value, &shape], vec![])?, width))
}

/// A constant matrix in the precision of the graph.
pub(crate) fn matrix(builder: &mut Builder, stem: &str, values: &Array2<f64>) -> Result<String, AttributionError> {
    let (rows, columns) = values.dim();
    let numbers = values.iter().map(|value| *value as f32).collect();
    let refused = || GraphError::Missing { value: stem.to_owned() };
    Ok(builder.floats(stem, &[rows, columns], numbers).ok_or_else(refused)?)
}
