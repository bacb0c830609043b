use std::collections::BTreeMap;

use super::{Element, Shape, Tensor};

/// An operator's setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A number.
    Int(i64),
    /// A real number.
    Float(f32),
    /// A word.
    String(String),
    /// Numbers.
    Ints(Vec<i64>),
    /// Real numbers.
    Floats(Vec<f32>),
    /// Words.
    Strings(Vec<String>),
    /// A constant.
    Tensor(Tensor),
    /// Anything else (subgraphs, sparse tensors), as it stood in the file: carried along, never looked into.
    Opaque(Vec<u8>),
}

/// One operator call.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Node {
    /// Its own name, for people.
    pub name: String,
    /// The operator set's domain; empty for ONNX's own.
    pub domain: String,
    /// The operator.
    pub op: String,
    /// Values it takes; an empty name is an optional input left out.
    pub inputs: Vec<String>,
    /// Values it makes; an empty name is an optional output left out.
    pub outputs: Vec<String>,
    /// Its settings.
    pub attributes: BTreeMap<String, Attribute>,
}

impl Node {
    /// The name of an input, if it is there.
    pub fn input(&self, place: usize) -> Option<&str> {
        self.inputs.get(place).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The name of an output, if it is there.
    pub fn output(&self, place: usize) -> Option<&str> {
        self.outputs.get(place).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// An integer attribute or what stands in its place.
    pub fn int(&self, name: &str, otherwise: i64) -> i64 {
        match self.attributes.get(name) {
            Some(Attribute::Int(value)) => *value,
            _ => otherwise,
        }
    }

    /// A real attribute or what stands in its place.
    pub fn float(&self, name: &str, otherwise: f32) -> f32 {
        match self.attributes.get(name) {
            Some(Attribute::Float(value)) => *value,
            _ => otherwise,
        }
    }

    /// A list of integers, if it is given.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attributes.get(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    /// A word, if it is given.
    pub fn word(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(Attribute::String(value)) => Some(value),
            _ => None,
        }
    }
}

/// A graph's input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// The value.
    pub name: String,
    /// What its numbers are.
    pub element: Element,
    /// Its dimensions.
    pub shape: Shape,
}

/// A model: operators in an order in which each finds its inputs made.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Graph {
    /// The model's name.
    pub name: String,
    /// What a caller gives. An input that is also among `constants` may be left out and has that value then.
    pub inputs: Vec<Signature>,
    /// What a caller gets.
    pub outputs: Vec<Signature>,
    /// Weights and other constants by name.
    pub constants: BTreeMap<String, Tensor>,
    /// The operators.
    pub nodes: Vec<Node>,
    /// Versions of operator sets beside ONNX's own, by domain.
    pub domains: BTreeMap<String, i64>,
    /// What a file said about values whose operator is unknown to us.
    pub declared: BTreeMap<String, Signature>,
}
