//! From files to an attributed model.

use std::path::PathBuf;

use tributary_attribution::{
    Attribution, AttributionSettings, CurvatureKind, Directions, HeldOut, OwnedRecords, Stage, attribute_checkpoints,
    basis::BasisKind,
    curvature::classes::Expectation,
    explain::RecordIndex,
    features::usual_expectation,
    gradient::Layers,
    graph::{Dim, Graph},
    targets::Target,
};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{keccak256, release::Manifest};

use super::{
    AttributionManifest, AuditChoices, ForeignError,
    audit::Auditor,
    check, csv,
    error::target_name,
    folder::Files,
    form::RecordForm,
    manifest::{Check, CheckpointHashes, FileHashes, Outcome, Settings, SourceHashes},
    model::{self, Given},
};

/// The files that are read.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The ONNX file.
    pub model: PathBuf,
    /// Other checkpoints of its training, with the same inputs and outputs.
    pub checkpoints: Vec<PathBuf>,
    /// Training records.
    pub records: PathBuf,
    /// Their owners.
    pub owners: PathBuf,
    /// Held-out records.
    pub held_out: PathBuf,
    /// Their suppliers; without the file nobody among the contributors supplied any.
    pub suppliers: Option<PathBuf>,
}

/// Where λ comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Damping {
    /// λ itself.
    Given(f64),
    /// The weight decay wd of training, whose objective holds wd/2 · ‖θ‖²: λ is twice that.
    WeightDecay(f64),
    /// Nothing is known of the training: λ is [`DAMPING_SHARE`](tributary_attribution::attribute::DAMPING_SHARE) of the
    /// curvature's mean eigenvalue.
    OfCurvature,
}

impl Damping {
    /// λ, if it is known beforehand.
    ///
    /// # Errors
    /// [`ForeignError::Damping`].
    pub fn value(self) -> Result<Option<f64>, ForeignError> {
        let (what, found, value) = match self {
            Self::OfCurvature => return Ok(None),
            Self::Given(damping) => ("the damping", damping, damping),
            Self::WeightDecay(decay) => ("the weight decay", decay, 2.0 * decay),
        };
        if value.is_finite() && value > 0.0 { Ok(Some(value)) } else { Err(ForeignError::Damping { what, found }) }
    }
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// What is attributed.
    pub target: Target,
    /// Whose gradients count; names may be of weights or of layers.
    pub layers: Layers,
    /// Numbers in a sketch; without it the contributors' own directions up to 256 contributors, 256 above. The
    /// contributors' own lose nothing of what is paid by, and tell records apart only as far as that needs.
    pub rank: Option<usize>,
    /// λ.
    pub damping: Damping,
    /// N of the training objective's mean; the number of records if training divided by that.
    pub denominator: Option<usize>,
    /// Seed of whatever is drawn.
    pub seed: u64,
    /// Threads of ONNX Runtime.
    pub threads: usize,
    /// Records on which the engine is checked against the model.
    pub checked: usize,
    /// What retraining is asked, if it is.
    pub audit: Option<AuditChoices>,
}

/// Where attribution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Files are read.
    Reading,
    /// The engine works.
    Engine(Stage),
    /// The engine is checked.
    Checking,
    /// The model is retrained on half-coalitions.
    Auditing {
        /// Half-coalitions done.
        done: usize,
        /// Of so many.
        of: usize,
    },
}

impl Step {
    /// Those of every attribution, in order.
    pub const ALL: [Self; 8] = [
        Self::Reading,
        Self::Engine(Stage::Factors),
        Self::Engine(Stage::Curvature),
        Self::Engine(Stage::Effects),
        Self::Engine(Stage::Directions),
        Self::Engine(Stage::Rows),
        Self::Engine(Stage::Gate),
        Self::Checking,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reading => "reading model and records",
            Self::Engine(Stage::Factors) => "measuring layers",
            Self::Engine(Stage::Curvature) => "summing the curvature",
            Self::Engine(Stage::Effects) => "summing contributors' effects",
            Self::Engine(Stage::Directions) => "factorising",
            Self::Engine(Stage::Rows) => "writing rows",
            Self::Engine(Stage::Gate) => "judging on held-out records",
            Self::Checking => "checking gradients and outputs",
            Self::Auditing { .. } => "retraining half-coalitions",
        }
    }
}

/// An attributed model and its files.
#[derive(Clone, Debug)]
pub struct Attributed {
    /// What the engine made.
    pub attribution: Attribution,
    /// What is written.
    pub files: Files,
}

/// Reads the files and attributes the model. The same files and choices give the same bytes.
///
/// # Errors
/// [`ForeignError`] names file, line and field, or the model's part, and what to do.
pub fn attribute(
    runtime: &OnnxRuntime,
    sources: &Sources,
    choices: &Choices,
    mut on_step: impl FnMut(Step),
) -> Result<Attributed, ForeignError> {
    on_step(Step::Reading);
    let damping = choices.damping.value()?;
    if choices.rank == Some(0) {
        return Err(ForeignError::Rank);
    }
    let given = Given::read(&sources.model)?;
    let others = sources.checkpoints.iter().map(|path| Given::read(path)).collect::<Result<Vec<_>, _>>()?;
    let form = RecordForm::labelled(&given.graph, choices.target)?;
    let layers = model::named(&given.graph, &choices.layers)?;
    let records = csv::records(&sources.records, &form)?;
    let owners = csv::owners(&sources.owners, records.content.len())?;
    let held_out = csv::records(&sources.held_out, &form)?;
    for labels in [records.content.labels(), held_out.content.labels()] {
        labels.check(choices.target, classes(&given))?;
    }
    let suppliers = sources.suppliers.as_ref().map(|path| csv::suppliers(path, held_out.content.len())).transpose()?;
    let hashes = SourceHashes {
        model: given.hash,
        external: given.external.clone(),
        checkpoints: others.iter().map(checkpoint).collect(),
        records: records.hash,
        owners: owners.hash,
        held_out: held_out.hash,
        suppliers: suppliers.as_ref().map(|suppliers| suppliers.hash),
    };
    let denominator = choices.denominator.unwrap_or(records.content.len());
    if denominator < records.content.len() {
        return Err(ForeignError::Denominator { denominator, records: records.content.len() });
    }
    let mut held_out = HeldOut::apart(held_out.content);
    if let Some(suppliers) = suppliers {
        held_out.suppliers = suppliers.content;
    }
    let training = OwnedRecords::new(records.content, &owners.content)?;

    let settings = AttributionSettings {
        target: choices.target,
        layers,
        damping,
        denominator,
        expectation: usual_expectation(choices.target, classes(&given), choices.seed),
        curvature: CurvatureKind::BySize,
        directions: choices.rank.map_or(Directions::BySize, |rank| Directions::Eigen { rank }),
        gate_seed: choices.seed,
        threads: choices.threads,
    };
    let checkpoints: Vec<&Graph> = std::iter::once(&given).chain(&others).map(|given| &given.graph).collect();
    let attribution = attribute_checkpoints(runtime, &checkpoints, &training, &held_out, &settings, |stage| {
        on_step(Step::Engine(stage));
    })?;
    let index = RecordIndex::new(attribution.records().clone(), training.owners(), training.accounts().len())?;
    let onnx = attribution.onnx();

    on_step(Step::Checking);
    let check = check(runtime, &given, &training, &settings, &attribution, &onnx, choices.checked)?;

    let mut result = outcome(&training, &held_out, &attribution, check);
    if let Some(choices) = &choices.audit {
        let auditor = Auditor::new(runtime, &given.graph, &training, &held_out, &settings, choices)?;
        let of = choices.coalitions * (1 + choices.frontier.len());
        let mut before = 0;
        result.audit = Some(auditor.audit(&given.graph, &attribution, |done| on_step(Step::Auditing { done, of }))?);
        for weight_decay in &choices.frontier {
            before += choices.coalitions;
            let on_retrained = |done| on_step(Step::Auditing { done: before + done, of });
            result.frontier.push(auditor.point(&given.graph, *weight_decay, on_retrained)?);
        }
    }

    let manifest = AttributionManifest {
        format: AttributionManifest::FORMAT.to_owned(),
        sources: hashes,
        files: FileHashes { model: keccak256(&onnx), table: attribution.table().hash(), index: index.hash() },
        settings: stated(&given, &settings, &attribution, choices),
        result,
    };
    let files = Files { model: onnx, table: attribution.table().clone(), index, manifest };
    Ok(Attributed { attribution, files })
}

fn checkpoint(given: &Given) -> CheckpointHashes {
    CheckpointHashes { model: given.hash, external: given.external.clone() }
}

/// Numbers in the last dimension of the output: classes, labels or tokens.
fn classes(given: &Given) -> usize {
    match given.graph.outputs.first().and_then(|output| output.shape.0.last()) {
        Some(Dim::Fixed(size)) => *size,
        _ => 1,
    }
}

fn check(
    runtime: &OnnxRuntime,
    given: &Given,
    training: &OwnedRecords,
    settings: &AttributionSettings,
    attribution: &Attribution,
    onnx: &[u8],
    count: usize,
) -> Result<Option<Check>, ForeignError> {
    if count == 0 {
        return Ok(None);
    }
    let (target, seed) = (settings.target, settings.gate_seed);
    let records = check::draw(training.records(), count, seed);
    let gradients = check::gradients(runtime, &given.graph, target, attribution.parameters(), &records, seed)?;
    let output = output(given);
    let output = check::outputs(runtime, &given.whole(), onnx, output, &records)?;
    Ok(Some(Check {
        records: gradients.records as u64,
        directions: gradients.directions as u64,
        gradient: format!("{:.1e}", gradients.largest),
        output: format!("{output:.1e}"),
    }))
}

fn output(given: &Given) -> &str {
    given.graph.outputs.first().map_or("", |output| &output.name)
}

fn stated(given: &Given, settings: &AttributionSettings, attribution: &Attribution, choices: &Choices) -> Settings {
    let (expectation, draws) = match settings.expectation {
        Expectation::Exact => ("exact", None),
        Expectation::Sampled { draws, .. } => ("sampled", Some(draws as u64)),
    };
    Settings {
        target: target_name(settings.target).to_owned(),
        output: output(given).to_owned(),
        parameters: attribution.parameters().to_vec(),
        damping: attribution.damping().to_string(),
        denominator: settings.denominator as u64,
        expectation: expectation.to_owned(),
        draws,
        rank: choices.rank.map(|rank| rank as u64),
        seed: choices.seed,
        threads: choices.threads as u64,
    }
}

fn outcome(training: &OwnedRecords, held_out: &HeldOut, attribution: &Attribution, check: Option<Check>) -> Outcome {
    let basis = attribution.basis();
    Outcome {
        records: training.records().len() as u64,
        held_out_records: held_out.records.len() as u64,
        contributors: training.accounts().len() as u64,
        passing: attribution.gate().iter().filter(|gate| gate.passes()).count() as u64,
        curvature: if attribution.is_exact() { "exact" } else { "kronecker" }.to_owned(),
        features: basis.projection.nrows() as u64,
        basis: match basis.kind {
            BasisKind::Owner => "owner",
            BasisKind::Eigen { .. } => "eigen",
            BasisKind::Checkpoints { .. } => "checkpoints",
        }
        .to_owned(),
        rank: basis.width() as u64,
        owner_mass: basis.owner_mass.to_string(),
        spectral_mass: basis.spectral_mass.to_string(),
        unit: attribution.unit().to_string(),
        // Its mantissas, its shift, its owner.
        bytes_per_record: (attribution.records().width() + 5) as u64,
        check,
        audit: None,
        frontier: Vec::new(),
    }
}
