//! Everything that is measured of a trained model before it is released.

use tributary_attribution::{Attribution, HeldOut, Records};
use tributary_dataset::{PermittedSnapshot, Record};
use tributary_runtime::OnnxRuntime;

use crate::{
    FactoryError,
    audit::{AuditSettings, LEAST_COALITIONS, LEAST_CONTRIBUTORS, audit},
    base::as_it_is,
    card::{AttributionFindings, Findings},
    evaluate::{
        Answers, Baseline, Comparison, Evaluation, FrontierSettings, compare, frontier, holdouts, on_slices, slices,
    },
    foreign::model::Given,
    model::Model,
    records::{labelled, owned},
    train::{BaseStart, Convergence, Layout, Method, Start, Trained, TrainingRecipe, attribution as attribution_of},
};

/// What is measured by retraining, which takes its time. Only a model that was trained to a minimum is retrained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assessment {
    /// Random half-coalitions of the contributors, to measure how well attribution ranks them; none for 0.
    pub coalitions: usize,
    /// Contributors, those with most records first, without each of whom the model is retrained and measured on theirs.
    pub hold_outs: usize,
    /// Weight decays at which the model is trained and audited as well, to see what attributability costs.
    pub frontier: Vec<f64>,
}

impl Assessment {
    /// That a model of this recipe and so many contributors can be measured so. Retraining takes a while, and training
    /// before it: better to know beforehand.
    ///
    /// # Errors
    /// [`FactoryError::Audit`], [`FactoryError::Recipe`].
    pub fn check(&self, recipe: &TrainingRecipe, contributors: usize) -> Result<(), FactoryError> {
        let Self { coalitions, hold_outs, frontier } = self;
        let audits = *coalitions > 0 || !frontier.is_empty();
        if (audits || *hold_outs > 0) && !matches!(recipe.method, Method::Converge(_)) {
            let instead = "only a model that is trained to convergence is retrained: measure it without, or converge";
            return Err(FactoryError::Recipe { what: "method", found: recipe.method.name().to_owned(), instead });
        }
        if audits && (contributors < LEAST_CONTRIBUTORS || *coalitions < LEAST_COALITIONS) {
            return Err(FactoryError::Audit { contributors, coalitions: *coalitions });
        }
        frontier.iter().try_for_each(|decay| Convergence { weight_decay: *decay, ..Convergence::default() }.check())
    }
}

/// Measures a model on `test`, against what is trivial and against its base, on slices, and by retraining as asked.
/// `held_out` are the records that the audit asks about.
///
/// # Errors
/// [`FactoryError::NoRecords`], [`FactoryError::Audit`] for fewer than 4 contributors or 8 coalitions; as training and
/// evaluation.
#[expect(
    clippy::too_many_arguments,
    reason = "what training, attribution and evaluation were given, and what they made"
)]
pub fn assess(
    runtime: &OnnxRuntime,
    data: &PermittedSnapshot<'_>,
    recipe: &TrainingRecipe,
    trained: &Trained,
    attribution: &Attribution,
    held_out: &HeldOut,
    test: &[Record],
    assessment: &Assessment,
) -> Result<Findings, FactoryError> {
    let schema = data.snapshot().schema();
    let asked = labelled(schema, test)?;
    let answers = Answers::of(runtime, &trained.graph, &asked)?;
    let training = owned(data, &trained.used)?;
    let mut findings = Findings::of(Evaluation::of(&answers)?);

    let baseline = Baseline::of(training.records().labels(), schema.classes().unwrap_or_default())?;
    findings.comparisons.push(compare(baseline.name(), &answers, &baseline.answers(asked.labels())?)?);
    if let Start::Base(base) = &recipe.start {
        let (width, outputs) = (schema.features.fields(), schema.classes().unwrap_or(1));
        findings.comparisons.extend(with_base(runtime, base, (width, outputs), &answers, &asked)?);
    }
    findings.slices = on_slices(&answers, &slices(schema, test));

    let mut audited = None;
    if let Method::Converge(convergence) = &recipe.method {
        let model = Model { graph: trained.graph.clone(), parameters: trained.parameters.clone() };
        if assessment.coalitions > 0 {
            let settings = AuditSettings {
                target: trained.target,
                recipe: *convergence,
                denominator: training.records().len(),
                coalitions: assessment.coalitions,
                seed: recipe.seed,
                threads: 1,
            };
            audited = Some(audit(runtime, &model, attribution, &training, &held_out.records, &settings, |_| ())?);
        }
        if !assessment.frontier.is_empty() {
            let settings = FrontierSettings {
                attribution: attribution_of(trained, recipe, schema.classes().unwrap_or_default()),
                weight_decays: assessment.frontier.clone(),
                tolerance: convergence.tolerance,
                most_steps: convergence.most_steps,
                coalitions: assessment.coalitions,
                threads: 1,
            };
            findings.frontier = frontier(runtime, &model, &training, held_out, &asked, &settings, |_| ())?;
        }
        if assessment.hold_outs > 0 {
            let parameters = Layout::of(&model)?.read(&model.graph)?;
            let (target, most) = (trained.target, assessment.hold_outs);
            findings.hold_outs = holdouts(runtime, &model, target, &training, &parameters, convergence, most)?;
        }
    }
    findings.attribution = Some(AttributionFindings::of(attribution.table(), audited.as_ref()));
    Ok(findings)
}

/// The model beside its base as it was, where that answers the same question.
fn with_base(
    runtime: &OnnxRuntime,
    base: &BaseStart,
    (width, outputs): (usize, usize),
    answers: &Answers,
    asked: &Records,
) -> Result<Option<Comparison>, FactoryError> {
    let given = Given::read(&base.file).map_err(|source| FactoryError::BaseFile(Box::new(source)))?;
    let Some(before) = as_it_is(&given.graph, width, outputs)? else { return Ok(None) };
    let before = Answers::of(runtime, &before, asked)?;
    compare("base as it was", answers, &before).map(Some)
}
