//! Gradients of rewritten graphs, in `f64` by the reference and in ONNX Runtime, against central differences.

use std::collections::BTreeMap;

use ndarray::{ArrayD, Axis, IxDyn};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    gradient::{free, per_record, reverse, summed},
    graph::{Attribute, Builder, Element, Graph, Shape, Signature},
    onnx,
    reference::{Value, evaluate},
};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions, Tensor};

/// Records in each check.
pub(crate) const BATCH: usize = 3;
/// Half the distance of a central difference.
const STEP: f64 = 1e-5;
/// Coordinates of a parameter that are checked, at most.
const COORDINATES: usize = 48;
/// Relative to the parameter's largest gradient, what `f64` may be off by: constants are `f32` all the same.
const EXACT: f64 = 2e-6;
/// Relative to the parameter's largest gradient, what ONNX Runtime's `f32` may be off by.
const CLOSE: f64 = 1e-4;

/// A model under construction, with random weights and inputs.
pub(crate) struct Case {
    pub(crate) builder: Builder,
    pub(crate) random: ChaCha8Rng,
    pub(crate) inputs: BTreeMap<String, Value>,
    pub(crate) parameters: Vec<String>,
}

/// What a check has shown.
pub(crate) struct Checked {
    pub(crate) extended: Graph,
    /// The largest relative errors of the reference and of ONNX Runtime.
    pub(crate) worst: (f64, f64),
}

impl Case {
    pub(crate) fn new(seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { builder: Builder::new("case"), random, inputs: BTreeMap::new(), parameters: Vec::new() }
    }

    /// Numbers that `f32` holds exactly, of magnitude 0.1 to 1, so that none lies at a kink.
    fn numbers(&mut self, count: usize) -> Vec<f32> {
        let number = |random: &mut ChaCha8Rng| {
            let size = random.random_range(0.1..1.0f32);
            if random.random() { size } else { -size }
        };
        (0..count).map(|_| number(&mut self.random)).collect()
    }

    /// An input `f32 [batch, dims…]`.
    pub(crate) fn input(&mut self, name: &str, dims: &[usize]) -> String {
        let whole = [&[BATCH], dims].concat();
        let numbers = self.numbers(whole.iter().product()).into_iter().map(f64::from).collect();
        let array = ArrayD::from_shape_vec(IxDyn(&whole), numbers).unwrap();
        self.inputs.insert(name.to_owned(), Value::F64(array));
        let shape = Shape::batched(dims);
        self.builder.input(Signature { name: name.to_owned(), element: Element::F32, shape }).unwrap()
    }

    /// An input `i64 [batch, dims…]` of numbers below a limit.
    pub(crate) fn indices(&mut self, name: &str, dims: &[usize], below: i64) -> String {
        let whole = [&[BATCH], dims].concat();
        let array = ArrayD::from_shape_simple_fn(IxDyn(&whole), || self.random.random_range(0..below));
        self.inputs.insert(name.to_owned(), Value::I64(array));
        let shape = Shape::batched(dims);
        self.builder.input(Signature { name: name.to_owned(), element: Element::I64, shape }).unwrap()
    }

    /// A weight whose gradient is checked.
    pub(crate) fn weight(&mut self, dims: &[usize]) -> String {
        let name = self.constant(dims);
        self.parameters.push(name.clone());
        name
    }

    /// A positive weight whose gradient is checked.
    pub(crate) fn positive_weight(&mut self, dims: &[usize]) -> String {
        let numbers = self.numbers(dims.iter().product()).into_iter().map(f32::abs).collect();
        let name = self.builder.floats("weight", dims, numbers).unwrap();
        self.parameters.push(name.clone());
        name
    }

    /// Random numbers that are no parameter.
    pub(crate) fn constant(&mut self, dims: &[usize]) -> String {
        let numbers = self.numbers(dims.iter().product());
        self.builder.floats("weight", dims, numbers).unwrap()
    }

    pub(crate) fn op(&mut self, op: &str, inputs: &[&str]) -> String {
        self.with(op, inputs, vec![])
    }

    pub(crate) fn with(&mut self, op: &str, inputs: &[&str], attributes: Vec<(&str, Attribute)>) -> String {
        self.builder.node(op, &op.to_lowercase(), inputs, attributes).unwrap()
    }

    pub(crate) fn many(&mut self, op: &str, inputs: &[&str], axis: i64, outputs: usize) -> Vec<String> {
        let attributes = vec![("axis", Attribute::Int(axis))];
        let stem = format!("{}{}", op.to_lowercase(), self.builder.graph().nodes.len());
        self.builder.node_of_many(op, &stem, inputs, attributes, outputs).unwrap()
    }

    pub(crate) fn integers(&mut self, values: &[i64]) -> String {
        self.builder.integers(values)
    }

    /// Reshapes to `[batch, dims…]`.
    pub(crate) fn reshape(&mut self, value: &str, dims: &[i64]) -> String {
        let dims = self.integers(&[&[-1], dims].concat());
        self.op("Reshape", &[value, &dims])
    }

    pub(crate) fn transpose(&mut self, value: &str, order: &[i64]) -> String {
        self.with("Transpose", &[value], vec![("perm", Attribute::Ints(order.to_vec()))])
    }

    /// A dense layer with checked weights on the last axis.
    pub(crate) fn dense(&mut self, value: &str, inputs: usize, outputs: usize) -> String {
        let (weight, bias) = (self.weight(&[inputs, outputs]), self.weight(&[outputs]));
        let product = self.op("MatMul", &[value, &weight]);
        self.op("Add", &[&product, &bias])
    }

    /// Layer normalisation of the last axis with checked scale and bias.
    pub(crate) fn normal(&mut self, value: &str, width: usize) -> String {
        let (scale, bias) = (self.weight(&[width]), self.weight(&[width]));
        self.op("LayerNormalization", &[value, &scale, &bias])
    }

    /// Checks the gradient of a random combination of each record's outputs `[batch, …]`.
    pub(crate) fn check(mut self, output: &str) -> Checked {
        let shape = self.builder.shape(output).unwrap().clone();
        assert_eq!(shape.batch_axis(), Some(0), "{shape}");
        let direction: Vec<usize> = shape.0[1..].iter().map(|dim| dim.to_string().parse().unwrap()).collect();
        let direction = self.input("direction", &direction);
        let directions = self.inputs["direction"].floats().unwrap().clone();
        self.check_seed(output, &direction, |outputs| outputs * &directions)
    }

    /// Checks the gradient that a cotangent of `output` gives: that of each record's sum of what `target` makes of it.
    pub(crate) fn check_seed(
        mut self,
        output: &str,
        cotangent: &str,
        target: impl Fn(&ArrayD<f64>) -> ArrayD<f64>,
    ) -> Checked {
        self.builder.output(output).unwrap();
        let graph = self.builder.finish();
        for parameter in &self.parameters {
            let value = Value::from(&graph.constants[parameter]);
            self.inputs.insert(parameter.clone(), value);
        }
        let graph = free(graph, &self.parameters).unwrap();
        let value = |inputs: &BTreeMap<String, Value>| -> Vec<f64> {
            let outputs = evaluate(&graph, inputs).unwrap();
            let values = target(outputs[output].floats().unwrap());
            values.outer_iter().map(|record| record.sum()).collect()
        };

        let mut builder = Builder::extend(graph.clone()).unwrap();
        let gradients = reverse(&mut builder, &[(output, cotangent)], &self.parameters).unwrap();
        let mut names = vec![output.to_owned()];
        for gradient in &gradients {
            for made in [per_record(&mut builder, gradient).unwrap(), summed(&mut builder, gradient).unwrap()] {
                let name = format!("out{}", names.len());
                builder.output_as(&made, &name).unwrap();
                names.push(name);
            }
        }
        let extended = builder.finish();
        let exact = evaluate(&extended, &self.inputs).unwrap();
        let close = run(&extended, &self.inputs, &names);
        let error = |found: &ArrayD<f64>, expected: &ArrayD<f64>, largest: f64| {
            assert_eq!(found.shape(), expected.shape());
            (found - expected).iter().fold(0.0f64, |worst, off| worst.max(off.abs())) / largest
        };
        let expected = exact[output].floats().unwrap();
        let largest = expected.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
        assert!(error(&close[0], expected, largest) <= CLOSE, "ONNX Runtime and the reference differ");

        let mut worst = (0.0f64, 0.0f64);
        for (place, parameter) in self.parameters.iter().enumerate() {
            let numbers = self.inputs[parameter].dims().iter().product::<usize>();
            assert_eq!(gradients[place].len(), numbers);
            let mut coordinates: Vec<usize> = (0..numbers).collect();
            while coordinates.len() > COORDINATES {
                let left_out = self.random.random_range(0..coordinates.len());
                coordinates.swap_remove(left_out);
            }
            let moved = |coordinate: usize, step: f64| {
                let mut inputs = self.inputs.clone();
                let Some(Value::F64(array)) = inputs.get_mut(parameter) else { panic!("{parameter} is real") };
                array.as_slice_mut().unwrap()[coordinate] += step;
                value(&inputs)
            };
            let mut truth = ArrayD::zeros(IxDyn(&[BATCH, coordinates.len()]));
            for (column, coordinate) in coordinates.iter().enumerate() {
                let (up, down) = (moved(*coordinate, STEP), moved(*coordinate, -STEP));
                for record in 0..BATCH {
                    truth[[record, column]] = (up[record] - down[record]) / (2.0 * STEP);
                }
            }
            let largest = truth.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
            let total = truth.sum_axis(Axis(0));
            let name = |place: usize| &exact[&names[place]];
            let (each, sum) = (1 + 2 * place, 2 + 2 * place);
            let chosen = |array: &ArrayD<f64>, axis: usize| array.select(Axis(axis), &coordinates);
            let flat = |array: &ArrayD<f64>| array.to_shape(IxDyn(&[numbers])).unwrap().into_owned();
            assert_eq!(name(sum).dims(), self.inputs[parameter].dims());
            let off = |each: &ArrayD<f64>, sum: &ArrayD<f64>| {
                error(&chosen(each, 1), &truth, largest).max(error(&chosen(&flat(sum), 0), &total, largest))
            };
            let exact = off(name(each).floats().unwrap(), name(sum).floats().unwrap());
            let close = off(&close[each], &close[sum]);
            assert!(exact <= EXACT, "{parameter}: the reference is off by {exact:e}");
            assert!(close <= CLOSE, "{parameter}: ONNX Runtime is off by {close:e}");
            worst = (worst.0.max(exact), worst.1.max(close));
        }
        Checked { extended, worst }
    }
}

/// A graph's outputs in ONNX Runtime.
pub(crate) fn run(graph: &Graph, inputs: &BTreeMap<String, Value>, names: &[String]) -> Vec<ArrayD<f64>> {
    let runtime = OnnxRuntime::load(None).unwrap();
    let mut session = Session::open(&runtime, &onnx::encode(graph), &SessionOptions::default()).unwrap();
    let given: Vec<(&str, Tensor<'_>)> = inputs
        .iter()
        .map(|(name, value)| {
            let tensor = match value {
                Value::F64(array) => Tensor::from(array.mapv(|value| value as f32)),
                Value::I64(array) => Tensor::from(array.clone()),
                Value::Bool(_) => panic!("no input is of truth values"),
            };
            (name.as_str(), tensor)
        })
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let outputs = session.run(&given, &names).unwrap();
    outputs.into_iter().map(|output| output.mapv(f64::from)).collect()
}
