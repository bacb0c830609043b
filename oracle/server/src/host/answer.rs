//! From a signed request to an answer with a durable, signed receipt.
//!
//! reserve (durable) → one pass gives outputs and sketch → receipt signed → earn (durable) → answer.
//! A request that fails after its reservation is voided; nobody is charged for it.

use std::sync::Arc;

use alloy::{
    primitives::{B256, keccak256},
    sol_types::SolStruct,
};
use tributary_ledger::{Outcome, Quota, Reservation};
use tributary_sdk::{
    Address, AssetId,
    api::{Infer, Inferred, Influence, tensor_bytes},
    batch::{ReceiptRow, Session},
    records::input_commitment,
    sketch::Sketch,
    typed_data::{self, InferenceRequest, Receipt},
};

use super::{Host, Refusal};

/// How many contributors an answer names.
const NAMED: usize = 3;

impl Host {
    /// Serves one request. It runs to its end even if the client hangs up, so that no reservation is left open.
    pub async fn infer(self: Arc<Self>, asset: AssetId, infer: Infer) -> Result<Inferred, Refusal> {
        self.check(asset, &infer)?;
        let admitted = self.admit(&infer.request, &infer.signature).await;
        // Whoever asks again because the answer was lost must not be told to sign, and pay for, another request.
        if let Err(Refusal::StaleRequest { .. }) = admitted
            && self.is_settled(&infer.request)?
        {
            return Err(Refusal::AlreadySettled(infer.request.id));
        }
        let (session, quota) = admitted?;
        tokio::spawn(async move { self.serve(infer, session, quota).await }).await.map_err(|_| Refusal::Lost)?
    }

    fn check(&self, asset: AssetId, infer: &Infer) -> Result<(), Refusal> {
        let request = &infer.request;
        let served = self.version;
        if asset != served.asset || request.assetId != served.asset.0 {
            let asked = if asset == served.asset { AssetId(request.assetId) } else { asset };
            return Err(Refusal::UnknownModel { asked, served: served.asset });
        }
        if request.version != served.version {
            return Err(Refusal::WrongVersion { asked: request.version, served: served.version });
        }
        if request.units != 1 {
            return Err(Refusal::WrongUnits(request.units));
        }
        self.model.check(&infer.features)?;
        if request.inputCommitment != input_commitment(infer.salt, &tensor_bytes(&infer.features)) {
            return Err(Refusal::WrongCommitment);
        }
        Ok(())
    }

    /// Whether this very request was served in an epoch that is closed.
    fn is_settled(&self, request: &InferenceRequest) -> Result<bool, Refusal> {
        let hash = request.eip712_signing_hash(&self.chain().ledger_domain());
        let row = self.ledger.row(request.id)?;
        Ok(row.is_some_and(|row| row.request_hash == hash && row.epoch.is_some()))
    }

    async fn serve(&self, infer: Infer, session: Session, quota: Quota) -> Result<Inferred, Refusal> {
        let request_id = infer.request.id;
        let reservation = Reservation {
            request_id,
            request_hash: infer.request.eip712_signing_hash(&self.chain().ledger_domain()),
            license_id: infer.request.licenseId,
            quota,
        };
        match self.ledger.reserve(reservation).await? {
            Outcome::InProgress => Err(Refusal::InProgress(request_id)),
            Outcome::Earned { answer: Some(answer), .. } => {
                serde_json::from_slice(&answer).map_err(|error| Refusal::Release(error.to_string()))
            }
            Outcome::Earned { answer: None, .. } => Err(Refusal::AlreadySettled(request_id)),
            Outcome::Reserved => {
                let answered = self.answer(infer, &session, reservation.request_hash).await;
                if answered.is_err() {
                    self.ledger.void(request_id).await?;
                }
                answered
            }
        }
    }

    async fn answer(&self, infer: Infer, session: &Session, request_hash: B256) -> Result<Inferred, Refusal> {
        let mut outputs = self.model.run(infer.features).await?;
        let mut take = |name: &str| {
            outputs.take(name).ok_or_else(|| Refusal::Release(format!("the model has no output `{name}`")))
        };
        let (logits, sketch) = (take("logits")?, Sketch::quantise(&take("sketch")?)?);
        let contributors = self.influence(&sketch)?;
        let request = infer.request;

        // The receipt's time is taken, checked and made durable while no epoch can end.
        let _in_epoch = self.gate.read().await;
        let served_at = self.clock.now(request.issuedAt).await?;
        self.check_time(request.issuedAt, served_at).await?;
        let ended = session.authorization.expiresAt;
        if served_at >= ended {
            return Err(Refusal::SessionEnded { ended, now: served_at });
        }
        let receipt = Receipt {
            id: request.id,
            assetId: request.assetId,
            version: request.version,
            weightsHash: self.release.manifest().weights_hash,
            payer: session.holder,
            licenseId: request.licenseId,
            paymentId: B256::ZERO,
            requestHash: request_hash,
            requestSignatureHash: keccak256(&infer.signature),
            inputCommitment: request.inputCommitment,
            outputHash: keccak256(tensor_bytes(&logits)),
            sketchHash: sketch.hash(),
            units: request.units,
            token: Address::ZERO,
            amount: 0,
            servedAt: served_at,
        };
        let host_signature: alloy::primitives::Bytes =
            typed_data::sign(&receipt, &self.chain().ledger_domain(), &self.key)?.into();
        let class = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(class, _)| class as u32);
        let answer =
            Inferred { logits, class, receipt: receipt.clone(), host_signature: host_signature.clone(), contributors };
        let row = ReceiptRow {
            receipt,
            host_signature,
            request,
            request_signature: infer.signature,
            session_key: session.authorization.sessionKey,
            sketch,
        };
        let bytes = serde_json::to_vec(&answer).map_err(|error| Refusal::Release(error.to_string()))?;
        self.ledger.earn(row, bytes).await?;
        Ok(answer)
    }

    /// The contributors whose data helped most, by exact integer scores.
    fn influence(&self, sketch: &Sketch) -> Result<Vec<Influence>, Refusal> {
        let table = self.release.table();
        let scores = table.scores(sketch).map_err(|error| Refusal::Release(error.to_string()))?;
        let positive: i128 = scores.iter().map(|score| i128::from((*score).max(0))).sum();
        let mut named: Vec<Influence> = table
            .rows()
            .iter()
            .zip(&scores)
            .map(|(row, score)| Influence {
                account: row.account,
                bps: if positive == 0 { 0 } else { (i128::from(*score) * 10_000 / positive) as i64 },
            })
            .collect();
        named.sort_by_key(|influence| std::cmp::Reverse(influence.bps));
        named.truncate(NAMED);
        Ok(named)
    }
}
