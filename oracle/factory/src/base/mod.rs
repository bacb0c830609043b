//! Starting from an ONNX model: what of it is trained, as a [`Model`] like those of
//! [`Architecture`](crate::model::Architecture).
//!
//! | module | what it holds |
//! |---|---|
//! | `plain` | any base as one input of features and one output of logits |
//! | `head` | dense layers; a new one in place of the last |
//! | `lora` | low-rank adapters beside chosen layers |
//! | `frozen` | what no parameter moves, computed once for all records |
//! | `surgery` | changing a graph by hand |
//!
//! A base is a graph that was read from a file; a release of ours is one like any other, without its sketch.

mod error;
mod frozen;
mod head;
mod lora;
mod plain;
mod surgery;

pub use error::BaseError;
pub use frozen::Frozen;
pub use lora::Lora;

use serde::{Deserialize, Serialize};
use tributary_attribution::{
    gradient::{self, Layers},
    graph::{Builder, Graph},
};

use crate::{
    FactoryError,
    model::{LOGITS, Model},
};

/// What of a base is trained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adaptation {
    /// A new last dense layer; all else stays as it is. With weight decay its objective has one minimum, which is what
    /// attribution stands on.
    #[default]
    Head,
    /// All weights, as [`gradient::parameters`] tells them from other constants.
    Full,
    /// Low-rank adapters beside chosen layers.
    Lora(Lora),
}

/// The base as a model to train: [`FEATURES`](crate::model::FEATURES) `[batch, width]` in, [`LOGITS`]
/// `[batch, outputs]` out. The same seed gives the same weights.
///
/// The base must have one `f32` input of `width` numbers a record, in whatever dimensions; inputs that may be left out
/// are. Its output is the one called [`LOGITS`], or else the first of `f32`, without a softmax that stands last. Other
/// outputs are dropped with all that only they need.
///
/// A new head, for [`Adaptation::Head`] and wherever the base has another number of outputs, takes the place of the last
/// dense layer (a `Gemm`, or a `MatMul` and what adds its bias) and of all behind it, and starts at zero.
///
/// # Errors
/// [`FactoryError::Base`] for a base that does not allow it, [`FactoryError::Recipe`] for sizes and ranks that make no
/// model, [`FactoryError::Gradient`] for a base without weights, [`FactoryError::Graph`].
pub fn adapt(
    base: &Graph,
    adaptation: &Adaptation,
    width: usize,
    outputs: usize,
    seed: u64,
) -> Result<Model, FactoryError> {
    if width == 0 || outputs == 0 {
        let (found, instead) = (format!("{width} to {outputs}"), "a model needs a feature and an output");
        return Err(FactoryError::Recipe { what: "widths", found, instead });
    }
    let builder = Builder::extend(plain::plain(base, width)?)?;
    let keeps = *adaptation != Adaptation::Head && plain::gives(&builder, outputs);
    let (graph, head) = if keeps {
        let shape = builder.shape(LOGITS)?.clone();
        (plain::flat(builder.finish(), &shape, outputs), Vec::new())
    } else {
        head::replaced(builder.finish(), outputs)?
    };
    match adaptation {
        Adaptation::Head => Ok(Model { graph, parameters: head }),
        Adaptation::Full => Ok(Model { parameters: gradient::select(&graph, &Layers::All)?, graph }),
        Adaptation::Lora(lora) => lora::adapted(graph, head, lora, seed),
    }
}

/// The base as it is, where it answers `outputs` numbers to `width` features already.
///
/// # Errors
/// As [`adapt`] for a base that cannot be one.
pub fn as_it_is(base: &Graph, width: usize, outputs: usize) -> Result<Option<Graph>, FactoryError> {
    let builder = Builder::extend(plain::plain(base, width)?)?;
    if !plain::gives(&builder, outputs) {
        return Ok(None);
    }
    let shape = builder.shape(LOGITS)?.clone();
    Ok(Some(plain::flat(builder.finish(), &shape, outputs)))
}

#[cfg(test)]
mod tests;
