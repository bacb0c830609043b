//! Closing an epoch: every earned row enters exactly one.

use std::collections::BTreeMap;

use redb::ReadableTable;

use crate::{LedgerError, SealedEpoch, tables::Tables};

const OVERFLOW: LedgerError = LedgerError::Overflow { what: "an epoch's rows" };

/// Gives every earned row that was served by `period_end` and has no epoch this one. Later rows, and rows still
/// reserved, will belong to the next.
///
/// Epochs are numbered without gaps; a ledger without any may begin with any number, because a new folder may go on
/// where a lost one stopped. Sealing a sealed epoch again changes nothing and says what is in it, so that
/// whoever crashed between sealing and posting goes on with the same rows.
pub(crate) fn seal(tables: &mut Tables<'_>, epoch: u64, period_end: u64) -> Result<SealedEpoch, LedgerError> {
    if let Some(sealed) = tables.epochs.get(epoch)? {
        let (rows, period_end) = sealed.value();
        return Ok(SealedEpoch { epoch, rows, period_end });
    }
    let last = tables.epochs.last()?.map(|(last, sealed)| (last.value(), sealed.value().1));
    match last {
        None if epoch == 0 => return Err(LedgerError::EpochOrder { asked: 0, next: 1 }),
        None => {}
        Some((last, after)) => {
            let next = last.checked_add(1).ok_or(OVERFLOW)?;
            if epoch != next {
                return Err(LedgerError::EpochOrder { asked: epoch, next });
            }
            if period_end <= after {
                return Err(LedgerError::PeriodOrder { asked: period_end, after });
            }
        }
    }

    let mut taken = Vec::new();
    for entry in tables.open.iter()? {
        let (id, served_at) = entry?;
        if served_at.value() <= period_end {
            taken.push(*id.value());
        }
    }
    let mut by_license = BTreeMap::<[u8; 32], u64>::new();
    for id in &taken {
        let head = tables.heads.get(id)?.map(|head| {
            let (state, _, request_hash, license) = head.value();
            (state, *request_hash, *license)
        });
        let Some((state, request_hash, license)) = head else {
            continue;
        };
        tables.heads.insert(id, (state, epoch, &request_hash, &license))?;
        tables.epoch_rows.insert((epoch, id), ())?;
        tables.open.remove(id)?;
        tables.answers.remove(id)?;
        let count = by_license.entry(license).or_default();
        *count = count.checked_add(1).ok_or(OVERFLOW)?;
    }
    for (license, count) in &by_license {
        tables.epoch_calls.insert((epoch, license), count)?;
        let (total, open) = tables.calls.get(license)?.map_or((0, 0), |calls| calls.value());
        tables.calls.insert(license, (total, open.saturating_sub(*count)))?;
    }

    let rows = taken.len() as u64;
    tables.epochs.insert(epoch, (rows, period_end))?;
    Ok(SealedEpoch { epoch, rows, period_end })
}
