//! A batch recomputed from nothing but its bytes and the chain: what attestors do before they sign, and what anyone can
//! do afterwards.

use std::collections::BTreeMap;

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolStruct,
};
use tributary_sdk::{
    batch::{Batch, ReceiptRow, Session},
    contracts::{AttributionLedger, ledger::RootStatement as PostedStatement},
    merkle::MerkleError,
    release::{Manifest, ReleaseManifest},
    sum_tree::{SumTree, SumTreeError},
    table::{ContributorTable, TableError},
    typed_data::{self, RootStatement, SignatureError},
};
use tributary_settlement::{Policy, Settlement};

use crate::{
    Chain, ChainError, assets, epoch,
    licenses::{self, rights},
    revenue::{self, Account},
    transact::ask,
};

/// Why a batch does not hold. Nothing is signed on any of these.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The batch is for another chain.
    #[error("the batch is for chain {found}, this is chain {expected}")]
    WrongChain {
        /// In the batch.
        found: u64,
        /// Of the node asked.
        expected: u64,
    },
    /// The batch names a vault that is not the model's.
    #[error("the batch divides vault {found}, the model's vault is {expected}")]
    WrongVault {
        /// In the batch.
        found: Address,
        /// In the registry.
        expected: Address,
    },
    /// The signing host is not the one the model's share table pays.
    #[error("the batch's host is {found}, the model's host is {expected}")]
    WrongHost {
        /// In the batch.
        found: Address,
        /// In the registry.
        expected: Address,
    },
    /// The weights of the manifest are not the release's.
    #[error("the manifest's weights {found} are not the release's {expected}")]
    WrongWeights {
        /// In the manifest.
        found: B256,
        /// On chain.
        expected: B256,
    },
    /// The table is not the one committed with the release.
    #[error("the table's hash is {found}, the release commits to {expected}")]
    WrongTable {
        /// Of the batch's table.
        found: B256,
        /// In the manifest.
        expected: B256,
    },
    /// The release's settlement policy is not the one the vault is bound to.
    #[error("the release settles by {found}, the vault is bound to {expected}")]
    WrongPolicy {
        /// In the manifest.
        found: B256,
        /// On chain.
        expected: B256,
    },
    /// The batch does not continue the last active root.
    #[error("the batch continues root {found}, the last active root is {expected}")]
    WrongPrevious {
        /// In the batch.
        found: B256,
        /// On chain.
        expected: B256,
    },
    /// The batch's epoch ends in the future, or not after the one before.
    #[error("the epoch ends at {end}, it must be after {after} and not after the chain's time {now}")]
    BadPeriod {
        /// In the batch.
        end: u64,
        /// End of the period before.
        after: u64,
        /// The chain's time.
        now: u64,
    },
    /// More was allocated before than the pool was ever credited.
    #[error("earlier roots allocate more than the vault credited to the pool")]
    OverAllocated,
    /// Receipts are not strictly ascending by id: one may be counted twice.
    #[error("receipt {0} is out of order or counted twice")]
    ReceiptOrder(B256),
    /// A receipt, its request, its session or its sketch do not fit together.
    #[error("receipt {id}: {problem}")]
    Receipt {
        /// Which receipt.
        id: B256,
        /// What does not fit.
        problem: String,
    },
    /// A session was not authorised by somebody licensed.
    #[error("session key {key}: {problem}")]
    Session {
        /// The session key.
        key: Address,
        /// What is wrong.
        problem: String,
    },
    /// The payouts in the batch are not what the settlement gives.
    #[error("recomputing gives root {recomputed}, the batch's leaves give {claimed}")]
    Leaves {
        /// Recomputed.
        recomputed: B256,
        /// In the batch.
        claimed: B256,
    },
    /// No root on chain commits to these bytes.
    #[error("no root on chain commits to this batch: {0}")]
    NotPosted(String),
    /// A root on chain says something else than the batch.
    #[error("the root on chain differs from the recomputed one in: {0}")]
    RootDiffers(String),
    /// The table does not decode, or a sketch does not fit it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The leaves are not a payout list.
    #[error(transparent)]
    SumTree(#[from] SumTreeError),
    /// The receipts are not a tree.
    #[error(transparent)]
    Merkle(#[from] MerkleError),
}

/// A batch that holds.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The batch.
    pub batch: Batch,
    /// Who got what from which sub-pool.
    pub settlement: Settlement,
    /// The statement to attest, but for its deadline.
    pub statement: RootStatement,
    /// The payout tree.
    pub tree: SumTree,
}

/// Recomputes a batch that is about to be posted.
pub async fn before_posting(chain: &Chain, bytes: &[u8]) -> Result<Verified, ChainError> {
    let batch = Batch::from_bytes(bytes)?;
    let account = Account { vault: batch.vault, token: batch.token };
    let standing = epoch::standing(chain, account).await?;
    let before = Before { root: standing.root, period_end: standing.period_end };
    if batch.index != standing.newest + 1 || standing.newest != standing.active {
        let problem = format!("the next root has index {}, the batch {}", standing.newest + 1, batch.index);
        return Err(Fault::NotPosted(problem).into());
    }
    recompute(chain, batch, bytes, before).await
}

/// Recomputes a batch whose root is on chain, and compares them field by field.
pub async fn after_posting(chain: &Chain, bytes: &[u8]) -> Result<(Verified, RootState), ChainError> {
    let batch = Batch::from_bytes(bytes)?;
    let posted = posted(chain, &batch).await?;
    let before = match batch.index.checked_sub(1) {
        None | Some(0) => Before { root: B256::ZERO, period_end: 0 },
        Some(index) => {
            let earlier = posted_at(chain, &batch, index).await?;
            Before { root: earlier.root, period_end: earlier.periodEnd }
        }
    };
    let verified = recompute(chain, batch, bytes, before).await?;
    compare(&verified.statement, &posted)?;
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let root = ask("the attribution ledger", ledger.rootOf(posted.vault, posted.token, posted.index)).await?;
    if root.root != verified.statement.root || root.sum != verified.statement.sum {
        return Err(Fault::RootDiffers("stored root or sum".into()).into());
    }
    Ok((verified, RootState::from(root.status)))
}

/// What a posted root may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootState {
    /// Its window is open; nobody can claim yet.
    Pending,
    /// Claims are good.
    Active,
    /// Anything else the ledger may say.
    Other(u8),
}

impl From<u8> for RootState {
    fn from(status: u8) -> Self {
        match status {
            1 => Self::Pending,
            2 => Self::Active,
            other => Self::Other(other),
        }
    }
}

struct Before {
    root: B256,
    period_end: u64,
}

async fn recompute(chain: &Chain, batch: Batch, bytes: &[u8], before: Before) -> Result<Verified, ChainError> {
    if batch.chain_id != chain.id() {
        return Err(Fault::WrongChain { found: batch.chain_id, expected: chain.id() }.into());
    }
    let head = chain.head().await?;
    if batch.period_end <= before.period_end || batch.period_end > head.timestamp {
        return Err(Fault::BadPeriod { end: batch.period_end, after: before.period_end, now: head.timestamp }.into());
    }
    check_previous(&batch, &before)?;
    let (manifest, table) = check_release(chain, &batch).await?;
    check_sessions(chain, &batch).await?;
    check_receipts(chain, &batch, &manifest, &table, before.period_end)?;
    let account = Account { vault: batch.vault, token: batch.token };
    let revenue = revenue::of_period(chain, account, before.period_end, batch.period_end).await?;
    let (settlement, leaves) = epoch::settle(&manifest, &table, &revenue, &batch.receipts, &batch.previous)?;
    let tree = SumTree::new(leaves).map_err(Fault::from)?;
    let claimed = SumTree::new(batch.leaves.clone()).map_err(Fault::from)?.root();
    if claimed != tree.root() {
        return Err(Fault::Leaves { recomputed: tree.root().hash, claimed: claimed.hash }.into());
    }
    let receipts = batch.receipts_tree().map_err(Fault::from)?;
    let statement = RootStatement {
        vault: batch.vault,
        token: batch.token,
        index: batch.index,
        attempt: batch.attempt,
        prevRoot: before.root,
        root: tree.root().hash,
        sum: tree.root().sum,
        leafCount: tree.leaves().len() as u64,
        receiptsRoot: receipts.map(|tree| tree.root()).unwrap_or_default(),
        receiptsCount: batch.receipts.len() as u64,
        dataHash: Batch::data_hash(bytes),
        settlementPolicy: settlement.policy.id(),
        periodEnd: batch.period_end,
        deadline: 0,
    };
    Ok(Verified { batch, settlement, statement, tree })
}

fn check_previous(batch: &Batch, before: &Before) -> Result<(), Fault> {
    let found = match batch.previous.is_empty() {
        true => B256::ZERO,
        false => SumTree::new(batch.previous.clone())?.root().hash,
    };
    if found != before.root || batch.prev_root != before.root {
        return Err(Fault::WrongPrevious { found, expected: before.root });
    }
    Ok(())
}

async fn check_release(chain: &Chain, batch: &Batch) -> Result<(ReleaseManifest, ContributorTable), ChainError> {
    let asset = assets::asset(chain, batch.release.asset).await?;
    if asset.vault != batch.vault {
        return Err(Fault::WrongVault { found: batch.vault, expected: asset.vault }.into());
    }
    if asset.shares.host != batch.host {
        return Err(Fault::WrongHost { found: batch.host, expected: asset.shares.host }.into());
    }
    let version = assets::version(chain, batch.release.asset, batch.release.version).await?;
    let manifest = ReleaseManifest::from_committed(batch.manifest.as_bytes(), version.manifestHash)?;
    if manifest.weights_hash != version.contentHash {
        return Err(Fault::WrongWeights { found: manifest.weights_hash, expected: version.contentHash }.into());
    }
    let found = keccak256(&batch.table);
    if found != manifest.table_hash {
        return Err(Fault::WrongTable { found, expected: manifest.table_hash }.into());
    }
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let bound = ask("the attribution ledger", ledger.policyOf(batch.vault)).await?;
    let policy = Policy::from_name(&manifest.settlement_policy)?.id();
    if policy != bound.settlementPolicy {
        return Err(Fault::WrongPolicy { found: policy, expected: bound.settlementPolicy }.into());
    }
    Ok((manifest, ContributorTable::decode(&batch.table).map_err(Fault::from)?))
}

/// Every session key was authorised by somebody whom the chain calls licensed, at the block the host says it asked.
async fn check_sessions(chain: &Chain, batch: &Batch) -> Result<(), ChainError> {
    for session in &batch.sessions {
        let authorization = &session.authorization;
        let problem = |problem: String| Fault::Session { key: authorization.sessionKey, problem };
        typed_data::verify(authorization, &chain.ledger_domain(), &session.signature, session.holder)
            .map_err(|error| problem(error.to_string()))?;
        let license = licenses::license(chain, authorization.licenseId).await?;
        if license.assetId != batch.release.asset.0 {
            return Err(problem(format!("license {} is for another asset", authorization.licenseId)).into());
        }
        let block = BlockId::number(session.block);
        let licensed =
            licenses::is_licensed(chain, authorization.licenseId, session.holder, rights::INFER, block).await?;
        if !licensed {
            let text = format!("{} was not licensed at block {}", session.holder, session.block);
            return Err(problem(text).into());
        }
    }
    Ok(())
}

fn check_receipts(
    chain: &Chain,
    batch: &Batch,
    manifest: &ReleaseManifest,
    table: &ContributorTable,
    after: u64,
) -> Result<(), Fault> {
    let mut sessions: BTreeMap<(Address, U256), Vec<&Session>> = BTreeMap::new();
    for session in &batch.sessions {
        let authorization = &session.authorization;
        sessions.entry((authorization.sessionKey, authorization.licenseId)).or_default().push(session);
    }
    let mut last = None;
    for row in &batch.receipts {
        let id = row.receipt.id;
        if last.is_some_and(|last| last >= id) {
            return Err(Fault::ReceiptOrder(id));
        }
        last = Some(id);
        // A key may have been signed in more than once: one session that covers the receipt is enough.
        let covers = |session: &&&Session| {
            session.holder == row.receipt.payer && row.receipt.servedAt < session.authorization.expiresAt
        };
        let own = sessions.get(&(row.session_key, row.receipt.licenseId));
        let covered = own.and_then(|own| own.iter().find(covers)).is_some();
        let problem = signature_problem(chain, batch, row)
            .err()
            .map(|error| error.to_string())
            .or_else(|| (!covered).then(|| "no session authorises its key for its license, payer and time".to_owned()))
            .or_else(|| field_problem(chain, batch, manifest, table, after, row).map(str::to_owned));
        if let Some(problem) = problem {
            return Err(Fault::Receipt { id, problem });
        }
    }
    Ok(())
}

fn signature_problem(chain: &Chain, batch: &Batch, row: &ReceiptRow) -> Result<(), SignatureError> {
    let domain = chain.ledger_domain();
    typed_data::verify(&row.receipt, &domain, &row.host_signature, batch.host)?;
    typed_data::verify(&row.request, &domain, &row.request_signature, row.session_key)
}

/// Everything in a receipt that follows from something else.
fn field_problem(
    chain: &Chain,
    batch: &Batch,
    manifest: &ReleaseManifest,
    table: &ContributorTable,
    after: u64,
    row: &ReceiptRow,
) -> Option<&'static str> {
    let (receipt, request) = (&row.receipt, &row.request);
    let checks = [
        (
            receipt.assetId == batch.release.asset.0 && receipt.version == batch.release.version,
            "another release served it",
        ),
        (request.assetId == receipt.assetId && request.version == receipt.version, "its request asks another release"),
        (receipt.weightsHash == manifest.weights_hash, "its weights are not the release's"),
        (request.licenseId == receipt.licenseId && request.id == receipt.id, "its request names another license or id"),
        (
            receipt.paymentId == B256::ZERO && receipt.token == Address::ZERO && receipt.amount == 0,
            "it claims a payment under a license",
        ),
        (
            receipt.requestHash == request.eip712_signing_hash(&chain.ledger_domain()),
            "its request hash is another request's",
        ),
        (receipt.requestSignatureHash == keccak256(&row.request_signature), "its request signature hash differs"),
        (receipt.inputCommitment == request.inputCommitment, "its input is not the request's"),
        (receipt.units == request.units && receipt.units > 0, "its units are not the request's"),
        (receipt.sketchHash == row.sketch.hash(), "its sketch is not the one it commits to"),
        (row.sketch.values().len() == table.k(), "its sketch has the wrong width"),
        (receipt.servedAt > after && receipt.servedAt <= batch.period_end, "it was not served in this epoch"),
    ];
    checks.into_iter().find(|(fits, _)| !fits).map(|(_, problem)| problem)
}

/// The statement on chain whose data hash is this batch's.
async fn posted(chain: &Chain, batch: &Batch) -> Result<PostedStatement, ChainError> {
    posted_at(chain, batch, batch.index).await
}

async fn posted_at(chain: &Chain, batch: &Batch, index: u64) -> Result<PostedStatement, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let events = ledger
        .RootPosted_filter()
        .topic1(batch.vault)
        .topic2(batch.token)
        .topic3(U256::from(index))
        .from_block(0u64)
        .query()
        .await
        .map_err(|error| ChainError::Rpc(error.to_string()))?;
    let newest = events.into_iter().next_back();
    let newest =
        newest.ok_or_else(|| Fault::NotPosted(format!("there is no root {index} for this vault and token")))?;
    Ok(newest.0.statement)
}

fn compare(ours: &RootStatement, posted: &PostedStatement) -> Result<(), Fault> {
    let fields = [
        ("data hash", ours.dataHash == posted.dataHash),
        ("previous root", ours.prevRoot == posted.prevRoot),
        ("root", ours.root == posted.root),
        ("sum", ours.sum == posted.sum),
        ("leaf count", ours.leafCount == posted.leafCount),
        ("receipts root", ours.receiptsRoot == posted.receiptsRoot),
        ("receipts count", ours.receiptsCount == posted.receiptsCount),
        ("settlement policy", ours.settlementPolicy == posted.settlementPolicy),
        ("period end", ours.periodEnd == posted.periodEnd),
    ];
    let differing: Vec<&str> = fields.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect();
    if differing.is_empty() { Ok(()) } else { Err(Fault::RootDiffers(differing.join(", "))) }
}
