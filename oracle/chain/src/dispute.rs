//! What is wrong with a root that is not active yet, and what can be done about it: proving a fault of its leaves, or
//! challenging it before its arbiter; and the bonds that this costs or wins.

use alloy::primitives::{Address, B256, U256, keccak256};
use tributary_sdk::{
    batch::Batch,
    client::ClientError,
    contracts::{
        AttributionLedger,
        ledger::{self, Leaf as OnChainLeaf},
    },
    faults::{self, Evidence},
    release::{Manifest, ManifestError},
    sum_tree::{Leaf, Node, PostedTree},
};

use crate::{
    Account, Chain, ChainError,
    posted::{self, Posted},
    revenue,
    transact::{ask, send},
    verify::{self, Published},
};

const CONTRACT: &str = "the attribution ledger";

/// The newest root of a (vault, token) while it is not active.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// How it was posted.
    pub posted: Posted,
    /// The root that it continues; none before the first.
    pub previous: Option<Posted>,
    /// Whether its arbiter has to rule on it.
    pub is_challenged: bool,
    /// When claims on it become good if nobody stops it, in the chain's time.
    pub active_at: u64,
}

/// What examining a root's batch showed.
#[derive(Debug)]
pub enum Finding {
    /// Recomputing gives the same root.
    Holds,
    /// All that can be recomputed without the sketches, which only attestors may read, is the same.
    HoldsButForDivision,
    /// Its leaves have a fault that anybody can prove.
    Fault(Box<faults::Fault>),
    /// It is not what recomputing gives, which only an arbiter can judge.
    Differs(Difference),
}

/// How a root differs from what recomputing gives.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    /// Nobody can recompute it.
    #[error("its batch is not published: {0}")]
    Withheld(#[source] ClientError),
    /// Its release promises the vault's attestors its sketches, and one of them was not given them: nobody can recompute who
    /// got what.
    #[error(
        "an attestor of the vault was not given its sketches, without which its division cannot be recomputed: {0}"
    )]
    SketchesWithheld(#[source] ClientError),
    /// What is published is something else.
    #[error("what is published has hash {found}, the root commits to {expected}")]
    Bytes {
        /// Of the published bytes.
        found: B256,
        /// Posted.
        expected: B256,
    },
    /// The root commits to something that is no batch.
    #[error("its batch does not read: {0}")]
    Batch(#[from] ManifestError),
    /// The batch is one that holds of another root, perhaps.
    #[error("its batch is of root {index}, attempt {attempt}, of vault {vault} in token {token}, which is another one")]
    OtherRoot {
        /// In the batch.
        vault: Address,
        /// In the batch.
        token: Address,
        /// In the batch.
        index: u64,
        /// In the batch.
        attempt: u32,
    },
    /// The leaves in the batch give another root.
    #[error("its batch's leaves give root {found}, the root is {expected}")]
    Leaves {
        /// Of the batch's leaves.
        found: B256,
        /// Posted.
        expected: B256,
    },
    /// The batch does not hold.
    #[error("{0}")]
    Recomputation(#[source] Box<ChainError>),
}

/// What an arbiter decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// The root stands.
    Dismissed,
    /// The root is rejected.
    Upheld,
}

/// The root that somebody may still stop; none if the newest is active.
pub async fn waiting(chain: &Chain, on: revenue::Account) -> Result<Option<Waiting>, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let index = ask(CONTRACT, ledger.rootCount(on.vault, on.token)).await?;
    let root = ask(CONTRACT, ledger.rootOf(on.vault, on.token, index)).await?;
    let is_challenged = match root.status {
        ledger::PENDING => false,
        ledger::CHALLENGED => true,
        _ => return Ok(None),
    };
    let newest = async |index| Ok::<_, ChainError>(posted::attempts(chain, on, index).await?.pop());
    let posted = newest(index).await?.ok_or(ChainError::MissingEvent("RootPosted"))?;
    let previous = match index {
        0 | 1 => None,
        index => newest(index.saturating_sub(1)).await?,
    };
    let active_at = match is_challenged {
        true => ask(CONTRACT, ledger.challengeOf(on.vault, on.token)).await?.activeAt,
        false => root.activeAt,
    };
    Ok(Some(Waiting { posted, previous, is_challenged, active_at }))
}

impl Waiting {
    /// Examines the root: first its leaves alone, then everything. `batch` is what it commits to and `previous` the batch
    /// of the root before, which is needed only where the batch lies about that.
    pub async fn examine(
        &self,
        chain: &Chain,
        published: impl Into<Published<'_>>,
        previous: Option<&[u8]>,
    ) -> Result<Finding, ChainError> {
        let published = published.into();
        let batch = published.batch;
        let statement = &self.posted.statement;
        let found = Batch::data_hash(batch);
        if found != statement.dataHash {
            return Ok(Finding::Differs(Difference::Bytes { found, expected: statement.dataHash }));
        }
        let parsed = match Batch::from_bytes(batch) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(Finding::Differs(error.into())),
        };
        let Batch { vault, token, index, attempt, .. } = parsed;
        let Some(pending) = tree_of(parsed.leaves.clone(), &self.posted) else {
            let found = PostedTree::new(parsed.leaves).map(|tree| tree.root().hash).unwrap_or_default();
            return Ok(Finding::Differs(Difference::Leaves { found, expected: statement.root }));
        };
        let active = self.previous.as_ref().and_then(|posted| {
            let published = previous.and_then(|bytes| Batch::from_bytes(bytes).ok()).map(|batch| batch.leaves);
            tree_of(parsed.previous, posted).or_else(|| tree_of(published?, posted))
        });
        if let Some(fault) = faults::Fault::find(active.as_ref(), &pending) {
            return Ok(Finding::Fault(Box::new(fault)));
        }
        // What follows judges the root that the batch is of.
        if (vault, token, index, attempt) != (statement.vault, statement.token, statement.index, statement.attempt) {
            return Ok(Finding::Differs(Difference::OtherRoot { vault, token, index, attempt }));
        }
        match verify::after_posting(chain, published).await {
            Ok((verified, _)) if verified.division().is_err() => Ok(Finding::HoldsButForDivision),
            Ok(_) => Ok(Finding::Holds),
            Err(error) if error.is_about_the_batch() => {
                Ok(Finding::Differs(Difference::Recomputation(Box::new(error))))
            }
            Err(error) => Err(error),
        }
    }
}

/// The tree of these leaves, if it is the one that was posted.
fn tree_of(leaves: Vec<Leaf>, posted: &Posted) -> Option<PostedTree> {
    let statement = &posted.statement;
    let tree = PostedTree::new(leaves).ok()?;
    let is_posted = tree.root() == Node { hash: statement.root, sum: statement.sum };
    (is_posted && tree.leaf_count() == statement.leafCount).then_some(tree)
}

/// Proves a fault of the newest root, which rejects it. Half of the poster's bond becomes the account's.
pub async fn prove(account: &Account, on: revenue::Account, fault: &faults::Fault) -> Result<(), ChainError> {
    let ledger = AttributionLedger::new(account.chain().deployment().ledger, account.provider());
    let revenue::Account { vault, token } = on;
    match fault {
        faults::Fault::Disorder { first, second } => {
            send(CONTRACT, ledger.proveDisorder(vault, token, on_chain(first), on_chain(second))).await
        }
        faults::Fault::Decrease { previous, current } => {
            send(CONTRACT, ledger.proveDecrease(vault, token, on_chain(previous), on_chain(current))).await
        }
        faults::Fault::Omission { previous, bracket } => {
            let bracket = bracket.leaves().into_iter().map(on_chain).collect();
            send(CONTRACT, ledger.proveOmission(vault, token, on_chain(previous), bracket)).await
        }
    }?;
    Ok(())
}

/// What challenging the newest root costs, in wei; 0 if it has no arbiter.
pub async fn challenge_bond(chain: &Chain, on: revenue::Account) -> Result<U256, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    ask(CONTRACT, ledger.challengeBondOf(on.vault, on.token)).await
}

/// Challenges the newest root before its arbiter, who is to be shown `reason`. Returns the last second for a ruling.
pub async fn challenge(account: &Account, on: revenue::Account, reason: &str) -> Result<u64, ChainError> {
    let ledger = AttributionLedger::new(account.chain().deployment().ledger, account.provider());
    let bond = challenge_bond(account.chain(), on).await?;
    let call = ledger.challenge(on.vault, on.token, keccak256(reason)).value(bond);
    let receipt = send(CONTRACT, call).await?;
    Ok(crate::assets::event::<AttributionLedger::Challenged>(&receipt)?.until)
}

/// Rules on the open challenge, as the arbiter of the policy that the root was posted under.
pub async fn rule(arbiter: &Account, on: revenue::Account, ruling: Ruling) -> Result<(), ChainError> {
    let ledger = AttributionLedger::new(arbiter.chain().deployment().ledger, arbiter.provider());
    let ruling = match ruling {
        Ruling::Dismissed => ledger::DISMISSED,
        Ruling::Upheld => ledger::UPHELD,
    };
    send(CONTRACT, ledger.rule(on.vault, on.token, ruling)).await?;
    Ok(())
}

/// Rejects a challenged root on which the arbiter did not rule in time.
pub async fn time_out(account: &Account, on: revenue::Account) -> Result<(), ChainError> {
    let ledger = AttributionLedger::new(account.chain().deployment().ledger, account.provider());
    send(CONTRACT, ledger.timeout(on.vault, on.token)).await?;
    Ok(())
}

/// What an account can stake or withdraw, in wei.
pub async fn bond(chain: &Chain, account: Address) -> Result<U256, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    ask(CONTRACT, ledger.bondOf(account)).await
}

/// Releases the bond of the newest root, which is active, to whoever staked it.
pub async fn release_bond(account: &Account, on: revenue::Account) -> Result<(), ChainError> {
    let ledger = AttributionLedger::new(account.chain().deployment().ledger, account.provider());
    send(CONTRACT, ledger.releaseBond(on.vault, on.token)).await?;
    Ok(())
}

/// Pays out what `of` can withdraw; a vault's goes into its pool. Anyone may send it.
pub async fn withdraw_bond(account: &Account, of: Address) -> Result<(), ChainError> {
    let ledger = AttributionLedger::new(account.chain().deployment().ledger, account.provider());
    send(CONTRACT, ledger.withdrawBond(of)).await?;
    Ok(())
}

fn on_chain(evidence: &Evidence) -> OnChainLeaf {
    let Evidence { leaf, index, proof } = evidence.clone();
    OnChainLeaf { account: leaf.account, cumulative: leaf.cumulative, index, proof }
}
