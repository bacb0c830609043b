//! Whether every receipt is for something that a licensed buyer asked for and the host served, in this epoch, once.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
    rpc::types::Filter,
    sol_types::{SolEvent, SolStruct},
};
use tributary_sdk::{
    batch::{ReceiptRow, Session},
    contracts::LicenseToken,
    release::VersionRef,
    sign_in::{Credential, Permission},
    typed_data::{self, SignatureError},
};

use crate::{
    Chain, ChainError,
    licenses::{self, rights},
    logs, wallets,
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
    let sign_ins = SignIns::of(chain, usage.sessions);
    let mut problems = BTreeMap::new();
    let mut served: BTreeMap<(U256, Address), Vec<(u64, B256)>> = BTreeMap::new();
    let mut by_code: BTreeMap<Vec<usize>, Vec<(u64, B256)>> = BTreeMap::new();
    for row in usage.receipts {
        let receipt = &row.receipt;
        let at = (receipt.servedAt, receipt.id);
        let problem = signature_problem(chain, usage.host, row)
            .err()
            .map(|error| error.to_string())
            .or_else(|| field_problem(chain, usage, row).map(str::to_owned));
        let sign_in = sign_ins.of_receipt(row);
        match (problem, sign_in) {
            (Some(problem), _) => {
                problems.insert(receipt.id, problem);
            }
            (None, Err(problem)) => {
                problems.insert(receipt.id, problem.to_owned());
            }
            (None, Ok(Signed::ByKey)) => served.entry((receipt.licenseId, receipt.payer)).or_default().push(at),
            (None, Ok(Signed::PerhapsByCode(sessions))) => {
                by_code.entry(sessions).or_default().push(at);
                served.entry((receipt.licenseId, receipt.payer)).or_default().push(at);
            }
        }
    }
    for (sessions, receipts) in by_code {
        let sessions: Vec<&Session> = sessions.iter().filter_map(|session| usage.sessions.get(*session)).collect();
        for id in unsigned(chain, &sessions, receipts).await? {
            problems.insert(id, "its holder did not stand behind its session when it was served".to_owned());
        }
    }
    for ((license, payer), receipts) in served {
        for id in unlicensed(chain, usage.release, license, payer, receipts).await? {
            let problem = format!("license {license} did not let {payer} ask this model when it was served");
            problems.entry(id).or_insert(problem);
        }
    }
    Ok(problems)
}

/// How a receipt's sign-in is signed.
enum Signed {
    /// By the holder's key.
    ByKey,
    /// Not by the holder's key; the chain knows whether the holder's code stood behind one of these sessions.
    PerhapsByCode(Vec<usize>),
}

/// Sign-ins by who may ask under what: sessions that say so, each with its number.
struct SignIns(BTreeMap<(Credential, U256, Address), Vec<SignedIn>>);

struct SignedIn {
    session: usize,
    begins_at: u64,
    expires_at: u64,
    by_key: bool,
}

impl SignIns {
    /// A session that does not read, or that another wallet is named in, is none.
    fn of(chain: &Chain, sessions: &[Session]) -> Self {
        let domain = chain.ledger_domain();
        let mut sign_ins: BTreeMap<_, Vec<SignedIn>> = BTreeMap::new();
        for (session, signed) in sessions.iter().enumerate() {
            let Ok(permission) = signed.authorization.permission(&domain) else { continue };
            if permission.holder.is_some_and(|holder| holder != signed.holder) {
                continue;
            }
            let found = typed_data::recover_digest(signed.authorization.digest(&domain), &signed.signature);
            let Permission { license_id, credential, begins_at, expires_at, .. } = permission;
            let by_key = found.is_ok_and(|found| found == signed.holder);
            let sign_in = SignedIn { session, begins_at, expires_at, by_key };
            sign_ins.entry((credential, license_id, signed.holder)).or_default().push(sign_in);
        }
        Self(sign_ins)
    }

    /// The sign-in under which a receipt was served, one by key if there is any.
    fn of_receipt(&self, row: &ReceiptRow) -> Result<Signed, &'static str> {
        let receipt = &row.receipt;
        let all = self.0.get(&(row.credential, receipt.licenseId, receipt.payer));
        let all = all.ok_or("its payer has not signed its session key in for its license")?;
        let covers = |s: &&SignedIn| s.begins_at <= receipt.servedAt && receipt.servedAt < s.expires_at;
        let covering = || all.iter().filter(covers);
        match covering().next() {
            None => Err("its session had ended, or had not begun"),
            Some(_) if covering().any(|sign_in| sign_in.by_key) => Ok(Signed::ByKey),
            Some(_) => Ok(Signed::PerhapsByCode(covering().map(|sign_in| sign_in.session).collect())),
        }
    }
}

/// Receipts served while the holder's code stood behind none of these sessions. The last is asked about first: what is
/// signed then was, but for wallets that take signatures back and give them again, signed before.
async fn unsigned(
    chain: &Chain,
    sessions: &[&Session],
    mut receipts: Vec<(u64, B256)>,
) -> Result<Vec<B256>, ChainError> {
    receipts.sort_unstable();
    let mut refused = Vec::new();
    'receipts: for (time, id) in receipts.iter().rev() {
        let block = BlockId::number(chain.block_at(*time).await?);
        for session in sessions {
            let digest = session.authorization.digest(&chain.ledger_domain());
            if wallets::signed_by(chain, session.holder, digest, &session.signature, block).await?.is_some() {
                break 'receipts;
            }
        }
        refused.push(*id);
    }
    Ok(refused)
}

fn signature_problem(chain: &Chain, host: Address, row: &ReceiptRow) -> Result<(), SignatureError> {
    let domain = chain.ledger_domain();
    typed_data::verify(&row.receipt, &domain, &row.host_signature, host)?;
    match row.credential {
        Credential::Key(key) => typed_data::verify(&row.request, &domain, &row.request_signature, key),
        // Its holder lets the host's word stand; the fields show that nothing else is claimed.
        Credential::Bearer(_) => Ok(()),
    }
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
            receipt.requestSignatureHash == row.credential.signature_hash(&row.request_signature),
            "its request signature hash is another signature's",
        ),
        (receipt.inputCommitment == request.inputCommitment, "its input is not the request's"),
        (receipt.units == request.units && receipt.units > 0, "its units are not the request's"),
        (
            row.sketch.as_ref().is_none_or(|sketch| receipt.sketchHash == sketch.hash()),
            "its sketch is not the one it commits to",
        ),
        (
            row.sketch.as_ref().is_none_or(|sketch| sketch.values().len() == usage.sketch_width),
            "its sketch has the wrong width",
        ),
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
