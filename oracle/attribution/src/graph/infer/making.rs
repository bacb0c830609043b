//! Numbers from settings and shapes alone.

use super::call::{Call, FOLD_LIMIT, Made, Trouble, dim, refused};
use crate::graph::{Attribute, Data, Dim, Element, Known, Shape, Size, Tensor};

pub(super) fn constant(call: &Call<'_>) -> Made {
    let attributes = &call.node.attributes;
    let single = |data: Data| Tensor::new(Vec::new(), data);
    let tensor = match (attributes.len(), attributes.first_key_value()) {
        (1, Some((_, value))) => match value {
            Attribute::Tensor(tensor) => Some(tensor.clone()),
            Attribute::Int(value) => single(Data::I64(vec![*value])),
            Attribute::Float(value) => Some(Tensor::scalar(*value)),
            Attribute::Ints(values) => Some(Tensor::integers(values)),
            Attribute::Floats(values) => Tensor::new(vec![values.len()], Data::F32(values.clone())),
            _ => None,
        },
        _ => None,
    };
    tensor.map(|tensor| vec![Known::constant(&tensor)]).ok_or(Trouble::Unknown)
}

pub(super) fn constant_of_shape(call: &Call<'_>) -> Made {
    let dims = call.needed_sizes(0)?.into_iter().map(dim).collect::<Result<Vec<_>, _>>()?;
    let element = match call.node.attributes.get("value") {
        Some(Attribute::Tensor(tensor)) if tensor.len() == 1 => tensor.element(),
        Some(_) => return refused("`value` must be one number: export the model again"),
        None => Element::F32,
    };
    Ok(vec![Known::of(element, Shape(dims))])
}

/// A dimension as a number.
pub(super) fn number(dim: Dim) -> Option<Size> {
    match dim {
        Dim::Fixed(size) => Some(Size::fixed(i64::try_from(size).ok()?)),
        Dim::Batch(times) => Some(Size { fixed: 0, batch: i64::try_from(times).ok()? }),
    }
}

pub(super) fn shape(call: &Call<'_>) -> Made {
    let rank = call.input(0)?.shape.rank();
    let place = |value: i64| {
        let value = if value < 0 { value.saturating_add(rank as i64) } else { value };
        usize::try_from(value.max(0)).unwrap_or_default().min(rank)
    };
    let (start, end) = (place(call.node.int("start", 0)), place(call.node.int("end", rank as i64)));
    let dims = call.input(0)?.shape.0.get(start..end.max(start)).unwrap_or_default();
    let sizes = dims.iter().map(|dim| number(*dim)).collect();
    Ok(vec![Known { sizes, ..Known::of(Element::I64, Shape::fixed(&[dims.len()])) }])
}

pub(super) fn size(call: &Call<'_>) -> Made {
    let dims = call.input(0)?.shape.0.iter().map(|dim| number(*dim)).collect::<Option<Vec<_>>>();
    let count = dims.and_then(|dims| dims.into_iter().try_fold(Size::fixed(1), Size::times));
    Ok(vec![Known { sizes: count.map(|count| vec![count]), ..Known::of(Element::I64, Shape::default()) }])
}

/// Start, step and count of a `Range` of integers.
fn steps(call: &Call<'_>) -> Result<(Size, Size, Size), Trouble> {
    let one = |place: usize| match call.sizes(place).as_deref() {
        Some([size]) => Ok(*size),
        _ => Err(Trouble::Unknown),
    };
    let (start, limit, step) = (one(0)?, one(1)?, one(2)?);
    let by = step.to_fixed().ok_or(Trouble::Unknown)?;
    if by == 0 {
        return refused("its step is 0: export the model again");
    }
    let distance = limit.minus(start).ok_or(Trouble::Unknown)?;
    let count = match distance.to_fixed() {
        Some(distance) => {
            let (distance, by) = (i128::from(distance), i128::from(by));
            let count = if (distance > 0) == (by > 0) { (distance.abs() + by.abs() - 1) / by.abs() } else { 0 };
            Size::fixed(i64::try_from(count).map_err(|_| Trouble::Unknown)?)
        }
        None => distance.over(step).ok_or(Trouble::Unknown)?,
    };
    Ok((start, step, count))
}

pub(super) fn range(call: &Call<'_>) -> Made {
    let element = call.same_elements(&[call.input(0)?, call.input(1)?, call.input(2)?])?;
    let (start, step, count) = steps(call)?;
    let mut known = Known::of(element, Shape(vec![dim(count)?]));
    if let Some(count) =
        count.to_fixed().and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= FOLD_LIMIT)
    {
        let place = |place: usize| start.plus(step.times(Size::fixed(place as i64))?);
        known.sizes = (0..count).map(place).collect();
    }
    Ok(vec![known])
}
