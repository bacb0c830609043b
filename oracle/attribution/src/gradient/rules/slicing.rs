use super::{Call, Cotangent, Emit, GradientError};
use crate::{
    gradient::places::sliced,
    graph::{Attribute, Dim},
};

/// A part of an axis.
pub(super) fn cut(
    emit: &mut Emit<'_>,
    value: &str,
    axis: usize,
    start: usize,
    size: usize,
) -> Result<String, GradientError> {
    if emit.shape(value)?.0.get(axis) == Some(&Dim::Fixed(size)) {
        return Ok(value.to_owned());
    }
    let starts = emit.integers(&[start as i64]);
    let ends = emit.integers(&[(start + size) as i64]);
    let axes = emit.integers(&[axis as i64]);
    emit.op("Slice", &[value, &starts, &ends, &axes])
}

/// Zeros before and after an axis.
fn padded(emit: &mut Emit<'_>, value: &str, axis: usize, before: usize, after: usize) -> Result<String, GradientError> {
    if before + after == 0 {
        return Ok(value.to_owned());
    }
    let mut pads = vec![0; 2 * emit.shape(value)?.rank()];
    let second = pads.len() / 2;
    pads[axis] = before as i64;
    pads[second + axis] = after as i64;
    let pads = emit.integers(&pads);
    emit.op("Pad", &[value, &pads])
}

/// The gradient of taking `places` of an axis of `size` elements: each taken element gives its gradient back.
pub(super) fn spread(
    emit: &mut Emit<'_>,
    value: &str,
    axis: usize,
    places: &[usize],
    size: usize,
) -> Result<String, GradientError> {
    if let Some(first) = places.first()
        && places.iter().enumerate().all(|(count, place)| *place == first + count)
    {
        return padded(emit, value, axis, *first, size - (first + places.len()).min(size));
    }
    // A product with a row of one 1 for each element taken.
    let mut rows = vec![0.0; places.len() * size];
    for (row, place) in places.iter().enumerate() {
        if let Some(entry) = rows.get_mut(row * size + place) {
            *entry = 1.0;
        }
    }
    let rows = emit.constant(&[places.len(), size], rows)?;
    let rank = emit.shape(value)?.rank();
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(axis, rank - 1);
    let moved = emit.transpose(value, &order)?;
    let product = emit.op("MatMul", &[&moved, &rows])?;
    emit.transpose(&product, &order)
}

/// How many elements an axis has; refused where it is the batch.
pub(super) fn size(emit: &Emit<'_>, value: &str, axis: usize) -> Result<usize, GradientError> {
    match emit.shape(value)?.0.get(axis) {
        Some(Dim::Fixed(size)) => Ok(*size),
        _ => Err(emit.mixes()),
    }
}

pub(super) fn concat(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let axis = call.own_axis(emit, call.output(emit)?, 0)?;
    let mut start = 0;
    for earlier in 0..place {
        start += size(emit, call.input(emit, earlier)?, axis)?;
    }
    let own = size(emit, call.input(emit, place)?, axis)?;
    let gradient = cut(emit, call.cotangent(emit)?, axis + call.lifted.shift(), start, own)?;
    call.whole(emit, &gradient, place)
}

pub(super) fn split(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let input = call.input(emit, 0)?;
    let axis = call.own_axis(emit, input, 0)?;
    let whole = size(emit, input, axis)?;
    let behind = axis + call.lifted.shift();
    let all: Option<Vec<&str>> = call.cotangents.iter().map(Option::as_deref).collect();
    if let Some(all) = all {
        let gradient = emit.with("Concat", &all, vec![("axis", Attribute::Int(behind as i64))])?;
        return call.whole(emit, &gradient, place);
    }
    // A part that nothing uses gives nothing back.
    let mut start = 0;
    let mut parts = Vec::new();
    for (made, cotangent) in call.node.outputs.iter().zip(&call.cotangents) {
        let own = if made.is_empty() { None } else { Some(size(emit, made, axis)?) };
        let Some(own) = own else { return Err(emit.refused("a part has no name")) };
        if let Some(cotangent) = cotangent {
            parts.push(padded(emit, cotangent, behind, start, whole.saturating_sub(start + own))?);
        }
        start += own;
    }
    match emit.sum_of(&parts)? {
        Some(gradient) => call.whole(emit, &gradient, place),
        None => Err(emit.refused("none of its parts is used")),
    }
}

pub(super) fn slice(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let input = call.input(emit, 0)?;
    let rank = emit.shape(input)?.rank();
    let starts = emit.integers_of(call.input(emit, 1)?)?;
    let ends = emit.integers_of(call.input(emit, 2)?)?;
    let axes = match call.node.input(3) {
        Some(axes) => emit.integers_of(axes)?,
        None => (0..starts.len() as i64).collect(),
    };
    let steps = match call.node.input(4) {
        Some(steps) => emit.integers_of(steps)?,
        None => vec![1; starts.len()],
    };
    let mut gradient = call.cotangent(emit)?.to_owned();
    for (((start, end), axis), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let axis = call.axis(emit, *axis, rank)?;
        let Some(Dim::Fixed(size)) = emit.shape(input)?.0.get(axis).copied() else {
            // All records, in their order, stay as they are.
            if *start == 0 && *end >= i64::from(i32::MAX) && *step == 1 {
                continue;
            }
            return Err(emit.mixes());
        };
        let places = sliced(size, *start, *end, *step).ok_or_else(|| emit.refused("the step is 0"))?;
        gradient = spread(emit, &gradient, axis + call.lifted.shift(), &places, size)?;
    }
    call.whole(emit, &gradient, place)
}

pub(super) fn pad(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    if place != 0 || !matches!(call.node.word("mode"), None | Some("constant")) {
        return Err(emit.refused("only padding with a constant is covered"));
    }
    let input = call.input(emit, 0)?;
    let shape = emit.shape(input)?;
    let pads = emit.integers_of(call.input(emit, 1)?)?;
    let axes = match call.node.input(3) {
        Some(axes) => emit.integers_of(axes)?,
        None => (0..shape.rank() as i64).collect(),
    };
    let mut gradient = call.cotangent(emit)?.to_owned();
    for (axis, (before, after)) in axes.iter().zip(pads.iter().zip(pads.iter().skip(axes.len()))) {
        if (*before, *after) == (0, 0) {
            continue;
        }
        let (Ok(before), Ok(_)) = (usize::try_from(*before), usize::try_from(*after)) else {
            return Err(emit.refused("negative pads are not covered"));
        };
        let axis = call.axis(emit, *axis, shape.rank())?;
        let own = size(emit, input, axis)?;
        gradient = cut(emit, &gradient, axis + call.lifted.shift(), before, own)?;
    }
    call.whole(emit, &gradient, place)
}

pub(super) fn trilu(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let shape = emit.shape(call.input(emit, 0)?)?;
    if shape.batch_axis().is_some_and(|axis| axis + 2 >= shape.rank()) {
        return Err(emit.mixes());
    }
    let upper = vec![("upper", Attribute::Int(call.node.int("upper", 1)))];
    let mut inputs = vec![call.cotangent(emit)?];
    inputs.extend(call.node.input(1));
    let gradient = emit.with("Trilu", &inputs, upper)?;
    call.whole(emit, &gradient, place)
}
