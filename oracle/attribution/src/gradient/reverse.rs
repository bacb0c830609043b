use std::collections::{BTreeMap, BTreeSet};

use super::{
    GradientError,
    emit::{Cotangent, Emit, Lifted},
    rules::{self, Call},
    term::{ParameterGradient, Term},
};
use crate::graph::{Builder, Element, Node};

/// Appends what computes the parameters' gradients from the seeds' cotangents.
///
/// A seed is a value that carries the batch and the value of its cotangent, of the same shape: what the target's
/// gradient at that value is, record by record. Parameters are `f32` constants or inputs without a batch. Only
/// operators between a parameter and a seed are looked at. The order is the parameters'.
///
/// # Errors
/// [`GradientError`].
pub fn reverse(
    builder: &mut Builder,
    seeds: &[(&str, &str)],
    parameters: &[String],
) -> Result<Vec<ParameterGradient>, GradientError> {
    let nodes = builder.graph().nodes.clone();
    for parameter in parameters {
        let known = builder.known(parameter).ok();
        if !known.is_some_and(|known| known.element == Element::F32 && known.shape.to_fixed().is_some()) {
            return Err(GradientError::NoParameter { parameter: parameter.clone() });
        }
    }
    let moving = moving(builder, &nodes, parameters);
    let mut cotangents: BTreeMap<String, Gathered> = BTreeMap::new();
    for (value, cotangent) in seeds {
        let (expected, found) = (builder.shape(value)?, builder.shape(cotangent)?);
        if expected != found || expected.batch_axis().is_none() {
            let reason = format!("the cotangent of `{value}` {expected} has the shape {found}");
            return Err(GradientError::Refused { node: (*value).to_owned(), op: "seed".to_owned(), reason });
        }
        cotangents.entry((*value).to_owned()).or_default().add(Cotangent::Batched((*cotangent).to_owned()));
    }
    for node in nodes.iter().rev() {
        let moves = |name: &String| !name.is_empty() && moving.contains(name.as_str());
        let places: Vec<usize> = (0..node.inputs.len()).filter(|place| moves(&node.inputs[*place])).collect();
        if places.is_empty() || !node.outputs.iter().any(|made| cotangents.contains_key(made)) {
            continue;
        }
        let gathered = node.outputs.iter().map(|made| cotangents.remove(made)).collect();
        for (place, cotangent) in node_gradients(builder, node, gathered, &places)? {
            cotangents.entry(node.inputs[place].clone()).or_default().add(cotangent);
        }
    }
    let gradients = parameters.iter().map(|parameter| {
        let terms = cotangents.remove(parameter).map(|gathered| gathered.terms).unwrap_or_default();
        if terms.is_empty() {
            return Err(GradientError::Unreached { parameter: parameter.clone() });
        }
        let dims = builder.shape(parameter)?.to_fixed().unwrap_or_default();
        Ok(ParameterGradient { parameter: parameter.clone(), dims, terms })
    });
    gradients.collect()
}

/// What has come together of a value's gradient.
#[derive(Debug, Default)]
struct Gathered {
    values: Vec<String>,
    terms: Vec<Term>,
}

impl Gathered {
    fn add(&mut self, cotangent: Cotangent) {
        match cotangent {
            Cotangent::Batched(value) => self.values.push(value),
            Cotangent::Shared(terms) => self.terms.extend(terms),
        }
    }
}

/// Values that change when a parameter does.
fn moving<'a>(builder: &Builder, nodes: &'a [Node], parameters: &'a [String]) -> BTreeSet<&'a str> {
    let mut moving: BTreeSet<&str> = parameters.iter().map(String::as_str).collect();
    for node in nodes {
        let continuous = |made: &str| builder.known(made).map_or(true, |known| known.element == Element::F32);
        if !rules::is_constant(node) && node.inputs.iter().any(|input| moving.contains(input.as_str())) {
            moving.extend(node.outputs.iter().map(String::as_str).filter(|made| !made.is_empty() && continuous(made)));
        }
    }
    moving
}

/// What an operator hands on to its moving inputs.
fn node_gradients(
    builder: &mut Builder,
    node: &Node,
    gathered: Vec<Option<Gathered>>,
    places: &[usize],
) -> Result<Vec<(usize, Cotangent)>, GradientError> {
    let Some(rule) = rules::rule(node) else {
        return Err(GradientError::Unsupported { node: node.name.clone(), op: node.op.clone() });
    };
    let mut emit = Emit::of(builder, node);
    let mut shared = false;
    for made in node.outputs.iter().filter(|made| !made.is_empty()) {
        shared |= !emit.batched(made)?;
    }
    for input in node.inputs.iter().filter(|input| shared && !input.is_empty()) {
        // Labels and shapes may carry the batch into a value that does not; numbers may not.
        if emit.builder.known(input)?.element == Element::F32 && emit.batched(input)? {
            return Err(emit.mixes());
        }
    }
    // A change of a shared value's dimensions leaves its numbers, and so its terms, where they are.
    if shared && rules::keeps_order(node) {
        let terms = gathered.into_iter().flatten().flat_map(|gathered| gathered.terms).collect();
        return Ok(vec![(0, Cotangent::Shared(terms))]);
    }
    if shared && node.op == "Transpose" {
        let terms = gathered.into_iter().flatten().flat_map(|gathered| gathered.terms).collect();
        return Ok(vec![(0, Cotangent::Shared(rules::turned_terms(&mut emit, node, terms)?))]);
    }
    let mut cotangents = Vec::with_capacity(gathered.len());
    for (made, gathered) in node.outputs.iter().zip(gathered) {
        cotangents.push(match gathered {
            None => None,
            Some(gathered) if shared => rules::lift(&mut emit, made, &gathered.terms)?,
            Some(gathered) => emit.sum_of(&gathered.values)?,
        });
    }
    let lifted = if shared { Lifted::Yes } else { Lifted::No };
    let call = Call { node, cotangents, lifted };
    places.iter().map(|place| Ok((*place, rule(&mut emit, &call, *place)?))).collect()
}
