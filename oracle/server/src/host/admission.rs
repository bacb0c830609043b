//! Who may ask: sign-in, sessions, licenses.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
};
use tokio::sync::Mutex;
use tributary_chain::{
    ChainError,
    licenses::{self, rights},
};
use tributary_ledger::Quota;
use tributary_sdk::{
    AssetId,
    api::{SignIn, SignedIn},
    batch::Session,
    typed_data::{self, InferenceRequest},
};

use super::{Host, Refusal};

/// Licenses found valid a moment ago.
#[derive(Debug)]
pub(super) struct Licenses {
    trusted_for: Duration,
    valid: Mutex<HashMap<(U256, Address), Valid>>,
}

#[derive(Clone, Copy, Debug)]
struct Valid {
    asked: Instant,
    quota: Quota,
}

impl Licenses {
    pub(super) fn new(trusted_for: Duration) -> Self {
        Self { trusted_for, valid: Mutex::default() }
    }
}

impl Host {
    /// Signs a session key in: the chain must call the signer licensed at this very block.
    pub async fn sign_in(&self, sign_in: SignIn) -> Result<SignedIn, Refusal> {
        let SignIn { authorization, signature } = sign_in;
        let chain = self.chain();
        let holder = typed_data::recover(&authorization, &chain.ledger_domain(), &signature)?;
        let license = authorization.licenseId;
        let head = chain.head().await?;
        if authorization.expiresAt <= head.timestamp {
            return Err(Refusal::SessionEnded { ended: authorization.expiresAt, now: head.timestamp });
        }
        let block = BlockId::number(head.number);
        self.check_asset(license, holder).await?;
        if !licenses::is_licensed(chain, license, holder, rights::INFER, block).await? {
            return Err(Refusal::NotLicensed { license, account: holder });
        }
        let expires_at = authorization.expiresAt;
        self.ledger.sign_in(Session { authorization, holder, signature, block: head.number }).await?;
        Ok(SignedIn { holder, license_id: license, expires_at })
    }

    /// The session under which a signed request may be served now, and what its license allows.
    pub(super) async fn admit(
        &self,
        request: &InferenceRequest,
        signature: &[u8],
    ) -> Result<(Session, Quota), Refusal> {
        let key = typed_data::recover(request, &self.chain().ledger_domain(), signature)?;
        let license = request.licenseId;
        let now = self.clock.now(request.issuedAt).await?;
        self.check_time(request.issuedAt, now).await?;
        // A key may be signed in more than once, by more than one holder: any session that is good now will do.
        let mut refused = Refusal::NoSession { key, license };
        for session in self.ledger.sessions(key, license)? {
            let ended = session.authorization.expiresAt;
            if ended <= now {
                refused = Refusal::SessionEnded { ended, now };
                continue;
            }
            match self.valid(license, session.holder).await {
                Ok(quota) => return Ok((session, quota)),
                Err(Refusal::NotLicensed { license, account }) => refused = Refusal::NotLicensed { license, account },
                Err(other) => return Err(other),
            }
        }
        Err(refused)
    }

    /// A request is for the open epoch: signed in it, and not in the future.
    pub(super) async fn check_time(&self, issued_at: u64, now: u64) -> Result<(), Refusal> {
        let since = self.clock.floor().await;
        match issued_at {
            issued if issued < since => Err(Refusal::StaleRequest { issued, since }),
            issued if issued > now => Err(Refusal::FutureRequest { issued, now }),
            _ => Ok(()),
        }
    }

    async fn valid(&self, license: U256, holder: Address) -> Result<Quota, Refusal> {
        let known = self.licenses.valid.lock().await.get(&(license, holder)).copied();
        if let Some(valid) = known.filter(|valid| valid.asked.elapsed() < self.licenses.trusted_for) {
            return Ok(valid.quota);
        }
        let quota = self.check_asset(license, holder).await?;
        if !licenses::is_licensed(self.chain(), license, holder, rights::INFER, BlockId::latest()).await? {
            self.licenses.valid.lock().await.remove(&(license, holder));
            return Err(Refusal::NotLicensed { license, account: holder });
        }
        self.licenses.valid.lock().await.insert((license, holder), Valid { asked: Instant::now(), quota });
        Ok(quota)
    }

    /// The license must exist and be for the served model.
    async fn check_asset(&self, license: U256, holder: Address) -> Result<Quota, Refusal> {
        let found = match licenses::license(self.chain(), license).await {
            Err(ChainError::Reverted { .. }) => return Err(Refusal::NotLicensed { license, account: holder }),
            other => other?,
        };
        if found.assetId != self.version.asset.0 {
            return Err(Refusal::ForeignLicense { license, asset: AssetId(found.assetId) });
        }
        let terms = licenses::terms(self.chain(), found.termsId).await?;
        Ok(Quota { total: (terms.maxCalls > 0).then_some(terms.maxCalls), epoch: None })
    }
}
