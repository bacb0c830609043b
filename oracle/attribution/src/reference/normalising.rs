use super::{
    Value,
    call::{Call, Made},
    reducing::folded,
    value::{reshape, zip},
};

pub(super) fn softmax(call: &Call<'_>) -> Made {
    let array = call.floats(0)?;
    let along = [call.axis(-1, array.ndim())?];
    let shifted = array - &folded(array, &along, f64::NEG_INFINITY, f64::max);
    let total = folded(&shifted.mapv(f64::exp), &along, 0.0, |a, b| a + b);
    let made = if call.node.op == "Softmax" { shifted.mapv(f64::exp) / total } else { shifted - total.mapv(f64::ln) };
    Ok(vec![Value::F64(made)])
}

pub(super) fn layer(call: &Call<'_>) -> Made {
    let array = call.floats(0)?;
    let axes: Vec<usize> = (call.axis(-1, array.ndim())?..array.ndim()).collect();
    let count = axes.iter().map(|axis| array.shape()[*axis]).product::<usize>() as f64;
    let mean = folded(array, &axes, 0.0, |a, b| a + b) / count;
    let centred = array - &mean;
    let variance = folded(&(&centred * &centred), &axes, 0.0, |a, b| a + b) / count;
    let inverse = variance.mapv(|variance| 1.0 / (variance + f64::from(call.node.float("epsilon", 1e-5))).sqrt());
    let mut made = zip(&(centred * &inverse), call.floats(1)?, |x, scale| x * scale)?;
    if call.optional(2).is_some() {
        made = zip(&made, call.floats(2)?, |x, bias| x + bias)?;
    }
    Ok([made, mean, inverse].map(Value::F64).into())
}

pub(super) fn batch(call: &Call<'_>) -> Made {
    if call.node.int("training_mode", 0) != 0 {
        return Err("only inference is defined".to_owned());
    }
    let array = call.floats(0)?;
    let Some(channels) = array.shape().get(1) else { return Err("there are no channels".to_owned()) };
    let mut dims = vec![1; array.ndim()];
    dims[1] = *channels;
    let channel = |place: usize| reshape(call.floats(place)?, &dims);
    let (scale, bias, mean, variance) = (channel(1)?, channel(2)?, channel(3)?, channel(4)?);
    let epsilon = f64::from(call.node.float("epsilon", 1e-5));
    let factor = scale / (variance + epsilon).mapv(f64::sqrt);
    Ok(vec![Value::F64((array - &mean) * factor + bias)])
}
