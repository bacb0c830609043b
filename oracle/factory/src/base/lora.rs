//! Low-rank adapters (Hu et al., LoRA, 2021).
//!
//! ```text
//! x ─┬─ W, as it was ───────────── + ─ y
//!    └─ A ─ × alpha/rank ─ B ──────┘
//! ```
//!
//! Adapters are operators of their own and are not multiplied into `W`: what was trained is then what is attributed.

use std::collections::BTreeMap;

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};
use tributary_attribution::graph::{Builder, Graph, Node, Tensor};

use super::{
    BaseError,
    head::{Dense, last_dense},
    surgery::{Names, makers, operator, weight},
};
use crate::{
    FactoryError,
    model::{Model, normal},
};

/// Which adapters are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lora {
    /// Numbers between A `[inputs, rank]` and B `[rank, outputs]`.
    pub rank: usize,
    /// An adapter's product is multiplied with `alpha / rank`.
    pub alpha: f64,
    /// Weights or layers by name: `encoder.0` for `encoder.0.weight` and all that is called so before a `.`, `/` or `:`;
    /// names of operators do as well. None for every layer before the last dense one that has more inputs and outputs
    /// than `rank`.
    pub layers: Vec<String>,
}

impl Default for Lora {
    /// Rank 8, alpha 8: products count once.
    fn default() -> Self {
        Self { rank: 8, alpha: 8.0, layers: Vec::new() }
    }
}

impl Lora {
    fn scale(&self) -> Result<f32, FactoryError> {
        let scale = (self.alpha / self.rank as f64) as f32;
        if self.rank == 0 {
            let instead = "an adapter needs a rank of at least 1; 8 works well";
            return Err(FactoryError::Recipe { what: "rank", found: self.rank.to_string(), instead });
        }
        if !scale.is_finite() || scale <= 0.0 {
            let instead = "give a positive number such as the rank";
            return Err(FactoryError::Recipe { what: "alpha", found: self.alpha.to_string(), instead });
        }
        Ok(scale)
    }
}

/// An operator that an adapter fits.
struct Layer {
    /// Its place among the operators.
    place: usize,
    /// Its own name.
    node: String,
    /// Its weight, as the graph keeps it.
    root: String,
    /// The matrix it uses: its value, and whether it is transposed. Operators of the same one share an adapter.
    matrix: (String, bool),
    inputs: usize,
    outputs: usize,
}

impl Layer {
    fn is_called(&self, name: &str) -> bool {
        let begins = |whole: &str| {
            let rest = whole.strip_prefix(name).filter(|_| !name.is_empty());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/', ':']))
        };
        begins(&self.root) || begins(&self.node)
    }

    fn least(&self) -> usize {
        self.inputs.min(self.outputs)
    }
}

/// The graph with adapters beside its layers, A normal with variance 1/inputs and B zero, so that it answers as before.
/// Parameters are each adapter's A and B, in the order of first use, and the `head`'s, which is new and has no adapter.
///
/// # Errors
/// [`FactoryError::Recipe`], [`BaseError::NoLayer`], [`BaseError::NothingToAdapt`], [`FactoryError::Graph`].
pub(super) fn adapted(graph: Graph, head: Vec<String>, lora: &Lora, seed: u64) -> Result<Model, FactoryError> {
    let scale = lora.scale()?;
    let builder = Builder::extend(graph)?;
    let last = last_dense(&builder);
    let layers = layers(&builder).into_iter().filter(|layer| head.is_empty() || Some(layer.place) != last).collect();
    let chosen = chosen(layers, last, lora)?;
    let mut graph = builder.finish();
    let mut names = Names::of(&graph);
    let factor = names.fresh("lora.scale");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut parameters = Vec::new();
    let mut adapters: BTreeMap<(String, bool), (String, String)> = BTreeMap::new();
    let mut nodes = Vec::with_capacity(graph.nodes.len() + 4 * chosen.len());
    for (place, mut node) in std::mem::take(&mut graph.nodes).into_iter().enumerate() {
        let found = chosen.get(&place).zip(node.input(0).map(str::to_owned)).zip(node.outputs.first_mut());
        let Some(((layer, x), made)) = found else {
            nodes.push(node);
            continue;
        };
        let (a, b) = match adapters.get(&layer.matrix) {
            Some(pair) => pair.clone(),
            None => {
                let deviation = (1.0 / layer.inputs as f64).sqrt();
                let down = weight(&[layer.inputs, lora.rank], || (deviation * normal(&mut rng)) as f32)?;
                let up = weight(&[lora.rank, layer.outputs], || 0.0)?;
                let stem = &layer.root;
                let pair = (names.fresh(&format!("{stem}.lora.a")), names.fresh(&format!("{stem}.lora.b")));
                graph.constants.extend([(pair.0.clone(), down), (pair.1.clone(), up)]);
                parameters.extend([pair.0.clone(), pair.1.clone()]);
                adapters.insert(layer.matrix.clone(), pair.clone());
                pair
            }
        };
        let y = std::mem::replace(made, names.fresh(&format!("{made}.frozen")));
        let frozen = made.clone();
        nodes.push(node);
        let mut value = |what: &str| names.fresh(&format!("{y}.lora.{what}"));
        let (inner, scaled, product, sum) = (value("inner"), value("scaled"), value("product"), value("sum"));
        nodes.push(operator("MatMul", &[&x, &a], &inner));
        nodes.push(operator("Mul", &[&inner, &factor], &scaled));
        nodes.push(operator("MatMul", &[&scaled, &b], &product));
        nodes.push(Node { name: sum, ..operator("Add", &[&frozen, &product], &y) });
    }
    graph.constants.insert(factor, Tensor::scalar(scale));
    graph.nodes = nodes;
    parameters.extend(head);
    Ok(Model { graph, parameters })
}

fn layers(builder: &Builder) -> Vec<Layer> {
    let graph = builder.graph();
    let makers = makers(graph);
    let mut layers = Vec::new();
    for (place, node) in graph.nodes.iter().enumerate() {
        let Some(dense) = Dense::of(builder, node) else { continue };
        // What a change of layout was made of.
        let mut root = dense.weight;
        while let Some(before) = makers.get(root).and_then(|place| graph.nodes.get(*place)?.input(0)) {
            root = before;
        }
        layers.push(Layer {
            place,
            node: node.name.clone(),
            root: root.to_owned(),
            matrix: (dense.weight.to_owned(), dense.transposed),
            inputs: dense.inputs,
            outputs: dense.outputs,
        });
    }
    layers
}

/// The layers that are asked for, by place.
fn chosen(layers: Vec<Layer>, last: Option<usize>, lora: &Lora) -> Result<BTreeMap<usize, Layer>, FactoryError> {
    for name in &lora.layers {
        if !layers.iter().any(|layer| layer.is_called(name)) {
            let mut known: Vec<String> = layers.iter().map(|layer| layer.root.clone()).collect();
            known.dedup();
            return Err(BaseError::NoLayer { name: name.clone(), known }.into());
        }
    }
    let wanted = |layer: &Layer| match lora.layers.is_empty() {
        true => Some(layer.place) != last && layer.least() > lora.rank,
        false => lora.layers.iter().any(|name| layer.is_called(name)),
    };
    let chosen: BTreeMap<usize, Layer> = layers.into_iter().filter(wanted).map(|layer| (layer.place, layer)).collect();
    if chosen.is_empty() {
        return Err(BaseError::NothingToAdapt { rank: lora.rank }.into());
    }
    if let Some(layer) = chosen.values().find(|layer| layer.least() < lora.rank) {
        let found = format!("{} for `{}`, {} to {}", lora.rank, layer.root, layer.inputs, layer.outputs);
        let instead = "take at most a layer's inputs and its outputs, above which nothing is gained";
        return Err(FactoryError::Recipe { what: "rank", found, instead });
    }
    Ok(chosen)
}
