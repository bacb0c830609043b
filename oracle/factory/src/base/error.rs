use tributary_attribution::graph::{Element, Shape};

/// Why training cannot start from a model as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseError {
    /// A model that answers no real numbers.
    #[error("the model has no f32 output: export it with its logits as one")]
    NoOutput,
    /// A model that reads more than one input, or none.
    #[error(
        "the model must be given {} inputs ({}): training starts from a model of one f32 input; export it so",
        found.len(),
        found.join(", ")
    )]
    Inputs {
        /// Those that must be given.
        found: Vec<String>,
    },
    /// An input that no row of features fills.
    #[error(
        "the model's input `{input}` is {element} {shape}, a record has {width} features: take records that fill one f32 row of it, or export the model with such an input"
    )]
    Input {
        /// The input.
        input: String,
        /// What its numbers are.
        element: Element,
        /// Its dimensions.
        shape: Shape,
        /// Features a record.
        width: usize,
    },
    /// An operator that holds operators of its own.
    #[error("node `{node}` ({op}) holds a graph of its own, which cannot be looked into: export the model without it")]
    Subgraph {
        /// The operator's name.
        node: String,
        /// The operator.
        op: String,
    },
    /// No layer that another could take the place of.
    #[error(
        "the model's output {shape} does not come from a dense layer that could be replaced: export it with a last MatMul or Gemm of one row a record and constant weights, or ask for the outputs it has and train all of it or adapters"
    )]
    NoHead {
        /// The output's dimensions.
        shape: Shape,
    },
    /// A name that is no layer's.
    #[error("`{name}` is no MatMul or Gemm with constant weights, so no adapter fits: name some of {}", known.join(", "))]
    NoLayer {
        /// What was asked for.
        name: String,
        /// The weights of the layers that adapters fit.
        known: Vec<String>,
    },
    /// No layer for which adapters of this rank are the smaller choice.
    #[error(
        "no layer before the last has more than {rank} inputs and outputs: lower the rank, name layers, or train all of the model"
    )]
    NothingToAdapt {
        /// The rank.
        rank: usize,
    },
    /// Cached values that memory should not be filled with.
    #[error(
        "{records} records of {numbers} cached numbers are more than the {limit} that are kept in memory: train without the cache"
    )]
    TooLarge {
        /// Records.
        records: usize,
        /// Numbers a record.
        numbers: usize,
        /// The most.
        limit: usize,
    },
}
