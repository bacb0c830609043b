//! Number by number.

use super::{
    call::{Call, Made, Trouble, axis, broadcast, refused},
    contraction::together,
};
use crate::graph::{Dim, Element, Shape};

/// Every operator that keeps places: one input's dimensions, or those of inputs spread over each other.
pub(super) fn elementwise(call: &Call<'_>) -> Made {
    match call.node.op.as_str() {
        "Sqrt" | "Exp" | "Log" | "LeakyRelu" | "Sigmoid" | "Tanh" | "Erf" | "Gelu" | "Elu" | "Selu" | "Celu"
        | "Softplus" | "Softsign" | "HardSigmoid" | "HardSwish" | "Mish" | "ThresholdedRelu" | "Sin" | "Cos"
        | "Tan" | "Asin" | "Acos" | "Atan" | "Sinh" | "Cosh" | "Asinh" | "Acosh" | "Atanh" | "Floor" | "Ceil"
        | "Round" | "Reciprocal" => {
            call.real(0)?;
            same(call)
        }
        "Relu" | "Neg" | "Abs" | "Sign" | "CumSum" => {
            number(call.input(0)?.element)?;
            same(call)
        }
        "Identity" => same(call),
        "Clip" => clip(call),
        "Trilu" => {
            if call.input(0)?.shape.rank() < 2 {
                return refused("a triangle needs two dimensions: export the model again");
            }
            same(call)
        }
        "Softmax" | "LogSoftmax" | "Hardmax" => softmax(call),
        "Add" | "Sub" | "Mul" | "Div" => {
            number(call.input(0)?.element)?;
            call.input(1)?;
            together(call)
        }
        "Mod" => {
            call.input(1)?;
            together(call)
        }
        "Min" | "Max" | "Sum" | "Mean" => together(call),
        "Pow" => {
            let (base, exponent) = (call.input(0)?, call.input(1)?);
            number(exponent.element)?;
            number(base.element)?;
            Ok(vec![call.make(base.element, broadcast(&[base, exponent])?)?])
        }
        "PRelu" => {
            call.input(1)?;
            together(call)
        }
        "Equal" | "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual" => compare(call),
        "And" | "Or" | "Xor" | "Not" => {
            let inputs: Vec<_> = call.inputs().collect();
            if inputs.len() != if call.node.op == "Not" { 1 } else { 2 } {
                return refused("it has the wrong number of inputs: export the model again");
            }
            if call.same_elements(&inputs)? != Element::Bool {
                return refused("truth values belong there: export the model again");
            }
            together(call)
        }
        "IsNaN" | "IsInf" => {
            let input = call.real(0)?;
            Ok(vec![call.make(Element::Bool, input.shape.clone())?])
        }
        "Where" => choose(call),
        "Cast" | "CastLike" => cast(call),
        "Dropout" => dropout(call),
        "LayerNormalization" => layer_normalization(call),
        "BatchNormalization" => batch_normalization(call),
        "InstanceNormalization" => same(call),
        _ => Err(Trouble::Unknown),
    }
}

fn same(call: &Call<'_>) -> Made {
    Ok(vec![call.input(0)?.clone()]
        .into_iter()
        .map(|known| crate::graph::Known { value: None, sizes: None, ..known })
        .collect())
}

fn number(element: Element) -> Result<(), Trouble> {
    match element {
        Element::Bool => refused("numbers belong there, not truth values: export the model again"),
        _ => Ok(()),
    }
}

fn clip(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    for bound in [call.optional(1), call.optional(2)].into_iter().flatten() {
        call.same_elements(&[input, bound])?;
        if bound.shape.0.iter().any(|dim| *dim != Dim::Fixed(1)) {
            return refused("a bound must be one number: export the model again");
        }
    }
    same(call)
}

fn softmax(call: &Call<'_>) -> Made {
    let input = call.real(0)?;
    let along = axis(call.node.int("axis", -1), input.shape.rank())?;
    independent(&input.shape, along)?;
    same(call)
}

/// Refuses to go along the batch, where records would depend on each other.
fn independent(shape: &Shape, along: usize) -> Result<(), Trouble> {
    if shape.batch_axis() == Some(along) {
        return refused("it goes along the batch: only models whose records are independent are attributed");
    }
    Ok(())
}

fn compare(call: &Call<'_>) -> Made {
    let (one, other) = (call.input(0)?, call.input(1)?);
    call.same_elements(&[one, other])?;
    Ok(vec![call.make(Element::Bool, broadcast(&[one, other])?)?])
}

fn choose(call: &Call<'_>) -> Made {
    let (condition, yes, no) = (call.input(0)?, call.input(1)?, call.input(2)?);
    if condition.element != Element::Bool {
        return refused(format!(
            "its condition is {}, truth values belong there: export the model again",
            condition.element
        ));
    }
    let element = call.same_elements(&[yes, no])?;
    Ok(vec![call.make(element, broadcast(&[condition, yes, no])?)?])
}

fn cast(call: &Call<'_>) -> Made {
    let input = call.input(0)?;
    let element = match (call.node.op.as_str(), call.node.int("to", 0)) {
        ("CastLike", _) => call.input(1)?.element,
        (_, code) => Element::from_code(code).ok_or(Trouble::Unknown)?,
    };
    Ok(vec![call.make(element, input.shape.clone())?])
}

/// In inference it passes its input on.
fn dropout(call: &Call<'_>) -> Made {
    let input = call.real(0)?;
    if call.optional(2).is_some() && call.sizes(2).is_none_or(|mode| mode.iter().any(|mode| mode.fixed != 0)) {
        return refused("it is in training mode: export the model in evaluation mode");
    }
    let mask = call.make(Element::Bool, input.shape.clone())?;
    Ok(same(call)?.into_iter().chain([mask]).collect())
}

fn layer_normalization(call: &Call<'_>) -> Made {
    let input = call.real(0)?;
    let along = axis(call.node.int("axis", -1), input.shape.rank())?;
    let mut means = input.shape.clone();
    for (place, dim) in means.0.iter_mut().enumerate().skip(along) {
        independent(&input.shape, place)?;
        *dim = Dim::Fixed(1);
    }
    for weight in [Some(call.input(1)?), call.optional(2)].into_iter().flatten() {
        call.same_elements(&[input, weight])?;
        if broadcast(&[input, weight])? != input.shape {
            return refused(format!("{} does not fit {}: export the model again", weight.shape, input.shape));
        }
    }
    let means = call.make(input.element, means)?;
    Ok(same(call)?.into_iter().chain([means.clone(), means]).collect())
}

fn batch_normalization(call: &Call<'_>) -> Made {
    let input = call.real(0)?;
    if call.node.int("training_mode", 0) != 0 || call.node.outputs.len() > 1 {
        return refused("it is in training mode: export the model in evaluation mode");
    }
    let Some(channels) = input.shape.0.get(1) else {
        return refused("its input has no channels: export the model again");
    };
    for place in 1..5 {
        let weight = call.input(place)?;
        call.same_elements(&[input, weight])?;
        if weight.shape.0.as_slice() != [*channels] {
            return refused(format!("input {place} is {} and not [{channels}]: export the model again", weight.shape));
        }
    }
    independent(&input.shape, 1)?;
    same(call)
}
