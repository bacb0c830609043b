use super::{Seed, Steps, TargetError};
use crate::graph::Element;

const NEEDS: &str = "one number a record, [batch] or [batch, 1]";

/// The sizes behind the batch: none or a single 1.
fn sizes(steps: &Steps<'_>) -> Result<Vec<usize>, TargetError> {
    let one = steps.sizes(1, NEEDS).ok().filter(|sizes| sizes == &[1]);
    one.map_or_else(|| steps.sizes(0, NEEDS), Ok)
}

/// `f` is the output; its gradient is 1.
pub(super) fn serve(steps: &mut Steps<'_>) -> Result<Seed, TargetError> {
    sizes(steps)?;
    let output = steps.output.clone();
    let value = steps.flat(&output)?;
    // 1 for each record: its comparison with itself, whatever it is.
    let equal = steps.op("Equal", &[&output, &output])?;
    let one = steps.number(1.0);
    let cotangent = steps.op("Where", &[&equal, &one, &one])?;
    Ok(steps.seed(value, cotangent, None))
}

/// `½ (f − y)²`, with the gradient `f − y`.
pub(super) fn loss(steps: &mut Steps<'_>, labels: &str) -> Result<Seed, TargetError> {
    let sizes = sizes(steps)?;
    steps.check(labels, Element::F32, &sizes, "an f32 value for each output")?;
    let output = steps.output.clone();
    let error = steps.op("Sub", &[&output, labels])?;
    let half = steps.number(0.5);
    let square = steps.op("Mul", &[&error, &error])?;
    let loss = steps.op("Mul", &[&square, &half])?;
    let loss = steps.flat(&loss)?;
    Ok(steps.seed(loss, error, Some(labels.to_owned())))
}
