//! Factored projections: a layer's gradient in fewer numbers without ever being formed.

use std::collections::BTreeMap;

use ndarray::Array2;

use crate::{
    AttributionError,
    gradient::{self, ParameterGradient},
    graph::{Builder, Dim, GraphError},
};

/// Factored projections of parameters, by name. A parameter that is not here keeps its whole gradient.
pub type Reduction = BTreeMap<String, LayerReduction>;

/// `Rᵀ · gradient · C` of a layer's gradient as a matrix, group by group.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerReduction {
    /// R, `[rows, r]`, for the parameter's rows; none where all are kept. A parameter that is no matrix is one row.
    pub rows: Option<Array2<f64>>,
    /// C, `[columns, c]`; none where all are kept.
    pub columns: Option<Array2<f64>>,
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
    let value = gradient::reduced(builder, gradient, reduction.rows.as_ref(), reduction.columns.as_ref())?;
    let sizes = builder.shape(&value)?.0.iter();
    let width = sizes.map(|dim| if let Dim::Fixed(size) = dim { *size } else { 1 }).product();
    Ok((value, width))
}

/// A constant matrix in the precision of the graph.
pub(crate) fn matrix(builder: &mut Builder, stem: &str, values: &Array2<f64>) -> Result<String, AttributionError> {
    let (rows, columns) = values.dim();
    let numbers = values.iter().map(|value| *value as f32).collect();
    let refused = || GraphError::Missing { value: stem.to_owned() };
    Ok(builder.floats(stem, &[rows, columns], numbers).ok_or_else(refused)?)
}
