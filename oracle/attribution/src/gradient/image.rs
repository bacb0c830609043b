//! Images: values `[batch, channels, spatial…]`, and the windows that convolutions and pools take from them.

use super::{GradientError, emit::Emit, window::Window};
use crate::graph::{Attribute, Dim};

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

pub(super) fn ints(values: &[usize]) -> Attribute {
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

/// A window's padding, before all axes and then after them.
pub(super) fn pads(window: &Window) -> Vec<usize> {
    [&window.before[..], &window.after[..]].concat()
}

/// The kernel `[channels · elements, 1, window…]` under which a convolution in as many groups copies each window's
/// elements into channels of their own.
pub(super) fn copying(emit: &mut Emit<'_>, window: &Window, channels: usize) -> Result<String, GradientError> {
    let elements = window.len();
    let mut kernel = vec![0.0; emit.room(&[channels, elements, elements])?];
    for (row, entries) in kernel.chunks_exact_mut(elements).enumerate() {
        if let Some(entry) = entries.get_mut(row % elements) {
            *entry = 1.0;
        }
    }
    let dims = [&[channels * elements, 1], &window.kernel[..]].concat();
    emit.constant(&dims, kernel)
}

/// The elements of each window in channels of their own, channel by channel: `[batch, channels · elements, windows…]`.
///
/// Every channel is an image of its own under one small kernel. In groups it would be the same, but ONNX Runtime's WebGPU
/// provider takes four output channels of grouped convolutions from one group, wherever the next one begins.
pub(super) fn copied(
    emit: &mut Emit<'_>,
    value: &str,
    window: &Window,
    pads: &[usize],
) -> Result<String, GradientError> {
    let image = Image::of(emit, value)?;
    let Dim::Batch(images) = image.batch else { return Err(emit.mixes()) };
    let elements = window.len();
    let mut kernel = vec![0.0; elements * elements];
    kernel.iter_mut().step_by(elements + 1).for_each(|entry| *entry = 1.0);
    let kernel = emit.constant(&[&[elements, 1], &window.kernel[..]].concat(), kernel)?;
    let apart = Image { batch: Dim::Batch(images * image.channels), channels: 1, spatial: image.spatial.clone() };
    let value = emit.reshape(value, &apart.dims(1, &apart.spatial))?;
    let value = emit.with("Conv", &[&value, &kernel], attributes(window, 1, pads))?;
    emit.reshape(&value, &image.dims(image.channels * elements, &window.count))
}
