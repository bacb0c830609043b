//! Consent on chain: commitments first, then signed contributions; grants to use them; withdrawal.

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

/// The grantee may train on the dataset.
pub const TRAIN: u128 = 1;

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

/// Unordered nonces only have to differ, and a salted commitment never comes twice.
pub fn nonce(commitment: B256) -> U256 {
    commitment.into()
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
    /// Block and place of the commitment: what comes first keeps a record that comes twice.
    pub priority: (u64, u64),
}

/// What the chain has recorded under an id, committed to together with `commit_count` commitments in all; none if
/// nothing.
pub async fn recorded(chain: &Chain, id: B256, commit_count: u64) -> Result<Option<Recorded>, ChainError> {
    let filter = Filter::new()
        .address(chain.deployment().consent)
        .event_signature(ConsentRegistry::Contributed::SIGNATURE_HASH)
        .topic1(id);
    let logs = logs::between(chain, &filter, 0, chain.head().await?.number).await?;
    let event = logs.iter().find_map(|log| ConsentRegistry::Contributed::decode_log(&log.inner).ok());
    let Some(event) = event else { return Ok(None) };
    let registry = ConsentRegistry::new(chain.deployment().consent, chain.provider());
    let committed = ask(CONTRACT, registry.commitmentOf(event.commitRoot, commit_count)).await?;
    if committed.blockNumber == 0 {
        return Ok(None);
    }
    Ok(Some(Recorded {
        dataset: AssetId(event.datasetId),
        contributor: event.contributor,
        commitment: event.contribution.commitment,
        withdrawn: consent(chain, id).await?.withdrawnAt != 0,
        priority: (committed.blockNumber, event.commitIndex),
    }))
}
