//! Audits of a model that was trained elsewhere: as it came, and retrained at other weight decays.

use tributary_attribution::{
    Attribution, AttributionSettings, HeldOut, OwnedRecords, attribute::attributed, gradient::Layers, graph::Graph,
    targets::Target,
};
use tributary_runtime::OnnxRuntime;

use super::{
    ForeignError,
    manifest::{Audited, FrontierPoint},
    model,
};
use crate::{
    audit::{Audit, audit},
    evaluate::{Answers, Metric, frontier::Retraining},
    model::Model,
    train::Convergence,
};

/// Retraining ends when no entry of the gradient is larger. Sums in `f32` hold a little more than that.
const TOLERANCE: f64 = 1e-4;
const MOST_STEPS: usize = 20_000;

/// What is audited.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditChoices {
    /// Half-coalitions that are retrained.
    pub coalitions: usize,
    /// The weight decay wd of training, whose objective holds wd/2 · ‖θ‖².
    pub weight_decay: f64,
    /// Layers that training moved; names may be of weights or of layers.
    pub trained: Layers,
    /// Weight decays at which the model is retrained and audited too.
    pub frontier: Vec<f64>,
    /// Retrainings at a time.
    pub threads: usize,
}

/// A model and all that it is audited with.
pub(super) struct Auditor<'a> {
    pub(super) runtime: &'a OnnxRuntime,
    pub(super) training: &'a OwnedRecords,
    pub(super) held_out: &'a HeldOut,
    pub(super) settings: &'a AttributionSettings,
    pub(super) choices: &'a AuditChoices,
    /// Parameters that training moves.
    trained: Vec<String>,
}

impl<'a> Auditor<'a> {
    pub(super) fn new(
        runtime: &'a OnnxRuntime,
        graph: &Graph,
        training: &'a OwnedRecords,
        held_out: &'a HeldOut,
        settings: &'a AttributionSettings,
        choices: &'a AuditChoices,
    ) -> Result<Self, ForeignError> {
        let layers = model::named(graph, &choices.trained)?;
        let trained = attributed(graph, settings.target, &layers)?;
        Ok(Self { runtime, training, held_out, settings, choices, trained })
    }

    /// Of the model as it came.
    pub(super) fn audit(
        &self,
        graph: &Graph,
        attribution: &Attribution,
        on_retrained: impl FnMut(usize),
    ) -> Result<Audited, ForeignError> {
        let (retraining, model) = (self.retraining(self.choices.weight_decay), self.model(graph));
        let (settings, held_out) = (retraining.audit_settings(), &self.held_out.records);
        let found = audit(self.runtime, &model, attribution, self.training, held_out, &settings, on_retrained)?;
        Ok(self.audited(self.choices.weight_decay, &found))
    }

    /// Of the model retrained at another weight decay.
    pub(super) fn point(
        &self,
        graph: &Graph,
        weight_decay: f64,
        on_retrained: impl FnMut(usize),
    ) -> Result<FrontierPoint, ForeignError> {
        let retrained = self.retraining(weight_decay).at(&self.model(graph), on_retrained)?;
        let accuracy = match self.settings.target {
            Target::Margin => {
                let answers = Answers::of(self.runtime, &retrained.graph, &self.held_out.records)?;
                Metric::Accuracy.estimate(&answers).map(|accuracy| accuracy.value.to_string())
            }
            _ => None,
        };
        let audit = self.audited(weight_decay, &retrained.audit);
        Ok(FrontierPoint { held_out_loss: retrained.held_out_loss.to_string(), accuracy, audit })
    }

    fn retraining(&self, weight_decay: f64) -> Retraining<'_> {
        Retraining {
            runtime: self.runtime,
            training: self.training,
            held_out: self.held_out,
            attribution: self.settings,
            recipe: Convergence { weight_decay, tolerance: TOLERANCE, most_steps: MOST_STEPS },
            coalitions: self.choices.coalitions,
            threads: self.choices.threads,
        }
    }

    fn audited(&self, weight_decay: f64, found: &Audit) -> Audited {
        Audited {
            trained: self.trained.clone(),
            weight_decay: weight_decay.to_string(),
            tolerance: TOLERANCE.to_string(),
            coalitions: found.coalitions as u64,
            queries: found.queries as u64,
            contributor_lds: found.contributor_lds.mean.to_string(),
            interval: [found.contributor_lds.low, found.contributor_lds.high].map(|end| end.to_string()),
            gradient_norm: found.gradient_norm.to_string(),
        }
    }

    fn model(&self, graph: &Graph) -> Model {
        Model { graph: graph.clone(), parameters: self.trained.clone() }
    }
}
