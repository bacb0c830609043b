use super::{Call, Cotangent, Emit, GradientError};
use crate::{
    gradient::emit::Lifted,
    graph::{Attribute, Dim},
};

/// The gradient of an operand is the einsum of the cotangent and the other operands.
pub(super) fn einsum(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    let equation: String = call.node.word("equation").unwrap_or_default().split_whitespace().collect();
    let Some((operands, result)) = equation.split_once("->") else {
        return Err(emit.refused("the equation must name its result"));
    };
    let operands: Vec<&str> = operands.split(',').collect();
    let own = *operands.get(place).ok_or_else(|| emit.refused("the equation has too few operands"))?;
    let unique = |labels: &str| labels.chars().enumerate().all(|(at, label)| labels.find(label) == Some(at));
    if equation.contains('.') || !unique(own) || !unique(result) {
        return Err(emit.refused("dots and repeated labels are not covered"));
    }
    let mut labels = vec![result.to_owned()];
    let mut values = vec![c];
    let mut batch = None;
    for (other, operand) in operands.iter().enumerate() {
        let value = call.input(emit, other)?;
        if let Some(axis) = emit.shape(value)?.batch_axis() {
            batch = operand.chars().nth(axis);
        }
        if other != place {
            labels.push((*operand).to_owned());
            values.push(value);
        }
    }
    if own.chars().any(|label| !labels.iter().any(|given| given.contains(label))) {
        return Err(emit.refused("an axis is summed on its own"));
    }
    if batch.is_some_and(|label| !result.contains(label)) {
        return Err(emit.mixes());
    }
    let input = call.input(emit, place)?;
    let mut target = own.to_owned();
    match (call.lifted, batch) {
        (Lifted::Yes, _) => {
            let free = ('a'..='z').find(|label| !equation.contains(*label));
            let free = free.ok_or_else(|| emit.refused("there are too many labels"))?;
            labels[0].insert(0, free);
            target.insert(0, free);
        }
        (Lifted::No, Some(label)) if !own.contains(label) => target.insert(0, label),
        (Lifted::No, _) => {}
    }
    let equation = format!("{}->{target}", labels.join(","));
    let gradient = emit.with("Einsum", &values, vec![("equation", Attribute::String(equation))])?;
    if emit.batched(input)? {
        return Ok(Cotangent::Batched(gradient));
    }
    if emit.shape(&gradient)?.0.first() != Some(&Dim::Batch(1)) {
        return Err(emit.refused("a record must be one place of the batch"));
    }
    emit.onto(&gradient, input, Lifted::Yes)
}
