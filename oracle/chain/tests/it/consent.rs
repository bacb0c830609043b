//! Consent on chain: committed first, signed, granted, taken back.

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use tributary_chain::{
    Account, anvil, assets,
    consent::{self, Signed},
};
use tributary_sdk::{
    AssetId,
    contracts::registry::{self, Policy},
    merkle::MerkleTree,
    typed_data::Contribution,
};

use crate::{
    payroll::{LONG, registration, shares},
    world::{World, assert_refused, on_chain, word},
};

const HOUR: u64 = 3_600;
/// As the registry counts purposes.
const TRAIN: u128 = 1;

/// A dataset and its owner.
async fn dataset(world: &World) -> (Account, AssetId) {
    let (_, steward) = world.account().await;
    let nobody = Policy::none();
    let new = registration(registry::DATASET, steward.address(), shares(0, steward.address()), nobody);
    let (asset, _) = assets::register(&steward, new).await.unwrap();
    (steward, asset)
}

/// Somebody's signed contribution of three records, committed to by nobody yet.
async fn signed(world: &World, dataset: AssetId, key: &PrivateKeySigner) -> (Signed, MerkleTree) {
    let commitment = word();
    let contribution = Contribution {
        datasetId: dataset.0,
        contributor: key.address(),
        commitment,
        records: 3,
        termsHash: word(),
        payPolicyHash: word(),
        nonce: commitment.into(),
        deadline: world.now().await + u64::from(LONG),
    };
    let signed = Signed::new(&world.chain, contribution, key).unwrap();
    (signed, MerkleTree::new(&[commitment]).unwrap())
}

/// A recorded contribution: its contributor, and its id.
async fn recorded(world: &World) -> (Account, B256) {
    let (steward, dataset) = dataset(world).await;
    let (key, contributor) = world.account().await;
    let (signed, commitments) = signed(world, dataset, &key).await;
    consent::commit(&steward, &commitments).await.unwrap();
    let id = signed.id(&world.chain);
    consent::contribute(&steward, &commitments, &[signed]).await.unwrap();
    (contributor, id)
}

#[test]
fn a_contribution_is_recorded_under_its_digest_and_withdrawn_once_by_its_contributor_alone() {
    on_chain(async |world| {
        let (contributor, id) = recorded(world).await;
        let (_, stranger) = world.account().await;
        let consent = consent::consent(&world.chain, id).await.unwrap();
        assert_eq!((consent.contributor, consent.withdrawnAt), (contributor.address(), 0));
        assert!(consent.recordedAt > 0);

        assert_refused(consent::withdraw(&stranger, id).await, "Consent_NotContributor");
        consent::withdraw(&contributor, id).await.unwrap();
        assert!(consent::consent(&world.chain, id).await.unwrap().withdrawnAt > 0);
        assert_refused(consent::withdraw(&contributor, id).await, "Consent_AlreadyWithdrawn");
        assert_refused(consent::withdraw(&contributor, word()).await, "Consent_UnknownContribution");
    });
}

#[test]
fn a_contribution_that_was_not_committed_to_before_is_refused() {
    on_chain(async |world| {
        let (steward, dataset) = dataset(world).await;
        let (signed, commitments) = signed(world, dataset, &PrivateKeySigner::random()).await;
        let id = signed.id(&world.chain);
        let shown = std::slice::from_ref(&signed);
        let early = consent::contribute(&steward, &commitments, shown).await;
        assert_refused(early, "Consent_NotCommittedBefore");
        assert_eq!(consent::recorded(&world.chain, id).await.unwrap(), None);

        // Committing to the same root with another count of leaves is another commitment.
        consent::commit_hash(&steward, commitments.root(), 2).await.unwrap();
        let miscounted = consent::contribute(&steward, &commitments, shown).await;
        assert_refused(miscounted, "Consent_NotCommittedBefore");
        assert_eq!(consent::consent(&world.chain, id).await.unwrap().recordedAt, 0);

        consent::commit(&steward, &commitments).await.unwrap();
        consent::contribute(&steward, &commitments, shown).await.unwrap();
        let recorded = consent::recorded(&world.chain, id).await.unwrap().unwrap();
        assert_eq!(recorded.commitment, signed.contribution.commitment);
        assert!(recorded.priority.0 > 0 && !recorded.withdrawn);
        assert_eq!((recorded.dataset, recorded.contributor), (dataset, signed.contribution.contributor));
    });
}

#[test]
fn a_contribution_is_recorded_once() {
    on_chain(async |world| {
        let (steward, dataset) = dataset(world).await;
        let (signed, commitments) = signed(world, dataset, &PrivateKeySigner::random()).await;
        consent::commit(&steward, &commitments).await.unwrap();
        consent::contribute(&steward, &commitments, std::slice::from_ref(&signed)).await.unwrap();
        let again = consent::contribute(&steward, &commitments, &[signed]).await;
        assert_refused(again, "Consent_NonceUsed");
    });
}

#[test]
fn nobody_consents_for_somebody_else() {
    on_chain(async |world| {
        let (steward, dataset) = dataset(world).await;
        let (mut signed, commitments) = signed(world, dataset, &PrivateKeySigner::random()).await;
        consent::commit(&steward, &commitments).await.unwrap();
        signed.contribution.contributor = PrivateKeySigner::random().address();
        let forged = consent::contribute(&steward, &commitments, std::slice::from_ref(&signed)).await;
        assert_refused(forged, "Consent_BadSignature");
    });
}

#[test]
fn what_was_signed_cannot_be_changed_on_the_way() {
    on_chain(async |world| {
        let (steward, dataset) = dataset(world).await;
        let (signed, commitments) = signed(world, dataset, &PrivateKeySigner::random()).await;
        consent::commit(&steward, &commitments).await.unwrap();
        let changes: [fn(&mut Contribution); 4] = [
            |contribution| contribution.records += 1,
            |contribution| contribution.termsHash = B256::ZERO,
            |contribution| contribution.payPolicyHash = B256::ZERO,
            |contribution| contribution.nonce += alloy::primitives::U256::ONE,
        ];
        for change in changes {
            let mut changed = signed.clone();
            change(&mut changed.contribution);
            let refused = consent::contribute(&steward, &commitments, &[changed]).await;
            assert_refused(refused, "Consent_BadSignature");
        }
        let mut other = signed.clone();
        other.contribution.commitment = word();
        assert_refused(consent::contribute(&steward, &commitments, &[other]).await, "Consent_BadProof");
        consent::contribute(&steward, &commitments, &[signed]).await.unwrap();
    });
}

#[test]
fn one_bad_contribution_of_a_batch_leaves_none_recorded() {
    on_chain(async |world| {
        let (steward, dataset) = dataset(world).await;
        let (good, _) = signed(world, dataset, &PrivateKeySigner::random()).await;
        let (mut bad, _) = signed(world, dataset, &PrivateKeySigner::random()).await;
        let both = MerkleTree::new(&[good.contribution.commitment, bad.contribution.commitment]).unwrap();
        consent::commit(&steward, &both).await.unwrap();
        bad.signature = good.signature.clone();
        let id = good.id(&world.chain);
        assert_refused(consent::contribute(&steward, &both, &[good, bad]).await, "Consent_BadSignature");
        assert_eq!(consent::consent(&world.chain, id).await.unwrap().recordedAt, 0);
    });
}

#[test]
fn without_a_grant_nothing_is_granted_and_only_the_owner_grants() {
    on_chain(async |world| {
        let (steward, dataset) = dataset(world).await;
        let (_, builder) = world.account().await;
        let granted = || consent::granted_until(&world.chain, dataset, builder.address(), TRAIN);
        assert_eq!(granted().await.unwrap(), None);

        let until = world.now().await + u64::from(LONG);
        let own = consent::grant(&builder, dataset, builder.address(), TRAIN, until).await;
        assert_refused(own, "Consent_NotDatasetOwner");
        assert_eq!(granted().await.unwrap(), None);

        // Another purpose than the one asked for is no grant of it.
        consent::grant(&steward, dataset, builder.address(), TRAIN << 1, until).await.unwrap();
        assert_eq!(granted().await.unwrap(), None);
        consent::grant(&steward, dataset, builder.address(), TRAIN, until).await.unwrap();
        assert_eq!(granted().await.unwrap(), Some(until));
    });
}

#[test]
fn a_grant_ends_with_its_time() {
    on_chain(async |world| {
        let (steward, dataset) = dataset(world).await;
        let (_, builder) = world.account().await;
        let until = world.now().await + HOUR;
        consent::grant(&steward, dataset, builder.address(), TRAIN, until).await.unwrap();
        anvil::advance(&world.chain, HOUR).await.unwrap();
        let granted = consent::granted_until(&world.chain, dataset, builder.address(), TRAIN).await.unwrap();
        assert_eq!(granted, None);
        let past = consent::grant(&steward, dataset, builder.address(), TRAIN, until).await;
        assert_refused(past, "Consent_BadUntil");
    });
}
