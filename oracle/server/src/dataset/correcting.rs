//! What buyers say of served answers: records that correct them, and flags without a record.
//!
//! Nothing is believed: a correction comes with the answer as the model's host signed for it, and the record must be the very
//! input that was asked about. So nobody corrects what was never answered, or what somebody else asked.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, keccak256},
    sol_types::SolStruct,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tributary_chain::{ChainError, assets, consent, lineage, wallets::signed_by};
use tributary_dataset::{
    Record,
    access::{Access, Purposes},
    contribution::Part,
    screening::Correcting,
};
use tributary_sdk::{
    AssetId,
    api::{SignedCorrection, SignedFlag, named_class, tensor_bytes},
    records::input_commitment,
    typed_data::{self, Correction, Receipt},
};

use super::{Collection, DatasetRefusal, Kept, intake::check_length, kept::KeptPart, review::check_reason};
use crate::steps::StepError;

const CORRECTIONS: &str = "corrections";
const FLAGS: &str = "flags";

/// A correction as it was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Corrected {
    /// What the contributor signed, with the answer.
    pub signed: SignedCorrection,
    /// When it came, in seconds since 1970 by the chain's time.
    pub at: u64,
}

/// A flag as it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flagged {
    /// What the payer signed, with the receipt.
    pub signed: SignedFlag,
    /// When it came, in seconds since 1970 by the chain's time.
    pub at: u64,
}

/// Who has records opened, and what for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// Who.
    pub(super) by: Address,
    /// Until when they may.
    pub(super) valid_until: u64,
    /// What shows the purpose.
    pub(super) evidence: Option<B256>,
}

impl Collection {
    /// Takes a correction: the record at a place of a contribution is what an answer should have been. It is held from the
    /// next screening on. The same one again changes nothing.
    ///
    /// # Errors
    /// [`DatasetRefusal`] says what does not hold.
    pub async fn correct(&self, signed: SignedCorrection) -> Result<(), DatasetRefusal> {
        let Correction { contributionId: contribution, place, receiptId } = signed.correction;
        let (answer, receipt) = (&signed.answer, &signed.answer.receipt);
        let kept = self.whole(contribution, place)?;
        let contributor = kept.consent.contribution.contributor;
        if receipt.id != receiptId {
            return Err(DatasetRefusal::OtherReceipt { found: receipt.id, signed: receiptId });
        }
        // Whoever was not answered does not know what was: another's answers are not theirs to correct.
        if receipt.payer != contributor {
            return Err(DatasetRefusal::NotThePayer { account: contributor, payer: receipt.payer });
        }
        self.check_comparable(receipt, answer.logits.len())?;
        let digest = signed.correction.eip712_signing_hash(&self.chain.consent_domain());
        self.check_signature(contributor, digest, &signed.signature).await?;
        self.check_receipt(receipt, &answer.host_signature).await?;
        if keccak256(tensor_bytes(&answer.logits)) != receipt.outputHash {
            return Err(DatasetRefusal::OtherOutputs(receiptId));
        }
        let at = self.chain.head().await?.timestamp;
        let key = receipt.eip712_hash_struct();
        let file = format!("{CORRECTIONS}/{key}.json");
        let _alone = self.alone().await?;
        if let Some(before) = self.data.maybe::<Corrected>(&file)? {
            return match before.signed.correction == signed.correction {
                true => Ok(()),
                false => Err(DatasetRefusal::ReceiptUsed(receiptId)),
            };
        }
        self.check_standing(&kept, place).await?;
        let opening = Opening { by: contributor, valid_until: u64::MAX, evidence: Some(key) };
        let mut records = self.open_places(opening, &BTreeSet::from([(contribution, place)])).await?;
        let record = records.remove(&(contribution, place));
        let record = record.ok_or(DatasetRefusal::UnknownRecord { contribution, place })?;
        let schema = &self.charter.schema;
        let features: Vec<f32> = schema.numbers(&record).into_iter().map(|value| value as f32).collect();
        if input_commitment(answer.salt, &tensor_bytes(&features)) != receipt.inputCommitment {
            return Err(DatasetRefusal::OtherInput { place, receipt: receiptId });
        }
        if schema.class(&record) == Some(named_class(&answer.logits) as usize) {
            return Err(DatasetRefusal::NothingToCorrect { place, receipt: receiptId });
        }
        Ok(self.data.write(file, &Corrected { signed, at })?)
    }

    /// Takes a flag: the payer of an answer says that it is wrong. A later one about the same answer replaces it.
    ///
    /// # Errors
    /// [`DatasetRefusal`] says what does not hold.
    pub async fn flag(&self, signed: SignedFlag) -> Result<(), DatasetRefusal> {
        let SignedFlag { flag, receipt, .. } = &signed;
        if flag.datasetId != self.asset().0 {
            let found = AssetId(flag.datasetId);
            return Err(DatasetRefusal::FlagElsewhere { found, expected: self.asset() });
        }
        if receipt.id != flag.receiptId {
            return Err(DatasetRefusal::OtherReceipt { found: receipt.id, signed: flag.receiptId });
        }
        check_reason(&flag.reason)?;
        let digest = flag.eip712_signing_hash(&self.chain.consent_domain());
        self.check_signature(receipt.payer, digest, &signed.signature).await?;
        self.check_receipt(receipt, &signed.host_signature).await?;
        let at = self.chain.head().await?.timestamp;
        let file = format!("{FLAGS}/{}.json", receipt.eip712_hash_struct());
        let _alone = self.alone().await?;
        Ok(self.data.write(file, &Flagged { signed, at })?)
    }

    /// Corrections in the order they came.
    ///
    /// # Errors
    /// [`StepError::File`], [`StepError::Unreadable`].
    pub fn corrections(&self) -> Result<Vec<Corrected>, StepError> {
        let mut corrections: Vec<Corrected> = self.kept_in(CORRECTIONS)?;
        corrections.sort_by_key(|corrected| {
            let Correction { contributionId, place, receiptId } = corrected.signed.correction;
            (corrected.at, contributionId, place, receiptId)
        });
        Ok(corrections)
    }

    /// Flags in the order they came.
    ///
    /// # Errors
    /// [`StepError::File`], [`StepError::Unreadable`].
    pub fn flags(&self) -> Result<Vec<Flagged>, StepError> {
        let mut flags: Vec<Flagged> = self.kept_in(FLAGS)?;
        flags.sort_by_key(|flagged| (flagged.at, flagged.signed.flag.receiptId));
        Ok(flags)
    }

    /// The corrections as screening takes them.
    pub(crate) fn correcting(&self) -> Result<Vec<Correcting>, StepError> {
        let correcting = |corrected: Corrected| {
            let Correction { contributionId: contribution, place, receiptId: receipt } = corrected.signed.correction;
            Some(Correcting { contribution, place: u32::try_from(place).ok()?, receipt })
        };
        Ok(self.corrections()?.into_iter().filter_map(correcting).collect())
    }

    /// A contribution that is here whole, and has a record at a place.
    pub(super) fn whole(&self, contribution: B256, place: u64) -> Result<Kept, DatasetRefusal> {
        let kept = self.kept(contribution)?.ok_or(DatasetRefusal::UnknownContribution(contribution))?;
        if place >= kept.consent.contribution.records {
            return Err(DatasetRefusal::UnknownRecord { contribution, place });
        }
        match kept.receipt.is_some() {
            true => Ok(kept),
            false => Err(DatasetRefusal::Incomplete(kept.missing())),
        }
    }

    /// That somebody stands behind a signature now.
    pub(super) async fn check_signature(
        &self,
        account: Address,
        digest: B256,
        signature: &Bytes,
    ) -> Result<(), DatasetRefusal> {
        check_length(signature)?;
        let block = BlockId::number(self.chain.head().await?.number);
        match signed_by(&self.chain, account, digest, signature, block).await? {
            Some(_) => Ok(()),
            None => Err(DatasetRefusal::NotSigned(account)),
        }
    }

    /// That an answer has one record, and the classes that the dataset's records have.
    fn check_comparable(&self, receipt: &Receipt, logits: usize) -> Result<(), DatasetRefusal> {
        let classes = self.charter.schema.classes().ok_or(DatasetRefusal::NoClasses)?;
        if receipt.units != 1 {
            return Err(DatasetRefusal::SeveralRecords { receipt: receipt.id, records: receipt.units });
        }
        match logits == classes {
            true => Ok(()),
            false => Err(DatasetRefusal::OtherClasses { found: logits, expected: classes }),
        }
    }

    /// That a receipt is of a model made of this dataset, for weights that the chain has, and signed by the host that the
    /// chain named when it was served.
    async fn check_receipt(&self, receipt: &Receipt, host_signature: &Bytes) -> Result<(), DatasetRefusal> {
        let (model, dataset) = (AssetId(receipt.assetId), self.asset());
        let other = || DatasetRefusal::OtherModel { model, dataset };
        match lineage::is_made_of(&self.chain, model, dataset).await {
            Ok(true) => {}
            Ok(false) | Err(ChainError::UnknownAsset(_)) => return Err(other()),
            Err(error) => return Err(error.into()),
        }
        let bad = || DatasetRefusal::NotTheHosts { receipt: receipt.id, model };
        if receipt.servedAt > self.chain.head().await?.timestamp {
            return Err(bad());
        }
        let block = self.chain.block_at(receipt.servedAt).await?;
        let host = match assets::asset_at(&self.chain, model, block).await {
            Ok(asset) => asset.shares.host,
            // Before the model was registered, or before there was a registry.
            Err(ChainError::UnknownAsset(_) | ChainError::NoContract(_)) => return Err(bad()),
            Err(error) => return Err(error.into()),
        };
        let weights = match assets::version(&self.chain, model, receipt.version).await {
            Ok(version) => version.contentHash,
            Err(ChainError::UnknownVersion { .. }) => return Err(bad()),
            Err(error) => return Err(error.into()),
        };
        let is_signed = typed_data::verify(receipt, &self.chain.ledger_domain(), host_signature, host).is_ok();
        match is_signed && weights == receipt.weightsHash {
            true => Ok(()),
            false => Err(bad()),
        }
    }

    /// That a record was not taken back: what is withdrawn is opened for nobody.
    async fn check_standing(&self, kept: &Kept, place: u64) -> Result<(), DatasetRefusal> {
        let withdrawn = || DatasetRefusal::Withdrawn(kept.id);
        if consent::consent(&self.chain, kept.id).await?.withdrawnAt != 0 {
            return Err(withdrawn());
        }
        let back = consent::withdrawn_records(&self.chain, &[kept.id]).await?;
        match self.commitment_of(kept.id, place)? {
            Some(commitment) if !back.contains(&(kept.id, commitment)) => Ok(()),
            _ => Err(withdrawn()),
        }
    }

    /// The commitment to a record, if it is here.
    pub(super) fn commitment_of(&self, id: B256, place: u64) -> Result<Option<B256>, StepError> {
        let Some(kept) = self.kept(id)? else { return Ok(None) };
        let Ok((number, part)) = part_of(&kept, place) else { return Ok(None) };
        let within = usize::try_from(place.saturating_sub(part.first)).unwrap_or(usize::MAX);
        Ok(self.commitments(id, number)?.get(within).copied())
    }

    /// The records at places of contributions, after the log has said who has them opened; erased ones are left out. The
    /// folder's lock is the caller's, and that nothing of it was taken back is theirs to know.
    pub(super) async fn open_places(
        &self,
        opening: Opening,
        places: &BTreeSet<(B256, u64)>,
    ) -> Result<BTreeMap<(B256, u64), Record>, DatasetRefusal> {
        let mut parts: BTreeMap<(B256, usize), KeptPart> = BTreeMap::new();
        let mut kept = BTreeMap::new();
        for (id, place) in places {
            if !kept.contains_key(id) {
                kept.insert(*id, self.kept(*id)?.ok_or(DatasetRefusal::UnknownContribution(*id))?);
            }
            if let Some(kept) = kept.get(id) {
                let (number, part) = part_of(kept, *place)?;
                parts.insert((*id, number), *part);
            }
        }
        if parts.is_empty() {
            return Ok(BTreeMap::new());
        }
        let access = Access {
            at: self.chain.head().await?.timestamp,
            by: opening.by,
            purposes: Purposes::CURATE,
            dataset: self.asset(),
            version: None,
            valid_until: opening.valid_until,
            blobs: parts.len() as u64,
            // A part is opened whole.
            records: parts.values().map(|part| part.records).sum(),
            evidence: opening.evidence,
        };
        self.access_log().await?.append(&access)?;
        let mut records = BTreeMap::new();
        for ((id, number), part) in &parts {
            let bytes = self.store.get(part.blob, &self.context(*id, *number)).await?;
            let part = Part::decode(&bytes, &self.charter.schema)?;
            for (place, entry) in (part.first..).zip(part.entries) {
                if let Some(record) = entry.record().filter(|_| places.contains(&(*id, place))) {
                    records.insert((*id, place), record.clone());
                }
            }
        }
        Ok(records)
    }

    /// Every value that is kept in one of the folders of small files.
    pub(super) fn kept_in<T: DeserializeOwned>(&self, folder: &str) -> Result<Vec<T>, StepError> {
        let path = self.data.join(folder);
        let file = |source| StepError::File { path: path.clone(), source };
        let entries = match std::fs::read_dir(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(file)?,
        };
        let mut kept = Vec::new();
        for entry in entries {
            let name = entry.map_err(file)?.file_name();
            let name = std::path::Path::new(folder).join(name);
            if name.extension().is_some_and(|extension| extension == "json") {
                kept.extend(self.data.maybe::<T>(name)?);
            }
        }
        Ok(kept)
    }
}

/// The part that has a place, and its number.
fn part_of(kept: &Kept, place: u64) -> Result<(usize, &KeptPart), DatasetRefusal> {
    let has = |part: &KeptPart| place.checked_sub(part.first).is_some_and(|within| within < part.records);
    let mut parts = kept.parts.iter().enumerate().filter_map(|(number, part)| Some((number, part.as_ref()?)));
    let found = parts.find(|(_, part)| has(part));
    found.ok_or(DatasetRefusal::UnknownRecord { contribution: kept.id, place })
}
