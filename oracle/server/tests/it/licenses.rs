//! Licenses and sessions run out, and calls are counted.

use alloy::{primitives::keccak256, signers::local::PrivateKeySigner, sol_types::SolStruct};
use tributary_chain::{
    ChainError,
    verify::{self, Fault},
};
use tributary_sdk::{
    batch::Batch,
    client::{self, Client, ClientError},
    release::Manifest,
    typed_data,
};
use tributary_server::steps::{
    self,
    license::{NewOffer, Revocation},
};

use crate::{
    studio::Studio,
    town::{DAY, Town, run, word},
};

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, ClientError>, status: u16, code: &str) {
    match result {
        Err(ClientError::Refused { status: found, code: said, .. }) => {
            assert_eq!((found, said.as_str()), (status, code))
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn an_expired_license_is_worth_nothing_signed_in_or_not() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.serve().await;
        let offer = studio.offer();
        let buyer = studio.sell(NewOffer { duration: DAY, earn_period: DAY, ..offer }).await;
        let session = studio.session(&serving, &buyer).await;
        session.infer(&studio.request(&session, 0).await).await.unwrap();

        studio.town().advance(DAY).await;
        let late = studio.request(&session, 1).await;
        assert_refused(session.infer(&late).await, 403, "not_licensed");
        let client = Client::connect(&serving.url).await.unwrap();
        let until = studio.town().now().await + DAY;
        let again = client.sign_in(&buyer.key, buyer.license, PrivateKeySigner::random(), until).await;
        assert_refused(again, 403, "not_licensed");
        serving.stop().await;
    });
}

#[test]
fn an_expired_session_is_over_though_its_license_is_not() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.serve().await;
        let buyer = studio.buyer().await;
        let client = Client::connect(&serving.url).await.unwrap();
        let until = studio.town().now().await + DAY;
        let session = client.sign_in(&buyer.key, buyer.license, PrivateKeySigner::random(), until).await.unwrap();
        studio.town().advance(DAY).await;
        assert_refused(session.infer(&studio.request(&session, 0).await).await, 401, "session_ended");
        let fresh = studio.session(&serving, &buyer).await;
        fresh.infer(&studio.request(&fresh, 0).await).await.unwrap();
        serving.stop().await;
    });
}

#[test]
fn no_more_calls_are_served_than_the_terms_allow_and_refusals_do_not_count() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let serving = studio.serve().await;
        let offer = studio.offer();
        let buyer = studio.sell(NewOffer { max_calls: 2, ..offer }).await;
        let session = studio.session(&serving, &buyer).await;
        let mut wrong = studio.request(&session, 0).await;
        wrong.salt = word();
        assert_refused(session.infer(&wrong).await, 422, "wrong_commitment");
        let first = studio.request(&session, 0).await;
        session.infer(&first).await.unwrap();
        session.infer(&first).await.unwrap();
        session.infer(&studio.request(&session, 1).await).await.unwrap();
        assert_refused(session.infer(&studio.request(&session, 2).await).await, 429, "quota_exceeded");
        // A second session of the same license has the same calls.
        let other = studio.session(&serving, &buyer).await;
        assert_refused(other.infer(&studio.request(&other, 2).await).await, 429, "quota_exceeded");
        serving.stop().await;
    });
}

#[test]
fn a_user_who_is_lent_a_license_may_ask_until_the_loan_ends() {
    run(async {
        use alloy::primitives::Address;
        use tributary_chain::transact::send;
        use tributary_sdk::contracts::LicenseToken;

        let studio = Studio::new(Town::start().await).await;
        let serving = studio.serve().await;
        let buyer = studio.buyer().await;
        let user = studio.town().resident().await;
        let owner = studio.town().account(&buyer.key);
        let token = LicenseToken::new(owner.chain().deployment().license_token, owner.provider());
        let until = studio.town().now().await + DAY;
        send("the license token", token.setUser(buyer.license, user.address(), until)).await.unwrap();

        let lent = crate::studio::Buyer { key: user, license: buyer.license };
        let session = studio.session(&serving, &lent).await;
        let answer = session.infer(&studio.request(&session, 0).await).await.unwrap();
        assert_eq!(answer.receipt.payer, lent.key.address());
        assert_ne!(answer.receipt.payer, Address::ZERO);

        studio.town().advance(2 * DAY).await;
        assert_refused(session.infer(&studio.request(&session, 1).await).await, 403, "not_licensed");
        let owners = studio.session(&serving, &buyer).await;
        owners.infer(&studio.request(&owners, 1).await).await.unwrap();
        serving.stop().await;
    });
}

#[test]
fn what_was_served_before_a_license_was_revoked_is_paid_and_what_is_not_earned_is_given_back() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.serve().await;
        let buyer = studio.sell(NewOffer { revocation: Revocation::ByOwner, ..studio.offer() }).await;
        let session = studio.session(&serving, &buyer).await;
        studio.ask(&session, 3).await;
        studio.town().advance(DAY).await;
        let owner = studio.town().account(&studio.community.builder);
        let (to, amount) = steps::license::revoke(&owner, buyer.license, "a test").await.unwrap();
        assert!(to == buyer.key.address() && amount > 0, "{to} {amount}");
        let late = studio.request(&session, 4).await;
        assert_refused(session.infer(&late).await, 403, "not_licensed");

        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 3);
        let url = Client::connect(&serving.url).await.unwrap().batch_url(epoch.data_hash);
        let deadline = studio.town().now().await + DAY;
        steps::epoch::attest(&studio.town().chain, &url, deadline, &studio.attestors[0]).await.unwrap();
        let payer = studio.town().account(&buyer.key);
        assert_eq!(steps::payout::withdraw(&payer, studio.on(), to).await.unwrap(), amount);
        assert_eq!(studio.town().balance(to).await, amount);
        serving.stop().await;
    });
}

#[test]
fn what_is_served_between_a_licenses_end_and_its_renewal_is_refused_by_host_and_attestors() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, serving) = (studio.town(), studio.serve().await);
        let offer = NewOffer { duration: DAY, earn_period: DAY, ..studio.offer() };
        let price = offer.price;
        let buyer = studio.sell(offer).await;
        let client = Client::connect(&serving.url).await.unwrap();
        let (key, until) = (PrivateKeySigner::random(), town.now().await + 30 * DAY);
        let session = client.sign_in(&buyer.key, buyer.license, key.clone(), until).await.unwrap();
        studio.ask(&session, 1).await;
        town.advance(2 * DAY).await;
        let gap = town.now().await;
        let late = studio.request(&session, 1).await;
        assert_refused(session.infer(&late).await, 403, "not_licensed");

        let payer = town.resident().await;
        town.mint(&payer, price).await;
        town.advance(DAY).await;
        let until = steps::license::renew(&town.account(&payer), buyer.license).await.unwrap();
        assert!(until >= town.now().await + DAY - 1);
        let renewed = studio.ask(&session, 2).await;
        town.advance(60).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 3);

        // Host and buyer together say that it was served in between.
        let bytes = client::fetch(&client.batch_url(epoch.data_hash)).await.unwrap();
        verify::before_posting(&town.chain, &bytes).await.unwrap();
        let mut batch = Batch::from_bytes(&bytes).unwrap();
        let forged = renewed[0].receipt.id;
        let row = batch.receipts.iter_mut().find(|row| row.receipt.id == forged).unwrap();
        let domain = town.chain.ledger_domain();
        row.request.issuedAt = gap;
        row.request_signature = typed_data::sign(&row.request, &domain, &key).unwrap().into();
        row.receipt.requestHash = row.request.eip712_signing_hash(&domain);
        row.receipt.requestSignatureHash = keccak256(&row.request_signature);
        row.receipt.servedAt = gap;
        row.host_signature = typed_data::sign(&row.receipt, &domain, &studio.host).unwrap().into();
        let refused = verify::before_posting(&town.chain, &batch.to_bytes().unwrap()).await.map(|_| ());
        let Err(ChainError::Fault(Fault::Receipt { id, problem })) = refused else { panic!("{refused:?}") };
        assert!(id == forged && problem.contains("did not let"), "{problem}");
        serving.stop().await;
    });
}
