//! What somebody who means harm, or an accident, could do to an epoch: each was possible once.

use std::fs;

use alloy::primitives::U256;
use tributary_chain::{
    ChainError, consent, epoch, revenue,
    transact::send,
    verify::{self, Fault},
};
use tributary_dataset::DatasetError;
use tributary_sdk::{
    api::{EpochInfo, Infer},
    batch::Batch,
    client::{self, Client, ClientError, Session},
    contracts::{LicenseToken, RoyaltyVault},
    release::Manifest,
    sign_in::Authorization,
    typed_data,
};
use tributary_server::{
    host::Host,
    steps::{
        self, StepError,
        dataset::{Giver, Published},
    },
};

use crate::{
    studio::{Buyer, Community, SPLIT, Serving, Studio, WINDOW, image},
    town::{DAY, Town, folder, run, word},
};

async fn close(serving: &Serving) -> Result<EpochInfo, StepError> {
    steps::epoch::close(&serving.url, None, &serving.token).await
}

async fn bytes(serving: &Serving, epoch: &EpochInfo) -> Vec<u8> {
    let url = Client::connect(&serving.url).await.unwrap().batch_url(epoch.data_hash);
    client::fetch(&url).await.unwrap().to_vec()
}

/// Two attestors sign, the root is posted, and its window passes.
async fn settle(studio: &Studio, serving: &Serving, epoch: &EpochInfo) {
    let town = studio.town();
    let url = Client::connect(&serving.url).await.unwrap().batch_url(epoch.data_hash);
    let deadline = town.now().await + DAY;
    let mut attested = Vec::new();
    for key in &studio.attestors[..2] {
        attested.push(steps::epoch::attest(&town.chain, &url, deadline, key).await.unwrap());
    }
    steps::epoch::post(&town.account(&studio.host), &attested).await.unwrap();
    town.advance(u64::from(WINDOW)).await;
}

fn code<T: std::fmt::Debug>(result: Result<T, StepError>) -> String {
    match result {
        Err(StepError::Client(ClientError::Refused { code, .. })) => code,
        other => panic!("not refused: {other:?}"),
    }
}

async fn served() -> (Studio, Serving, Buyer, Session) {
    let studio = Studio::new(Town::start().await).await;
    let serving = studio.serve().await;
    let buyer = studio.buyer().await;
    let session = studio.session(&serving, &buyer).await;
    (studio, serving, buyer, session)
}

/// Puts a receipt into an epoch as a host could that keeps no rules: same request, another time.
async fn again(studio: &Studio, batch: &mut Batch, earlier: &Batch) {
    let domain = studio.town().chain.ledger_domain();
    for row in &earlier.receipts {
        let mut row = row.clone();
        row.receipt.servedAt = batch.period_end;
        row.host_signature = typed_data::sign(&row.receipt, &domain, &studio.host).unwrap().into();
        batch.receipts.push(row);
    }
    batch.sessions.extend(earlier.sessions.clone());
    batch.receipts.sort_by_key(|row| row.receipt.id);
}

#[test]
fn an_epoch_without_money_is_refused_before_anything_is_sealed() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.serve().await;
        assert_eq!(code(close(&serving).await), "nothing_to_divide");
        assert_eq!(code(close(&serving).await), "nothing_to_divide");

        let buyer = studio.buyer().await;
        let session = studio.session(&serving, &buyer).await;
        studio.ask(&session, 2).await;
        studio.town().advance(DAY).await;
        assert_eq!(close(&serving).await.unwrap().receipts, 2);
        serving.stop().await;
    });
}

#[test]
fn a_request_is_settled_in_one_epoch_only() {
    run(async {
        let (studio, serving, _, session) = served().await;
        studio.ask(&session, 3).await;
        studio.town().advance(DAY).await;
        let first = close(&serving).await.unwrap();
        let earlier = Batch::from_bytes(&bytes(&serving, &first).await).unwrap();
        settle(&studio, &serving, &first).await;

        studio.ask(&session, 1).await;
        studio.town().advance(DAY).await;
        let second = close(&serving).await.unwrap();
        let mut batch = Batch::from_bytes(&bytes(&serving, &second).await).unwrap();
        again(&studio, &mut batch, &earlier).await;
        let verdict = verify::before_posting(&studio.town().chain, &batch.to_bytes().unwrap()).await;
        let problem = verdict.err().unwrap().to_string();
        assert!(problem.contains("it was not asked for in this epoch"), "{problem}");
        serving.stop().await;
    });
}

#[test]
fn a_request_signed_before_the_epoch_has_to_be_signed_again() {
    run(async {
        let (studio, serving, _, session) = served().await;
        studio.ask(&session, 1).await;
        let late: Infer = studio.request(&session, 0).await;
        studio.town().advance(DAY).await;
        close(&serving).await.unwrap();
        let refused = session.infer(&late).await;
        assert!(matches!(&refused, Err(ClientError::Refused { code, .. }) if code == "stale_request"), "{refused:?}");

        let asset = studio.model.version.asset;
        let future = studio.town().now().await + DAY;
        let early = session.request(asset, image(0), word(), word(), future).unwrap();
        let refused = session.infer(&early).await;
        assert!(matches!(&refused, Err(ClientError::Refused { code, .. }) if code == "future_request"), "{refused:?}");
        serving.stop().await;
    });
}

#[test]
fn whoever_sold_a_license_on_makes_no_more_usage_of_it() {
    run(async {
        let (studio, serving, buyer, session) = served().await;
        let town = studio.town();
        studio.ask(&session, 2).await;
        town.advance(DAY).await;

        let (seller, heir) = (town.account(&buyer.key), town.resident().await);
        let token = LicenseToken::new(town.chain.deployment().license_token, seller.provider());
        send("the license", token.transferFrom(buyer.key.address(), heir.address(), buyer.license)).await.unwrap();
        town.advance(DAY).await;
        let refused = session.infer(&studio.request(&session, 0).await).await;
        assert!(matches!(&refused, Err(ClientError::Refused { code, .. }) if code == "not_licensed"), "{refused:?}");

        let epoch = close(&serving).await.unwrap();
        assert_eq!(epoch.receipts, 2, "what was served while the seller held it counts");
        let mut batch = Batch::from_bytes(&bytes(&serving, &epoch).await).unwrap();
        let domain = town.chain.ledger_domain();
        let row = &mut batch.receipts[0];
        row.receipt.servedAt = batch.period_end;
        row.host_signature = typed_data::sign(&row.receipt, &domain, &studio.host).unwrap().into();
        let verdict = verify::before_posting(&town.chain, &batch.to_bytes().unwrap()).await;
        assert!(
            matches!(&verdict, Err(ChainError::Fault(Fault::Receipt { problem, .. })) if problem.contains("did not let")),
            "{verdict:?}"
        );
        serving.stop().await;
    });
}

#[test]
fn a_receipt_that_would_not_pass_is_left_out_and_the_epoch_closes_all_the_same() {
    run(async {
        let (studio, serving, _, session) = served().await;
        studio.ask(&session, 3).await;
        studio.town().advance(DAY).await;
        let epoch = close(&serving).await.unwrap();
        let good = Batch::from_bytes(&bytes(&serving, &epoch).await).unwrap();
        let mut receipts = good.receipts.clone();
        let width = receipts[1].sketch.as_ref().unwrap().values().len();
        receipts[1].sketch = Some(tributary_sdk::sketch::Sketch::new(vec![1; width]));
        let closing = epoch::Closing {
            account: studio.on(),
            release: good.release,
            host: good.host,
            manifest: good.manifest.clone(),
            table: good.table.clone(),
            sessions: good.sessions.clone(),
            receipts,
            previous: vec![],
            period_end: good.period_end,
        };
        let chain = &studio.town().chain;
        let batch = epoch::close(chain, closing).await.unwrap();
        assert_eq!(batch.receipts.len(), 2);
        verify::before_posting(chain, &batch.to_bytes().unwrap()).await.unwrap();
        serving.stop().await;
    });
}

#[test]
fn money_that_arrives_right_after_an_epochs_end_belongs_to_the_next() {
    run(async {
        let (studio, serving, _, session) = served().await;
        let town = studio.town();
        studio.ask(&session, 2).await;
        town.advance(DAY).await;
        let epoch = close(&serving).await.unwrap();
        let batch = bytes(&serving, &epoch).await;
        assert!(town.now().await > epoch.period_end, "no block can get the epoch's last second any more");

        let stranger = town.resident().await;
        town.mint(&stranger, 1_000_000).await;
        let on: revenue::Account = studio.on();
        let account = town.account(&stranger);
        let dollar = tributary_sdk::contracts::DemoDollar::new(on.token, account.provider());
        send("the dollar", dollar.transfer(on.vault, U256::from(1_000_000))).await.unwrap();
        let vault = RoyaltyVault::new(on.vault, account.provider());
        send("the vault", vault.sync(on.token)).await.unwrap();
        send("the vault", vault.distribute(on.token)).await.unwrap();
        verify::before_posting(&town.chain, &batch).await.unwrap();

        settle(&studio, &serving, &epoch).await;
        studio.ask(&session, 1).await;
        town.advance(DAY).await;
        let second = close(&serving).await.unwrap();
        verify::before_posting(&town.chain, &bytes(&serving, &second).await).await.unwrap();
        serving.stop().await;
    });
}

#[test]
fn a_lost_data_folder_goes_on_from_the_last_published_batch() {
    run(async {
        let (studio, serving, buyer, session) = served().await;
        studio.ask(&session, 1).await;
        studio.town().advance(DAY).await;
        let first = close(&serving).await.unwrap();
        let published = bytes(&serving, &first).await;
        settle(&studio, &serving, &first).await;
        serving.stop().await;

        let fresh = folder();
        let opening = studio.opening_in(fresh.path(), studio.community.data.release());
        let serving = Serving::start(Host::open(&studio.town().chain, opening).await.unwrap()).await;
        let session = studio.session(&serving, &buyer).await;
        studio.ask(&session, 1).await;
        studio.town().advance(DAY).await;
        assert_eq!(code(close(&serving).await), "previous_missing");
        fs::write(fresh.path().join(format!("batches/1-{}.json", first.data_hash)), &published).unwrap();
        let second = close(&serving).await.unwrap();
        assert_eq!((second.index, second.receipts), (2, 1));
        settle(&studio, &serving, &second).await;
        serving.stop().await;
    });
}

#[test]
fn a_delegate_cannot_sign_the_owner_out() {
    run(async {
        let (studio, serving, buyer, session) = served().await;
        let town = studio.town();
        let user = town.resident().await;
        let owner = town.account(&buyer.key);
        let token = LicenseToken::new(town.chain.deployment().license_token, owner.provider());
        let until = town.now().await + 30 * DAY;
        send("the license", token.setUser(buyer.license, user.address(), until)).await.unwrap();

        // The user authorises the owner's session key, for a moment.
        let authorization = typed_data::SessionAuthorization {
            licenseId: buyer.license,
            sessionKey: session.key(),
            expiresAt: town.now().await + 5,
        };
        let signature = typed_data::sign(&authorization, &town.chain.ledger_domain(), &user).unwrap().into();
        let body = serde_json::to_vec(&tributary_sdk::api::SignIn {
            authorization: Authorization::Typed(authorization),
            signature,
            holder: None,
        })
        .unwrap();
        crate::http::post(&format!("{}/v1/sessions", serving.url), body).await.ok();
        town.advance(60).await;
        assert_eq!(studio.ask(&session, 1).await[0].receipt.payer, buyer.key.address());
        serving.stop().await;
    });
}

#[test]
fn records_withdrawn_after_training_are_not_published() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        community.grant(DAY).await;
        let built = community.train().await.unwrap();
        let contributor = community.town.account(&community.contributors[0]);
        consent::withdraw(&contributor, community.consents[0]).await.unwrap();
        let refused = community.publish(&built.files, None).await;
        let Err(StepError::Dataset(DatasetError::Withdrawn { contribution, .. })) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(contribution, community.consents[0]);

        community.snapshot().await;
        let built = community.train().await.unwrap();
        let steward = community.town.account(&community.steward);
        consent::revoke(&steward, community.data.dataset().unwrap().asset, community.builder.address()).await.unwrap();
        let refused = community.publish(&built.files, None).await;
        assert!(matches!(refused, Err(StepError::Dataset(DatasetError::NoGrant { .. }))), "{refused:?}");
    });
}

#[test]
fn a_contribution_file_counts_only_as_the_chain_has_it() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        let before = community.snapshot().await;
        let folder = community.folder.path().join(format!("contributions/{}", community.consents[1]));
        // A consent that nobody gave: what lies there is not looked at.
        let forged = folder.with_file_name(word().to_string());
        fs::create_dir(&forged).unwrap();
        for file in ["consent.json", "part-00000.json", "part-00000.commitments", "receipt.json"] {
            fs::copy(folder.join(file), forged.join(file)).unwrap();
        }
        let published = community.publish_snapshot().await.unwrap();
        assert_eq!((published.outcome.snapshot.len(), published.waiting.len()), (before, 1));

        // Somebody else's records under a consent are not opened as its own.
        let other = community.folder.path().join(format!("contributions/{}/part-00000.json", community.consents[2]));
        let (part, own) = (folder.join("part-00000.json"), fs::read(folder.join("part-00000.json")).unwrap());
        fs::copy(other, &part).unwrap();
        assert!(matches!(community.publish_snapshot().await, Err(StepError::Dataset(DatasetError::BlobLocked { .. }))));
        fs::write(&part, own).unwrap();
        assert_eq!(community.snapshot().await, before);
    });
}

#[test]
fn contributors_with_few_records_share_a_row_or_are_left_out_and_stop_nobody() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        let before = community.snapshot().await;
        let small = community.town.resident().await;
        let records = SPLIT.test[..9].to_vec();
        community.give(vec![Giver { key: small.clone(), records }]).await.unwrap();
        let Published { manifest, outcome, .. } = community.publish_snapshot().await.unwrap();
        assert_eq!((outcome.snapshot.len(), outcome.too_few), (before, vec![small.address()]));
        assert!(manifest.contributions.iter().all(|contribution| contribution.contributor != small.address()));
        community.grant(DAY).await;
        community.train().await.unwrap();

        // With another one there are enough of them to share a row.
        let other = community.town.resident().await;
        let giver = Giver { key: other.clone(), records: SPLIT.test[9..14].to_vec() };
        community.give(vec![giver]).await.unwrap();
        let Published { outcome, .. } = community.publish_snapshot().await.unwrap();
        let mut both = vec![small.address(), other.address()];
        both.sort();
        assert_eq!((outcome.snapshot.len(), outcome.too_few, outcome.sharing), (before + 14, vec![], both.clone()));
        community.grant(DAY).await;
        let release = community.train().await.unwrap();
        let rows: Vec<_> = release.table.rows().iter().filter(|row| both.contains(&row.account)).collect();
        let [first, second] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(first.records + second.records, 14);
        // Nothing but their records tells them apart.
        for (a, b) in first.values.iter().zip(&second.values) {
            let difference = i64::from(*a) * i64::from(second.records) - i64::from(*b) * i64::from(first.records);
            assert!(difference.abs() <= 14, "{a} {b}");
        }
    });
}
