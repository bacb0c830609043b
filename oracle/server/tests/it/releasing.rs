//! From a trained release to a served one: what is looked at before it is published, and who picks it up.

use std::sync::Arc;

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use tributary_chain::{assets, consent};
use tributary_factory::{
    Assessment, TrainingRecipe,
    base::Adaptation,
    release::MODEL_FILE,
    train::{BaseStart, Start},
};
use tributary_runtime::{ModelOptions, OnnxRuntime};
use tributary_sdk::{
    client::ClientError,
    contracts::registry::{DERIVATION_CLOSED, Derivation},
};
use tributary_server::{
    host::{Following, Host, Library, Opening},
    releases::ReleaseStore,
    steps::{
        self, StepError,
        model::Training,
        release::{Attestation, Base, Deriving, Plan, Required, Review, SharePlan},
    },
};

use crate::{
    epochs::attest_and_post,
    studio::{Community, SPLIT, Serving, Studio, WINDOW},
    town::{DAY, Town, folder, run},
};

/// A plan that nothing stands against, if contributor LDS need not be measured.
fn plan(host: Address, attestor: Address) -> Plan {
    Plan {
        name: "reader".into(),
        host,
        builder: None,
        curators: None,
        shares: SharePlan::default(),
        base: None,
        attestation: Attestation {
            attestors: vec![attestor],
            threshold: 1,
            window: WINDOW,
            arbiter: None,
            arbiter_days: 3,
            challenge_bond: 0,
            poster_bond: 0,
            fallback_days: 0,
        },
        derivation: Deriving::default(),
        required: Required { unmeasured: true, ..Required::default() },
    }
}

impl Community {
    async fn looked_through(&self, plan: &Plan) -> Review {
        let plan = plan.clone().checked().unwrap();
        steps::release::review(&self.town.account(&self.builder), &self.data, &plan).await.unwrap()
    }

    /// What stands against a release, in words.
    async fn against(&self, plan: &Plan) -> String {
        match self.looked_through(plan).await.passed() {
            Err(StepError::NotReleased(reasons)) => reasons.join("\n"),
            other => panic!("{other:?}"),
        }
    }

    async fn release(&self, plan: &Plan) -> steps::data::ModelState {
        let review = self.looked_through(plan).await;
        review.passed().unwrap();
        let account = self.town.account(&self.builder);
        steps::release::publish(&account, &self.data, review.model, &review.files).await.unwrap()
    }
}

#[test]
fn a_release_is_looked_through_before_anything_is_published() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        community.grant(365 * DAY).await;
        let (chain, builder) = (&community.town.chain, community.builder.address());
        let plan = plan(builder, builder);
        community.train().await.unwrap();

        // Attribution that nobody measured is said to be so, or it is measured.
        let strict = Plan { required: Required::default(), ..plan.clone() };
        assert!(community.against(&strict).await.contains("nobody has measured"), "it was not audited");
        let recipe = TrainingRecipe::default();
        let assessment = Assessment { coalitions: 8, ..Assessment::default() };
        let training = Training { assessment, ..Training::new(builder, &recipe, &SPLIT.held_out, &SPLIT.test) };
        let runtime = OnnxRuntime::load(None).unwrap();
        steps::model::build(&runtime, chain, &community.data, training, |_| ()).await.unwrap();
        let review = community.looked_through(&strict).await;
        review.passed().unwrap();
        let said: Vec<String> = review.checks.iter().map(|check| check.found.clone().unwrap()).collect();
        assert!(said.iter().any(|line| line.contains("contributor LDS") && line.contains("by retraining")), "{said:?}");
        assert!(said.iter().any(|line| line.contains("none of its 300 records was taken back")), "{said:?}");
        assert!(review.will.iter().any(|line| line.contains("contributors 60 %")), "{:?}", review.will);
        let better = Required { accuracy: 0.999, contributor_lds: 1.0, unmeasured: false };
        let against = community.against(&Plan { required: better, ..plan.clone() }).await;
        assert!(against.contains("0.999 is required") && against.contains("1 is required"), "{against}");

        // The registry itself is asked, in a call that changes nothing.
        let mut other = plan.clone();
        other.attestation.arbiter = Some(builder);
        let against = community.against(&other).await;
        assert!(against.starts_with("registry:"), "{against}");
        assert!(matches!(
            assets::registered(&community.town.account(&community.builder), alloy::primitives::keccak256("reader"), "")
                .await,
            Ok(None)
        ));

        // What was granted and given must still be so.
        let steward = community.town.account(&community.steward);
        let dataset = community.data.dataset().unwrap().asset;
        consent::revoke(&steward, dataset, builder).await.unwrap();
        assert!(community.against(&plan).await.contains("has no grant"), "it was revoked");
        community.grant(365 * DAY).await;
        let model = community.data.release().join(MODEL_FILE);
        let whole = std::fs::read(&model).unwrap();
        std::fs::write(&model, [&whole[..], b"more"].concat()).unwrap();
        let account = community.town.account(&community.builder);
        let tampered = steps::release::review(&account, &community.data, &plan).await.unwrap_err();
        assert!(tampered.to_string().contains("files: "), "{tampered}");
        std::fs::write(&model, &whole).unwrap();
        let contributor = community.town.account(&community.contributors[0]);
        consent::withdraw(&contributor, community.consents[0]).await.unwrap();
        assert!(community.against(&plan).await.contains("withdrawals: "), "it was taken back");
    });
}

#[test]
fn a_parent_is_named_and_its_owner_asked() {
    run(async {
        let town = Town::start().await;
        let first = Studio::new(town.clone()).await;
        let community = Community::new(town.clone()).await;
        community.grant(365 * DAY).await;
        let builder = community.builder.address();
        let recipe = TrainingRecipe {
            start: Start::Base(BaseStart {
                file: first.community.data.release().join(MODEL_FILE),
                adaptation: Adaptation::Head,
            }),
            ..TrainingRecipe::default()
        };
        let training = Training::new(builder, &recipe, &SPLIT.held_out, &SPLIT.test);
        let runtime = OnnxRuntime::load(None).unwrap();
        steps::model::build(&runtime, &town.chain, &community.data, training, |_| ()).await.unwrap();

        // Whose weights they are, the chain knows.
        let unnamed = plan(builder, builder);
        let against = community.against(&unnamed).await;
        assert!(against.contains(&first.model.version.asset.to_string()) && against.contains("[base]"), "{against}");
        let asset = first.model.version.asset;
        let named = Plan { base: Some(Base { asset, version: None, license: None }), ..unnamed };
        community.looked_through(&named).await.passed().unwrap();

        // Its owner may ask a share, or close it.
        let owner = town.account(&first.community.builder);
        let asks = |rule, share| Derivation { rule, minShareBps: share, licenseToken: Address::ZERO };
        assets::set_derivation(&owner, asset, asks(0, 700)).await.unwrap();
        assert!(community.against(&named).await.contains("asks 700 basis points"));
        let shares = SharePlan { builder: 1_300, base: 700, ..SharePlan::default() };
        let paid = Plan { shares, ..named };
        community.looked_through(&paid).await.passed().unwrap();
        assets::set_derivation(&owner, asset, asks(DERIVATION_CLOSED, 700)).await.unwrap();
        assert!(community.against(&paid).await.contains("Registry_DerivationClosed"));
    });
}

#[test]
fn a_later_release_is_the_next_version_of_the_model() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        community.grant(365 * DAY).await;
        let builder = community.builder.address();
        let plan = plan(builder, builder);
        community.train().await.unwrap();
        let first = community.release(&plan).await;
        assert_eq!(first.version.version, 1);
        // Broken off after the version was on chain, it is the same version.
        assert_eq!(community.release(&plan).await.version, first.version);

        // The next snapshot lacks what was withdrawn, and so does the next version.
        let contributor = community.town.account(&community.contributors[0]);
        consent::withdraw(&contributor, community.consents[0]).await.unwrap();
        assert!(community.snapshot().await < 300);
        community.train().await.unwrap();
        let review = community.looked_through(&plan).await;
        assert!(review.will[0].starts_with("version 2 of model `reader`"), "{:?}", review.will);
        let second = community.release(&plan).await;
        assert_eq!((second.version.asset, second.version.version), (first.version.asset, 2));
        assert_eq!(second.vault, first.vault);

        // Its shares are the model's.
        let shares = SharePlan { builder: 2_100, pool: 5_900, ..SharePlan::default() };
        community.train().await.unwrap();
        let against = community.against(&Plan { shares, ..plan }).await;
        assert!(against.contains("registered with other shares"), "{against}");
    });
}

/// A host that has nothing yet but a store to look into.
async fn librarian(town: &Town, key: &PrivateKeySigner, store: &ReleaseStore, data: &std::path::Path) -> Arc<Host> {
    let opening = Opening {
        key: key.clone(),
        onnxruntime: None,
        license_age: std::time::Duration::ZERO,
        block_age: std::time::Duration::MAX,
        request_timeout: std::time::Duration::from_secs(60),
        authority: None,
        keeps_inputs: 0,
        shelves: vec![],
        library: Some(Library {
            store: store.clone(),
            data: data.join("models"),
            token: town.dollar,
            options: ModelOptions::default(),
        }),
    };
    Arc::new(Host::open(&town.chain, opening).await.unwrap())
}

#[test]
fn a_host_serves_what_the_chain_names_it_for_without_being_told() {
    run(async {
        let town = Town::start().await;
        let (key, data) = (town.resident().await, folder());
        let store = ReleaseStore::folder(data.path().join("store"));
        let host = librarian(&town, &key, &store, data.path()).await;
        let following = Following::new(Arc::clone(&host));
        following.look().await.unwrap();
        assert!(host.services().is_empty());

        // Published, and not in the store yet; another model names another host.
        let studio = Studio::hosted_by(Community::new(town.clone()).await, key.clone()).await;
        let other = Studio::new(town.clone()).await;
        let asset = studio.model.version.asset;
        following.look().await.unwrap();
        assert!(host.services().is_empty());
        for one in [&studio, &other] {
            let hash = assets::version(&town.chain, one.model.version.asset, 1).await.unwrap().manifestHash;
            store.put(&one.community.data.release(), hash).await.unwrap();
        }
        following.look().await.unwrap();
        let served: Vec<_> = host.services().iter().map(|service| service.served().version()).collect();
        assert_eq!(served, [studio.model.version]);

        // It is asked; a second release is published, and serves from the next epoch on.
        let serving = Serving::of(Arc::clone(&host)).await;
        let buyer = studio.buyer().await;
        let session = studio.session(&serving, &buyer).await;
        studio.ask(&session, 2).await;
        let contributor = town.account(&studio.community.contributors[0]);
        consent::withdraw(&contributor, studio.community.consents[0]).await.unwrap();
        studio.community.snapshot().await;
        let built = studio.community.train().await.unwrap();
        let files = &built.files;
        store.put(&studio.community.data.release(), files.manifest_hash).await.unwrap();
        let builder = town.account(&studio.community.builder);
        assets::publish(&builder, asset, files.weights_hash, files.manifest_hash, "").await.unwrap();
        following.look().await.unwrap();
        assert_eq!(studio.ask(&session, 1).await[0].receipt.version, 1);

        // Whoever opens the folder again finds the same: the open epoch is the first release's.
        serving.stop().await;
        drop((following, host));
        let host = librarian(&town, &key, &store, data.path()).await;
        let following = Following::new(Arc::clone(&host));
        following.look().await.unwrap();
        assert_eq!(host.services()[0].served().version().version, 1);
        let serving = Serving::of(Arc::clone(&host)).await;
        let session = studio.session(&serving, &buyer).await;
        assert_eq!(studio.ask(&session, 1).await[0].receipt.version, 1);
        town.advance(30 * DAY).await;
        // Whoever goes on asking while the epoch is closed is answered by the first release, and that is in this epoch, or is told.
        let asking = async {
            for answered in 0.. {
                match session.infer(&studio.request(&session, 0).await).await {
                    Ok(answer) => assert_eq!(answer.receipt.version, 1),
                    Err(ClientError::Refused { status: 409, .. }) => return answered,
                    Err(other) => panic!("{other}"),
                }
            }
            unreachable!("the first release is served for ever")
        };
        let (epoch, answered) = tokio::join!(steps::epoch::close(&serving.url, None, &serving.token), asking);
        let epoch = epoch.unwrap();
        assert_eq!((epoch.receipts, host.services()[0].served().version().version), (4 + answered, 2));

        // The second is asked before the first's root is posted, and neither takes the other's.
        let session = studio.session(&serving, &buyer).await;
        assert_eq!(studio.ask(&session, 3).await[0].receipt.version, 2);
        serving.stop().await;
        drop((following, host));
        let host = librarian(&town, &key, &store, data.path()).await;
        Following::new(Arc::clone(&host)).look().await.unwrap();
        let serving = Serving::of(Arc::clone(&host)).await;
        attest_and_post(&studio, &serving, &epoch).await;
        town.advance(u64::from(WINDOW)).await;
        let second = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!((second.index, second.receipts), (epoch.index + 1, 3));
        attest_and_post(&studio, &serving, &second).await;
        serving.stop().await;
    });
}
