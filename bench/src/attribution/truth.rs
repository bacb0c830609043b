//! What retraining shows.
//!
//! A *trial* is a part of the training records; its truth is the logits, at every query, of models really retrained on that
//! part alone, from several seeded starts. Logits are kept under `target/bench`, so that a run that is repeated or broken
//! off trains nothing twice.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use eyre::{Result, ensure, eyre};
use ndarray::Array2;
use tributary_factory::audit::halves;
use tributary_sdk::keccak256;

use super::{logits::margins, subject::Subject, task::Task};

/// Seeds of the trials. They decide what is retrained and nothing else.
const RECORD_SEED: u64 = 11;
const COALITION_SEED: u64 = 12;
/// Truth starts at this seed and the following; releases use others.
const FIRST_START: u64 = 1_000;

/// Parts of the training records, as their places; and the units that each part keeps.
#[derive(Clone, Debug)]
pub(super) struct Trials {
    /// Per trial, which units are in, `[trials][units]`.
    pub(super) kept: Vec<Vec<bool>>,
    /// Per trial, the records that are in.
    places: Vec<Vec<usize>>,
}

impl Trials {
    /// Random halves of the records.
    pub(super) fn half_subsets(task: &Task, count: usize) -> Self {
        let kept = halves(task.training.len(), count, RECORD_SEED);
        let places = kept.iter().map(|kept| (0..kept.len()).filter(|record| kept[*record]).collect()).collect();
        Self { kept, places }
    }

    /// Random halves of the contributors.
    pub(super) fn half_coalitions(task: &Task, count: usize) -> Self {
        Self::of_contributors(task, halves(task.contributors, count, COALITION_SEED))
    }

    /// All contributors but one, for each.
    pub(super) fn leave_one_out(task: &Task) -> Self {
        let all = 0..task.contributors;
        let kept = all.clone().map(|left_out| all.clone().map(|contributor| contributor != left_out).collect());
        Self::of_contributors(task, kept.collect())
    }

    /// Random half-coalitions in pairs that complement each other; an even number of them.
    pub(super) fn complementary(task: &Task, count: usize, seed: u64) -> Self {
        let complement = |half: &Vec<bool>| half.iter().map(|kept| !kept).collect();
        let halves = halves(task.contributors, count.div_ceil(2), seed);
        let kept = halves.iter().flat_map(|half| [half.clone(), complement(half)]).collect();
        Self::of_contributors(task, kept)
    }

    fn of_contributors(task: &Task, kept: Vec<Vec<bool>>) -> Self {
        let of = |kept: &Vec<bool>| (0..task.owners.len()).filter(|record| kept[task.owners[*record]]).collect();
        let places = kept.iter().map(of).collect();
        Self { kept, places }
    }

    pub(super) fn places(&self) -> &[Vec<usize>] {
        &self.places
    }

    /// 1 where a unit is in, else 0, `[trials, units]`.
    pub(super) fn mask(&self) -> Array2<f64> {
        let units = self.kept.first().map_or(0, Vec::len);
        Array2::from_shape_fn((self.kept.len(), units), |(trial, unit)| f64::from(u8::from(self.kept[trial][unit])))
    }
}

/// Margins of the given classes after retraining, per seed, `[queries, trials]`.
pub(super) struct Retraining<'t> {
    pub(super) task: &'t Task,
    pub(super) threads: usize,
    pub(super) folder: PathBuf,
}

impl Retraining<'_> {
    /// Retrains for every trial from `seeds` starts; `classes` are those whose margins are wanted, `[queries]`.
    pub(super) fn margins(
        &self,
        subject: &dyn Subject,
        trials: &Trials,
        seeds: u64,
        classes: &[usize],
    ) -> Result<Vec<Array2<f64>>> {
        (FIRST_START..FIRST_START + seeds)
            .map(|seed| {
                let logits = self.logits(subject, trials, seed)?;
                let mut found = Array2::zeros((classes.len(), logits.len()));
                for (mut column, logits) in found.columns_mut().into_iter().zip(&logits) {
                    column.assign(&margins(logits, classes));
                }
                Ok(found)
            })
            .collect()
    }

    fn logits(&self, subject: &dyn Subject, trials: &Trials, seed: u64) -> Result<Vec<Array2<f64>>> {
        let shape = (self.task.queries.len(), self.task.classes);
        let path = self.path(subject, trials, seed);
        if let Ok(bytes) = fs::read(&path) {
            let values = bytes.chunks_exact(4).filter_map(|word| word.try_into().ok().map(f32::from_le_bytes));
            let values: Vec<f64> = values.map(f64::from).collect();
            ensure!(
                values.len() == trials.kept.len() * shape.0 * shape.1,
                "{} does not hold what it should: delete it",
                path.display()
            );
            return values
                .chunks_exact(shape.0 * shape.1)
                .map(|chunk| Ok(Array2::from_shape_vec(shape, chunk.to_vec())?))
                .collect();
        }
        let found = self.retrain(subject, trials, seed)?;
        fs::create_dir_all(&self.folder)?;
        let bytes: Vec<u8> = found.iter().flatten().flat_map(|value| (*value as f32).to_le_bytes()).collect();
        let unfinished = path.with_extension("unfinished");
        fs::write(&unfinished, bytes)?;
        fs::rename(unfinished, path)?;
        Ok(found)
    }

    fn path(&self, subject: &dyn Subject, trials: &Trials, seed: u64) -> PathBuf {
        let kept: Vec<u8> = trials.kept.iter().flatten().map(|kept| u8::from(*kept)).collect();
        let key = format!("{} {} {} {seed}", self.task.hash(), subject.recipe(), keccak256(kept));
        self.folder.join(format!("{:x}.f32", keccak256(key)))
    }

    fn retrain(&self, subject: &dyn Subject, trials: &Trials, seed: u64) -> Result<Vec<Array2<f64>>> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(vec![None; trials.places.len()]);
        let work = || -> Result<()> {
            loop {
                let trial = next.fetch_add(1, Ordering::Relaxed);
                let Some(places) = trials.places.get(trial) else { return Ok(()) };
                let records = self.task.training.select(places);
                let model = subject.train(&records, self.task.training.len(), seed)?;
                let logits = model.logits(self.task.queries.features().view())?;
                done.lock().map_err(|_| eyre!("a retraining thread panicked"))?[trial] = Some(logits);
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| eyre!("a retraining thread panicked"))?)
        })?;
        let done = done.into_inner().map_err(|_| eyre!("a retraining thread panicked"))?;
        done.into_iter().map(|logits| logits.ok_or_else(|| eyre!("a trial was not retrained"))).collect()
    }
}

/// Mean over seeds, `[queries, trials]`.
pub(super) fn mean(seeds: &[Array2<f64>]) -> Array2<f64> {
    let shape = seeds.first().map_or((0, 0), Array2::dim);
    seeds.iter().fold(Array2::zeros(shape), |sum, margins| sum + margins) / seeds.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn halves_are_halves_and_pairs_complement_each_other() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/breast_cancer.csv");
        let task = Task::breast_cancer(&path).unwrap();
        for trials in [Trials::half_subsets(&task, 3), Trials::half_coalitions(&task, 3)] {
            let mask = trials.mask();
            assert!(mask.outer_iter().all(|trial| trial.sum() == (trial.len() / 2) as f64));
            assert_ne!(trials.kept[0], trials.kept[1]);
        }
        let trials = Trials::complementary(&task, 4, 1);
        for pair in trials.places().chunks(2) {
            let mut both = pair.concat();
            both.sort_unstable();
            assert_eq!(both, (0..task.training.len()).collect::<Vec<_>>());
        }
        let without = Trials::leave_one_out(&task);
        assert!(without.places()[3].iter().all(|record| task.owners[*record] != 3));
    }
}
