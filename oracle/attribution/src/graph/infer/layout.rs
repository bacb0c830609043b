//! The same numbers in other dimensions.

use super::call::{Call, Made, Trouble, axes, axis, dim, numbers, product, refused, spread};
use crate::graph::{Dim, Known, Shape, Size};

pub(super) fn reshape(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let target = call.needed_sizes(1)?;
    let copies_zero = call.node.int("allowzero", 0) == 0;
    let mut dims = Vec::with_capacity(target.len());
    let mut open = None;
    for (place, size) in target.iter().enumerate() {
        dims.push(match *size {
            Size { fixed: -1, batch: 0 } => {
                if open.replace(place).is_some() {
                    return refused("two dimensions are −1: export the model again");
                }
                Dim::Fixed(1)
            }
            Size { fixed: 0, batch: 0 } if copies_zero => match input.shape.0.get(place) {
                Some(dim) => *dim,
                None => return refused("a dimension that is not there is copied: export the model again"),
            },
            other => dim(other)?,
        });
    }
    if let Some(place) = open
        && let Some(open) = rest(&input.shape, &dims)
        && let Some(dim) = dims.get_mut(place)
    {
        *dim = open;
    }
    regroup(call, input, Shape(dims))
}

/// What stands for −1: the numbers of the input over those of the other dimensions.
fn rest(input: &Shape, others: &[Dim]) -> Option<Dim> {
    let (all, told) = (numbers(&input.0).ok()?, numbers(others).ok()?);
    let size = (all.checked_rem(told)? == 0).then_some(all / told)?;
    let batched = others.iter().any(|dim| matches!(dim, Dim::Batch(_)));
    Some(if input.batch_axis().is_some() && !batched { Dim::Batch(size) } else { Dim::Fixed(size) })
}

/// The input's numbers in new dimensions. The batch may merge with its neighbours and part from them again; numbers of
/// different records never come to stand in one record's place.
fn regroup(call: &Call<'_>, input: &Known, shape: Shape) -> Made {
    let unfit = || refused(format!("{} does not fit {shape}: export with a dynamic batch", input.shape));
    if numbers(&input.shape.0)? != numbers(&shape.0)?
        || input.shape.batch_axis().is_some() != shape.batch_axis().is_some()
    {
        return unfit();
    }
    let mut known = Known { rounds: 1, ..call.make(input.element, shape.clone())? };
    if let (Some(from), Some(to)) = (input.shape.batch_axis(), shape.batch_axis())
        && let Some(Dim::Batch(size)) = shape.0.get(to)
    {
        // All numbers are `major · batch · minor`; the new dimension is `rounds · batch · each`.
        let major = product([numbers(input.shape.0.get(..from).unwrap_or_default())?, input.rounds])?;
        let split =
            |from: usize, by: usize| (from.checked_rem(by) == Some(0)).then_some(from.checked_div(by)).flatten();
        let parts = || {
            let minor = split(numbers(&input.shape.0).ok()?, major)?;
            let rounds = split(major, numbers(shape.0.get(..to)?).ok()?)?;
            let each = split(*size, rounds)?;
            split(minor, each).map(|_| rounds)
        };
        known.rounds = match parts() {
            Some(rounds) => rounds,
            None => {
                return refused(
                    "it moves numbers of one record to another's place: only models whose records are independent are attributed",
                );
            }
        };
    }
    Ok(vec![known])
}

pub(super) fn flatten(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let rank = input.shape.rank();
    let given = call.node.int("axis", 1);
    let at = if usize::try_from(given).is_ok_and(|given| given == rank) { rank } else { axis(given, rank)? };
    let (left, right) = input.shape.0.split_at_checked(at).unwrap_or_default();
    let merged = |dims: &[Dim]| -> Result<Dim, Trouble> {
        let size = numbers(dims)?;
        Ok(if dims.iter().any(|dim| matches!(dim, Dim::Batch(_))) { Dim::Batch(size) } else { Dim::Fixed(size) })
    };
    regroup(call, input, Shape(vec![merged(left)?, merged(right)?]))
}

pub(super) fn squeeze(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let rank = input.shape.rank();
    let gone = match call.optional_integers(1)? {
        Some(values) => axes(&values, rank)?,
        None => (0..rank).filter(|place| input.shape.0.get(*place) == Some(&Dim::Fixed(1))).collect(),
    };
    let mut dims = Vec::with_capacity(rank);
    for (place, dim) in input.shape.0.iter().enumerate() {
        if !gone.contains(&place) {
            dims.push(*dim);
        } else if *dim != Dim::Fixed(1) {
            return refused(format!("dimension {place} of {} is not 1: export with a dynamic batch", input.shape));
        }
    }
    Ok(vec![call.make(input.element, Shape(dims))?])
}

pub(super) fn unsqueeze(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let values = call.integers(1)?;
    let rank = input.shape.rank().saturating_add(values.len());
    let new = axes(&values, rank)?;
    let mut old = input.shape.0.iter();
    let dims =
        (0..rank).filter_map(|place| if new.contains(&place) { Some(Dim::Fixed(1)) } else { old.next().copied() });
    Ok(vec![call.make(input.element, Shape(dims.collect()))?])
}

/// The order in which a transpose takes the dimensions.
pub(super) fn order(call: &Call<'_>, rank: usize) -> Result<Vec<usize>, Trouble> {
    let Some(values) = call.node.ints("perm") else { return Ok((0..rank).rev().collect()) };
    let order = values.iter().map(|value| axis(*value, rank)).collect::<Result<Vec<_>, _>>()?;
    if axes(values, rank)?.len() != rank {
        return refused("`perm` leaves dimensions out: export the model again");
    }
    Ok(order)
}

pub(super) fn transpose(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let order = order(call, input.shape.rank())?;
    let dims = order.iter().filter_map(|place| input.shape.0.get(*place).copied()).collect();
    Ok(vec![call.make(input.element, Shape(dims))?])
}

pub(super) fn expand(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let target = call.needed_sizes(1)?.into_iter().map(dim).collect::<Result<Vec<_>, _>>()?;
    let shape = spread(&[&input.shape.0, &target])?;
    Ok(vec![call.make(input.element, shape)?])
}

pub(super) fn tile(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let times = call.needed_sizes(1)?;
    if times.len() != input.shape.rank() {
        return refused("it repeats other dimensions than there are: export the model again");
    }
    let mut rounds = input.rounds;
    let mut dims = Vec::with_capacity(times.len());
    for (own, times) in input.shape.0.iter().zip(times) {
        dims.push(match (*own, dim(times)?) {
            (Dim::Fixed(size), Dim::Fixed(times)) => Dim::Fixed(product([size, times])?),
            (Dim::Fixed(1), times) => times,
            (Dim::Batch(size), Dim::Fixed(times)) => {
                rounds = product([rounds, times])?;
                Dim::Batch(product([size, times])?)
            }
            _ => return Err(Trouble::Unknown),
        });
    }
    Ok(vec![Known { rounds, ..Known::of(input.element, Shape(dims)) }])
}

pub(super) fn pad(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let rank = input.shape.rank();
    if let Some(value) = call.optional(2) {
        call.same_elements(&[input, value])?;
    }
    let along = match call.optional_integers(3)? {
        Some(values) => values.iter().map(|value| axis(*value, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    let pads = call.integers(1)?;
    if pads.len() != along.len().saturating_mul(2) {
        return refused("it pads other dimensions than there are: export the model again");
    }
    let (before, after) = pads.split_at(along.len());
    let mut shape = input.shape.clone();
    for (place, (before, after)) in along.into_iter().zip(before.iter().zip(after)) {
        match shape.0.get_mut(place) {
            Some(Dim::Fixed(size)) => {
                let padded = *size as i128 + i128::from(*before) + i128::from(*after);
                *size = match usize::try_from(padded) {
                    Ok(padded) => padded,
                    Err(_) => return refused("it cuts off more than there is: export the model again"),
                };
            }
            _ if *before == 0 && *after == 0 => {}
            _ => return refused("it pads the batch: only models whose records are independent are attributed"),
        }
    }
    Ok(vec![call.make(input.element, shape)?])
}
