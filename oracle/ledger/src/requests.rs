//! One request's life: `reserved → earned | voided`.
//!
//! Every function decides before it writes, so that a refusal leaves the shared commit untouched.

use alloy::sol_types::SolStruct;
use redb::ReadableTable;
use tributary_sdk::{B256, batch::ReceiptRow};

use crate::{
    LedgerError, Outcome, Reservation, RowState, counts,
    head::{self, Head},
    tables::Tables,
};

/// Reserves a new or voided request; otherwise says what became of it.
pub(crate) fn reserve(tables: &mut Tables<'_>, reservation: &Reservation) -> Result<Outcome, LedgerError> {
    let Reservation { request_id, fingerprint, license_id, units, at, quota } = *reservation;
    if units == 0 {
        return Err(LedgerError::NoUnits { request_id });
    }
    if let Some(head) = Head::read(&tables.heads, request_id)? {
        if head.fingerprint != fingerprint || head.license_id != license_id {
            return Err(LedgerError::Conflict { request_id });
        }
        match head.state {
            RowState::Reserved => return Ok(Outcome::InProgress),
            RowState::Earned => return earned(tables, request_id),
            RowState::Voided => {}
        }
    }

    let room = counts::room(tables, license_id, units, at, quota)?;
    counts::take(tables, &room)?;
    let head = Head { state: RowState::Reserved, epoch: 0, fingerprint, license_id, units, at: room.second };
    head.write(tables, request_id)?;
    tables.reserved.insert(&request_id.0, ())?;
    Ok(Outcome::Reserved)
}

fn earned(tables: &Tables<'_>, request_id: B256) -> Result<Outcome, LedgerError> {
    let answer = tables.answers.get(&request_id.0)?.map(|answer| answer.value().to_vec());
    let row = head::read_row(&tables.heads, &tables.receipts, request_id)?;
    let gone = LedgerError::UnreadableRow { request_id, reason: "it is gone".into() };
    Ok(Outcome::Earned { row: Box::new(row.ok_or(gone)?), answer })
}

/// Turns a reservation into an earned row with its receipt.
///
/// Earning the same receipt again changes nothing.
pub(crate) fn earn(
    tables: &mut Tables<'_>,
    request_id: B256,
    receipt: &ReceiptRow,
    answer: &[u8],
    input: Option<&[u8]>,
) -> Result<(), LedgerError> {
    let head = match Head::read(&tables.heads, request_id)? {
        Some(head) if head.state == RowState::Reserved => head,
        Some(head) if head.state == RowState::Earned && is_same(tables, request_id, receipt)? => return Ok(()),
        other => return Err(LedgerError::NotReserved { request_id, state: other.map(|head| head.state) }),
    };
    let differs = [
        ("id", receipt.receipt.id != request_id),
        ("license", receipt.receipt.licenseId != head.license_id),
        ("request's license", receipt.request.licenseId != head.license_id),
        ("number of units", receipt.receipt.units != head.units),
        ("request's number of units", receipt.request.units != head.units),
        ("time is in a sealed epoch and", is_sealed(tables, receipt.receipt.servedAt)?),
    ];
    if let Some((field, _)) = differs.into_iter().find(|(_, differs)| *differs) {
        return Err(LedgerError::WrongReceipt { request_id, field });
    }

    let json = serde_json::to_vec(receipt)
        .map_err(|error| LedgerError::UnreadableRow { request_id, reason: error.to_string() })?;
    // Sealing needs this hash of every row, and nothing else of what the JSON holds.
    let hash = receipt.receipt.eip712_hash_struct();
    tables.receipts.insert(&request_id.0, json.as_slice())?;
    tables.answers.insert(&request_id.0, answer)?;
    if let Some(input) = input {
        tables.inputs.insert(&request_id.0, input)?;
    }
    tables.reserved.remove(&request_id.0)?;
    tables.open.insert(&request_id.0, (receipt.receipt.servedAt, &hash.0))?;
    Head { state: RowState::Earned, ..head }.write(tables, request_id)
}

/// Forgets the inputs of rows in epochs before this one; how many.
pub(crate) fn forget_inputs(tables: &mut Tables<'_>, before: u64) -> Result<u64, LedgerError> {
    let mut old = Vec::new();
    for entry in tables.inputs.iter()? {
        let request_id = B256::new(*entry?.0.value());
        if Head::read(&tables.heads, request_id)?.is_none_or(|head| head.epoch > 0 && head.epoch < before) {
            old.push(request_id);
        }
    }
    for request_id in &old {
        tables.inputs.remove(&request_id.0)?;
    }
    Ok(old.len() as u64)
}

fn is_same(tables: &Tables<'_>, request_id: B256, receipt: &ReceiptRow) -> Result<bool, LedgerError> {
    let Some(json) = tables.receipts.get(&request_id.0)? else { return Ok(false) };
    Ok(head::read_receipt(request_id, json.value())? == *receipt)
}

/// Whether a time belongs to an epoch that is sealed.
fn is_sealed(tables: &Tables<'_>, time: u64) -> Result<bool, LedgerError> {
    Ok(tables.epochs.last()?.is_some_and(|(_, sealed)| time <= sealed.value().1))
}

/// Gives a reservation back: its units no longer count.
///
/// Voiding a voided row changes nothing.
pub(crate) fn void(tables: &mut Tables<'_>, request_id: B256) -> Result<(), LedgerError> {
    let head = match Head::read(&tables.heads, request_id)? {
        Some(head) if head.state == RowState::Reserved => head,
        Some(head) if head.state == RowState::Voided => return Ok(()),
        other => return Err(LedgerError::NotReserved { request_id, state: other.map(|head| head.state) }),
    };
    counts::give_back(tables, head.license_id, head.units, head.at)?;
    tables.reserved.remove(&request_id.0)?;
    Head { state: RowState::Voided, ..head }.write(tables, request_id)
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
