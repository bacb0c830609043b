//! What a record of a model looks like in a file.

use tributary_attribution::{
    graph::{Dim, Element, Graph, Shape, Signature},
    targets::Target,
};

use super::{ForeignError, error::target_name};

/// A record's numbers, in the order in which a line has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordForm {
    /// The model's inputs in the file's order, each flattened row-major.
    pub inputs: Vec<InputForm>,
    /// The label behind them.
    pub label: LabelForm,
}

/// One input of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputForm {
    /// Its name.
    pub name: String,
    /// `F32` or `I64`.
    pub element: Element,
    /// Its dimensions without the batch.
    pub sizes: Vec<usize>,
}

/// How a label is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelForm {
    /// Not at all.
    None,
    /// A whole number, from 0.
    Class,
    /// A real number.
    Value,
    /// 0 or 1 for each of so many labels.
    Several(usize),
    /// A token for each of so many positions; −1 where nothing is asked.
    Tokens(usize),
}

impl InputForm {
    /// Numbers it takes.
    pub fn width(&self) -> usize {
        self.sizes.iter().product()
    }
}

impl LabelForm {
    /// Numbers it takes.
    pub fn width(self) -> usize {
        match self {
            Self::None => 0,
            Self::Class | Self::Value => 1,
            Self::Several(width) | Self::Tokens(width) => width,
        }
    }
}

impl RecordForm {
    /// A record that is asked about: the inputs that must be given, no label.
    ///
    /// # Errors
    /// [`ForeignError::NoInput`], [`ForeignError::Input`].
    pub fn asked(model: &Graph) -> Result<Self, ForeignError> {
        let required = model.inputs.iter().filter(|input| !model.constants.contains_key(&input.name));
        let inputs = required.map(InputForm::of).collect::<Result<Vec<_>, _>>()?;
        if inputs.is_empty() {
            return Err(ForeignError::NoInput);
        }
        Ok(Self { inputs, label: LabelForm::None })
    }

    /// A labelled record for a target on the model's first output.
    ///
    /// # Errors
    /// As [`RecordForm::asked`]; [`ForeignError::Output`] for an output that the target cannot use.
    pub fn labelled(model: &Graph, target: Target) -> Result<Self, ForeignError> {
        let output = model.outputs.first().ok_or(tributary_attribution::AttributionError::NoOutput)?;
        let label = label(output, target).ok_or_else(|| ForeignError::Output {
            output: output.name.clone(),
            shape: output.shape.clone(),
            target: target_name(target),
            needs: match target {
                Target::Margin => "f32 logits [batch, classes] of two classes or more",
                Target::Regression => "one f32 number a record, [batch] or [batch, 1]",
                Target::MultiLabel => "f32 logits [batch, labels]",
                Target::Sequence => "f32 logits [batch, positions, tokens]",
            },
        })?;
        Ok(Self { label, ..Self::asked(model)? })
    }

    /// Numbers of the model's inputs.
    pub fn inputs_width(&self) -> usize {
        self.inputs.iter().map(InputForm::width).sum()
    }

    /// Numbers on a line.
    pub fn width(&self) -> usize {
        self.inputs_width() + self.label.width()
    }
}

impl InputForm {
    fn of(input: &Signature) -> Result<Self, ForeignError> {
        let other = || ForeignError::Input { input: input.name.clone(), element: input.element };
        let sizes = behind_batch(&input.shape).ok_or_else(other)?;
        match input.element {
            Element::F32 | Element::I64 => Ok(Self { name: input.name.clone(), element: input.element, sizes }),
            _ => Err(other()),
        }
    }
}

fn label(output: &Signature, target: Target) -> Option<LabelForm> {
    let sizes = behind_batch(&output.shape).filter(|_| output.element == Element::F32)?;
    match (target, sizes.as_slice()) {
        (Target::Margin, [classes]) if *classes > 1 => Some(LabelForm::Class),
        (Target::Regression, [] | [1]) => Some(LabelForm::Value),
        (Target::MultiLabel, [labels]) if *labels > 0 => Some(LabelForm::Several(*labels)),
        (Target::Sequence, [positions, tokens]) if *positions > 0 && *tokens > 1 => Some(LabelForm::Tokens(*positions)),
        _ => None,
    }
}

/// The sizes behind the batch, if it comes first and they are fixed.
fn behind_batch(shape: &Shape) -> Option<Vec<usize>> {
    let [Dim::Batch(1), sizes @ ..] = shape.0.as_slice() else { return None };
    sizes.iter().map(|dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None }).collect()
}
