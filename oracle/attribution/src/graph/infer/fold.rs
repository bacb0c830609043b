//! The values of small integer and truth results, where they follow from constants and the size of the batch.

use std::cmp::Ordering;

use super::{
    call::{Call, FOLD_LIMIT, axis},
    layout,
    places::{at, places},
    selection,
};
use crate::graph::{Attribute, Data, Element, Known, Size, Tensor};

/// One folded input: its integers and its dimensions.
type Folded = (Vec<Size>, Vec<usize>);

/// Adds to made values what their numbers are.
pub(super) fn fold(call: &Call<'_>, made: &mut [Known]) {
    for (place, known) in made.iter_mut().enumerate() {
        if known.value.is_some() || !matches!(known.element, Element::I64 | Element::I32 | Element::Bool) {
            continue;
        }
        let Some(dims) = known.shape.to_fixed() else { continue };
        let count = dims.iter().product::<usize>();
        if count > FOLD_LIMIT {
            continue;
        }
        let sizes = known.sizes.take().or_else(|| numbers(call, place, &dims));
        let Some(sizes) = sizes.filter(|sizes| sizes.len() == count) else { continue };
        settle(known, &dims, sizes);
    }
}

/// A constant if the batch is in none of the numbers.
fn settle(known: &mut Known, dims: &[usize], sizes: Vec<Size>) {
    let fixed: Option<Vec<i64>> = sizes.iter().map(|size| size.to_fixed()).collect();
    let data = match (known.element, fixed) {
        (Element::I64, Some(values)) => Some(Data::I64(values)),
        (Element::Bool, Some(values)) => Some(Data::Bool(values.into_iter().map(|value| value != 0).collect())),
        (Element::I32, Some(values)) => {
            values.into_iter().map(|value| i32::try_from(value).ok()).collect::<Option<_>>().map(Data::I32)
        }
        (Element::I64 | Element::I32, None) => {
            known.sizes = Some(sizes);
            None
        }
        _ => None,
    };
    known.value = data.and_then(|data| Tensor::new(dims.to_vec(), data));
}

fn folded(call: &Call<'_>, place: usize) -> Option<Folded> {
    Some((call.sizes(place)?, call.optional(place)?.shape.to_fixed()?))
}

fn numbers(call: &Call<'_>, output: usize, dims: &[usize]) -> Option<Vec<Size>> {
    let node = call.node;
    match node.op.as_str() {
        "Identity" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
            let (sizes, _) = folded(call, 0)?;
            match call.optional(0)?.element {
                Element::I64 | Element::I32 | Element::Bool
                    if node.op != "Cast" || node.int("to", 0) != Element::Bool.code() =>
                {
                    Some(sizes)
                }
                _ => sizes.into_iter().map(|size| truth(size.compare(Size::default())?.is_ne())).collect(),
            }
        }
        "Expand" => {
            let (sizes, from) = folded(call, 0)?;
            places(dims).map(|place| at(&sizes, &from, &place)).collect()
        }
        "Transpose" => {
            let (sizes, from) = folded(call, 0)?;
            let order = layout::order(call, from.len()).ok()?;
            places(dims)
                .map(|place| {
                    let mut source = vec![0; from.len()];
                    for (to, from) in place.iter().zip(&order) {
                        *source.get_mut(*from)? = *to;
                    }
                    at(&sizes, &from, &source)
                })
                .collect()
        }
        "Concat" => concat(call, dims),
        "Slice" => slice(call, dims),
        "Split" => split(call, output, dims),
        "Gather" => gather(call, dims),
        "ConstantOfShape" => {
            let value = match node.attributes.get("value") {
                Some(Attribute::Tensor(tensor)) => super::call::sizes(&Known::constant(tensor))?.first().copied()?,
                _ => return None,
            };
            Some(vec![value; dims.iter().product()])
        }
        "ReduceProd" | "ReduceSum" | "ReduceMax" | "ReduceMin" if dims.iter().all(|dim| *dim == 1) => {
            let (sizes, _) = folded(call, 0)?;
            let operation = operation(&node.op)?;
            let mut sizes = sizes.into_iter();
            let first = sizes.next()?;
            Some(vec![sizes.try_fold(first, operation)?])
        }
        "Neg" => unary(call, |size| Size::default().minus(size)),
        "Not" => unary(call, |size| truth(size == Size::default())),
        "Where" => {
            let (condition, yes, no) = (folded(call, 0)?, folded(call, 1)?, folded(call, 2)?);
            places(dims)
                .map(|place| {
                    let chosen = if at(&condition.0, &condition.1, &place)? == Size::default() { &no } else { &yes };
                    at(&chosen.0, &chosen.1, &place)
                })
                .collect()
        }
        op => {
            let operation = operation(op)?;
            let inputs = (0..node.inputs.len()).map(|place| folded(call, place)).collect::<Option<Vec<_>>>()?;
            let (first, others) = inputs.split_first()?;
            places(dims)
                .map(|place| {
                    let start = at(&first.0, &first.1, &place)?;
                    others.iter().try_fold(start, |so_far, (sizes, from)| operation(so_far, at(sizes, from, &place)?))
                })
                .collect()
        }
    }
}

fn truth(holds: bool) -> Option<Size> {
    Some(Size::fixed(holds.into()))
}

fn unary(call: &Call<'_>, change: impl Fn(Size) -> Option<Size>) -> Option<Vec<Size>> {
    folded(call, 0)?.0.into_iter().map(change).collect()
}

/// What two integers become.
fn operation(op: &str) -> Option<fn(Size, Size) -> Option<Size>> {
    Some(match op {
        "Add" | "Sum" | "ReduceSum" => Size::plus,
        "Sub" => Size::minus,
        "Mul" | "ReduceProd" => Size::times,
        "Div" => Size::over,
        "Mod" => |one, other| {
            // The result has the divisor's sign, as for Python.
            let (one, by) = (one.to_fixed()?, other.to_fixed()?);
            let left = one.checked_rem(by)?;
            Some(Size::fixed(if left != 0 && (left < 0) != (by < 0) { left.checked_add(by)? } else { left }))
        },
        "Max" | "ReduceMax" => |one, other| Some(if one.compare(other)? == Ordering::Less { other } else { one }),
        "Min" | "ReduceMin" => |one, other| Some(if one.compare(other)? == Ordering::Greater { other } else { one }),
        "Equal" => |one, other| truth(one.compare(other)?.is_eq()),
        "Greater" => |one, other| truth(one.compare(other)?.is_gt()),
        "Less" => |one, other| truth(one.compare(other)?.is_lt()),
        "GreaterOrEqual" => |one, other| truth(one.compare(other)?.is_ge()),
        "LessOrEqual" => |one, other| truth(one.compare(other)?.is_le()),
        "And" => |one, other| truth(one.fixed != 0 && other.fixed != 0),
        "Or" => |one, other| truth(one.fixed != 0 || other.fixed != 0),
        "Xor" => |one, other| truth((one.fixed != 0) != (other.fixed != 0)),
        _ => return None,
    })
}

fn concat(call: &Call<'_>, dims: &[usize]) -> Option<Vec<Size>> {
    let along = axis(call.node.int("axis", 0), dims.len()).ok()?;
    let inputs = (0..call.node.inputs.len()).map(|place| folded(call, place)).collect::<Option<Vec<_>>>()?;
    places(dims)
        .map(|mut place| {
            for (sizes, from) in &inputs {
                let size = *from.get(along)?;
                let at_axis = place.get_mut(along)?;
                if *at_axis < size {
                    return at(sizes, from, &place);
                }
                *at_axis -= size;
            }
            None
        })
        .collect()
}

fn slice(call: &Call<'_>, dims: &[usize]) -> Option<Vec<Size>> {
    let (sizes, from) = folded(call, 0)?;
    let cuts = selection::cuts(call, &call.optional(0)?.shape).ok()?;
    places(dims)
        .map(|place| {
            let source =
                place.iter().zip(&cuts).map(|(at, cut)| usize::try_from(cut.start + cut.step * *at as i128).ok());
            at(&sizes, &from, &source.collect::<Option<Vec<_>>>()?)
        })
        .collect()
}

fn split(call: &Call<'_>, output: usize, dims: &[usize]) -> Option<Vec<Size>> {
    let (sizes, from) = folded(call, 0)?;
    let along = axis(call.node.int("axis", 0), from.len()).ok()?;
    let parts = selection::parts(call, *from.get(along)?).ok()?;
    let skip: usize = parts.iter().take(output).sum();
    places(dims)
        .map(|mut place| {
            *place.get_mut(along)? += skip;
            at(&sizes, &from, &place)
        })
        .collect()
}

fn gather(call: &Call<'_>, dims: &[usize]) -> Option<Vec<Size>> {
    let ((sizes, from), (indices, index_dims)) = (folded(call, 0)?, folded(call, 1)?);
    let along = axis(call.node.int("axis", 0), from.len()).ok()?;
    let size = *from.get(along)?;
    places(dims)
        .map(|place| {
            let (left, rest) = place.split_at_checked(along)?;
            let (index, right) = rest.split_at_checked(index_dims.len())?;
            let index = axis(at(&indices, &index_dims, index)?.to_fixed()?, size).ok()?;
            let source: Vec<usize> = left.iter().copied().chain([index]).chain(right.iter().copied()).collect();
            at(&sizes, &from, &source)
        })
        .collect()
}
