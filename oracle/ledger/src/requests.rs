//! One request's life: `reserved → earned | voided`.
//!
//! Every function decides before it writes, so that a refusal leaves the shared commit untouched.

use redb::ReadableTable;
use tributary_sdk::{B256, U256, batch::ReceiptRow};

use crate::{LedgerError, Outcome, Quota, Reservation, RowState, tables::Tables};

const OVERFLOW: LedgerError = LedgerError::Overflow { what: "a license's calls" };

/// Reserves a new or voided request; otherwise says what became of it.
pub(crate) fn reserve(tables: &mut Tables<'_>, reservation: &Reservation) -> Result<Outcome, LedgerError> {
    let Reservation { request_id, request_hash, license_id, quota } = *reservation;
    if let Some(row) = tables.row(request_id)? {
        if row.request_hash != request_hash || row.license_id != license_id {
            return Err(LedgerError::Conflict { request_id });
        }
        match row.state {
            RowState::Reserved => return Ok(Outcome::InProgress),
            RowState::Earned => {
                let answer = tables.answers.get(&request_id.0)?.map(|answer| answer.value().to_vec());
                return Ok(Outcome::Earned { row: Box::new(row), answer });
            }
            RowState::Voided => {}
        }
    }

    let (total, open) = calls(tables, license_id)?;
    check_quota(license_id, quota, total, open)?;
    let counted = (total.checked_add(1).ok_or(OVERFLOW)?, open.checked_add(1).ok_or(OVERFLOW)?);
    tables.calls.insert(&license_id.to_be_bytes(), counted)?;
    set_state(tables, reservation, RowState::Reserved)?;
    tables.reserved.insert(&request_id.0, ())?;
    Ok(Outcome::Reserved)
}

/// Turns a reservation into an earned row with its receipt.
///
/// Earning the same receipt again changes nothing.
pub(crate) fn earn(
    tables: &mut Tables<'_>,
    request_id: B256,
    receipt: &ReceiptRow,
    answer: &[u8],
) -> Result<(), LedgerError> {
    let row = tables.row(request_id)?;
    let Some(row) = row.filter(|row| row.state == RowState::Reserved || row.receipt.as_ref() == Some(receipt)) else {
        return Err(LedgerError::NotReserved { request_id, state: state_of(tables, request_id)? });
    };
    if row.state == RowState::Earned {
        return Ok(());
    }
    let differs = [
        ("request hash", receipt.receipt.requestHash != row.request_hash),
        ("license", receipt.receipt.licenseId != row.license_id),
        ("request's license", receipt.request.licenseId != row.license_id),
        ("time is in a sealed epoch and", is_sealed(tables, receipt.receipt.servedAt)?),
    ];
    if let Some((field, _)) = differs.into_iter().find(|(_, differs)| *differs) {
        return Err(LedgerError::WrongReceipt { request_id, field });
    }

    let json = serde_json::to_vec(receipt)
        .map_err(|error| LedgerError::UnreadableRow { request_id, reason: error.to_string() })?;
    let reservation =
        Reservation { request_id, request_hash: row.request_hash, license_id: row.license_id, quota: Quota::default() };
    tables.receipts.insert(&request_id.0, json.as_slice())?;
    tables.answers.insert(&request_id.0, answer)?;
    tables.reserved.remove(&request_id.0)?;
    tables.open.insert(&request_id.0, receipt.receipt.servedAt)?;
    set_state(tables, &reservation, RowState::Earned)
}

/// Whether a time belongs to an epoch that is sealed.
fn is_sealed(tables: &Tables<'_>, time: u64) -> Result<bool, LedgerError> {
    Ok(tables.epochs.last()?.is_some_and(|(_, sealed)| time <= sealed.value().1))
}

/// Gives a reservation back: the call no longer counts.
///
/// Voiding a voided row changes nothing.
pub(crate) fn void(tables: &mut Tables<'_>, request_id: B256) -> Result<(), LedgerError> {
    let row = match tables.row(request_id)? {
        Some(row) if row.state == RowState::Reserved => row,
        Some(row) if row.state == RowState::Voided => return Ok(()),
        other => {
            return Err(LedgerError::NotReserved { request_id, state: other.map(|row| row.state) });
        }
    };
    let (total, open) = calls(tables, row.license_id)?;
    tables.calls.insert(&row.license_id.to_be_bytes(), (total.saturating_sub(1), open.saturating_sub(1)))?;
    tables.reserved.remove(&request_id.0)?;
    let reservation =
        Reservation { request_id, request_hash: row.request_hash, license_id: row.license_id, quota: Quota::default() };
    set_state(tables, &reservation, RowState::Voided)
}

/// Voids every reservation that a crash left behind; how many.
pub(crate) fn recover(tables: &mut Tables<'_>) -> Result<u64, LedgerError> {
    let mut left = Vec::new();
    for entry in tables.reserved.iter()? {
        left.push(B256::new(*entry?.0.value()));
    }
    for request_id in &left {
        void(tables, *request_id)?;
    }
    Ok(left.len() as u64)
}

fn calls(tables: &Tables<'_>, license_id: U256) -> Result<(u64, u64), LedgerError> {
    Ok(tables.calls.get(&license_id.to_be_bytes())?.map_or((0, 0), |calls| calls.value()))
}

fn check_quota(license_id: U256, quota: Quota, total: u64, open: u64) -> Result<(), LedgerError> {
    for (limit, used, period) in [(quota.total, total, "in all"), (quota.epoch, open, "in this epoch")] {
        if let Some(limit) = limit
            && used >= limit
        {
            return Err(LedgerError::QuotaExceeded { license_id, used, limit, period });
        }
    }
    Ok(())
}

fn state_of(tables: &Tables<'_>, request_id: B256) -> Result<Option<RowState>, LedgerError> {
    Ok(tables.row(request_id)?.map(|row| row.state))
}

fn set_state(tables: &mut Tables<'_>, reservation: &Reservation, state: RowState) -> Result<(), LedgerError> {
    let Reservation { request_id, request_hash, license_id, .. } = reservation;
    tables.heads.insert(&request_id.0, (state.code(), 0, &request_hash.0, &license_id.to_be_bytes()))?;
    Ok(())
}
