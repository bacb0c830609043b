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
    CommittedRecord, Contribution, Record, Schema, ScreeningReport, Snapshot, dataset::records_hash,
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
        derivation: Derivation { rule: registry::DERIVATION_OPEN, minShareBps: 0 },
        policy: Policy { signers: vec![], threshold: 0, window: 0, settlementPolicy: B256::ZERO },
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
    consent::commit(relay, &commitments).await?;
    let signed: Vec<Signed> = batch.iter().map(|(signed, _)| signed.clone()).collect();
    consent::contribute(relay, &commitments, &signed).await?;
    let mut ids = Vec::with_capacity(batch.len());
    for (index, (signed, records)) in batch.into_iter().enumerate() {
        let id = signed.id(chain);
        let contribution = Contribution { id, contributor: signed.contribution.contributor, records };
        data.keep_contribution(&StoredContribution {
            contribution,
            commit_root: commitments.root(),
            commit_count: commitments.leaf_count(),
            commit_index: index as u64,
        })?;
        ids.push(id);
    }
    Ok(ids)
}

/// Screens everything contributed and publishes what is accepted as the dataset's next version.
pub async fn snapshot(
    steward: &Account,
    data: &DataFolder,
    held_out: &[Record],
) -> Result<(VersionRef, SnapshotManifest, ScreeningReport), StepError> {
    let mut dataset = data.dataset()?;
    let (snapshot, report, _) = screened(steward.chain(), data, dataset.schema).await?;
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

/// The stored contributions screened in the chain's order of commitments, with the set of withdrawn ones.
pub(super) async fn screened(
    chain: &Chain,
    data: &DataFolder,
    schema: Schema,
) -> Result<(Snapshot, ScreeningReport, BTreeSet<B256>), StepError> {
    let mut withdrawn = BTreeSet::new();
    let mut ordered = Vec::new();
    for stored in data.contributions()? {
        let id = stored.contribution.id;
        if consent::consent(chain, id).await?.withdrawnAt != 0 {
            withdrawn.insert(id);
        }
        let block = consent::committed_at(chain, stored.commit_root, stored.commit_count).await?;
        ordered.push(((block, stored.commit_index), stored.contribution));
    }
    ordered.sort_by_key(|(priority, contribution)| (*priority, contribution.id));
    let contributions: Vec<Contribution> = ordered.into_iter().map(|(_, contribution)| contribution).collect();
    let (snapshot, report) = Snapshot::screen(schema, &contributions, &withdrawn)?;
    Ok((snapshot, report, withdrawn))
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
