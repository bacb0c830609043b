//! What callers hand in and get back.

use tributary_sdk::{B256, U256, batch::ReceiptRow};

use crate::LedgerError;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowState {
    /// Accepted; the model may be running. Never outlives a restart.
    Reserved,
    /// Answered, with a receipt. Final.
    Earned,
    /// Not answered. The same request may be reserved again.
    Voided,
}

impl RowState {
    /// `reserved`, `earned` or `voided`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Earned => "earned",
            Self::Voided => "voided",
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Reserved => 0,
            Self::Earned => 1,
            Self::Voided => 2,
        }
    }

    pub(crate) fn from_code(request_id: B256, code: u8) -> Result<Self, LedgerError> {
        match code {
            0 => Ok(Self::Reserved),
            1 => Ok(Self::Earned),
            2 => Ok(Self::Voided),
            other => Err(LedgerError::UnreadableRow { request_id, reason: format!("its state is {other}") }),
        }
    }
}

/// Most units that a license may use; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Over the license's whole life.
    pub total: Option<u64>,
    /// In any 60 consecutive seconds.
    pub minute: Option<u64>,
}

/// A request about to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The client's id for the request: the idempotency key.
    pub request_id: B256,
    /// What the same id must come with again: a hash of everything that makes it the same request.
    pub fingerprint: B256,
    /// The license that is used.
    pub license_id: U256,
    /// Records in the request, at least one: what it counts against the quota.
    pub units: u64,
    /// When it is asked, in seconds of the chain's time.
    pub at: u64,
    /// Checked in the same commit, so that requests in flight cannot pass it together.
    pub quota: Quota,
}

/// What a reservation led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request is new, or was voided before: run the model, then earn or void it.
    Reserved,
    /// The same request is being served now: ask again in a moment.
    InProgress,
    /// The same request was served: give the client its receipt and answer again.
    Earned {
        /// The stored row.
        row: Box<Row>,
        /// The answer's bytes as they were given to [`earn`](crate::Ledger::earn); `None` once the epoch is sealed.
        answer: Option<Vec<u8>>,
    },
}

/// One request as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The client's id for the request.
    pub request_id: B256,
    /// What the same id must come with again.
    pub fingerprint: B256,
    /// The license that was used.
    pub license_id: U256,
    /// Records in the request.
    pub units: u64,
    /// The second it counts in. For a license time does not go back: a request that comes with an earlier second than the
    /// license's last counts in the last one's.
    pub at: u64,
    /// Where it stands.
    pub state: RowState,
    /// The sealed epoch it belongs to; `None` while its epoch is open, and for rows that earned nothing.
    pub epoch: Option<u64>,
    /// The receipt, for earned rows.
    pub receipt: Option<ReceiptRow>,
}

/// A closed run of receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedEpoch {
    /// Its number, from 1.
    pub epoch: u64,
    /// Earned rows in it.
    pub rows: u64,
    /// Its last second: rows served later are in later epochs.
    pub period_end: u64,
    /// The plain Merkle root over the receipts' EIP-712 struct hashes, ascending by receipt id: that of
    /// [`Batch::receipts_tree`](tributary_sdk::batch::Batch::receipts_tree). Zero for an epoch without receipts.
    pub receipts_root: B256,
}

/// A license's units, reserved and earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Over the license's whole life.
    pub total: u64,
    /// In the open epoch.
    pub open: u64,
}
