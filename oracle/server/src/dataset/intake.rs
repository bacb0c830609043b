//! A consent is admitted, its parts come, a receipt leaves.
//!
//! Nobody sends a record without a signed consent to this dataset under this charter, and nothing of a record is shown before
//! its commitment can be on chain: the consent alone says no more than a root. Everything may be sent again: what is here
//! already is left as it is.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, U256},
    signers::local::PrivateKeySigner,
    sol_types::SolStruct,
};
use tributary_chain::{assets, consent, tokens, wallets::signed_by};
use tributary_dataset::{
    DatasetError,
    access::Purposes,
    charter::{Membership, Standing},
    contribution::{
        Entry, bundle,
        part::{LONGEST_PART, Part},
    },
    store::BlobContext,
};
use tributary_sdk::{
    AssetId,
    api::{ContributionInfo, DatasetInfo, NewContribution, PartSummary, SignedReceipt},
    keccak256,
    records::contribution_root,
    typed_data::{self, Contribution, ContributionReceipt},
};
use tributary_settlement::Policy as SettlementPolicy;

use super::{Collection, DatasetRefusal, Kept, kept::KeptPart};

/// Most bytes of a contribution.
pub const MOST_BYTES: u64 = 16 << 30;

/// Whether something was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is here now.
    Now,
    /// It was here already.
    Before,
}

/// A part that may come; only [`Collection::expected`] says so.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    id: B256,
    place: usize,
    part: PartSummary,
}

impl Expected {
    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.part.bytes
    }
}

impl Collection {
    /// What is collected here; `host` signs receipts.
    ///
    /// # Errors
    /// [`DatasetRefusal::Chain`].
    pub async fn info(&self, host: Address) -> Result<DatasetInfo, DatasetRefusal> {
        let newest = assets::asset(&self.chain, self.asset()).await?.versions;
        Ok(DatasetInfo {
            dataset: self.asset(),
            chain_id: self.chain.id(),
            consent: self.chain.deployment().consent,
            terms_hash: self.terms_hash(),
            host,
            snapshot: (newest > 0).then_some(newest),
            longest_part: LONGEST_PART as u64,
            most_bytes: MOST_BYTES,
        })
    }

    /// Takes a signed consent: whose records may come.
    ///
    /// # Errors
    /// [`DatasetRefusal`] says what is wrong with it.
    pub async fn admit(&self, new: NewContribution) -> Result<ContributionInfo, DatasetRefusal> {
        let id = new.contribution.eip712_signing_hash(&self.chain.consent_domain());
        if self.announced(id)?.is_none() {
            self.check(id, &new).await?;
            let _alone = self.alone().await?;
            if self.announced(id)?.is_none() {
                self.keep_consent(id, &new)?;
            }
        }
        self.contribution(id).await
    }

    async fn check(&self, id: B256, new: &NewContribution) -> Result<(), DatasetRefusal> {
        let Contribution { datasetId, contributor, termsHash, payPolicyHash, nonce, deadline, .. } =
            new.contribution.clone();
        check_length(&new.signature)?;
        if datasetId != self.asset().0 {
            return Err(DatasetRefusal::OtherDataset { found: AssetId(datasetId), expected: self.asset() });
        }
        if termsHash != self.terms_hash() {
            return Err(DatasetRefusal::OtherTerms { found: termsHash, expected: self.terms_hash() });
        }
        let policy = SettlementPolicy::from_name(&self.charter.pay_policy).map_err(crate::steps::StepError::from)?;
        if payPolicyHash != policy.id() {
            return Err(DatasetRefusal::OtherPayPolicy);
        }
        check_parts(new)?;
        let head = self.chain.head().await?;
        match consent::consent(&self.chain, id).await? {
            recorded if recorded.withdrawnAt != 0 => return Err(DatasetRefusal::Withdrawn(id)),
            // The registry has seen the signature.
            recorded if recorded.recordedAt != 0 => (),
            _ => {
                if head.timestamp > deadline {
                    return Err(DatasetRefusal::Expired { deadline, now: head.timestamp });
                }
                if consent::is_nonce_used(&self.chain, contributor, nonce).await? {
                    return Err(DatasetRefusal::NonceUsed(contributor));
                }
                let block = BlockId::number(head.number);
                if signed_by(&self.chain, contributor, id, &new.signature, block).await?.is_none() {
                    return Err(DatasetRefusal::NotSigned(contributor));
                }
            }
        }
        self.charter.admits(contributor, self.standing(contributor).await?)?;
        Ok(())
    }

    /// What the chain says of somebody, as far as the membership rule asks.
    async fn standing(&self, account: Address) -> Result<Standing, DatasetRefusal> {
        Ok(match &self.charter.membership {
            Membership::Open | Membership::Listed { .. } => Standing::default(),
            Membership::Holders { token, .. } => {
                Standing { balance: tokens::balance(&self.chain, *token, account).await?, is_admitted: false }
            }
            Membership::Admitted => {
                let granted =
                    consent::granted_until(&self.chain, self.asset(), account, Purposes::CONTRIBUTE.bits()).await?;
                Standing { balance: U256::ZERO, is_admitted: granted.is_some() }
            }
        })
    }

    /// What was announced of a part that may come: its contribution's consent is on chain.
    ///
    /// # Errors
    /// [`DatasetRefusal::UnknownContribution`], [`DatasetRefusal::UnknownPart`], [`DatasetRefusal::NotRecorded`],
    /// [`DatasetRefusal::Withdrawn`].
    pub async fn expected(&self, id: B256, place: usize) -> Result<Expected, DatasetRefusal> {
        let announced = self.announced(id)?.ok_or(DatasetRefusal::UnknownContribution(id))?;
        let parts = announced.parts.len();
        let part = *announced.parts.get(place).ok_or(DatasetRefusal::UnknownPart { place, parts })?;
        match consent::consent(&self.chain, id).await? {
            // A consent that costs nothing is no reason to keep what somebody sends.
            recorded if recorded.recordedAt == 0 => Err(DatasetRefusal::NotRecorded(id)),
            recorded if recorded.withdrawnAt != 0 => Err(DatasetRefusal::Withdrawn(id)),
            _ => Ok(Expected { id, place, part }),
        }
    }

    /// Takes a part of an announced contribution: checks every record against the schema, and seals it.
    ///
    /// # Errors
    /// [`DatasetRefusal`] says what is wrong with it.
    pub async fn take_part(&self, expected: Expected, bytes: &[u8]) -> Result<Taken, DatasetRefusal> {
        let Expected { id, place, part: announced } = expected;
        let found = keccak256(bytes);
        if found != announced.hash || bytes.len() as u64 != announced.bytes {
            return Err(DatasetRefusal::OtherPart { place, found, expected: announced.hash });
        }
        let part = Part::decode(bytes, &self.charter.schema)?;
        if part.entries.is_empty() || part.entries.iter().any(|entry| entry.record().is_none()) {
            return Err(DatasetError::Part("there is no record at some place of it").into());
        }
        let commitment = |(at, entry): (u64, &Entry)| entry.commitment(part.seed, part.first.saturating_add(at));
        let commitments: Vec<B256> = (0..).zip(&part.entries).map(commitment).collect();
        let _alone = self.alone().await?;
        if self.kept_part(id, place)?.is_some() {
            return Ok(Taken::Before);
        }
        let blob = self.store.put(&self.context(id, place), bytes).await?;
        let (records, seed_hash) = (part.entries.len() as u64, keccak256(part.seed));
        let kept = KeptPart { blob, first: part.first, records, seed_hash };
        self.keep_part(id, place, &kept, &commitments)?;
        Ok(Taken::Now)
    }

    /// Checks that all has come and is what was signed for, and gives a receipt.
    ///
    /// # Errors
    /// [`DatasetRefusal::Incomplete`], [`DatasetRefusal::WrongCommitment`]: then the parts are let go of.
    pub async fn complete(&self, id: B256, key: &PrivateKeySigner) -> Result<SignedReceipt, DatasetRefusal> {
        let received_at = self.chain.head().await?.timestamp;
        let _alone = self.alone().await?;
        let kept = self.kept(id)?.ok_or(DatasetRefusal::UnknownContribution(id))?;
        if let Some(receipt) = kept.receipt {
            return Ok(receipt);
        }
        let missing = kept.missing();
        if !missing.is_empty() {
            return Err(DatasetRefusal::Incomplete(missing));
        }
        if !self.fits(&kept)? {
            self.forget(&kept).await?;
            return Err(DatasetRefusal::WrongCommitment);
        }
        let agreed = &kept.consent.contribution;
        let receipt = ContributionReceipt {
            contributionId: id,
            datasetId: agreed.datasetId,
            contributor: agreed.contributor,
            commitment: agreed.commitment,
            records: agreed.records,
            receivedAt: received_at,
        };
        let signature = typed_data::sign(&receipt, &self.chain.consent_domain(), key);
        let signature = signature.map_err(crate::steps::StepError::from)?.into();
        let signed = SignedReceipt { receipt, signature };
        self.keep_receipt(id, &signed)?;
        Ok(signed)
    }

    /// Whether the parts are the records that the consent commits to.
    fn fits(&self, kept: &Kept) -> Result<bool, DatasetRefusal> {
        let mut commitments = Vec::new();
        for (place, part) in kept.parts.iter().enumerate() {
            let one_seed = |part: &KeptPart| {
                kept.parts.first().copied().flatten().is_some_and(|first| first.seed_hash == part.seed_hash)
            };
            let follows = part.is_some_and(|part| part.first == commitments.len() as u64 && one_seed(&part));
            if !follows {
                return Ok(false);
            }
            commitments.extend(self.commitments(kept.id, place)?);
        }
        let agreed = &kept.consent.contribution;
        let root = contribution_root(&commitments).map_err(DatasetError::from)?;
        Ok(commitments.len() as u64 == agreed.records && root == agreed.commitment)
    }

    /// Lets go of what is here of a contribution's records. The blobs go before what names them, so that none is left unnamed.
    pub(super) async fn forget(&self, kept: &Kept) -> Result<(), DatasetRefusal> {
        for (place, part) in kept.parts.iter().enumerate() {
            if let Some(part) = part {
                self.store.delete(part.blob).await?;
            }
            self.forget_part(kept.id, place)?;
        }
        Ok(())
    }

    /// What is here of a contribution.
    ///
    /// # Errors
    /// [`DatasetRefusal::UnknownContribution`].
    pub async fn contribution(&self, id: B256) -> Result<ContributionInfo, DatasetRefusal> {
        let kept = self.kept(id)?.ok_or(DatasetRefusal::UnknownContribution(id))?;
        let agreed = &kept.consent.contribution;
        Ok(ContributionInfo {
            id,
            contributor: agreed.contributor,
            records: agreed.records,
            is_recorded: consent::consent(&self.chain, id).await?.recordedAt != 0,
            missing: kept.missing(),
            receipt: kept.receipt,
        })
    }

    pub(super) fn context(&self, id: B256, place: usize) -> BlobContext {
        BlobContext { dataset: self.asset(), subject: id, part: u32::try_from(place).unwrap_or(u32::MAX) }
    }
}

/// Longest signature of a contract, in bytes.
const LONGEST_SIGNATURE: usize = 4_096;

pub(super) fn check_length(signature: &Bytes) -> Result<(), DatasetRefusal> {
    match signature.len() > LONGEST_SIGNATURE {
        true => Err(DatasetRefusal::LongSignature { longest: LONGEST_SIGNATURE }),
        false => Ok(()),
    }
}

fn check_parts(new: &NewContribution) -> Result<(), DatasetRefusal> {
    let Contribution { records, commitment, nonce, .. } = new.contribution;
    let refuse = |what: String| Err(DatasetRefusal::BadParts(what));
    if records == 0 || new.parts.is_empty() {
        return refuse("there are none, or no records".to_owned());
    }
    if new.parts.len() as u64 > records {
        return refuse(format!("{} parts for {records} records", new.parts.len()));
    }
    if let Some(part) = new.parts.iter().find(|part| part.bytes > LONGEST_PART as u64) {
        return refuse(format!("one has {} bytes, {LONGEST_PART} are allowed", part.bytes));
    }
    let bytes = new.parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.bytes));
    if bytes > MOST_BYTES {
        return refuse(format!("they have {bytes} bytes, {MOST_BYTES} are allowed: make several contributions"));
    }
    match nonce == bundle::nonce(commitment, &new.parts) {
        true => Ok(()),
        false => {
            refuse("the consent's nonce does not name them, so its contributor has not signed for them".to_owned())
        }
    }
}
