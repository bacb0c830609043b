//! Models: train on a permitted snapshot.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use alloy::primitives::Address;
use tributary_attribution::HeldOut;
use tributary_chain::Chain;
use tributary_dataset::{Charter, Permission, PermittedSnapshot, Record, Schema, Snapshot, read, schema::Label};
use tributary_factory::{
    Assessment, FactoryError, ModelCard, Promises, Release, ReleaseFiles, Step, Trained, TrainingRecipe, Workplace,
    assess, attribute,
    card::{Data, Fact, Subject, Use},
    records::{labelled, owners},
    train,
    train::RunFolder,
};
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::{
    release::{SketchReaders, VersionRef},
    table::ContributorTable,
};

use super::{DataFolder, StepError, dataset};
use crate::dataset::{Collection, reading};

/// A trained release in the data folder, not published yet.
#[derive(Clone, Debug)]
pub struct TrainedRelease {
    /// Its files and their hashes.
    pub files: ReleaseFiles,
    /// What is known of it.
    pub card: ModelCard,
    /// Optimiser steps taken.
    pub iterations: usize,
    /// Its contributor table.
    pub table: ContributorTable,
}

/// What is trained by whom, and on what it is judged.
#[derive(Clone, Debug)]
pub struct Training<'a> {
    /// Whom the dataset's owner granted training to.
    pub builder: Address,
    /// How.
    pub recipe: &'a TrainingRecipe,
    /// What gate and baseline shares are decided on: the records the dataset was registered with.
    pub held_out: &'a [Record],
    /// What it is measured on.
    pub test: &'a [Record],
    /// Threads and execution provider.
    pub session: SessionOptions,
    /// How old the state may be that it goes on from when it was stopped.
    pub state_every: Duration,
    /// What is measured by retraining.
    pub assessment: Assessment,
    /// What the model is meant for.
    pub purpose: &'a str,
    /// What the builder knows that its numbers do not bear: sentences for the card.
    pub limits: &'a [String],
    /// Who may read the sketches of the release's answers.
    pub sketch_readers: SketchReaders,
}

impl<'a> Training<'a> {
    /// On one thread of the processor, measured without retraining, for whatever the dataset is for.
    #[must_use]
    pub fn new(builder: Address, recipe: &'a TrainingRecipe, held_out: &'a [Record], test: &'a [Record]) -> Self {
        Self {
            builder,
            recipe,
            held_out,
            test,
            session: SessionOptions::default(),
            state_every: RunFolder::EVERY,
            assessment: Assessment::default(),
            purpose: "",
            limits: &[],
            sketch_readers: SketchReaders::Public,
        }
    }
}

/// Trains on the data folder's published snapshot, if the chain lets the builder from beginning to end, and writes the
/// release's run folder. A training that was stopped goes on from where it was.
pub async fn build(
    runtime: &OnnxRuntime,
    chain: &Chain,
    data: &DataFolder,
    training: Training<'_>,
    on_step: impl FnMut(Step),
) -> Result<TrainedRelease, StepError> {
    let Training { builder, recipe, held_out, test, .. } = training;
    let state = data.dataset()?;
    let version = dataset::newest(chain, data).await?;
    let (snapshot, manifest, withdrawals) = dataset::open_snapshot(chain, data, version, builder).await?;
    dataset::check_held_out(held_out, manifest.held_out_hash)?;
    let permission = Permission {
        snapshot: VersionRef { asset: state.asset, version },
        snapshot_root: manifest.root,
        grant: reading::grant(chain, state.asset, builder).await?,
        withdrawals,
    };
    let permitted = PermittedSnapshot::open(&snapshot, &permission, chain.head().await?.timestamp)?;
    let charter = Collection::open(chain, data)?.charter().clone();
    let folder = Some(RunFolder { path: data.runs(), every: training.state_every });
    let workplace = Workplace { runtime, session: training.session.clone(), folder };
    let contributors: BTreeSet<Address> = owners(&permitted).into_iter().collect();
    training.assessment.check(recipe, contributors.len())?;
    let trained = train(&workplace, &permitted, recipe, on_step)?;
    let held_out = HeldOut::apart(labelled(&charter.schema, held_out)?);
    let attribution = attribute(runtime, &permitted, &trained, recipe, &held_out)?;
    let assessment = &training.assessment;
    let findings = assess(runtime, &permitted, recipe, &trained, &attribution, &held_out, test, assessment)?;
    let mut limits = training.limits.to_vec();
    limits.extend(tested_on_trained(&snapshot, test));
    let subject = subject(&charter, &permitted, &training, &trained, contributors.len());
    let card = ModelCard::new(subject, findings, limits);
    // Training takes its time. What it was permitted under must still be so, or nothing of it is written, and nothing stays.
    let permitted_still = reading::permits(chain, state.asset, builder, &snapshot.contents()).await;
    let permitted_still = permitted_still.map_err(StepError::from);
    if matches!(permitted_still, Err(StepError::Dataset(_))) {
        trained.settle()?;
    }
    permitted_still?;
    if charter.schema.classes().is_none() {
        let folder = data.measured();
        fs::create_dir_all(&folder).map_err(|source| FactoryError::Io { path: folder.clone(), source })?;
        return Err(StepError::NotServed { card: card.write(&folder)?.markdown });
    }
    let promises = Promises { settlement_policy: &charter.pay_policy, sketch_readers: training.sketch_readers };
    let release = Release::new(&permitted, recipe, &trained, &attribution, &card, promises)?;
    let files = release.write(&data.release())?;
    trained.settle()?;
    Ok(TrainedRelease { files, card, iterations: trained.iterations, table: release.table().clone() })
}

/// A sentence for the card where test records are equal to records of the snapshot.
fn tested_on_trained(snapshot: &Snapshot, test: &[Record]) -> Option<String> {
    let trained: BTreeSet<&[u8]> = snapshot.records().map(|(record, _)| record.bytes()).collect();
    match test.iter().filter(|record| trained.contains(record.bytes())).count() {
        0 => None,
        count => Some(format!("{count} of the {} test records are equal to records of the snapshot.", test.len())),
    }
}

/// What the card of a model is about.
fn subject(
    charter: &Charter,
    data: &PermittedSnapshot<'_>,
    training: &Training<'_>,
    trained: &Trained,
    contributors: usize,
) -> Subject {
    let Training { recipe, session, purpose, .. } = training;
    let mut facts = vec![
        Fact::new("start", recipe.start.words()),
        Fact::new("method", recipe.method.name()),
        Fact::new("seed", recipe.seed),
        Fact::new("records set apart to watch training with", data.snapshot().len() - trained.used.len()),
        Fact::new("steps", trained.iterations),
        Fact::new("mean loss on the records trained on", format!("{:.6}", trained.loss)),
        Fact::new("computed by", format!("ONNX Runtime on {}, {} thread(s)", session.provider, session.threads)),
    ];
    let at_end = "largest gradient of the objective at the end";
    facts.extend(trained.gradient_norm.map(|norm| Fact::new(at_end, format!("{norm:.1e}"))));
    facts.extend(trained.base.map(|base| Fact::new("keccak-256 of the base", base)));
    Subject {
        name: charter.name.clone(),
        intended_use: Use { purpose: (*purpose).to_owned(), terms: charter.terms.clone(), purposes: charter.purposes },
        data: Data {
            snapshot: data.permission().snapshot,
            snapshot_root: data.permission().snapshot_root,
            records: trained.used.len() as u32,
            contributors: contributors as u32,
        },
        classes: match &charter.schema.label {
            Label::Class { names } => names.clone(),
            _ => Vec::new(),
        },
        training: facts,
    }
}

/// Records of a file.
pub fn records(path: &Path, schema: &Schema) -> Result<Vec<Record>, StepError> {
    Ok(read::all(path, schema)?)
}
