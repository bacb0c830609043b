//! What stands for and against a release, before anything of it is published.

use std::fmt::Display;

use alloy::primitives::{Address, keccak256};
use tributary_chain::{Account, Chain, assets};
use tributary_dataset::{Charter, access::Purposes, snapshot::Contents};
use tributary_factory::{ModelCard, Release, ReleaseFiles, card::CARD_FILE};
use tributary_sdk::{
    AssetId,
    contracts::registry::{DERIVATION_CLOSED, DERIVATION_LICENSED, EDGE_DATA, EDGE_KINDS, Edge, Registration, Shares},
    release::{Manifest, ReleaseManifest, SketchReaders, SnapshotManifest, VersionRef},
};
use tributary_settlement::Policy as SettlementPolicy;

use super::{NewModel, Plan, Required, base_edge, existing, opened, registration};
use crate::{
    dataset::reading,
    steps::{DataFolder, StepError, dataset, doctor::Diagnosis},
    terms::words::percent,
};

/// What was looked at, and what would be published.
#[derive(Clone, Debug)]
pub struct Review {
    /// Everything that was looked at.
    pub checks: Vec<Diagnosis>,
    /// What will be published, in words.
    pub will: Vec<String>,
    /// The release's files.
    pub files: ReleaseFiles,
    /// The model's id.
    pub asset: AssetId,
    /// How it is registered.
    pub model: NewModel,
}

impl Review {
    /// The files and the model, if nothing stands against the release.
    ///
    /// # Errors
    /// [`StepError::NotReleased`].
    pub fn passed(&self) -> Result<(), StepError> {
        let against = |check: &Diagnosis| check.found.as_ref().err().map(|reason| format!("{}: {reason}", check.what));
        let against: Vec<String> = self.checks.iter().filter_map(against).collect();
        if against.is_empty() { Ok(()) } else { Err(StepError::NotReleased(against)) }
    }
}

/// Looks through the trained release in the data folder: its files, its permission, what is known of it, and whether the chain
/// would take it as planned. Nothing is changed.
///
/// # Errors
/// Only what keeps from looking: files that are not there, a node that does not answer. What stands against the release is in
/// the [`Review`].
pub async fn review(builder: &Account, data: &DataFolder, plan: &Plan) -> Result<Review, StepError> {
    let chain = builder.chain();
    let files = ReleaseFiles::of(&data.release())?;
    let model = plan.model(builder.address(), chain.deployment().license_token);
    let mut checks = Vec::new();
    let mut say = |what: &'static str, found: Result<String, String>| checks.push(Diagnosis { what, found });
    let release = match opened(data, &files) {
        Ok(release) => {
            say(
                "files",
                Ok(format!("model, contributor table, recipe and card are those of manifest {}", files.manifest_hash)),
            );
            release
        }
        Err(StepError::Factory(error)) => return Err(StepError::NotReleased(vec![format!("files: {error}")])),
        Err(other) => return Err(other),
    };
    let manifest = release.manifest();
    let snapshot = dataset::published(chain, data, manifest.snapshot.version).await;
    say("snapshot", on_chain(manifest, snapshot.as_ref().map(|(snapshot, _)| snapshot)));
    let asset = manifest.snapshot.asset;
    let grant = reading::grant(chain, asset, builder.address()).await?;
    let now = chain.head().await?.timestamp;
    let until = || {
        format!("{} may train on dataset {asset} until {} of the chain's time", builder.address(), grant.valid_until)
    };
    say("grant", text(grant.allows(Purposes::TRAIN, now).map(|()| until())));
    if let Ok((snapshot, tree)) = &snapshot {
        let withdrawn = Contents::of(snapshot, tree).check(&reading::withdrawals(chain, asset).await?);
        say(
            "withdrawals",
            text(withdrawn.map(|()| format!("none of its {} records was taken back", snapshot.records))),
        );
        say("pay policy", agreed(manifest, snapshot));
    }
    say("purpose", chartered(&Charter::from_committed(&data.charter()?, data.dataset()?.terms_hash)?));
    match card(data) {
        Ok(card) => {
            say("evaluation", evaluated(&card, &plan.required));
            say("attribution", measured(&card, &plan.required));
        }
        Err(reason) => say("model card", Err(reason)),
    }
    say("share table", shared(&model));
    let parents = parents(builder, &model, manifest).await;
    say("lineage", text(parents));
    let found = existing(builder, &model, manifest).await;
    let id = AssetId::derive(builder.address(), keccak256(&model.name));
    let (newest, is_published) = match &found {
        Ok(Some((asset, _, newest))) if *newest > 0 => {
            let there = assets::version(chain, *asset, *newest).await?;
            (Some(*newest), there.manifestHash == files.manifest_hash)
        }
        Ok(Some(_)) => (Some(0), false),
        _ => (None, false),
    };
    match found {
        Err(error) => say("registry", Err(error.to_string())),
        Ok(Some((asset, ..))) => say(
            "registry",
            Ok(format!(
                "model {asset} is registered; its shares, lineage, attestors and derivation rule stay as they are there"
            )),
        ),
        Ok(None) => match registration(builder, model.clone(), manifest).await {
            Ok(registration) => say("registry", taken(builder, registration).await?),
            Err(error) => say("registry", Err(error.to_string())),
        },
    }
    let mut will =
        will(&release, &files, &model, id, newest.map(|newest| newest.saturating_sub(u32::from(is_published))));
    if is_published {
        will.insert(
            0,
            "this release is published already, and is not published again; what is missing beside it is done:"
                .to_owned(),
        );
    }
    Ok(Review { checks, will, files, asset: id, model })
}

fn text<T: Display, E: Display>(found: Result<T, E>) -> Result<String, String> {
    found.map(|found| found.to_string()).map_err(|error| error.to_string())
}

fn on_chain(release: &ReleaseManifest, snapshot: Result<&SnapshotManifest, &StepError>) -> Result<String, String> {
    let VersionRef { asset, version } = release.snapshot;
    let snapshot = snapshot.map_err(ToString::to_string)?;
    match snapshot.root == release.snapshot_root {
        true => Ok(format!("version {version} of dataset {asset} has the records' root that it was trained under")),
        false => Err(format!(
            "version {version} of dataset {asset} has the root {}, it was trained under {}: train again",
            snapshot.root, release.snapshot_root
        )),
    }
}

fn agreed(release: &ReleaseManifest, snapshot: &SnapshotManifest) -> Result<String, String> {
    let policy = text(SettlementPolicy::from_name(&release.settlement_policy).map(|policy| policy.id()))?;
    match policy == snapshot.pay_policy_hash.to_string() {
        true => Ok(format!("{}, as its contributors agreed", release.settlement_policy)),
        false => Err(format!(
            "{} is not what its contributors agreed to: train again under the charter",
            release.settlement_policy
        )),
    }
}

fn chartered(charter: &Charter) -> Result<String, String> {
    match charter.purposes.contains(Purposes::TRAIN) {
        true => Ok(format!("the charter of `{}` allows: {}", charter.name, charter.purposes)),
        false => Err(format!("the charter of `{}` does not allow training", charter.name)),
    }
}

fn card(data: &DataFolder) -> Result<ModelCard, String> {
    let path = data.release().join(CARD_FILE);
    let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}; train again", path.display()))?;
    ModelCard::from_bytes(&bytes).map_err(|error| error.to_string())
}

fn evaluated(card: &ModelCard, required: &Required) -> Result<String, String> {
    let evaluation = &card.findings.evaluation;
    let (accuracy, records) = (evaluation.accuracy(), evaluation.records());
    match records > 0 && accuracy >= required.accuracy {
        true => Ok(format!("accuracy {accuracy:.3} on {records} test records")),
        false => Err(format!(
            "accuracy {accuracy:.3} on {records} test records, {} is required: train better, or ask for less",
            required.accuracy
        )),
    }
}

fn measured(card: &ModelCard, required: &Required) -> Result<String, String> {
    let found = card.findings.attribution.as_ref().and_then(|found| found.contributor_lds);
    match found {
        Some(lds) if lds.value >= required.contributor_lds => {
            Ok(format!("contributor LDS {:.2} ({:.2} to {:.2}), by retraining", lds.value, lds.low, lds.high))
        }
        Some(lds) => Err(format!("contributor LDS {:.2}, {} is required", lds.value, required.contributor_lds)),
        None if required.unmeasured => Ok("contributor LDS was not measured, and the plan says so".to_owned()),
        None => Err("nobody has measured how well it is attributed: train with `--audit 8` or more, or say \
                     `unmeasured = true` under [required]"
            .to_owned()),
    }
}

fn shared(model: &NewModel) -> Result<String, String> {
    let Shares { payee, payeeBps, host, hostBps, curators, curatorsBps, poolBps } = &model.shares;
    let named = [(payee, payeeBps, "builder"), (host, hostBps, "host"), (curators, curatorsBps, "curators")];
    if let Some((.., who)) = named.iter().find(|(address, bps, _)| (**address == Address::ZERO) != (**bps == 0)) {
        return Err(format!("the {who}'s share has no account, or their account no share"));
    }
    let upstream = u32::from(model.dataset_bps) + u32::from(model.base.map_or(0, |base| base.share_bps));
    let sum = upstream + [payeeBps, hostBps, curatorsBps, poolBps].into_iter().map(|bps| u32::from(*bps)).sum::<u32>();
    match sum {
        10_000 => Ok(words(model)),
        other => Err(format!("its shares make {other} basis points, and must make 10,000")),
    }
}

fn words(model: &NewModel) -> String {
    let shares = &model.shares;
    let mut all = vec![
        ("contributors", shares.poolBps),
        ("builder", shares.payeeBps),
        ("host", shares.hostBps),
        ("curators", shares.curatorsBps),
        ("the dataset", model.dataset_bps),
    ];
    all.extend(model.base.map(|base| ("the base", base.share_bps)));
    let all: Vec<String> =
        all.into_iter().filter(|(_, bps)| *bps > 0).map(|(who, bps)| format!("{who} {}", percent(bps))).collect();
    all.join(", ")
}

/// What each parent asks, and that it is given. Weights that are a release on this chain must be named as a base.
async fn parents(builder: &Account, model: &NewModel, release: &ReleaseManifest) -> Result<String, StepError> {
    let chain = builder.chain();
    let mut said = vec![said_of(chain, release.snapshot.asset, EDGE_DATA, model.dataset_bps).await?];
    let own = AssetId::derive(builder.address(), keccak256(&model.name));
    let before = match release.recipe.base {
        Some(weights) => assets::version_of(chain, weights).await?,
        None => None,
    };
    match (model.base, release.recipe.base) {
        // Trained on from an earlier version of the same model, whose lineage stands.
        (_, Some(_)) if before.is_some_and(|parent| parent.asset == own) => {
            said.push("trained on from an earlier version of its own".to_owned());
        }
        (Some(base), _) => {
            let edge: Edge = base_edge(chain, base, &release.recipe).await?;
            said.push(said_of(chain, base.asset, edge.kind, edge.shareBps).await?);
        }
        (None, Some(weights)) => match before {
            Some(parent) => return Err(StepError::UnnamedBase { parent, weights }),
            None => said.push(format!("trained on from weights {weights}, which nobody has published here")),
        },
        (None, None) => {}
    }
    Ok(said.join("; "))
}

async fn said_of(chain: &Chain, asset: AssetId, kind: u8, given: u16) -> Result<String, StepError> {
    let derivation = assets::asset(chain, asset).await?.derivation;
    let least = derivation.minShareBps;
    if given < least {
        return Err(StepError::ShareTooSmall { asset, least, given });
    }
    let who = match derivation.rule {
        DERIVATION_LICENSED => "may be made of it under a license",
        DERIVATION_CLOSED => "may be made of it by its owner's leave alone",
        _ => "may be made of it by anyone",
    };
    let kind = EDGE_KINDS.get(usize::from(kind)).copied().unwrap_or("?");
    Ok(format!("{kind} {asset}: {who}, for {} or more; it gets {}", percent(least), percent(given)))
}

/// Whether the registry takes it: everything that the contracts would refuse is refused now.
async fn taken(builder: &Account, registration: Registration) -> Result<Result<String, String>, StepError> {
    use tributary_chain::ChainError;
    match assets::check_registration(builder, registration).await {
        Ok(()) => Ok(Ok("it would take the model as planned".to_owned())),
        Err(error @ ChainError::Reverted { .. }) => Ok(Err(error.to_string())),
        Err(other) => Err(other.into()),
    }
}

/// What will be published, in plain words.
fn will(release: &Release, files: &ReleaseFiles, model: &NewModel, asset: AssetId, newest: Option<u32>) -> Vec<String> {
    let manifest = release.manifest();
    let version = newest.unwrap_or(0).saturating_add(1);
    let what = match newest {
        None => format!("a new model, `{}`, {asset}, with its version 1", model.name),
        Some(_) => format!("version {version} of model `{}`, {asset}", model.name),
    };
    let mut will = vec![
        what,
        format!(
            "weights {} ({} bytes) and contributor table {}",
            files.weights_hash,
            release.onnx().len(),
            files.table_hash
        ),
        format!(
            "trained on {} records of {} contributors, from {}",
            manifest.records,
            release.table().rows().len(),
            manifest.recipe.start
        ),
        format!("of every payment: {}", words(model)),
    ];
    if newest.is_none() {
        let arbiter = match model.arbitration {
            Some(arbitration) => format!("{} rules on challenged roots", arbitration.arbiter),
            None => "nobody rules on challenged roots: only faults that can be proven count".to_owned(),
        };
        will.push(format!(
            "payouts need {} of {} attestors and wait {} seconds; {arbiter}",
            model.threshold,
            model.attestors.len(),
            model.window
        ));
    }
    will.push(match manifest.sketch_readers {
        SketchReaders::Public => {
            "anybody can recompute who is paid what, and learn something of what was asked".to_owned()
        }
        SketchReaders::Attestors => {
            "attestors alone can recompute the division, and learn something of what was asked".to_owned()
        }
    });
    will
}
