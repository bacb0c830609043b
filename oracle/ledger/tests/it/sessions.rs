//! Session keys.

use tributary_sdk::{Address, Bytes, U256, batch::Session, typed_data::SessionAuthorization};

use crate::{license, open, serve};

fn session(key: u8, license: u64, block: u64) -> Session {
    Session {
        authorization: SessionAuthorization {
            licenseId: U256::from(license),
            sessionKey: Address::repeat_byte(key),
            expiresAt: 1000 + block,
        },
        holder: Address::repeat_byte(8),
        signature: Bytes::from(vec![5; 65]),
        block,
    }
}

#[tokio::test]
async fn a_restart_signs_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    ledger.sign_in(session(4, 5, 10)).await.unwrap();
    drop(ledger);
    let ledger = open(folder.path());
    assert_eq!(ledger.sessions(Address::repeat_byte(4), license(5)).unwrap().first(), Some(&session(4, 5, 10)));
}

#[tokio::test]
async fn a_session_is_for_one_key_and_one_license() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    ledger.sign_in(session(4, 5, 10)).await.unwrap();
    assert_eq!(ledger.sessions(Address::repeat_byte(4), license(6)).unwrap().first(), None);
    assert_eq!(ledger.sessions(Address::repeat_byte(5), license(5)).unwrap().first(), None);
}

#[tokio::test]
async fn the_newest_session_counts_and_the_older_stay_for_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    for session in [session(4, 5, 300), session(4, 5, 20), session(4, 6, 1), session(7, 5, 1)] {
        ledger.sign_in(session).await.unwrap();
    }
    assert_eq!(ledger.sessions(Address::repeat_byte(4), license(5)).unwrap().first(), Some(&session(4, 5, 300)));
    let mut longer = session(4, 5, 300);
    longer.authorization.expiresAt += 1;
    ledger.sign_in(longer.clone()).await.unwrap();
    assert_eq!(ledger.sessions(Address::repeat_byte(4), license(5)).unwrap().first(), Some(&longer.clone()));

    // Receipts here are signed by key 4.
    serve(&ledger, 1, 5).await;
    ledger.seal(1, 1).await.unwrap();
    assert_eq!(ledger.sessions_of(1).unwrap(), [session(4, 5, 20), session(4, 5, 300), longer]);
    assert!(ledger.sessions_of(2).unwrap().is_empty());
}
