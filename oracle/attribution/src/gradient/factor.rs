//! The two sides of a layer's products.

use ndarray::{Array2, ArrayView2};

use super::{
    GradientError,
    emit::Emit,
    image::{Image, attributes, copied, pads},
    window::Window,
};
use crate::graph::{Builder, Dim};

/// A layer's inputs, or the errors at its output: for each record `[groups, positions, width]`.
///
/// Windows of images overlap. They are not written out where a projection is wanted of them, for that is a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor(Side);

#[derive(Clone, Debug, PartialEq)]
enum Side {
    /// The value `[batch, groups, positions, width]`.
    Rows(String),
    /// The value `[batch, width, spatial…]`: positions are its places, in one group.
    Places(String),
    /// Of the value `[batch, channels, spatial…]`: positions are its windows, width their elements channel by channel.
    Windows { image: String, window: Box<Window> },
}

impl Factor {
    /// The value `[batch, groups, positions, width]` itself.
    pub(super) fn rows(value: &str) -> Self {
        Self(Side::Rows(value.to_owned()))
    }

    /// Of an image: its places, in groups of channels.
    pub(super) fn places(emit: &mut Emit<'_>, value: &str, groups: usize) -> Result<Self, GradientError> {
        let image = Image::of(emit, value)?;
        if groups == 1 && image.batch == Dim::Batch(1) {
            return Ok(Self(Side::Places(value.to_owned())));
        }
        Ok(Self(Side::Rows(upright(emit, value, groups)?)))
    }

    /// Of an image: its windows, in groups of channels.
    pub(super) fn windows(
        emit: &mut Emit<'_>,
        value: &str,
        window: &Window,
        groups: usize,
    ) -> Result<Self, GradientError> {
        let image = Image::of(emit, value)?;
        if groups == 1 && image.batch == Dim::Batch(1) {
            return Ok(Self(Side::Windows { image: value.to_owned(), window: Box::new(window.clone()) }));
        }
        let copied = copied(emit, value, window, &pads(window))?;
        Ok(Self(Side::Rows(upright(emit, &copied, groups)?)))
    }

    /// Appends what it takes to have it as the value `[batch, groups, positions, width]`.
    ///
    /// # Errors
    /// [`GradientError::Graph`].
    pub fn value(&self, builder: &mut Builder) -> Result<String, GradientError> {
        self.upright(&mut Emit::new(builder, "factor"))
    }

    /// Groups, positions and width.
    pub(super) fn dims(&self, emit: &Emit<'_>) -> Result<[usize; 3], GradientError> {
        match &self.0 {
            Side::Rows(value) => match emit.shape(value)?.0.as_slice() {
                [_, Dim::Fixed(groups), Dim::Fixed(positions), Dim::Fixed(width)] => Ok([*groups, *positions, *width]),
                _ => Err(emit.refused("a factor must be [batch, groups, positions, width]")),
            },
            Side::Places(value) => {
                let image = Image::of(emit, value)?;
                Ok([1, image.spatial.iter().product(), image.channels])
            }
            Side::Windows { image, window } => {
                Ok([1, window.windows(), Image::of(emit, image)?.channels * window.len()])
            }
        }
    }

    /// `[batch, groups, positions, width]`.
    pub(super) fn upright(&self, emit: &mut Emit<'_>) -> Result<String, GradientError> {
        match &self.0 {
            Side::Rows(value) => Ok(value.clone()),
            _ => {
                let turned = self.turned(emit)?;
                emit.swapped(&turned)
            }
        }
    }

    /// `[batch, groups, width, positions]`, which is how images lie.
    pub(super) fn turned(&self, emit: &mut Emit<'_>) -> Result<String, GradientError> {
        let value = match &self.0 {
            Side::Rows(value) => return emit.swapped(value),
            Side::Places(value) => value.clone(),
            Side::Windows { image, window } => copied(emit, image, window, &pads(window))?,
        };
        let [groups, positions, width] = self.dims(emit)?;
        emit.reshape(&value, &[Dim::Batch(1), Dim::Fixed(groups), Dim::Fixed(width), Dim::Fixed(positions)])
    }

    /// Every position's numbers times `columns` `[width, c]`.
    pub(super) fn projected(&self, emit: &mut Emit<'_>, columns: &Array2<f64>) -> Result<Self, GradientError> {
        let (width, count) = columns.dim();
        let numbers = |matrix: ArrayView2<'_, f64>| matrix.iter().map(|number| *number as f32).collect();
        match &self.0 {
            Side::Rows(value) => {
                let columns = emit.constant(&[width, count], numbers(columns.view()))?;
                Ok(Self(Side::Rows(emit.op("MatMul", &[value, &columns])?)))
            }
            // Every column is a kernel.
            Side::Places(value) => {
                let axes = Image::of(emit, value)?.spatial.len();
                let kernel = emit.constant(&[&[count, width][..], &vec![1; axes]].concat(), numbers(columns.t()))?;
                Ok(Self(Side::Places(emit.op("Conv", &[value, &kernel])?)))
            }
            Side::Windows { image, window } => {
                let channels = width / window.len().max(1);
                let kernel = emit.constant(&[&[count, channels][..], &window.kernel].concat(), numbers(columns.t()))?;
                let attributes = attributes(window, 1, &pads(window));
                Ok(Self(Side::Places(emit.with("Conv", &[image, &kernel], attributes)?)))
            }
        }
    }
}

/// `Σ_p left[p, :] ⊗ right[p, :]` of every record, `[batch, groups, left, right]`.
pub(super) fn product(emit: &mut Emit<'_>, left: &Factor, right: &Factor) -> Result<String, GradientError> {
    let (left, right) = (left.turned(emit)?, right.upright(emit)?);
    emit.op("MatMul", &[&left, &right])
}

/// An image as `[batch, groups, places, channels / groups]`.
fn upright(emit: &mut Emit<'_>, value: &str, groups: usize) -> Result<String, GradientError> {
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
