//! What an account is paid: allotted, posted, active, claimed; by model and by epoch.

use alloy::primitives::Address;
use tributary_chain::root;
use tributary_sdk::api::{AccountBooks, AccountEpoch, AccountPage, RootStanding};

use super::{Host, Refusal, Service};

impl Host {
    /// An account's page over every served model.
    pub async fn account(&self, account: Address) -> Result<AccountPage, Refusal> {
        let mut models = Vec::new();
        for service in self.services() {
            models.extend(service.books(account).await?);
        }
        Ok(AccountPage { account, models })
    }
}

impl Service {
    /// What this model pays an account; none if it never allotted it anything.
    async fn books(&self, account: Address) -> Result<Option<AccountBooks>, Refusal> {
        let newest = root::newest(self.chain(), self.on).await?;
        let standing = |index: u64| match &newest {
            Some((newest, state)) if index == *newest => *state,
            Some((newest, _)) if index < *newest => RootStanding::Active,
            _ => RootStanding::Closed,
        };
        let (mut epochs, mut before) = (Vec::new(), 0u128);
        let [mut posted, mut active] = [0u128; 2];
        for (index, hash) in self.batches.list()? {
            let summary = self.batches.summary_of(index, hash)?;
            let leaf = summary.tree.index_of(account).and_then(|at| summary.tree.leaves().get(at as usize));
            let Some(cumulative) = leaf.map(|leaf| leaf.cumulative) else { continue };
            let state = standing(index);
            if state >= RootStanding::Posted {
                posted = cumulative;
            }
            if state == RootStanding::Active {
                active = cumulative;
            }
            // Cumulative payouts never fall; a batch in which they do is refused before it is kept.
            epochs.push(AccountEpoch { index, amount: cumulative.saturating_sub(before), state });
            before = cumulative;
        }
        if epochs.is_empty() {
            return Ok(None);
        }
        let claimed = root::claimed(self.chain(), self.on, account).await?;
        let (asset, vault, token) = (self.asset, self.on.vault, self.on.token);
        Ok(Some(AccountBooks { asset, vault, token, allocated: before, posted, active, claimed, epochs }))
    }
}
