use super::{Call, Cotangent, Emit, GradientError};
use crate::gradient::{
    Window,
    emit::Lifted,
    factor::Factor,
    image::{Image, attributes, ints, pads},
    term::{Layout, Term},
};
use crate::graph::Attribute;

/// A bias is added at every place of its channel.
fn bias(emit: &mut Emit<'_>, call: &Call<'_>) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    let axes: Vec<usize> = (2..emit.shape(c)?.rank()).collect();
    let gradient = emit.total(c, &axes)?;
    call.whole(emit, &gradient, 2)
}

fn groups(emit: &Emit<'_>, call: &Call<'_>) -> Result<usize, GradientError> {
    if call.lifted == Lifted::Yes {
        return Err(emit.refused("a convolution of weights by weights is not covered"));
    }
    let groups = usize::try_from(call.node.int("group", 1)).ok().filter(|groups| *groups > 0);
    groups.ok_or_else(|| emit.refused("it must have at least 1 group"))
}

fn window(emit: &Emit<'_>, call: &Call<'_>, size: &[usize], count: &[usize]) -> Result<Window, GradientError> {
    let weights = emit.fixed(call.input(emit, 1)?)?;
    let window = Window::read(call.node, size, weights.get(2..)).map_err(|reason| emit.refused(&reason))?;
    if window.count == count { Ok(window) } else { Err(emit.refused("its sizes do not follow from its windows")) }
}

pub(super) fn conv(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let groups = groups(emit, call)?;
    if place == 2 {
        return bias(emit, call);
    }
    let (x, weights) = (call.input(emit, 0)?, call.input(emit, 1)?);
    let c = call.cotangent(emit)?;
    let (input, output) = (Image::of(emit, x)?, Image::of(emit, c)?);
    let window = window(emit, call, &input.spatial, &output.spatial)?;
    if place == 1 {
        let activation = Factor::windows(emit, x, &window, groups)?;
        let error = Factor::places(emit, c, groups)?;
        return Ok(Cotangent::Shared(vec![Term::Outer { activation, error, layout: Layout::OutIn }]));
    }
    if let Some(pads) = mirrored_pads(&window).filter(|_| groups == 1) {
        let weights = mirrored(emit, weights)?;
        let attributes = attributes(&Window { strides: vec![1; window.strides.len()], ..window }, 1, &pads);
        return Ok(Cotangent::Batched(emit.with("Conv", &[c, &weights], attributes)?));
    }
    // What the last windows did not reach is added to the end.
    let left_out: Vec<usize> =
        (0..window.size.len()).map(|axis| window.whole(axis).saturating_sub(window.reach(axis))).collect();
    let mut attributes = attributes(&window, groups, &pads(&window));
    attributes.push(("output_padding", ints(&left_out)));
    Ok(Cotangent::Batched(emit.with("ConvTranspose", &[c, weights], attributes)?))
}

/// With which pads a convolution with windows side by side, its kernels mirrored, is its own way back; a kernel that
/// stays within its padding is not.
fn mirrored_pads(window: &Window) -> Option<Vec<usize>> {
    if window.strides.iter().any(|stride| *stride != 1) {
        return None;
    }
    let span = |axis: usize| window.dilations[axis] * (window.kernel[axis] - 1);
    let pads = [&window.before, &window.after];
    let pads = pads.into_iter().flat_map(|side| side.iter().enumerate());
    pads.map(|(axis, pad)| span(axis).checked_sub(*pad)).collect()
}

/// Kernels `[out, in, spatial…]` as `[in, out, spatial…]`, each back to front: providers run convolutions better than
/// transposed ones.
fn mirrored(emit: &mut Emit<'_>, weights: &str) -> Result<String, GradientError> {
    let dims = emit.fixed(weights)?;
    let [outputs, inputs, kernel @ ..] = dims.as_slice() else {
        return Err(emit.refused("its weights are no kernels"));
    };
    let elements: usize = kernel.iter().product();
    let value = emit.reshape_fixed(weights, &[*outputs, *inputs, elements])?;
    let value = emit.transpose(&value, &[1, 0, 2])?;
    let backwards: Vec<i64> = (0..elements as i64).rev().collect();
    let backwards = emit.integers(&backwards);
    let value = emit.with("Gather", &[&value, &backwards], vec![("axis", Attribute::Int(2))])?;
    emit.reshape_fixed(&value, &[&[*inputs, *outputs], kernel].concat())
}

pub(super) fn conv_transpose(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let groups = groups(emit, call)?;
    if place == 2 {
        return bias(emit, call);
    }
    if call.node.ints("output_shape").is_some() || !matches!(call.node.word("auto_pad"), None | Some("NOTSET")) {
        return Err(emit.refused("only explicit pads are covered"));
    }
    let (x, weights) = (call.input(emit, 0)?, call.input(emit, 1)?);
    let c = call.cotangent(emit)?;
    let (input, output) = (Image::of(emit, x)?, Image::of(emit, c)?);
    // It is the way back of a convolution that reads its output.
    let window = window(emit, call, &output.spatial, &input.spatial)?;
    if place == 1 {
        let activation = Factor::places(emit, x, groups)?;
        let error = Factor::windows(emit, c, &window, groups)?;
        return Ok(Cotangent::Shared(vec![Term::Outer { activation, error, layout: Layout::InOut }]));
    }
    let attributes = attributes(&window, groups, &pads(&window));
    Ok(Cotangent::Batched(emit.with("Conv", &[c, weights], attributes)?))
}
