//! What a vault earned in a period, and from whom, rebuilt from its events.
//!
//! Revenue belongs to the period in which the vault *distributed* it: everything between the last distribution of the
//! period before and the last distribution of this one, in log order. So what sub-pools earned and what the pool was
//! credited always cover the same money, whoever calls the vault in between.
//!
//! A period ends with a second of the chain's time. Which blocks it holds is final once a block with a later time exists.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, U256},
    rpc::types::Filter,
    sol_types::{SolEvent, SolEventInterface},
};
use tributary_sdk::contracts::RoyaltyVault::{self, RoyaltyVaultEvents};
use tributary_settlement::{SettlementError, SubPoolId};

use crate::{Chain, ChainError, logs};

/// One vault and token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The vault.
    pub vault: Address,
    /// The token.
    pub token: Address,
}

/// A period's revenue, in base units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revenue {
    /// Who earned how much of it, ascending by id.
    pub earned: Vec<(SubPoolId, u128)>,
    /// What the vault had credited to the pool in all when the period ended.
    pub pool_credited: u128,
}

/// Reads the revenue of the period `(after, until]`, in seconds since 1970 of the chain's time.
pub async fn of_period(chain: &Chain, account: Account, after: u64, until: u64) -> Result<Revenue, ChainError> {
    let events = [
        RoyaltyVault::FeeEarned::SIGNATURE_HASH,
        RoyaltyVault::Paid::SIGNATURE_HASH,
        RoyaltyVault::Revenue::SIGNATURE_HASH,
        RoyaltyVault::Distributed::SIGNATURE_HASH,
    ];
    let filter = Filter::new().address(account.vault).event_signature(events.to_vec());
    let (first, last) = (chain.block_at(after).await?, chain.block_at(until).await?);
    let mut period = Period { market: chain.deployment().market, token: account.token, ..Period::default() };
    for log in logs::between(chain, &filter, 0, last).await? {
        let block = log.block_number.ok_or_else(|| ChainError::Rpc("a log without a block".into()))?;
        if let Ok(event) = RoyaltyVaultEvents::decode_log(&log.inner) {
            period.take(&event.data, block > first)?;
        }
    }
    Ok(period.closed)
}

/// Every license that still has something to earn in the vault, by the suite's market.
pub async fn licenses(chain: &Chain, account: Account) -> Result<Vec<U256>, ChainError> {
    let events = [RoyaltyVault::FeePaid::SIGNATURE_HASH, RoyaltyVault::FeeEarned::SIGNATURE_HASH];
    let filter = Filter::new()
        .address(account.vault)
        .event_signature(events.to_vec())
        .topic1(chain.deployment().market)
        .topic3(account.token);
    let head = chain.head().await?.number;
    let mut left: BTreeMap<U256, u128> = BTreeMap::new();
    for log in logs::between(chain, &filter, 0, head).await? {
        match RoyaltyVaultEvents::decode_log(&log.inner).map(|event| event.data) {
            Ok(RoyaltyVaultEvents::FeePaid(fee)) => add(&mut left, fee.licenseId, fee.amount)?,
            Ok(RoyaltyVaultEvents::FeeEarned(fee)) => {
                let left = left.entry(fee.licenseId).or_default();
                *left = left.saturating_sub(fee.amount);
            }
            _ => {}
        }
    }
    Ok(left.into_iter().filter(|(_, left)| *left > 0).map(|(license, _)| license).collect())
}

#[derive(Default)]
struct Period {
    market: Address,
    token: Address,
    /// Earned since the last distribution.
    open: BTreeMap<SubPoolId, u128>,
    closed: Revenue,
}

impl Period {
    fn take(&mut self, event: &RoyaltyVaultEvents, in_period: bool) -> Result<(), SettlementError> {
        let (token, id, amount) = match event {
            RoyaltyVaultEvents::FeeEarned(fee) if fee.market == self.market => {
                (fee.token, SubPoolId::License(fee.licenseId), fee.amount)
            }
            RoyaltyVaultEvents::FeeEarned(fee) => (fee.token, SubPoolId::WithoutReceipts, fee.amount),
            RoyaltyVaultEvents::Paid(paid) => (paid.token, SubPoolId::Payment(paid.paymentId), paid.amount),
            RoyaltyVaultEvents::Revenue(bare) => (bare.token, SubPoolId::WithoutReceipts, bare.amount),
            RoyaltyVaultEvents::Distributed(distributed) if distributed.token == self.token => {
                return self.distribute(distributed.poolCredited, in_period);
            }
            _ => return Ok(()),
        };
        if token == self.token { add(&mut self.open, id, amount) } else { Ok(()) }
    }

    /// Everything earned so far is distributed; a distribution before the period closes earlier periods' revenue.
    fn distribute(&mut self, pool_credited: u128, in_period: bool) -> Result<(), SettlementError> {
        let mut earned = std::mem::take(&mut self.open);
        if in_period {
            for (id, amount) in std::mem::take(&mut self.closed.earned) {
                add(&mut earned, id, amount)?;
            }
            self.closed.earned = earned.into_iter().collect();
        }
        self.closed.pool_credited = pool_credited;
        Ok(())
    }
}

fn add<Id: Ord>(amounts: &mut BTreeMap<Id, u128>, id: Id, amount: u128) -> Result<(), SettlementError> {
    let total = amounts.entry(id).or_default();
    *total = total.checked_add(amount).ok_or(SettlementError::Overflow { what: "a vault's revenue" })?;
    Ok(())
}
