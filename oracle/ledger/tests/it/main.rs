//! The ledger through its public API, on real files.
#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod backup;
mod check;
mod crash;
mod disk;
mod epochs;
mod export;
mod folder;
mod migration;
mod model;
mod quotas;
mod requests;

use std::path::Path;

use tributary_ledger::{ChainBinding, Ledger, Quota, Reservation};
use tributary_sdk::{
    Address, AssetId, B256, Bytes, U256,
    batch::ReceiptRow,
    sign_in::Credential,
    sketch::Sketch,
    typed_data::{InferenceRequest, Receipt},
};

fn binding() -> ChainBinding {
    ChainBinding {
        chain_id: 31_337,
        genesis: B256::repeat_byte(7),
        ledger: Address::repeat_byte(9),
        model: AssetId(5),
        token: Address::repeat_byte(11),
    }
}

fn open(folder: &Path) -> Ledger {
    Ledger::open(folder, binding()).unwrap()
}

/// Id of request number `number`.
fn id(number: u64) -> B256 {
    B256::left_padding_from(&number.to_be_bytes())
}

fn license(number: u64) -> U256 {
    U256::from(number)
}

/// Request `number` under license `license`, without limits.
fn reservation(number: u64, license: u64) -> Reservation {
    Reservation {
        request_id: id(number),
        fingerprint: B256::repeat_byte(number as u8),
        license_id: U256::from(license),
        units: 1,
        at: number,
        quota: Quota::default(),
    }
}

/// The receipt of [`reservation`], served at second `number`.
fn receipt(number: u64, license: u64) -> ReceiptRow {
    let hash = B256::repeat_byte(0xab);
    ReceiptRow {
        receipt: Receipt {
            id: id(number),
            assetId: 1,
            version: 1,
            weightsHash: hash,
            payer: Address::repeat_byte(2),
            licenseId: U256::from(license),
            paymentId: B256::ZERO,
            requestHash: B256::repeat_byte(number as u8),
            requestSignatureHash: hash,
            inputCommitment: hash,
            outputHash: hash,
            sketchHash: hash,
            units: 1,
            token: Address::repeat_byte(3),
            amount: 0,
            servedAt: number,
        },
        host_signature: Bytes::from(vec![1; 65]),
        request: InferenceRequest {
            id: id(number),
            assetId: 1,
            version: 1,
            licenseId: U256::from(license),
            inputCommitment: hash,
            units: 1,
            issuedAt: number,
        },
        request_signature: Bytes::from(vec![2; 65]),
        credential: Credential::Key(Address::repeat_byte(4)),
        sketch: Some(Sketch::new(vec![1, -2, 3])),
    }
}

/// The receipt of [`reservation`] with so many records.
fn receipt_of(number: u64, license: u64, units: u64) -> ReceiptRow {
    let mut row = receipt(number, license);
    row.receipt.units = units;
    row.request.units = units;
    row
}

/// Reserves and earns request `number`.
async fn serve(ledger: &Ledger, number: u64, license: u64) {
    ledger.reserve(reservation(number, license)).await.unwrap();
    ledger.earn(receipt(number, license), vec![number as u8]).await.unwrap();
}
