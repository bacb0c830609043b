//! From a question to an answer with a durable, signed receipt.
//!
//! reserve (durable) → one pass gives outputs and sketch → receipt signed → earn (durable) → answer.
//! A question that fails after its reservation is voided; nobody is charged for it.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    sol_types::SolStruct,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Serialize;
use tokio::sync::{RwLockReadGuard, oneshot};
use tracing::{Instrument, info_span};
use tributary_attribution::compile::SKETCH;
use tributary_chain::ChainError;
use tributary_factory::model::LOGITS;
use tributary_ledger::{Access, LedgerError, Outcome, Reservation};
use tributary_runtime::Timing;
use tributary_sdk::{
    AssetId,
    api::{Infer, Inferred, Influence, KeptInput, named_class, tensor_bytes},
    batch::ReceiptRow,
    records::input_commitment,
    sign_in::Credential,
    sketch::Sketch,
    table::{ContributorTable, basis_points},
    typed_data::{self, InferenceRequest, Receipt},
};

use super::{Host, Refusal, Service, admission::Admitted, service::Served};
use crate::{moment::Moment, secret::Secret};

/// How many contributors an answer names.
const NAMED: usize = 3;

/// What is asked, and by what right.
#[derive(Clone, Debug)]
pub struct Question {
    /// One record or several, shape `[n, input width]`.
    pub features: Vec<f32>,
    /// Who asks.
    pub asked: Asked,
    /// When nobody waits for the answer any more.
    pub deadline: Instant,
}

/// Who asks, and what they say of it.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A session key, which signed the request.
    Signed {
        /// What is asked.
        request: InferenceRequest,
        /// The session key's signature.
        signature: Bytes,
        /// Of the input commitment.
        salt: B256,
    },
    /// Whoever has a bearer key: the host writes the request, and its word alone stands for it.
    Bearer {
        /// The key.
        secret: Secret,
        /// The version asked for; none is whatever is served.
        version: Option<u32>,
        /// The same name with the same input is answered once.
        idempotency: Option<String>,
    },
}

/// An answer, and how long it took.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The answer with its receipt.
    pub answer: Inferred,
    /// What the pass took; none if the answer was given before.
    pub timing: Option<Timing>,
}

impl Question {
    /// The question of a typed request.
    pub fn signed(infer: Infer, deadline: Instant) -> Self {
        let Infer { request, signature, salt, features } = infer;
        Self { features, asked: Asked::Signed { request, signature, salt }, deadline }
    }
}

/// Ends when nobody waits for the answer any more.
type Gone = oneshot::Receiver<Infallible>;

/// Held from the moment a receipt takes its time until it is durable.
type InEpoch<'s> = RwLockReadGuard<'s, ()>;

/// A question that may be served.
struct Admissible {
    features: Vec<f32>,
    request: InferenceRequest,
    signature: Bytes,
    salt: B256,
    fingerprint: B256,
    admitted: Admitted,
    /// When it was admitted, in the chain's time.
    now: u64,
    deadline: Instant,
}

impl Host {
    /// Serves one question. If the client hangs up before it is computed, it is dropped and voided; after that it runs to its
    /// end.
    #[tracing::instrument(name = "answer", skip_all, fields(model = %asset))]
    pub async fn infer(&self, asset: AssetId, question: Question) -> Result<Reply, Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        let service = self.service(asset)?;
        let admission = async {
            let at_work = Arc::clone(&service.at_work).read_owned().await;
            service.admissible(question).await.map(|admitted| (at_work, admitted))
        };
        // A node that is silent must not keep who asks waiting for longer than the host allows.
        let admission = tokio::time::timeout(self.request_timeout, admission).await.map_err(|_| silent())?;
        let (at_work, (served, admissible)) = admission?;
        self.check_unused(asset, admissible.request.id)?;
        Moment::Admitted.reached();
        let (_listening, gone) = oneshot::channel::<Infallible>();
        let serving = async move {
            let _until_answered = at_work;
            service.serve(&served, admissible, gone).await
        };
        tokio::spawn(serving.in_current_span()).await.map_err(|_| Refusal::Lost)?
    }

    /// That no other model's ledger has a receipt of this id: receipts are asked for by their ids alone.
    fn check_unused(&self, asset: AssetId, id: B256) -> Result<(), Refusal> {
        for other in self.services().into_iter().filter(|service| service.asset != asset) {
            if other.ledger.row(id)?.is_some() {
                return Err(LedgerError::Conflict { request_id: id }.into());
            }
        }
        Ok(())
    }
}

/// The node took longer than a question may.
fn silent() -> ChainError {
    ChainError::Rpc("it took longer than a question may".into())
}

impl Service {
    /// Everything that can be refused without touching the ledger.
    #[tracing::instrument(name = "admit", skip_all)]
    async fn admissible(&self, question: Question) -> Result<(Arc<Served>, Admissible), Refusal> {
        let served = self.served();
        let Question { features, asked, deadline } = question;
        let units = served.model.check(&features)? as u64;
        let admissible = match asked {
            Asked::Signed { request, signature, salt } => {
                self.check_signed(&served, &request, salt, &features, units)?;
                let fingerprint = request.eip712_signing_hash(&self.chain().ledger_domain());
                let key = typed_data::recover_digest(fingerprint, &signature)?;
                let now = self.clock.now(request.issuedAt).await?;
                // Whoever asks again because the answer was lost must not be told to sign, and pay for, another request.
                if let Err(stale) = self.check_time(request.issuedAt, now).await {
                    let row = self.ledger.row(request.id)?;
                    let is_settled = row.is_some_and(|row| row.fingerprint == fingerprint && row.epoch.is_some());
                    return Err(if is_settled { Refusal::AlreadySettled(request.id) } else { stale });
                }
                let admitted = self.admit(Credential::Key(key), Some(request.licenseId), now).await?;
                Admissible { features, request, signature, salt, fingerprint, admitted, now, deadline }
            }
            Asked::Bearer { secret, version, idempotency } => {
                served_version(&served, version)?;
                let now = self.clock.now(0).await?;
                let credential = Credential::of_bearer(secret.reveal());
                let admitted = self.admit(credential, None, now).await?;
                // Without the secret nobody can tell which request a name stands for.
                let id = idempotency.map(|name| {
                    keccak256(format!("tributary-idempotency\n{}\n{}\n{name}", self.asset, secret.reveal()))
                });
                let mut rng = StdRng::from_os_rng();
                let mut word = || B256::from(rng.random::<[u8; 32]>());
                let (salt, input, version) = (word(), tensor_bytes(&features), served.version.version);
                let request = InferenceRequest {
                    id: id.unwrap_or_else(word),
                    assetId: self.asset.0,
                    version,
                    licenseId: admitted.access.license_id,
                    inputCommitment: input_commitment(salt, &input),
                    units,
                    issuedAt: now,
                };
                // The salt and the time are the host's: what the same name must come with again is the input.
                let fingerprint = keccak256([&version.to_be_bytes()[..], &input].concat());
                Admissible { features, request, signature: Bytes::new(), salt, fingerprint, admitted, now, deadline }
            }
        };
        Ok((served, admissible))
    }

    fn check_signed(
        &self,
        served: &Served,
        request: &InferenceRequest,
        salt: B256,
        features: &[f32],
        units: u64,
    ) -> Result<(), Refusal> {
        if request.assetId != self.asset.0 {
            return Err(Refusal::OtherModel { asked: AssetId(request.assetId), at: self.asset });
        }
        served_version(served, Some(request.version))?;
        if request.units != units {
            return Err(Refusal::WrongUnits { found: request.units, records: units });
        }
        if request.inputCommitment != input_commitment(salt, &tensor_bytes(features)) {
            return Err(Refusal::WrongCommitment);
        }
        Ok(())
    }

    async fn serve(&self, served: &Served, question: Admissible, gone: Gone) -> Result<Reply, Refusal> {
        let request_id = question.request.id;
        let reservation = Reservation {
            request_id,
            fingerprint: question.fingerprint,
            license_id: question.request.licenseId,
            units: question.request.units,
            at: question.now,
            quota: question.admitted.quota,
        };
        match self.ledger.reserve(reservation).instrument(info_span!("reserve")).await? {
            Outcome::InProgress => Err(Refusal::InProgress(request_id)),
            Outcome::Earned { answer: Some(answer), .. } => {
                let answer = serde_json::from_slice(&answer).map_err(|error| Refusal::Release(error.to_string()))?;
                Ok(Reply { answer, timing: None })
            }
            Outcome::Earned { answer: None, .. } => Err(Refusal::AlreadySettled(request_id)),
            Outcome::Reserved => {
                Moment::Reserved.reached();
                let answered = self.answer(served, question, gone).await;
                if answered.is_err() {
                    Moment::Failed.reached();
                    self.void(request_id).await?;
                }
                answered
            }
        }
    }

    /// It may have waited: what let it in must still hold. Returns the receipt's time, which stands as long as the guard: it
    /// is taken, checked and made durable while no epoch can end.
    async fn still_admitted(&self, admitted: &Admitted, issued_at: u64) -> Result<(u64, InEpoch<'_>), Refusal> {
        let session = &admitted.access.session;
        self.licenses.find(admitted.access.license_id, session.holder).await?;
        if !self.licenses.is_signed(session).await? {
            return Err(Refusal::NotSigned { holder: session.holder });
        }
        let in_epoch = self.gate.read().await;
        Ok((self.clock.served(issued_at).await?, in_epoch))
    }

    async fn void(&self, request_id: B256) -> Result<(), LedgerError> {
        match self.ledger.void(request_id).await {
            // An answer whose row is durable after all is the client's: it gets it by asking again.
            Err(LedgerError::NotReserved { .. }) => Ok(()),
            other => other,
        }
    }

    async fn answer(&self, served: &Served, question: Admissible, gone: Gone) -> Result<Reply, Refusal> {
        let Admissible { features, request, signature, salt, admitted, deadline, .. } = question;
        let kept = match self.keeps_inputs {
            0 => None,
            _ => Some(json(&KeptInput { salt, features: features.clone() })?),
        };
        let tributary_runtime::Answer { mut outputs, timing } = tokio::select! {
            answer = served.model.run(features, Some(deadline)).instrument(info_span!("pass")) => answer?,
            _ = gone => return Err(Refusal::Lost),
        };
        Moment::Computed.reached();
        let records = outputs.records();
        let mut take = |name: &str| {
            outputs.take(name).ok_or_else(|| Refusal::Release(format!("the model has no output `{name}`")))
        };
        let (logits, sketches) = (take(LOGITS)?, take(SKETCH)?);
        let begun = Instant::now();
        let sketch = Sketch::of_sum(&sketches, records)?;
        let contributors = named(served.release.table(), &sketch)?;
        self.sketch_seconds.observe(begun.elapsed().as_secs_f64());

        let checked = tokio::time::timeout_at(deadline.into(), self.still_admitted(&admitted, request.issuedAt));
        let (served_at, _in_epoch) = checked.await.map_err(|_| silent())??;
        self.check_time(request.issuedAt, served_at).await?;
        let Access { session, credential, expires_at: ended, .. } = admitted.access;
        if served_at >= ended {
            return Err(Refusal::SessionEnded { ended, now: served_at });
        }
        let receipt = Receipt {
            id: request.id,
            assetId: request.assetId,
            version: request.version,
            weightsHash: served.release.manifest().weights_hash,
            payer: session.holder,
            licenseId: request.licenseId,
            paymentId: B256::ZERO,
            requestHash: request.eip712_signing_hash(&self.chain().ledger_domain()),
            requestSignatureHash: credential.signature_hash(&signature),
            inputCommitment: request.inputCommitment,
            outputHash: keccak256(tensor_bytes(&logits)),
            sketchHash: sketch.hash(),
            units: request.units,
            token: Address::ZERO,
            amount: 0,
            servedAt: served_at,
        };
        let host_signature: Bytes = typed_data::sign(&receipt, &self.chain().ledger_domain(), &self.key)?.into();
        Moment::ReceiptSigned.reached();
        let answer = Inferred {
            predicted: logits.chunks(logits.len().div_ceil(records.max(1)).max(1)).map(named_class).collect(),
            logits,
            receipt: receipt.clone(),
            host_signature: host_signature.clone(),
            salt,
            contributors,
        };
        let row = ReceiptRow {
            receipt,
            host_signature,
            request,
            request_signature: signature,
            credential,
            sketch: Some(sketch),
        };
        let earn = info_span!("earn");
        match kept {
            None => self.ledger.earn(row, json(&answer)?).instrument(earn).await?,
            Some(input) => self.ledger.earn_with_input(row, json(&answer)?, input).instrument(earn).await?,
        }
        Moment::Earned.reached();
        Ok(Reply { answer, timing: Some(timing) })
    }
}

fn served_version(served: &Served, asked: Option<u32>) -> Result<(), Refusal> {
    let now = served.version.version;
    match asked {
        Some(asked) if asked != now => Err(Refusal::WrongVersion { asked, served: now }),
        _ => Ok(()),
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(value).map_err(|error| Refusal::Release(error.to_string()))
}

/// The contributors whose data helped most, by exact integer scores.
fn named(table: &ContributorTable, sketch: &Sketch) -> Result<Vec<Influence>, Refusal> {
    let bps = basis_points(&scores(table, sketch)?);
    let named = table.rows().iter().zip(bps).map(|(row, bps)| Influence { account: row.account, bps });
    let mut named: Vec<Influence> = named.collect();
    let largest_first = |influence: &Influence| (std::cmp::Reverse(influence.bps), influence.account);
    // Tables are long, and only the first few are named.
    if named.len() > NAMED {
        named.select_nth_unstable_by_key(NAMED, largest_first);
        named.truncate(NAMED);
    }
    named.sort_unstable_by_key(largest_first);
    Ok(named)
}

pub(super) fn scores(table: &ContributorTable, sketch: &Sketch) -> Result<Vec<i64>, Refusal> {
    table.scores(sketch).map_err(|error| Refusal::Release(error.to_string()))
}

/// How long a question may take: what it asks for, at most what the host allows.
pub(crate) fn deadline(asked: Option<Duration>, allowed: Duration) -> Instant {
    Instant::now() + asked.map_or(allowed, |asked| asked.min(allowed))
}
