//! Inputs that the host keeps, for those who ask the model again: the vault's attestors, and whoever asked.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
    sol_types::SolStruct,
};
use tributary_chain::{root, wallets};
use tributary_sdk::{
    api::{KeptInput, Reader},
    typed_data::InputAccess,
};

use super::{Host, Refusal};

/// How long ahead a reader may sign, in seconds of the chain's time.
const AHEAD: u64 = 24 * 60 * 60;

impl Host {
    /// A receipt's input, for an attestor of its vault or its payer.
    pub async fn input(&self, id: B256, reader: Reader) -> Result<KeptInput, Refusal> {
        let (service, row) = self.receipt_of(id)?;
        let now = self.chain().head().await?.timestamp;
        let Reader { signer, until, signature } = reader;
        if until <= now || until > now.saturating_add(AHEAD) {
            return Err(Refusal::ReadingTime { until, now });
        }
        self.check_reader(&service.on.vault, &row.receipt.payer, signer).await?;
        let access = InputAccess { receiptId: id, until };
        let digest = access.eip712_signing_hash(&self.chain().ledger_domain());
        if wallets::signed_by(self.chain(), signer, digest, &signature, BlockId::latest()).await?.is_none() {
            return Err(Refusal::NotSigned { holder: signer });
        }
        let bytes = service.ledger.input(id)?.ok_or(Refusal::InputNotKept(id))?;
        serde_json::from_slice(&bytes).map_err(|error| Refusal::Release(error.to_string()))
    }

    async fn check_reader(&self, vault: &Address, payer: &Address, reader: Address) -> Result<(), Refusal> {
        let is_attestor = root::policy(self.chain(), *vault).await?.signers.contains(&reader);
        if is_attestor || reader == *payer { Ok(()) } else { Err(Refusal::NoReader(reader)) }
    }
}
