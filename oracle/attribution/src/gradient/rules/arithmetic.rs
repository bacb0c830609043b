use super::{Call, Cotangent, Emit, GradientError};

/// Operators of two broadcast operands.
pub(super) fn binary(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    let (a, b) = (call.input(emit, 0)?, call.input(emit, 1)?);
    let gradient = match (call.node.op.as_str(), place) {
        ("Add", _) | ("Sub", 0) => c.to_owned(),
        ("Sub", _) => emit.op("Neg", &[c])?,
        ("Mul", 0) => emit.mul(c, b)?,
        ("Mul", _) => emit.mul(c, a)?,
        ("Div", 0) => emit.op("Div", &[c, b])?,
        ("Div", _) => {
            let quotient = call.output(emit)?;
            let change = emit.op("Div", &[quotient, b])?;
            let change = emit.op("Neg", &[&change])?;
            emit.mul(c, &change)?
        }
        (_, 0) => {
            let one = emit.number(1.0);
            let less = emit.op("Sub", &[b, &one])?;
            let power = emit.op("Pow", &[a, &less])?;
            let slope = emit.mul(&power, b)?;
            emit.mul(c, &slope)?
        }
        (_, _) => {
            // 0^y does not change with a positive y; the logarithm would say NaN.
            let zero = emit.number(0.0);
            let one = emit.number(1.0);
            let positive = emit.op("Greater", &[a, &zero])?;
            let base = emit.op("Where", &[&positive, a, &one])?;
            let logarithm = emit.op("Log", &[&base])?;
            let slope = emit.mul(call.output(emit)?, &logarithm)?;
            emit.mul(c, &slope)?
        }
    };
    call.whole(emit, &gradient, place)
}

/// `Min` and `Max`: the gradient goes to the operand that was taken, the first of equals.
pub(super) fn extreme(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    let output = call.output(emit)?;
    let mut taken = emit.op("Equal", &[call.input(emit, place)?, output])?;
    for earlier in 0..place {
        let equal = emit.op("Equal", &[call.input(emit, earlier)?, output])?;
        let other = emit.op("Not", &[&equal])?;
        taken = emit.op("And", &[&taken, &other])?;
    }
    let zero = emit.number(0.0);
    let gradient = emit.op("Where", &[&taken, c, &zero])?;
    call.whole(emit, &gradient, place)
}

/// Operators of one operand.
pub(super) fn unary(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    let (x, y) = (call.input(emit, 0)?, call.output(emit)?);
    let gradient = match call.node.op.as_str() {
        "Neg" => emit.op("Neg", &[c])?,
        "Abs" => {
            let sign = emit.op("Sign", &[x])?;
            emit.mul(c, &sign)?
        }
        "Sqrt" => {
            let half = emit.scaled(c, 0.5)?;
            emit.op("Div", &[&half, y])?
        }
        "Exp" => emit.mul(c, y)?,
        "Log" => emit.op("Div", &[c, x])?,
        "Reciprocal" => {
            let square = emit.mul(y, y)?;
            let slope = emit.op("Neg", &[&square])?;
            emit.mul(c, &slope)?
        }
        "Sin" => {
            let slope = emit.op("Cos", &[x])?;
            emit.mul(c, &slope)?
        }
        _ => {
            let sine = emit.op("Sin", &[x])?;
            let slope = emit.op("Neg", &[&sine])?;
            emit.mul(c, &slope)?
        }
    };
    call.whole(emit, &gradient, place)
}
