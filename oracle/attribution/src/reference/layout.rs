use ndarray::{Array1, ArrayD, Axis, IxDyn, Slice, concatenate};

use super::{
    Value,
    call::{Call, Made, axis},
    elementwise::expand_value,
    value::{broadcast_dims, each, reshape},
};
use crate::graph::Attribute;

pub(super) fn identity(call: &Call<'_>) -> Made {
    Ok(vec![call.value(0)?.clone()])
}

pub(super) fn transpose(call: &Call<'_>) -> Made {
    let value = call.value(0)?;
    let rank = value.dims().len();
    let order: Vec<usize> = match call.node.ints("perm") {
        Some(order) => order.iter().map(|each| axis(*each, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(format!("{order:?} is no order of {rank} axes"));
    }
    Ok(vec![each!(value, array => array.view().permuted_axes(IxDyn(&order)).as_standard_layout().into_owned())])
}

pub(super) fn reshaped(call: &Call<'_>) -> Made {
    let value = call.value(0)?;
    let asked = call.list(1)?.ok_or_else(|| "the shape is missing".to_owned())?;
    let copies = call.node.int("allowzero", 0) == 0;
    let mut dims = Vec::with_capacity(asked.len());
    for (place, dim) in asked.iter().enumerate() {
        dims.push(match dim {
            -1 => 1,
            0 if copies => *value.dims().get(place).ok_or_else(|| "nothing to copy a 0 from".to_owned())?,
            dim => usize::try_from(*dim).map_err(|_| format!("{dim} is no size"))?,
        });
    }
    if let Some(free) = asked.iter().position(|dim| *dim == -1) {
        let (whole, rest): (usize, usize) = (value.dims().iter().product(), dims.iter().product());
        dims[free] = whole.checked_div(rest).unwrap_or(0);
    }
    Ok(vec![each!(value, array => reshape(array, &dims)?)])
}

pub(super) fn flatten(call: &Call<'_>) -> Made {
    let value = call.value(0)?;
    let rank = value.dims().len();
    let at = call.node.int("axis", 1);
    let at = if at == rank as i64 { rank } else { axis(at, rank)? };
    let (rows, columns) = value.dims().split_at(at);
    let dims = [rows.iter().product(), columns.iter().product()];
    Ok(vec![each!(value, array => reshape(array, &dims)?)])
}

pub(super) fn squeeze(call: &Call<'_>) -> Made {
    let value = call.value(0)?;
    let dims = value.dims();
    let axes = match call.axes(1, dims.len())? {
        Some(axes) => axes,
        None => (0..dims.len()).filter(|place| dims[*place] == 1).collect(),
    };
    if axes.iter().any(|place| dims[*place] != 1) {
        return Err(format!("{dims:?} cannot lose its axes {axes:?}"));
    }
    let kept = (0..dims.len()).filter(|place| !axes.contains(place)).map(|place| dims[place]);
    let dims: Vec<usize> = kept.collect();
    Ok(vec![each!(value, array => reshape(array, &dims)?)])
}

pub(super) fn unsqueeze(call: &Call<'_>) -> Made {
    let value = call.value(0)?;
    let asked = call.list(1)?.unwrap_or_default();
    let rank = value.dims().len() + asked.len();
    let axes = asked.into_iter().map(|each| axis(each, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut old = value.dims().iter();
    let dims: Vec<usize> =
        (0..rank).map(|place| if axes.contains(&place) { 1 } else { old.next().copied().unwrap_or(1) }).collect();
    Ok(vec![each!(value, array => reshape(array, &dims)?)])
}

pub(super) fn concat(call: &Call<'_>) -> Made {
    let along = call.axis(0, call.value(0)?.dims().len())?;
    let join = |error: ndarray::ShapeError| error.to_string();
    let places = 0..call.inputs.len();
    let made = match call.value(0)? {
        Value::F64(_) => {
            let parts = places.map(|place| Ok(call.floats(place)?.view())).collect::<Result<Vec<_>, String>>()?;
            Value::F64(concatenate(Axis(along), &parts).map_err(join)?)
        }
        Value::I64(_) => {
            let parts = places.map(|place| Ok(call.integers(place)?.view())).collect::<Result<Vec<_>, String>>()?;
            Value::I64(concatenate(Axis(along), &parts).map_err(join)?)
        }
        Value::Bool(_) => return Err("truth values cannot be taken".to_owned()),
    };
    Ok(vec![made])
}

pub(super) fn split(call: &Call<'_>) -> Made {
    let value = call.value(0)?;
    let along = call.axis(0, value.dims().len())?;
    let size = value.dims()[along];
    let parts = call.node.outputs.len().max(1);
    let sizes = match call.list(1)? {
        Some(sizes) => {
            sizes.iter().map(|size| usize::try_from(*size).map_err(|_| format!("{size} is no size"))).collect()
        }
        None => {
            let each = size.div_ceil(parts);
            Ok((0..parts).map(|place| each.min(size.saturating_sub(place * each))).collect::<Vec<_>>())
        }
    }?;
    if sizes.iter().sum::<usize>() != size {
        return Err(format!("{size} cannot be split into {sizes:?}"));
    }
    let mut start = 0;
    let mut made = Vec::with_capacity(sizes.len());
    for part in sizes {
        let range = Slice::from(start..start + part);
        made.push(each!(value, array => array.slice_axis(Axis(along), range).to_owned()));
        start += part;
    }
    Ok(made)
}

pub(super) fn expanded(call: &Call<'_>) -> Made {
    let value = call.value(0)?;
    let asked = sizes(&call.list(1)?.unwrap_or_default())?;
    let dims = broadcast_dims(value.dims(), &asked)?;
    Ok(vec![expand_value(value, &dims)?])
}

pub(super) fn shape(call: &Call<'_>) -> Made {
    let dims: Vec<i64> = call.value(0)?.dims().iter().map(|dim| *dim as i64).collect();
    let rank = dims.len() as i64;
    let bound = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
    let (start, end) = (bound(call.node.int("start", 0)), bound(call.node.int("end", rank)));
    Ok(vec![Value::I64(Array1::from(dims.get(start..end).unwrap_or_default().to_vec()).into_dyn())])
}

pub(super) fn range(call: &Call<'_>) -> Made {
    let number = |place: usize| {
        let numbers = call.integers(place)?;
        numbers.first().copied().ok_or_else(|| "a bound is empty".to_owned())
    };
    let (start, limit, step) = (number(0)?, number(1)?, number(2)?);
    if step == 0 {
        return Err("the step is 0".to_owned());
    }
    let mut numbers = Vec::new();
    let mut at = start;
    while (step > 0 && at < limit) || (step < 0 && at > limit) {
        numbers.push(at);
        at = at.saturating_add(step);
    }
    Ok(vec![Value::I64(Array1::from(numbers).into_dyn())])
}

pub(super) fn constant_of_shape(call: &Call<'_>) -> Made {
    let dims = sizes(&call.list(0)?.unwrap_or_default())?;
    let filling = match call.node.attributes.get("value") {
        Some(Attribute::Tensor(tensor)) => Value::from(tensor),
        _ => Value::F64(ArrayD::zeros(IxDyn(&[1]))),
    };
    Ok(vec![expand_value(&filling, &dims).or_else(|_| match (&filling, dims.is_empty()) {
        (filling, true) => Ok(each!(filling, array => reshape(array, &[])?)),
        _ => Err("the value is no single number".to_owned()),
    })?])
}

pub(super) fn constant(call: &Call<'_>) -> Made {
    match call.node.attributes.get("value") {
        Some(Attribute::Tensor(tensor)) => Ok(vec![Value::from(tensor)]),
        _ => Err("only a tensor is read".to_owned()),
    }
}

fn sizes(asked: &[i64]) -> Result<Vec<usize>, String> {
    asked.iter().map(|size| usize::try_from(*size).map_err(|_| format!("{size} is no size"))).collect()
}
