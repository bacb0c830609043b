//! Is a release's attribution right? It is measured: the model is really retrained on random half-coalitions of its
//! contributors, and the *contributor LDS* says how well summed scores rank what the retrained models answer.
//!
//! Scores are those of settlement: the served graph's sketch, rounded, times the integer table. Retraining minimises
//! `1/N Σ loss + wd/2 · ‖θ‖²` over the coalition's records with the whole snapshot's `N`, from the release's own weights:
//! what is found is what leaving people out changes of this model, not of another one that starts elsewhere.

mod coalitions;

pub use coalitions::halves;

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use ndarray::{Array1, Array2};
use rand::seq::index;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    Attribution, Labels, OwnedRecords, Records,
    sketches::{Sketches, settled_scores},
    statistics::{Interval, lds, subset_sums},
    targets::Target,
};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use crate::{
    FactoryError,
    model::Model,
    train::{Convergence, Trainer},
};

/// Queries at most: answers that retrained models are asked for.
pub const MOST_QUERIES: usize = 100;
/// With fewer contributors there are too few halves of them.
pub const LEAST_CONTRIBUTORS: usize = 4;
/// With fewer half-coalitions a rank correlation says nothing.
pub const LEAST_COALITIONS: usize = 8;

/// How a release is audited.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditSettings {
    /// What is attributed.
    pub target: Target,
    /// How the model was trained, and is retrained.
    pub recipe: Convergence,
    /// N of the objective's mean.
    pub denominator: usize,
    /// Random half-coalitions that are retrained.
    pub coalitions: usize,
    /// Seed of queries, coalitions and interval.
    pub seed: u64,
    /// Retrainings at a time. The result is the same for any number.
    pub threads: usize,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// Contributor LDS, with a 95 % interval over queries.
    pub contributor_lds: Interval,
    /// Answers that were asked for.
    pub queries: usize,
    /// Models that were retrained.
    pub coalitions: usize,
    /// Largest entry of the objective's gradient at the release's weights: how far they are from the minimum that
    /// attribution takes them for.
    pub gradient_norm: f64,
}

/// Audits `attribution` of `model`, whose parameters are those that training moves, on at most [`MOST_QUERIES`] of
/// `held_out`. `on_retrained` hears how many models were retrained.
///
/// # Errors
/// [`FactoryError::Audit`] for too few contributors or coalitions; [`FactoryError::NotConverged`]; as training and the
/// engine.
pub fn audit(
    runtime: &OnnxRuntime,
    model: &Model,
    attribution: &Attribution,
    training: &OwnedRecords,
    held_out: &Records,
    settings: &AuditSettings,
    mut on_retrained: impl FnMut(usize),
) -> Result<Audit, FactoryError> {
    let contributors = training.accounts().len();
    if contributors < LEAST_CONTRIBUTORS || settings.coalitions < LEAST_COALITIONS {
        return Err(FactoryError::Audit { contributors, coalitions: settings.coalitions });
    }
    let retraining = Retraining::new(runtime, model, training, settings)?;
    let (mut trainer, start) = retraining.open()?;
    let gradient_norm = trainer.gradient_norm(training.records(), settings.denominator, &settings.recipe, &start)?;
    let queries = retraining.served(&mut trainer, &start, &draw(held_out, settings.seed))?;

    let coalitions = halves(contributors, settings.coalitions, settings.seed);
    let retrained = retraining.targets(&queries, &coalitions, &mut on_retrained)?;
    let mask = Array2::from_shape_fn((coalitions.len(), contributors), |(coalition, contributor)| {
        f64::from(u8::from(coalitions.get(coalition).and_then(|kept| kept.get(contributor)) == Some(&true)))
    });
    let sketches = Sketches::open(runtime, attribution.graph(), &SessionOptions::default())?.served(&queries)?;
    let scores = settled_scores(sketches.view(), attribution.table())?;
    let judged = lds(subset_sums(scores.view(), mask.view())?.view(), retrained.view(), settings.seed)?;
    let (queries, coalitions) = (queries.len(), coalitions.len());
    Ok(Audit { contributor_lds: judged.interval, queries, coalitions, gradient_norm })
}

/// At most [`MOST_QUERIES`], in their order.
fn draw(records: &Records, seed: u64) -> Records {
    let count = MOST_QUERIES.min(records.len());
    let mut places = index::sample(&mut ChaCha8Rng::seed_from_u64(seed), records.len(), count).into_vec();
    places.sort_unstable();
    records.select(&places)
}

/// What it takes to retrain.
struct Retraining<'a> {
    runtime: &'a OnnxRuntime,
    model: &'a Model,
    training: &'a OwnedRecords,
    settings: &'a AuditSettings,
}

impl<'a> Retraining<'a> {
    fn new(
        runtime: &'a OnnxRuntime,
        model: &'a Model,
        training: &'a OwnedRecords,
        settings: &'a AuditSettings,
    ) -> Result<Self, FactoryError> {
        settings.recipe.check()?;
        Ok(Self { runtime, model, training, settings })
    }

    /// A trainer and the release's weights.
    fn open(&self) -> Result<(Trainer, Array1<f64>), FactoryError> {
        let trainer = Trainer::new(self.runtime, self.model, self.settings.target, &SessionOptions::default())?;
        let start = trainer.start()?;
        Ok((trainer, start))
    }

    /// The queries, labelled with what the release answers.
    fn served(&self, trainer: &mut Trainer, start: &Array1<f64>, queries: &Records) -> Result<Records, FactoryError> {
        let output = self.model.graph.outputs.first().map(|output| output.name.clone()).unwrap_or_default();
        let answers = trainer.evaluate(start, queries, &output)?;
        Ok(queries.relabelled(Labels::served(self.settings.target, answers)?)?)
    }

    /// Targets of the queries after retraining on each coalition, `[queries, coalitions]`.
    fn targets(
        &self,
        queries: &Records,
        coalitions: &[Vec<bool>],
        on_retrained: &mut impl FnMut(usize),
    ) -> Result<Array2<f64>, FactoryError> {
        let next = AtomicUsize::new(0);
        let found = Mutex::new(Array2::zeros((queries.len(), coalitions.len())));
        let (done, heard) = mpsc::channel();
        thread::scope(|scope| {
            let work = |done: mpsc::Sender<()>| -> Result<(), FactoryError> {
                let (mut trainer, start) = self.open()?;
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(kept) = coalitions.get(place) else { return Ok(()) };
                    let targets = self.retrained(&mut trainer, &start, kept, queries).inspect_err(|_| {
                        // Nobody needs the others then.
                        next.store(coalitions.len(), Ordering::Relaxed);
                    })?;
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.column_mut(place).assign(&targets);
                    // Who listens may have stopped; the work is wanted all the same.
                    let _ = done.send(());
                }
            };
            let workers: Vec<_> = (0..self.settings.threads.max(1))
                .map(|_| {
                    let done = done.clone();
                    scope.spawn(move || work(done))
                })
                .collect();
            drop(done);
            heard.iter().enumerate().for_each(|(place, ())| on_retrained(place + 1));
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err(FactoryError::Stopped)))
        })?;
        Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn retrained(
        &self,
        trainer: &mut Trainer,
        start: &Array1<f64>,
        kept: &[bool],
        queries: &Records,
    ) -> Result<Array1<f64>, FactoryError> {
        let (owners, settings) = (self.training.owners(), self.settings);
        let places: Vec<usize> = (0..owners.len())
            .filter(|record| owners.get(*record).and_then(|owner| kept.get(*owner)) == Some(&true))
            .collect();
        let records = self.training.records().select(&places);
        let converged = trainer.converge(&records, settings.denominator, &settings.recipe, start, |_| ())?;
        trainer.targets(&converged.parameters, queries)
    }
}
