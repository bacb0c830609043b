use ndarray::{ArrayD, Dimension, IxDyn};

use super::{
    Value,
    call::{Call, Made},
    value::reshape,
};
use crate::gradient::Window;

/// `[batch, channels, spatial…]` in three parts.
fn parts(array: &ArrayD<f64>) -> Result<(usize, usize, Vec<usize>), String> {
    match array.shape() {
        [batch, channels, spatial @ ..] if !spatial.is_empty() => Ok((*batch, *channels, spatial.to_vec())),
        dims => Err(format!("{dims:?} has no spatial axes")),
    }
}

/// The input's spatial place of a window's element, if it is not padding.
fn place(window: &Window, at: &[usize], element: &[usize]) -> Option<Vec<usize>> {
    (0..at.len()).map(|axis| window.place(axis, at[axis], element[axis])).collect()
}

fn every(dims: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    ndarray::indices(IxDyn(dims)).into_iter().map(|index| index.slice().to_vec())
}

fn join(batch: usize, channel: usize, rest: &[usize]) -> IxDyn {
    IxDyn(&[&[batch, channel], rest].concat())
}

pub(super) fn conv(call: &Call<'_>) -> Made {
    let (array, weights) = (call.floats(0)?, call.floats(1)?);
    let (batch, channels, spatial) = parts(array)?;
    let (outputs, inputs, kernel) = parts(weights)?;
    let groups = groups(call, channels, inputs)?;
    if outputs % groups != 0 {
        return Err(format!("{outputs} channels cannot be made in {groups} groups"));
    }
    let window = Window::read(call.node, &spatial, Some(&kernel))?;
    let mut made = ArrayD::zeros(join(batch, outputs, &window.count));
    for (index, sum) in made.indexed_iter_mut() {
        let (record, output, at) = (index[0], index[1], &index.slice()[2..]);
        let first = output / (outputs / groups) * inputs;
        for element in every(&kernel) {
            let Some(from) = place(&window, at, &element) else { continue };
            for input in 0..inputs {
                *sum += array[join(record, first + input, &from)] * weights[join(output, input, &element)];
            }
        }
    }
    Ok(vec![Value::F64(with_bias(call, made)?)])
}

fn groups(call: &Call<'_>, channels: usize, each: usize) -> Result<usize, String> {
    let groups = usize::try_from(call.node.int("group", 1)).unwrap_or(0);
    if groups == 0 || groups * each != channels {
        return Err(format!("{channels} channels are not {groups} groups of {each}"));
    }
    Ok(groups)
}

fn with_bias(call: &Call<'_>, made: ArrayD<f64>) -> Result<ArrayD<f64>, String> {
    if call.optional(2).is_none() {
        return Ok(made);
    }
    let mut dims = vec![1; made.ndim()];
    dims[1] = made.shape()[1];
    Ok(made + reshape(call.floats(2)?, &dims)?)
}

/// What the convolution that goes the other way would have read, every element gives.
pub(super) fn conv_transpose(call: &Call<'_>) -> Made {
    let (array, weights) = (call.floats(0)?, call.floats(1)?);
    let (batch, channels, spatial) = parts(array)?;
    let (inputs, outputs, kernel) = parts(weights)?;
    let groups = groups(call, channels, inputs / usize::try_from(call.node.int("group", 1)).unwrap_or(1).max(1))?;
    if call.node.ints("output_shape").is_some() || !matches!(call.node.word("auto_pad"), None | Some("NOTSET")) {
        return Err("only explicit pads are defined".to_owned());
    }
    let axes = spatial.len();
    let list = |name: &str, place: usize, otherwise: i64| {
        let list = call.node.ints(name);
        list.and_then(|list| list.get(place).copied()).unwrap_or(otherwise)
    };
    let mut size = Vec::with_capacity(axes);
    for axis in 0..axes {
        let span = list("dilations", axis, 1) * (kernel[axis] as i64 - 1) + 1;
        let whole = (spatial[axis] as i64 - 1) * list("strides", axis, 1) + span + list("output_padding", axis, 0);
        let kept = whole - list("pads", axis, 0) - list("pads", axis + axes, 0);
        size.push(usize::try_from(kept).map_err(|_| "nothing is left of the output".to_owned())?);
    }
    let window = Window::read(call.node, &size, Some(&kernel))?;
    let mut made = ArrayD::zeros(join(batch, outputs * groups, &size));
    for (index, value) in array.indexed_iter() {
        let (record, input, at) = (index[0], index[1], &index.slice()[2..]);
        let first = input / (channels / groups) * outputs;
        for element in every(&kernel) {
            let Some(to) = place(&window, at, &element) else { continue };
            for output in 0..outputs {
                made[join(record, first + output, &to)] += value * weights[join(input, output, &element)];
            }
        }
    }
    Ok(vec![Value::F64(with_bias(call, made)?)])
}

/// Pools every window with `f` of its elements, without padding, and its place.
fn pooled(array: &ArrayD<f64>, window: &Window, f: impl Fn(&[f64], usize) -> f64) -> Result<ArrayD<f64>, String> {
    let (batch, channels, _) = parts(array)?;
    let mut made = ArrayD::zeros(join(batch, channels, &window.count));
    let windows = window.windows();
    for (number, (index, value)) in made.indexed_iter_mut().enumerate() {
        let at = &index.slice()[2..];
        let places = every(&window.kernel).filter_map(|element| place(window, at, &element));
        let elements: Vec<f64> = places.map(|from| array[join(index[0], index[1], &from)]).collect();
        *value = f(&elements, number % windows);
    }
    Ok(made)
}

pub(super) fn max_pool(call: &Call<'_>) -> Made {
    let array = call.floats(0)?;
    let window = Window::read(call.node, &parts(array)?.2, None)?;
    Ok(vec![Value::F64(pooled(array, &window, |elements, _| {
        elements.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    })?)])
}

pub(super) fn average_pool(call: &Call<'_>) -> Made {
    let array = call.floats(0)?;
    let window = Window::read(call.node, &parts(array)?.2, None)?;
    let divisors = window.divisors(call.node.int("count_include_pad", 0) != 0);
    let average = |elements: &[f64], place: usize| elements.iter().sum::<f64>() / divisors[place] as f64;
    Ok(vec![Value::F64(pooled(array, &window, average)?)])
}

pub(super) fn global_average_pool(call: &Call<'_>) -> Made {
    let array = call.floats(0)?;
    let (batch, channels, spatial) = parts(array)?;
    let lanes = reshape(array, &[batch * channels, spatial.iter().product()])?;
    let means = lanes.map_axis(ndarray::Axis(1), |lane| lane.mean().unwrap_or(0.0));
    let dims = [vec![batch, channels], vec![1; spatial.len()]].concat();
    Ok(vec![Value::F64(reshape(&means.into_dyn(), &dims)?)])
}
