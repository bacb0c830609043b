//! Closing an epoch: every earned row enters exactly one.

use std::collections::BTreeMap;

use redb::ReadableTable;
use tributary_sdk::{
    B256,
    merkle::{MerkleError, MerkleTree},
};

use crate::{LedgerError, SealedEpoch, head::Head, tables::Tables};

const OVERFLOW: LedgerError = LedgerError::Overflow { what: "an epoch's rows" };

/// An epoch as its table holds it: rows, last second, receipts' root.
pub(crate) fn from_stored(epoch: u64, stored: (u64, u64, &[u8; 32])) -> SealedEpoch {
    let (rows, period_end, root) = stored;
    SealedEpoch { epoch, rows, period_end, receipts_root: B256::new(*root) }
}

/// Gives every earned row that was served by `period_end` and has no epoch this one. Later rows, and rows still
/// reserved, will belong to the next.
///
/// Epochs are numbered without gaps; a ledger without any may begin with any number, because a new folder may go on
/// where a lost one stopped. Sealing a sealed epoch again changes nothing and says what is in it, so that
/// whoever crashed between sealing and posting goes on with the same rows.
pub(crate) fn seal(tables: &mut Tables<'_>, epoch: u64, period_end: u64) -> Result<SealedEpoch, LedgerError> {
    if let Some(sealed) = tables.epochs.get(epoch)? {
        return Ok(from_stored(epoch, sealed.value()));
    }
    check_order(tables, epoch, period_end)?;

    // Key order is the order of receipt ids, in which the tree's leaves stand.
    let mut taken = Vec::new();
    let mut by_license = BTreeMap::<[u8; 32], u64>::new();
    for entry in tables.open.iter()? {
        let (id, row) = entry?;
        let (served_at, hash) = row.value();
        if served_at > period_end {
            continue;
        }
        let request_id = B256::new(*id.value());
        let Some(head) = Head::read(&tables.heads, request_id)? else {
            return Err(LedgerError::UnreadableRow { request_id, reason: "its head is missing".into() });
        };
        let units = by_license.entry(head.license_id.to_be_bytes()).or_default();
        *units = units.checked_add(head.units).ok_or(OVERFLOW)?;
        taken.push((request_id, B256::new(*hash), head));
    }
    let rows = taken.len() as u64;
    let receipts_root = root(taken.iter().map(|(_, hash, _)| *hash))?;

    for (request_id, hash, head) in &taken {
        Head { epoch, ..*head }.write(tables, *request_id)?;
        tables.epoch_rows.insert((epoch, &request_id.0), &hash.0)?;
        tables.open.remove(&request_id.0)?;
        tables.answers.remove(&request_id.0)?;
    }
    for (license, units) in &by_license {
        tables.epoch_calls.insert((epoch, license), units)?;
        let (total, open) = tables.calls.get(license)?.map_or((0, 0), |calls| calls.value());
        tables.calls.insert(license, (total, open.saturating_sub(*units)))?;
    }
    tables.epochs.insert(epoch, (rows, period_end, &receipts_root.0))?;
    Ok(SealedEpoch { epoch, rows, period_end, receipts_root })
}

fn check_order(tables: &Tables<'_>, epoch: u64, period_end: u64) -> Result<(), LedgerError> {
    let last = tables.epochs.last()?.map(|(last, sealed)| (last.value(), sealed.value().1));
    let Some((last, after)) = last else {
        return if epoch == 0 { Err(LedgerError::EpochOrder { asked: 0, next: 1 }) } else { Ok(()) };
    };
    let next = last.checked_add(1).ok_or(OVERFLOW)?;
    if epoch != next {
        return Err(LedgerError::EpochOrder { asked: epoch, next });
    }
    if period_end <= after {
        return Err(LedgerError::PeriodOrder { asked: period_end, after });
    }
    Ok(())
}

/// The receipts' root over struct hashes ascending by receipt id.
pub(crate) fn root(hashes: impl Iterator<Item = B256>) -> Result<B256, LedgerError> {
    match MerkleTree::new(&hashes.collect::<Vec<_>>()) {
        Ok(tree) => Ok(tree.root()),
        Err(MerkleError::Empty) => Ok(B256::ZERO),
        Err(_) => Err(OVERFLOW),
    }
}
