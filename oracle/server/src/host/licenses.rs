//! What the chain says of licenses, followed block by block: what was found once holds until an event says otherwise.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
};
use tokio::sync::Mutex;
use tributary_chain::{
    Chain, ChainError, Head,
    follow::{Change, LicenseFeed},
    licenses::{self, rights},
    wallets::{self, SignedBy},
};
use tributary_ledger::Quota;
use tributary_sdk::{AssetId, batch::Session};

use super::Refusal;

/// Most sign-ins that are remembered; they are looked at again after that.
const MOST_SIGN_INS: usize = 100_000;

/// How old what is known of the chain may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Freshness {
    /// Since the node was last asked.
    pub(super) asked: Duration,
    /// Since the newest block; not looked at on development chains, whose clock is moved by hand.
    pub(super) block: Duration,
}

/// Licenses as the chain has them.
#[derive(Debug)]
pub(super) struct Licenses {
    chain: Chain,
    freshness: Freshness,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    feed: LicenseFeed,
    asked: Option<Instant>,
    good: HashMap<(U256, Address), License>,
    /// Sign-ins that their holders stood behind, and when that was seen. A key's signature holds for ever; no event tells
    /// when a holder's code no longer stands behind one.
    signed: HashMap<(B256, Address), (SignedBy, Instant)>,
}

/// A license that lets its holder or user ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct License {
    /// The model.
    pub(super) asset: AssetId,
    /// What its terms allow.
    pub(super) quota: Quota,
    /// The first second at which this account may not use it any more.
    until: u64,
}

impl Licenses {
    pub(super) async fn follow(chain: &Chain, freshness: Freshness) -> Result<Self, ChainError> {
        let feed = LicenseFeed::start(chain).await?;
        let state = State { feed, asked: None, good: HashMap::new(), signed: HashMap::new() };
        Ok(Self { chain: chain.clone(), freshness, state: Mutex::new(state) })
    }

    /// Reads on unless that was done a moment ago. Returns the newest block that is known.
    pub(super) async fn head(&self) -> Result<Head, Refusal> {
        let mut state = self.state.lock().await;
        if state.asked.is_none_or(|asked| asked.elapsed() >= self.freshness.asked) {
            match state.feed.read_on().await? {
                Change::Licenses(changed) => state.good.retain(|(license, _), _| !changed.contains(license)),
                Change::Everything => state.good.clear(),
            }
            state.asked = Some(Instant::now());
        }
        let head = state.feed.head();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let allowed = self.freshness.block.as_secs();
        if !self.chain.is_development() {
            let age = now.saturating_sub(head.timestamp);
            if age > allowed {
                return Err(Refusal::ChainBehind { age, allowed });
            }
            // By a clock that was set back every chain looks new.
            let ahead = head.timestamp.saturating_sub(now);
            if ahead > allowed {
                return Err(Refusal::ClockBehind { ahead });
            }
        }
        Ok(head)
    }

    /// The license, if it lets this account ask now.
    pub(super) async fn find(&self, license: U256, account: Address) -> Result<License, Refusal> {
        let head = self.head().await?;
        let known = self.state.lock().await.good.get(&(license, account)).copied();
        if let Some(found) = known.filter(|found| head.timestamp < found.until) {
            return Ok(found);
        }
        let refused = || Refusal::NotLicensed { license, account };
        let block = BlockId::number(head.number);
        let (limits, may_ask) = tokio::join!(
            licenses::limits(&self.chain, license, block),
            licenses::is_licensed(&self.chain, license, account, rights::INFER, block)
        );
        let limits = match limits {
            Err(ChainError::Reverted { .. }) => return Err(refused()),
            other => other?,
        };
        if !may_ask? {
            return Err(refused());
        }
        let none_is_ever = |limit: u64| if limit == 0 { u64::MAX } else { limit };
        let as_user = if limits.holder == account { u64::MAX } else { limits.userExpires.saturating_add(1) };
        let found = License {
            asset: AssetId(limits.assetId),
            quota: Quota {
                total: (limits.maxCalls > 0).then_some(limits.maxCalls),
                minute: (limits.callsPerMinute > 0).then_some(limits.callsPerMinute.into()),
            },
            until: none_is_ever(limits.expiresAt).min(as_user),
        };
        let mut state = self.state.lock().await;
        // Whoever has read on meanwhile may have read that it changed.
        if state.feed.head() == head {
            state.good.insert((license, account), found);
        }
        Ok(found)
    }

    /// Whether the holder stands behind a sign-in now.
    pub(super) async fn is_signed(&self, session: &Session) -> Result<bool, Refusal> {
        let digest = session.authorization.digest(&self.chain.ledger_domain());
        let (holder, signature) = (session.holder, &session.signature);
        match self.state.lock().await.signed.get(&(digest, holder)) {
            Some((SignedBy::Key, _)) => return Ok(true),
            Some((SignedBy::Code, seen)) if seen.elapsed() < self.freshness.asked => return Ok(true),
            _ => {}
        }
        let signed = wallets::signed_by(&self.chain, holder, digest, signature, BlockId::latest()).await?;
        let mut state = self.state.lock().await;
        if state.signed.len() >= MOST_SIGN_INS {
            state.signed.clear();
        }
        match signed {
            Some(by) => state.signed.insert((digest, holder), (by, Instant::now())),
            None => state.signed.remove(&(digest, holder)),
        };
        Ok(signed.is_some())
    }
}
