use std::f64::consts::{PI, SQRT_2};

use ndarray::ArrayD;

use super::{
    Value,
    call::{Call, Made},
    value::{each, expand, zip},
};

pub(super) fn unary(call: &Call<'_>) -> Made {
    let node = call.node;
    let value = match (node.op.as_str(), call.value(0)?) {
        ("Not", Value::Bool(array)) => return Ok(vec![Value::Bool(array.mapv(|x| !x))]),
        (op, Value::I64(array)) => {
            let made = match op {
                "Neg" => array.mapv(i64::wrapping_neg),
                "Abs" => array.mapv(i64::wrapping_abs),
                "Sign" => array.mapv(i64::signum),
                _ => return Err("integers cannot be taken".to_owned()),
            };
            return Ok(vec![Value::I64(made)]);
        }
        (_, Value::F64(array)) => array,
        _ => return Err("truth values cannot be taken".to_owned()),
    };
    let slope = f64::from(node.float("alpha", 0.01));
    let tanh_form = node.word("approximate") == Some("tanh");
    let of = |x: f64| match node.op.as_str() {
        "Neg" => -x,
        "Sqrt" => x.sqrt(),
        "Exp" => x.exp(),
        "Log" => x.ln(),
        "Relu" => x.max(0.0),
        "LeakyRelu" => {
            if x < 0.0 {
                slope * x
            } else {
                x
            }
        }
        "Sigmoid" => 1.0 / (1.0 + (-x).exp()),
        "Tanh" => x.tanh(),
        "Erf" => erf(x),
        "Gelu" if tanh_form => 0.5 * x * (1.0 + ((2.0 / PI).sqrt() * (x + 0.044715 * x * x * x)).tanh()),
        "Gelu" => 0.5 * x * (1.0 + erf(x / SQRT_2)),
        "Abs" => x.abs(),
        "Sign" => {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }
        }
        "Reciprocal" => 1.0 / x,
        "Sin" => x.sin(),
        _ => x.cos(),
    };
    Ok(vec![Value::F64(value.mapv(of))])
}

/// The error function by its series of positive terms, which loses no digits (Abramowitz & Stegun 7.1.6).
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > sum.abs() * 1e-17 {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

pub(super) fn arithmetic(call: &Call<'_>) -> Made {
    let mut made = call.value(0)?.clone();
    for place in 1..call.inputs.len() {
        made = match (&made, call.value(place)?) {
            (Value::F64(a), Value::F64(b)) => Value::F64(zip(a, b, |x, y| real(&call.node.op, x, y))?),
            (Value::F64(a), Value::I64(b)) => Value::F64(zip(a, b, |x, y| real(&call.node.op, x, y as f64))?),
            (Value::I64(a), Value::I64(b)) => Value::I64(integers(&call.node.op, a, b)?),
            _ => return Err("the inputs' types differ".to_owned()),
        };
    }
    Ok(vec![made])
}

fn real(op: &str, x: f64, y: f64) -> f64 {
    match op {
        "Add" => x + y,
        "Sub" => x - y,
        "Mul" => x * y,
        "Div" => x / y,
        "Pow" => x.powf(y),
        "Min" => x.min(y),
        _ => x.max(y),
    }
}

fn integers(op: &str, a: &ArrayD<i64>, b: &ArrayD<i64>) -> Result<ArrayD<i64>, String> {
    let made = zip(a, b, |x, y| match op {
        "Add" => x.checked_add(y),
        "Sub" => x.checked_sub(y),
        "Mul" => x.checked_mul(y),
        "Div" => x.checked_div(y),
        "Pow" => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
        "Min" => Some(x.min(y)),
        _ => Some(x.max(y)),
    })?;
    if made.iter().any(Option::is_none) {
        return Err("the integers overflow or are divided by zero".to_owned());
    }
    Ok(made.mapv(Option::unwrap_or_default))
}

pub(super) fn comparison(call: &Call<'_>) -> Made {
    let op = call.node.op.as_str();
    let made = match (call.value(0)?, call.value(1)?) {
        (Value::F64(a), Value::F64(b)) => zip(a, b, |x, y| compare(op, &x, &y))?,
        (Value::I64(a), Value::I64(b)) => zip(a, b, |x, y| compare(op, &x, &y))?,
        (Value::Bool(a), Value::Bool(b)) => zip(a, b, |x, y| compare(op, &x, &y))?,
        _ => return Err("the inputs' types differ".to_owned()),
    };
    Ok(vec![Value::Bool(made)])
}

fn compare<T: PartialOrd>(op: &str, x: &T, y: &T) -> bool {
    match op {
        "Equal" => x == y,
        "Greater" => x > y,
        "Less" => x < y,
        "GreaterOrEqual" => x >= y,
        _ => x <= y,
    }
}

pub(super) fn logic(call: &Call<'_>) -> Made {
    let both = call.node.op == "And";
    match (call.value(0)?, call.value(1)?) {
        (Value::Bool(a), Value::Bool(b)) => {
            Ok(vec![Value::Bool(zip(a, b, |x, y| if both { x && y } else { x || y })?)])
        }
        _ => Err("truth values are needed".to_owned()),
    }
}

pub(super) fn choice(call: &Call<'_>) -> Made {
    let Value::Bool(condition) = call.value(0)? else { return Err("the condition is not of truth values".to_owned()) };
    let made = match (call.value(1)?, call.value(2)?) {
        (Value::F64(a), Value::F64(b)) => Value::F64(choose(condition, a, b)?),
        (Value::I64(a), Value::I64(b)) => Value::I64(choose(condition, a, b)?),
        (Value::Bool(a), Value::Bool(b)) => Value::Bool(choose(condition, a, b)?),
        _ => return Err("the choices' types differ".to_owned()),
    };
    Ok(vec![made])
}

fn choose<T: Clone>(condition: &ArrayD<bool>, a: &ArrayD<T>, b: &ArrayD<T>) -> Result<ArrayD<T>, String> {
    let pairs = zip(a, b, |x, y| (x, y))?;
    zip(condition, &pairs, |first, (x, y)| if first { x } else { y })
}

pub(super) fn clip(call: &Call<'_>) -> Made {
    let bound = |place: usize, otherwise: f64| match call.optional(place) {
        Some(_) => call.floats(place)?.first().copied().ok_or_else(|| "a bound is empty".to_owned()),
        None => Ok(otherwise),
    };
    let (low, high) = (bound(1, f64::NEG_INFINITY)?, bound(2, f64::INFINITY)?);
    Ok(vec![Value::F64(call.floats(0)?.mapv(|x| x.max(low).min(high)))])
}

pub(super) fn cast(call: &Call<'_>) -> Made {
    // Types by their number in ONNX's TensorProto.
    let made = match (call.node.int("to", 1), call.value(0)?) {
        (1 | 11, Value::F64(array)) => Value::F64(array.clone()),
        (1 | 11, Value::I64(array)) => Value::F64(array.mapv(|x| x as f64)),
        (1 | 11, Value::Bool(array)) => Value::F64(array.mapv(|x| f64::from(u8::from(x)))),
        (6 | 7, Value::F64(array)) => Value::I64(array.mapv(|x| x as i64)),
        (6 | 7, Value::I64(array)) => Value::I64(array.clone()),
        (6 | 7, Value::Bool(array)) => Value::I64(array.mapv(i64::from)),
        (9, Value::F64(array)) => Value::Bool(array.mapv(|x| x != 0.0)),
        (9, Value::I64(array)) => Value::Bool(array.mapv(|x| x != 0)),
        (9, Value::Bool(array)) => Value::Bool(array.clone()),
        (to, _) => return Err(format!("no cast to type {to}")),
    };
    Ok(vec![made])
}

/// A value repeated to other dimensions.
pub(super) fn expand_value(value: &Value, dims: &[usize]) -> Result<Value, String> {
    Ok(each!(value, array => expand(array, dims)?))
}
