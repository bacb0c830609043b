//! One subject on one task, every method.

use std::path::Path;

use eyre::{Result, WrapErr};
use ndarray::Array2;
use serde::Serialize;
use tributary_attribution::{
    Directions,
    basis::{Basis, Ranks},
    curvature::DampedCurvature,
    statistics::{lds, subset_sums},
};

use super::{
    checkpoints::Averaged,
    evidence::{Evidence, accuracy, served},
    export::{self, Exported},
    method::{self, Scores},
    release::Release,
    subject::{Model, Subject},
    task::Task,
    truth::{Retraining, Trials, mean},
};

/// Seed of the release; truth starts elsewhere.
const RELEASE_SEED: u64 = 1;
/// Starts of a release that is attributed over several.
const STARTS: u64 = 5;
/// Seed of the intervals.
const INTERVAL_SEED: u64 = 13;

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Random halves of each kind.
    pub(super) trials: usize,
    /// Starts that truth is averaged over.
    pub(super) seeds: u64,
    /// Half-coalition checkpoints behind distilled rows; none for a subject that is not trained to convergence.
    pub(super) checkpoints: usize,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measurement {
    pub(super) dataset: &'static str,
    pub(super) subject: &'static str,
    pub(super) recipe: String,
    pub(super) parameters: usize,
    pub(super) damping: f64,
    /// Of the release, on the test records.
    pub(super) accuracy: f64,
    pub(super) trials: usize,
    pub(super) seeds: u64,
    /// How well one half of the starts predicts the other, over half-subsets and half-coalitions.
    pub(super) ceiling: Option<[f64; 2]>,
    pub(super) rows: Vec<Row>,
}

/// One method.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) method: String,
    /// Over random halves of the records.
    pub(super) lds: Option<Figure>,
    /// Over random halves of the contributors.
    pub(super) contributor_lds: Option<Figure>,
    /// Over coalitions of all but one.
    pub(super) leave_one_out: Option<Figure>,
    /// Bytes kept of a record; of a contributor, where records are not scored.
    pub(super) bytes: usize,
}

/// A mean over queries with its 95 % bootstrap interval over them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) mean: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Trials and what they showed.
pub(super) struct Shown {
    pub(super) trials: Trials,
    /// Mean margins, `[queries, trials]`.
    pub(super) margins: Array2<f64>,
    ceiling: Option<f64>,
}

/// Measures, and writes what another judge needs for the same into a folder of its own in `export`.
pub(super) fn measure(
    name: &'static str,
    subject: &dyn Subject,
    retraining: &Retraining<'_>,
    extent: Extent,
    export: Option<&Path>,
) -> Result<Measurement> {
    let task = retraining.task;
    let release = subject.train(&task.training, task.training.len(), RELEASE_SEED)?;
    let classes = served(release.as_ref(), &task.queries)?;
    let show = |trials: Trials| -> Result<Shown> {
        let seeds = retraining.margins(subject, &trials, extent.seeds, &classes)?;
        let (a, b) = seeds.split_at(seeds.len() / 2);
        let ceiling = if a.is_empty() { None } else { Some(agreement(&mean(a), &mean(b))?.mean) };
        Ok(Shown { trials, margins: mean(&seeds), ceiling })
    };
    let halves = show(Trials::half_subsets(task, extent.trials))?;
    let coalitions = show(Trials::half_coalitions(task, extent.trials))?;
    let without_one = show(Trials::leave_one_out(task))?;

    let evidence = Evidence::new(release.as_ref(), &task.training, task, &classes)?;
    let damping = subject.damping(task.training.len());
    let judge = |shown: &Shown, scores: &Array2<f64>| {
        agreement(&subset_sums(scores.view(), shown.trials.mask().view())?, &shown.margins)
    };
    let mut rows = Vec::new();
    for (method, scores) in all(&evidence, damping, release.as_ref(), subject, task, &classes, extent)? {
        rows.push(Row {
            lds: scores.records.as_ref().map(|scores| judge(&halves, scores)).transpose()?,
            contributor_lds: Some(judge(&coalitions, &scores.contributors)?),
            leave_one_out: Some(judge(&without_one, &scores.contributors)?),
            bytes: scores.bytes,
            method,
        });
    }
    let measurement = Measurement {
        dataset: task.name,
        subject: name,
        recipe: subject.recipe(),
        parameters: evidence.records.ncols(),
        damping,
        accuracy: accuracy(release.as_ref(), &task.test)?,
        trials: extent.trials,
        seeds: extent.seeds,
        ceiling: halves.ceiling.zip(coalitions.ceiling).map(|(records, contributors)| [records, contributors]),
        rows,
    };
    if let Some(folder) = export {
        let (measurement, release, classes) = (&measurement, release.as_ref(), classes.as_slice());
        let [halves, coalitions, without_one] = [&halves, &coalitions, &without_one];
        export::write(
            folder,
            &Exported { measurement, subject, release, task, classes, halves, coalitions, without_one },
        )?;
    }
    Ok(measurement)
}

/// Mean over queries of the rank correlation over trials, `[queries, trials]` each.
fn agreement(predicted: &Array2<f64>, truth: &Array2<f64>) -> Result<Figure> {
    let found = lds(predicted.view(), truth.view(), INTERVAL_SEED).wrap_err("judging a method")?.interval;
    Ok(Figure { mean: found.mean, low: found.low, high: found.high })
}

/// What a release pays by, as the product makes it.
fn released(
    models: &[&dyn Model],
    name: &str,
    subject: &dyn Subject,
    task: &Task,
    directions: Directions,
) -> Result<(String, Scores)> {
    let made = Release::new(models, subject, &task.training, &task.owners, &task.held_out, directions)?;
    let (k, contributors) = (made.table().k(), made.scores(&task.queries)?);
    Ok((format!("{name}, k = {k}, released"), Scores { records: None, contributors, bytes: 4 * k }))
}

/// Every method's scores.
fn all(
    evidence: &Evidence,
    damping: f64,
    release: &dyn Model,
    subject: &dyn Subject,
    task: &Task,
    classes: &[usize],
    extent: Extent,
) -> Result<Vec<(String, Scores)>> {
    let curvature = DampedCurvature::new(&evidence.curvature, damping)?;
    let effects = evidence.contributors();
    let p = evidence.records.ncols();
    let mut all = vec![
        ("record counts".to_owned(), method::record_counts(evidence)),
        ("gradient dot product".to_owned(), method::gradient_dot_product(evidence)),
        ("random projection, k = 512".to_owned(), method::random_projection(evidence, damping, 512.min(p))?),
        ("EK-FAC".to_owned(), method::ek_fac(evidence, damping, release, task, classes)?),
        ("last layer, exact".to_owned(), method::last_layer(evidence, damping)?),
        ("all layers, exact".to_owned(), method::exact(evidence, &curvature)),
        ("all layers, left out by Newton".to_owned(), method::newton(evidence, &curvature, release, task)?),
    ];
    let eigen = |leading: usize, residual: usize| {
        Basis::eigen(&evidence.curvature, &effects, &curvature, Ranks { leading, residual })
    };
    for k in [64, 128, 256].into_iter().filter(|k| *k < p) {
        all.push((format!("eigenbasis, k = {k}, int8"), method::records_in(evidence, &eigen(k, 0)?)?));
    }
    let both = eigen(256 - evidence.contributors.min(64), evidence.contributors.min(64))?;
    all.push((format!("eigenbasis + residual, k = {}, int8", both.width()), method::records_in(evidence, &both)?));
    let owner = Basis::owner(&effects, &curvature)?;
    for (name, directions) in
        [("owner basis", Directions::Owner), ("eigenbasis and owners", Directions::Eigen { rank: 256 })]
    {
        all.push(released(&[release], name, subject, task, directions)?);
    }
    // Where truth has one start, so has the release.
    if extent.seeds > 1 {
        let starts = (RELEASE_SEED + 1..RELEASE_SEED + STARTS)
            .map(|seed| subject.train(&task.training, task.training.len(), seed));
        let starts = starts.collect::<Result<Vec<_>>>()?;
        let models: Vec<&dyn Model> = std::iter::once(release).chain(starts.iter().map(AsRef::as_ref)).collect();
        all.push(released(&models, &format!("owner basis, {STARTS} starts"), subject, task, Directions::Owner)?);
    }
    if extent.checkpoints > 0 {
        let of_training = served(release, &task.training)?;
        let starts = RELEASE_SEED + 1;
        let averaged = Averaged::new(task, subject, (&of_training, classes), extent.checkpoints, starts)?;
        let sketched = release.margin_gradients(task.training.features().view(), &of_training)?;
        for basis in [&owner, &both] {
            let scores = method::distilled(evidence, basis, &sketched, &averaged.at_training)?;
            all.push((format!("distilled, k = {}", basis.width()), scores));
        }
        let scores = Scores { records: None, contributors: averaged.at_queries, bytes: 0 };
        all.push((format!("{} half-coalition models, averaged", extent.checkpoints), scores));
    }
    Ok(all)
}
