//! Datasets: register, contribute, snapshot, grant.

use std::collections::BTreeSet;

use alloy::{
    primitives::{Address, B256, keccak256},
    signers::local::PrivateKeySigner,
};
use rand::{SeedableRng, rngs::StdRng};
use tributary_chain::{
    Account, Chain, assets,
    consent::{self, Signed},
};
use tributary_factory::{
    CommittedRecord, Contribution, Record, Schema, ScreeningReport, Snapshot,
    dataset::{partition::LEAST_RECORDS, records_hash},
};
use tributary_sdk::{
    AssetId,
    contracts::registry::{self, Derivation, Policy, Registration, Shares},
    merkle::MerkleTree,
    release::{Manifest, SnapshotManifest, VersionRef},
    typed_data,
};
use tributary_settlement::Policy as SettlementPolicy;

use super::{
    DataFolder, StepError,
    data::{DatasetState, StoredContribution},
};

/// How long a contributor's signature may wait for its transaction, in seconds.
const CONSENT_DEADLINE: u64 = 24 * 60 * 60;

/// A dataset to register.
#[derive(Clone, Debug)]
pub struct NewDataset {
    /// For people; it also makes the asset's id, so an account can use a name once.
    pub name: String,
    /// What its records look like.
    pub schema: Schema,
    /// The terms that contributors agree to, as text.
    pub terms: String,
    /// Name of the settlement policy that contributors agree to.
    pub pay_policy: String,
    /// Records nobody trains on, for gate and baseline shares. Their hash goes on chain before contributions open.
    pub held_out: Vec<Record>,
    /// Who is paid what the dataset's vault receives.
    pub payee: Address,
}

/// Registers a dataset and commits to its held-out records.
pub async fn register(steward: &Account, data: &DataFolder, new: NewDataset) -> Result<DatasetState, StepError> {
    let pay_policy = SettlementPolicy::from_name(&new.pay_policy)?;
    let shares = Shares { payee: new.payee, payeeBps: 10_000, ..no_shares() };
    let registration = Registration {
        kind: registry::DATASET,
        salt: keccak256(&new.name),
        owner: steward.address(),
        shares,
        edges: vec![],
        derivation: Derivation::open(),
        policy: Policy::none(),
        uri: String::new(),
    };
    let (asset, vault) = assets::register(steward, registration).await?;
    let held_out_hash = records_hash(&new.held_out);
    consent::commit_hash(steward, held_out_hash, new.held_out.len() as u64).await?;
    let state = DatasetState {
        asset,
        vault,
        schema: new.schema,
        terms_hash: keccak256(&new.terms),
        held_out_hash,
        pay_policy: pay_policy.name().to_owned(),
        snapshot: None,
    };
    data.keep_dataset(&state)?;
    Ok(state)
}

/// Somebody who gives records.
#[derive(Clone, Debug)]
pub struct Giver {
    /// Their key: it signs the consent and is paid.
    pub key: PrivateKeySigner,
    /// What they give.
    pub records: Vec<Record>,
}

/// Commits to the givers' records in one batch, then records their signed consents. `relay` pays for the transactions.
pub async fn contribute(relay: &Account, data: &DataFolder, givers: Vec<Giver>) -> Result<Vec<B256>, StepError> {
    let chain = relay.chain();
    let dataset = data.dataset()?;
    let deadline = chain.head().await?.timestamp.saturating_add(CONSENT_DEADLINE);
    let pay_policy = SettlementPolicy::from_name(&dataset.pay_policy)?.id();
    let mut rng = StdRng::from_os_rng();
    let mut batch = Vec::with_capacity(givers.len());
    for giver in givers {
        for (place, record) in giver.records.iter().enumerate() {
            dataset.schema.check(place + 1, record)?;
        }
        let records: Vec<CommittedRecord> =
            giver.records.into_iter().map(|record| CommittedRecord::salted(record, &mut rng)).collect();
        let commitment = Contribution::root(&records)?;
        let contribution = typed_data::Contribution {
            datasetId: dataset.asset.0,
            contributor: giver.key.address(),
            commitment,
            records: records.len() as u64,
            termsHash: dataset.terms_hash,
            payPolicyHash: pay_policy,
            nonce: consent::nonce(commitment),
            deadline,
        };
        batch.push((Signed::new(chain, contribution, &giver.key)?, records));
    }
    let roots: Vec<B256> = batch.iter().map(|(signed, _)| signed.contribution.commitment).collect();
    let commitments = MerkleTree::new(&roots)?;
    let signed: Vec<Signed> = batch.iter().map(|(signed, _)| signed.clone()).collect();
    let ids: Vec<B256> = signed.iter().map(|signed| signed.id(chain)).collect();
    // Records and salts first: without them a consent on chain is worth nothing, and a file without consent is ignored.
    for (id, (signed, records)) in ids.iter().zip(batch) {
        let contribution = Contribution { id: *id, contributor: signed.contribution.contributor, records };
        data.keep_contribution(&StoredContribution { contribution, commit_count: commitments.leaf_count() })?;
    }
    consent::commit(relay, &commitments).await?;
    consent::contribute(relay, &commitments, &signed).await?;
    Ok(ids)
}

/// Screens everything contributed and publishes what is accepted as the dataset's next version.
pub async fn snapshot(
    steward: &Account,
    data: &DataFolder,
    held_out: &[Record],
) -> Result<(VersionRef, SnapshotManifest, ScreeningReport), StepError> {
    let mut dataset = data.dataset()?;
    check_held_out(held_out, dataset.held_out_hash)?;
    let (contributions, withdrawn) = contributions(steward.chain(), data, &dataset).await?;
    let (snapshot, report) = Snapshot::screen(dataset.schema, held_out, &contributions, &withdrawn, LEAST_RECORDS)?;
    let pay_policy = SettlementPolicy::from_name(&dataset.pay_policy)?.id();
    let manifest = snapshot.manifest(dataset.asset, held_out, dataset.terms_hash, pay_policy)?;
    let bytes = manifest.to_bytes()?;
    let hash = keccak256(&bytes);
    let version = assets::publish(steward, dataset.asset, manifest.root, hash, &uri(hash)).await?;
    data.keep_bytes(&format!("snapshots/{version}.json"), &bytes)?;
    dataset.snapshot = Some(version);
    data.keep_dataset(&dataset)?;
    Ok((VersionRef { asset: dataset.asset, version }, manifest, report))
}

/// Lets `builder` train on the dataset for a time, in seconds from now.
pub async fn grant(steward: &Account, dataset: AssetId, builder: Address, seconds: u64) -> Result<u64, StepError> {
    let until = steward.chain().head().await?.timestamp.saturating_add(seconds);
    consent::grant(steward, dataset, builder, consent::TRAIN, until).await?;
    Ok(until)
}

/// That these are the records that were committed to as held out.
pub(super) fn check_held_out(held_out: &[Record], expected: B256) -> Result<(), StepError> {
    match records_hash(held_out) {
        found if found == expected => Ok(()),
        found => Err(StepError::WrongHeldOut { found, expected }),
    }
}

/// The stored contributions in the chain's order of commitments, and which of them are withdrawn.
///
/// A file counts only as far as the chain bears it out: its consent is recorded for this dataset and this contributor,
/// and its records are the ones committed to. Others are left aside, and the log says so.
pub(super) async fn contributions(
    chain: &Chain,
    data: &DataFolder,
    dataset: &DatasetState,
) -> Result<(Vec<Contribution>, BTreeSet<B256>), StepError> {
    let mut withdrawn = BTreeSet::new();
    let mut ordered = Vec::new();
    for StoredContribution { contribution, commit_count } in data.contributions()? {
        let id = contribution.id;
        let recorded = consent::recorded(chain, id, commit_count).await?.filter(|recorded| {
            recorded.dataset == dataset.asset
                && recorded.contributor == contribution.contributor
                && Contribution::root(&contribution.records).is_ok_and(|root| root == recorded.commitment)
        });
        let Some(recorded) = recorded else {
            tracing::warn!(%id, "a contribution's file is not what the chain has recorded; it is left aside");
            continue;
        };
        if recorded.withdrawn {
            withdrawn.insert(id);
        }
        ordered.push((recorded.priority, contribution));
    }
    ordered.sort_by_key(|(priority, contribution)| (*priority, contribution.id));
    Ok((ordered.into_iter().map(|(_, contribution)| contribution).collect(), withdrawn))
}

/// A published file is named by its hash; where it can be fetched is its publisher's affair.
pub(super) fn uri(hash: B256) -> String {
    format!("urn:keccak256:{hash}")
}

pub(super) fn no_shares() -> Shares {
    Shares {
        payee: Address::ZERO,
        payeeBps: 0,
        host: Address::ZERO,
        hostBps: 0,
        curators: Address::ZERO,
        curatorsBps: 0,
        poolBps: 0,
    }
}
