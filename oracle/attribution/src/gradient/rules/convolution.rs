use super::{Call, Cotangent, Emit, GradientError};
use crate::{
    gradient::{
        Window,
        emit::Lifted,
        term::{Layout, Term},
    },
    graph::{Attribute, Dim},
};

/// `[batch, channels, spatial…]` of a value, the batch as a dimension.
pub(super) struct Image {
    pub(super) batch: Dim,
    pub(super) channels: usize,
    pub(super) spatial: Vec<usize>,
}

impl Image {
    pub(super) fn of(emit: &Emit<'_>, value: &str) -> Result<Self, GradientError> {
        let dims = emit.shape(value)?.0;
        if let [batch @ Dim::Batch(_), Dim::Fixed(channels), spatial @ ..] = dims.as_slice() {
            let spatial: Option<Vec<usize>> =
                spatial.iter().map(|dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None }).collect();
            if let Some(spatial) = spatial.filter(|spatial| !spatial.is_empty()) {
                return Ok(Self { batch: *batch, channels: *channels, spatial });
            }
        }
        Err(emit.refused("its input must be [batch, channels, spatial…] of fixed sizes"))
    }

    /// These dimensions behind the batch.
    pub(super) fn dims(&self, channels: usize, spatial: &[usize]) -> Vec<Dim> {
        let mut dims = vec![self.batch, Dim::Fixed(channels)];
        dims.extend(spatial.iter().copied().map(Dim::Fixed));
        dims
    }
}

fn ints(values: &[usize]) -> Attribute {
    Attribute::Ints(values.iter().map(|value| *value as i64).collect())
}

/// Attributes of a convolution over a window, with its padding or without.
pub(super) fn attributes(window: &Window, groups: usize, pads: &[usize]) -> Vec<(&'static str, Attribute)> {
    vec![
        ("group", Attribute::Int(groups as i64)),
        ("kernel_shape", ints(&window.kernel)),
        ("strides", ints(&window.strides)),
        ("dilations", ints(&window.dilations)),
        ("pads", ints(pads)),
    ]
}

fn pads(window: &Window) -> Vec<usize> {
    [&window.before[..], &window.after[..]].concat()
}

/// The kernel `[channels · elements, 1, window…]` under which a convolution in as many groups copies each window's
/// elements into channels of their own.
pub(super) fn copying(emit: &mut Emit<'_>, window: &Window, channels: usize) -> Result<String, GradientError> {
    let elements = window.len();
    let mut kernel = vec![0.0; channels * elements * elements];
    for (row, entries) in kernel.chunks_exact_mut(elements).enumerate() {
        if let Some(entry) = entries.get_mut(row % elements) {
            *entry = 1.0;
        }
    }
    let dims = [&[channels * elements, 1], &window.kernel[..]].concat();
    emit.constant(&dims, kernel)
}

/// The windows of an image as factors: `[batch, groups, windows, channels / groups · elements]`.
fn unfolded(emit: &mut Emit<'_>, value: &str, window: &Window, groups: usize) -> Result<String, GradientError> {
    let image = Image::of(emit, value)?;
    let kernel = copying(emit, window, image.channels)?;
    let copied = emit.with("Conv", &[value, &kernel], attributes(window, image.channels, &pads(window)))?;
    rows(emit, &copied, groups)
}

/// An image as factors: `[batch, groups, places, channels / groups]`.
fn rows(emit: &mut Emit<'_>, value: &str, groups: usize) -> Result<String, GradientError> {
    let image = Image::of(emit, value)?;
    let (width, places) = (image.channels / groups.max(1), image.spatial.iter().product::<usize>());
    let value = emit.reshape(value, &[image.batch, Dim::Fixed(groups), Dim::Fixed(width), Dim::Fixed(places)])?;
    let value = emit.swapped(&value)?;
    if image.batch == Dim::Batch(1) {
        return Ok(value);
    }
    // Several images a record are more places of it.
    let Dim::Batch(images) = image.batch else { return Err(emit.mixes()) };
    let value = emit.records(&value, 0)?;
    let value = emit.transpose(&value, &[0, 2, 1, 3, 4])?;
    emit.reshape(&value, &[Dim::Batch(1), Dim::Fixed(groups), Dim::Fixed(images * places), Dim::Fixed(width)])
}

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
        let activation = unfolded(emit, x, &window, groups)?;
        let error = rows(emit, c, groups)?;
        return Ok(Cotangent::Shared(vec![Term::Outer { activation, error, layout: Layout::OutIn }]));
    }
    // What the last windows did not reach is added to the end.
    let left_out: Vec<usize> =
        (0..window.size.len()).map(|axis| window.whole(axis).saturating_sub(window.reach(axis))).collect();
    let mut attributes = attributes(&window, groups, &pads(&window));
    attributes.push(("output_padding", ints(&left_out)));
    Ok(Cotangent::Batched(emit.with("ConvTranspose", &[c, weights], attributes)?))
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
        let activation = rows(emit, x, groups)?;
        let error = unfolded(emit, c, &window, groups)?;
        return Ok(Cotangent::Shared(vec![Term::Outer { activation, error, layout: Layout::InOut }]));
    }
    let attributes = attributes(&window, groups, &pads(&window));
    Ok(Cotangent::Batched(emit.with("Conv", &[c, weights], attributes)?))
}
