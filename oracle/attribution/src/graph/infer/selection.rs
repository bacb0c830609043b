//! Some of the numbers, or several values side by side.

use super::call::{Call, Made, Trouble, axis, mismatch, product, refused};
use crate::graph::{Dim, Known, Shape, Size};

const DEPENDENT: &str =
    "it picks among the records of a batch: only models whose records are independent are attributed";

pub(super) fn concat(call: &Call<'_>) -> Made {
    let inputs: Vec<_> = call.inputs().collect();
    let element = call.same_elements(&inputs)?;
    let first = call.input(0)?;
    let along = axis(call.node.int("axis", 0), first.shape.rank())?;
    let mut shape = first.shape.clone();
    let mut rounds = 0usize;
    for input in &inputs {
        if input.shape.rank() != shape.rank() {
            return refused(format!("{} is joined to {}: export the model again", input.shape, first.shape));
        }
        for (place, (one, other)) in first.shape.0.iter().zip(&input.shape.0).enumerate() {
            let joins = place == along && matches!((one, other), (Dim::Fixed(_), Dim::Fixed(_)));
            if one != other && !joins {
                return refused(mismatch(*one, *other));
            }
        }
        rounds = product([rounds.saturating_add(input.rounds)])?;
    }
    let sizes = inputs.iter().filter_map(|input| input.shape.0.get(along));
    let sum = sizes.fold(0usize, |sum, dim| match dim {
        Dim::Fixed(size) | Dim::Batch(size) => sum.saturating_add(*size),
    });
    let joined_batches = match shape.0.get_mut(along) {
        Some(Dim::Batch(size)) => {
            *size = sum;
            true
        }
        Some(Dim::Fixed(size)) => {
            *size = sum;
            false
        }
        None => false,
    };
    let made = call.make(element, shape)?;
    Ok(vec![if joined_batches { Known { rounds, ..made } } else { made }])
}

/// Where `Split` cuts: the sizes of the parts.
pub(super) fn parts(call: &Call<'_>, size: usize) -> Result<Vec<usize>, Trouble> {
    let count = call.node.outputs.len().max(1);
    if let Some(parts) = call.optional_integers(1)? {
        let parts = parts.into_iter().map(|part| usize::try_from(part).ok()).collect::<Option<Vec<_>>>();
        return match parts {
            Some(parts)
                if parts.len() == count
                    && parts.iter().try_fold(0usize, |sum, part| sum.checked_add(*part)) == Some(size) =>
            {
                Ok(parts)
            }
            _ => refused("its parts are not the whole: export the model again"),
        };
    }
    let told = usize::try_from(call.node.int("num_outputs", count as i64)).ok();
    let part = size.div_ceil(count);
    let last = size.checked_sub(part.saturating_mul(count - 1));
    match last {
        Some(last) if told == Some(count) => {
            let mut parts = vec![part; count - 1];
            parts.push(last);
            Ok(parts)
        }
        _ => refused(format!("{size} does not divide into {count} parts: export the model again")),
    }
}

pub(super) fn split(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let along = axis(call.node.int("axis", 0), input.shape.rank())?;
    let count = call.node.outputs.len().max(1);
    let part = |dim: Dim, rounds: usize| {
        let mut shape = input.shape.clone();
        if let Some(place) = shape.0.get_mut(along) {
            *place = dim;
        }
        Known { rounds, ..Known::of(input.element, shape) }
    };
    match input.shape.0.get(along) {
        Some(Dim::Fixed(size)) => {
            Ok(parts(call, *size)?.into_iter().map(|size| part(Dim::Fixed(size), input.rounds)).collect())
        }
        // Whole batches that were joined part again.
        Some(Dim::Batch(size)) if input.rounds % count == 0 && call.optional(1).is_none() => {
            Ok(vec![part(Dim::Batch(size / count), input.rounds / count); count])
        }
        _ => refused(DEPENDENT),
    }
}

/// One dimension's share of a `Slice`: first place, step, count.
pub(super) struct Cut {
    pub(super) start: i128,
    pub(super) step: i128,
    pub(super) count: usize,
}

impl Cut {
    pub(super) fn whole(size: usize) -> Self {
        Self { start: 0, step: 1, count: size }
    }

    fn of(size: usize, start: i64, end: i64, step: i64) -> Result<Self, Trouble> {
        let (size, step) = (size as i128, i128::from(step));
        let place = |value: i64| if value < 0 { i128::from(value) + size } else { i128::from(value) };
        let (start, distance) = match step {
            0 => return refused("its step is 0: export the model again"),
            1.. => {
                let start = place(start).clamp(0, size);
                (start, place(end).clamp(0, size) - start)
            }
            _ => {
                let start = place(start).clamp(-1, size - 1);
                (start, start - place(end).clamp(-1, size - 1))
            }
        };
        let wide = step.abs();
        let count = if distance > 0 { (distance + wide - 1) / wide } else { 0 };
        Ok(Self { start, step, count: usize::try_from(count).unwrap_or_default() })
    }
}

/// What `Slice` takes of each fixed dimension; of the batch it must take all.
pub(super) fn cuts(call: &Call<'_>, shape: &Shape) -> Result<Vec<Cut>, Trouble> {
    let rank = shape.rank();
    let (starts, ends) = (call.needed_sizes(1)?, call.needed_sizes(2)?);
    let along = match call.optional_integers(3)? {
        Some(values) => values.iter().map(|value| axis(*value, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..starts.len()).collect(),
    };
    let steps = call.optional_integers(4)?.unwrap_or_else(|| vec![1; along.len()]);
    if [starts.len(), ends.len(), steps.len()].iter().any(|length| *length != along.len()) {
        return refused("its settings differ in length: export the model again");
    }
    let mut cuts: Vec<Cut> = shape
        .0
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(size) | Dim::Batch(size) => Cut::whole(*size),
        })
        .collect();
    for (((place, start), end), step) in along.into_iter().zip(starts).zip(ends).zip(steps) {
        let Some((dim, cut)) = shape.0.get(place).zip(cuts.get_mut(place)) else {
            return refused("it cuts a dimension that is not there: export the model again");
        };
        match (*dim, start.to_fixed(), end.to_fixed()) {
            (Dim::Fixed(size), Some(start), Some(end)) => *cut = Cut::of(size, start, end, step)?,
            (Dim::Batch(_), Some(0), Some(end)) if step == 1 && end >= i64::from(i32::MAX) => {}
            (Dim::Batch(size), Some(0), None) if step == 1 && end == (Size { fixed: 0, batch: size as i64 }) => {}
            (Dim::Batch(_), ..) => return refused(DEPENDENT),
            _ => return Err(Trouble::Unknown),
        }
    }
    Ok(cuts)
}

pub(super) fn slice(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let cuts = cuts(call, &input.shape)?;
    let dims = input.shape.0.iter().zip(cuts).map(|(dim, cut)| match dim {
        Dim::Fixed(_) => Dim::Fixed(cut.count),
        batch @ Dim::Batch(_) => *batch,
    });
    Ok(vec![call.make(input.element, Shape(dims.collect()))?])
}

pub(super) fn gather(call: &Call<'_>) -> Made {
    let (data, indices) = (call.input(0)?, call.indices(1)?);
    let along = axis(call.node.int("axis", 0), data.shape.rank())?;
    if data.shape.batch_axis() == Some(along) {
        return refused(DEPENDENT);
    }
    let (left, right) = data.shape.0.split_at_checked(along).unwrap_or_default();
    let dims = left.iter().chain(&indices.shape.0).chain(right.iter().skip(1));
    Ok(vec![call.make(data.element, Shape(dims.copied().collect()))?])
}

pub(super) fn gather_elements(call: &Call<'_>) -> Made {
    let (data, indices) = (call.input(0)?, call.indices(1)?);
    let along = axis(call.node.int("axis", 0), data.shape.rank())?;
    if data.shape.rank() != indices.shape.rank() {
        return refused(format!("{} indexes {}: export the model again", indices.shape, data.shape));
    }
    if data.shape.batch_axis() == Some(along) {
        return refused(DEPENDENT);
    }
    for (place, (have, want)) in data.shape.0.iter().zip(&indices.shape.0).enumerate() {
        let fits = match (have, want) {
            (Dim::Fixed(have), Dim::Fixed(want)) => want <= have,
            (have, want) => have == want,
        };
        if place != along && !fits {
            return refused(mismatch(*have, *want));
        }
    }
    Ok(vec![call.make(data.element, indices.shape.clone())?])
}

pub(super) fn one_hot(call: &Call<'_>) -> Made {
    let (indices, values) = (call.input(0)?, call.input(2)?);
    let depth = match call.integers(1)?.as_slice() {
        [depth] => usize::try_from(*depth).ok(),
        _ => None,
    };
    let Some(depth) = depth else { return refused("its depth must be one number: export the model again") };
    let along = axis(call.node.int("axis", -1), indices.shape.rank() + 1)?;
    let mut dims = indices.shape.0.clone();
    dims.insert(along, Dim::Fixed(depth));
    Ok(vec![call.make(values.element, Shape(dims))?])
}
