use std::collections::BTreeMap;

use super::{
    Attribute, Data, Graph, GraphError, Known, Node, Shape, Signature, Tensor,
    infer::{self, Values},
};

/// Integer lists up to this long are kept once.
const SHARED_LENGTH: usize = 16;

/// Appends operators to a graph and knows the shape of every value in it.
///
/// Names of new values are derived from a stem and are unique; equal calls make equal graphs.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    graph: Graph,
    /// Every name there is, and what is known of the value.
    known: Values,
    /// Constants that stand for each other: numbers and integer lists made here, never weights.
    shared: BTreeMap<ConstantKey, String>,
    /// The next number to try after a stem.
    numbers: BTreeMap<String, usize>,
}

/// Type, dimensions and bits of a small constant.
type ConstantKey = (u8, Vec<usize>, Vec<i64>);

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
        Ok(Self { graph, known, ..Self::default() })
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
    /// [`GraphError::Missing`], [`GraphError::Unknown`] if the operator that makes it is one whose results cannot be told.
    pub fn known(&self, value: &str) -> Result<&Known, GraphError> {
        match self.known.get(value) {
            Some(Some(known)) => Ok(known),
            Some(None) => Err(infer::untold(&self.graph, value)),
            None => Err(GraphError::Missing { value: value.to_owned() }),
        }
    }

    /// What is known of a value, if anything is.
    pub(crate) fn told(&self, value: &str) -> Option<&Known> {
        self.known.get(value)?.as_ref()
    }

    /// Whether somebody makes the value and nothing is known of it.
    pub(crate) fn is_untold(&self, value: &str) -> bool {
        matches!(self.known.get(value), Some(None))
    }

    /// A value's dimensions.
    ///
    /// # Errors
    /// As [`Builder::known`].
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
        self.known.insert(name.clone(), Some(Known::of(signature.element, signature.shape.clone())));
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
    /// As [`Builder::known`].
    pub fn output(&mut self, value: &str) -> Result<(), GraphError> {
        let known = self.known(value)?;
        let (element, shape) = (known.element, known.shape.clone());
        self.graph.outputs.push(Signature { name: value.to_owned(), element, shape });
        Ok(())
    }

    /// Publishes a value as an output called `name`.
    ///
    /// # Errors
    /// As [`Builder::known`]; [`GraphError::Twice`] if a value has that name already.
    pub fn output_as(&mut self, value: &str, name: &str) -> Result<(), GraphError> {
        self.append("Identity", name, &[value], Vec::new(), vec![name.to_owned()])?;
        self.output(name)
    }

    /// Adds a constant. Equal short lists of integers are kept once; weights never are, for each may be trained.
    pub fn constant(&mut self, stem: &str, tensor: Tensor) -> String {
        match integers_key(&tensor) {
            Some(key) => self.share(key, stem, tensor),
            None => self.keep(stem, tensor),
        }
    }

    /// A number without dimensions. Equal ones are kept once.
    pub fn scalar(&mut self, value: f32) -> String {
        self.share((0, Vec::new(), vec![i64::from(value.to_bits())]), "number", Tensor::scalar(value))
    }

    /// A list of integers.
    pub fn integers(&mut self, values: &[i64]) -> String {
        self.constant("integers", Tensor::integers(values))
    }

    fn share(&mut self, key: ConstantKey, stem: &str, tensor: Tensor) -> String {
        if let Some(name) = self.shared.get(&key) {
            return name.clone();
        }
        let name = self.keep(stem, tensor);
        self.shared.insert(key, name.clone());
        name
    }

    /// Adds a constant that stands for itself alone.
    pub(super) fn weight(&mut self, stem: &str, tensor: Tensor) -> String {
        self.keep(stem, tensor)
    }

    fn keep(&mut self, stem: &str, tensor: Tensor) -> String {
        let name = self.fresh(stem);
        self.known.insert(name.clone(), Some(Known::constant(&tensor)));
        self.graph.constants.insert(name.clone(), tensor);
        name
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
        self.push(Node {
            name: name.to_owned(),
            domain: String::new(),
            op: op.to_owned(),
            inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
            outputs,
            attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        })
    }

    pub(super) fn push(&mut self, node: Node) -> Result<(), GraphError> {
        if let Some(value) = node.outputs.iter().find(|value| self.known.contains_key(*value)) {
            return Err(GraphError::Twice { value: value.clone() });
        }
        let made = infer::node(&node, &self.known, &self.graph.declared)?;
        self.known.extend(made);
        self.graph.nodes.push(node);
        Ok(())
    }

    /// A name nothing has yet.
    pub(super) fn fresh(&mut self, stem: &str) -> String {
        if !self.known.contains_key(stem) {
            return stem.to_owned();
        }
        let number = self.numbers.entry(stem.to_owned()).or_insert(2);
        loop {
            let name = format!("{stem}.{number}");
            *number += 1;
            if !self.known.contains_key(&name) {
                return name;
            }
        }
    }
}

/// What makes two integer constants the same; none for longer ones and for real numbers.
fn integers_key(tensor: &Tensor) -> Option<ConstantKey> {
    let (kind, bits) = match tensor.data() {
        Data::I64(values) if values.len() <= SHARED_LENGTH => (1, values.clone()),
        Data::I32(values) if values.len() <= SHARED_LENGTH => (2, values.iter().map(|value| (*value).into()).collect()),
        Data::Bool(values) if values.len() <= SHARED_LENGTH => {
            (3, values.iter().map(|value| (*value).into()).collect())
        }
        _ => return None,
    };
    Some((kind, tensor.dims().to_vec(), bits))
}
