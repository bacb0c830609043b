//! The signer's nonces: the file owns them, the chain is right.

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{B256, Bytes, U256},
};

use crate::{Alarm, Intent, Record, SubmissionError, store::Owner, submitter::Submitter, view::View};

/// The first nonce of a new file: what the chain has, said twice in different words.
pub(crate) async fn first(view: &View) -> Result<u64, SubmissionError> {
    let head = view.head().await?.number.to::<u64>();
    let (at_head, highest) = (view.nonce(head.into()).await?, view.highest_nonce().await?);
    // The newest block may have come in between, which only raises the count; the next look tells.
    if at_head > highest {
        return Err(SubmissionError::Disagreement { what: "the signer's nonce".into() });
    }
    Ok(at_head)
}

/// Compares the file with the chain.
///
/// - The chain has used nonces above the file's: somebody else has the key. The transactions are found and named, and
///   the file goes on after them.
/// - The chain has not used a nonce that nobody here works on, and later ones wait for it: it is filled.
/// - More transactions wait than the file has signed: somebody else has the key.
pub(crate) async fn reconcile(submitter: &Submitter) -> Result<(), SubmissionError> {
    let view = &submitter.view;
    let used = view.highest_nonce().await?;
    let next = submitter.store.next_nonce()?;
    if used > next {
        taken_by_others(submitter, next, used).await?;
    } else {
        fill_gaps(submitter, used, next)?;
    }
    submitter.alarms.end(|alarm| matches!(alarm, Alarm::Nonce { .. }));
    let next = submitter.store.next_nonce()?;
    // One node's word is enough: this only warns.
    if let Ok(waiting) = view.nonce(BlockNumberOrTag::Pending).await {
        if waiting > next.max(used) {
            submitter.alarms.raise(Alarm::ForeignUse { nonce: next.max(used), hash: None });
        } else {
            submitter.alarms.end(|alarm| matches!(alarm, Alarm::ForeignUse { hash: None, .. }));
        }
    }
    Ok(())
}

/// A node that invents a nonce cannot name a transaction that used it, so nothing is believed without one.
async fn taken_by_others(submitter: &Submitter, next: u64, used: u64) -> Result<(), SubmissionError> {
    let head = submitter.view.head().await?.number.to();
    // The last one moves the file on; the first one tells when it began.
    for nonce in [next, used.saturating_sub(1)] {
        match submitter.view.user_of(nonce, head).await? {
            Some((hash, _)) => {
                submitter.store.note_foreign(nonce, hash)?;
                submitter.alarms.raise(Alarm::ForeignUse { nonce, hash: Some(hash) });
            }
            None => {
                let reason = format!("a node says that {used} are used, but has no transaction with it");
                return Err(SubmissionError::Nonce { signer: submitter.view.signer, nonce, reason });
            }
        }
    }
    Ok(())
}

fn fill_gaps(submitter: &Submitter, used: u64, next: u64) -> Result<(), SubmissionError> {
    let open = submitter.store.open_records()?;
    let is_worked_on = |nonce: u64| open.iter().any(|record| record.nonce == Some(nonce));
    let mut gaps = Vec::new();
    for nonce in used..next {
        if is_worked_on(nonce) {
            continue;
        }
        if gaps.len() as u64 >= submitter.policy.max_gap {
            let reason =
                format!("it and others up to {next} are missing on chain: more than the policy lets be filled");
            return Err(SubmissionError::Nonce { signer: submitter.view.signer, nonce, reason });
        }
        match submitter.store.owner(nonce)? {
            Some(Owner::Intent(key)) => {
                let reason = format!(
                    "intent {key} ended with it, but the chain has not used it: a node that lags, or a \
                    reorganisation below what was final"
                );
                return Err(SubmissionError::Nonce { signer: submitter.view.signer, nonce, reason });
            }
            Some(Owner::Foreign(_)) | None => gaps.push(nonce),
        }
    }
    for nonce in gaps {
        tracing::warn!(nonce, "filling a nonce that is missing");
        let record = filler(submitter, nonce, open.len());
        // The same gap may open twice; its first filler is then at an end and has another place.
        if submitter.store.insert(record)?.is_err() {
            let reason = "it was filled before and is missing again".to_owned();
            return Err(SubmissionError::Nonce { signer: submitter.view.signer, nonce, reason });
        }
    }
    Ok(())
}

/// A record for a transaction that does nothing but use a nonce.
fn filler(submitter: &Submitter, nonce: u64, salt: usize) -> Record {
    let signer = submitter.view.signer;
    let what = [b"gap".as_slice(), &nonce.to_be_bytes(), &salt.to_be_bytes()].concat();
    let key: B256 = Intent::key(submitter.binding.chain_id, signer, &what);
    let intent = Intent { key, to: signer, calldata: Bytes::new(), value: U256::ZERO, gas_cap: u64::MAX };
    Record { nonce: Some(nonce), fills_gap: true, ..Record::new(intent) }
}
