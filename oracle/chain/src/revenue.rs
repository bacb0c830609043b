//! What a vault earned in a period, and from whom, rebuilt from its events.
//!
//! Revenue belongs to the period in which the vault *distributed* it: everything between the last distribution of the
//! period before and the last distribution of this one, in log order. So what sub-pools earned and what the pool was
//! credited always cover the same money, whoever calls the vault in between. What one share table divided is kept apart
//! from what another did, for their pools may have other shares.
//!
//! A fallback takes out of the pool all that no root allots, also what a period that is closed and not posted yet was
//! about to divide: of that period nothing is left then.
//!
//! A period ends with a second of the chain's time. Which blocks it holds is final once a block with a later time exists.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, U256},
    rpc::types::Filter,
    sol_types::{SolEvent, SolEventInterface},
};
use tributary_sdk::{
    AssetId,
    contracts::RoyaltyVault::{self, RoyaltyVaultEvents},
};
use tributary_settlement::{SettlementError, SubPoolId};

use crate::{Chain, ChainError, assets, logs, transact::ask};

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
    /// What was distributed, by each share table that was in force.
    pub distributed: Vec<Distributed>,
    /// What was paid to the pool alone, past the share table.
    pub funded: u128,
    /// What roots may allot in all by the period's end: all that the pool was credited, less what fallbacks took.
    pub allocatable: u128,
}

/// What was distributed under one share table, in base units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distributed {
    /// The share table's number.
    pub epoch: u32,
    /// Who earned how much of it.
    pub earned: BTreeMap<SubPoolId, u128>,
    /// What the pool was credited of it.
    pub pool: u128,
}

/// Reads the revenue of the period `(after, until]`, in seconds since 1970 of the chain's time, as it stands after block
/// `seen`: the one in which the period's root was posted, or the newest.
pub async fn of_period(
    chain: &Chain,
    account: Account,
    after: u64,
    until: u64,
    seen: u64,
) -> Result<Revenue, ChainError> {
    let events = [
        RoyaltyVault::FeeEarned::SIGNATURE_HASH,
        RoyaltyVault::Paid::SIGNATURE_HASH,
        RoyaltyVault::Revenue::SIGNATURE_HASH,
        RoyaltyVault::Distributed::SIGNATURE_HASH,
        RoyaltyVault::PoolFunded::SIGNATURE_HASH,
        RoyaltyVault::FellBack::SIGNATURE_HASH,
    ];
    let filter = Filter::new().address(account.vault).event_signature(events.to_vec());
    let (first, last) = (chain.block_at(after).await?, chain.block_at(until).await?);
    let mut period = Period { market: chain.deployment().market, token: account.token, ..Period::default() };
    let mut later = Vec::new();
    for log in logs::between(chain, &filter, 0, seen.max(last)).await? {
        let block = log.block_number.ok_or_else(|| ChainError::Rpc("a log without a block".into()))?;
        let Ok(event) = RoyaltyVaultEvents::decode_log(&log.inner) else { continue };
        if block <= last {
            period.take(&event.data, block > first)?;
            continue;
        }
        // What comes after the period concerns it only if a fallback ends it.
        let falls_back = matches!(&event.data, RoyaltyVaultEvents::FellBack(fell) if fell.token == account.token);
        later.push(event.data);
        if falls_back {
            for event in later.drain(..) {
                period.take(&event, true)?;
            }
        }
    }
    Ok(period.closed()?)
}

/// All that a vault ever paid out of its share table's credits to one account's name, up to a block, in base units: whoever
/// sent the withdrawal, and to whom.
pub async fn withdrawn(chain: &Chain, on: Account, of: Address, block: u64) -> Result<u128, ChainError> {
    let filter = Filter::new()
        .address(on.vault)
        .event_signature(RoyaltyVault::Withdrawn::SIGNATURE_HASH)
        .topic1(on.token)
        .topic2(of);
    let mut sum = 0u128;
    for log in logs::between(chain, &filter, 0, block).await? {
        let Ok(event) = RoyaltyVault::Withdrawn::decode_log(&log.inner) else { continue };
        let overflow = SettlementError::Overflow { what: "a sum of withdrawals" };
        sum = sum.checked_add(event.amount).ok_or(overflow)?;
    }
    Ok(sum)
}

/// The asset that a vault belongs to, if the registry says so as well.
pub async fn asset_of(chain: &Chain, vault: Address) -> Result<AssetId, ChainError> {
    let asset = AssetId(ask("the vault", RoyaltyVault::new(vault, chain.provider()).assetId()).await?);
    match assets::asset(chain, asset).await? {
        registered if registered.vault == vault => Ok(asset),
        _ => Err(ChainError::NoContract("the vault")),
    }
}

/// Every license that still has something to earn in the vault, by the suite's market.
pub async fn licenses(chain: &Chain, account: Account) -> Result<Vec<U256>, ChainError> {
    let events = [
        RoyaltyVault::FeePaid::SIGNATURE_HASH,
        RoyaltyVault::FeeRenewed::SIGNATURE_HASH,
        RoyaltyVault::FeeRefunded::SIGNATURE_HASH,
        RoyaltyVault::FeeEarned::SIGNATURE_HASH,
    ];
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
            Ok(RoyaltyVaultEvents::FeeRenewed(fee)) => add(&mut left, fee.licenseId, fee.amount)?,
            Ok(RoyaltyVaultEvents::FeeEarned(fee)) => take(&mut left, fee.licenseId, fee.amount),
            Ok(RoyaltyVaultEvents::FeeRefunded(fee)) => take(&mut left, fee.licenseId, fee.amount),
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
    /// In the period, by share table.
    distributed: Vec<Distributed>,
    /// In the period.
    funded: u128,
    /// All that the pool was ever credited.
    credited: u128,
    /// All that fallbacks ever took.
    fallen: u128,
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
            RoyaltyVaultEvents::Distributed(event) if event.token == self.token => {
                return self.distribute(event.epoch, event.poolCredited, in_period);
            }
            RoyaltyVaultEvents::PoolFunded(event) if event.token == self.token => {
                return self.fund(event.amount, in_period);
            }
            RoyaltyVaultEvents::FellBack(event) if event.token == self.token => return self.fall_back(event.amount),
            _ => return Ok(()),
        };
        if token == self.token { add(&mut self.open, id, amount) } else { Ok(()) }
    }

    /// Everything earned so far is distributed; a distribution before the period closes earlier periods' revenue.
    fn distribute(&mut self, epoch: u32, credited: u128, in_period: bool) -> Result<(), SettlementError> {
        let earned = std::mem::take(&mut self.open);
        let pool = credited.checked_sub(self.credited).ok_or(OVERFLOW)?;
        self.credited = credited;
        if !in_period {
            return Ok(());
        }
        match self.distributed.last_mut().filter(|last| last.epoch == epoch) {
            Some(last) => {
                last.pool = last.pool.checked_add(pool).ok_or(OVERFLOW)?;
                earned.into_iter().try_for_each(|(id, amount)| add(&mut last.earned, id, amount))
            }
            None => {
                self.distributed.push(Distributed { epoch, earned, pool });
                Ok(())
            }
        }
    }

    fn fund(&mut self, amount: u128, in_period: bool) -> Result<(), SettlementError> {
        self.credited = self.credited.checked_add(amount).ok_or(OVERFLOW)?;
        if in_period {
            self.funded = self.funded.checked_add(amount).ok_or(OVERFLOW)?;
        }
        Ok(())
    }

    /// All that was distributed and that no root allots is gone.
    fn fall_back(&mut self, amount: u128) -> Result<(), SettlementError> {
        self.fallen = self.fallen.checked_add(amount).ok_or(OVERFLOW)?;
        self.distributed.clear();
        self.funded = 0;
        Ok(())
    }

    fn closed(self) -> Result<Revenue, SettlementError> {
        let allocatable = self.credited.checked_sub(self.fallen).ok_or(OVERFLOW)?;
        Ok(Revenue { distributed: self.distributed, funded: self.funded, allocatable })
    }
}

const OVERFLOW: SettlementError = SettlementError::Overflow { what: "a vault's revenue" };

fn add<Id: Ord>(amounts: &mut BTreeMap<Id, u128>, id: Id, amount: u128) -> Result<(), SettlementError> {
    let total = amounts.entry(id).or_default();
    *total = total.checked_add(amount).ok_or(OVERFLOW)?;
    Ok(())
}

fn take(left: &mut BTreeMap<U256, u128>, license: U256, amount: u128) {
    let left = left.entry(license).or_default();
    *left = left.saturating_sub(amount);
}
