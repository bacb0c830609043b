//! What a contributor does: prepare, sign, send, and look what became of it.
//!
//! Every part of it may be broken off and begun again with the same folder: what was prepared stays, what was sent is not sent
//! twice, and what is on chain is seen there.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::SolStruct,
};
use rand::{SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tributary_chain::{
    Account, Chain, assets,
    consent::{self, Signed},
};
use tributary_dataset::{
    Charter, DatasetError,
    access::{Entries, Entry},
    contribution::{
        Bundle, Part,
        bundle::{BundleSummary, BundleWriter},
    },
    durable, read,
};
use tributary_sdk::{
    api::{NewContribution, SignedReceipt},
    client::{ClientError, DatasetClient},
    merkle::MerkleTree,
    release::{Manifest, SnapshotManifest},
    snapshot::{SnapshotTree, counts_tree},
    typed_data::{self, Contribution},
};

use super::{
    StepError,
    dataset::{Given, uri, word},
};

/// How long a signature may wait for its transaction, in seconds.
const DEADLINE: u64 = 7 * 24 * 60 * 60;
/// How often a part is sent again where the host does not answer.
const TRIES: u32 = 6;
const AGAIN: Duration = Duration::from_millis(500);

/// A dataset as its host and the chain say it is.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its host.
    pub client: DatasetClient,
    /// Its rules.
    pub charter: Charter,
}

/// Asks a dataset's host what it collects, and the chain whether that is so.
///
/// # Errors
/// [`StepError::NotTheHost`] where they differ.
pub async fn ask(chain: &Chain, url: &str) -> Result<Known, StepError> {
    let client = DatasetClient::connect(url).await?;
    let info = client.info();
    let differs = |what| Err(StepError::NotTheHost { what });
    if info.chain_id != chain.id() || info.consent != chain.deployment().consent {
        return differs("chain");
    }
    if assets::uri(chain, info.dataset).await? != uri(info.terms_hash) {
        return differs("charter");
    }
    let charter = Charter::from_committed(&client.charter().await?, info.terms_hash)?;
    Ok(Known { client, charter })
}

/// Reads records, checks each against the schema, and puts them into a bundle under `folder`. What was prepared there before
/// is taken as it is.
pub fn prepare(known: &Known, records: &Path, folder: &Path) -> Result<Bundle, StepError> {
    let info = known.client.info();
    match Bundle::open(folder) {
        Ok(bundle) => return for_dataset(bundle, known),
        Err(DatasetError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => (),
        Err(other) => return Err(other.into()),
    }
    let seed = word(&mut StdRng::from_os_rng());
    let mut writer = BundleWriter::new(folder, info.dataset, info.terms_hash, seed)?;
    read::read(records, &known.charter.schema, &mut |_, record| writer.push(record))?;
    Ok(writer.finish()?)
}

fn for_dataset(bundle: Bundle, known: &Known) -> Result<Bundle, StepError> {
    let BundleSummary { dataset, terms_hash, .. } = *bundle.summary();
    let info = known.client.info();
    match (dataset, terms_hash) == (info.dataset, info.terms_hash) {
        true => Ok(bundle),
        false => Err(StepError::OtherBundle { path: bundle.folder().to_owned(), dataset }),
    }
}

/// `consent.json` beside a bundle: what is agreed to, and the signature once it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Agreement {
    /// What is agreed to.
    pub contribution: Contribution,
    /// The contributor's signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Bytes>,
}

impl Agreement {
    /// The consent's id.
    pub fn id(&self, chain: &Chain) -> B256 {
        self.contribution.eip712_signing_hash(&chain.consent_domain())
    }

    /// The message as wallets take it (`eth_signTypedData_v4`).
    pub fn typed_data(&self, chain: &Chain) -> Value {
        let Contribution { datasetId, contributor, commitment, records, termsHash, payPolicyHash, nonce, deadline } =
            self.contribution.clone();
        let field = |name: &str, kind: &str| json!({ "name": name, "type": kind });
        json!({
            "types": {
                "EIP712Domain": [
                    field("name", "string"), field("version", "string"), field("chainId", "uint256"),
                    field("verifyingContract", "address"),
                ],
                "Contribution": [
                    field("datasetId", "uint128"), field("contributor", "address"), field("commitment", "bytes32"),
                    field("records", "uint64"), field("termsHash", "bytes32"), field("payPolicyHash", "bytes32"),
                    field("nonce", "uint256"), field("deadline", "uint64"),
                ],
            },
            "primaryType": "Contribution",
            "domain": {
                "name": "Tributary", "version": "1", "chainId": chain.id(),
                "verifyingContract": chain.deployment().consent,
            },
            "message": {
                "datasetId": datasetId.to_string(), "contributor": contributor, "commitment": commitment,
                "records": records.to_string(), "termsHash": termsHash, "payPolicyHash": payPolicyHash,
                "nonce": nonce.to_string(), "deadline": deadline.to_string(),
            },
        })
    }
}

/// What the contributor of a bundle is to sign: as it was, if that can still be recorded or is, otherwise with a new deadline.
pub async fn agreement(
    chain: &Chain,
    known: &Known,
    bundle: &Bundle,
    contributor: Address,
) -> Result<Agreement, StepError> {
    let now = chain.head().await?.timestamp;
    if let Some(agreement) = kept_agreement(bundle)? {
        let signer = agreement.contribution.contributor;
        if agreement.signature.is_some() && signer != contributor {
            let path = bundle.folder().join("consent.json");
            return Err(StepError::OtherSigner { path, signer, asked: contributor });
        }
        let stands = signer == contributor
            && (agreement.contribution.deadline > now
                || consent::recorded(chain, agreement.id(chain)).await?.is_some());
        if stands {
            return Ok(agreement);
        }
    }
    let BundleSummary { commitment, records, dataset, terms_hash, .. } = *bundle.summary();
    let given = Given { commitment, records, contributor, deadline: now.saturating_add(DEADLINE) };
    let parts = &bundle.summary().parts;
    let contribution = given.under(dataset, terms_hash, &known.charter.pay_policy, parts)?;
    let agreement = Agreement { contribution, signature: None };
    keep(bundle, "consent.json", &agreement)?;
    Ok(agreement)
}

/// What the contributor of a bundle has signed.
///
/// # Errors
/// [`StepError::NotSigned`].
pub fn signed(bundle: &Bundle) -> Result<Agreement, StepError> {
    let not_signed = || StepError::NotSigned { path: bundle.folder().join("consent.json") };
    kept_agreement(bundle)?.filter(|agreement| agreement.signature.is_some()).ok_or_else(not_signed)
}

fn kept_agreement(bundle: &Bundle) -> Result<Option<Agreement>, StepError> {
    let path = bundle.folder().join("consent.json");
    match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StepError::File { path, source }),
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| StepError::Unreadable { path, reason: error.to_string() }),
    }
}

/// Keeps a signature with what it signs.
pub fn sign(bundle: &Bundle, agreement: &Agreement, signature: Bytes) -> Result<Agreement, StepError> {
    let agreement = Agreement { signature: Some(signature), ..agreement.clone() };
    keep(bundle, "consent.json", &agreement)?;
    Ok(agreement)
}

fn keep(bundle: &Bundle, name: &str, value: &impl Serialize) -> Result<(), StepError> {
    let path = bundle.folder().join(name);
    let file = |source| StepError::File { path: path.clone(), source };
    let unreadable = |error: serde_json::Error| StepError::Unreadable { path: path.clone(), reason: error.to_string() };
    durable::write(&path, &serde_json::to_vec_pretty(value).map_err(unreadable)?).map_err(file)
}

/// Sends a signed bundle: announces it, records the consent on chain, sends the parts that the host does not have, and keeps
/// its receipt. `relay` pays for the transactions; anybody may. `on_bytes` hears how many bytes have come so far.
pub async fn send(
    relay: &Account,
    known: &Known,
    bundle: &Bundle,
    agreement: &Agreement,
    mut on_bytes: impl FnMut(u64),
) -> Result<SignedReceipt, StepError> {
    let chain = relay.chain();
    let (client, id) = (&known.client, agreement.id(chain));
    let Some(signature) = agreement.signature.clone() else {
        return Err(StepError::NotSigned { path: bundle.folder().join("consent.json") });
    };
    let contribution = agreement.contribution.clone();
    let parts = bundle.summary().parts.clone();
    // The host sees the commitment before it is on chain, and no record: it knows nothing that could be committed earlier.
    let new =
        NewContribution { contribution: contribution.clone(), signature: signature.clone(), parts: parts.clone() };
    let mut here = client.announce(&new).await?;
    if !here.is_recorded {
        let commitments = MerkleTree::new(&[contribution.commitment])?;
        consent::commit(relay, &commitments).await?;
        consent::contribute(relay, &commitments, &[Signed { contribution: contribution.clone(), signature }]).await?;
        here = client.contribution(id).await?;
    }
    let missing: u64 = here.missing.iter().filter_map(|place| parts.get(*place as usize)).map(|part| part.bytes).sum();
    let mut came = parts.iter().map(|part| part.bytes).sum::<u64>().saturating_sub(missing);
    on_bytes(came);
    for place in here.missing {
        let bytes = bundle.part(place as usize)?;
        let length = bytes.len() as u64;
        send_part(client, id, place, bytes).await?;
        came = came.saturating_add(length);
        on_bytes(came);
    }
    let signed = client.receipt(id).await?;
    check_receipt(chain, known, &contribution, id, &signed)?;
    keep(bundle, "receipt.json", &signed)?;
    Ok(signed)
}

async fn send_part(client: &DatasetClient, id: B256, place: u32, bytes: Vec<u8>) -> Result<(), StepError> {
    let mut tries = 0;
    loop {
        match client.send_part(id, place, bytes.clone()).await {
            Err(ClientError::Transport(_)) if tries < TRIES => {
                tokio::time::sleep(AGAIN * 2u32.pow(tries)).await;
                tries += 1;
            }
            other => return Ok(other?),
        }
    }
}

fn check_receipt(
    chain: &Chain,
    known: &Known,
    agreed: &Contribution,
    id: B256,
    signed: &SignedReceipt,
) -> Result<(), StepError> {
    let receipt = &signed.receipt;
    typed_data::verify(receipt, &chain.consent_domain(), &signed.signature, known.client.info().host)?;
    let found = (receipt.contributionId, receipt.datasetId, receipt.contributor, receipt.commitment, receipt.records);
    let expected = (id, agreed.datasetId, agreed.contributor, agreed.commitment, agreed.records);
    match found == expected {
        true => Ok(()),
        false => Err(StepError::Receipt("it is for another contribution".to_owned())),
    }
}

/// What became of a bundle's records in a published snapshot, each proven against the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The snapshot.
    pub version: u32,
    /// Records of the whole snapshot.
    pub records: u64,
    /// Places of the contribution's records that are in it.
    pub inside: Vec<u64>,
    /// Places of those that are not.
    pub outside: Vec<u64>,
}

/// Proves of every record of a bundle whether a snapshot holds it: by all commitments that are under its root. How many
/// records each contributor has must be on chain as well.
///
/// # Errors
/// [`StepError::Dataset`] where the commitments are not the root's, [`StepError::NotTheHost`] where the counts differ.
pub async fn standing(chain: &Chain, known: &Known, bundle: &Bundle, version: u32) -> Result<Standing, StepError> {
    let published = assets::version(chain, known.client.info().dataset, version).await?;
    let bytes = known.client.snapshot(version).await?;
    let manifest = SnapshotManifest::from_committed(&bytes, published.manifestHash)?;
    let tree = SnapshotTree::new(known.client.commitments(version).await?).map_err(DatasetError::from)?;
    if tree.root() != published.contentHash {
        return Err(DatasetError::SnapshotRoot { found: tree.root(), expected: published.contentHash }.into());
    }
    let mut counts = BTreeMap::<Address, u64>::new();
    for taken in &manifest.contributions {
        *counts.entry(taken.contributor).or_default() += u64::from(taken.accepted);
    }
    let root = counts_tree(&counts).map_err(DatasetError::from)?.root().hash;
    let on_chain = consent::committed_in(chain, root, counts.len() as u64).await?;
    if root != manifest.counts_root || on_chain.is_none() {
        return Err(StepError::NotTheHost { what: "counts of records" });
    }
    let mut standing = Standing { version, records: tree.records(), inside: Vec::new(), outside: Vec::new() };
    for (place, commitment) in (0..).zip(commitments(known, bundle)?) {
        let proof = tree.prove(commitment).map_err(DatasetError::from)?;
        let is_in = proof.verify(published.contentHash, tree.records(), commitment).map_err(DatasetError::from)?;
        if is_in { standing.inside.push(place) } else { standing.outside.push(place) }
    }
    Ok(standing)
}

/// The commitments to a bundle's records.
pub fn commitments(known: &Known, bundle: &Bundle) -> Result<Vec<B256>, StepError> {
    let mut commitments = Vec::new();
    for place in 0..bundle.summary().parts.len() {
        let part = Part::decode(&bundle.part(place)?, &known.charter.schema)?;
        let entries = (part.first..).zip(&part.entries);
        commitments.extend(entries.map(|(place, entry)| entry.commitment(part.seed, place)));
    }
    Ok(commitments)
}

/// Takes one record of a sent bundle back, on chain.
pub async fn withdraw_record(
    account: &Account,
    known: &Known,
    bundle: &Bundle,
    agreement: &Agreement,
    place: u64,
) -> Result<B256, StepError> {
    let commitments = commitments(known, bundle)?;
    let tree = MerkleTree::new(&commitments)?;
    let unknown = || StepError::NoSuchRecord { place, records: commitments.len() as u64 };
    let commitment = *usize::try_from(place).ok().and_then(|place| commitments.get(place)).ok_or_else(unknown)?;
    consent::withdraw_record(account, &agreement.contribution, &tree, place, commitment).await?;
    Ok(commitment)
}

/// Checks the log of who read the dataset's records: that its lines follow one another, and that every published snapshot's
/// manifest names one of them. Returns its entries.
///
/// # Errors
/// [`StepError::Dataset`] for a broken log, [`StepError::NotTheHost`] where a line that a manifest names is not there.
pub async fn access_log(chain: &Chain, known: &Known) -> Result<Vec<Entry>, StepError> {
    let lines = known.client.access_log().await?;
    let entries: Vec<Entry> = Entries::new(lines.as_slice()).collect::<Result<_, _>>()?;
    let dataset = known.client.info().dataset;
    for version in 1..=assets::asset(chain, dataset).await?.versions {
        let published = assets::version(chain, dataset, version).await?;
        let bytes = known.client.snapshot(version).await?;
        let manifest = SnapshotManifest::from_committed(&bytes, published.manifestHash)?;
        if !entries.iter().any(|entry| entry.hash == manifest.access_head) {
            return Err(StepError::NotTheHost { what: "access log" });
        }
    }
    Ok(entries)
}
