use ndarray::{ArrayD, Axis, IxDyn, Slice};

use super::{
    Value,
    call::{Call, Made, axis},
    value::each,
};
use crate::gradient::sliced;

pub(super) fn slice(call: &Call<'_>) -> Made {
    let mut value = call.value(0)?.clone();
    let rank = value.dims().len();
    let list = |place: usize| Ok::<_, String>(call.list(place)?.unwrap_or_default());
    let (starts, ends) = (list(1)?, list(2)?);
    let axes = call.list(3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call.list(4)?.unwrap_or_else(|| vec![1; starts.len()]);
    for (((start, end), along), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let along = axis(*along, rank)?;
        let places = sliced(value.dims()[along], *start, *end, *step).ok_or_else(|| "the step is 0".to_owned())?;
        value = each!(&value, array => array.select(Axis(along), &places));
    }
    Ok(vec![value])
}

pub(super) fn pad(call: &Call<'_>) -> Made {
    if !matches!(call.node.word("mode"), None | Some("constant")) {
        return Err("only constant padding is defined".to_owned());
    }
    let array = call.floats(0)?;
    let rank = array.ndim();
    let pads = call.list(1)?.unwrap_or_default();
    let filling = match call.optional(2) {
        Some(_) => call.floats(2)?.first().copied().unwrap_or_default(),
        None => 0.0,
    };
    let axes = call.axes(3, rank)?.unwrap_or_else(|| (0..rank).collect());
    if pads.len() != 2 * axes.len() || pads.iter().any(|pad| *pad < 0) {
        return Err(format!("{pads:?} are no pads of {} axes", axes.len()));
    }
    let mut made = array.clone();
    for (place, along) in axes.iter().enumerate() {
        let (before, after) = (pads[place] as usize, pads[place + axes.len()] as usize);
        let size = made.shape()[*along];
        let mut dims = made.shape().to_vec();
        dims[*along] = before + size + after;
        let mut padded = ArrayD::from_elem(IxDyn(&dims), filling);
        padded.slice_axis_mut(Axis(*along), Slice::from(before..before + size)).assign(&made);
        made = padded;
    }
    Ok(vec![Value::F64(made)])
}

pub(super) fn tile(call: &Call<'_>) -> Made {
    let mut value = call.value(0)?.clone();
    for (along, times) in call.list(1)?.unwrap_or_default().into_iter().enumerate() {
        let size = *value.dims().get(along).ok_or_else(|| "more repeats than axes".to_owned())?;
        let count = usize::try_from(times).map_err(|_| format!("{times} is no count"))?;
        let places: Vec<usize> = (0..size * count).map(|place| place % size).collect();
        value = each!(&value, array => array.select(Axis(along), &places));
    }
    Ok(vec![value])
}

pub(super) fn trilu(call: &Call<'_>) -> Made {
    let mut value = call.value(0)?.clone();
    let rank = value.dims().len();
    if rank < 2 {
        return Err("a matrix is needed".to_owned());
    }
    let diagonal = call.list(1)?.and_then(|list| list.first().copied()).unwrap_or(0);
    let upper = call.node.int("upper", 1) != 0;
    let kept = |row: usize, column: usize| {
        let from_diagonal = column as i64 - row as i64 - diagonal;
        if upper { from_diagonal >= 0 } else { from_diagonal <= 0 }
    };
    match &mut value {
        Value::F64(array) => clear(array, kept),
        Value::I64(array) => clear(array, kept),
        Value::Bool(array) => clear(array, kept),
    }
    Ok(vec![value])
}

fn clear<T: Default>(array: &mut ArrayD<T>, kept: impl Fn(usize, usize) -> bool) {
    let rank = array.ndim();
    for (at, element) in array.indexed_iter_mut() {
        if !kept(at[rank - 2], at[rank - 1]) {
            *element = T::default();
        }
    }
}
