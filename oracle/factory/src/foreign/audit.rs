//! Audits of a model that was trained elsewhere: as it came, and retrained at other weight decays.

use tributary_attribution::{
    Attribution, AttributionSettings, HeldOut, OwnedRecords, attribute::attribute, attribute::attributed,
    gradient::Layers, graph::Graph, targets::Target,
};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use super::{
    ForeignError,
    manifest::{Audited, FrontierPoint},
    model,
};
use crate::{
    audit::{AuditSettings, audit},
    evaluate::evaluate,
    model::Model,
    train::{Convergence, Trainer},
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
        self.at(self.choices.weight_decay, graph, attribution, on_retrained)
    }

    /// Of the model retrained at another weight decay.
    pub(super) fn point(
        &self,
        graph: &Graph,
        weight_decay: f64,
        on_retrained: impl FnMut(usize),
    ) -> Result<FrontierPoint, ForeignError> {
        let options = SessionOptions::default();
        let mut trainer = Trainer::new(self.runtime, &self.model(graph), self.settings.target, &options)?;
        let (start, recipe) = (trainer.start()?, recipe(weight_decay));
        let (records, held_out) = (self.training.records(), &self.held_out.records);
        let converged = trainer.converge(records, self.settings.denominator, &recipe, &start, |_| ())?;
        let (loss, _) = trainer.loss_and_gradient(&converged.parameters, held_out)?;
        let graph = trainer.graph(&converged.parameters)?;
        let accuracy = match self.settings.target {
            Target::Margin => Some(evaluate(self.runtime, &graph, held_out)?.accuracy().to_string()),
            _ => None,
        };
        let settings = AttributionSettings { damping: Some(2.0 * weight_decay), ..self.settings.clone() };
        let attribution = attribute(self.runtime, &graph, self.training, self.held_out, &settings, |_| ())?;
        let audit = self.at(weight_decay, &graph, &attribution, on_retrained)?;
        Ok(FrontierPoint { held_out_loss: (loss / held_out.len().max(1) as f64).to_string(), accuracy, audit })
    }

    fn at(
        &self,
        weight_decay: f64,
        graph: &Graph,
        attribution: &Attribution,
        on_retrained: impl FnMut(usize),
    ) -> Result<Audited, ForeignError> {
        let settings = AuditSettings {
            target: self.settings.target,
            recipe: recipe(weight_decay),
            denominator: self.settings.denominator,
            coalitions: self.choices.coalitions,
            seed: self.settings.gate_seed,
            threads: self.choices.threads,
        };
        let (model, held_out) = (self.model(graph), &self.held_out.records);
        let found = audit(self.runtime, &model, attribution, self.training, held_out, &settings, on_retrained)?;
        Ok(Audited {
            trained: self.trained.clone(),
            weight_decay: weight_decay.to_string(),
            tolerance: TOLERANCE.to_string(),
            coalitions: found.coalitions as u64,
            queries: found.queries as u64,
            contributor_lds: found.contributor_lds.mean.to_string(),
            interval: [found.contributor_lds.low, found.contributor_lds.high].map(|end| end.to_string()),
            gradient_norm: found.gradient_norm.to_string(),
        })
    }

    fn model(&self, graph: &Graph) -> Model {
        Model { graph: graph.clone(), parameters: self.trained.clone() }
    }
}

fn recipe(weight_decay: f64) -> Convergence {
    Convergence { weight_decay, tolerance: TOLERANCE, most_steps: MOST_STEPS }
}
