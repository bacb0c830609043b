use super::{Target, TargetError, steps::behind_batch};
use crate::graph::{Builder, Data, Element, Shape, Signature, Tensor};

/// Adds the input `name` for an output's labels. Where it is left out, what the model serves is the label; a regression
/// serves no label of its own, so that its input must be given.
///
/// # Errors
/// [`TargetError::Graph`] if the output is not there or the name is taken, [`TargetError::Output`].
pub fn labels(builder: &mut Builder, target: Target, output: &str, name: &str) -> Result<String, TargetError> {
    let shape = builder.shape(output)?.clone();
    let sizes = behind_batch(&shape).ok_or_else(|| TargetError::Output {
        target,
        output: output.to_owned(),
        shape: shape.clone(),
        needs: "the batch first and fixed sizes behind it",
    })?;
    let (element, kept) = match target {
        Target::Margin | Target::Sequence => (Element::I64, sizes.len().saturating_sub(1)),
        Target::Regression | Target::MultiLabel => (Element::F32, sizes.len()),
    };
    let sizes = sizes.get(..kept).unwrap_or_default();
    let signature = Signature { name: name.to_owned(), element, shape: Shape::batched(sizes) };
    // One element that is broadcast to all records.
    let dims = vec![1; sizes.len() + 1];
    let otherwise = match target {
        Target::Regression => None,
        Target::Margin => Tensor::new(dims, Data::I64(vec![-1])),
        Target::Sequence => Tensor::new(dims, Data::I64(vec![-2])),
        Target::MultiLabel => Tensor::new(dims, Data::F32(vec![-1.0])),
    };
    Ok(match otherwise {
        Some(otherwise) => builder.optional_input(signature, otherwise)?,
        None => builder.input(signature)?,
    })
}
