//! What a license has used: in all, in the open epoch, in the last minute.

use redb::ReadableTable;
use tributary_sdk::U256;

use crate::{LedgerError, Period, Quota, tables::Tables};

const OVERFLOW: LedgerError = LedgerError::Overflow { what: "a license's units" };

/// Seconds that a minute's quota looks back on, the present one among them.
pub(crate) const MINUTE: u64 = 60;

/// Units that fit their license's quota, ready to be counted.
pub(crate) struct Room {
    license: [u8; 32],
    calls: (u64, u64),
    /// The second they count in.
    pub(crate) second: u64,
    /// What that second will hold.
    in_second: u64,
}

/// Whether `units` more fit now. Nothing is written yet.
pub(crate) fn room(
    tables: &Tables<'_>,
    license_id: U256,
    units: u64,
    at: u64,
    quota: Quota,
) -> Result<Room, LedgerError> {
    let license = license_id.to_be_bytes();
    let refuse = |used, limit, period, retry_after| {
        Err(LedgerError::QuotaExceeded { license_id, used, units, limit, period, retry_after })
    };

    let (total, open) = tables.calls.get(&license)?.map_or((0, 0), |calls| calls.value());
    let calls = (total.checked_add(units).ok_or(OVERFLOW)?, open.checked_add(units).ok_or(OVERFLOW)?);
    if let Some(limit) = quota.total.filter(|limit| calls.0 > *limit) {
        return refuse(total, limit, Period::Total, None);
    }

    let second = second(tables, &license, at)?;
    let mut window = Vec::new();
    let mut used = 0_u64;
    for entry in tables.minutes.range((&license, first_of(second))..=(&license, second))? {
        let (key, count) = entry?;
        window.push((key.value().1, count.value()));
        used = used.checked_add(count.value()).ok_or(OVERFLOW)?;
    }
    let after = used.checked_add(units).ok_or(OVERFLOW)?;
    if let Some(limit) = quota.minute.filter(|limit| after > *limit) {
        return refuse(used, limit, Period::Minute, wait(&window, after, limit, at));
    }
    let now = window.last().filter(|(last, _)| *last == second).map_or(0, |(_, count)| *count);
    Ok(Room { license, calls, second, in_second: now.checked_add(units).ok_or(OVERFLOW)? })
}

/// Counts them, and forgets the seconds that no later minute can reach.
pub(crate) fn take(tables: &mut Tables<'_>, room: &Room) -> Result<(), LedgerError> {
    let Room { license, calls, second, in_second } = room;
    tables.calls.insert(license, *calls)?;
    tables.minutes.retain_in((license, 0)..(license, first_of(*second)), |_, _| false)?;
    tables.minutes.insert((license, *second), in_second)?;
    Ok(())
}

/// Counts units back that will not be earned after all.
pub(crate) fn give_back(tables: &mut Tables<'_>, license_id: U256, units: u64, second: u64) -> Result<(), LedgerError> {
    let license = license_id.to_be_bytes();
    let (total, open) = tables.calls.get(&license)?.map_or((0, 0), |calls| calls.value());
    tables.calls.insert(&license, (total.saturating_sub(units), open.saturating_sub(units)))?;
    // An empty second stays until it falls out, so that the license's time does not go back.
    let counted = tables.minutes.get((&license, second))?.map(|count| count.value());
    if let Some(counted) = counted {
        tables.minutes.insert((&license, second), counted.saturating_sub(units))?;
    }
    Ok(())
}

/// The second that a request asked at `at` counts in: never before the license's last, whose older seconds are gone.
fn second(tables: &Tables<'_>, license: &[u8; 32], at: u64) -> Result<u64, LedgerError> {
    let last = tables.minutes.range((license, 0)..=(license, u64::MAX))?.next_back().transpose()?;
    Ok(last.map_or(at, |(key, _)| key.value().1.max(at)))
}

/// The first second of the minute that ends with this one.
pub(crate) fn first_of(second: u64) -> u64 {
    second.saturating_sub(MINUTE.saturating_sub(1))
}

/// Seconds from `at` until enough of the window has fallen out; `None` if the limit is below the units themselves.
fn wait(window: &[(u64, u64)], after: u64, limit: u64, at: u64) -> Option<u64> {
    let mut over = after.saturating_sub(limit);
    for (second, count) in window {
        over = over.saturating_sub(*count);
        if over == 0 {
            return Some(second.saturating_add(MINUTE).saturating_sub(at));
        }
    }
    None
}
