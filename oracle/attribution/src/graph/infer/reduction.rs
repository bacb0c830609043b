//! Many numbers become one.

use super::call::{Call, Made, axes, axis, refused};
use crate::graph::{Dim, Element, Shape};

pub(super) fn reduce(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    if call.node.attributes.contains_key("axes") {
        return refused("`axes` is an input in this operator set: export the model again");
    }
    let given = call.optional_integers(1)?.filter(|axes| !axes.is_empty());
    let rank = input.shape.rank();
    let along = match given {
        Some(values) => axes(&values, rank)?,
        None if call.node.int("noop_with_empty_axes", 0) != 0 => Vec::new(),
        None => (0..rank).collect(),
    };
    let shape = without(&input.shape, &along, call.node.int("keepdims", 1) != 0);
    Ok(vec![call.make(input.element, shape)?])
}

/// Dimensions with those along which is reduced gone, or of size 1.
fn without(shape: &Shape, along: &[usize], keep: bool) -> Shape {
    let dims = shape.0.iter().enumerate().filter_map(|(place, dim)| match (along.contains(&place), keep) {
        (false, _) => Some(*dim),
        (true, true) => Some(Dim::Fixed(1)),
        (true, false) => None,
    });
    Shape(dims.collect())
}

pub(super) fn arg(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let along = axis(call.node.int("axis", 0), input.shape.rank())?;
    if input.shape.batch_axis() == Some(along) {
        return refused("it goes along the batch: only models whose records are independent are attributed");
    }
    let shape = without(&input.shape, &[along], call.node.int("keepdims", 1) != 0);
    Ok(vec![call.make(Element::I64, shape)?])
}

pub(super) fn top(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let along = axis(call.node.int("axis", -1), input.shape.rank())?;
    let count = call.integers(1)?;
    let count = match count.as_slice() {
        [count] => usize::try_from(*count).ok(),
        _ => None,
    };
    let mut shape = input.shape.clone();
    match (shape.0.get_mut(along), count) {
        (Some(Dim::Fixed(size)), Some(count)) if count <= *size => *size = count,
        _ => return refused("it takes more than there is: export the model again"),
    }
    Ok(vec![call.make(input.element, shape.clone())?, call.make(Element::I64, shape)?])
}
