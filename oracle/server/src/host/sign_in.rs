//! Sign-in: a wallet says which key may ask under its license. Keys are listed and revoked with the token that a sign-in
//! gives.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::{
    eips::BlockId,
    hex,
    primitives::{Address, B256, U256, keccak256},
};
use rand::{Rng, SeedableRng, distr::Alphanumeric, rngs::StdRng};
use tributary_chain::wallets;
use tributary_ledger::{Access, Key};
use tributary_sdk::{
    AssetId,
    api::{KeyInfo, LicenseUsage, Nonce, SignIn, SignedIn},
    batch::Session,
    sign_in::{Authorization, Credential, SignInError},
    typed_data,
};

use super::{Host, Refusal};

/// How long a nonce may be signed in with.
const NONCE: Duration = Duration::from_secs(10 * 60);
/// How long a token is good for.
const TOKEN: Duration = Duration::from_secs(15 * 60);
/// Most nonces, and most tokens, that are remembered; the oldest make room.
const MOST: usize = 10_000;

/// What sign-ins need for a moment: it is lost when the host stops, and clients then sign in again.
#[derive(Debug, Default)]
pub(super) struct Doors {
    nonces: Mutex<HashMap<String, Instant>>,
    /// By the token's keccak-256.
    tokens: Mutex<HashMap<B256, Token>>,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    license: U256,
    holder: Address,
    asset: AssetId,
    given: Instant,
}

impl Doors {
    fn nonce(&self) -> String {
        let nonce: String = StdRng::from_os_rng().sample_iter(Alphanumeric).take(24).map(char::from).collect();
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut nonces, NONCE, |given| *given);
        nonces.insert(nonce.clone(), Instant::now());
        nonce
    }

    /// Whether a nonce was given a moment ago; it is good once.
    fn spend(&self, nonce: &str) -> bool {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.remove(nonce).is_some_and(|given| given.elapsed() < NONCE)
    }

    fn token(&self, license: U256, holder: Address, asset: AssetId) -> String {
        let token = hex::encode(StdRng::from_os_rng().random::<[u8; 32]>());
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut tokens, TOKEN, |token| token.given);
        tokens.insert(keccak256(token.as_bytes()), Token { license, holder, asset, given: Instant::now() });
        token
    }

    fn read(&self, token: &str) -> Option<Token> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&keccak256(token.as_bytes())).copied().filter(|token| token.given.elapsed() < TOKEN)
    }
}

/// Forgets what is too old and, if that is not enough, everything older than the median.
fn make_room<K: std::hash::Hash + Eq, V>(kept: &mut HashMap<K, V>, good: Duration, given: impl Fn(&V) -> Instant) {
    if kept.len() < MOST {
        return;
    }
    kept.retain(|_, value| given(value).elapsed() < good);
    if kept.len() < MOST {
        return;
    }
    let mut times: Vec<Instant> = kept.values().map(&given).collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    kept.retain(|_, value| given(value) > median);
}

impl Host {
    /// A number for one sign-in.
    pub async fn nonce(&self) -> Result<Nonce, Refusal> {
        let chain_time = self.chain().head().await?.timestamp;
        Ok(Nonce { nonce: self.doors.nonce(), expires_in: NONCE.as_secs(), chain_time })
    }

    /// Signs a key in: the chain must call the signer licensed at this very block. `asked_at` is the authority that the
    /// client reached this host at.
    pub async fn sign_in(&self, sign_in: SignIn, asked_at: Option<&str>) -> Result<SignedIn, Refusal> {
        let SignIn { authorization, signature, holder } = sign_in;
        let chain = self.chain();
        let domain = chain.ledger_domain();
        let permission = authorization.permission(&domain)?;
        self.check_occasion(&authorization, asked_at)?;
        let digest = authorization.digest(&domain);
        let holder = match permission.holder.or(holder) {
            Some(holder) => holder,
            None => typed_data::recover_digest(digest, &signature)?,
        };
        let head = chain.head().await?;
        let block = BlockId::number(head.number);
        if wallets::signed_by(chain, holder, digest, &signature, block).await?.is_none() {
            return Err(Refusal::NotSigned { holder });
        }
        if permission.expires_at <= head.timestamp {
            return Err(Refusal::SessionEnded { ended: permission.expires_at, now: head.timestamp });
        }
        let license = permission.license_id;
        let found = self.licenses.find(license, holder).await?;
        let service = self.service(found.asset).map_err(|refusal| match refusal {
            Refusal::UnknownModel(asset) => Refusal::ForeignLicense { license, asset },
            other => other,
        })?;
        let is_message = matches!(authorization, Authorization::Message(_));
        let access = Access {
            session: Session { authorization, holder, signature, block: head.number },
            credential: permission.credential,
            license_id: license,
            begins_at: permission.begins_at,
            expires_at: permission.expires_at,
            label: permission.label,
        };
        service.ledger().sign_in(access).await?;
        if !service.ledger().accesses(permission.credential)?.iter().any(|access| access.license_id == license) {
            return Err(Refusal::KeyRevoked(permission.credential));
        }
        Ok(SignedIn {
            holder,
            license_id: license,
            credential: permission.credential,
            expires_at: permission.expires_at,
            token: is_message.then(|| self.doors.token(license, holder, found.asset)),
            token_expires_in: TOKEN.as_secs(),
        })
    }

    /// A message is for this host, and for one sign-in.
    fn check_occasion(&self, authorization: &Authorization, asked_at: Option<&str>) -> Result<(), Refusal> {
        let Some(occasion) = authorization.occasion()? else { return Ok(()) };
        self.check_authority(&occasion.domain, asked_at)?;
        if !self.doors.spend(&occasion.nonce) {
            return Err(Refusal::StaleNonce);
        }
        Ok(())
    }

    /// A signature is for this host, by the name that it has or, if it has none, was asked at.
    pub(super) fn check_authority(&self, found: &str, asked_at: Option<&str>) -> Result<(), Refusal> {
        match self.authority.as_deref().or(asked_at).unwrap_or_default() {
            ours if ours.eq_ignore_ascii_case(found) => Ok(()),
            ours => Err(Refusal::ForeignSignIn { found: found.to_owned(), expected: ours.to_owned() }),
        }
    }

    /// The keys that were ever signed in under a license, oldest first.
    pub async fn keys(&self, license: U256, token: Option<&str>) -> Result<Vec<KeyInfo>, Refusal> {
        let asset = self.owner(license, token).await?;
        let keys = self.service(asset)?.ledger().keys_of(license)?;
        Ok(keys.into_iter().map(info).collect())
    }

    /// Revokes a key of a license.
    pub async fn revoke(&self, license: U256, key: Credential, token: Option<&str>) -> Result<KeyInfo, Refusal> {
        let asset = self.owner(license, token).await?;
        let service = self.service(asset)?;
        let now = self.licenses.head().await?.timestamp;
        if !service.ledger().revoke(key, license, now).await? {
            return Err(Refusal::UnknownKey(key));
        }
        let keys = service.ledger().keys_of(license)?;
        let revoked = keys.into_iter().rfind(|found| found.access.credential == key);
        revoked.map(info).ok_or(Refusal::UnknownKey(key))
    }

    /// What was asked under a license.
    pub async fn usage(&self, license: U256, token: Option<&str>) -> Result<LicenseUsage, Refusal> {
        let token = self.token(license, token)?;
        let found = self.licenses.find(license, token.holder).await?;
        let calls = self.service(found.asset)?.ledger().calls(license)?;
        Ok(LicenseUsage {
            total: calls.total,
            open_epoch: calls.open,
            max_calls: found.quota.total,
            calls_per_minute: found.quota.minute.and_then(|limit| u32::try_from(limit).ok()),
        })
    }

    /// The model of a license, if the token is of somebody who holds it now.
    async fn owner(&self, license: U256, token: Option<&str>) -> Result<AssetId, Refusal> {
        let token = self.token(license, token)?;
        self.licenses.find(license, token.holder).await?;
        Ok(token.asset)
    }

    fn token(&self, license: U256, token: Option<&str>) -> Result<Token, Refusal> {
        let token = token.and_then(|token| self.doors.read(token)).ok_or(Refusal::NoToken)?;
        if token.license == license { Ok(token) } else { Err(Refusal::NoToken) }
    }
}

fn info(key: Key) -> KeyInfo {
    let Key { access, revoked_at } = key;
    KeyInfo {
        credential: access.credential,
        label: access.label,
        holder: access.session.holder,
        begins_at: access.begins_at,
        expires_at: access.expires_at,
        revoked_at,
    }
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        Self::BadSignIn(error)
    }
}
