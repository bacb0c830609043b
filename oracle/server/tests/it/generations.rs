//! Models made from models: who is paid upstream, and what the chain says of who made what.

use tributary_chain::{lineage, root};
use tributary_factory::TrainingRecipe;
use tributary_sdk::AssetId;
use tributary_server::steps::{self, StepError, release::BaseEdge};

use crate::{
    epochs::{attest_and_post, batch, claim_all},
    studio::{Community, POOL_BPS, Studio, WINDOW},
    town::{DAY, Town, run},
};

#[test]
fn what_the_third_generation_earns_reaches_who_gave_records_to_the_first() {
    run(async {
        let town = Town::start().await;
        let first = Studio::new(town.clone()).await;
        let second = Studio::derived(Community::new(town.clone()).await, &first).await;
        let third = Studio::derived(Community::new(town.clone()).await, &second).await;
        let anyone = town.account(&town.resident().await);

        // Somebody buys a license of the third and asks.
        let serving = third.asked(5).await;
        town.advance(30 * DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 5);
        let earned = {
            let books = town.books(third.on()).await;
            books.pool_credited * 10_000 / u128::from(POOL_BPS)
        };
        serving.stop().await;

        // A tenth of everything goes to the second, and a tenth of that to the first. Anybody may carry it there.
        let mut share = earned;
        for (from, to) in [(&third, &second), (&second, &first)] {
            let carried = steps::payout::withdraw(&anyone, from.on(), to.model.vault).await.unwrap();
            // Every credit is rounded down.
            assert!(carried.abs_diff(share / 10) <= 1, "{carried} of {share}");
            root::receive(&anyone, to.on()).await.unwrap();
            share = carried;
        }
        let books = town.books(first.on()).await;
        assert_eq!((books.revenue, books.pool_credited), (share, share * u128::from(POOL_BPS) / 10_000));

        // Nobody asked the first: its pool is divided by baseline shares.
        let serving = first.serve().await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 0);
        let closed = batch(&serving, &epoch).await;
        attest_and_post(&first, &serving, &epoch).await;
        town.advance(u64::from(WINDOW)).await;
        let paid = claim_all(&first, &serving, &epoch, &closed.leaves).await;
        assert_eq!(paid.values().sum::<u128>(), books.pool_credited);
        assert!(paid.keys().all(|account| first.contributor_addresses().contains(account)));
        assert!(paid.len() > 1, "{paid:?}");
        serving.stop().await;

        // The whole of it stands on the chain.
        let found = lineage::of(&town.chain, third.model.version.asset).await.unwrap();
        assert_eq!(found.members.len(), 6, "three models and three datasets");
        let text = steps::lineage::text(&found);
        for studio in [&first, &second, &third] {
            let model = studio.model.version.asset;
            let dataset = studio.community.data.dataset().unwrap().asset;
            assert!(text.contains(&model.to_string()) && text.contains(&dataset.to_string()), "{text}");
            assert!(text.contains(&studio.community.builder.address().to_string()), "{text}");
            assert!(studio.contributor_addresses().iter().all(|account| text.contains(&account.to_string())), "{text}");
        }
        assert_eq!(text.matches("base, version 1, 10.00 % of its revenue: model").count(), 2, "{text}");
        let svg = steps::lineage::svg(&found);
        assert_eq!(svg.matches("base 10.00 %").count(), 2, "{svg}");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        let nobody = lineage::of(&town.chain, AssetId(7)).await.unwrap_err();
        assert!(nobody.to_string().contains("not registered"), "{nobody}");
    });
}

#[test]
fn a_base_is_named_as_it_was_used_and_paid_what_its_owner_asks() {
    run(async {
        let town = Town::shared().await;
        let first = Studio::new(town.clone()).await;
        let community = Community::new(town.clone()).await;
        community.grant(365 * DAY).await;
        // Trained from nothing, whatever is said of it.
        let built = community.train().await.unwrap();
        assert_eq!(TrainingRecipe::default().start.words(), "linear");
        let base = BaseEdge { asset: first.model.version.asset, version: Some(1), share_bps: 1_000, license: None };
        let refused = community.publish(&built.files, Some(base)).await.unwrap_err();
        assert!(matches!(refused, StepError::OtherBase { trained_from: None, .. }), "{refused}");
        let later = BaseEdge { version: Some(2), ..base };
        let refused = community.publish(&built.files, Some(later)).await.unwrap_err();
        assert!(refused.to_string().contains("no version 2"), "{refused}");
        community.publish(&built.files, None).await.unwrap();
    });
}
