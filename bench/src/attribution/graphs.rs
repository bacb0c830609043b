//! Models as graphs, trained and differentiated by ONNX Runtime: the engine that releases are made with.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex},
};

use eyre::{ContextCompat, Result, ensure, eyre};
use ndarray::{Array1, Array2, Array4, ArrayD, ArrayView2, Axis, Ix2, Ix4, IxDyn, Slice, concatenate};
use serde_json::{Value, json};
use tributary_attribution::{
    compile::LABEL,
    gradient::{self, Term},
    graph::{Builder, Graph},
    onnx,
    targets::{self, Target},
};
use tributary_factory::{
    model::{Architecture, FEATURES, InputScaling, LOGITS, Model as Untrained},
    train::{Convergence, Descent, Place, Trainer},
};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions, Tensor};

use super::subject::{Factors, Model, Subject};
use crate::attribution::labelled::LabelledRecords;

/// Records in one pass.
const PASS: usize = 256;

/// How a graph is trained.
#[derive(Clone, Copy, Debug)]
pub(super) enum Training {
    /// Attribution-ready: L-BFGS to the minimum of an objective with a fixed denominator.
    Ready(Convergence),
    /// Stochastic gradient descent; the seed of the start is also that of the batches.
    Usual(Descent),
}

/// An architecture and how it is trained.
pub(super) struct Graphs {
    architecture: Architecture,
    training: Training,
    width: usize,
    classes: usize,
    scaling: InputScaling,
    workers: Arc<Workers>,
}

/// Sessions that wait for the next training.
struct Workers {
    runtime: OnnxRuntime,
    model: Untrained,
    idle: Mutex<Vec<Worker>>,
}

/// Sessions in which parameters are inputs: one to train, one to differentiate margins record by record.
struct Worker {
    trainer: Trainer,
    differentiating: Session,
    /// Names of gradients `[batch, numbers]`, in the layout's order.
    gradients: Vec<String>,
    /// Names of activations and errors of the parameters whose gradient is one product.
    factors: Vec<(Option<String>, String)>,
}

impl Graphs {
    pub(super) fn new(
        runtime: OnnxRuntime,
        architecture: Architecture,
        training: Training,
        (width, classes, scaling): (usize, usize, InputScaling),
    ) -> Result<Self> {
        let model = architecture.model(width, classes, scaling, 0)?;
        let workers = Arc::new(Workers { runtime, model, idle: Mutex::new(Vec::new()) });
        Ok(Self { architecture, training, width, classes, scaling, workers })
    }
}

impl fmt::Debug for Graphs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {:?}", self.architecture, self.training, self.scaling)
    }
}

impl Subject for Graphs {
    fn recipe(&self) -> String {
        format!("{self:?}")
    }

    fn description(&self) -> Value {
        let InputScaling { shift, scale } = self.scaling;
        let weight_decay = match self.training {
            Training::Ready(recipe) => recipe.weight_decay,
            Training::Usual(recipe) => recipe.weight_decay,
        };
        json!({
            "architecture": self.architecture,
            "scaling": { "shift": shift, "scale": scale },
            "weight_decay": weight_decay,
            "classes": self.classes,
        })
    }

    fn runtime(&self) -> &OnnxRuntime {
        &self.workers.runtime
    }

    fn damping(&self, records: usize) -> f64 {
        match self.training {
            // Half the data has half the curvature under the fixed denominator.
            Training::Ready(recipe) => 2.0 * recipe.weight_decay,
            // The mean is over the half itself.
            Training::Usual(recipe) => recipe.pull(records / 2, recipe.steps(records / 2)),
        }
    }

    fn train(&self, records: &LabelledRecords, denominator: usize, seed: u64) -> Result<Box<dyn Model>> {
        let seeded = self.architecture.model(self.width, self.classes, self.scaling, seed)?;
        let records = records.to_records()?;
        let parameters = self.workers.with(|worker| {
            let trainer = &mut worker.trainer;
            let start = trainer.layout().read(&seeded.graph)?;
            Ok(match self.training {
                Training::Ready(recipe) => trainer.converge(&records, denominator, &recipe, &start, |_| ())?.parameters,
                Training::Usual(recipe) => trainer.descend(&records, &recipe, seed, &start, |_| ())?.parameters,
            })
        })?;
        Ok(Box::new(Trained { workers: Arc::clone(&self.workers), parameters }))
    }
}

impl Workers {
    /// Lends a worker; opens one where none is idle.
    fn with<R>(&self, work: impl FnOnce(&mut Worker) -> Result<R>) -> Result<R> {
        let poisoned = || eyre!("a thread panicked");
        let idle = self.idle.lock().map_err(|_| poisoned())?.pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => Worker::open(&self.runtime, &self.model)?,
        };
        let result = work(&mut worker);
        self.idle.lock().map_err(|_| poisoned())?.push(worker);
        result
    }
}

impl Worker {
    fn open(runtime: &OnnxRuntime, model: &Untrained) -> Result<Self> {
        let options = SessionOptions::default();
        let trainer = Trainer::new(runtime, model, Target::Margin, &options)?;
        let freed = gradient::free(model.graph.clone(), &model.parameters)?;
        let mut builder = Builder::extend(Graph { outputs: Vec::new(), ..freed })?;
        let label = targets::labels(&mut builder, Target::Margin, LOGITS, LABEL)?;
        let seed = targets::serve(&mut builder, Target::Margin, LOGITS, Some(&label))?;
        let found = gradient::reverse(&mut builder, &[(&seed.output, &seed.cotangent)], &model.parameters)?;
        let (mut gradients, mut factors) = (Vec::new(), Vec::new());
        for gradient in &found {
            let flat = gradient::per_record(&mut builder, gradient)?;
            factors.push(match gradient.terms.as_slice() {
                [Term::Outer { activation, error, .. }] => {
                    (Some(activation.value(&mut builder)?), error.value(&mut builder)?)
                }
                _ => (None, flat.clone()),
            });
            gradients.push(flat);
        }
        let names = factors.iter().flat_map(|(activation, error)| activation.iter().chain([error]));
        let mut outputs: Vec<&String> = names.chain(&gradients).collect();
        outputs.sort();
        outputs.dedup();
        for output in outputs {
            builder.output(output)?;
        }
        let differentiating = Session::open(runtime, &onnx::encode(&builder.finish()), &options)?;
        Ok(Self { trainer, differentiating, gradients, factors })
    }

    /// The parameters by name.
    fn tensors(&self, parameters: &Array1<f64>) -> Result<Vec<(String, ArrayD<f32>)>> {
        let tensor = |place: &Place| {
            let values = parameters.slice_axis(Axis(0), Slice::from(place.range.clone())).mapv(|value| value as f32);
            Ok((place.name.clone(), ArrayD::from_shape_vec(IxDyn(&place.dims), values.to_vec())?))
        };
        self.trainer.layout().places().iter().map(tensor).collect()
    }

    /// Outputs at records with classes, each `[n, …]`.
    fn differentiate(
        &mut self,
        parameters: &Array1<f64>,
        features: ArrayView2<'_, f64>,
        classes: &[usize],
        outputs: &[&str],
    ) -> Result<Vec<ArrayD<f32>>> {
        ensure!(!classes.is_empty(), "there is nothing to differentiate");
        let weights = self.tensors(parameters)?;
        let mut parts: Vec<Vec<ArrayD<f32>>> = vec![Vec::new(); outputs.len()];
        for from in (0..classes.len()).step_by(PASS) {
            let rows = Slice::from(from..classes.len().min(from + PASS));
            let features = features.slice_axis(Axis(0), rows).mapv(|value| value as f32);
            let labels: Array1<i64> = classes.iter().skip(from).take(PASS).map(|class| *class as i64).collect();
            let given = weights.iter().map(|(name, array)| (name.as_str(), Tensor::from(array)));
            let inputs: Vec<(&str, Tensor<'_>)> =
                given.chain([(FEATURES, features.into()), (LABEL, labels.into())]).collect();
            let found = self.differentiating.run(&inputs, outputs)?;
            parts.iter_mut().zip(found).for_each(|(parts, found)| parts.push(found));
        }
        let join = |parts: &Vec<ArrayD<f32>>| {
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            Ok(concatenate(Axis(0), &views)?)
        };
        parts.iter().map(join).collect()
    }
}

/// Trained parameters.
struct Trained {
    workers: Arc<Workers>,
    parameters: Array1<f64>,
}

impl Model for Trained {
    fn graph(&self) -> Result<Graph> {
        self.workers.with(|worker| Ok(worker.trainer.graph(&self.parameters)?))
    }

    fn parameters(&self) -> usize {
        self.parameters.len()
    }

    fn tensors(&self) -> Result<Vec<(String, ArrayD<f32>)>> {
        self.workers.with(|worker| worker.tensors(&self.parameters))
    }

    fn logits(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let records = LabelledRecords::new(features.to_owned(), vec![0; features.nrows()])?;
        let records = records.to_records()?;
        let logits = self.workers.with(|worker| Ok(worker.trainer.evaluate(&self.parameters, &records, LOGITS)?))?;
        Ok(logits.into_dimensionality::<Ix2>()?.mapv(f64::from))
    }

    fn margin_gradients(&self, features: ArrayView2<'_, f64>, classes: &[usize]) -> Result<Array2<f64>> {
        self.workers.with(|worker| {
            let outputs = worker.gradients.clone();
            let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
            let parts = worker.differentiate(&self.parameters, features, classes, &outputs)?;
            let parts = parts.into_iter().map(|part| Ok(part.into_dimensionality::<Ix2>()?.mapv(f64::from)));
            let parts = parts.collect::<Result<Vec<_>>>()?;
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            Ok(concatenate(Axis(1), &views)?)
        })
    }

    fn factors(&self, features: ArrayView2<'_, f64>, classes: &[usize]) -> Result<Vec<Factors>> {
        self.workers.with(|worker| {
            let names = worker.factors.clone();
            let outputs: Vec<&str> = names
                .iter()
                .flat_map(|(activation, error)| activation.iter().chain([error]))
                .map(String::as_str)
                .collect();
            let mut found = worker.differentiate(&self.parameters, features, classes, &outputs)?.into_iter();
            let mut next = || found.next().wrap_err("an output is missing");
            names
                .iter()
                .map(|(activation, _)| {
                    let activation = match activation {
                        Some(_) => next()?.into_dimensionality::<Ix4>()?,
                        // A parameter that is no matrix is a layer whose one input is always 1.
                        None => Array4::ones((classes.len(), 1, 1, 1)),
                    };
                    let error = next()?;
                    let error = match error.ndim() {
                        2 => error.insert_axis(Axis(1)).insert_axis(Axis(1)),
                        _ => error,
                    };
                    Ok(Factors { activation, error: error.into_dimensionality::<Ix4>()? })
                })
                .collect()
        })
    }

    fn last_layer(&self) -> Result<Range<usize>> {
        self.workers.with(|worker| {
            let places = worker.trainer.layout().places();
            // Weights and biases of the last dense layer come last.
            let first = places.len().checked_sub(2).and_then(|first| places.get(first));
            Ok(first.map_or(0, |place| place.range.start)..worker.trainer.layout().len())
        })
    }
}
