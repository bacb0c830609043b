//! Convolution and pooling: windows that move over the dimensions after batch and channels.

use super::call::{Call, Made, Trouble, mismatch, refused};
use crate::graph::{Dim, Element, Known, Shape};

/// Sizes and settings of a window, one entry a spatial dimension.
struct Window {
    kernel: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    before: Vec<i64>,
    after: Vec<i64>,
}

impl Window {
    fn of(call: &Call<'_>, kernel: Vec<i64>) -> Result<Self, Trouble> {
        let rank = kernel.len();
        let list = |name: &str, count: usize, otherwise: i64, least: i64| match call.node.ints(name) {
            None => Ok(vec![otherwise; count]),
            Some(values) if values.len() == count && values.iter().all(|value| *value >= least) => Ok(values.to_vec()),
            Some(values) => refused(format!("`{name}` cannot be {values:?}: export the model again")),
        };
        if kernel.iter().any(|size| *size < 1) {
            return refused(format!("a window cannot be {kernel:?}: export the model again"));
        }
        let pads = list("pads", 2 * rank, 0, 0)?;
        let (before, after) = pads.split_at(rank);
        Ok(Self {
            kernel,
            strides: list("strides", rank, 1, 1)?,
            dilations: list("dilations", rank, 1, 1)?,
            before: before.to_vec(),
            after: after.to_vec(),
        })
    }

    /// `(input, kernel reach, stride, pad before, pad after)` of each spatial dimension.
    fn along(&self, spatial: &[Dim]) -> Result<Vec<(i128, i128, i128, i128, i128)>, Trouble> {
        if spatial.len() != self.kernel.len() {
            return refused(format!(
                "its window has {} dimensions, its input {}: export the model again",
                self.kernel.len(),
                spatial.len()
            ));
        }
        let mut along = Vec::with_capacity(spatial.len());
        let settings =
            self.kernel.iter().zip(&self.strides).zip(&self.dilations).zip(self.before.iter().zip(&self.after));
        for (dim, (((kernel, stride), dilation), (before, after))) in spatial.iter().zip(settings) {
            let reach = i128::from(*dilation) * (i128::from(*kernel) - 1) + 1;
            along.push((i128::from(fixed(*dim)?), reach, (*stride).into(), (*before).into(), (*after).into()));
        }
        Ok(along)
    }
}

fn fixed(dim: Dim) -> Result<i64, Trouble> {
    match dim {
        Dim::Fixed(size) if i64::try_from(size).is_ok() => Ok(size as i64),
        _ => refused("a window moves over the batch: only models whose records are independent are attributed"),
    }
}

fn size(value: i128) -> Result<Dim, Trouble> {
    match usize::try_from(value) {
        Ok(size) if size > 0 => Ok(Dim::Fixed(size)),
        _ => refused("its window is larger than its input: export the model again"),
    }
}

/// Batch, channels and the dimensions a window moves over.
fn image(known: &Known) -> Result<(Dim, Dim, &[Dim]), Trouble> {
    match known.shape.0.as_slice() {
        [rows, channels, spatial @ ..] if !spatial.is_empty() => Ok((*rows, *channels, spatial)),
        _ => refused(format!("{} has no place for a window to move: export the model again", known.shape)),
    }
}

/// The sizes of a convolution's weights: first, second, kernel.
fn kernel(call: &Call<'_>) -> Result<(usize, usize, Vec<i64>), Trouble> {
    let weights = call.input(1)?;
    let dims = weights.shape.to_fixed().unwrap_or_default();
    let [first, second, kernel @ ..] = dims.as_slice() else {
        return refused(format!("weights {} are none of a convolution: export the model again", weights.shape));
    };
    let kernel: Vec<i64> = kernel.iter().map(|size| *size as i64).collect();
    if call.node.ints("kernel_shape").is_some_and(|said| said != kernel) {
        return refused("`kernel_shape` differs from the weights: export the model again");
    }
    Ok((*first, *second, kernel))
}

fn groups(call: &Call<'_>) -> Result<usize, Trouble> {
    match usize::try_from(call.node.int("group", 1)) {
        Ok(groups) if groups > 0 => Ok(groups),
        _ => refused("`group` must be at least 1: export the model again"),
    }
}

fn bias(call: &Call<'_>, channels: usize) -> Result<(), Trouble> {
    match call.optional(2) {
        Some(bias) if bias.shape != Shape::fixed(&[channels]) => {
            refused(format!("the bias is {} and not [{channels}]: export the model again", bias.shape))
        }
        _ => Ok(()),
    }
}

pub(super) fn conv(call: &Call<'_>) -> Made {
    let input = call.real(0)?;
    let element = call.same_elements(&call.inputs().collect::<Vec<_>>())?;
    let (rows, channels, spatial) = image(input)?;
    let (out, each, kernel) = kernel(call)?;
    let groups = groups(call)?;
    if each.checked_mul(groups).map(Dim::Fixed) != Some(channels) {
        return refused(mismatch(channels, Dim::Fixed(each.saturating_mul(groups))));
    }
    if out % groups != 0 {
        return refused(format!("{out} channels do not divide into {groups} groups: export the model again"));
    }
    bias(call, out)?;
    let mut dims = vec![rows, Dim::Fixed(out)];
    dims.extend(slide(call, &Window::of(call, kernel)?, spatial, false)?);
    Ok(vec![call.make(element, Shape(dims))?])
}

pub(super) fn conv_transpose(call: &Call<'_>) -> Made {
    let input = call.real(0)?;
    let element = call.same_elements(&call.inputs().collect::<Vec<_>>())?;
    let (rows, channels, spatial) = image(input)?;
    let (inner, each, kernel) = kernel(call)?;
    let groups = groups(call)?;
    if Dim::Fixed(inner) != channels || inner % groups != 0 {
        return refused(mismatch(channels, Dim::Fixed(inner)));
    }
    let out = super::call::product([each, groups])?;
    bias(call, out)?;
    let rank = kernel.len();
    let window = Window::of(call, kernel)?;
    let mut dims = vec![rows, Dim::Fixed(out)];
    if let Some(sizes) = call.node.ints("output_shape") {
        if sizes.len() != rank {
            return refused("`output_shape` has the wrong length: export the model again");
        }
        for value in sizes {
            dims.push(size((*value).into())?);
        }
        return Ok(vec![call.make(element, Shape(dims))?]);
    }
    let more = call.node.ints("output_padding").map_or_else(|| vec![0; rank], <[i64]>::to_vec);
    if more.len() != rank || more.iter().any(|value| *value < 0) {
        return refused("`output_padding` cannot be so: export the model again");
    }
    let auto = call.node.word("auto_pad").unwrap_or("NOTSET");
    for ((input, reach, stride, before, after), more) in window.along(spatial)?.into_iter().zip(more) {
        dims.push(match auto {
            "NOTSET" => size(stride * (input - 1) + i128::from(more) + reach - before - after)?,
            "VALID" => size(stride * (input - 1) + i128::from(more) + reach)?,
            "SAME_UPPER" | "SAME_LOWER" => size(stride * input)?,
            other => return refused(format!("`auto_pad` cannot be {other}: export the model again")),
        });
    }
    Ok(vec![call.make(element, Shape(dims))?])
}

pub(super) fn pool(call: &Call<'_>) -> Made {
    let input = call.real(0)?;
    let (rows, channels, spatial) = image(input)?;
    let Some(kernel) = call.node.ints("kernel_shape") else {
        return refused("it has no `kernel_shape`: export the model again");
    };
    let window = Window::of(call, kernel.to_vec())?;
    let mut dims = vec![rows, channels];
    dims.extend(slide(call, &window, spatial, call.node.int("ceil_mode", 0) != 0)?);
    let made = call.make(input.element, Shape(dims))?;
    let places = Known { element: Element::I64, ..made.clone() };
    Ok(if call.node.op == "MaxPool" { vec![made, places] } else { vec![made] })
}

/// How many places a window takes along each dimension.
fn slide(call: &Call<'_>, window: &Window, spatial: &[Dim], ceil: bool) -> Result<Vec<Dim>, Trouble> {
    let auto = call.node.word("auto_pad").unwrap_or("NOTSET");
    let steps = |(input, reach, stride, before, after): (i128, i128, i128, i128, i128)| match auto {
        "NOTSET" | "VALID" => {
            let (before, after) = if auto == "VALID" { (0, 0) } else { (before, after) };
            let room = input + before + after - reach;
            if room < 0 {
                return size(0);
            }
            let places = if ceil { (room + stride - 1) / stride + 1 } else { room / stride + 1 };
            // A window that would begin behind the input is left out.
            let outside = ceil && (places - 1) * stride >= input + before;
            size(if outside { places - 1 } else { places })
        }
        "SAME_UPPER" | "SAME_LOWER" => size((input + stride - 1) / stride),
        other => refused(format!("`auto_pad` cannot be {other}: export the model again")),
    };
    window.along(spatial)?.into_iter().map(steps).collect()
}

pub(super) fn global_pool(call: &Call<'_>) -> Made {
    let input = call.real(0)?;
    let (rows, channels, spatial) = image(input)?;
    let mut dims = vec![rows, channels];
    for dim in spatial {
        fixed(*dim)?;
        dims.push(Dim::Fixed(1));
    }
    Ok(vec![call.make(input.element, Shape(dims))?])
}
