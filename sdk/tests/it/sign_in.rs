//! What wallets sign at sign-in: the text to the letter, and what is not taken for it.

use alloy::{
    primitives::{Address, B256, U256, eip191_hash_message},
    sol_types::{Eip712Domain, SolStruct},
};
use proptest::prelude::*;
use tributary_sdk::{
    sign_in::{Authorization, Credential, Occasion, Permission, SignInError},
    typed_data::{self, SessionAuthorization},
};

const HOLDER: Address = Address::repeat_byte(0x11);

fn ledger() -> Eip712Domain {
    typed_data::domain(31_337, Address::repeat_byte(0x22))
}

fn permission(credential: Credential) -> Permission {
    Permission {
        license_id: U256::from(7),
        credential,
        begins_at: 0,
        expires_at: 1_790_683_200,
        holder: Some(HOLDER),
        label: Some("shop-1".into()),
    }
}

fn occasion() -> Occasion {
    Occasion {
        domain: "models.example:8443".into(),
        uri: "https://models.example:8443/v1/sessions".into(),
        nonce: "fQ3n8Zk2Wm1pX5rT".into(),
        issued_at: 1_782_907_200,
    }
}

fn text(permission: &Permission) -> String {
    match Authorization::message(HOLDER, permission, &occasion(), &ledger()).unwrap() {
        Authorization::Message(text) => text,
        other => panic!("{other:?}"),
    }
}

fn read(text: String) -> Result<Permission, SignInError> {
    Authorization::Message(text).permission(&ledger())
}

#[test]
fn the_text_is_this_to_the_letter() {
    let key = Credential::Key(Address::repeat_byte(0x33));
    assert_eq!(
        text(&permission(key)),
        "models.example:8443 wants you to sign in with your Ethereum account:\n\
         0x1111111111111111111111111111111111111111\n\
         \n\
         Let a session key ask under license 7; it signs every request.\n\
         \n\
         URI: https://models.example:8443/v1/sessions\n\
         Version: 1\n\
         Chain ID: 31337\n\
         Nonce: fQ3n8Zk2Wm1pX5rT\n\
         Issued At: 2026-07-01T12:00:00Z\n\
         Expiration Time: 2026-09-29T12:00:00Z\n\
         Request ID: shop-1\n\
         Resources:\n\
         - tributary:ledger:0x2222222222222222222222222222222222222222\n\
         - tributary:license:7\n\
         - tributary:key:0x3333333333333333333333333333333333333333"
    );
    let bearer = text(&permission(Credential::of_bearer("trb_secret")));
    assert!(bearer.contains("the host alone attests to its usage"), "{bearer}");
    assert!(!bearer.contains("secret"), "only its hash is signed");
}

#[test]
fn what_is_not_such_a_text_is_refused_by_what_is_wrong() {
    let good = text(&permission(Credential::Key(Address::repeat_byte(0x33))));
    assert_eq!(read(good.clone()), Ok(permission(Credential::Key(Address::repeat_byte(0x33)))));
    let with = |from: &str, to: &str| {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        read(changed)
    };
    assert!(matches!(with("Chain ID: 31337", "Chain ID: 1"), Err(SignInError::Chain { found: 1, .. })));
    let other = "0x4444444444444444444444444444444444444444";
    let ledger = "0x2222222222222222222222222222222222222222";
    assert!(matches!(with(ledger, other), Err(SignInError::Ledger { .. })));
    assert!(matches!(with("license 7;", "license 8;"), Err(SignInError::Statement { .. })));
    assert!(matches!(with("license:7", "license:8"), Err(SignInError::Statement { .. })));
    assert!(matches!(with("license:7", "license:0x7"), Err(SignInError::Resource(_))));
    assert!(matches!(with("tributary:key:", "tributary:keys:"), Err(SignInError::Resource(_))));
    assert!(matches!(with("tributary:license:7\n- ", ""), Err(SignInError::Resource(_))));
    assert!(matches!(with("Expiration Time: 2026-09-29T12:00:00Z\n", ""), Err(SignInError::Text(_))));
    assert!(matches!(with("Expiration Time: 2026", "Expiration Time: 1926"), Err(SignInError::Text(_))));
    assert!(matches!(with("Version: 1", "Version: 2"), Err(SignInError::Syntax(_))));
    assert!(matches!(with("wants you to sign in", "would like you to sign in"), Err(SignInError::Syntax(_))));
    assert!(matches!(read(format!("{good}\n{}", "x".repeat(5_000))), Err(SignInError::Text(_))));
    assert!(matches!(read(String::new()), Err(SignInError::Syntax(_))));
    // What could not be read again is not made.
    for label in ["a b", "a\nResources:", "ä"] {
        let labelled = Permission { label: Some(label.into()), ..permission(Credential::Key(HOLDER)) };
        let made = Authorization::message(HOLDER, &labelled, &occasion(), &self::ledger());
        let read = made.and_then(|made| made.permission(&self::ledger()));
        assert!(read.is_err() || read.unwrap().label.as_deref() == Some(label), "{label}");
    }
}

#[test]
fn each_form_is_signed_as_its_standard_says() {
    let message = text(&permission(Credential::Key(HOLDER)));
    assert_eq!(Authorization::Message(message.clone()).digest(&ledger()), eip191_hash_message(message));
    let typed = SessionAuthorization { licenseId: U256::from(7), sessionKey: HOLDER, expiresAt: 9 };
    let digest = typed.eip712_signing_hash(&ledger());
    let authorization = Authorization::Typed(typed);
    assert_eq!(authorization.digest(&ledger()), digest);
    let said = authorization.permission(&ledger()).unwrap();
    assert_eq!((said.credential, said.expires_at, said.holder), (Credential::Key(HOLDER), 9, None));
    // JSON tells them apart.
    let json = serde_json::to_string(&authorization).unwrap();
    assert_eq!(serde_json::from_str::<Authorization>(&json).unwrap(), authorization);
    let text = Authorization::Message("text".into());
    assert_eq!(serde_json::to_string(&text).unwrap(), "\"text\"");
}

proptest! {
    #[test]
    fn what_is_said_is_read_again(
        license in any::<[u64; 4]>(),
        word in any::<[u8; 32]>(),
        is_bearer in any::<bool>(),
        begins_at in prop::option::of(1u64..4_000_000_000),
        expires_at in 0u64..200_000_000_000,
        label in prop::option::of("[A-Za-z0-9._-]{1,32}"),
    ) {
        let credential = match is_bearer {
            true => Credential::Bearer(B256::from(word)),
            false => Credential::Key(Address::from_slice(&word[..20])),
        };
        let said = Permission {
            license_id: U256::from_limbs(license),
            credential,
            begins_at: begins_at.unwrap_or_default(),
            expires_at,
            holder: Some(HOLDER),
            label,
        };
        prop_assert_eq!(read(text(&said)), Ok(said));
        prop_assert_eq!(credential.to_string().parse(), Ok(credential));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", cut in 0usize..600) {
        let _ = read(text.clone());
        let good = self::text(&permission(Credential::Key(HOLDER)));
        let cut = good.char_indices().map(|(at, _)| at).nth(cut % good.len()).unwrap_or_default();
        let _ = read(format!("{}{text}", &good[..cut]));
    }
}
