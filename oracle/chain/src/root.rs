//! Attesting, posting and claiming roots.

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, U256},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use tributary_sdk::{
    api::RootStanding,
    contracts::{
        AttributionLedger, RoyaltyVault,
        ledger::{self, Attestation as OnChainAttestation, Claim, Policy, RootStatement as OnChainStatement},
    },
    sum_tree::{Leaf, SumTree},
    typed_data::{self, RootStatement},
};

use crate::{
    Account, Chain, ChainError, revenue,
    transact::{ask, send},
    verify::{self, Published, Verified},
};

const CONTRACT: &str = "the attribution ledger";

/// An attestor's signature of a root statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Who recomputed.
    pub signer: Address,
    /// Their EIP-712 signature.
    pub signature: Bytes,
}

/// Recomputes a batch and signs its statement; refuses with the fault when it does not hold. What cannot be recomputed is
/// not signed.
pub async fn attest(
    chain: &Chain,
    published: impl Into<Published<'_>>,
    deadline: u64,
    key: &PrivateKeySigner,
) -> Result<(Verified, RootStatement, Attestation), ChainError> {
    let verified = verify::before_posting(chain, published).await?;
    verified.division()?;
    let statement = RootStatement { deadline, ..verified.statement.clone() };
    let signature = typed_data::sign(&statement, &chain.ledger_domain(), key)?.into();
    Ok((verified, statement, Attestation { signer: key.address(), signature }))
}

/// Posts a root with its attestations, in any order. Returns when claims on it become good, in the chain's time.
///
/// The policy's bond comes out of what the account has at the ledger, its bond on the root before included; what is
/// missing is sent along.
pub async fn post(
    account: &Account,
    statement: &RootStatement,
    attestations: &[Attestation],
) -> Result<u64, ChainError> {
    let ledger = AttributionLedger::new(account.chain().deployment().ledger, account.provider());
    let missing = missing_bond(account.chain(), account.address(), statement).await?;
    send(CONTRACT, ledger.post(on_chain(statement), sorted(attestations)).value(missing)).await?;
    Ok(ask(CONTRACT, ledger.rootOf(statement.vault, statement.token, statement.index)).await?.activeAt)
}

/// What the ledger is told to post a root with its attestations, in any order.
pub fn posting(statement: &RootStatement, attestations: &[Attestation]) -> Bytes {
    let (statement, attestations) = (on_chain(statement), sorted(attestations));
    AttributionLedger::postCall { statement, attestations }.abi_encode().into()
}

/// As the ledger takes them: ascending by signer.
fn sorted(attestations: &[Attestation]) -> Vec<OnChainAttestation> {
    let on_chain = |attestation: &Attestation| OnChainAttestation {
        signer: attestation.signer,
        signature: attestation.signature.clone(),
    };
    let mut sorted: Vec<OnChainAttestation> = attestations.iter().map(on_chain).collect();
    sorted.sort_by_key(|attestation| attestation.signer);
    sorted
}

/// What the chain has of a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It may still be posted.
    Nothing,
    /// This very root.
    Same,
    /// Something else in its place.
    Other(String),
}

/// What the chain has of a root, after a block.
pub async fn found(chain: &Chain, statement: &OnChainStatement, at: BlockId) -> Result<Found, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let OnChainStatement { vault, token, index, attempt, root, sum, .. } = statement.clone();
    let next = ask(CONTRACT, ledger.nextOf(vault, token).block(at)).await?;
    if index >= next.index {
        let is_next = index > next.index || attempt == next.attempt;
        let gone = format!("attempt {attempt} at root {index} was rejected");
        return Ok(if is_next { Found::Nothing } else { Found::Other(gone) });
    }
    let there = ask(CONTRACT, ledger.rootOf(vault, token, index).block(at)).await?;
    Ok(match there.root == root && there.sum == sum {
        true => Found::Same,
        false => Found::Other(format!("root {index} is {}", there.root)),
    })
}

/// What an account has to send along to stake the bond of a root, in wei.
pub async fn missing_bond(chain: &Chain, poster: Address, statement: &RootStatement) -> Result<U256, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let needed: U256 = policy(chain, statement.vault).await?.posterBond.to();
    let free = ask(CONTRACT, ledger.bondOf(poster)).await?;
    let staked = ask(CONTRACT, ledger.stakeOf(statement.vault, statement.token)).await?;
    let own = if staked.poster == poster { staked.bond } else { U256::ZERO };
    Ok(needed.saturating_sub(free.saturating_add(own)))
}

/// The policy in effect for a vault: who may attest its roots, how long they wait, and what they cost.
pub async fn policy(chain: &Chain, vault: Address) -> Result<Policy, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    ask(CONTRACT, ledger.policyOf(vault)).await
}

/// Claims what an account's leaf adds to what it already claimed. Anyone may send it; the money goes to the account.
pub async fn claim(
    account: &Account,
    on: revenue::Account,
    root_index: u64,
    leaf: Leaf,
    leaf_index: u64,
    proof: Bytes,
) -> Result<u128, ChainError> {
    let ledger = AttributionLedger::new(account.chain().deployment().ledger, account.provider());
    let receipt = send(CONTRACT, ledger.claim(claim_of(on, root_index, leaf, leaf_index, proof))).await?;
    let event = crate::assets::event::<AttributionLedger::Claimed>(&receipt)?;
    Ok(event.amount)
}

/// The claim of a leaf, as the ledger takes it.
pub fn claim_of(on: revenue::Account, root_index: u64, leaf: Leaf, leaf_index: u64, proof: Bytes) -> Claim {
    Claim {
        vault: on.vault,
        token: on.token,
        rootIndex: root_index,
        account: leaf.account,
        cumulative: leaf.cumulative,
        leafIndex: leaf_index,
        proof,
    }
}

/// The newest root that was not rejected, and where it stands; none before the first.
pub async fn newest(chain: &Chain, on: revenue::Account) -> Result<Option<(u64, RootStanding)>, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let index = ask(CONTRACT, ledger.rootCount(on.vault, on.token)).await?;
    if index == 0 {
        return Ok(None);
    }
    let standing = match ask(CONTRACT, ledger.rootOf(on.vault, on.token, index)).await?.status {
        ledger::PENDING => RootStanding::Posted,
        ledger::CHALLENGED => RootStanding::Challenged,
        ledger::ACTIVE => RootStanding::Active,
        _ => return Ok(index.checked_sub(1).filter(|index| *index > 0).map(|index| (index, RootStanding::Active))),
    };
    Ok(Some((index, standing)))
}

/// What an account has claimed from a vault so far.
pub async fn claimed(chain: &Chain, on: revenue::Account, account: Address) -> Result<u128, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    ask(CONTRACT, ledger.claimed(on.vault, on.token, account)).await
}

/// The leaf of an account and its proof, from a payout tree.
pub fn proof(tree: &SumTree, account: Address) -> Option<(u64, Leaf, Bytes)> {
    let index = tree.index_of(account)?;
    Some((index, tree.leaves()[index as usize], tree.proof(index).ok()?))
}

/// A vault's books for one token, in base units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books {
    /// Everything the vault's license fees and payments have become revenue of.
    pub revenue: u128,
    /// Fees that are not earned yet.
    pub unearned: u128,
    /// Credited to the pool in all.
    pub pool_credited: u128,
    /// What of it roots may allot: all but what fallbacks took.
    pub allocatable: u128,
    /// Paid out of the pool in all.
    pub pool_paid: u128,
}

/// Reads a vault's books.
pub async fn books(chain: &Chain, on: revenue::Account) -> Result<Books, ChainError> {
    let vault = RoyaltyVault::new(on.vault, chain.provider());
    Ok(Books {
        revenue: ask("the vault", vault.revenue(on.token)).await?,
        unearned: ask("the vault", vault.unearned(on.token)).await?,
        pool_credited: ask("the vault", vault.poolCredited(on.token)).await?,
        allocatable: ask("the vault", vault.allocatable(on.token)).await?,
        pool_paid: ask("the vault", vault.poolPaid(on.token)).await?,
    })
}

/// What the share table has credited to an account and it has not withdrawn.
pub async fn credit(chain: &Chain, on: revenue::Account, account: Address) -> Result<u128, ChainError> {
    let vault = RoyaltyVault::new(on.vault, chain.provider());
    ask("the vault", vault.creditOf(on.token, account)).await
}

/// Pays an account its credit. Anyone may send it; the money goes to the account.
pub async fn withdraw(account: &Account, on: revenue::Account, to: Address) -> Result<(), ChainError> {
    let vault = RoyaltyVault::new(on.vault, account.provider());
    send("the vault", vault.withdraw(on.token, to)).await?;
    Ok(())
}

/// Makes a vault count what was transferred to it, as an upstream vault's share is, and divide it by its share table.
pub async fn receive(account: &Account, on: revenue::Account) -> Result<(), ChainError> {
    let vault = RoyaltyVault::new(on.vault, account.provider());
    send("the vault", vault.sync(on.token)).await?;
    send("the vault", vault.distribute(on.token)).await?;
    Ok(())
}

fn on_chain(statement: &RootStatement) -> OnChainStatement {
    let s = statement.clone();
    OnChainStatement {
        vault: s.vault,
        token: s.token,
        index: s.index,
        attempt: s.attempt,
        prevRoot: s.prevRoot,
        root: s.root,
        sum: s.sum,
        leafCount: s.leafCount,
        receiptsRoot: s.receiptsRoot,
        receiptsCount: s.receiptsCount,
        dataHash: s.dataHash,
        settlementPolicy: s.settlementPolicy,
        periodEnd: s.periodEnd,
        deadline: s.deadline,
    }
}
