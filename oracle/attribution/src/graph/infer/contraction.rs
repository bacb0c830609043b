//! Products that sum over a dimension.

use super::call::{Call, Made, Trouble, broadcast, mismatch, refused, spread};
use crate::graph::{Dim, Shape};

/// `alpha·A·B + beta·C`.
pub(super) fn gemm(call: &Call<'_>) -> Made {
    let (a, b) = (call.input(0)?, call.input(1)?);
    let element = call.same_elements(&call.inputs().collect::<Vec<_>>())?;
    let (rows, inner) = matrix(&a.shape, call.node.int("transA", 0) != 0)?;
    let (other, columns) = matrix(&b.shape, call.node.int("transB", 0) != 0)?;
    if inner != other {
        return refused(mismatch(inner, other));
    }
    let shape = Shape(vec![rows, columns]);
    if let Some(c) = call.optional(2)
        && spread(&[&shape.0, &c.shape.0])? != shape
    {
        return refused(format!("the bias {} does not fit {shape}: export the model again", c.shape));
    }
    Ok(vec![call.make(element, shape)?])
}

fn matrix(shape: &Shape, transposed: bool) -> Result<(Dim, Dim), Trouble> {
    match (shape.0.as_slice(), transposed) {
        ([rows, columns], false) | ([columns, rows], true) => Ok((*rows, *columns)),
        _ => refused(format!("{shape} is no matrix: export the model again")),
    }
}

/// Matrix product of the last two dimensions; a lone dimension is a row on the left and a column on the right.
pub(super) fn matmul(call: &Call<'_>) -> Made {
    let (a, b) = (call.input(0)?, call.input(1)?);
    let element = call.same_elements(&[a, b])?;
    let (left, rows, inner) = match a.shape.0.as_slice() {
        [] => return refused("a number without dimensions is no matrix: export the model again"),
        [inner] => (&[][..], None, *inner),
        [left @ .., rows, inner] => (left, Some(*rows), *inner),
    };
    let (right, other, columns) = match b.shape.0.as_slice() {
        [] => return refused("a number without dimensions is no matrix: export the model again"),
        [inner] => (&[][..], *inner, None),
        [right @ .., inner, columns] => (right, *inner, Some(*columns)),
    };
    if inner != other {
        return refused(mismatch(inner, other));
    }
    let mut shape = spread(&[left, right])?;
    shape.0.extend(rows);
    shape.0.extend(columns);
    Ok(vec![call.make(element, shape)?])
}

/// Dimensions and type of inputs spread over each other.
pub(super) fn together(call: &Call<'_>) -> Made {
    let inputs: Vec<_> = call.inputs().collect();
    let element = call.same_elements(&inputs)?;
    Ok(vec![call.make(element, broadcast(&inputs)?)?])
}
