//! A small real case: some of the demo's digits, a few simulated contributors, a trained and attributed network.

use std::path::Path;

use tributary_attribution::{Attribution, AttributionSettings, LabelledRecords, OwnedRecords, attribute};
use tributary_factory::{Dataset, Schema, SplitSizes, Trained, TrainingRecipe, dataset::partition, train::fit};
use tributary_sdk::Address;

pub(crate) const SIZES: SplitSizes = SplitSizes { training: 400, held_out: 100, test: 150 };

pub(crate) struct Setting {
    pub(crate) recipe: TrainingRecipe,
    pub(crate) training: LabelledRecords,
    pub(crate) test: LabelledRecords,
    pub(crate) owners: Vec<usize>,
    pub(crate) trained: Trained,
    pub(crate) attribution: Attribution,
}

impl Setting {
    pub(crate) fn new(hidden: Vec<usize>, contributors: usize, damping: f64) -> Self {
        Self::with_labels(hidden, contributors, damping, |_, label| label)
    }

    /// Each contributor may relabel what they give.
    pub(crate) fn with_labels(
        hidden: Vec<usize>,
        contributors: usize,
        damping: f64,
        relabel: impl Fn(usize, u8) -> u8,
    ) -> Self {
        let schema = Schema::DIGITS;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
        let mut split = Dataset::read_csv(&path, schema).unwrap().split(SIZES, 0).unwrap();
        let recipe = TrainingRecipe { hidden, tolerance: 1e-8, ..TrainingRecipe::default() };
        let labels: Vec<u8> = split.training.iter().map(|record| record.label).collect();
        let owners = partition::owners(&labels, contributors, 0).unwrap();
        for (record, owner) in split.training.iter_mut().zip(&owners) {
            record.label = relabel(*owner, record.label);
        }
        let training = schema.labelled(&split.training).unwrap();
        let trained = retrain(&training, training.len(), &recipe, None);
        let accounts: Vec<Address> = owners.iter().map(|owner| Address::with_last_byte(*owner as u8 + 1)).collect();
        let settings =
            AttributionSettings { damping: damping * recipe.weight_decay, denominator: training.len(), gate_seed: 1 };
        let owned = OwnedRecords::new(training.clone(), &accounts).unwrap();
        let held_out = schema.labelled(&split.held_out).unwrap();
        let attribution = attribute(&trained.network, &owned, &held_out, settings).unwrap();
        let test = schema.labelled(&split.test).unwrap();
        Self { recipe, training, test, owners, trained, attribution }
    }

    /// Trains again without some records, from the whole model's minimum to the new one.
    pub(crate) fn without(&self, leaves: impl Fn(usize) -> bool) -> Trained {
        let kept: Vec<usize> = (0..self.training.len()).filter(|record| !leaves(*record)).collect();
        retrain(&self.training.select(&kept), self.training.len(), &self.recipe, Some(&self.trained))
    }
}

fn retrain(records: &LabelledRecords, denominator: usize, recipe: &TrainingRecipe, start: Option<&Trained>) -> Trained {
    let widths = recipe.widths(64, 10);
    let start = start.map(|trained| &trained.network);
    fit(records, denominator, &widths, Schema::DIGITS.scaling(), recipe, start, |_| ()).unwrap()
}
