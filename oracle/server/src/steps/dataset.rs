//! Datasets: create, contribute, screen, snapshot, grant.

use alloy::{
    primitives::{Address, B256, keccak256},
    signers::local::PrivateKeySigner,
};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use tributary_chain::{
    Account, Chain, assets,
    consent::{self, Signed},
    transact,
};
use tributary_dataset::{
    Charter, DatasetError, Record, Snapshot,
    access::Purposes,
    contribution::bundle::{self, BundleSummary, BundleWriter},
    records_hash,
    screening::{Said, ScreeningReport},
    snapshot::{Contents, Screened, Taking, Under, Withdrawals},
};
use tributary_sdk::{
    AssetId,
    api::{NewContribution, PartSummary},
    contracts::registry::{self, Derivation, Policy, Registration, Shares},
    merkle::MerkleTree,
    records::LEAST_RECORDS,
    release::{Manifest, SnapshotManifest, VersionRef},
    snapshot::SnapshotTree,
    typed_data,
};
use tributary_settlement::Policy as SettlementPolicy;

use super::{
    DataFolder, StepError,
    data::{DatasetState, SnapshotFile},
};
use crate::dataset::{Collected, Collection, Reading, reading};

/// How long a contributor's signature may wait for its transaction, in seconds.
const CONSENT_DEADLINE: u64 = 24 * 60 * 60;

/// A dataset to create.
#[derive(Clone, Debug)]
pub struct NewDataset {
    /// Its rules. Its name makes the asset's id as well, so an account can use a name once.
    pub charter: Charter,
    /// The records that the charter names as held out. Their hash goes on chain before contributions open.
    pub held_out: Vec<Record>,
    /// Who is paid what the dataset's vault receives.
    pub payee: Address,
    /// Where sealed records are kept: a folder, or `s3://bucket/prefix`; in the data folder if nothing is said.
    pub store: Option<String>,
}

/// Registers a dataset under its charter, and commits to its held-out records.
pub async fn create(steward: &Account, data: &DataFolder, new: NewDataset) -> Result<DatasetState, StepError> {
    let charter = new.charter.checked()?;
    SettlementPolicy::from_name(&charter.pay_policy)?;
    check_held_out(&new.held_out, charter.held_out_hash)?;
    let terms_hash = Collection::found(data, &charter)?;
    let shares = Shares { payee: new.payee, payeeBps: 10_000, ..no_shares() };
    let registration = Registration {
        kind: registry::DATASET,
        salt: keccak256(&charter.name),
        owner: steward.address(),
        shares,
        edges: vec![],
        derivation: Derivation::open(),
        policy: Policy::none(),
        uri: uri(terms_hash),
    };
    // First of all: it is older than whatever is contributed.
    consent::commit_hash(steward, charter.held_out_hash, new.held_out.len() as u64).await?;
    let (asset, vault) = match assets::registered(steward, registration.salt, &registration.uri).await? {
        // Broken off right after it was registered.
        Some(found) => found,
        None => assets::register(steward, registration).await?,
    };
    let state = DatasetState { asset, vault, terms_hash, store: new.store };
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

/// Commits to the givers' records in one batch, then records their signed consents, and keeps their records. `relay` pays
/// for the transactions and signs the receipts. Contributors who are elsewhere send a bundle: [`super::contributing`].
pub async fn contribute(
    relay: &Account,
    relay_key: &PrivateKeySigner,
    data: &DataFolder,
    givers: Vec<Giver>,
) -> Result<Vec<B256>, StepError> {
    let chain = relay.chain();
    let collection = Collection::open(chain, data)?;
    let deadline = chain.head().await?.timestamp.saturating_add(CONSENT_DEADLINE);
    let mut rng = StdRng::from_os_rng();
    let mut batch = Vec::with_capacity(givers.len());
    for giver in givers {
        for (place, record) in giver.records.iter().enumerate() {
            let wrong = |fault| DatasetError::Record { row: place + 1, fault };
            collection.charter().schema.check(record.bytes()).map_err(wrong)?;
        }
        // On disk before anything is on chain: without records and seed a consent is worth nothing.
        let seed = word(&mut rng);
        let folder = data.join(format!("given/{}", keccak256(seed)));
        let mut writer = BundleWriter::new(&folder, collection.asset(), collection.terms_hash(), seed)?;
        giver.records.into_iter().try_for_each(|record| writer.push(record))?;
        let bundle = writer.finish()?;
        let BundleSummary { commitment, records, .. } = *bundle.summary();
        let given = Given { commitment, records, contributor: giver.key.address(), deadline };
        let agreement = given.agreement(&collection, &bundle.summary().parts)?;
        batch.push((Signed::new(chain, agreement, &giver.key)?, bundle));
    }
    let roots: Vec<B256> = batch.iter().map(|(signed, _)| signed.contribution.commitment).collect();
    let commitments = MerkleTree::new(&roots)?;
    let signed: Vec<Signed> = batch.iter().map(|(signed, _)| signed.clone()).collect();
    let mut ids = Vec::with_capacity(batch.len());
    for (signed, bundle) in &batch {
        let (contribution, signature) = (signed.contribution.clone(), signed.signature.clone());
        let new = NewContribution { contribution, signature, parts: bundle.summary().parts.clone() };
        ids.push(collection.admit(new).await?.id);
    }
    consent::commit(relay, &commitments).await?;
    consent::contribute(relay, &commitments, &signed).await?;
    for (id, (_, bundle)) in ids.iter().zip(&batch) {
        for place in 0..bundle.summary().parts.len() {
            let expected = collection.expected(*id, place).await?;
            collection.take_part(expected, &bundle.part(place)?).await?;
        }
        collection.complete(*id, relay_key).await?;
        let folder = bundle.folder();
        let file = |source| StepError::File { path: folder.to_owned(), source };
        std::fs::remove_dir_all(folder).map_err(file)?;
    }
    Ok(ids)
}

/// What a contributor agrees to, beside the charter.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// The root of the records' commitments.
    pub commitment: B256,
    /// How many records.
    pub records: u64,
    /// Who gives them.
    pub contributor: Address,
    /// The last second at which the consent may be recorded.
    pub deadline: u64,
}

impl Given {
    /// The message to sign.
    pub fn agreement(
        &self,
        collection: &Collection,
        parts: &[PartSummary],
    ) -> Result<typed_data::Contribution, StepError> {
        self.under(collection.asset(), collection.terms_hash(), &collection.charter().pay_policy, parts)
    }

    /// The message to sign, by what a dataset's host says.
    pub fn under(
        &self,
        dataset: AssetId,
        terms_hash: B256,
        pay_policy: &str,
        parts: &[PartSummary],
    ) -> Result<typed_data::Contribution, StepError> {
        Ok(typed_data::Contribution {
            datasetId: dataset.0,
            contributor: self.contributor,
            commitment: self.commitment,
            records: self.records,
            termsHash: terms_hash,
            payPolicyHash: SettlementPolicy::from_name(pay_policy)?.id(),
            nonce: bundle::nonce(self.commitment, parts),
            deadline: self.deadline,
        })
    }
}

/// A published snapshot, and how it came about.
#[derive(Clone, Debug)]
pub struct Published {
    /// The version.
    pub version: VersionRef,
    /// What was published.
    pub manifest: SnapshotManifest,
    /// What taking it did.
    pub outcome: Screened,
    /// Contributions that are not whole, or not on chain.
    pub waiting: Vec<B256>,
}

/// Screens everything contributed for its curator; nothing is published.
pub async fn screen(
    curator: Address,
    chain: &Chain,
    data: &DataFolder,
    held_out: &[Record],
) -> Result<(Screened, ScreeningReport), StepError> {
    let collection = Collection::open(chain, data)?;
    check_held_out(held_out, collection.charter().held_out_hash)?;
    let collected =
        collection.open_for(Reading { by: curator, purposes: Purposes::CURATE, version: None }, None).await?;
    let outcome = take(&collection, &collected, held_out, &collection.said().await?)?;
    let (report, _) = keep_report(data, &outcome)?;
    Ok((outcome, report))
}

/// Screens everything contributed and publishes what is accepted as the dataset's next version.
pub async fn snapshot(steward: &Account, data: &DataFolder, held_out: &[Record]) -> Result<Published, StepError> {
    // A snapshot that was sent before this was broken off counts what it decided: nothing is counted twice.
    transact::settled(steward).await?;
    let collection = Collection::open(steward.chain(), data)?;
    check_held_out(held_out, collection.charter().held_out_hash)?;
    let reading = Reading { by: steward.address(), purposes: Purposes::CURATE, version: None };
    let collected = collection.open_for(reading, None).await?;
    let outcome = take(&collection, &collected, held_out, &collection.said().await?)?;
    let (_, report) = keep_report(data, &outcome)?;
    let charter = collection.charter();
    let under = Under {
        screening_hash: keccak256(&report),
        held_out_hash: charter.held_out_hash,
        terms_hash: collection.terms_hash(),
        pay_policy_hash: SettlementPolicy::from_name(&charter.pay_policy)?.id(),
        access_head: collection.access_log().await?.head().map_or(B256::ZERO, |head| head.hash),
    };
    let manifest = outcome.snapshot.manifest(collection.asset(), under)?;
    let bytes = manifest.to_bytes()?;
    let hash = keccak256(&bytes);
    let accounts = outcome.snapshot.records_by_account().len() as u64;
    // Before the version: what is on chain has all its parts.
    consent::commit_hash(steward, manifest.counts_root, accounts).await?;
    let tree = outcome.snapshot.tree()?;
    data.keep_snapshot(hash, SnapshotFile::Screening, &report)?;
    data.keep_snapshot(hash, SnapshotFile::Commitments, &tree.commitments().concat())?;
    data.keep_snapshot(hash, SnapshotFile::Manifest, &bytes)?;
    // Screening takes its time, and nobody's records are published who took them back meanwhile.
    outcome.snapshot.contents().check(&reading::withdrawals(steward.chain(), collection.asset()).await?)?;
    let version = assets::publish(steward, collection.asset(), manifest.root, hash, &uri(hash)).await?;
    let version = VersionRef { asset: collection.asset(), version };
    Ok(Published { version, manifest, outcome, waiting: collected.waiting })
}

/// What screening lets through.
fn take(
    collection: &Collection,
    collected: &Collected,
    held_out: &[Record],
    said: &Said,
) -> Result<Screened, StepError> {
    let charter = collection.charter();
    let taking = Taking {
        schema: &charter.schema,
        rules: &charter.screening,
        held_out,
        withdrawals: &collected.withdrawals,
        said,
        rulings: &collection.rulings()?,
        least: LEAST_RECORDS,
    };
    Ok(Snapshot::take(&collected.contributions, &taking)?)
}

/// Leaves the report where the curator reads it: for programs, and for people. Returns it and the bytes that are published.
fn keep_report(data: &DataFolder, outcome: &Screened) -> Result<(ScreeningReport, Vec<u8>), StepError> {
    let report = outcome.screening.report();
    let path = data.join("screening.json");
    let unwritable = |error: serde_json::Error| StepError::Unreadable { path, reason: error.to_string() };
    let bytes = report.to_json().map_err(unwritable)?.into_bytes();
    data.keep_bytes("screening.json", &bytes)?;
    data.keep_bytes("screening.md", report.to_markdown().as_bytes())?;
    Ok((report, bytes))
}

/// A published snapshot's manifest, and the tree over its records, as the chain commits to both.
pub async fn published(
    chain: &Chain,
    data: &DataFolder,
    version: u32,
) -> Result<(SnapshotManifest, SnapshotTree), StepError> {
    let published = assets::version(chain, data.dataset()?.asset, version).await?;
    let hash = published.manifestHash;
    let manifest = SnapshotManifest::from_committed(&data.snapshot(hash, SnapshotFile::Manifest)?, hash)?;
    let commitments = data.snapshot(hash, SnapshotFile::Commitments)?;
    let commitments = commitments.chunks_exact(32).map(B256::from_slice).collect();
    let tree = SnapshotTree::new(commitments).map_err(DatasetError::from)?;
    match tree.root() == published.contentHash {
        true => Ok((manifest, tree)),
        false => Err(DatasetError::SnapshotRoot { found: tree.root(), expected: published.contentHash }.into()),
    }
}

/// A published snapshot's screening report, as the chain commits to it.
pub async fn screening(chain: &Chain, data: &DataFolder, version: u32) -> Result<ScreeningReport, StepError> {
    let hash = assets::version(chain, data.dataset()?.asset, version).await?.manifestHash;
    let manifest = SnapshotManifest::from_committed(&data.snapshot(hash, SnapshotFile::Manifest)?, hash)?;
    let bytes = data.snapshot(hash, SnapshotFile::Screening)?;
    let unreadable = |reason: String| StepError::Unreadable { path: data.join("snapshots"), reason };
    if keccak256(&bytes) != manifest.screening_hash {
        return Err(unreadable(format!("the screening report of snapshot {version} is not the published one")));
    }
    serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))
}

/// The number of the dataset's newest snapshot.
pub async fn newest(chain: &Chain, data: &DataFolder) -> Result<u32, StepError> {
    match assets::asset(chain, data.dataset()?.asset).await?.versions {
        0 => Err(StepError::Missing { path: data.join("snapshots"), command: "tributary dataset snapshot" }),
        newest => Ok(newest),
    }
}

/// Opens a published snapshot for somebody who has a grant to train on it: its records, and what was taken back since.
///
/// Grant and withdrawals are asked of the chain before anything is unsealed.
pub async fn open_snapshot(
    chain: &Chain,
    data: &DataFolder,
    version: u32,
    builder: Address,
) -> Result<(Snapshot, SnapshotManifest, Withdrawals), StepError> {
    let collection = Collection::open(chain, data)?;
    let (manifest, tree) = published(chain, data, version).await?;
    // What was contributed since belongs to a later snapshot; what was withdrawn since forbids this one.
    let contents = Contents::of(&manifest, &tree);
    let reading = Reading { by: builder, purposes: Purposes::TRAIN, version: Some(version) };
    let Collected { contributions, withdrawals, .. } = collection.open_for(reading, Some(&contents)).await?;
    let schema = &collection.charter().schema;
    let snapshot = Snapshot::restore(schema, &manifest, &contents, &contributions)?;
    Ok((snapshot, manifest, withdrawals))
}

/// Lets somebody use the dataset for a time, in seconds from now.
pub async fn grant(
    steward: &Account,
    dataset: AssetId,
    grantee: Address,
    purposes: Purposes,
    seconds: u64,
) -> Result<u64, StepError> {
    let until = steward.chain().head().await?.timestamp.saturating_add(seconds);
    consent::grant(steward, dataset, grantee, purposes.bits(), until).await?;
    Ok(until)
}

/// That these are the records that were committed to as held out.
pub(super) fn check_held_out(held_out: &[Record], expected: B256) -> Result<(), StepError> {
    match records_hash(held_out) {
        found if found == expected => Ok(()),
        found => Err(StepError::WrongHeldOut { found, expected }),
    }
}

pub(super) fn word(rng: &mut impl RngCore) -> B256 {
    let mut word = B256::ZERO;
    rng.fill_bytes(word.as_mut_slice());
    word
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
