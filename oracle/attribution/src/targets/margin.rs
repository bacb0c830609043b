use super::{Seed, Steps, TargetError};
use crate::graph::{Attribute, Element};

/// Stands for the logit of a class that takes no part: its power is 0.
const LEAST: f32 = f32::MIN;

fn classes(steps: &Steps<'_>) -> Result<usize, TargetError> {
    let needs = "[batch, classes] with at least 2 classes";
    let sizes = steps.sizes(1, needs)?;
    sizes.first().copied().filter(|classes| *classes > 1).ok_or_else(|| steps.refused(needs))
}

/// The classes `[batch]`: those given, or the served one where a label is negative.
fn chosen(steps: &mut Steps<'_>, labels: Option<&str>) -> Result<String, TargetError> {
    let logits = steps.output.clone();
    let Some(labels) = labels else { return steps.largest(&logits) };
    steps.check(labels, Element::I64, &[], "i64 [batch], −1 for the served class")?;
    let served = steps.largest(&logits)?;
    let zero = steps.integer(0);
    let asked = steps.op("Less", &[labels, &zero])?;
    steps.op("Where", &[&asked, &served, labels])
}

/// `f = z_y − logsumexp_{j≠y} z_j`; its gradient is 1 at the class and minus the softmax of the others elsewhere.
pub(super) fn serve(steps: &mut Steps<'_>, labels: Option<&str>) -> Result<Seed, TargetError> {
    let classes = classes(steps)?;
    let chosen = chosen(steps, labels)?;
    let logits = steps.output.clone();
    let hot = steps.one_hot(&chosen, classes)?;
    let (zero, least) = (steps.number(0.0), steps.number(LEAST));
    let own = steps.op("Greater", &[&hot, &zero])?;
    let others = steps.op("Where", &[&own, &least, &logits])?;
    let rest = steps.log_sum_exp(&others)?;
    let of_own = steps.op("Where", &[&own, &logits, &zero])?;
    let of_own = steps.last("ReduceSum", &of_own, 1)?;
    let margin = steps.op("Sub", &[&of_own, &rest])?;
    let margin = steps.flat(&margin)?;
    let shares = steps.with("Softmax", &[&others], vec![("axis", Attribute::Int(-1))])?;
    let cotangent = steps.op("Sub", &[&hot, &shares])?;
    Ok(steps.seed(margin, cotangent, Some(chosen)))
}

/// Cross-entropy: `logsumexp z − z_y`, with the gradient softmax minus one-hot.
pub(super) fn loss(steps: &mut Steps<'_>, labels: &str) -> Result<Seed, TargetError> {
    let classes = classes(steps)?;
    let chosen = chosen(steps, Some(labels))?;
    let logits = steps.output.clone();
    let hot = steps.one_hot(&chosen, classes)?;
    let zero = steps.number(0.0);
    let own = steps.op("Greater", &[&hot, &zero])?;
    let of_own = steps.op("Where", &[&own, &logits, &zero])?;
    let of_own = steps.last("ReduceSum", &of_own, 1)?;
    let whole = steps.log_sum_exp(&logits)?;
    let loss = steps.op("Sub", &[&whole, &of_own])?;
    let loss = steps.flat(&loss)?;
    let shares = steps.with("Softmax", &[&logits], vec![("axis", Attribute::Int(-1))])?;
    let cotangent = steps.op("Sub", &[&shares, &hot])?;
    Ok(steps.seed(loss, cotangent, Some(chosen)))
}
