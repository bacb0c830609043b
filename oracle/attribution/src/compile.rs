//! The attribution compiler: a model in, the same model with one more output out.
//!
//! ```text
//! inputs ─ model ─┬─ outputs, as they were
//!                 │
//!   label ──── target ─ error at the output ─ reverse mode ─ features ─ projection ─ sketch
//! ```
//!
//! `label` is an optional input: left out, the target is what the model answers; given, it is the class that is asked
//! about, which is how training and held-out records are looked at by the very graph that serves.

use ndarray::{Array2, Axis, Slice};

use crate::{
    AttributionError,
    features::{Reduction, matrix, parts},
    gradient,
    graph::{Builder, Graph},
    targets::{self, Target},
};

/// The output that an attributed model has beside its own, `f32 [batch, k]`.
pub const SKETCH: &str = "sketch";
/// The optional input that an attributed model has beside its own.
pub const LABEL: &str = "label";

/// The output that is attributed: the first.
pub(crate) fn attributed_output(model: &Graph) -> Result<String, AttributionError> {
    model.outputs.first().map(|output| output.name.clone()).ok_or(AttributionError::NoOutput)
}

/// `model` with the output [`SKETCH`]: the gradient of the target with respect to `parameters`, reduced, times
/// `projection` `[features, k]`. Equal arguments give equal graphs.
///
/// # Errors
/// [`AttributionError::Gradient`], [`AttributionError::Graph`], [`AttributionError::Shape`] for a projection of other
/// features.
pub fn compile(
    model: &Graph,
    target: Target,
    parameters: &[String],
    reduction: &Reduction,
    projection: &Array2<f64>,
) -> Result<Graph, AttributionError> {
    let output = attributed_output(model)?;
    let mut builder = Builder::extend(model.clone())?;
    // What a regression answers is attributed whatever the right answer was.
    let label = match target {
        Target::Regression => None,
        _ => Some(targets::labels(&mut builder, target, &output, LABEL)?),
    };
    let served = targets::serve(&mut builder, target, &output, label.as_deref())?;
    let gradients = gradient::reverse(&mut builder, &[(&output, &served.cotangent)], parameters)?;
    let parts = parts(&mut builder, &gradients, reduction)?;
    let width: usize = parts.iter().map(|part| part.width).sum();
    if width != projection.nrows() {
        return Err(AttributionError::Shape { what: "features", expected: projection.nrows(), found: width });
    }
    let (mut start, mut sum) = (0, None::<String>);
    for part in parts {
        let rows = projection.slice_axis(Axis(0), Slice::from(start..start + part.width)).to_owned();
        start += part.width;
        let name = format!("{}/projection", part.parameter);
        let rows = matrix(&mut builder, &name, &rows)?;
        let stem = format!("{}/sketch", part.parameter);
        sum = Some(match sum {
            None => builder.node("MatMul", &stem, &[&part.value, &rows], vec![])?,
            Some(before) => builder.node("Gemm", &stem, &[&part.value, &rows, &before], vec![])?,
        });
    }
    let sum = sum.ok_or(AttributionError::NoRecords("attributed parameters'"))?;
    builder.output_as(&sum, SKETCH)?;
    Ok(builder.finish())
}
