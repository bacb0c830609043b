use ndarray::{ArrayD, Axis};

use super::{
    Value,
    call::{Call, Made},
};

pub(super) fn reduce(call: &Call<'_>) -> Made {
    let array = call.floats(0)?;
    let axes = match call.axes(1, array.ndim())? {
        Some(axes) => axes,
        None if call.node.int("noop_with_empty_axes", 0) != 0 => return Ok(vec![Value::F64(array.clone())]),
        None => (0..array.ndim()).collect(),
    };
    let count: usize = axes.iter().map(|axis| array.shape()[*axis]).product();
    let mut made = match call.node.op.as_str() {
        "ReduceSum" => folded(array, &axes, 0.0, |a, b| a + b),
        "ReduceMean" => folded(array, &axes, 0.0, |a, b| a + b) / count as f64,
        "ReduceMax" => folded(array, &axes, f64::NEG_INFINITY, f64::max),
        _ => {
            let largest = folded(array, &axes, f64::NEG_INFINITY, f64::max);
            folded(&(array - &largest).mapv(f64::exp), &axes, 0.0, |a, b| a + b).mapv(f64::ln) + largest
        }
    };
    if call.node.int("keepdims", 1) == 0 {
        let mut axes = axes;
        axes.sort_unstable();
        for axis in axes.into_iter().rev() {
            made = made.index_axis_move(Axis(axis), 0);
        }
    }
    Ok(vec![Value::F64(made)])
}

/// Each axis becomes one element long.
pub(super) fn folded(array: &ArrayD<f64>, axes: &[usize], start: f64, f: fn(f64, f64) -> f64) -> ArrayD<f64> {
    let mut made = array.clone();
    for axis in axes {
        made = made.fold_axis(Axis(*axis), start, |a, b| f(*a, *b)).insert_axis(Axis(*axis));
    }
    made
}
