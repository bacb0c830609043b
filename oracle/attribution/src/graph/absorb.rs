//! One graph inside another.

use std::collections::BTreeMap;

use super::{Attribute, Builder, Graph, GraphError};

impl Builder {
    /// Appends `other`, which reads this graph's inputs by their names. Everything else of it gets a name that begins
    /// with `prefix`; its outputs are not published. Returns what its values are called here.
    ///
    /// # Errors
    /// [`GraphError::Missing`] for an input that this graph has not, [`GraphError::Refused`] for one of another type or
    /// shape, for an operator with a subgraph, and as [`Builder::node`].
    pub fn absorb(&mut self, other: &Graph, prefix: &str) -> Result<BTreeMap<String, String>, GraphError> {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (name, tensor) in &other.constants {
            names.insert(name.clone(), self.weight(&format!("{prefix}/{name}"), tensor.clone()));
        }
        for input in other.inputs.iter().filter(|input| !other.constants.contains_key(&input.name)) {
            let known = self.known(&input.name)?;
            if known.element != input.element || known.shape != input.shape {
                return Err(GraphError::Refused {
                    node: prefix.to_owned(),
                    op: "model".to_owned(),
                    reason: format!("its input `{}` differs from the other model's: export both alike", input.name),
                });
            }
            names.insert(input.name.clone(), input.name.clone());
        }
        for node in &other.nodes {
            let opaque = node.attributes.values().any(|value| matches!(value, Attribute::Opaque(_)));
            if opaque || !node.domain.is_empty() {
                return Err(GraphError::Refused {
                    node: node.name.clone(),
                    op: node.op.clone(),
                    reason: "operators with subgraphs or of other domains cannot stand beside another model: export \
                             without them"
                        .to_owned(),
                });
            }
            let mut node = node.clone();
            for input in node.inputs.iter_mut().filter(|input| !input.is_empty()) {
                let named = names.get(input).cloned();
                *input = named.ok_or_else(|| GraphError::Missing { value: input.clone() })?;
            }
            for output in node.outputs.iter_mut().filter(|output| !output.is_empty()) {
                let name = self.fresh(&format!("{prefix}/{output}"));
                names.insert(std::mem::replace(output, name.clone()), name);
            }
            node.name = format!("{prefix}/{}", node.name);
            self.push(node)?;
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{Builder, Element, GraphError, Shape, Signature, Tensor};

    fn doubling(input: &str) -> Builder {
        let mut builder = Builder::new("doubling");
        let signature = Signature { name: input.to_owned(), element: Element::F32, shape: Shape::batched(&[3]) };
        let input = builder.input(signature).unwrap();
        let two = builder.constant("two", Tensor::scalar(2.0));
        let twice = builder.node("Mul", "twice", &[&input, &two], vec![]).unwrap();
        builder.output(&twice).unwrap();
        builder
    }

    #[test]
    fn names_are_kept_apart_and_inputs_are_shared() {
        let mut builder = doubling("x");
        let other = doubling("x").finish();
        let names = builder.absorb(&other, "second").unwrap();
        assert_eq!((names["x"].as_str(), names["twice"].as_str()), ("x", "second/twice"));
        let graph = builder.clone().finish();
        assert_eq!((graph.nodes.len(), graph.constants.len(), graph.outputs.len()), (2, 2, 1));
        assert_eq!(graph.nodes[1].inputs, ["x", "second/two"]);
        // Once more is a third one.
        assert_eq!(builder.absorb(&other, "second").unwrap()["twice"], "second/twice.2");
        let strange = doubling("y").finish();
        assert!(matches!(builder.absorb(&strange, "third"), Err(GraphError::Missing { .. })));
    }
}
