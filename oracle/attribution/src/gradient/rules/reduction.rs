use super::{Call, Cotangent, Emit, GradientError};
use crate::graph::Dim;

pub(super) fn reduce(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    let x = call.input(emit, 0)?;
    let shape = emit.shape(x)?;
    let axes = axes(emit, call, shape.rank())?;
    if axes.is_empty() {
        return call.whole(emit, c, place);
    }
    if shape.batch_axis().is_some_and(|batch| axes.contains(&batch)) {
        return Err(emit.mixes());
    }
    // With the reduced axes of one element, all broadcasts against the input.
    let mut kept = call.dims(emit, x)?;
    let mut count = 1;
    for axis in &axes {
        if let Some(Dim::Fixed(size)) = kept.get(axis + call.lifted.shift()).copied() {
            count *= size;
            kept[axis + call.lifted.shift()] = Dim::Fixed(1);
        }
    }
    let c = emit.reshape(c, &kept)?;
    let own: Vec<Dim> = kept[call.lifted.shift()..].to_vec();
    let gradient = match call.node.op.as_str() {
        "ReduceSum" => c,
        "ReduceMean" => emit.scaled(&c, 1.0 / count as f64)?,
        "ReduceMax" => {
            // Equals share.
            let y = emit.reshape(call.output(emit)?, &own)?;
            let largest = emit.op("Equal", &[x, &y])?;
            let (zero, one) = (emit.number(0.0), emit.number(1.0));
            let ones = emit.op("Where", &[&largest, &one, &zero])?;
            let equals = emit.sum(&ones, &axes)?;
            let share = emit.op("Div", &[&ones, &equals])?;
            emit.mul(&c, &share)?
        }
        _ => {
            let y = emit.reshape(call.output(emit)?, &own)?;
            let below = emit.op("Sub", &[x, &y])?;
            let share = emit.op("Exp", &[&below])?;
            emit.mul(&c, &share)?
        }
    };
    let whole = call.dims(emit, x)?;
    let gradient = emit.expand(&gradient, &whole)?;
    call.whole(emit, &gradient, place)
}

/// Which axes are reduced; none where the operator leaves its input as it is.
fn axes(emit: &Emit<'_>, call: &Call<'_>, rank: usize) -> Result<Vec<usize>, GradientError> {
    let given = match call.node.input(1) {
        Some(list) => emit.integers_of(list)?,
        None => Vec::new(),
    };
    if given.is_empty() {
        let all = call.node.int("noop_with_empty_axes", 0) == 0;
        return Ok(if all { (0..rank).collect() } else { Vec::new() });
    }
    given.into_iter().map(|axis| call.axis(emit, axis, rank)).collect()
}
