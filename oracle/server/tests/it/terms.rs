//! Terms files against the real market: what is offered is what the text says, once, or nothing at all.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    providers::Provider,
};
use tributary_chain::{
    Account, ChainError, licenses,
    licenses::{obligations, rights},
    tokens::{self, NATIVE},
};
use tributary_factory::{card::CARD_FILE, release::MANIFEST_FILE};
use tributary_sdk::AssetId;
use tributary_server::{
    releases::StoreError,
    steps::{
        self, StepError,
        license::{NewOffer, Offered, Standing},
    },
    terms::{OfferFault, PricedTerms, Subject, TermsError, TermsFile},
};

use crate::{
    studio::Studio,
    town::{DAY, Town, folder, run},
};

const OFFERS: &str = r#"
[[offer]]
preset = "research"
price = "100.00"
territory = "EU and EEA"
field-of-use = "research on handwriting"
clauses = "No answer decides alone."

[[offer]]
preset = "metered"
name = "Ten thousand"
price-per-call = "0.0125"
calls = 10000
supply = 3
revocable = true

[[offer]]
preset = "seat"
price = "0"
"#;

fn file(token: Address, offers: &str) -> TermsFile {
    format!("token = \"{token}\"\n{offers}").parse().unwrap()
}

impl Studio {
    fn builder(&self) -> Account {
        self.town().account(&self.community.builder)
    }

    async fn offer_all(&self, file: &TermsFile) -> Result<Vec<Offered>, StepError> {
        steps::license::offer_all(&self.builder(), &self.community.data.releases(), self.model.version.asset, file)
            .await
    }

    async fn check(&self, file: &TermsFile) -> Result<PricedTerms, StepError> {
        steps::license::check(&self.town().chain, file).await
    }

    fn subject(&self) -> Subject {
        Subject { chain: self.town().chain.id(), asset: self.model.version.asset }
    }

    /// How much the builder has done on chain.
    async fn sent(&self) -> u64 {
        self.town().chain.provider().get_transaction_count(self.community.builder.address()).await.unwrap()
    }

    async fn open(&self) -> usize {
        licenses::offers_of(&self.town().chain, self.model.version.asset).await.unwrap().len()
    }
}

fn reverted<T: std::fmt::Debug>(result: Result<T, ChainError>) -> String {
    match result {
        Err(ChainError::Reverted { reason, .. }) => reason,
        other => panic!("the contract took it: {other:?}"),
    }
}

#[test]
fn what_a_file_offers_is_on_chain_as_its_text_says_and_only_once() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let (town, data, asset) = (studio.town(), &studio.community.data, studio.model.version.asset);
        let file = file(town.dollar, OFFERS);
        let prepared = studio.check(&file).await.unwrap().offers(studio.subject());

        // Somebody else's file, and one that was broken off after its first offer.
        let stranger = town.account(&town.resident().await);
        let refused = steps::license::offer_all(&stranger, &data.releases(), asset, &file).await;
        assert!(matches!(refused, Err(StepError::NotTheOwner { .. })), "{refused:?}");
        assert_eq!(stranger.provider().get_transaction_count(stranger.address()).await.unwrap(), 0);
        let first = steps::license::offer(&studio.builder(), prepared[0].offer.clone()).await.unwrap();
        let offered = studio.offer_all(&file).await.unwrap();
        let standing: Vec<Standing> = offered.iter().map(|offered| offered.standing).collect();
        assert_eq!((standing, offered[0].id), (vec![Standing::Stood, Standing::New, Standing::New], first));

        let names: Vec<&str> = offered.iter().map(|offered| offered.name.as_str()).collect();
        assert_eq!(names, ["Research", "Ten thousand", "Seat"]);
        for offered in &offered {
            let (offer, terms) = licenses::offer_of(&town.chain, offered.id).await.unwrap();
            let text = data.releases().text(offered.text_hash).await.unwrap().unwrap();
            assert_eq!((terms.legalTextHash, keccak256(&text)), (offered.text_hash, offered.text_hash));
            assert_eq!((offer.assetId, offer.token, offer.price), (asset.0, town.dollar, offered.price));
            assert!(
                text.contains(&format!("a license to model {asset}\n")) && text.contains("chain with the id 31337")
            );
        }
        let (offer, terms) = licenses::offer_of(&town.chain, offered[0].id).await.unwrap();
        assert_eq!((offer.price, offer.duration, offer.supply), (100_000_000, 365 * DAY, 0));
        assert_eq!((offer.upfrontBps, offer.earnPeriod), (0, 365 * DAY));
        assert_eq!(terms.rights, U256::from(rights::INFER));
        assert_eq!(terms.obligations, U256::from(obligations::ATTRIBUTE));
        assert_eq!(
            (terms.territory, terms.fieldOfUse),
            (keccak256("EU and EEA"), keccak256("research on handwriting"))
        );
        assert_eq!((terms.callsPerMinute, terms.transferable, terms.delegable), (60, false, false));
        let (offer, terms) = licenses::offer_of(&town.chain, offered[1].id).await.unwrap();
        assert_eq!((offer.price, offer.duration, offer.supply), (125_000_000, 0, 3));
        assert_eq!((terms.maxCalls, terms.revocable, terms.territory), (10_000, true, B256::ZERO));

        // Again, and with one offer more: nothing is offered twice.
        let before = studio.sent().await;
        let again = studio.offer_all(&file).await.unwrap();
        assert!(again.iter().zip(&offered).all(|(one, other)| one.id == other.id));
        assert!(again.iter().all(|offered| offered.standing == Standing::Stood));
        assert_eq!((studio.sent().await, studio.open().await), (before, 3));
        let longer = format!("{OFFERS}\n[[offer]]\npreset = \"seat\"\nprice = \"0.000001\"\n");
        let more = studio.offer_all(&crate::terms::file(town.dollar, &longer)).await.unwrap();
        assert_eq!((more[3].standing, studio.open().await), (Standing::New, 4));

        // A buyer reads it in words; where the text is not at hand, its hash stands for what it names.
        let store = data.releases();
        let show = |store| steps::license::describe(&town.chain, store, offered[0].id);
        let said = show(Some(&store)).await.unwrap().join("\n");
        let elsewhere = show(None).await.unwrap().join("\n");
        for words in [
            "price   100 DEMO, paid in",
            "good    for 365 days",
            "earned  evenly over 365 days",
            "owed    name the model",
        ] {
            assert!(said.contains(words) && elsewhere.contains(words), "{words} in {said}");
        }
        assert!(said.contains("where   EU and EEA\nfield   research on handwriting\n"), "{said}");
        assert!(elsewhere.contains(&keccak256("EU and EEA").to_string()) && !elsewhere.contains("EU and EEA"));
        assert!(said.contains(&format!("texts/{}.md", offered[0].text_hash)), "{said}");

        // A gift is bought for nothing; a text that was changed is none.
        let buyer = town.account(&town.resident().await);
        steps::license::buy(&buyer, offered[2].id).await.unwrap();
        std::fs::write(data.join(format!("releases/texts/{}.md", offered[0].text_hash)), "Do as you like.").unwrap();
        let changed = show(Some(&store)).await;
        assert!(matches!(changed, Err(StepError::Store(StoreError::OtherText { .. }))), "{changed:?}");
    });
}

#[test]
fn what_the_market_refuses_is_refused_before_anything_is_sent() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let (town, builder) = (studio.town(), studio.builder());
        let before = studio.sent().await;
        for (more, fault) in [
            ("delegable = true", OfferFault::LentNotTransferable),
            ("supply = 281474976710656", OfferFault::Supply(1 << 48)),
            ("upfront = 10001", OfferFault::Upfront(10_001)),
            ("days = 36526", OfferFault::TooLong("days")),
            ("rights = []", OfferFault::NoRights),
        ] {
            // The first offer of the file is good, and is not made all the same.
            let offers = format!("{OFFERS}\n[[offer]]\npreset = \"research\"\nprice = \"1\"\n{more}\n");
            match studio.offer_all(&file(town.dollar, &offers)).await {
                Err(StepError::Terms(TermsError::Offer { number: 4, fault: found, .. })) => assert_eq!(found, fault),
                other => panic!("{more}: {other:?}"),
            }
        }
        let nowhere = studio.check(&file(studio.community.builder.address(), OFFERS)).await;
        assert!(matches!(nowhere, Err(StepError::Chain(ChainError::NotAToken(_)))), "{nowhere:?}");
        let contract = studio.check(&file(town.chain.deployment().market, OFFERS)).await;
        assert!(matches!(contract, Err(StepError::Chain(ChainError::NotAToken(_)))), "{contract:?}");
        assert_eq!((studio.sent().await, studio.open().await), (before, 0));

        // The market would indeed have refused them.
        let offer = || studio.offer();
        let bound = NewOffer { transferable: false, delegable: true, ..offer() };
        assert_eq!(bound.check(), Err(OfferFault::LentNotTransferable));
        let said = reverted(licenses::define_terms(&builder, bound.terms()).await);
        assert!(said.contains("Market_SoulboundDelegable"), "{said}");
        let nothing = NewOffer { rights: 0, ..offer() };
        assert!(reverted(licenses::define_terms(&builder, nothing.terms()).await).contains("Market_NoRights"));
        licenses::define_terms(&builder, offer().terms()).await.unwrap();
        for (new, error) in [
            (NewOffer { supply: 1 << 48, ..offer() }, "Market_BadSupply"),
            (NewOffer { upfront_bps: 10_001, ..offer() }, "Market_BadUpfront"),
            (NewOffer { duration: 36_526 * DAY, ..offer() }, "Market_BadDuration"),
            (NewOffer { token: builder.address(), ..offer() }, "Market_NotAToken"),
        ] {
            let said = reverted(licenses::offer(&builder, new.offer()).await);
            assert!(said.contains(error), "{said}");
        }
        // The longest and the most that it takes.
        let most = NewOffer {
            supply: (1 << 48) - 1,
            upfront_bps: 10_000,
            duration: 36_525 * DAY,
            earn_period: 36_525 * DAY,
            ..offer()
        };
        steps::license::offer(&builder, most).await.unwrap();
    });
}

#[test]
fn licenses_are_paid_for_in_the_chains_own_coin() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let seat = "[[offer]]\npreset = \"seat\"\nprice = \"0.25\"\n";
        let offered = studio.offer_all(&file(NATIVE, seat)).await.unwrap();
        assert_eq!(offered[0].price, 250_000_000_000_000_000);
        let buyer = town.account(&town.resident().await);
        let license = steps::license::buy(&buyer, offered[0].id).await.unwrap();
        // Renewing settles what is earned by then: in the second of the purchase that would cost less gas than in the next one.
        town.advance(DAY).await;
        steps::license::renew(&buyer, license).await.unwrap();
        let vault = tokens::balance(&town.chain, NATIVE, studio.model.vault).await.unwrap();
        assert_eq!(vault, U256::from(2 * offered[0].price));
        town.advance(DAY).await;
        steps::license::renew(&buyer, license).await.unwrap();
        let poor = steps::license::renew(&buyer, license).await;
        assert!(matches!(poor, Err(StepError::CannotPay { .. })), "{poor:?}");
    });
}

#[test]
fn the_page_says_what_a_buyer_asks_and_is_of_the_release_on_chain_alone() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let (town, data, asset) = (studio.town(), &studio.community.data, studio.model.version.asset);
        let release = data.release();
        let store = data.releases();
        let page = || steps::page::page(&town.chain, &store, &release, asset);
        assert!(page().await.unwrap().contains("None are on offer now."));
        let offered = studio.offer_all(&file(town.dollar, OFFERS)).await.unwrap();
        let text = page().await.unwrap();
        assert_eq!(page().await.unwrap(), text);
        let dataset = data.dataset().unwrap().asset;
        for words in [
            "# digits\n".to_owned(),
            format!("| Model | `{asset}` on the chain with the id 31337 |"),
            "| Version | 1, the newest, of ".to_owned(),
            format!("| Owner | `{}` |", studio.community.builder.address()),
            "- Accuracy: 0.".to_owned(),
            "was not measured by retraining".to_owned(),
            format!("data, version 1, 5.00 % of its revenue: dataset {dataset}"),
            "| contributors, by influence |  | 60 % |".to_owned(),
            format!("| data, version 1 | `{dataset}` | 5 % |"),
            format!("| host | `{}` | 10 % |", studio.host.address()),
            "- Attestors: 2 of 3 recompute every payout".to_owned(),
            "- Window: 1 hour".to_owned(),
            format!("- Who rules on challenges: `{}`", studio.arbiter.address()),
            "- Who may read the sketches of answers: anybody.".to_owned(),
            format!("### Offer {}: Research\n", offered[0].id),
            "| Price | 100 DEMO, paid in the token".to_owned(),
            "| You may | ask the model |".to_owned(),
            "| Territory | EU and EEA |".to_owned(),
            "| Number | 3 licenses |".to_owned(),
            "`tributary license buy OFFER`".to_owned(),
            format!("Of offer {}; its keccak-256 is `{}`:", offered[1].id, offered[1].text_hash),
            data.releases().text(offered[1].text_hash).await.unwrap().unwrap(),
        ] {
            assert!(text.contains(&words), "{words} in {text}");
        }

        // Of no other model, and of no other release.
        let other = steps::page::page(&town.chain, &data.releases(), &data.release(), dataset).await;
        assert!(matches!(other, Err(StepError::OtherRelease { .. })), "{other:?}");
        let unknown = steps::page::page(&town.chain, &data.releases(), &data.release(), AssetId(1)).await;
        assert!(matches!(unknown, Err(StepError::Chain(ChainError::UnknownAsset(_)))), "{unknown:?}");
        let copy = folder();
        let empty = steps::page::page(&town.chain, &data.releases(), copy.path(), asset).await;
        assert!(matches!(empty, Err(StepError::Missing { .. })), "{empty:?}");
        for name in [MANIFEST_FILE, CARD_FILE] {
            std::fs::copy(data.release().join(name), copy.path().join(name)).unwrap();
        }
        assert_eq!(steps::page::page(&town.chain, &data.releases(), copy.path(), asset).await.unwrap(), text);
        let card = copy.path().join(CARD_FILE);
        std::fs::write(&card, std::fs::read_to_string(&card).unwrap().replace("digits", "faces")).unwrap();
        let better = steps::page::page(&town.chain, &data.releases(), copy.path(), asset).await;
        assert!(matches!(better, Err(StepError::Manifest(_))), "{better:?}");
    });
}
