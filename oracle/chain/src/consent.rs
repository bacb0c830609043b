//! Consent on chain: commitments first, then signed contributions; grants to use them; withdrawal.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::types::Filter,
    signers::local::PrivateKeySigner,
    sol_types::{SolEvent, SolStruct},
};
use tributary_sdk::{
    AssetId,
    contracts::{
        ConsentRegistry,
        consent::{Consent, Contribution as OnChain, Inclusion},
    },
    merkle::{MerkleError, MerkleTree},
    typed_data::{self, Contribution},
};

use crate::{
    Account, Chain, ChainError, logs,
    transact::{ask, send},
};

const CONTRACT: &str = "the consent registry";
/// Most topics, and most ids, of one question to a node.
const A_CALL: usize = 200;

/// A contribution with its contributor's signature.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What was agreed to.
    pub contribution: Contribution,
    /// The contributor's EIP-712 signature.
    pub signature: Bytes,
}

impl Signed {
    /// Signs with the contributor's key.
    pub fn new(chain: &Chain, contribution: Contribution, key: &PrivateKeySigner) -> Result<Self, ChainError> {
        let signature = typed_data::sign(&contribution, &chain.consent_domain(), key)?.into();
        Ok(Self { contribution, signature })
    }

    /// The consent's id in the registry: its EIP-712 digest.
    pub fn id(&self, chain: &Chain) -> B256 {
        self.contribution.eip712_signing_hash(&chain.consent_domain())
    }
}

/// Commits to a batch of contributions before they are shown: block order is priority.
pub async fn commit(account: &Account, commitments: &MerkleTree) -> Result<(), ChainError> {
    commit_hash(account, commitments.root(), commitments.leaf_count()).await
}

/// Records signed contributions whose commitments are the leaves of `commitments`, in order. Anyone may relay them.
pub async fn contribute(account: &Account, commitments: &MerkleTree, signed: &[Signed]) -> Result<(), ChainError> {
    let registry = ConsentRegistry::new(account.chain().deployment().consent, account.provider());
    let inclusion = |index: u64| -> Result<Inclusion, MerkleError> {
        let proof = commitments.proof(index)?.concat().into();
        Ok(Inclusion { root: commitments.root(), index, leafCount: commitments.leaf_count(), proof })
    };
    let inclusions = (0..signed.len() as u64).map(inclusion).collect::<Result<Vec<_>, _>>().map_err(ChainError::rpc)?;
    let contributions = signed.iter().map(|signed| on_chain(&signed.contribution)).collect();
    let signatures = signed.iter().map(|signed| signed.signature.clone()).collect();
    send(CONTRACT, registry.contributeMany(contributions, signatures, inclusions)).await?;
    Ok(())
}

/// What the registry says of a contribution: who gave it, when, and whether it was withdrawn.
pub async fn consent(chain: &Chain, id: B256) -> Result<Consent, ChainError> {
    let registry = ConsentRegistry::new(chain.deployment().consent, chain.provider());
    ask(CONTRACT, registry.consentOf(id)).await
}

/// Takes back the account's contribution: later snapshots and releases must leave it out.
pub async fn withdraw(account: &Account, id: B256) -> Result<(), ChainError> {
    let registry = ConsentRegistry::new(account.chain().deployment().consent, account.provider());
    send(CONTRACT, registry.withdraw(id)).await?;
    Ok(())
}

/// Lets `grantee` use the account's dataset for `purposes` until a time, in seconds since 1970.
pub async fn grant(
    account: &Account,
    dataset: AssetId,
    grantee: Address,
    purposes: u128,
    until: u64,
) -> Result<(), ChainError> {
    let registry = ConsentRegistry::new(account.chain().deployment().consent, account.provider());
    send(CONTRACT, registry.grant(dataset.0, grantee, purposes, until)).await?;
    Ok(())
}

/// Takes back what the account granted.
pub async fn revoke(account: &Account, dataset: AssetId, grantee: Address) -> Result<(), ChainError> {
    let registry = ConsentRegistry::new(account.chain().deployment().consent, account.provider());
    send(CONTRACT, registry.revoke(dataset.0, grantee)).await?;
    Ok(())
}

/// Until when `grantee` may use the dataset for all of `purposes`; none if not now.
pub async fn granted_until(
    chain: &Chain,
    dataset: AssetId,
    grantee: Address,
    purposes: u128,
) -> Result<Option<u64>, ChainError> {
    let registry = ConsentRegistry::new(chain.deployment().consent, chain.provider());
    if !ask(CONTRACT, registry.isGranted(dataset.0, grantee, purposes)).await? {
        return Ok(None);
    }
    Ok(Some(ask(CONTRACT, registry.grantOf(dataset.0, grantee)).await?.until))
}

/// Whether somebody has used a nonce, or cancelled it.
pub async fn is_nonce_used(chain: &Chain, contributor: Address, nonce: U256) -> Result<bool, ChainError> {
    let registry = ConsentRegistry::new(chain.deployment().consent, chain.provider());
    ask(CONTRACT, registry.isNonceUsed(contributor, nonce)).await
}

fn on_chain(contribution: &Contribution) -> OnChain {
    let Contribution { datasetId, contributor, commitment, records, termsHash, payPolicyHash, nonce, deadline } =
        contribution.clone();
    OnChain { datasetId, contributor, commitment, records, termsHash, payPolicyHash, nonce, deadline }
}

/// Commits to one hash, such as a held-out set's: proof that it was fixed at this block.
pub async fn commit_hash(account: &Account, hash: B256, count: u64) -> Result<(), ChainError> {
    let registry = ConsentRegistry::new(account.chain().deployment().consent, account.provider());
    send(CONTRACT, registry.commit(hash, count)).await?;
    Ok(())
}

/// In which block a root over so many leaves was first committed, if it was.
pub async fn committed_in(chain: &Chain, root: B256, leaves: u64) -> Result<Option<u64>, ChainError> {
    let registry = ConsentRegistry::new(chain.deployment().consent, chain.provider());
    let committed = ask(CONTRACT, registry.commitmentOf(root, leaves)).await?;
    Ok((committed.blockNumber != 0).then_some(committed.blockNumber))
}

/// A consent as the chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The dataset it is for.
    pub dataset: AssetId,
    /// Who gave it.
    pub contributor: Address,
    /// The root of their records' commitments.
    pub commitment: B256,
    /// Whether they took it back.
    pub withdrawn: bool,
    /// Block and place of the commitment: what comes first keeps a record that comes twice. What one block holds came at the
    /// same time.
    pub priority: (u64, u64),
}

/// Every consent to a dataset that the chain has recorded, by its id.
pub async fn of_dataset(chain: &Chain, dataset: AssetId) -> Result<BTreeMap<B256, Recorded>, ChainError> {
    let topic: B256 = U256::from(dataset.0).into();
    found(chain, Filter::new().topic2(topic)).await
}

/// What the chain has recorded under an id; none if nothing.
pub async fn recorded(chain: &Chain, id: B256) -> Result<Option<Recorded>, ChainError> {
    Ok(found(chain, Filter::new().topic1(id)).await?.remove(&id))
}

async fn found(chain: &Chain, filter: Filter) -> Result<BTreeMap<B256, Recorded>, ChainError> {
    let head = chain.head().await?.number;
    let filter =
        filter.address(chain.deployment().consent).event_signature(ConsentRegistry::Contributed::SIGNATURE_HASH);
    let logs = logs::between(chain, &filter, 0, head).await?;
    let events: Vec<_> =
        logs.iter().filter_map(|log| ConsentRegistry::Contributed::decode_log(&log.inner).ok()).collect();
    let roots: BTreeSet<B256> = events.iter().map(|event| event.commitRoot).collect();
    let committed = first_committed(chain, roots, head).await?;
    let registry = ConsentRegistry::new(chain.deployment().consent, chain.provider());
    let mut recorded = BTreeMap::new();
    for events in events.chunks(A_CALL) {
        let ids: Vec<B256> = events.iter().map(|event| event.contributionId).collect();
        let consents = ask(CONTRACT, registry.consentsOf(ids)).await?;
        for (event, consent) in events.iter().zip(consents) {
            // The registry takes no contribution whose root was not committed before.
            let Some(block) = committed.get(&event.commitRoot) else { continue };
            recorded.insert(
                event.contributionId,
                Recorded {
                    dataset: AssetId(event.datasetId),
                    contributor: event.contributor,
                    commitment: event.contribution.commitment,
                    withdrawn: consent.withdrawnAt != 0,
                    priority: (*block, event.commitIndex),
                },
            );
        }
    }
    Ok(recorded)
}

/// In which block each root was first committed. Nobody can commit a root before they know it, so the first time is the
/// contributors' own, whatever number of leaves somebody else says it has.
async fn first_committed(chain: &Chain, roots: BTreeSet<B256>, head: u64) -> Result<BTreeMap<B256, u64>, ChainError> {
    let roots: Vec<B256> = roots.into_iter().collect();
    let mut first = BTreeMap::new();
    for roots in roots.chunks(A_CALL) {
        let filter = Filter::new()
            .address(chain.deployment().consent)
            .event_signature(ConsentRegistry::Committed::SIGNATURE_HASH)
            .topic1(roots.to_vec());
        for log in logs::between(chain, &filter, 0, head).await? {
            let (Ok(event), Some(block)) = (ConsentRegistry::Committed::decode_log(&log.inner), log.block_number)
            else {
                continue;
            };
            first.entry(event.root).or_insert(block);
        }
    }
    Ok(first)
}

/// Single records of these contributions that their contributors took back: contribution and commitment.
pub async fn withdrawn_records(chain: &Chain, ids: &[B256]) -> Result<BTreeSet<(B256, B256)>, ChainError> {
    let head = chain.head().await?.number;
    let mut withdrawn = BTreeSet::new();
    for ids in ids.chunks(A_CALL) {
        let filter = Filter::new()
            .address(chain.deployment().consent)
            .event_signature(ConsentRegistry::RecordWithdrawn::SIGNATURE_HASH)
            .topic1(ids.to_vec());
        let logs = logs::between(chain, &filter, 0, head).await?;
        let events = logs.iter().filter_map(|log| ConsentRegistry::RecordWithdrawn::decode_log(&log.inner).ok());
        withdrawn.extend(events.map(|event| (event.contributionId, event.commitment)));
    }
    Ok(withdrawn)
}

/// Takes back one record of the account's contribution; `tree` is over the contribution's commitments.
pub async fn withdraw_record(
    account: &Account,
    contribution: &Contribution,
    tree: &MerkleTree,
    index: u64,
    commitment: B256,
) -> Result<(), ChainError> {
    let registry = ConsentRegistry::new(account.chain().deployment().consent, account.provider());
    let proof = tree.proof(index).map_err(ChainError::rpc)?.concat().into();
    send(CONTRACT, registry.withdrawRecord(on_chain(contribution), commitment, index, proof)).await?;
    Ok(())
}

/// The last grant to somebody, expired or not: its purposes, and until when it is good. Both are 0 where there is none.
pub async fn grant_of(chain: &Chain, dataset: AssetId, grantee: Address) -> Result<(u128, u64), ChainError> {
    let registry = ConsentRegistry::new(chain.deployment().consent, chain.provider());
    let grant = ask(CONTRACT, registry.grantOf(dataset.0, grantee)).await?;
    Ok((grant.purposes, grant.until))
}
