//! A training run: from a recipe and records to a model, in a folder that it can go on from.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ndarray::Array1;
use tributary_attribution::{Records, targets::Target};
use tributary_dataset::durable;
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::{B256, hex, keccak256};

use super::{
    Convergence, Curve, Descended, Descent, DescentState, Method, Progress, STATE_FILE, State, Stepped, Trainer,
    TrainingRecipe, trainer::single,
};
use crate::{FactoryError, model::Model};

/// Name of the curve's file in a run folder.
pub const CURVE_FILE: &str = "curve.csv";
/// Name of the curve's picture in a run folder.
pub const CURVE_PICTURE: &str = "curve.svg";
/// Name of the recipe's file in a run folder.
pub const RECIPE_FILE: &str = "recipe.toml";

/// Where and with what a model is trained.
#[derive(Clone, Debug)]
pub struct Workplace<'a> {
    /// ONNX Runtime.
    pub runtime: &'a OnnxRuntime,
    /// Threads and execution provider.
    pub session: SessionOptions,
    /// Where the run leaves its recipe, its curve and the state it can go on from.
    pub folder: Option<RunFolder>,
}

impl<'a> Workplace<'a> {
    /// One thread of the processor, and nothing left behind.
    #[must_use]
    pub fn new(runtime: &'a OnnxRuntime) -> Self {
        Self { runtime, session: SessionOptions::default(), folder: None }
    }
}

/// Where run folders are: each run has its own, called by its name, so that none goes on from another's state.
#[derive(Clone, Debug)]
pub struct RunFolder {
    /// The folder of run folders.
    pub path: PathBuf,
    /// How often, at most, the state is written.
    pub every: Duration,
}

impl RunFolder {
    /// How old a state may usually be.
    pub const EVERY: Duration = Duration::from_secs(10);
}

/// A step of a training run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Towards the minimum.
    Converging(Progress),
    /// In mini-batches.
    Descending(Stepped),
}

/// What a run ends with.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) parameters: Array1<f64>,
    /// Steps taken.
    pub(super) steps: usize,
    /// Of these, the steps to the parameters.
    pub(super) served: usize,
    pub(super) curve: Curve,
    /// The file of its last state.
    pub(super) state: Option<PathBuf>,
}

/// One training: what is trained on what, called by a name that no other has.
pub(super) struct Run<'a> {
    pub(super) workplace: &'a Workplace<'a>,
    pub(super) recipe: &'a TrainingRecipe,
    pub(super) name: B256,
    pub(super) training: &'a Records,
    pub(super) validation: Option<&'a Records>,
}

impl<'a> Run<'a> {
    /// The name of a training: the same for the same recipe, records, model and way of computing.
    pub(super) fn name(workplace: &Workplace<'_>, recipe: &TrainingRecipe, model: B256, records: B256) -> B256 {
        let SessionOptions { threads, provider } = &workplace.session;
        let build = workplace.runtime.build_info();
        let told = format!("{recipe:?} {model} {records} {threads} {provider} {build}");
        keccak256(told)
    }

    /// Trains from the model's own parameters, or goes on from what a run of the same name left. `on_step` hears of every
    /// step.
    pub(super) fn follow(
        &self,
        model: &Model,
        target: Target,
        on_step: impl FnMut(Step),
    ) -> Result<Ended, FactoryError> {
        let mut trainer = Trainer::new(self.workplace.runtime, model, target, &self.workplace.session)?;
        let from = match &self.workplace.folder {
            None => None,
            Some(folder) => {
                let path = self.path(folder);
                fs::create_dir_all(&path).map_err(|source| FactoryError::Io { path: path.clone(), source })?;
                State::read(&path.join(STATE_FILE), self.name)?
            }
        };
        let ended = match &self.recipe.method {
            Method::Converge(recipe) => self.converge(&mut trainer, recipe, from, on_step)?,
            Method::Descend(recipe) => self.descend(&trainer, recipe, from, on_step)?,
        };
        let state = match &self.workplace.folder {
            Some(folder) => {
                self.leave(folder, &ended.curve)?;
                Some(self.path(folder).join(STATE_FILE))
            }
            None => None,
        };
        Ok(Ended { state, ..ended })
    }

    fn path(&self, folder: &RunFolder) -> PathBuf {
        folder.path.join(hex::encode(&self.name[..8]))
    }

    fn converge(
        &self,
        trainer: &mut Trainer,
        recipe: &Convergence,
        from: Option<State>,
        mut on_step: impl FnMut(Step),
    ) -> Result<Ended, FactoryError> {
        let (records, count) = (self.training, self.training.len());
        let start = trainer.start()?;
        let mut converging = match from {
            None => trainer.converging(records, count, recipe, &start)?,
            Some(State::Convergence(state)) => trainer.converging_from(records, count, recipe, state)?,
            Some(State::Descent(_)) => return Err(FactoryError::State("it is that of another method")),
        };
        let mut kept = Instant::now();
        while let Some(progress) = converging.step()? {
            on_step(Step::Converging(progress));
            self.keep(&mut kept, || Ok(State::Convergence(converging.state().clone())))?;
        }
        self.keep_last(|| Ok(State::Convergence(converging.state().clone())))?;
        let curve = Curve::Steps(converging.state().steps(recipe.tolerance));
        let converged = converging.finish()?;
        let steps = converged.iterations;
        Ok(Ended { parameters: converged.parameters, steps, served: steps, curve, state: None })
    }

    fn descend(
        &self,
        trainer: &Trainer,
        recipe: &Descent,
        from: Option<State>,
        mut on_step: impl FnMut(Step),
    ) -> Result<Ended, FactoryError> {
        let from = match from {
            None => DescentState::start(single(&trainer.start()?)),
            Some(State::Descent(state)) => state,
            Some(State::Convergence(_)) => return Err(FactoryError::State("it is that of another method")),
        };
        let mut descending = trainer.descending(self.training, self.validation, recipe, self.recipe.seed, from)?;
        let mut kept = Instant::now();
        while let Some(stepped) = descending.step()? {
            on_step(Step::Descending(stepped));
            self.keep(&mut kept, || Ok(State::Descent(descending.state()?)))?;
        }
        self.keep_last(|| Ok(State::Descent(descending.state()?)))?;
        let descended = descending.finish()?;
        let curve = Curve::Epochs(descended.epochs.clone());
        let Descended { parameters, steps, served, .. } = descended;
        Ok(Ended { parameters, steps, served, curve, state: None })
    }

    /// Writes the state if the last one is old.
    fn keep(
        &self,
        kept: &mut Instant,
        state: impl FnOnce() -> Result<State, FactoryError>,
    ) -> Result<(), FactoryError> {
        let Some(folder) = self.workplace.folder.as_ref().filter(|folder| kept.elapsed() >= folder.every) else {
            return Ok(());
        };
        state()?.write(&self.path(folder).join(STATE_FILE), self.name)?;
        *kept = Instant::now();
        Ok(())
    }

    /// Writes the state that the run ends with, so that whoever uses it and is stopped need not train again.
    fn keep_last(&self, state: impl FnOnce() -> Result<State, FactoryError>) -> Result<(), FactoryError> {
        match &self.workplace.folder {
            Some(folder) => state()?.write(&self.path(folder).join(STATE_FILE), self.name),
            None => Ok(()),
        }
    }

    /// What stays of a run.
    fn leave(&self, folder: &RunFolder, curve: &Curve) -> Result<(), FactoryError> {
        let io = |path: &Path, source| FactoryError::Io { path: path.to_owned(), source };
        for (name, text) in
            [(RECIPE_FILE, self.recipe.to_toml()?), (CURVE_FILE, curve.csv()), (CURVE_PICTURE, curve.svg())]
        {
            let path = self.path(folder).join(name);
            durable::write(&path, text.as_bytes()).map_err(|source| io(&path, source))?;
        }
        Ok(())
    }
}
