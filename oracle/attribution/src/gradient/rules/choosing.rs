use super::{
    Call, Cotangent, Emit, GradientError,
    slicing::{size, spread},
};
use crate::{
    gradient::{
        factor::Factor,
        term::{Layout, Term},
    },
    graph::{Attribute, Dim, Element},
};

/// Rows of one 1 at each index: `indices` with an axis of `depth` elements put in at `axis`.
pub(super) fn one_hot(emit: &mut Emit<'_>, indices: &str, depth: usize, axis: usize) -> Result<String, GradientError> {
    let indices = match emit.builder.known(indices)?.element {
        Element::I64 => indices.to_owned(),
        // ONNX's number for 64-bit integers.
        _ => emit.with("Cast", &[indices], vec![("to", Attribute::Int(7))])?,
    };
    let depth = emit.integers(&[depth as i64]);
    let values = emit.constant(&[2], vec![0.0, 1.0])?;
    emit.with("OneHot", &[&indices, &depth, &values], vec![("axis", Attribute::Int(axis as i64))])
}

pub(super) fn gather(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let (data, indices) = (call.input(emit, 0)?, call.input(emit, 1)?);
    let axis = call.own_axis(emit, data, 0)?;
    let depth = size(emit, data, axis)?;
    let c = call.cotangent(emit)?;
    if emit.batched(indices)? {
        return embedding(emit, data, indices, c, axis, depth);
    }
    let places: Option<Vec<usize>> = emit
        .integers_of(indices)?
        .into_iter()
        .map(|index| usize::try_from(if index < 0 { index + depth as i64 } else { index }).ok())
        .collect();
    let Some(places) = places.filter(|places| places.iter().all(|place| *place < depth)) else {
        return Err(emit.refused("an index is out of range"));
    };
    // The indices' own dimensions become one axis in the place of the data's.
    let mut dims = call.dims(emit, data)?;
    dims[axis + call.lifted.shift()] = Dim::Fixed(places.len());
    let c = emit.reshape(c, &dims)?;
    let gradient = spread(emit, &c, axis + call.lifted.shift(), &places, depth)?;
    call.whole(emit, &gradient, place)
}

/// Rows of a shared table, chosen by each record: one-hot rows are the activation.
fn embedding(
    emit: &mut Emit<'_>,
    table: &str,
    indices: &str,
    c: &str,
    axis: usize,
    depth: usize,
) -> Result<Cotangent, GradientError> {
    if emit.batched(table)? {
        return Err(emit.refused("indices and data both depend on the record"));
    }
    let dims = emit.fixed(table)?;
    let (outer, inner) = (dims[..axis].iter().product(), dims[axis + 1..].iter().product());
    let count = |emit: &Emit<'_>, value: &str| -> Result<usize, GradientError> {
        let sizes = emit.shape(value)?.0.into_iter().skip(1);
        Ok(sizes.map(|dim| if let Dim::Fixed(size) = dim { size } else { 1 }).product())
    };
    let indices = emit.records(indices, 0)?;
    let positions = count(emit, &indices)?;
    let indices = emit.reshape(&indices, &[Dim::Batch(1), Dim::Fixed(1), Dim::Fixed(positions)])?;
    let activation = one_hot(emit, &indices, depth, 3)?;
    let c = emit.records(c, 0)?;
    let error = emit.reshape(&c, &[Dim::Batch(1), Dim::Fixed(outer), Dim::Fixed(positions), Dim::Fixed(inner)])?;
    if outer == 1 {
        let (activation, error) = (Factor::rows(&activation), Factor::rows(&error));
        return Ok(Cotangent::Shared(vec![Term::Outer { activation, error, layout: Layout::InOut }]));
    }
    let activation = emit.swapped(&activation)?;
    let gradient = emit.op("MatMul", &[&activation, &error])?;
    let dims: Vec<Dim> = dims.into_iter().map(Dim::Fixed).collect();
    Ok(Cotangent::Shared(vec![emit.direct(&gradient, &dims)?]))
}

pub(super) fn gather_elements(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let (data, indices) = (call.input(emit, 0)?, call.input(emit, 1)?);
    let axis = call.own_axis(emit, data, 0)?;
    let depth = size(emit, data, axis)?;
    let mut dims = emit.shape(data)?.0;
    dims[axis] = Dim::Fixed(size(emit, indices, axis)?);
    if emit.shape(indices)?.0 != dims {
        return Err(emit.refused("the indices must have the data's dimensions on all other axes"));
    }
    let shift = call.lifted.shift();
    let hot = one_hot(emit, indices, depth, axis + 1)?;
    let mut dims = call.dims(emit, indices)?;
    dims.insert(axis + 1 + shift, Dim::Fixed(1));
    let c = emit.reshape(call.cotangent(emit)?, &dims)?;
    let each = emit.mul(&hot, &c)?;
    let gradient = emit.total(&each, &[axis + shift])?;
    call.whole(emit, &gradient, place)
}

/// `Where`: the gradient goes to the choice that was taken.
pub(super) fn choice(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let condition = call.input(emit, 0)?;
    let c = call.cotangent(emit)?;
    let zero = emit.number(0.0);
    let gradient = match place {
        1 => emit.op("Where", &[condition, c, &zero])?,
        _ => emit.op("Where", &[condition, &zero, c])?,
    };
    call.whole(emit, &gradient, place)
}
