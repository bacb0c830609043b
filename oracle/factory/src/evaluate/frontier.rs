//! What accuracy costs attributability: the same model at several weight decays, each audited by retraining.

use serde::{Deserialize, Serialize};
use tributary_attribution::{AttributionSettings, HeldOut, OwnedRecords, Records, attribute::attribute, graph::Graph};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use super::{answers::Answers, interval::Estimate, metric::Metric};
use crate::{
    FactoryError,
    audit::{Audit, AuditSettings, audit},
    model::Model,
    train::{Convergence, Trainer},
};

/// What one weight decay gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FrontierPoint {
    /// Weight decay wd: the objective holds wd/2 · ‖θ‖².
    pub weight_decay: f64,
    /// What was measured on the test records.
    pub metric: Metric,
    /// What was found there.
    pub found: Estimate,
    /// How well attribution ranks models that are really retrained on half the contributors.
    pub contributor_lds: Estimate,
    /// How many were retrained.
    pub coalitions: u32,
}

/// How a frontier is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontierSettings {
    /// How each model is attributed; damping is twice its weight decay, whatever stands here.
    pub attribution: AttributionSettings,
    /// One model each.
    pub weight_decays: Vec<f64>,
    /// Training and retraining end when no entry of the gradient is larger.
    pub tolerance: f64,
    /// They fail if they have not ended after so many steps.
    pub most_steps: usize,
    /// Half-coalitions that are retrained for each model.
    pub coalitions: usize,
    /// Retrainings at a time. The result is the same for any number.
    pub threads: usize,
}

/// Trains `model`, from the weights that it comes with, to convergence at each weight decay; measures it on `test` and
/// audits its attribution on the held-out records. `on_point` hears of every point.
///
/// # Errors
/// As training, attribution and [`audit`].
pub fn frontier(
    runtime: &OnnxRuntime,
    model: &Model,
    training: &OwnedRecords,
    held_out: &HeldOut,
    test: &Records,
    settings: &FrontierSettings,
    mut on_point: impl FnMut(&FrontierPoint),
) -> Result<Vec<FrontierPoint>, FactoryError> {
    let FrontierSettings { attribution, tolerance, most_steps, coalitions, threads, .. } = settings;
    let mut points = Vec::with_capacity(settings.weight_decays.len());
    for weight_decay in settings.weight_decays.iter().copied() {
        let recipe = Convergence { weight_decay, tolerance: *tolerance, most_steps: *most_steps };
        let (coalitions, threads) = (*coalitions, *threads);
        let retraining = Retraining { runtime, training, held_out, attribution, recipe, coalitions, threads };
        let retrained = retraining.at(model, |_| ())?;
        let answers = Answers::of(runtime, &retrained.graph, test)?;
        let metric = Metric::first(&answers);
        let point = FrontierPoint {
            weight_decay,
            metric,
            found: metric.estimate(&answers).ok_or(FactoryError::NoRecords)?,
            contributor_lds: retrained.audit.contributor_lds.into(),
            coalitions: retrained.audit.coalitions as u32,
        };
        on_point(&point);
        points.push(point);
    }
    Ok(points)
}

/// What it takes to train and audit a model at one weight decay.
pub(crate) struct Retraining<'a> {
    pub(crate) runtime: &'a OnnxRuntime,
    pub(crate) training: &'a OwnedRecords,
    pub(crate) held_out: &'a HeldOut,
    pub(crate) attribution: &'a AttributionSettings,
    pub(crate) recipe: Convergence,
    pub(crate) coalitions: usize,
    pub(crate) threads: usize,
}

/// A model at the minimum of one weight decay's objective.
pub(crate) struct Retrained {
    pub(crate) graph: Graph,
    /// Mean over the held-out records.
    pub(crate) held_out_loss: f64,
    pub(crate) audit: Audit,
}

impl Retraining<'_> {
    pub(crate) fn at(&self, model: &Model, on_retrained: impl FnMut(usize)) -> Result<Retrained, FactoryError> {
        let Self { runtime, training, attribution, recipe, .. } = self;
        let held_out = &self.held_out.records;
        let mut trainer = Trainer::new(runtime, model, attribution.target, &SessionOptions::default())?;
        let start = trainer.start()?;
        let converged = trainer.converge(training.records(), attribution.denominator, recipe, &start, |_| ())?;
        let (loss, _) = trainer.loss_and_gradient(&converged.parameters, held_out)?;
        let graph = trainer.graph(&converged.parameters)?;
        // Twice the weight decay is the curvature that half-coalitions see.
        let settings = AttributionSettings { damping: Some(2.0 * recipe.weight_decay), ..(*attribution).clone() };
        let attributed = attribute(runtime, &graph, training, self.held_out, &settings, |_| ())?;
        let settings = self.audit_settings();
        let model = Model { graph, parameters: model.parameters.clone() };
        let audit = audit(runtime, &model, &attributed, training, held_out, &settings, on_retrained)?;
        Ok(Retrained { graph: model.graph, held_out_loss: loss / held_out.len().max(1) as f64, audit })
    }

    pub(crate) fn audit_settings(&self) -> AuditSettings {
        AuditSettings {
            target: self.attribution.target,
            recipe: self.recipe,
            denominator: self.attribution.denominator,
            coalitions: self.coalitions,
            seed: self.attribution.gate_seed,
            threads: self.threads,
        }
    }
}
