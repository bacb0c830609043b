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
    graph::{Attribute, Builder, Graph, GraphError},
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

/// One of the models whose gradients a sketch holds.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint<'a> {
    /// The model.
    pub model: &'a Graph,
    /// Whose gradients count.
    pub parameters: &'a [String],
    /// Factored projections of some of them.
    pub reduction: &'a Reduction,
    /// `[features, k]`.
    pub projection: &'a Array2<f64>,
}

/// The first checkpoint's model with the output [`SKETCH`]: checkpoint after checkpoint, the gradient of the target with
/// respect to its parameters, reduced, times its projection. All are asked about what the first one answers. Equal
/// arguments give equal graphs.
///
/// # Errors
/// [`AttributionError::Gradient`], [`AttributionError::Graph`], also for checkpoints with other inputs;
/// [`AttributionError::Shape`] for a projection of other features; [`AttributionError::NoRecords`] without checkpoints.
pub fn compile(checkpoints: &[Checkpoint<'_>], target: Target) -> Result<Graph, AttributionError> {
    let Some((first, others)) = checkpoints.split_first() else {
        return Err(AttributionError::NoRecords("checkpoints'"));
    };
    let output = attributed_output(first.model)?;
    let mut builder = Builder::extend(first.model.clone())?;
    // What a regression answers is attributed whatever the right answer was.
    let label = match target {
        Target::Regression => None,
        _ => Some(targets::labels(&mut builder, target, &output, LABEL)?),
    };
    let served = targets::serve(&mut builder, target, &output, label.as_deref())?;
    let mut sketches = vec![sketch(&mut builder, first, first.parameters, &output, &served.cotangent)?];
    for (place, checkpoint) in (2..).zip(others) {
        let names = builder.absorb(checkpoint.model, &format!("checkpoint{place}"))?;
        let named = |name: &String| names.get(name).cloned().ok_or_else(|| GraphError::Missing { value: name.clone() });
        let parameters = checkpoint.parameters.iter().map(named).collect::<Result<Vec<_>, _>>()?;
        let output = named(&attributed_output(checkpoint.model)?)?;
        let served = targets::serve(&mut builder, target, &output, served.labels.as_deref())?;
        sketches.push(sketch(&mut builder, checkpoint, &parameters, &output, &served.cotangent)?);
    }
    let sketch = match sketches.as_slice() {
        [sketch] => sketch.clone(),
        _ => {
            let parts: Vec<&str> = sketches.iter().map(String::as_str).collect();
            builder.node("Concat", "sketches", &parts, vec![("axis", Attribute::Int(1))])?
        }
    };
    builder.output_as(&sketch, SKETCH)?;
    Ok(builder.finish())
}

/// Appends one checkpoint's part, `[batch, k]`; its `parameters` and `output` are called so in the builder.
fn sketch(
    builder: &mut Builder,
    checkpoint: &Checkpoint<'_>,
    parameters: &[String],
    output: &str,
    cotangent: &str,
) -> Result<String, AttributionError> {
    let Checkpoint { reduction, projection, .. } = checkpoint;
    let gradients = gradient::reverse(builder, &[(output, cotangent)], parameters)?;
    let renamed: Reduction = (checkpoint.parameters.iter().zip(parameters))
        .filter_map(|(own, name)| Some((name.clone(), reduction.get(own)?.clone())))
        .collect();
    let parts = parts(builder, &gradients, &renamed)?;
    let width: usize = parts.iter().map(|part| part.width).sum();
    if width != projection.nrows() {
        return Err(AttributionError::Shape { what: "features", expected: projection.nrows(), found: width });
    }
    let (mut start, mut sum) = (0, None::<String>);
    for part in parts {
        let rows = projection.slice_axis(Axis(0), Slice::from(start..start + part.width)).to_owned();
        start += part.width;
        let name = format!("{}/projection", part.parameter);
        let rows = matrix(builder, &name, &rows)?;
        let stem = format!("{}/sketch", part.parameter);
        sum = Some(match sum {
            None => builder.node("MatMul", &stem, &[&part.value, &rows], vec![])?,
            Some(before) => builder.node("Gemm", &stem, &[&part.value, &rows, &before], vec![])?,
        });
    }
    sum.ok_or(AttributionError::NoRecords("attributed parameters'"))
}
