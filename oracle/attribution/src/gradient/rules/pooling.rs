use super::{Call, Cotangent, Emit, GradientError, choosing::one_hot, slicing::cut};
use crate::{
    gradient::{
        Window,
        image::{Image, attributes, copied, copying},
    },
    graph::{Attribute, Dim},
};

/// Of so many windows a row is repeated by one product.
const LONGEST_ROW: usize = 8;

fn window(emit: &Emit<'_>, call: &Call<'_>, size: &[usize], count: &[usize]) -> Result<Window, GradientError> {
    let window = Window::read(call.node, size, None).map_err(|reason| emit.refused(&reason))?;
    if window.count == count { Ok(window) } else { Err(emit.refused("its sizes do not follow from its windows")) }
}

/// Sums what each window's elements got back into the places they were taken from, and drops the padding.
fn returned(
    emit: &mut Emit<'_>,
    value: &str,
    kernel: &str,
    window: &Window,
    channels: usize,
) -> Result<String, GradientError> {
    let axes = window.size.len();
    let left_out = (0..axes).map(|axis| (window.padded(axis) - window.reach(axis)) as i64).collect();
    let mut attributes = attributes(window, channels, &vec![0; 2 * axes]);
    attributes.push(("output_padding", Attribute::Ints(left_out)));
    let mut value = emit.with("ConvTranspose", &[value, kernel], attributes)?;
    for axis in 0..axes {
        value = cut(emit, &value, axis + 2, window.before[axis], window.size[axis])?;
    }
    Ok(value)
}

/// The gradient goes to each window's largest element, the first of equals.
pub(super) fn max(emit: &mut Emit<'_>, call: &Call<'_>, _: usize) -> Result<Cotangent, GradientError> {
    let x = call.input(emit, 0)?;
    let c = call.cotangent(emit)?;
    let (input, output) = (Image::of(emit, x)?, Image::of(emit, c)?);
    let window = window(emit, call, &input.spatial, &output.spatial)?;
    let (channels, elements) = (input.channels, window.len());
    let x = padded(emit, x, &window)?;
    let kernel = copying(emit, &window, channels)?;
    let none = vec![0; 2 * window.size.len()];
    let copied = copied(emit, &x, &window, &none)?;
    let apart = [input.batch, Dim::Fixed(channels), Dim::Fixed(elements), Dim::Fixed(window.windows())];
    let copied = emit.reshape(&copied, &apart)?;
    let largest =
        emit.with("ArgMax", &[&copied], vec![("axis", Attribute::Int(2)), ("keepdims", Attribute::Int(0))])?;
    let taken = one_hot(emit, &largest, elements, 2)?;
    let mut single = apart;
    single[2] = Dim::Fixed(1);
    let c = emit.reshape(c, &single)?;
    let gradient = emit.mul(&taken, &c)?;
    let gradient = emit.reshape(&gradient, &input.dims(channels * elements, &window.count))?;
    Ok(Cotangent::Batched(returned(emit, &gradient, &kernel, &window, channels)?))
}

/// The lowest number all around, which no window takes.
fn padded(emit: &mut Emit<'_>, value: &str, window: &Window) -> Result<String, GradientError> {
    let axes = 0..window.size.len();
    let after = axes.map(|axis| (window.padded(axis) - window.before[axis] - window.size[axis]) as i64);
    let after: Vec<i64> = after.collect();
    let before: Vec<i64> = window.before.iter().map(|pad| *pad as i64).collect();
    if before.iter().chain(&after).all(|pad| *pad == 0) {
        return Ok(value.to_owned());
    }
    let pads = [&[0, 0][..], &before, &[0, 0], &after].concat();
    let pads = emit.integers(&pads);
    let lowest = emit.number(f64::from(f32::MIN));
    emit.op("Pad", &[value, &pads, &lowest])
}

/// Each window's gradient is divided among the elements it averages.
pub(super) fn average(emit: &mut Emit<'_>, call: &Call<'_>, _: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    let (input, output) = (Image::of(emit, call.input(emit, 0)?)?, Image::of(emit, c)?);
    let window = window(emit, call, &input.spatial, &output.spatial)?;
    if let Some(gradient) = repeated(emit, c, &window, &input)? {
        return Ok(Cotangent::Batched(gradient));
    }
    let divisors = window.divisors(call.node.int("count_include_pad", 0) != 0);
    let shares = divisors.iter().map(|divisor| 1.0 / *divisor as f32).collect();
    let shares = emit.constant(&window.count, shares)?;
    let gradient = emit.mul(c, &shares)?;
    let dims = [&[input.channels, 1], &window.kernel[..]].concat();
    let count = emit.room(&[input.channels, window.len()])?;
    let ones = emit.constant(&dims, vec![1.0; count])?;
    Ok(Cotangent::Batched(returned(emit, &gradient, &ones, &window, input.channels)?))
}

/// For small images whose windows lie side by side and cover them: every row of windows times a matrix that repeats and
/// divides it, which gives all rows of elements under it. ONNX Runtime takes ten times as long for a transposed
/// convolution in groups; of longer rows the product is mostly zeros.
fn repeated(emit: &mut Emit<'_>, value: &str, window: &Window, input: &Image) -> Result<Option<String>, GradientError> {
    let side_by_side = (0..window.size.len()).all(|axis| {
        let covered = window.kernel[axis] * window.count[axis];
        window.strides[axis] == window.kernel[axis]
            && window.before[axis] == 0
            && window.size[axis] == covered
            && (window.kernel[axis] == 1 || window.dilations[axis] == 1)
    });
    let (rows, high, count, wide) = match (window.count.as_slice(), window.kernel.as_slice()) {
        ([count], [wide]) => (1, 1, *count, *wide),
        ([rows, count], [high, wide]) => (*rows, *high, *count, *wide),
        _ => return Ok(None),
    };
    let Dim::Batch(images) = input.batch else { return Ok(None) };
    if !side_by_side || count > LONGEST_ROW {
        return Ok(None);
    }
    let width = high * count * wide;
    let mut matrix = vec![0.0; emit.room(&[count, width])?];
    for (window, entries) in matrix.chunks_exact_mut(width).enumerate() {
        for row in entries.chunks_exact_mut(count * wide) {
            row.iter_mut().skip(window * wide).take(wide).for_each(|entry| *entry = 1.0 / (high * wide) as f32);
        }
    }
    let matrix = emit.constant(&[count, width], matrix)?;
    let value = emit.reshape(value, &[Dim::Batch(images * input.channels * rows), Dim::Fixed(count)])?;
    let value = emit.op("MatMul", &[&value, &matrix])?;
    Ok(Some(emit.reshape(&value, &input.dims(input.channels, &input.spatial))?))
}

pub(super) fn global_average(emit: &mut Emit<'_>, call: &Call<'_>, _: usize) -> Result<Cotangent, GradientError> {
    let input = Image::of(emit, call.input(emit, 0)?)?;
    let places: usize = input.spatial.iter().product();
    let share = emit.scaled(call.cotangent(emit)?, 1.0 / places as f64)?;
    Ok(Cotangent::Batched(emit.expand(&share, &input.dims(input.channels, &input.spatial))?))
}
