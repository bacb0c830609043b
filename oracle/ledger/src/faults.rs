//! A disk that fills up or loses power at every single operation. redb is the real one; the disk below it is simulated.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use redb::StorageBackend;
use tributary_sdk::{
    Address, AssetId, B256, Bytes, U256,
    batch::ReceiptRow,
    sign_in::Credential,
    sketch::Sketch,
    typed_data::{InferenceRequest, Receipt},
};

use crate::{ChainBinding, Ledger, LedgerError, Quota, Reservation, RowState, open};

/// What is on the platter, and what is only in the disk's cache.
#[derive(Debug, Default)]
struct State {
    synced: Vec<u8>,
    cached: Vec<u8>,
    /// Writes since the last sync.
    waiting: Vec<(usize, Vec<u8>)>,
    /// Operations until every further one fails.
    left: usize,
}

#[derive(Clone, Debug)]
struct Disk(Arc<Mutex<State>>);

impl Disk {
    fn new(bytes: Vec<u8>, left: usize) -> Self {
        Self(Arc::new(Mutex::new(State { synced: bytes.clone(), cached: bytes, waiting: Vec::new(), left })))
    }

    fn spend(state: &mut State) -> io::Result<()> {
        let left = state.left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        state.left = left;
        Ok(())
    }

    /// What a power cut leaves: what was synced, and those of the later writes that happened to be written.
    fn after_power_cut(&self, kept: impl Fn(usize) -> bool) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        let mut bytes = state.synced.clone();
        bytes.resize(state.cached.len().max(bytes.len()), 0);
        for (number, (offset, data)) in state.waiting.iter().enumerate() {
            if kept(number) && offset + data.len() <= bytes.len() {
                bytes[*offset..offset + data.len()].copy_from_slice(data);
            }
        }
        bytes
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let offset = offset as usize;
        let bytes = state.cached.get(offset..offset + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        Self::spend(&mut state)?;
        state.cached.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        Self::spend(&mut state)?;
        state.synced = state.cached.clone();
        state.waiting.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        Self::spend(&mut state)?;
        let offset = offset as usize;
        state.cached[offset..offset + data.len()].copy_from_slice(data);
        state.waiting.push((offset, data.to_vec()));
        Ok(())
    }
}

fn binding() -> ChainBinding {
    let hash = B256::repeat_byte(7);
    let account = Address::repeat_byte(9);
    ChainBinding { chain_id: 31_337, genesis: hash, ledger: account, model: AssetId(5), token: account }
}

/// A ledger on a disk.
fn start(disk: &Disk) -> Result<Ledger, LedgerError> {
    let path = Path::new("simulated");
    let disk = disk.clone();
    let database = open::whole(path, |builder| builder.create_with_backend(disk))?;
    let recovered = open::prepare(&database, path, binding())?;
    Ledger::start(database, binding(), recovered)
}

fn id(number: u64) -> B256 {
    B256::left_padding_from(&number.to_be_bytes())
}

async fn serve(ledger: &Ledger, number: u64) -> Result<(), LedgerError> {
    let (hash, account, license_id) = (B256::repeat_byte(1), Address::repeat_byte(2), U256::from(5));
    let quota = Quota::default();
    let request_id = id(number);
    let reservation = Reservation { request_id, fingerprint: hash, license_id, units: 2, at: number, quota };
    ledger.reserve(reservation).await?;
    let row = ReceiptRow {
        receipt: Receipt {
            id: request_id,
            assetId: 1,
            version: 1,
            weightsHash: hash,
            payer: account,
            licenseId: license_id,
            paymentId: B256::ZERO,
            requestHash: hash,
            requestSignatureHash: hash,
            inputCommitment: hash,
            outputHash: hash,
            sketchHash: hash,
            units: 2,
            token: account,
            amount: 0,
            servedAt: number,
        },
        host_signature: Bytes::from(vec![1; 65]),
        request: InferenceRequest {
            id: request_id,
            assetId: 1,
            version: 1,
            licenseId: license_id,
            inputCommitment: hash,
            units: 2,
            issuedAt: number,
        },
        request_signature: Bytes::from(vec![2; 65]),
        credential: Credential::Key(account),
        sketch: Some(Sketch::new(vec![1, -2, 3])),
    };
    ledger.earn(row, vec![3; 10_000]).await
}

/// Serves four requests and seals the first three, until something is refused; what was acknowledged.
async fn work(ledger: &Ledger) -> (u64, bool, Option<LedgerError>) {
    let mut earned = 0;
    for number in 1..=4 {
        if let Err(error) = serve(ledger, number).await {
            return (earned, false, Some(error));
        }
        earned = number;
    }
    match ledger.seal(1, 3).await {
        Ok(_) => (earned, true, None),
        Err(error) => (earned, false, Some(error)),
    }
}

fn is_earned(ledger: &Ledger, number: u64) -> bool {
    ledger.row(id(number)).unwrap().is_some_and(|row| row.state == RowState::Earned && row.receipt.is_some())
}

#[tokio::test]
async fn a_full_disk_or_a_power_cut_at_any_operation_loses_nothing_that_was_acknowledged() {
    let empty = Disk::new(Vec::new(), usize::MAX);
    drop(start(&empty).unwrap());
    let new = empty.after_power_cut(|_| true);

    let mut finished = false;
    let mut left = 0;
    while !finished {
        let disk = Disk::new(new.clone(), left);
        let (mut earned, mut sealed) = (0, false);
        // A disk that is full already does not even open; nothing was acknowledged then.
        if let Ok(ledger) = start(&disk) {
            let error;
            (earned, sealed, error) = work(&ledger).await;
            if let Some(error) = error {
                assert!(error.to_string().contains("then restart"), "{error}");
                // What follows a failed commit is refused until then.
                let again = serve(&ledger, 99).await.unwrap_err();
                assert!(matches!(again, LedgerError::Storage { .. }), "{again}");
                assert!(earned == 0 || is_earned(&ledger, earned), "what is there can still be read");
            } else {
                finished = true;
            }
        }
        // Nothing, everything, or any part of what was not synced may have reached the platter.
        let kept: [fn(usize) -> bool; 4] = [|_| false, |_| true, |number| number % 2 == 0, |number| number % 3 == 1];
        for kept in kept {
            let ledger = start(&Disk::new(disk.after_power_cut(kept), usize::MAX)).unwrap();
            for number in 1..=earned {
                assert!(is_earned(&ledger, number), "row {number} is gone after {left} operations");
            }
            assert!(!sealed || ledger.epoch(1).unwrap().is_some_and(|epoch| epoch.rows == 3));
            assert!(ledger.row(id(99)).unwrap().is_none_or(|row| row.state == RowState::Voided));
            let calls = ledger.calls(U256::from(5)).unwrap();
            let rows = (1..=4).filter(|number| is_earned(&ledger, *number)).count() as u64;
            assert_eq!(calls.total, 2 * rows, "units are those of the rows after {left} operations");
        }
        left += 1;
    }
    assert!(left > 50, "{left} operations are too few to have been the whole");
}
