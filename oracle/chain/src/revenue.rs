//! What a vault earned in a period, and from whom, rebuilt from its events.
//!
//! Revenue belongs to the period in which the vault *distributed* it: everything between the last distribution of the
//! period before and the last distribution of this one, in log order. So what sub-pools earned and what the pool was
//! credited always cover the same money, whoever calls the vault in between.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, U256},
    providers::Provider,
    rpc::types::{Filter, Log},
    sol_types::SolEventInterface,
};
use tributary_sdk::contracts::RoyaltyVault::{self, RoyaltyVaultEvents};
use tributary_settlement::{SettlementError, SubPoolId};

use crate::{Chain, ChainError};

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
    let filter = Filter::new().address(account.vault).from_block(0u64);
    let logs = chain.provider().get_logs(&filter).await?;
    let mut times = Times { chain, known: BTreeMap::new() };
    let mut period = Period { market: chain.deployment().market, token: account.token, ..Period::default() };
    for log in &logs {
        let time = times.of(log).await?;
        if time > until {
            break;
        }
        if let Ok(event) = RoyaltyVaultEvents::decode_log(&log.inner) {
            period.take(&event.data, time > after)?;
        }
    }
    Ok(period.closed)
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
            RoyaltyVaultEvents::Distributed(distributed) => {
                return if distributed.token == self.token {
                    self.distribute(distributed.poolCredited, in_period)
                } else {
                    Ok(())
                };
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

fn add(earned: &mut BTreeMap<SubPoolId, u128>, id: SubPoolId, amount: u128) -> Result<(), SettlementError> {
    let total = earned.entry(id).or_default();
    *total = total.checked_add(amount).ok_or(SettlementError::Overflow { what: "a sub-pool's revenue" })?;
    Ok(())
}

struct Times<'c> {
    chain: &'c Chain,
    known: BTreeMap<u64, u64>,
}

impl Times<'_> {
    async fn of(&mut self, log: &Log) -> Result<u64, ChainError> {
        if let Some(time) = log.block_timestamp {
            return Ok(time);
        }
        let number = log.block_number.ok_or_else(|| ChainError::Rpc("a log without a block".into()))?;
        if let Some(time) = self.known.get(&number) {
            return Ok(*time);
        }
        let block = self.chain.provider().get_block_by_number(number.into()).await?;
        let block = block.ok_or_else(|| ChainError::Rpc(format!("it has no block {number}")))?;
        self.known.insert(number, block.header.timestamp);
        Ok(block.header.timestamp)
    }
}

/// Every license whose fee is in the vault, by the suite's market: what has to be released to count as earned.
pub async fn licenses(chain: &Chain, account: Account) -> Result<Vec<U256>, ChainError> {
    let vault = RoyaltyVault::new(account.vault, chain.provider());
    let paid = vault
        .FeePaid_filter()
        .topic1(chain.deployment().market)
        .topic3(account.token)
        .from_block(0u64)
        .query()
        .await
        .map_err(|error| ChainError::Rpc(error.to_string()))?;
    Ok(paid.into_iter().map(|(fee, _)| fee.licenseId).collect())
}
