//! What is trained on and asked for: real records, divided among simulated contributors.

use std::path::Path;

use eyre::{Context, ContextCompat, Result, ensure};
use ndarray::{Array2, Axis, Slice};
use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_dataset::{Schema, Split, SplitSizes, partition, read};
use tributary_factory::{model::InputScaling, records::scaling};

use crate::attribution::labelled::LabelledRecords;
use tributary_sdk::{B256, keccak256};

/// Seed of the split into training, held-out and test records.
const SPLIT_SEED: u64 = 0;
/// Seed of the division among contributors.
const PARTITION_SEED: u64 = 0;

/// The first test records are the queries.
const QUERIES: usize = 100;

/// One dataset, ready to be retrained on.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) name: &'static str,
    pub(super) training: LabelledRecords,
    pub(super) held_out: LabelledRecords,
    pub(super) test: LabelledRecords,
    /// The first of the test records.
    pub(super) queries: LabelledRecords,
    /// Per training record, its contributor.
    pub(super) owners: Vec<usize>,
    pub(super) contributors: usize,
    pub(super) scaling: InputScaling,
    pub(super) classes: usize,
}

impl Task {
    /// 1,797 handwritten digits: 1,200 to train on, 40 contributors.
    pub(super) fn digits(path: &Path) -> Result<Self> {
        let schema = Schema::digits();
        let split = Split::new(read::all(path, &schema)?, SplitSizes::DIGITS, SPLIT_SEED)?;
        let parts = [&split.training, &split.held_out, &split.test];
        let [training, held_out, test] = parts.map(|records| LabelledRecords::of(&schema, records));
        Self::new("digits", [training?, held_out?, test?], 40, scaling(&schema))
    }

    /// Wisconsin breast cancer, 569 records of 30 measurements: 400 to train on, 20 contributors. Every measurement is
    /// scaled to mean 0 and deviation 1 over the training records.
    pub(super) fn breast_cancer(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).wrap_err_with(|| format!("reading {}", path.display()))?;
        let mut rows = Vec::new();
        // The first line holds counts and names.
        for line in text.lines().skip(1) {
            let row: Vec<f64> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
            ensure!(row.len() == 31, "{} is not 30 measurements and a label", path.display());
            rows.push(row);
        }
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(SPLIT_SEED));
        ensure!(rows.len() == 569, "{} should hold 569 records", path.display());
        let features = Array2::from_shape_fn((rows.len(), 30), |(i, j)| rows[i][j]);
        let of_training = features.slice_axis(Axis(0), Slice::from(..400)).to_owned();
        let mean = of_training.mean_axis(Axis(0)).wrap_err("there are no records")?;
        let deviation = of_training.std_axis(Axis(0), 0.0);
        let features = (features - &mean) / &deviation;
        let labels: Vec<usize> = rows.iter().map(|row| row[30] as usize).collect();
        let all = LabelledRecords::new(features, labels)?;
        let part = |from: usize, to: usize| all.select(&(from..to).collect::<Vec<_>>());
        let scaling = InputScaling { shift: 0.0, scale: 1.0 };
        Self::new("breast cancer", [part(0, 400), part(400, 469), part(469, 569)], 20, scaling)
    }

    fn new(
        name: &'static str,
        [training, held_out, test]: [LabelledRecords; 3],
        contributors: usize,
        scaling: InputScaling,
    ) -> Result<Self> {
        let owners = partition::owners(training.labels(), contributors, PARTITION_SEED)?;
        let queries = test.select(&(0..QUERIES).collect::<Vec<_>>());
        let classes = training.labels().iter().max().wrap_err("there are no records")? + 1;
        Ok(Self { name, training, held_out, test, queries, owners, contributors, scaling, classes })
    }

    /// Features, classes and scaling of the records.
    pub(super) fn records(&self) -> (usize, usize, InputScaling) {
        (self.training.features().ncols(), self.classes, self.scaling)
    }

    /// Hash of everything that truth depends on, besides recipe, subsets and seeds.
    pub(super) fn hash(&self) -> B256 {
        let mut bytes = Vec::new();
        for records in [&self.training, &self.queries] {
            bytes.extend(records.features().iter().flat_map(|value| value.to_le_bytes()));
            bytes.extend(records.labels().iter().flat_map(|label| (*label as u64).to_le_bytes()));
        }
        bytes.extend(self.owners.iter().flat_map(|owner| (*owner as u64).to_le_bytes()));
        keccak256(bytes)
    }
}
