//! Who may ask now: a key that the license's holder signed in, under a license that the chain calls good.

use alloy::primitives::U256;
use tributary_ledger::{Access, Quota};
use tributary_sdk::sign_in::Credential;

use super::{Refusal, Service};

/// Somebody who may ask.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) access: Access,
    pub(super) quota: Quota,
}

impl Service {
    /// The sign-in under which a key may ask now; under this license, if one is named.
    pub(super) async fn admit(
        &self,
        credential: Credential,
        license: Option<U256>,
        now: u64,
    ) -> Result<Admitted, Refusal> {
        // A key may be signed in more than once, by more than one holder: any sign-in that is good now will do.
        let mut refused = Refusal::NoSession { credential, license };
        for access in self.ledger.accesses(credential)? {
            let (begins, ended, holder) = (access.begins_at, access.expires_at, access.session.holder);
            if license.is_some_and(|license| license != access.license_id) {
                continue;
            }
            if now < begins {
                refused = Refusal::SessionNotBegun { begins, now };
                continue;
            }
            if ended <= now {
                refused = Refusal::SessionEnded { ended, now };
                continue;
            }
            let found = match self.licenses.find(access.license_id, holder).await {
                Err(error @ Refusal::NotLicensed { .. }) => {
                    refused = error;
                    continue;
                }
                other => other?,
            };
            if found.asset != self.asset {
                refused = Refusal::ForeignLicense { license: access.license_id, asset: found.asset };
                continue;
            }
            if !self.licenses.is_signed(&access.session).await? {
                refused = Refusal::NotSigned { holder };
                continue;
            }
            return Ok(Admitted { access, quota: found.quota });
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
}
