//! What no parameter moves, computed once.
//!
//! ```text
//! inputs ─ prefix ─ frontier ─ suffix ─ logits
//!          once a record       every step, with the parameters
//! ```

use std::collections::BTreeSet;

use ndarray::{ArrayD, IxDyn};
use tributary_attribution::{
    AttributionError, Column, Records,
    graph::{Builder, Dim, Element, Graph, Shape, Signature},
    onnx,
};
use tributary_runtime::{OnnxRuntime, RuntimeError, Session, SessionOptions};

use super::{
    BaseError,
    surgery::{holds_graph, needed},
};
use crate::{FactoryError, model::Model};

/// Most records in one pass.
const PASS: usize = 256;
/// Most numbers that are kept of all records together: 1 GiB.
const MOST_NUMBERS: usize = 1 << 28;

/// A model in two: what its parameters do not move, and the rest of it, which is trained on what the first part makes.
///
/// The frontier between them are values of `f32`, one row a record, that move with no parameter and are read by operators
/// that do. Values of other types or dimensions on the way (masks, indices, `[positions, batch, width]`) are made again
/// by the second part.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// Makes the frontier.
    prefix: Graph,
    model: Model,
}

impl Frozen {
    /// Splits a model; `None` where there is nothing to compute once: every operator moves with a parameter, or it
    /// cannot be told what moves with what.
    ///
    /// # Errors
    /// [`FactoryError::Graph`].
    pub fn split(model: &Model) -> Result<Option<Self>, FactoryError> {
        let builder = Builder::extend(model.graph.clone())?;
        let graph = builder.graph();
        let moving = moving(model);
        let fixed = |output: &Signature| !moving.contains(output.name.as_str());
        if graph.nodes.iter().any(holds_graph) || graph.outputs.iter().any(fixed) {
            return Ok(None);
        }
        let frontier = frontier(&builder, &moving);
        let made = frontier.iter().filter(|value| !is_given(graph, &value.name)).cloned().collect();
        let prefix = needed(Graph { outputs: made, ..graph.clone() });
        if prefix.nodes.is_empty() {
            return Ok(None);
        }
        let optional = graph.inputs.iter().filter(|input| graph.constants.contains_key(&input.name));
        let inputs = frontier.iter().chain(optional).cloned().collect();
        let mut suffix = needed(Graph { inputs, ..graph.clone() });
        // Parameters that reach no output keep their place in the vector.
        for name in &model.parameters {
            suffix.constants.extend(graph.constants.get(name).map(|tensor| (name.clone(), tensor.clone())));
        }
        Ok(Some(Self { prefix, model: Model { graph: suffix, parameters: model.parameters.clone() } }))
    }

    /// The part that moves: the same parameters in the same order, so that a vector of one
    /// [`Layout`](crate::train::Layout) is one of the other; its inputs are the frontier's values.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How many numbers of each record are kept.
    pub fn numbers(&self) -> usize {
        let of = |input: &Signature| row(&input.shape).map_or(0, |dims| dims.iter().product());
        self.model.graph.inputs.iter().map(of).sum()
    }

    /// Whether so many records may be cached: 2²⁸ numbers at most are kept, 1 GiB.
    pub fn fits(&self, records: usize) -> bool {
        self.numbers().checked_mul(records).is_some_and(|numbers| numbers <= MOST_NUMBERS)
    }

    /// What [`Frozen::model`] is trained on in place of `records`: the frontier's values of each, with its label.
    ///
    /// # Errors
    /// [`FactoryError::NoRecords`], [`BaseError::TooLarge`], [`FactoryError::Runtime`], [`FactoryError::Attribution`] for
    /// values that are not finite.
    pub fn records(
        &self,
        runtime: &OnnxRuntime,
        options: &SessionOptions,
        records: &Records,
    ) -> Result<Records, FactoryError> {
        if records.is_empty() {
            return Err(FactoryError::NoRecords);
        }
        if !self.fits(records.len()) {
            let (records, numbers) = (records.len(), self.numbers());
            return Err(BaseError::TooLarge { records, numbers, limit: MOST_NUMBERS }.into());
        }
        let mut columns = self.made(runtime, options, records)?;
        for input in &self.model.graph.inputs {
            if columns.iter().any(|(made, _)| *made == input.name) {
                continue;
            }
            match records.inputs().iter().find(|(name, _)| *name == input.name) {
                Some(column) => columns.push(column.clone()),
                None if self.model.graph.constants.contains_key(&input.name) => {}
                None => return Err(RuntimeError::MissingInput { input: input.name.clone() }.into()),
            }
        }
        Ok(Records::new(columns, records.labels().clone())?)
    }

    /// The prefix's outputs over all records.
    fn made(
        &self,
        runtime: &OnnxRuntime,
        options: &SessionOptions,
        records: &Records,
    ) -> Result<Vec<(String, Column)>, FactoryError> {
        let mut session = Session::open(runtime, &onnx::encode(&self.prefix), options)?;
        let outputs: Vec<&str> = self.prefix.outputs.iter().map(|output| output.name.as_str()).collect();
        let mut numbers: Vec<Vec<f32>> = vec![Vec::new(); outputs.len()];
        for from in (0..records.len()).step_by(PASS) {
            let (mut inputs, _) = records.part(from, from + PASS, 0);
            inputs.retain(|(name, _)| session.takes(name));
            for (numbers, part) in numbers.iter_mut().zip(session.run(&inputs, &outputs)?) {
                numbers.extend(part.iter());
            }
        }
        let column = |(output, numbers): (&Signature, Vec<f32>)| {
            let dims = [vec![records.len()], row(&output.shape).unwrap_or_default()].concat();
            let column = ArrayD::from_shape_vec(IxDyn(&dims), numbers);
            column
                .map(|column| (output.name.clone(), Column::F32(column)))
                .map_err(|_| AttributionError::OutputShape(dims).into())
        };
        self.prefix.outputs.iter().zip(numbers).map(column).collect()
    }
}

/// Values that change when a parameter does.
fn moving(model: &Model) -> BTreeSet<&str> {
    let mut moving: BTreeSet<&str> = model.parameters.iter().map(String::as_str).collect();
    for node in &model.graph.nodes {
        if node.inputs.iter().any(|input| moving.contains(input.as_str())) {
            moving.extend(node.outputs.iter().map(String::as_str).filter(|made| !made.is_empty()));
        }
    }
    moving
}

/// The values that the moving part takes, inputs first, the others in the order in which they are made.
fn frontier(builder: &Builder, moving: &BTreeSet<&str>) -> Vec<Signature> {
    let graph = builder.graph();
    let kept = |value: &str| {
        let fixed = !moving.contains(value) && !graph.constants.contains_key(value);
        let rows = || builder.known(value).is_ok_and(|it| it.element == Element::F32 && row(&it.shape).is_some());
        fixed && (is_given(graph, value) || rows())
    };
    // From the outputs back to what is kept: what is not, is made again.
    let mut wanted: BTreeSet<&str> = graph.outputs.iter().map(|output| output.name.as_str()).collect();
    let (mut taken, mut again): (BTreeSet<&str>, BTreeSet<&str>) = (BTreeSet::new(), BTreeSet::new());
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|made| wanted.contains(made.as_str())) {
            again.extend(node.outputs.iter().map(String::as_str));
            for input in node.inputs.iter().map(String::as_str).filter(|input| !input.is_empty()) {
                if kept(input) {
                    taken.insert(input)
                } else {
                    wanted.insert(input)
                };
            }
        }
    }
    let made = graph.nodes.iter().flat_map(|node| &node.outputs).map(String::as_str);
    let made = made.filter(|value| taken.contains(value) && !again.contains(value));
    let made = made.filter_map(|value| {
        let known = builder.known(value).ok()?;
        Some(Signature { name: value.to_owned(), element: known.element, shape: known.shape.clone() })
    });
    let given = graph.inputs.iter().filter(|input| taken.contains(input.name.as_str())).cloned();
    given.chain(made).collect()
}

fn is_given(graph: &Graph, value: &str) -> bool {
    graph.inputs.iter().any(|input| input.name == value)
}

/// The dimensions of one record, of a value `[batch, …]`.
fn row(shape: &Shape) -> Option<Vec<usize>> {
    let (Dim::Batch(1), sizes) = shape.0.split_first()? else { return None };
    Shape(sizes.to_vec()).to_fixed()
}
