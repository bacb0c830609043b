use std::collections::BTreeMap;

use super::{Attribute, Data, Graph, GraphError, Known, Node, Shape, Signature, Tensor, infer};

/// Appends operators to a graph and knows the shape of every value in it.
///
/// Names of new values are derived from a stem and are unique; equal calls make equal graphs.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    graph: Graph,
    known: BTreeMap<String, Known>,
}

impl Builder {
    /// A graph without operators.
    pub fn new(name: &str) -> Self {
        Self { graph: Graph { name: name.to_owned(), ..Graph::default() }, ..Self::default() }
    }

    /// Goes on with a graph whose operators stand in an order in which each finds its inputs made.
    ///
    /// # Errors
    /// [`GraphError`] where a shape or a type does not follow.
    pub fn extend(graph: Graph) -> Result<Self, GraphError> {
        let known = infer::graph(&graph)?;
        Ok(Self { graph, known })
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The finished graph.
    pub fn finish(self) -> Graph {
        self.graph
    }

    /// What is known of a value.
    ///
    /// # Errors
    /// [`GraphError::Missing`].
    pub fn known(&self, value: &str) -> Result<&Known, GraphError> {
        self.known.get(value).ok_or_else(|| GraphError::Missing { value: value.to_owned() })
    }

    /// A value's dimensions.
    ///
    /// # Errors
    /// [`GraphError::Missing`].
    pub fn shape(&self, value: &str) -> Result<&Shape, GraphError> {
        self.known(value).map(|known| &known.shape)
    }

    /// Adds an input.
    ///
    /// # Errors
    /// [`GraphError::Twice`].
    pub fn input(&mut self, signature: Signature) -> Result<String, GraphError> {
        let name = signature.name.clone();
        if self.known.contains_key(&name) {
            return Err(GraphError::Twice { value: name });
        }
        let known = Known { element: signature.element, shape: signature.shape.clone(), value: None };
        self.known.insert(name.clone(), known);
        self.graph.inputs.push(signature);
        Ok(name)
    }

    /// Adds an input that may be left out and is `otherwise` then. Its dimensions are the signature's.
    ///
    /// # Errors
    /// [`GraphError::Twice`].
    pub fn optional_input(&mut self, signature: Signature, otherwise: Tensor) -> Result<String, GraphError> {
        let name = self.input(signature)?;
        self.graph.constants.insert(name.clone(), otherwise);
        Ok(name)
    }

    /// Publishes a value as an output under its own name.
    ///
    /// # Errors
    /// [`GraphError::Missing`].
    pub fn output(&mut self, value: &str) -> Result<(), GraphError> {
        let known = self.known(value)?;
        let (element, shape) = (known.element, known.shape.clone());
        self.graph.outputs.push(Signature { name: value.to_owned(), element, shape });
        Ok(())
    }

    /// Publishes a value as an output called `name`.
    ///
    /// # Errors
    /// [`GraphError::Missing`], [`GraphError::Twice`] if a value has that name already.
    pub fn output_as(&mut self, value: &str, name: &str) -> Result<(), GraphError> {
        self.append("Identity", name, &[value], Vec::new(), vec![name.to_owned()])?;
        self.output(name)
    }

    /// Adds a constant. Equal scalars and integer lists are kept once.
    pub fn constant(&mut self, stem: &str, tensor: Tensor) -> String {
        let small = tensor.len() <= 8;
        if small && let Some((name, _)) = self.graph.constants.iter().find(|(_, other)| **other == tensor) {
            // An input with a default is no constant.
            if self.graph.inputs.iter().all(|input| input.name != *name) {
                return name.clone();
            }
        }
        let name = self.fresh(stem);
        let known =
            Known { element: tensor.element(), shape: Shape::fixed(tensor.dims()), value: Some(tensor.clone()) };
        self.known.insert(name.clone(), known);
        self.graph.constants.insert(name.clone(), tensor);
        name
    }

    /// A number without dimensions.
    pub fn scalar(&mut self, value: f32) -> String {
        self.constant("number", Tensor::scalar(value))
    }

    /// A list of integers.
    pub fn integers(&mut self, values: &[i64]) -> String {
        self.constant("integers", Tensor::integers(values))
    }

    /// An `f32` constant; `None` if the count does not fit the dimensions.
    pub fn floats(&mut self, stem: &str, dims: &[usize], values: Vec<f32>) -> Option<String> {
        Tensor::new(dims.to_vec(), Data::F32(values)).map(|tensor| self.constant(stem, tensor))
    }

    /// Appends an operator with one output and returns its name.
    ///
    /// # Errors
    /// [`GraphError`] if the inputs do not exist or do not fit the operator.
    pub fn node(
        &mut self,
        op: &str,
        stem: &str,
        inputs: &[&str],
        attributes: Vec<(&str, Attribute)>,
    ) -> Result<String, GraphError> {
        let name = self.fresh(stem);
        self.append(op, &name, inputs, attributes, vec![name.clone()])?;
        Ok(name)
    }

    /// Appends an operator with several outputs and returns their names.
    ///
    /// # Errors
    /// As [`Builder::node`].
    pub fn node_of_many(
        &mut self,
        op: &str,
        stem: &str,
        inputs: &[&str],
        attributes: Vec<(&str, Attribute)>,
        outputs: usize,
    ) -> Result<Vec<String>, GraphError> {
        let mut names = Vec::with_capacity(outputs);
        for place in 0..outputs {
            let name = self.fresh(&format!("{stem}.{place}"));
            names.push(name);
        }
        self.append(op, stem, inputs, attributes, names.clone())?;
        Ok(names)
    }

    fn append(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attributes: Vec<(&str, Attribute)>,
        outputs: Vec<String>,
    ) -> Result<(), GraphError> {
        if let Some(value) = outputs.iter().find(|value| self.known.contains_key(*value)) {
            return Err(GraphError::Twice { value: value.clone() });
        }
        let node = Node {
            name: name.to_owned(),
            domain: String::new(),
            op: op.to_owned(),
            inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
            outputs,
            attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        let made = infer::node(&node, &self.known, &self.graph.declared)?;
        for (value, known) in node.outputs.iter().zip(made) {
            if !value.is_empty() {
                self.known.insert(value.clone(), known);
            }
        }
        self.graph.nodes.push(node);
        Ok(())
    }

    /// A name nothing has yet.
    fn fresh(&self, stem: &str) -> String {
        if !self.known.contains_key(stem) {
            return stem.to_owned();
        }
        let mut count = 2usize;
        loop {
            let name = format!("{stem}.{count}");
            if !self.known.contains_key(&name) {
                return name;
            }
            count += 1;
        }
    }
}
