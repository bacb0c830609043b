use super::{Call, Cotangent, Emit, GradientError};
use crate::graph::Dim;

/// `1 / √(variance + ε)`.
fn inverse_deviation(emit: &mut Emit<'_>, call: &Call<'_>, variance: &str) -> Result<String, GradientError> {
    let epsilon = emit.number(f64::from(call.node.float("epsilon", 1e-5)));
    let padded = emit.op("Add", &[variance, &epsilon])?;
    let deviation = emit.op("Sqrt", &[&padded])?;
    emit.op("Reciprocal", &[&deviation])
}

/// With `x̂ = (x − mean) / deviation` and `h = c · scale`: `∂x = (h − mean(h) − x̂ · mean(h · x̂)) / deviation`.
pub(super) fn layer(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    if place == 2 {
        return call.whole(emit, c, place);
    }
    let (x, scale) = (call.input(emit, 0)?, call.input(emit, 1)?);
    let shape = emit.shape(x)?;
    let first = call.axis(emit, call.node.int("axis", -1), shape.rank())?;
    if shape.batch_axis().is_some_and(|batch| batch >= first) {
        return Err(emit.mixes());
    }
    let axes: Vec<usize> = (first..shape.rank()).collect();
    let mean = emit.reduce("ReduceMean", x, &axes, 1)?;
    let centred = emit.op("Sub", &[x, &mean])?;
    let square = emit.mul(&centred, &centred)?;
    let variance = emit.reduce("ReduceMean", &square, &axes, 1)?;
    let inverse = inverse_deviation(emit, call, &variance)?;
    let normal = emit.mul(&centred, &inverse)?;
    if place == 1 {
        let gradient = emit.mul(c, &normal)?;
        return call.whole(emit, &gradient, place);
    }
    let axes: Vec<usize> = axes.iter().map(|axis| axis + call.lifted.shift()).collect();
    let errors = emit.mul(c, scale)?;
    let level = emit.reduce("ReduceMean", &errors, &axes, 1)?;
    let along = emit.mul(&errors, &normal)?;
    let along = emit.reduce("ReduceMean", &along, &axes, 1)?;
    let along = emit.mul(&normal, &along)?;
    let rest = emit.op("Sub", &[&errors, &level])?;
    let rest = emit.op("Sub", &[&rest, &along])?;
    let gradient = emit.mul(&rest, &inverse)?;
    call.whole(emit, &gradient, place)
}

/// At inference mean and variance are constants of each channel.
pub(super) fn batch(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    if call.node.int("training_mode", 0) != 0 {
        return Err(emit.mixes());
    }
    let c = call.cotangent(emit)?;
    let x = call.input(emit, 0)?;
    let shape = emit.shape(x)?;
    let Some(Dim::Fixed(channels)) = shape.0.get(1).copied() else { return Err(emit.mixes()) };
    // Against [batch, channels, spatial…].
    let mut dims = vec![1; shape.rank() - 1];
    dims[0] = channels;
    let scale = emit.reshape_fixed(call.input(emit, 1)?, &dims)?;
    let mean = emit.reshape_fixed(call.input(emit, 3)?, &dims)?;
    let variance = emit.reshape_fixed(call.input(emit, 4)?, &dims)?;
    let gradient = match place {
        0 => {
            let inverse = inverse_deviation(emit, call, &variance)?;
            let factor = emit.mul(&scale, &inverse)?;
            let gradient = emit.mul(c, &factor)?;
            return call.whole(emit, &gradient, place);
        }
        1 => {
            let inverse = inverse_deviation(emit, call, &variance)?;
            let centred = emit.op("Sub", &[x, &mean])?;
            let normal = emit.mul(&centred, &inverse)?;
            emit.mul(c, &normal)?
        }
        2 => c.to_owned(),
        _ => return Err(emit.refused("a running mean or variance depends on a parameter")),
    };
    emit.onto(&gradient, &scale, call.lifted)
}
