//! Whether every receipt is for something that a licensed buyer asked for and the host served, in this epoch, once.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256, keccak256},
    rpc::types::Filter,
    sol_types::{SolEvent, SolStruct},
};
use tributary_sdk::{
    batch::{ReceiptRow, Session},
    contracts::LicenseToken,
    release::VersionRef,
    typed_data::{self, SignatureError},
};

use crate::{
    Chain, ChainError,
    licenses::{self, rights},
    logs,
};

/// The receipts of an epoch and what they have to fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage<'b> {
    pub(crate) receipts: &'b [ReceiptRow],
    pub(crate) sessions: &'b [Session],
    pub(crate) release: VersionRef,
    pub(crate) weights_hash: B256,
    pub(crate) host: Address,
    pub(crate) sketch_width: usize,
    /// The epoch is `(after, until]`, in the chain's time.
    pub(crate) after: u64,
    pub(crate) until: u64,
}

/// Receipts that do not hold, each with its problem.
pub(crate) async fn problems(chain: &Chain, usage: Usage<'_>) -> Result<BTreeMap<B256, String>, ChainError> {
    let signed_in = signed_in(chain, usage.sessions);
    let mut problems = BTreeMap::new();
    let mut served: BTreeMap<(U256, Address), Vec<(u64, B256)>> = BTreeMap::new();
    for row in usage.receipts {
        let receipt = &row.receipt;
        let session = signed_in.get(&(row.session_key, receipt.licenseId, receipt.payer));
        let problem = signature_problem(chain, usage.host, row)
            .err()
            .map(|error| error.to_string())
            .or_else(|| field_problem(chain, usage, row).map(str::to_owned))
            .or_else(|| match session {
                None => Some("its payer has not signed its session key in for its license".into()),
                Some(ended) if *ended <= receipt.servedAt => Some("its session had ended".into()),
                Some(_) => None,
            });
        match problem {
            Some(problem) => {
                problems.insert(receipt.id, problem);
            }
            None => {
                served.entry((receipt.licenseId, receipt.payer)).or_default().push((receipt.servedAt, receipt.id));
            }
        }
    }
    for ((license, payer), receipts) in served {
        for id in unlicensed(chain, usage.release, license, payer, receipts).await? {
            problems.insert(id, format!("license {license} did not let {payer} ask this model when it was served"));
        }
    }
    Ok(problems)
}

/// (session key, license, holder) → when the longest of its sessions ends. A session without its holder's signature is
/// none.
fn signed_in(chain: &Chain, sessions: &[Session]) -> BTreeMap<(Address, U256, Address), u64> {
    let mut ends = BTreeMap::new();
    for session in sessions {
        let authorization = &session.authorization;
        let signed = typed_data::verify(authorization, &chain.ledger_domain(), &session.signature, session.holder);
        if signed.is_ok() {
            let end: &mut u64 =
                ends.entry((authorization.sessionKey, authorization.licenseId, session.holder)).or_default();
            *end = authorization.expiresAt.max(*end);
        }
    }
    ends
}

fn signature_problem(chain: &Chain, host: Address, row: &ReceiptRow) -> Result<(), SignatureError> {
    let domain = chain.ledger_domain();
    typed_data::verify(&row.receipt, &domain, &row.host_signature, host)?;
    typed_data::verify(&row.request, &domain, &row.request_signature, row.session_key)
}

/// Everything in a receipt that follows from something else.
fn field_problem(chain: &Chain, usage: Usage<'_>, row: &ReceiptRow) -> Option<&'static str> {
    let (receipt, request) = (&row.receipt, &row.request);
    let served = |asset: u128, version: u32| asset == usage.release.asset.0 && version == usage.release.version;
    let without_payment = receipt.paymentId == B256::ZERO && receipt.token == Address::ZERO && receipt.amount == 0;
    let checks = [
        (served(receipt.assetId, receipt.version), "another release served it"),
        (served(request.assetId, request.version), "its request asks another release"),
        (receipt.weightsHash == usage.weights_hash, "its weights are not the release's"),
        (request.licenseId == receipt.licenseId && request.id == receipt.id, "its request names another license or id"),
        (without_payment, "it claims a payment under a license"),
        (
            receipt.requestHash == request.eip712_signing_hash(&chain.ledger_domain()),
            "its request hash is another request's",
        ),
        (
            receipt.requestSignatureHash == keccak256(&row.request_signature),
            "its request signature hash is another signature's",
        ),
        (receipt.inputCommitment == request.inputCommitment, "its input is not the request's"),
        (receipt.units == request.units && receipt.units > 0, "its units are not the request's"),
        (receipt.sketchHash == row.sketch.hash(), "its sketch is not the one it commits to"),
        (row.sketch.values().len() == usage.sketch_width, "its sketch has the wrong width"),
        (receipt.servedAt > usage.after && receipt.servedAt <= usage.until, "it was not served in this epoch"),
        // A request fits one epoch only, so that it cannot be settled again in the next.
        (request.issuedAt > usage.after && request.issuedAt <= receipt.servedAt, "it was not asked for in this epoch"),
    ];
    checks.into_iter().find(|(fits, _)| !fits).map(|(_, problem)| problem)
}

/// Receipts served while the license did not let `payer` ask.
///
/// Between two changes of holder, user or expiry, a license can only run out: who was licensed at the last receipt of such
/// a stretch was licensed at all of them. The chain is asked once a stretch, and once a receipt only where that fails. It
/// is asked of that time alone: a license that was revoked since was good until then.
async fn unlicensed(
    chain: &Chain,
    release: VersionRef,
    license: U256,
    payer: Address,
    mut receipts: Vec<(u64, B256)>,
) -> Result<Vec<B256>, ChainError> {
    let changes = changes(chain, license).await?;
    receipts.sort_unstable();
    let mut refused = Vec::new();
    let stretch = |time: u64| changes.range(..=time).count();
    for receipts in receipts.chunk_by(|a, b| stretch(a.0) == stretch(b.0)) {
        for (time, id) in receipts.iter().rev() {
            if lets_ask(chain, release, license, payer, *time).await? {
                break;
            }
            refused.push(*id);
        }
    }
    Ok(refused)
}

async fn lets_ask(
    chain: &Chain,
    release: VersionRef,
    license: U256,
    payer: Address,
    time: u64,
) -> Result<bool, ChainError> {
    let block = BlockId::number(chain.block_at(time).await?);
    let answers = async {
        let is_of_model = licenses::license_at(chain, license, block).await?.assetId == release.asset.0;
        Ok(is_of_model && licenses::is_licensed(chain, license, payer, rights::INFER, block).await?)
    };
    match answers.await {
        Err(ChainError::Reverted { .. }) => Ok(false),
        other => other,
    }
}

/// When the license changed its holder, its user or its expiry.
async fn changes(chain: &Chain, license: U256) -> Result<BTreeSet<u64>, ChainError> {
    let token = Filter::new().address(chain.deployment().license_token);
    let transfers = token.clone().event_signature(LicenseToken::Transfer::SIGNATURE_HASH).topic3(license);
    let of_license = [LicenseToken::UpdateUser::SIGNATURE_HASH, LicenseToken::TokenExpiryUpdated::SIGNATURE_HASH];
    let others = token.event_signature(of_license.to_vec()).topic1(license);
    let head = chain.head().await?.number;
    let mut times = BTreeSet::new();
    for filter in [transfers, others] {
        for log in logs::between(chain, &filter, 0, head).await? {
            let block = log.block_number.ok_or_else(|| ChainError::Rpc("a log without a block".into()))?;
            times.insert(chain.timestamp(block).await?);
        }
    }
    Ok(times)
}
