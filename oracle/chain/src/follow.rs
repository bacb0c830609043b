//! Following what changes licenses, so that what was true of one is known to be true still.

use std::collections::BTreeSet;

use alloy::{primitives::U256, rpc::types::Filter, sol_types::SolEvent};
use tributary_sdk::contracts::LicenseToken;

use crate::{Chain, ChainError, connect::Head, logs};

/// Reads the license token's events block after block.
#[derive(Clone, Debug)]
pub struct LicenseFeed {
    chain: Chain,
    /// The last block whose events were read.
    read: Head,
}

/// What changed between two looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These licenses changed their holder, their user or their end, or were revoked.
    Licenses(BTreeSet<U256>),
    /// A block that was read is no longer in the chain: anything may have changed.
    Everything,
}

impl LicenseFeed {
    /// Begins with the newest block.
    pub async fn start(chain: &Chain) -> Result<Self, ChainError> {
        Ok(Self { chain: chain.clone(), read: chain.head().await? })
    }

    /// The last block whose events were read.
    pub fn head(&self) -> Head {
        self.read
    }

    /// Reads on to the newest block. After an error it goes on from where it was.
    pub async fn read_on(&mut self) -> Result<Change, ChainError> {
        let head = self.chain.head().await?;
        if head == self.read {
            return Ok(Change::Licenses(BTreeSet::new()));
        }
        let is_continued = head.number > self.read.number
            && self.chain.block(self.read.number).await?.is_some_and(|block| block == self.read);
        if !is_continued {
            self.chain.check_identity().await?;
            self.read = head;
            return Ok(Change::Everything);
        }
        let changed = self.changed(self.read.number.saturating_add(1), head.number).await?;
        self.read = head;
        Ok(Change::Licenses(changed))
    }

    async fn changed(&self, from: u64, to: u64) -> Result<BTreeSet<U256>, ChainError> {
        let events = [
            LicenseToken::Transfer::SIGNATURE_HASH,
            LicenseToken::UpdateUser::SIGNATURE_HASH,
            LicenseToken::TokenExpiryUpdated::SIGNATURE_HASH,
        ];
        let filter = Filter::new().address(self.chain.deployment().license_token).event_signature(events.to_vec());
        let license = |log: alloy::rpc::types::Log| {
            // A transfer names its license last, the others name it first.
            let topics = log.topics();
            let at = if topics.first() == Some(&LicenseToken::Transfer::SIGNATURE_HASH) { 3 } else { 1 };
            topics.get(at).map(|topic| U256::from_be_bytes(topic.0))
        };
        Ok(logs::between(&self.chain, &filter, from, to).await?.into_iter().filter_map(license).collect())
    }
}
