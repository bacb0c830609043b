use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::{Call, Cotangent, Emit, GradientError};

pub(super) fn activation(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    let (x, y) = (call.input(emit, 0)?, call.output(emit)?);
    let gradient = match call.node.op.as_str() {
        "Relu" => {
            let zero = emit.number(0.0);
            let positive = emit.op("Greater", &[x, &zero])?;
            emit.op("Where", &[&positive, c, &zero])?
        }
        "LeakyRelu" => {
            let zero = emit.number(0.0);
            let negative = emit.op("Less", &[x, &zero])?;
            let leaked = emit.scaled(c, f64::from(call.node.float("alpha", 0.01)))?;
            emit.op("Where", &[&negative, &leaked, c])?
        }
        "Sigmoid" => {
            let one = emit.number(1.0);
            let rest = emit.op("Sub", &[&one, y])?;
            let slope = emit.mul(y, &rest)?;
            emit.mul(c, &slope)?
        }
        "Tanh" => {
            let slope = tanh_slope(emit, y)?;
            emit.mul(c, &slope)?
        }
        "Erf" => {
            let bell = bell(emit, x, 1.0)?;
            let slope = emit.scaled(&bell, 2.0 / PI.sqrt())?;
            emit.mul(c, &slope)?
        }
        _ => {
            let slope = match call.node.word("approximate") {
                Some("tanh") => gelu_tanh_slope(emit, x, y)?,
                _ => gelu_slope(emit, x)?,
            };
            emit.mul(c, &slope)?
        }
    };
    call.whole(emit, &gradient, place)
}

/// `1 − y²`.
fn tanh_slope(emit: &mut Emit<'_>, y: &str) -> Result<String, GradientError> {
    let one = emit.number(1.0);
    let square = emit.mul(y, y)?;
    emit.op("Sub", &[&one, &square])
}

/// `exp(−x² · rate)`.
fn bell(emit: &mut Emit<'_>, x: &str, rate: f64) -> Result<String, GradientError> {
    let square = emit.mul(x, x)?;
    let exponent = emit.scaled(&square, -rate)?;
    emit.op("Exp", &[&exponent])
}

/// `Φ(x) + x φ(x)`.
fn gelu_slope(emit: &mut Emit<'_>, x: &str) -> Result<String, GradientError> {
    let scaled = emit.scaled(x, FRAC_1_SQRT_2)?;
    let erf = emit.op("Erf", &[&scaled])?;
    let half = emit.scaled(&erf, 0.5)?;
    let middle = emit.number(0.5);
    let below = emit.op("Add", &[&half, &middle])?;
    let bell = bell(emit, x, 0.5)?;
    let density = emit.scaled(&bell, 1.0 / (2.0 * PI).sqrt())?;
    let moved = emit.mul(x, &density)?;
    emit.op("Add", &[&below, &moved])
}

/// The slope of `y = x/2 · (1 + tanh(u))`, `u = √(2/π) (x + 0.044715 x³)`. With `s = σ(2u)`, `y = x s` and the slope is
/// `s + x s (1 − s) · 2u' = s + y (1 − s) · 2u'`.
fn gelu_tanh_slope(emit: &mut Emit<'_>, x: &str, y: &str) -> Result<String, GradientError> {
    let rate = 2.0 * (2.0 / PI).sqrt();
    let (one, linear) = (emit.number(1.0), emit.number(rate));
    let square = emit.mul(x, x)?;
    let cubic = emit.scaled(&square, rate * 0.044715)?;
    let factor = emit.op("Add", &[&cubic, &linear])?;
    let inner = emit.mul(x, &factor)?;
    let share = emit.op("Sigmoid", &[&inner])?;

    let triple = emit.scaled(&cubic, 3.0)?;
    let change = emit.op("Add", &[&triple, &linear])?;
    let rest = emit.op("Sub", &[&one, &share])?;
    let bend = emit.mul(y, &rest)?;
    let steep = emit.mul(&bend, &change)?;
    emit.op("Add", &[&share, &steep])
}

/// The gradient passes where the input lies within the bounds.
pub(super) fn clip(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    if place != 0 {
        return Err(emit.refused("a bound depends on a parameter"));
    }
    let x = call.input(emit, 0)?;
    let zero = emit.number(0.0);
    let mut gradient = call.cotangent(emit)?.to_owned();
    for (bound, op) in [(1, "GreaterOrEqual"), (2, "LessOrEqual")] {
        if let Some(bound) = call.node.input(bound) {
            let within = emit.op(op, &[x, bound])?;
            gradient = emit.op("Where", &[&within, &gradient, &zero])?;
        }
    }
    call.whole(emit, &gradient, place)
}
