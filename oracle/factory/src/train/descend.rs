//! Mini-batch training: shuffled batches, an optimiser inside the graph, validation, early stopping.

use ndarray::{Array1, ArrayView1};
use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};
use tributary_attribution::{Records, compile::LABEL};
use tributary_runtime::{Recurrence, StatePart, Tensor};

use super::{
    Optimiser, Schedule, Trainer,
    optimiser::ADAMW,
    pass::{LOSS, SCALE, StepPass, step_pass},
    schedule::Decay,
    state::{DescentState, Kept},
    trainer::single,
    validation::{Validated, Validator},
};
use crate::FactoryError;

/// How to descend.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Descent {
    /// How a gradient becomes a step.
    pub optimiser: Optimiser,
    /// The rate of every step.
    pub schedule: Schedule,
    /// Weight decay wd, as the [`Optimiser`] takes it.
    pub weight_decay: f64,
    /// The longest mean gradient of a batch; longer ones are shortened to it.
    pub clip: Option<f64>,
    /// Passes over the records.
    pub epochs: usize,
    /// Records a step.
    pub batch: usize,
    /// Training ends after so many epochs in a row without a lower loss on the validation records, and the parameters of
    /// the lowest are taken.
    pub patience: Option<usize>,
    /// Points kept on the way, evenly spaced in epochs, the last of them the end.
    pub checkpoints: usize,
}

impl Default for Descent {
    fn default() -> Self {
        Self {
            optimiser: ADAMW,
            schedule: Schedule { rate: 3e-3, warmup: 0, decay: Decay::Cosine },
            weight_decay: 1e-2,
            clip: None,
            epochs: 60,
            batch: 32,
            patience: None,
            checkpoints: 0,
        }
    }
}

/// A model after its last epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Descended {
    /// The parameters, each a number of `f32`: those of the lowest validation loss where there was validation with
    /// patience, else the last.
    pub parameters: Array1<f64>,
    /// The points kept on the way.
    pub checkpoints: Vec<Checkpoint>,
    /// Every epoch.
    pub epochs: Vec<Epoch>,
    /// Steps taken.
    pub steps: usize,
    /// Of these, the steps to the parameters.
    pub served: usize,
}

/// The model on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Epochs done.
    pub epoch: usize,
    /// Mean loss of the epoch's batches, each before its step, without decay.
    pub loss: f64,
    /// The parameters, each a number of `f32`.
    pub parameters: Array1<f64>,
}

/// What is known of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Which one, from 1.
    pub epoch: usize,
    /// Rate of its last step.
    pub rate: f64,
    /// Mean loss of its batches, each before its step, without decay.
    pub loss: f64,
    /// How the model did on the validation records afterwards.
    pub validation: Option<Validated>,
}

/// One step of a descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stepped {
    /// Which step, from 1.
    pub step: usize,
    /// Steps to come if nothing stops training early, and those taken.
    pub steps: usize,
    /// Mean loss of its batch, before it.
    pub loss: f64,
    /// The epoch it was the last step of.
    pub epoch: Option<Epoch>,
}

/// More passes than this are a slip.
const MOST_EPOCHS: usize = 1_000_000;

impl Descent {
    /// AdamW as it is usually taken, gradients no longer than 1.
    #[must_use]
    pub fn adamw() -> Self {
        Self { clip: Some(1.0), ..Self::default() }
    }

    /// Stochastic gradient descent with momentum, as small networks are usually trained.
    #[must_use]
    pub fn momentum() -> Self {
        Self {
            optimiser: Optimiser::Sgd { momentum: 0.9 },
            schedule: Schedule { rate: 0.05, warmup: 0, decay: Decay::Linear },
            weight_decay: 5e-4,
            ..Self::default()
        }
    }

    /// That the recipe can be followed.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`].
    pub fn check(&self) -> Result<(), FactoryError> {
        let refuse = |what, found: String, instead| Err(FactoryError::Recipe { what, found, instead });
        self.schedule.check()?;
        self.optimiser.check()?;
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return refuse("weight decay", self.weight_decay.to_string(), "give 0 or a small positive number");
        }
        if let Some(clip) = self.clip.filter(|clip| !(clip.is_finite() && *clip > 0.0)) {
            return refuse("clip", clip.to_string(), "give a positive number such as 1, or leave it out");
        }
        if self.epochs == 0 || self.batch == 0 || self.epochs > MOST_EPOCHS {
            let found = format!("{} epochs of batches of {}", self.epochs, self.batch);
            return refuse("length", found, "give at least one of each, and at most a million epochs");
        }
        if self.checkpoints > self.epochs {
            return refuse("number of checkpoints", self.checkpoints.to_string(), "keep at most one an epoch");
        }
        if self.patience == Some(0) {
            return refuse("patience", "0".to_owned(), "give at least one epoch, or leave it out");
        }
        Ok(())
    }

    /// Steps over so many records.
    #[must_use]
    pub fn steps(&self, records: usize) -> usize {
        self.epochs.saturating_mul(records.div_ceil(self.batch.max(1)))
    }

    /// The order in which an epoch, from 0, takes so many records: its own stream of the seed, so that no order depends on
    /// the ones before.
    #[must_use]
    pub fn order(seed: u64, epoch: usize, records: usize) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(epoch as u64);
        let mut order: Vec<usize> = (0..records).collect();
        order.shuffle(&mut rng);
        order
    }

    /// What stopping after `taken` steps pulls back like weight decay: the decay, and one over the sum of the steps'
    /// lengths (Goodfellow et al., 2016, §7.8), which momentum makes longer. Of AdamW, whose steps know no curvature, the
    /// decay alone.
    #[must_use]
    pub fn pull(&self, records: usize, taken: usize) -> f64 {
        match self.optimiser {
            Optimiser::Sgd { momentum } => {
                let lengths = self.schedule.total(taken, self.steps(records));
                self.weight_decay + (1.0 - momentum) / lengths.max(f64::MIN_POSITIVE)
            }
            Optimiser::AdamW { .. } => self.weight_decay,
        }
    }

    /// Whether a point is kept after this many epochs.
    fn keeps(&self, epoch: usize) -> bool {
        let due = |epochs: usize| epochs.saturating_mul(self.checkpoints) / self.epochs.max(1);
        due(epoch) > due(epoch.saturating_sub(1))
    }
}

/// A descent that goes on step by step. What it does next depends on its recipe, its records and its
/// [`state`](Self::state) alone, so that one that was stopped goes on from its state as if it had not been.
#[derive(Debug)]
pub struct Descending<'a> {
    recipe: &'a Descent,
    seed: u64,
    records: &'a Records,
    validator: Option<Validator<'a>>,
    recurrence: Recurrence,
    label_rank: usize,
    /// Order of the records in the epoch.
    order: Vec<usize>,
    /// All but what the recurrence holds.
    state: DescentState,
}

impl Trainer {
    /// Begins to descend from `start`, or goes on from a state. The same start, records, recipe and seed give the same
    /// parameters. Without `validation` nothing stops training early.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`], [`FactoryError::NoRecords`], [`FactoryError::ParameterCount`],
    /// [`FactoryError::State`] for a state of another training; [`FactoryError::Runtime`].
    pub fn descending<'a>(
        &self,
        records: &'a Records,
        validation: Option<&'a Records>,
        recipe: &'a Descent,
        seed: u64,
        from: DescentState,
    ) -> Result<Descending<'a>, FactoryError> {
        recipe.check()?;
        if records.is_empty() || validation.is_some_and(Records::is_empty) {
            return Err(FactoryError::NoRecords);
        }
        if recipe.patience.is_some() && validation.is_none() {
            let instead = "set validation records aside, or leave it out";
            return Err(FactoryError::Recipe { what: "patience", found: "without validation".to_owned(), instead });
        }
        let StepPass { onnx, state: names, label_rank } =
            step_pass(&self.model, self.objective, self.layout(), &recipe.optimiser, recipe.clip)?;
        self.layout().check(from.parameters.len())?;
        if from.step > 0 && from.moments.len() != recipe.optimiser.moments() {
            return Err(FactoryError::State("its moments are not this optimiser's"));
        }
        let zeros = vec![0.0; from.parameters.len()];
        let mut parts = Vec::with_capacity(names.len());
        for (place, (input, output)) in names.iter().enumerate() {
            let start = match place.checked_sub(1) {
                None => &from.parameters,
                Some(moment) => match from.moments.get(moment) {
                    None => &zeros,
                    Some(moment) if moment.len() == zeros.len() => moment,
                    Some(_) => return Err(FactoryError::State("its moments are another model's")),
                },
            };
            parts.push(StatePart { input, output, start: ArrayView1::from(start).into_dyn() });
        }
        let recurrence = Recurrence::open(&self.runtime, &onnx, &self.options, &parts)?;
        let validator = validation.map(|records| Validator::open(self, records)).transpose()?;
        let mut descending =
            Descending { recipe, seed, records, validator, recurrence, label_rank, order: Vec::new(), state: from };
        if descending.state.step > recipe.steps(records.len()) {
            return Err(FactoryError::State("it has taken more steps than the recipe has"));
        }
        descending.shuffle();
        Ok(descending)
    }

    /// Descends from `start` to the end. `on_epoch` hears of every epoch.
    ///
    /// # Errors
    /// As [`Trainer::descending`]; [`FactoryError::Diverged`].
    pub fn descend(
        &self,
        records: &Records,
        recipe: &Descent,
        seed: u64,
        start: &Array1<f64>,
        mut on_epoch: impl FnMut(&Epoch),
    ) -> Result<Descended, FactoryError> {
        let mut descending = self.descending(records, None, recipe, seed, DescentState::start(single(start)))?;
        while let Some(stepped) = descending.step()? {
            stepped.epoch.iter().for_each(&mut on_epoch);
        }
        descending.finish()
    }
}

impl Descending<'_> {
    /// The next step; nothing once training has ended.
    ///
    /// # Errors
    /// [`FactoryError::Diverged`], [`FactoryError::Runtime`].
    pub fn step(&mut self) -> Result<Option<Stepped>, FactoryError> {
        let steps = self.recipe.steps(self.records.len());
        let a_pass = self.records.len().div_ceil(self.recipe.batch);
        let (step, place) = (self.state.step, self.state.step % a_pass);
        if step >= steps || self.ended() {
            return Ok(None);
        }
        let places: Vec<usize> =
            self.order.iter().skip(place * self.recipe.batch).take(self.recipe.batch).copied().collect();
        let rate = self.recipe.schedule.at(step, steps);
        let loss = self.descend(&places, step + 1, rate)?;
        if !loss.is_finite() {
            return Err(FactoryError::Diverged { step });
        }
        self.state.step += 1;
        self.state.loss += loss;
        let epoch = match place + 1 == a_pass {
            true => Some(self.end_epoch(self.state.step / a_pass, rate)?),
            false => None,
        };
        Ok(Some(Stepped { step: step + 1, steps, loss: loss / places.len() as f64, epoch }))
    }

    /// Everything that the next steps depend on beside recipe, seed and records.
    ///
    /// # Errors
    /// [`FactoryError::Runtime`].
    pub fn state(&self) -> Result<DescentState, FactoryError> {
        let mut vectors = self.recurrence.state()?.into_iter().map(|vector| vector.into_iter().collect());
        let parameters = vectors.next().unwrap_or_default();
        Ok(DescentState { parameters, moments: vectors.collect(), ..self.state.clone() })
    }

    /// The model as training leaves it.
    ///
    /// # Errors
    /// [`FactoryError::Diverged`], [`FactoryError::Runtime`].
    pub fn finish(self) -> Result<Descended, FactoryError> {
        let DescentState { step, parameters, best, kept, epochs, .. } = self.state()?;
        let a_pass = self.records.len().div_ceil(self.recipe.batch);
        let (parameters, served) = match best {
            Some(best) if self.recipe.patience.is_some() => (best.parameters, best.epoch * a_pass),
            _ => (parameters, step),
        };
        if parameters.iter().any(|value| !value.is_finite()) {
            return Err(FactoryError::Diverged { step });
        }
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        let checkpoints = kept
            .into_iter()
            .map(|Kept { epoch, loss, parameters }| Checkpoint { epoch, loss, parameters: wide(parameters) })
            .collect();
        Ok(Descended { parameters: wide(parameters), checkpoints, epochs, steps: step, served })
    }

    /// One step on the records at `places`; the sum of their losses.
    fn descend(&mut self, places: &[usize], step: usize, rate: f64) -> Result<f64, FactoryError> {
        let batch = self.records.select(places);
        let (mut inputs, labels) = batch.part(0, places.len(), self.label_rank);
        let scale = ndarray::arr0(1.0 / places.len() as f32);
        let numbers = self.recipe.optimiser.values(step, rate, self.recipe.weight_decay);
        let numbers: Vec<_> = numbers.into_iter().map(|(name, value)| (name, ndarray::arr0(value))).collect();
        inputs.push((LABEL, labels.tensor()));
        inputs.push((SCALE, Tensor::from(&scale)));
        inputs.extend(numbers.iter().map(|(name, value)| (*name, Tensor::from(value))));
        let found = self.recurrence.step(&inputs, &[LOSS])?;
        Ok(found.first().and_then(|loss| loss.first()).map_or(f64::NAN, |loss| f64::from(*loss)))
    }

    fn end_epoch(&mut self, epoch: usize, rate: f64) -> Result<Epoch, FactoryError> {
        let loss = std::mem::take(&mut self.state.loss) / self.records.len() as f64;
        let (keeps, validates) = (self.recipe.keeps(epoch), self.validator.is_some());
        let parameters: Vec<f32> = match keeps || validates {
            true => self.recurrence.state()?.into_iter().next().unwrap_or_default().into_iter().collect(),
            false => Vec::new(),
        };
        let validation = match &mut self.validator {
            Some(validator) => Some(validator.validate(&parameters)?),
            None => None,
        };
        if keeps {
            self.state.kept.push(Kept { epoch, loss, parameters: parameters.clone() });
        }
        if let Some(validated) = validation {
            let lower = self.state.best.as_ref().is_none_or(|best| validated.loss < best.loss);
            if lower {
                self.state.best = Some(Kept { epoch, loss: validated.loss, parameters });
            }
        }
        let epoch = Epoch { epoch, rate, loss, validation };
        self.state.epochs.push(epoch);
        self.shuffle();
        Ok(epoch)
    }

    /// Whether patience has run out.
    fn ended(&self) -> bool {
        let (Some(patience), Some(best)) = (self.recipe.patience, &self.state.best) else { return false };
        self.state.epochs.len() >= best.epoch + patience
    }

    fn shuffle(&mut self) {
        let a_pass = self.records.len().div_ceil(self.recipe.batch);
        self.order = Descent::order(self.seed, self.state.step / a_pass, self.records.len());
    }
}
