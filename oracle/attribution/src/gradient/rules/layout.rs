use super::{Call, Cotangent, Emit, GradientError, lift};
use crate::{
    gradient::term::{Layout, Term},
    graph::{Dim, Node},
};

/// Operators that leave all numbers in their order.
pub(super) fn reshape(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    if place != 0 {
        return Err(emit.refused("a shape depends on a parameter"));
    }
    if call.node.op == "Dropout" && trains(emit, call.node) {
        return Err(emit.refused("it drops at random: export the model for inference"));
    }
    let input = call.input(emit, 0)?;
    let dims = emit.shape(input)?.0;
    Ok(Cotangent::Batched(emit.reshape(call.cotangent(emit)?, &dims)?))
}

fn trains(emit: &Emit<'_>, node: &Node) -> bool {
    let Some(mode) = node.input(2) else { return false };
    let known = emit.builder.known(mode).ok().and_then(|known| known.value.as_ref());
    !known.is_some_and(|tensor| matches!(tensor.data(), crate::graph::Data::Bool(values) if values == &[false]))
}

pub(super) fn transpose(emit: &mut Emit<'_>, call: &Call<'_>, _: usize) -> Result<Cotangent, GradientError> {
    let input = call.input(emit, 0)?;
    let back = way_back(emit, call.node, emit.shape(input)?.rank())?;
    Ok(Cotangent::Batched(emit.transpose(call.cotangent(emit)?, &back)?))
}

/// The order of axes that undoes a transposition.
fn way_back(emit: &Emit<'_>, node: &Node, rank: usize) -> Result<Vec<usize>, GradientError> {
    let order: Vec<usize> = match node.ints("perm") {
        Some(order) => order.iter().filter_map(|axis| usize::try_from(*axis).ok()).collect(),
        None => (0..rank).rev().collect(),
    };
    let back: Option<Vec<usize>> = (0..rank).map(|axis| order.iter().position(|from| *from == axis)).collect();
    back.filter(|_| order.len() == rank).ok_or_else(|| emit.refused("it does not name each axis once"))
}

/// The terms of a shared value before it was transposed. Factors of a matrix stay factors.
pub(in crate::gradient) fn turned_terms(
    emit: &mut Emit<'_>,
    node: &Node,
    terms: Vec<Term>,
) -> Result<Vec<Term>, GradientError> {
    let (Some(input), Some(output)) = (node.input(0), node.output(0)) else {
        return Err(emit.refused("its input or output has no name"));
    };
    let dims = emit.fixed(input)?;
    let back = way_back(emit, node, dims.len())?;
    let mut turned = Vec::with_capacity(terms.len());
    for term in terms {
        if let Term::Outer { activation, error, layout } = &term {
            let [groups, _, inputs] = activation.dims(emit)?;
            let [_, _, outputs] = error.dims(emit)?;
            let matrix = match layout {
                Layout::InOut => [outputs, inputs],
                Layout::OutIn => [inputs, outputs],
            };
            if groups == 1 && back == [1, 0] && dims == matrix {
                let (activation, error) = (activation.clone(), error.clone());
                turned.push(Term::Outer { activation, error, layout: layout.flipped() });
                continue;
            }
        }
        let Some(value) = lift(emit, output, &[term])? else { continue };
        let order: Vec<usize> = std::iter::once(0).chain(back.iter().map(|axis| axis + 1)).collect();
        let value = emit.transpose(&value, &order)?;
        let dims: Vec<Dim> = dims.iter().copied().map(Dim::Fixed).collect();
        turned.push(emit.direct(&value, &dims)?);
    }
    Ok(turned)
}

pub(super) fn expand(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    call.whole(emit, c, place)
}

/// Each repeated axis is taken apart into repeats and elements, and the repeats are summed.
pub(super) fn tile(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let repeats = emit.integers_of(call.input(emit, 1)?)?;
    let shift = call.lifted.shift();
    let mut apart = Vec::new();
    let mut axes = Vec::new();
    for (axis, dim) in call.dims(emit, call.input(emit, 0)?)?.into_iter().enumerate() {
        let times = axis.checked_sub(shift).and_then(|axis| repeats.get(axis)).copied().unwrap_or(1);
        if times != 1 {
            if matches!(dim, Dim::Batch(_)) {
                return Err(emit.mixes());
            }
            axes.push(apart.len());
            apart.push(Dim::Fixed(usize::try_from(times).map_err(|_| emit.refused("a repeat is negative"))?));
        }
        apart.push(dim);
    }
    let c = emit.reshape(call.cotangent(emit)?, &apart)?;
    let gradient = emit.total(&c, &axes)?;
    call.whole(emit, &gradient, place)
}
