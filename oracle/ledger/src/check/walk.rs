//! Reads every table once and compares each row with what the others say of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use alloy::sol_types::SolStruct;
use redb::ReadableTable;
use tributary_sdk::{B256, U256, batch::ReceiptRow, sign_in::Credential};

use super::{Finding, Place, Problem};
use crate::{
    LedgerError, RowState, access, counts, epochs,
    head::{self, Head},
    tables::Snapshot,
};

type License = [u8; 32];

struct Walk<'a> {
    tables: &'a Snapshot,
    findings: Vec<Finding>,
    /// Units per license: in all, in the open epoch.
    calls: BTreeMap<License, (u64, u64)>,
    epoch_calls: BTreeMap<(u64, License), u64>,
    /// The seconds that are kept, and what the heads say is in them.
    minutes: BTreeMap<(License, u64), u64>,
    /// The last second of each license.
    last: BTreeMap<License, u64>,
    /// Who is known to have been signed in, or not.
    signed_in: BTreeMap<(Credential, License), bool>,
}

/// Every finding, table by table.
pub(super) fn walk(tables: &Snapshot) -> Result<Vec<Finding>, LedgerError> {
    let mut walk = Walk {
        tables,
        findings: Vec::new(),
        calls: BTreeMap::new(),
        epoch_calls: BTreeMap::new(),
        minutes: BTreeMap::new(),
        last: BTreeMap::new(),
        signed_in: BTreeMap::new(),
    };
    walk.seconds()?;
    walk.heads()?;
    walk.reserved()?;
    walk.receipts()?;
    walk.answers()?;
    walk.inputs()?;
    walk.open()?;
    walk.epochs()?;
    walk.counts()?;
    walk.accesses()?;
    Ok(walk.findings)
}

impl Walk<'_> {
    fn find(&mut self, table: &'static str, place: Place, problem: Problem) {
        self.findings.push(Finding { table, place, problem });
    }

    fn compare<T: PartialEq + Display>(
        &mut self,
        table: &'static str,
        place: &Place,
        field: &'static str,
        found: T,
        expected: T,
    ) {
        if found != expected {
            let (found, expected) = (found.to_string(), expected.to_string());
            self.find(table, place.clone(), Problem::Differs { field, found, expected });
        }
    }

    /// The head of a request; a head that does not read has been reported with its own table.
    fn head(&self, request_id: B256) -> Result<Option<Head>, LedgerError> {
        match Head::read(&self.tables.heads, request_id) {
            Err(LedgerError::UnreadableRow { .. }) => Ok(None),
            other => other,
        }
    }

    fn seconds(&mut self) -> Result<(), LedgerError> {
        for entry in self.tables.minutes.iter()? {
            let key = entry?.0;
            let (license, second) = key.value();
            self.minutes.insert((*license, second), 0);
            self.last.insert(*license, second);
        }
        Ok(())
    }

    fn heads(&mut self) -> Result<(), LedgerError> {
        for entry in self.tables.heads.iter()? {
            let (id, stored) = entry?;
            let request_id = B256::new(*id.value());
            let place = Place::Request(request_id);
            let head = match Head::from_stored(request_id, stored.value()) {
                Ok(head) => head,
                Err(error) => {
                    self.find("heads", place, Problem::Unreadable(error.to_string()));
                    continue;
                }
            };
            if head.units == 0 {
                self.compare("heads", &place, "number of units", 0, 1);
            }
            let (id, epoch) = (&request_id.0, head.epoch);
            match head.state {
                RowState::Voided => self.compare("heads", &place, "epoch", epoch, 0),
                RowState::Reserved => {
                    self.compare("heads", &place, "epoch", epoch, 0);
                    if self.tables.reserved.get(id)?.is_none() {
                        self.find("reserved", place, Problem::Missing);
                    }
                }
                RowState::Earned => {
                    if self.tables.receipts.get(id)?.is_none() {
                        self.find("receipts", place.clone(), Problem::Missing);
                    }
                    if epoch > 0 && self.tables.epoch_rows.get((epoch, id))?.is_none() {
                        self.find("epoch_rows", Place::RequestOfEpoch(epoch, request_id), Problem::Missing);
                    }
                    if epoch == 0 && self.tables.open.get(id)?.is_none() {
                        self.find("open", place.clone(), Problem::Missing);
                    }
                    if epoch == 0 && self.tables.answers.get(id)?.is_none() {
                        self.find("answers", place, Problem::Missing);
                    }
                }
            }
            self.count(&head);
        }
        Ok(())
    }

    fn count(&mut self, head: &Head) {
        if head.state == RowState::Voided {
            return;
        }
        let license = head.license_id.to_be_bytes();
        let (total, open) = self.calls.entry(license).or_default();
        *total = total.saturating_add(head.units);
        if head.epoch == 0 {
            *open = open.saturating_add(head.units);
        } else {
            let sealed = self.epoch_calls.entry((head.epoch, license)).or_default();
            *sealed = sealed.saturating_add(head.units);
        }
        // Rows of format 1 have no second.
        if head.at == 0 {
            return;
        }
        let last = self.last.get(&license).copied();
        if let Some(units) = self.minutes.get_mut(&(license, head.at)) {
            *units = units.saturating_add(head.units);
        } else if last.is_none_or(|last| head.at >= counts::first_of(last)) {
            self.find("minutes", Place::LicenseAt(head.license_id, head.at), Problem::Missing);
        }
    }

    fn reserved(&mut self) -> Result<(), LedgerError> {
        for entry in self.tables.reserved.iter()? {
            let request_id = B256::new(*entry?.0.value());
            if self.head(request_id)?.is_none_or(|head| head.state != RowState::Reserved) {
                self.find("reserved", Place::Request(request_id), Problem::Stray);
            }
        }
        Ok(())
    }

    fn receipts(&mut self) -> Result<(), LedgerError> {
        for entry in self.tables.receipts.iter()? {
            let request_id = B256::new(*entry?.0.value());
            if self.head(request_id)?.is_none_or(|head| head.state != RowState::Earned) {
                self.find("receipts", Place::Request(request_id), Problem::Stray);
            }
        }
        Ok(())
    }

    fn answers(&mut self) -> Result<(), LedgerError> {
        for entry in self.tables.answers.iter()? {
            let request_id = B256::new(*entry?.0.value());
            if self.tables.open.get(&request_id.0)?.is_none() {
                self.find("answers", Place::Request(request_id), Problem::Stray);
            }
        }
        Ok(())
    }

    fn inputs(&mut self) -> Result<(), LedgerError> {
        for entry in self.tables.inputs.iter()? {
            let request_id = B256::new(*entry?.0.value());
            if self.head(request_id)?.is_none_or(|head| head.state != RowState::Earned) {
                self.find("inputs", Place::Request(request_id), Problem::Stray);
            }
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), LedgerError> {
        let ended = self.tables.epochs.last()?.map(|(_, sealed)| sealed.value().1);
        for entry in self.tables.open.iter()? {
            let (id, stored) = entry?;
            let (served_at, hash) = stored.value();
            let request_id = B256::new(*id.value());
            let place = Place::Request(request_id);
            let head = self.head(request_id)?;
            let Some(head) = head.filter(|head| head.state == RowState::Earned && head.epoch == 0) else {
                self.find("open", place, Problem::Stray);
                continue;
            };
            let Some(row) = self.receipt(request_id, &head)? else { continue };
            self.compare("open", &place, "time", served_at, row.receipt.servedAt);
            self.compare("open", &place, "struct hash", B256::new(*hash), row.receipt.eip712_hash_struct());
            if let Some(ended) = ended.filter(|ended| row.receipt.servedAt <= *ended) {
                let (found, expected) = (row.receipt.servedAt.to_string(), format!("after {ended}"));
                self.find("receipts", place, Problem::Differs { field: "time", found, expected });
            }
        }
        Ok(())
    }

    fn epochs(&mut self) -> Result<(), LedgerError> {
        let mut stray = BTreeSet::new();
        for entry in self.tables.epoch_rows.iter()? {
            let epoch = entry?.0.value().0;
            if self.tables.epochs.get(epoch)?.is_none() && stray.insert(epoch) {
                self.find("epochs", Place::Epoch(epoch), Problem::Missing);
            }
        }
        let mut before: Option<(u64, u64)> = None;
        for entry in self.tables.epochs.iter()? {
            let (epoch, sealed) = entry?;
            let sealed = epochs::from_stored(epoch.value(), sealed.value());
            let place = Place::Epoch(sealed.epoch);
            if let Some((last, ended)) = before {
                self.compare("epochs", &place, "number", sealed.epoch, last.saturating_add(1));
                if sealed.period_end <= ended {
                    let (found, expected) = (sealed.period_end.to_string(), format!("after {ended}"));
                    self.find("epochs", place.clone(), Problem::Differs { field: "end", found, expected });
                }
            }
            let hashes = self.rows_of(sealed.epoch, before.map(|(_, ended)| ended), sealed.period_end)?;
            self.compare("epochs", &place, "number of rows", sealed.rows, hashes.len() as u64);
            let root = epochs::root(hashes.into_iter())?;
            self.compare("epochs", &place, "receipts root", sealed.receipts_root, root);
            before = Some((sealed.epoch, sealed.period_end));
        }
        Ok(())
    }

    /// The struct hashes of an epoch's receipts, computed from the receipts.
    fn rows_of(&mut self, epoch: u64, after: Option<u64>, until: u64) -> Result<Vec<B256>, LedgerError> {
        let mut hashes = Vec::new();
        for entry in self.tables.epoch_rows.range((epoch, &[0; 32])..=(epoch, &[0xff; 32]))? {
            let (key, stored) = entry?;
            let request_id = B256::new(*key.value().1);
            let place = Place::RequestOfEpoch(epoch, request_id);
            let stored = B256::new(*stored.value());
            let head = self.head(request_id)?;
            let Some(head) = head.filter(|head| head.state == RowState::Earned && head.epoch == epoch) else {
                self.find("epoch_rows", place, Problem::Stray);
                continue;
            };
            let Some(row) = self.receipt(request_id, &head)? else { continue };
            let (hash, time) = (row.receipt.eip712_hash_struct(), row.receipt.servedAt);
            self.compare("epoch_rows", &place, "struct hash", stored, hash);
            if time > until || after.is_some_and(|after| time <= after) {
                let expected = format!("after {} and by {until}", after.unwrap_or_default());
                let problem = Problem::Differs { field: "time", found: time.to_string(), expected };
                self.find("receipts", place, problem);
            }
            hashes.push(hash);
        }
        Ok(hashes)
    }

    /// The receipt of an earned row, compared with its head and with the sign-ins.
    fn receipt(&mut self, request_id: B256, head: &Head) -> Result<Option<ReceiptRow>, LedgerError> {
        let place = Place::Request(request_id);
        // Missing ones are found with the heads.
        let Some(json) = self.tables.receipts.get(&request_id.0)? else { return Ok(None) };
        let row = match head::read_receipt(request_id, json.value()) {
            Ok(row) => row,
            Err(error) => {
                self.find("receipts", place, Problem::Unreadable(error.to_string()));
                return Ok(None);
            }
        };
        self.compare("receipts", &place, "id", row.receipt.id, request_id);
        self.compare("receipts", &place, "request's id", row.request.id, request_id);
        self.compare("receipts", &place, "license", row.receipt.licenseId, head.license_id);
        self.compare("receipts", &place, "request's license", row.request.licenseId, head.license_id);
        self.compare("receipts", &place, "number of units", row.receipt.units, head.units);
        self.compare("receipts", &place, "request's number of units", row.request.units, head.units);
        let (credential, license) = (row.credential, row.receipt.licenseId.to_be_bytes());
        let known = match self.signed_in.get(&(credential, license)) {
            Some(known) => *known,
            None => {
                let who = access::bytes_of(credential);
                let mut numbers = self.tables.credentials.range((&who, &license, 0)..=(&who, &license, u64::MAX))?;
                let known = numbers.next().transpose()?.is_some();
                self.signed_in.insert((credential, license), known);
                known
            }
        };
        if !known {
            self.find("receipts", place, Problem::NoSession(credential, row.receipt.licenseId));
        }
        Ok(Some(row))
    }

    fn counts(&mut self) -> Result<(), LedgerError> {
        let mut counted = std::mem::take(&mut self.calls);
        for entry in self.tables.calls.iter()? {
            let (license, stored) = entry?;
            let (total, open) = counted.remove(license.value()).unwrap_or_default();
            let place = Place::License(U256::from_be_bytes(*license.value()));
            self.compare("calls", &place, "units in all", stored.value().0, total);
            self.compare("calls", &place, "units in the open epoch", stored.value().1, open);
        }
        for license in counted.into_keys() {
            self.find("calls", Place::License(U256::from_be_bytes(license)), Problem::Missing);
        }

        let mut counted = std::mem::take(&mut self.epoch_calls);
        for entry in self.tables.epoch_calls.iter()? {
            let (key, stored) = entry?;
            let (epoch, license) = key.value();
            let place = Place::LicenseOfEpoch(epoch, U256::from_be_bytes(*license));
            match counted.remove(&(epoch, *license)) {
                Some(units) => self.compare("epoch_calls", &place, "units", stored.value(), units),
                None => self.find("epoch_calls", place, Problem::Stray),
            }
        }
        for (epoch, license) in counted.into_keys() {
            let place = Place::LicenseOfEpoch(epoch, U256::from_be_bytes(license));
            self.find("epoch_calls", place, Problem::Missing);
        }

        let counted = std::mem::take(&mut self.minutes);
        for entry in self.tables.minutes.iter()? {
            let (key, stored) = entry?;
            let (license, second) = key.value();
            let place = Place::LicenseAt(U256::from_be_bytes(*license), second);
            let units = counted.get(&(*license, second)).copied().unwrap_or_default();
            self.compare("minutes", &place, "units", stored.value(), units);
            if self.last.get(license).is_some_and(|last| second < counts::first_of(*last)) {
                self.find("minutes", place, Problem::Stray);
            }
        }
        Ok(())
    }

    fn accesses(&mut self) -> Result<(), LedgerError> {
        let mut by_license = BTreeSet::new();
        let mut by_credential = BTreeSet::new();
        for entry in self.tables.accesses.iter()? {
            let number = entry?.0.value();
            let access = match access::read(&self.tables.accesses, number) {
                Ok(Some(access)) => access,
                Ok(None) => continue,
                Err(error) => {
                    self.find("accesses", Place::SignIn(number), Problem::Unreadable(error.to_string()));
                    continue;
                }
            };
            let (who, license) = (access::bytes_of(access.credential), access.license_id.to_be_bytes::<32>());
            by_license.insert((license, number));
            by_credential.insert((who, license, number));
        }
        for entry in self.tables.license_keys.iter()? {
            let key = entry?.0;
            let (license, number) = key.value();
            if !by_license.remove(&(*license, number)) {
                self.find("license_keys", Place::SignIn(number), Problem::Stray);
            }
        }
        for entry in self.tables.credentials.iter()? {
            let key = entry?.0;
            let (who, license, number) = key.value();
            if !by_credential.remove(&(*who, *license, number)) {
                self.find("credentials", Place::SignIn(number), Problem::Stray);
            }
        }
        for (_, number) in by_license {
            self.find("license_keys", Place::SignIn(number), Problem::Missing);
        }
        for (_, _, number) in by_credential {
            self.find("credentials", Place::SignIn(number), Problem::Missing);
        }
        for entry in self.tables.revoked.iter()? {
            let key = entry?.0;
            let (who, license) = key.value();
            let license_id = U256::from_be_bytes(*license);
            let Some(credential) = access::of_bytes(who) else {
                let problem = Problem::Unreadable("its key is no credential".into());
                self.find("revoked", Place::License(license_id), problem);
                continue;
            };
            let mut numbers = self.tables.credentials.range((who, license, 0)..=(who, license, u64::MAX))?;
            if numbers.next().transpose()?.is_none() {
                self.find("revoked", Place::Key(credential, license_id), Problem::Stray);
            }
        }
        Ok(())
    }
}
