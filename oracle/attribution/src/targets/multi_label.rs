use super::{Seed, Steps, TargetError};
use crate::graph::Element;

const NEEDS: &str = "[batch, labels]";

/// The labels `[batch, labels]` of 0 and 1: those given, or what is served where a label is negative.
fn chosen(steps: &mut Steps<'_>, labels: Option<&str>) -> Result<String, TargetError> {
    let sizes = steps.sizes(1, NEEDS)?;
    let logits = steps.output.clone();
    let (zero, one) = (steps.number(0.0), steps.number(1.0));
    let positive = steps.op("Greater", &[&logits, &zero])?;
    let served = steps.op("Where", &[&positive, &one, &zero])?;
    let Some(labels) = labels else { return Ok(served) };
    steps.check(labels, Element::F32, &sizes, "f32 [batch, labels] of 0 and 1, negative for what is served")?;
    let asked = steps.op("Less", &[labels, &zero])?;
    steps.op("Where", &[&asked, &served, labels])
}

/// `f = Σ s z` with `s` = 1 where a label is set and −1 elsewhere.
pub(super) fn serve(steps: &mut Steps<'_>, labels: Option<&str>) -> Result<Seed, TargetError> {
    let chosen = chosen(steps, labels)?;
    let logits = steps.output.clone();
    let (one, two) = (steps.number(1.0), steps.number(2.0));
    let double = steps.op("Mul", &[&chosen, &two])?;
    let signs = steps.op("Sub", &[&double, &one])?;
    let signed = steps.op("Mul", &[&signs, &logits])?;
    let value = steps.last("ReduceSum", &signed, 0)?;
    Ok(steps.seed(value, signs, Some(chosen)))
}

/// `Σ max(z, 0) − l z + log(1 + exp(−|z|))`, with the gradient `sigmoid(z) − l`.
pub(super) fn loss(steps: &mut Steps<'_>, labels: &str) -> Result<Seed, TargetError> {
    let chosen = chosen(steps, Some(labels))?;
    let logits = steps.output.clone();
    let one = steps.number(1.0);
    let ramp = steps.op("Relu", &[&logits])?;
    let own = steps.op("Mul", &[&chosen, &logits])?;
    let size = steps.op("Abs", &[&logits])?;
    let below = steps.op("Neg", &[&size])?;
    let power = steps.op("Exp", &[&below])?;
    let tail = steps.op("Add", &[&one, &power])?;
    let tail = steps.op("Log", &[&tail])?;
    let straight = steps.op("Sub", &[&ramp, &own])?;
    let losses = steps.op("Add", &[&straight, &tail])?;
    let loss = steps.last("ReduceSum", &losses, 0)?;
    let chances = steps.op("Sigmoid", &[&logits])?;
    let cotangent = steps.op("Sub", &[&chances, &chosen])?;
    Ok(steps.seed(loss, cotangent, Some(chosen)))
}
