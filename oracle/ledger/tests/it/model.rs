//! Random lives of a ledger, beside a model that keeps everything in memory and counts by looking.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tributary_ledger::{Calls, Ledger, LedgerError, Outcome, Period, Quota, Reservation, RowState, check};

use crate::{access::access, id, license, open, receipt_of};

const LICENSES: u64 = 2;

#[derive(Clone, Debug)]
enum Step {
    Reserve {
        number: u64,
        license: u64,
        units: u64,
        quota: Quota,
    },
    Earn {
        number: u64,
    },
    Void {
        number: u64,
    },
    Seal {
        back: u64,
    },
    Wait {
        seconds: u64,
    },
    /// The clock of the chain's head may fall back a little.
    Back {
        seconds: u64,
    },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let quota = (prop::option::of(5..60_u64), prop::option::of(3..20_u64));
    let quota = quota.prop_map(|(total, minute)| Quota { total, minute });
    prop_oneof![
        8 => (0..12_u64, 0..LICENSES, 1..6_u64, quota)
            .prop_map(|(number, license, units, quota)| Step::Reserve { number, license, units, quota }),
        5 => (0..12_u64).prop_map(|number| Step::Earn { number }),
        3 => (0..12_u64).prop_map(|number| Step::Void { number }),
        1 => (0..30_u64).prop_map(|back| Step::Seal { back }),
        4 => (1..40_u64).prop_map(|seconds| Step::Wait { seconds }),
        1 => (1..4_u64).prop_map(|seconds| Step::Back { seconds }),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Clone, Debug)]
struct Known {
    license: u64,
    units: u64,
    second: u64,
    state: RowState,
    served_at: u64,
    epoch: Option<u64>,
}

#[derive(Debug)]
struct Model {
    rows: BTreeMap<u64, Known>,
    /// The latest second of each license.
    last: BTreeMap<u64, u64>,
    /// (Its end) of each sealed epoch.
    ends: Vec<u64>,
    now: u64,
}

impl Model {
    fn counted(&self, license: u64) -> impl Iterator<Item = &Known> {
        self.rows.values().filter(move |row| row.license == license && row.state != RowState::Voided)
    }

    fn calls(&self, license: u64) -> Calls {
        let total = self.counted(license).map(|row| row.units).sum();
        let open = self.counted(license).filter(|row| row.epoch.is_none()).map(|row| row.units).sum();
        Calls { total, open }
    }

    /// Units in the 60 seconds that end with this one.
    fn minute(&self, license: u64, second: u64) -> u64 {
        let window = second.saturating_sub(59)..=second;
        self.counted(license).filter(|row| window.contains(&row.second)).map(|row| row.units).sum()
    }

    fn reserve(&mut self, number: u64, of: u64, units: u64, quota: Quota) -> Result<Expected, LedgerError> {
        if let Some(row) = self.rows.get(&number) {
            // The fingerprint says nothing but the number here: another license is what makes a conflict.
            match row.state {
                _ if row.license != of => return Err(LedgerError::Conflict { request_id: id(number) }),
                RowState::Reserved => return Ok(Expected::InProgress),
                RowState::Earned => return Ok(Expected::Earned),
                RowState::Voided => {}
            }
        }
        let refused = |used, limit, period, retry_after| {
            Err(LedgerError::QuotaExceeded { license_id: license(of), used, units, limit, period, retry_after })
        };
        let total = self.calls(of).total;
        if let Some(limit) = quota.total.filter(|limit| total + units > *limit) {
            return refused(total, limit, Period::Total, None);
        }
        let second = self.last.get(&of).copied().unwrap_or_default().max(self.now);
        let used = self.minute(of, second);
        if let Some(limit) = quota.minute.filter(|limit| used + units > *limit) {
            let room = (second..=second + 60).find(|later| {
                let from = later.saturating_sub(59);
                let held: u64 = self.counted(of).filter(|row| row.second >= from).map(|row| row.units).sum();
                held + units <= limit
            });
            return refused(used, limit, Period::Minute, room.map(|later| later - self.now));
        }
        let row = Known { license: of, units, second, state: RowState::Reserved, served_at: 0, epoch: None };
        self.rows.insert(number, row);
        self.last.insert(of, second);
        Ok(Expected::Reserved)
    }
}

#[derive(Debug, PartialEq)]
enum Expected {
    Reserved,
    InProgress,
    Earned,
}

fn seen(outcome: Outcome) -> Expected {
    match outcome {
        Outcome::Reserved => Expected::Reserved,
        Outcome::InProgress => Expected::InProgress,
        Outcome::Earned { .. } => Expected::Earned,
    }
}

async fn live(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger: Ledger = open(folder.path());
    for of in 0..LICENSES {
        ledger.sign_in(access(4, of, 1)).await.unwrap();
    }
    let mut model = Model { rows: BTreeMap::new(), last: BTreeMap::new(), ends: Vec::new(), now: 1000 };
    for step in steps {
        match step {
            Step::Reserve { number, license: of, units, quota } => {
                let reservation = Reservation {
                    request_id: id(number),
                    fingerprint: id(number),
                    license_id: license(of),
                    units,
                    at: model.now,
                    quota,
                };
                let found = ledger.reserve(reservation).await.map(seen);
                prop_assert_eq!(found, model.reserve(number, of, units, quota));
            }
            Step::Earn { number } => {
                let (now, ended) = (model.now, model.ends.last().copied());
                let Some(row) = model.rows.get_mut(&number) else { continue };
                if row.state == RowState::Earned {
                    continue;
                }
                let mut receipt = receipt_of(number, row.license, row.units);
                receipt.receipt.servedAt = now;
                let earned = ledger.earn(receipt, vec![7]).await;
                match row.state {
                    RowState::Reserved if ended.is_none_or(|ended| now > ended) => {
                        prop_assert_eq!(earned, Ok(()));
                        (row.state, row.served_at) = (RowState::Earned, now);
                    }
                    RowState::Reserved => {
                        let is_late = matches!(earned, Err(LedgerError::WrongReceipt { .. }));
                        prop_assert!(is_late, "{earned:?}");
                    }
                    state => {
                        let error = LedgerError::NotReserved { request_id: id(number), state: Some(state) };
                        prop_assert_eq!(earned, Err(error));
                    }
                }
            }
            Step::Void { number } => {
                let voided = ledger.void(id(number)).await;
                match model.rows.get_mut(&number) {
                    Some(row) if row.state != RowState::Earned => {
                        prop_assert_eq!(voided, Ok(()));
                        row.state = RowState::Voided;
                    }
                    other => {
                        let state = other.map(|row| row.state);
                        prop_assert_eq!(voided, Err(LedgerError::NotReserved { request_id: id(number), state }));
                    }
                }
            }
            Step::Seal { back } => {
                let end = model.now.saturating_sub(back);
                if model.ends.last().is_some_and(|last| end <= *last) {
                    continue;
                }
                let epoch = model.ends.len() as u64 + 1;
                let mut rows = 0;
                for row in model.rows.values_mut() {
                    if row.state == RowState::Earned && row.epoch.is_none() && row.served_at <= end {
                        row.epoch = Some(epoch);
                        rows += 1;
                    }
                }
                model.ends.push(end);
                prop_assert_eq!(ledger.seal(epoch, end).await.unwrap().rows, rows);
            }
            Step::Wait { seconds } => model.now += seconds,
            Step::Back { seconds } => model.now -= seconds,
            Step::Reopen => {
                drop(ledger);
                ledger = open(folder.path());
                for row in model.rows.values_mut().filter(|row| row.state == RowState::Reserved) {
                    row.state = RowState::Voided;
                }
            }
        }
        for of in 0..LICENSES {
            prop_assert_eq!(ledger.calls(license(of)).unwrap(), model.calls(of));
        }
    }
    for epoch in 1..=model.ends.len() as u64 {
        for of in 0..LICENSES {
            let units = model.counted(of).filter(|row| row.epoch == Some(epoch)).map(|row| row.units).sum();
            prop_assert_eq!(ledger.calls_in(license(of), epoch), Ok(units));
        }
    }
    drop(ledger);
    prop_assert_eq!(check(folder.path()).unwrap().findings, []);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_those_of_a_simple_model(steps in prop::collection::vec(step(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(live(steps))?;
    }
}
