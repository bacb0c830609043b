//! What attestors say of closed epochs, kept until their roots are posted.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::{eips::BlockId, primitives::B256, sol_types::SolStruct};
use tributary_chain::{epoch, root, verify, wallets};
use tributary_sdk::{
    api::{Finding, Quorum},
    typed_data::RootStatement,
};

use super::{Refusal, Service};
use crate::moment::Moment;

/// How long attestors have, in seconds of the chain's time, before everybody has to sign again.
const PATIENCE: u64 = 7 * 24 * 60 * 60;

/// The folder of what attestors said, a file for each batch.
#[derive(Clone, Debug)]
pub(super) struct Quorums {
    folder: PathBuf,
}

impl Quorums {
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("attestations");
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    fn read(&self, batch: B256) -> Result<Option<Quorum>, Refusal> {
        match fs::read(self.path(batch)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
            Ok(bytes) => {
                let broken = |error: serde_json::Error| Refusal::StoredBatch(format!("attestations: {error}"));
                serde_json::from_slice(&bytes).map(Some).map_err(broken)
            }
        }
    }

    fn keep(&self, batch: B256, quorum: &Quorum) -> Result<(), Refusal> {
        let bytes = serde_json::to_vec_pretty(quorum).map_err(io::Error::from)?;
        let path = self.path(batch);
        let part = path.with_extension("part");
        let mut file = fs::File::create(&part)?;
        io::Write::write_all(&mut file, &bytes)?;
        file.sync_all()?;
        Moment::WordsWritten.reached();
        fs::rename(&part, &path)?;
        fs::File::open(&self.folder)?.sync_all()?;
        Moment::WordsKept.reached();
        Ok(())
    }

    fn path(&self, batch: B256) -> PathBuf {
        self.folder.join(format!("{batch}.json"))
    }
}

impl Service {
    /// What attestors have said of a closed epoch. Who looks after the deadline begins a new round.
    pub async fn quorum(&self, index: u64) -> Result<Quorum, Refusal> {
        let _one_at_a_time = self.attesting.lock().await;
        self.round(index).await
    }

    /// What was said so far of an epoch that is closed here; asks nobody.
    pub fn words_of(&self, index: u64) -> Result<Option<Quorum>, Refusal> {
        match self.batches.hash_of(index)? {
            None => Ok(None),
            Some(hash) => self.quorums.read(hash),
        }
    }

    /// Takes an attestor's word, if the vault's policy names the attestor and the word is about this very batch.
    pub async fn tell(&self, index: u64, finding: Finding) -> Result<Quorum, Refusal> {
        let _one_at_a_time = self.attesting.lock().await;
        let mut quorum = self.round(index).await?;
        if self.is_posted(index).await? {
            return Err(Refusal::AlreadyPosted(index));
        }
        let batch = quorum.statement.dataHash;
        let domain = self.chain().ledger_domain();
        let (signer, digest, signature) = match &finding {
            Finding::Attested(word) if word.statement == quorum.statement => {
                (word.signer, word.statement.eip712_signing_hash(&domain), &word.signature)
            }
            Finding::Refused(word) if word.refusal.dataHash == batch => {
                (word.signer, word.refusal.eip712_signing_hash(&domain), &word.signature)
            }
            _ => return Err(Refusal::OtherStatement(index)),
        };
        let policy = root::policy(self.chain(), self.on.vault).await?;
        if !policy.signers.contains(&signer) {
            return Err(Refusal::NoAttestor(signer));
        }
        if wallets::signed_by(self.chain(), signer, digest, signature, BlockId::latest()).await?.is_none() {
            return Err(Refusal::NotSigned { holder: signer });
        }
        // Who recomputes again and finds otherwise takes back what they said.
        quorum.attested.retain(|word| word.signer != signer);
        quorum.refused.retain(|word| word.signer != signer);
        match finding {
            Finding::Attested(word) => quorum.attested.push(*word),
            Finding::Refused(word) => {
                tracing::error!(%signer, epoch = index, reason = word.refusal.reason, "an attestor refuses the batch");
                quorum.refused.push(*word);
            }
        }
        quorum.attested.sort_by_key(|word| word.signer);
        quorum.refused.sort_by_key(|word| word.signer);
        self.quorums.keep(batch, &quorum)?;
        Ok(quorum)
    }

    /// Begins to collect what attestors say of a batch that was just closed. What they already said of the very same one
    /// stays.
    pub(super) async fn begin_round(&self, statement: RootStatement) -> Result<(), Refusal> {
        let now = self.chain().head().await?.timestamp;
        let _one_at_a_time = self.attesting.lock().await;
        match self.quorums.read(statement.dataHash)? {
            Some(quorum) if quorum.statement.deadline > now => Ok(()),
            _ => self.begin(statement, now).map(drop),
        }
    }

    fn begin(&self, statement: RootStatement, now: u64) -> Result<Quorum, Refusal> {
        let statement = RootStatement { deadline: now.saturating_add(PATIENCE), ..statement };
        let quorum = Quorum { statement, attested: Vec::new(), refused: Vec::new() };
        self.quorums.keep(quorum.statement.dataHash, &quorum)?;
        Ok(quorum)
    }

    /// What was said of an epoch. What is said of one whose root is posted stays as it is.
    async fn round(&self, index: u64) -> Result<Quorum, Refusal> {
        let hash = self.batches.hash_of(index)?.ok_or(Refusal::UnknownEpoch(index))?;
        let now = self.chain().head().await?.timestamp;
        match self.quorums.read(hash)? {
            Some(quorum) if quorum.statement.deadline > now || self.is_posted(index).await? => Ok(quorum),
            Some(quorum) => self.begin(quorum.statement, now),
            // The folder came without what was said, a restored one say.
            None if self.is_posted(index).await? => Err(Refusal::AlreadyPosted(index)),
            None => {
                let verified = verify::before_posting(self.chain(), &self.batches.bytes(hash)?).await?;
                self.begin(verified.statement, now)
            }
        }
    }

    async fn is_posted(&self, index: u64) -> Result<bool, Refusal> {
        Ok(epoch::standing(self.chain(), self.on).await?.index > index)
    }
}
