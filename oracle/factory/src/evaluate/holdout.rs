//! What a model would do for a newcomer: retrained without one contributor's records, and measured on them.

use std::cmp::Reverse;

use ndarray::Array1;
use serde::{Deserialize, Serialize};
use tributary_attribution::{AttributionError, OwnedRecords, Records, targets::Target};
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::Address;

use super::{answers::Answers, comparison::Paired, metric::Metric, slices::LEAST_RECORDS};
use crate::{
    FactoryError,
    model::Model,
    train::{Convergence, Trainer},
};

/// A contributor's records, answered by a model that never saw them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HoldOut {
    /// Whose records.
    pub contributor: Address,
    /// How many.
    pub records: u32,
    /// The model retrained without them (`model`) beside the full one, which was trained on them (`other`), by accuracy or
    /// mean absolute error.
    pub found: Paired,
}

/// Retrains `model` without each of the `most` contributors with most records and measures it on theirs, those with most
/// first. Who has fewer than [`LEAST_RECORDS`] is left out, and who has all there are.
///
/// `parameters` `[parameters]` are the full model's, from which retraining starts. It minimises the objective that the
/// full model's is, with the number of all records for N: leaving records out removes their terms and changes nothing
/// else.
///
/// # Errors
/// [`FactoryError::NotConverged`], [`FactoryError::Attribution`] for other targets than classes and numbers; as training.
pub fn holdouts(
    runtime: &OnnxRuntime,
    model: &Model,
    target: Target,
    records: &OwnedRecords,
    parameters: &Array1<f64>,
    recipe: &Convergence,
    most: usize,
) -> Result<Vec<HoldOut>, FactoryError> {
    let output = model.graph.outputs.first().ok_or(AttributionError::NoOutput)?.name.clone();
    let mut trainer = Trainer::new(runtime, model, target, &SessionOptions::default())?;
    let answers = |parameters: &Array1<f64>, asked: &Records, trainer: &mut Trainer| {
        Answers::new(asked.labels(), trainer.evaluate(parameters, asked, &output)?)
    };
    let all = records.records();
    let mut found = Vec::new();
    for contributor in largest(records, most) {
        let (theirs, others): (Vec<usize>, Vec<usize>) =
            (0..all.len()).partition(|record| records.owners().get(*record) == Some(&contributor));
        let (Some(account), false) = (records.accounts().get(contributor), others.is_empty()) else { continue };
        let asked = all.select(&theirs);
        let without = trainer.converge(&all.select(&others), all.len(), recipe, parameters, |_| ())?;
        let newcomer = answers(&without.parameters, &asked, &mut trainer)?;
        let full = answers(parameters, &asked, &mut trainer)?;
        let compared = Paired::new(Metric::first(&full), &newcomer, &full)?;
        found.push(HoldOut { contributor: *account, records: theirs.len() as u32, found: compared });
    }
    Ok(found)
}

/// Places of those with most records, of equals the lower account first.
fn largest(records: &OwnedRecords, most: usize) -> Vec<usize> {
    let counts = records.counts();
    let mut places: Vec<usize> = (0..counts.len()).collect();
    let count = |place: &usize| counts.get(*place).copied().unwrap_or_default();
    places.retain(|place| count(place) as usize >= LEAST_RECORDS);
    places.sort_by_key(|place| Reverse(count(place)));
    places.truncate(most);
    places
}
