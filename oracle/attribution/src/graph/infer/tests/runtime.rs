//! What is inferred, against ONNX Runtime: random graphs of every operator that moves numbers, dimensions and folded
//! values of every value in them.

use ndarray::{ArrayD, IxDyn};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use tributary_runtime::{OnnxRuntime, Session, SessionOptions, Tensor as Given};

use super::*;
use crate::{graph::Known, onnx::encode};

const RECORDS: usize = 3;

/// Runs a graph on three records and compares each value with what is known of it; says what does not hold.
fn differences(mut builder: Builder, runtime: &OnnxRuntime) -> Vec<String> {
    let makers = builder.graph().nodes.clone();
    let inputs = builder.graph().inputs.clone();
    let values: Vec<String> = builder.graph().nodes.iter().flat_map(|node| node.outputs.clone()).collect();
    let mut names = Vec::new();
    for value in values {
        let float = builder.node("Cast", "seen", &[&value], vec![("to", Attribute::Int(1))]).unwrap();
        builder.output(&float).unwrap();
        names.push((value, float));
    }
    let given: Vec<_> = inputs
        .iter()
        .map(|input| {
            let sizes: Vec<usize> = sizes(&input.shape);
            let numbers = (0..sizes.iter().product()).map(|place: usize| ((place * 37 + 11) % 101) as f32 / 50.0 - 1.0);
            (input.name.clone(), ArrayD::from_shape_vec(IxDyn(&sizes), numbers.collect()).unwrap())
        })
        .collect();
    let mut session = match Session::open(runtime, &encode(builder.graph()), &SessionOptions::default()) {
        Ok(session) => session,
        Err(error) => return vec![error.to_string()],
    };
    let given: Vec<_> = given.iter().map(|(name, values)| (name.as_str(), Given::from(values))).collect();
    let outputs: Vec<&str> = names.iter().map(|(_, float)| float.as_str()).collect();
    let found = match session.run(&given, &outputs) {
        Ok(found) => found,
        Err(error) => return vec![error.to_string()],
    };
    let mut differences = Vec::new();
    for ((value, _), found) in names.iter().zip(found) {
        let known = builder.known(value).unwrap();
        let maker = || makers.iter().find(|node| node.outputs.contains(value));
        if sizes(&known.shape) != found.shape() {
            differences.push(format!("{} and not {:?}: {:?}", known.shape, found.shape(), maker()));
        } else if let Some(expected) = numbers(known)
            && !expected.iter().eq(&found)
        {
            differences.push(format!("{expected:?} and not {found}: {:?}", maker()));
        }
    }
    differences
}

fn sizes(shape: &Shape) -> Vec<usize> {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Batch(times) => times * RECORDS,
    };
    shape.0.iter().map(size).collect()
}

fn numbers(known: &Known) -> Option<Vec<f32>> {
    if let Some(sizes) = &known.sizes {
        return Some(sizes.iter().map(|size| (size.fixed + size.batch * RECORDS as i64) as f32).collect());
    }
    match known.value.as_ref()?.data() {
        Data::Bool(values) => Some(values.iter().map(|value| f32::from(u8::from(*value))).collect()),
        _ => Some(known.value.as_ref()?.to_integers()?.into_iter().map(|value| value as f32).collect()),
    }
}

struct Random {
    rng: ChaCha8Rng,
    builder: Builder,
    /// Values of real numbers so far.
    reals: Vec<String>,
    /// Lists of integers so far.
    lists: Vec<String>,
}

impl Random {
    fn new(seed: u64) -> Self {
        let mut builder = Builder::new("random");
        let mut reals = Vec::new();
        for (name, dims) in [("x", &[4usize, 6][..]), ("image", &[2, 7, 9]), ("row", &[6])] {
            let signature = Signature { name: name.into(), element: Element::F32, shape: Shape::batched(dims) };
            reals.push(builder.input(signature).unwrap());
        }
        Self { rng: ChaCha8Rng::seed_from_u64(seed), builder, reals, lists: Vec::new() }
    }

    fn up_to(&mut self, limit: i64) -> i64 {
        self.rng.random_range(0..limit)
    }

    fn ints(&mut self, count: usize, from: i64, to: i64) -> Vec<i64> {
        (0..count).map(|_| self.rng.random_range(from..to)).collect()
    }

    /// One more operator, unless it is refused.
    fn step(&mut self) {
        let value = self.reals.choose(&mut self.rng).unwrap().clone();
        let other = self.reals.choose(&mut self.rng).unwrap().clone();
        let shape = self.builder.shape(&value).unwrap().clone();
        let rank = shape.rank() as i64;
        let axis = self.rng.random_range(-rank - 1..rank + 1);
        let along = |name: &'static str| vec![(name, Attribute::Int(axis))];
        let (op, inputs, attributes): (&str, Vec<String>, Vec<(&str, Attribute)>) = match self.up_to(20) {
            0 => {
                let mut order: Vec<i64> = (0..rank).collect();
                for place in 0..order.len() {
                    let other = self.rng.random_range(0..order.len());
                    order.swap(place, other);
                }
                ("Transpose", vec![value], vec![("perm", Attribute::Ints(order))])
            }
            1 | 2 => {
                let choices = [[0, -1, 2], [-1, 6, 1], [0, 0, -1], [-1, 4, 6], [2, -1, 3], [-1, 2, 3], [0, 2, -1]];
                let target = choices.choose(&mut self.rng).unwrap().as_slice();
                let target = self.builder.integers(target.get(..1 + self.rng.random_range(0..3)).unwrap());
                ("Reshape", vec![value, target], vec![])
            }
            3 => ("Flatten", vec![value], along("axis")),
            4 => ("Unsqueeze", vec![value, self.builder.integers(&[axis])], vec![]),
            5 => ("Squeeze", vec![value, self.builder.integers(&[axis])], vec![]),
            6 | 7 => {
                let (start, end, step) = (self.ints(1, -9, 9), self.ints(1, -9, 9), self.ints(1, -3, 4));
                let lists = [&start, &end, &vec![axis], &step];
                let lists = lists.map(|list| self.builder.integers(list));
                ("Slice", std::iter::once(value).chain(lists).collect(), vec![])
            }
            8 => ("Concat", vec![value.clone(), other, value], along("axis")),
            9 => {
                let index = self.ints(2, -2, 2);
                ("Gather", vec![value, self.builder.integers(&index)], along("axis"))
            }
            10 => {
                let pads = self.ints(2 * shape.rank(), -1, 2);
                ("Pad", vec![value, self.builder.integers(&pads)], vec![])
            }
            11 => {
                let times = self.ints(shape.rank(), 1, 3);
                ("Tile", vec![value, self.builder.integers(&times)], vec![])
            }
            12 => {
                let target = [[1, 1, 6], [4, 1, 1], [1, 4, 6]].choose(&mut self.rng).unwrap().as_slice();
                ("Expand", vec![value, self.builder.integers(target)], vec![])
            }
            13 => {
                let ops = ["ReduceMean", "ReduceMax", "ReduceSum", "ReduceLogSumExp"];
                let keep = self.up_to(2);
                let axes = self.builder.integers(&[axis]);
                (ops.choose(&mut self.rng).unwrap(), vec![value, axes], vec![("keepdims", Attribute::Int(keep))])
            }
            14 => (["ArgMax", "Softmax"].choose(&mut self.rng).unwrap(), vec![value], along("axis")),
            15 => (["Add", "Mul", "Max", "MatMul"].choose(&mut self.rng).unwrap(), vec![value, other], vec![]),
            16 | 17 => return self.window(value, &shape),
            18 => ("Shape", vec![value], vec![]),
            _ => return self.integers(),
        };
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        if let Ok(made) = self.builder.node(op, "v", &inputs, attributes) {
            match (op, self.builder.known(&made).unwrap().element) {
                ("Shape", _) => self.lists.push(made),
                // Of nothing some operators make an error at run time.
                (_, Element::F32) if !self.builder.shape(&made).unwrap().0.contains(&Dim::Fixed(0)) => {
                    self.reals.push(made)
                }
                _ => {}
            }
        }
    }

    fn window(&mut self, value: String, shape: &Shape) {
        let Some(rank) = shape.rank().checked_sub(2).filter(|rank| (1..=3).contains(rank)) else { return };
        let kernel = self.ints(rank, 2, 4);
        // Windows with gaps between them leave nothing to pad for `SAME_UPPER`.
        let strides = kernel.iter().map(|size| self.rng.random_range(1..=*size)).collect();
        let mut attributes =
            vec![("strides", Attribute::Ints(strides)), ("kernel_shape", Attribute::Ints(kernel.clone()))];
        match self.up_to(4) {
            0 => attributes.push(("auto_pad", Attribute::String("SAME_UPPER".into()))),
            1 => attributes.push(("auto_pad", Attribute::String("VALID".into()))),
            _ => attributes.push(("pads", Attribute::Ints(self.ints(2 * rank, 0, 2)))),
        }
        let made = match (self.up_to(4), shape.0.get(1)) {
            (0, Some(Dim::Fixed(channels))) => {
                attributes.push(("dilations", Attribute::Ints(self.ints(rank, 1, 3))));
                let dims: Vec<usize> =
                    [2, *channels].into_iter().chain(kernel.iter().map(|size| *size as usize)).collect();
                let weights = weights(&mut self.builder, &dims);
                self.builder.node("Conv", "v", &[&value, &weights], attributes)
            }
            (1, Some(Dim::Fixed(channels))) => {
                attributes.retain(|(name, _)| *name != "auto_pad");
                let dims: Vec<usize> =
                    [*channels, 2].into_iter().chain(kernel.iter().map(|size| *size as usize)).collect();
                let weights = weights(&mut self.builder, &dims);
                self.builder.node("ConvTranspose", "v", &[&value, &weights], attributes)
            }
            (which, _) => {
                let op = if which % 2 == 0 { "MaxPool" } else { "AveragePool" };
                let ceil = self.up_to(2);
                attributes.push(("ceil_mode", Attribute::Int(ceil)));
                let made = self.builder.node(op, "v", &[&value], attributes);
                if ceil == 1 {
                    // ONNX Runtime computes such a pool's dimensions in two ways that differ; what it makes is compared,
                    // what `Shape` says of it is not.
                    return;
                }
                made
            }
        };
        self.reals.extend(made.ok());
    }

    /// Integers from dimensions, as exporters compute them.
    fn integers(&mut self) {
        let (Some(one), Some(other)) =
            (self.lists.choose(&mut self.rng).cloned(), self.lists.choose(&mut self.rng).cloned())
        else {
            return;
        };
        let (small, index) = (self.ints(1, -3, 5), self.ints(2, -1, 2));
        let (small, index) = (self.builder.integers(&small), self.builder.integers(&index));
        let number = self.rng.random_range(0..9);
        let made = match number {
            0 => self.builder.node("Gather", "i", &[&one, &index], vec![]),
            1 => self.builder.node("Concat", "i", &[&one, &other], vec![("axis", Attribute::Int(0))]),
            2 => self.builder.node("Mul", "i", &[&one, &small], vec![]),
            3 => self.builder.node("Add", "i", &[&one, &small], vec![]),
            4 => self.builder.node("Sub", "i", &[&one, &small], vec![]),
            5 => self.builder.node("Max", "i", &[&one, &small], vec![]),
            6 => {
                let starts = self.builder.integers(&[-1]);
                let ends = self.builder.integers(&[-9]);
                let axis = self.builder.integers(&[0]);
                self.builder.node("Slice", "i", &[&one, &starts, &ends, &axis, &starts], vec![])
            }
            7 => {
                let Ok(is) = self.builder.node("Greater", "b", &[&one, &small], vec![]) else { return };
                self.builder.node("Where", "i", &[&is, &one, &small], vec![])
            }
            _ => self.builder.node("ReduceProd", "i", &[&one], vec![]),
        };
        if let Ok(made) = made
            && self.builder.shape(&made).unwrap().rank() == 1
        {
            self.lists.push(made);
        }
    }
}

#[test]
fn random_graphs_are_as_inferred() {
    let runtime = OnnxRuntime::load(None).unwrap();
    let mut differing = Vec::new();
    for seed in 0..100 {
        let mut random = Random::new(seed);
        for _ in 0..60 {
            random.step();
        }
        differing.extend(differences(random.builder, &runtime));
    }
    assert!(differing.is_empty(), "{differing:#?}");
}
