//! Checks a file before anything serves it: whole, and with the inputs and outputs of an attributed model.

use crate::{
    AttributionError,
    compile::SKETCH,
    graph::{Dim, Element, Signature},
    onnx,
};

/// What an attributed model reads and emits, for one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributedModel {
    /// Name of the input that must be given.
    pub input: String,
    /// Features a record.
    pub input_width: usize,
    /// Name of the output that is attributed.
    pub output: String,
    /// Numbers in it: classes, labels, tokens of all positions.
    pub classes: usize,
    /// Numbers in a sketch.
    pub sketch_width: usize,
}

impl AttributedModel {
    /// Reads the bytes of an ONNX file.
    ///
    /// # Errors
    /// [`AttributionError::Onnx`] if the bytes are not a whole ONNX file, [`AttributionError::NotAttributed`] if the file
    /// is another kind of model.
    pub fn read(bytes: &[u8]) -> Result<Self, AttributionError> {
        let graph = onnx::decode(bytes)?;
        let required: Vec<&Signature> =
            graph.inputs.iter().filter(|input| !graph.constants.contains_key(&input.name)).collect();
        let [input] = required.as_slice() else {
            return Err(other(format!("it has {} inputs that must be given instead of one", required.len())));
        };
        let [output, sketch] = graph.outputs.as_slice() else {
            return Err(other(format!("it has {} outputs instead of its own and `{SKETCH}`", graph.outputs.len())));
        };
        if sketch.name != SKETCH {
            return Err(other(format!("its second output is `{}` instead of `{SKETCH}`", sketch.name)));
        }
        Ok(Self {
            input: input.name.clone(),
            input_width: width(input)?,
            output: output.name.clone(),
            classes: width(output)?,
            sketch_width: width(sketch)?,
        })
    }
}

/// Numbers a record of `f32 [batch, …]`.
fn width(value: &Signature) -> Result<usize, AttributionError> {
    let refused =
        || other(format!("`{}` is {} {} instead of f32 with the batch first", value.name, value.element, value.shape));
    let [Dim::Batch(1), sizes @ ..] = value.shape.0.as_slice() else { return Err(refused()) };
    let size = |dim: &Dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None };
    let width = sizes.iter().try_fold(1usize, |product, dim| product.checked_mul(size(dim)?));
    width.filter(|width| *width > 0 && value.element == Element::F32).ok_or_else(refused)
}

fn other(reason: String) -> AttributionError {
    AttributionError::NotAttributed(reason)
}
