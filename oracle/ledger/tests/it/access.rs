//! Who may ask.

use tributary_ledger::{Access, Key, Ledger};
use tributary_sdk::{
    Address, Bytes, U256,
    batch::Session,
    sign_in::{Authorization, Credential},
    typed_data::SessionAuthorization,
};

use crate::{license, open, receipt, reservation, serve};

/// A sign-in of session key `key` for license `license`, taken at `block`.
pub(crate) fn access(key: u8, license: u64, block: u64) -> Access {
    let (license_id, expires_at) = (U256::from(license), 1000 + block);
    Access {
        session: Session {
            authorization: Authorization::Typed(SessionAuthorization {
                licenseId: license_id,
                sessionKey: Address::repeat_byte(key),
                expiresAt: expires_at,
            }),
            holder: Address::repeat_byte(8),
            signature: Bytes::from(vec![5; 65]),
            block,
        },
        credential: of(key),
        license_id,
        begins_at: 0,
        expires_at,
        label: None,
    }
}

fn of(key: u8) -> Credential {
    Credential::Key(Address::repeat_byte(key))
}

/// A sign-in of a bearer key, by a message.
fn bearer(secret: &str, license: u64) -> Access {
    let session = Session { authorization: Authorization::Message("said".into()), ..access(0, license, 3).session };
    let label = Some("nightly".into());
    Access { session, credential: Credential::of_bearer(secret), begins_at: 7, label, ..access(0, license, 3) }
}

async fn sign_in(ledger: &Ledger, accesses: &[Access]) {
    for access in accesses {
        ledger.sign_in(access.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn a_restart_signs_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    sign_in(&ledger, &[access(4, 5, 10), bearer("secret", 5)]).await;
    drop(ledger);
    let ledger = open(folder.path());
    assert_eq!(ledger.accesses(of(4)).unwrap(), [access(4, 5, 10)]);
    assert_eq!(ledger.accesses(Credential::of_bearer("secret")).unwrap(), [bearer("secret", 5)]);
    assert_eq!(ledger.accesses(Credential::of_bearer("other")).unwrap(), []);
}

#[tokio::test]
async fn a_credentials_newest_sign_in_comes_first_over_all_licenses() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let signed = [access(4, 6, 300), access(4, 5, 20), access(5, 5, 1), access(4, 6, 21)];
    sign_in(&ledger, &signed).await;
    assert_eq!(ledger.accesses(of(4)).unwrap(), [access(4, 6, 21), access(4, 5, 20), access(4, 6, 300)]);
}

#[tokio::test]
async fn the_same_sign_in_again_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let mut later = access(4, 5, 10);
    later.session.block = 99;
    sign_in(&ledger, &[access(4, 5, 10), access(4, 5, 11), later]).await;
    assert_eq!(ledger.accesses(of(4)).unwrap(), [access(4, 5, 11), access(4, 5, 10)]);
}

#[tokio::test]
async fn a_license_lists_its_keys_oldest_first_with_the_revoked_ones() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    sign_in(&ledger, &[access(9, 5, 1), access(4, 5, 2), access(9, 6, 3), bearer("secret", 5), access(9, 5, 4)]).await;
    assert_eq!(ledger.revoke(of(9), license(5), 77).await, Ok(true));
    let key = |access, revoked_at| Key { access, revoked_at };
    let keys = [
        key(access(9, 5, 1), Some(77)),
        key(access(4, 5, 2), None),
        key(bearer("secret", 5), None),
        key(access(9, 5, 4), Some(77)),
    ];
    assert_eq!(ledger.keys_of(license(5)).unwrap(), keys);
    assert_eq!(ledger.keys_of(license(6)).unwrap(), [key(access(9, 6, 3), None)], "another license's key stays");
    assert_eq!(ledger.keys_of(license(7)).unwrap(), []);
}

#[tokio::test]
async fn what_is_revoked_stays_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    assert_eq!(ledger.revoke(of(4), license(5), 70).await, Ok(false), "there is no such key");
    sign_in(&ledger, &[access(4, 5, 1), access(4, 6, 2)]).await;
    assert_eq!(ledger.revoke(of(4), license(5), 77).await, Ok(true));
    assert_eq!(ledger.revoke(of(4), license(5), 99).await, Ok(true));
    assert_eq!(ledger.accesses(of(4)).unwrap(), [access(4, 6, 2)]);

    drop(ledger);
    let ledger = open(folder.path());
    sign_in(&ledger, &[access(4, 5, 3)]).await;
    assert_eq!(ledger.accesses(of(4)).unwrap(), [access(4, 6, 2)]);
    let revoked: Vec<_> = ledger.keys_of(license(5)).unwrap().iter().map(|key| key.revoked_at).collect();
    assert_eq!(revoked, [Some(77), Some(77)], "the first time stands");
}

#[tokio::test]
async fn an_epoch_publishes_every_session_of_those_who_asked_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    sign_in(&ledger, &[access(4, 5, 300), access(4, 5, 20), access(4, 6, 1), access(7, 5, 1), bearer("s", 5)]).await;
    ledger.revoke(of(4), license(5), 9).await.unwrap();

    // Receipts here are asked for by key 4.
    serve(&ledger, 1, 5).await;
    ledger.seal(1, 1).await.unwrap();
    let sessions = |accesses: &[Access]| accesses.iter().map(|access| access.session.clone()).collect::<Vec<_>>();
    assert_eq!(ledger.sessions_of(1).unwrap(), sessions(&[access(4, 5, 300), access(4, 5, 20)]));
    assert_eq!(ledger.sessions_of(2).unwrap(), []);

    let mut by_bearer = receipt(2, 5);
    by_bearer.credential = Credential::of_bearer("s");
    ledger.reserve(reservation(2, 5)).await.unwrap();
    ledger.earn(by_bearer, vec![]).await.unwrap();
    ledger.seal(2, 2).await.unwrap();
    assert_eq!(ledger.sessions_of(2).unwrap(), sessions(&[bearer("s", 5)]));
}
