//! Whole epochs over HTTP: asked, closed, attested, posted, claimed, audited, one after the other.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};
use serde_json::Value;
use tributary_chain::{ChainError, epoch, revenue, root, transact::send, verify::RootState};
use tributary_sdk::{
    api::EpochInfo,
    batch::Batch,
    client::{self, Client},
    contracts::{DemoDollar, LicenseMarket},
    release::Manifest,
    sum_tree::{Leaf, SumTree},
};
use tributary_server::steps::{self, StepError, payout::Audited};
use tributary_settlement::{Basis, Policy, SubPoolId};

use crate::{
    studio::{Community, POOL_BPS, Serving, Studio, WINDOW},
    town::{DAY, Town, run},
};

pub(crate) async fn batch(serving: &Serving, epoch: &EpochInfo) -> Batch {
    let client = Client::connect(&serving.url).await.unwrap();
    Batch::from_bytes(&client::fetch(&client.batch_url(epoch.data_hash)).await.unwrap()).unwrap()
}

async fn batch_url(serving: &Serving, epoch: &EpochInfo) -> String {
    Client::connect(&serving.url).await.unwrap().batch_url(epoch.data_hash)
}

/// Attests with two of three, posts, and returns when the root becomes active.
pub(crate) async fn attest_and_post(studio: &Studio, serving: &Serving, epoch: &EpochInfo) {
    let (town, url) = (studio.town(), batch_url(serving, epoch).await);
    let deadline = town.now().await + DAY;
    let mut attested = Vec::new();
    for key in &studio.attestors[1..] {
        attested.push(steps::epoch::attest(&town.chain, &url, deadline, key).await.unwrap());
    }
    assert!(attested.iter().all(|other| other.statement == attested[0].statement));
    assert_eq!(attested[0].statement.root, epoch.root);

    let alone = steps::epoch::post(&town.account(&studio.host), &attested[..1]).await;
    assert!(matches!(alone, Err(StepError::TooFewAttestations { given: 1, needed: 2 })), "{alone:?}");
    let (statement, _) = steps::epoch::post(&town.account(&studio.host), &attested).await.unwrap();
    assert_eq!(statement.index, epoch.index);
}

/// Everybody with a leaf claims it; returns what each was paid now.
pub(crate) async fn claim_all(
    studio: &Studio,
    serving: &Serving,
    epoch: &EpochInfo,
    leaves: &[Leaf],
) -> BTreeMap<Address, u128> {
    let town = studio.town();
    let client = Client::connect(&serving.url).await.unwrap();
    let sender = town.account(&studio.host);
    let mut paid = BTreeMap::new();
    for leaf in leaves {
        let amount = steps::payout::claim(&sender, &client, studio.on(), epoch.index, leaf.account).await.unwrap();
        assert_eq!(town.balance(leaf.account).await, leaf.cumulative);
        paid.insert(leaf.account, amount);
    }
    paid
}

#[test]
fn an_epoch_is_asked_closed_attested_posted_claimed_and_audited_and_so_is_the_next() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, on) = (studio.town(), studio.on());
        let serving = studio.serve().await;
        let asking = studio.buyer().await;
        let silent = studio.buyer().await;
        let session = studio.session(&serving, &asking).await;
        assert_eq!(studio.ask(&session, 20).await.len(), 20);

        // The first epoch.
        town.advance(30 * DAY).await;
        let first = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!((first.index, first.receipts), (1, 20));
        let closed = batch(&serving, &first).await;
        assert!(closed.previous.is_empty());
        assert_eq!(closed.receipts.len(), 20);
        let again = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(again, first, "closing again, before the root is posted, changes nothing");

        attest_and_post(&studio, &serving, &first).await;
        let url = batch_url(&serving, &first).await;
        let Audited { verified, state, .. } = steps::payout::audit(&town.chain, &url, None, None).await.unwrap();
        assert_eq!(state, RootState::Pending);
        let early = claim_early(&studio, &serving, &first, closed.leaves[0].account).await;
        assert!(early.contains("Ledger_RootNotActive"), "{early}");

        // Each license's money is divided by its own receipts: who did not ask is divided by baseline shares.
        let asked = SubPoolId::License(asking.license);
        for subpool in &verified.division().unwrap().subpools {
            let expected = if subpool.id == asked { Basis::Attribution } else { Basis::Baseline };
            assert_eq!(subpool.basis, expected, "{:?}", subpool.id);
        }
        assert_eq!(verified.division().unwrap().subpools.len(), 2);
        assert_ne!(silent.license, asking.license);

        town.advance(u64::from(WINDOW)).await;
        let paid = claim_all(&studio, &serving, &first, &closed.leaves).await;
        let books = town.books(on).await;
        let sum: u128 = paid.values().sum();
        assert_eq!((books.pool_credited, books.pool_paid), (sum, sum));
        assert_eq!(books.pool_credited, books.revenue * u128::from(POOL_BPS) / 10_000);
        assert!(books.unearned > 0, "a part of the fees is not earned yet");
        assert_eq!(steps::payout::audit(&town.chain, &url, None, None).await.unwrap().state, RootState::Active);
        let contributors = studio.contributor_addresses();
        assert!(paid.keys().all(|account| contributors.contains(account)));

        // The host is restarted, and the second epoch begins.
        serving.stop().await;
        let serving = studio.serve().await;
        let session = studio.session(&serving, &asking).await;
        studio.ask(&session, 10).await;
        town.advance(60 * DAY).await;
        let second = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!((second.index, second.receipts), (2, 10));
        assert!(second.period_end > first.period_end);
        let next = batch(&serving, &second).await;
        assert_eq!(next.previous, closed.leaves);
        assert_eq!(next.prev_root, first.root);
        let before: BTreeMap<Address, u128> =
            closed.leaves.iter().map(|leaf| (leaf.account, leaf.cumulative)).collect();
        for (account, cumulative) in &before {
            let now = next.leaves.iter().find(|leaf| leaf.account == *account).unwrap();
            assert!(now.cumulative >= *cumulative, "nobody's payout falls");
        }

        attest_and_post(&studio, &serving, &second).await;
        town.advance(u64::from(WINDOW)).await;
        let growing: Vec<Leaf> =
            next.leaves.iter().filter(|leaf| before.get(&leaf.account) != Some(&leaf.cumulative)).copied().collect();
        let more = claim_all(&studio, &serving, &second, &growing).await;
        let after = town.books(on).await;
        let added: u128 = more.values().sum();
        assert!(added > 0 && after.revenue > books.revenue, "two more months were earned");
        assert_eq!(after.pool_paid, books.pool_paid + added);
        assert_eq!(after.pool_paid, after.pool_credited);

        // Both epochs still audit, each against what came before it.
        for epoch in [&first, &second] {
            let url = batch_url(&serving, epoch).await;
            let Audited { verified, state, .. } = steps::payout::audit(&town.chain, &url, None, None).await.unwrap();
            assert_eq!((verified.statement.root, state), (epoch.root, RootState::Active));
        }
        let client = Client::connect(&serving.url).await.unwrap();
        assert_eq!(client.epochs(studio.model.version.asset).await.unwrap(), [first, second]);
        serving.stop().await;
    });
}

async fn claim_early(studio: &Studio, serving: &Serving, epoch: &EpochInfo, account: Address) -> String {
    let client = Client::connect(&serving.url).await.unwrap();
    let sender = studio.town().account(&studio.host);
    let claimed = steps::payout::claim(&sender, &client, studio.on(), epoch.index, account).await;
    claimed.unwrap_err().to_string()
}

#[test]
fn an_epoch_in_which_nobody_asked_is_divided_by_baseline_shares() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let serving = studio.serve().await;
        studio.buyer().await;
        town.advance(DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 0);
        attest_and_post(&studio, &serving, &epoch).await;
        let url = batch_url(&serving, &epoch).await;
        let Audited { verified, .. } = steps::payout::audit(&town.chain, &url, None, None).await.unwrap();
        assert!(verified.division().unwrap().subpools.iter().all(|subpool| subpool.basis == Basis::Baseline));
        assert_eq!(verified.statement.sum, town.books(studio.on()).await.pool_credited);
        serving.stop().await;
    });
}

#[test]
fn a_community_can_be_paid_inference_by_inference() {
    run(async {
        let community = Community::under(Town::start().await, Policy::PerInference1).await;
        let studio = Studio::of(community).await;
        let town = studio.town();
        let serving = studio.asked(3).await;
        town.advance(DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        attest_and_post(&studio, &serving, &epoch).await;
        let batch = batch(&serving, &epoch).await;
        let url = batch_url(&serving, &epoch).await;
        let Audited { verified, .. } = steps::payout::audit(&town.chain, &url, None, None).await.unwrap();
        assert_eq!(verified.statement.settlementPolicy, Policy::PerInference1.id());
        assert_eq!(verified.statement.sum, town.books(studio.on()).await.pool_credited);
        assert_eq!(SumTree::new(batch.leaves).unwrap().root().sum, verified.statement.sum);
        serving.stop().await;
    });
}

#[test]
fn an_epoch_is_not_closed_over_a_pending_root() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let serving = studio.asked(1).await;
        town.advance(DAY).await;
        let first = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        attest_and_post(&studio, &serving, &first).await;
        let early = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap_err().to_string();
        assert!(early.contains("root_pending"), "{early}");
        town.advance(u64::from(WINDOW)).await;
        let second = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!((second.index, second.receipts), (2, 0));
        serving.stop().await;
    });
}

#[test]
fn what_strangers_do_to_the_vault_between_closing_and_attesting_changes_nothing() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let serving = studio.asked(3).await;
        town.advance(DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();

        // A stranger sends money and makes the vault divide it, and another license is sold, all at once.
        let stranger = town.resident().await;
        town.mint(&stranger, 77).await;
        let account = town.account(&stranger);
        let dollar = DemoDollar::new(town.dollar, account.provider());
        let sent = dollar.transfer(studio.on().vault, U256::from(77));
        send("the demo dollar", sent).await.unwrap();
        root::receive(&account, studio.on()).await.unwrap();
        studio.buyer().await;

        attest_and_post(&studio, &serving, &epoch).await;
        town.advance(DAY).await;
        let next = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        attest_and_post(&studio, &serving, &next).await;
        let leaves = batch(&serving, &next).await.leaves;
        let sum = SumTree::new(leaves).unwrap().root().sum;
        assert_eq!(sum, town.books(studio.on()).await.pool_credited, "the next epoch has it all");
        serving.stop().await;
    });
}

#[test]
fn a_chain_with_nothing_on_it_has_nothing_to_audit() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let serving = studio.asked(1).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        let url = batch_url(&serving, &epoch).await;
        let unposted = steps::payout::audit(&studio.town().chain, &url, None, None).await.map(|_| ());
        assert!(unposted.unwrap_err().to_string().contains("no root on chain commits to this batch"));

        let elsewhere = Town::empty().await;
        let nothing = steps::payout::audit(&elsewhere.chain, &url, None, None).await.map(|_| ()).unwrap_err();
        assert!(matches!(nothing, StepError::Chain(ChainError::NoContract(_))), "{nothing}");
        serving.stop().await;
    });
}

#[test]
fn what_fees_earn_while_a_closing_is_on_its_way_does_not_make_it_fail() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, on) = (studio.town(), studio.on());
        let buyer = studio.buyer().await;
        let before = town.books(on).await.revenue;
        // Where gas is estimated nothing has been earned since the sale; ten days later, in the block, much has.
        let provider = town.chain.provider();
        let _: Value = provider.raw_request("evm_setAutomine".into(), (false,)).await.unwrap();
        let (host, license) = (town.account(&studio.host), buyer.license);
        let sender = host.address();
        let sent = provider.get_transaction_count(sender).await.unwrap();
        let closing = tokio::spawn(async move { epoch::collect(&host, on, &[license]).await });
        while provider.get_transaction_count(sender).pending().await.unwrap() == sent {
            tokio::task::yield_now().await;
        }
        town.advance(10 * DAY).await;
        let _: Value = provider.raw_request("evm_setAutomine".into(), (true,)).await.unwrap();
        closing.await.unwrap().unwrap();
        assert!(town.books(on).await.revenue > before);
    });
}

#[test]
fn a_hundred_licenses_earn_in_one_epoch() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, on) = (studio.town(), studio.on());
        let (buyer, builder) = (town.resident().await, town.account(&studio.community.builder));
        let offer = steps::license::offer(&builder, studio.offer()).await.unwrap();
        let price = U256::from(studio.offer().price * 100);
        town.mint(&buyer, price.to()).await;
        let account = town.account(&buyer);
        let market = LicenseMarket::new(town.chain.deployment().market, account.provider());
        let dollar = DemoDollar::new(town.dollar, account.provider());
        send("the demo dollar", dollar.approve(*market.address(), price)).await.unwrap();
        send("the license market", market.buy(offer, 100, buyer.address(), price)).await.unwrap();

        let upfront = town.books(on).await.revenue;
        town.advance(365 * DAY).await;
        let licenses = revenue::licenses(&town.chain, on).await.unwrap();
        assert_eq!(licenses.len(), 100);
        epoch::collect(&town.account(&studio.host), on, &licenses).await.unwrap();
        let books = town.books(on).await;
        assert_eq!((books.unearned, U256::from(books.revenue)), (0, price));
        assert!(upfront < books.revenue);
    });
}
