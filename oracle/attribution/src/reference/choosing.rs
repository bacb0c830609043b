use ndarray::{ArrayD, Axis, Dimension, IxDyn};

use super::{
    Value,
    call::{Call, Made, axis},
    value::{each, reshape},
};

/// A place on an axis; negative ones count from its end.
fn place(index: i64, size: usize) -> Result<usize, String> {
    axis(index, size).map_err(|_| format!("there is no place {index} among {size}"))
}

pub(super) fn gather(call: &Call<'_>) -> Made {
    let (value, indices) = (call.value(0)?, call.integers(1)?);
    let along = call.axis(0, value.dims().len())?;
    let size = value.dims()[along];
    let places = indices.iter().map(|index| place(*index, size)).collect::<Result<Vec<_>, _>>()?;
    let dims = [&value.dims()[..along], indices.shape(), &value.dims()[along + 1..]].concat();
    Ok(vec![each!(value, array => reshape(&array.select(Axis(along), &places), &dims)?)])
}

pub(super) fn gather_elements(call: &Call<'_>) -> Made {
    let (array, indices) = (call.floats(0)?, call.integers(1)?);
    let along = call.axis(0, array.ndim())?;
    let size = array.shape()[along];
    let mut made = ArrayD::zeros(indices.raw_dim());
    for (at, index) in indices.indexed_iter() {
        let mut from: Vec<usize> = at.slice().to_vec();
        from[along] = place(*index, size)?;
        made[&at] = *array.get(IxDyn(&from)).ok_or_else(|| "the indices are larger than the data".to_owned())?;
    }
    Ok(vec![Value::F64(made)])
}

pub(super) fn one_hot(call: &Call<'_>) -> Made {
    let (indices, depth, values) = (call.integers(0)?, call.integers(1)?, call.floats(2)?);
    let depth = depth.first().copied().and_then(|depth| usize::try_from(depth).ok());
    let (Some(depth), Some(off), Some(on)) = (depth, values.iter().next(), values.iter().nth(1)) else {
        return Err("the depth or the values are missing".to_owned());
    };
    let along = call.axis(-1, indices.ndim() + 1)?;
    let mut dims = indices.shape().to_vec();
    dims.insert(along, depth);
    let mut made = ArrayD::from_elem(IxDyn(&dims), *off);
    for (at, index) in indices.indexed_iter() {
        // An index outside the depth sets nothing.
        if let Ok(hot) = place(*index, depth) {
            let mut to: Vec<usize> = at.slice().to_vec();
            to.insert(along, hot);
            made[IxDyn(&to)] = *on;
        }
    }
    Ok(vec![Value::F64(made)])
}

pub(super) fn arg_max(call: &Call<'_>) -> Made {
    let array = call.floats(0)?;
    let along = call.axis(0, array.ndim())?;
    let last = call.node.int("select_last_index", 0) != 0;
    let largest = array.map_axis(Axis(along), |lane| {
        let mut best = (0i64, f64::NEG_INFINITY);
        for (place, value) in lane.iter().enumerate() {
            if *value > best.1 || (last && *value == best.1) {
                best = (place as i64, *value);
            }
        }
        best.0
    });
    let made = if call.node.int("keepdims", 1) != 0 { largest.insert_axis(Axis(along)) } else { largest };
    Ok(vec![Value::I64(made)])
}
