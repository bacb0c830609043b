//! Claims that must not be paid. After each, the books are as before.

use alloy::primitives::{Address, Bytes, U256};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tributary_chain::{
    ChainError, anvil,
    orders::{self, Terms},
    root,
};
use tributary_sdk::sum_tree::{Leaf, SumTree};

use crate::{
    payroll::{LONG, Payroll, leaves},
    world::{assert_refused, on_chain, reason, word},
};

/// A claim of leaf 2 of an active root, with something changed.
async fn claim_changed(
    payroll: &Payroll,
    tree: &SumTree,
    change: impl FnOnce(&mut Leaf, &mut u64, &mut Vec<u8>),
) -> Result<u128, ChainError> {
    let mut index = 2;
    let mut leaf = tree.leaves()[2];
    let mut proof = tree.proof(2).unwrap().to_vec();
    change(&mut leaf, &mut index, &mut proof);
    root::claim(&payroll.payer, payroll.on, 1, leaf, index, Bytes::from(proof)).await
}

#[test]
fn a_tampered_proof_is_refused_whichever_bit_is_flipped() {
    on_chain(async |world| {
        let (payroll, tree) = Payroll::active(world, leaves(7)).await;
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..32 {
            let flipped = claim_changed(&payroll, &tree, |_, _, proof| {
                let bit = random.random_range(0..proof.len() * 8);
                proof[bit / 8] ^= 1 << (bit % 8);
            });
            let reason = reason(flipped.await);
            // A sum above 128 bits is noticed first.
            assert!(reason.contains("Ledger_BadProof") || reason.contains("SumTree_Overflow"), "{reason}");
        }
        assert_eq!(payroll.books().await.pool_paid, 0);
        assert_eq!(claim_changed(&payroll, &tree, |_, _, _| ()).await.unwrap(), 3_000);
    });
}

#[test]
fn a_proof_of_another_length_or_place_is_refused() {
    on_chain(async |world| {
        let (payroll, tree) = Payroll::active(world, leaves(7)).await;
        let cut = claim_changed(&payroll, &tree, |_, _, proof| proof.truncate(proof.len() - 48)).await;
        assert_refused(cut, "SumTree_BadProofLength");
        let ragged = claim_changed(&payroll, &tree, |_, _, proof| proof.push(0)).await;
        assert_refused(ragged, "SumTree_BadProofLength");
        let longer = claim_changed(&payroll, &tree, |_, _, proof| proof.extend([0; 48])).await;
        assert_refused(longer, "SumTree_BadProofLength");
        let beside = claim_changed(&payroll, &tree, |_, index, _| *index = 3).await;
        assert_refused(beside, "Ledger_BadProof");
        let beyond = claim_changed(&payroll, &tree, |_, index, _| *index = 7).await;
        assert_refused(beyond, "SumTree_BadIndex");
        assert_eq!(payroll.books().await.pool_paid, 0);
    });
}

#[test]
fn a_claim_above_or_below_the_leaf_is_refused() {
    on_chain(async |world| {
        let (payroll, tree) = Payroll::active(world, leaves(3)).await;
        for wrong in [3_001, 2_999, u128::MAX - 10_000] {
            let claimed = claim_changed(&payroll, &tree, |leaf, _, _| leaf.cumulative = wrong).await;
            assert_refused(claimed, "Ledger_BadProof");
        }
        let nothing = claim_changed(&payroll, &tree, |leaf, _, _| leaf.cumulative = 0).await;
        assert_refused(nothing, "SumTree_EmptyLeaf");
        assert_eq!(payroll.books().await.pool_paid, 0);
    });
}

#[test]
fn a_claim_for_somebody_elses_leaf_is_refused() {
    on_chain(async |world| {
        let (payroll, tree) = Payroll::active(world, leaves(3)).await;
        let thief = Address::from_word(word());
        let claimed = claim_changed(&payroll, &tree, |leaf, _, _| leaf.account = thief).await;
        assert_refused(claimed, "Ledger_BadProof");
        assert_eq!(world.balance(thief).await, 0);
    });
}

#[test]
fn a_second_claim_of_the_same_leaf_is_refused() {
    on_chain(async |world| {
        let (payroll, tree) = Payroll::active(world, leaves(3)).await;
        let account = tree.leaves()[2].account;
        assert_eq!(payroll.claim(&tree, 1, account).await.unwrap(), 3_000);
        assert_refused(payroll.claim(&tree, 1, account).await, "Ledger_NothingToClaim");
        assert_eq!(world.balance(account).await, 3_000);
        assert_eq!(payroll.books().await.pool_paid, 3_000);
    });
}

#[test]
fn a_leaf_can_be_claimed_against_an_older_root_but_not_twice() {
    on_chain(async |world| {
        let (payroll, first) = Payroll::active(world, leaves(2)).await;
        let account = first.leaves()[0].account;
        let grown = first.leaves().iter().map(|leaf| Leaf { cumulative: leaf.cumulative + 500, ..*leaf });
        let second = SumTree::new(grown.collect()).unwrap();
        payroll.pay(1_000).await;
        payroll.post(&payroll.statement(&second).await).await.unwrap();
        payroll.wait().await;
        assert_eq!(payroll.claim(&first, 1, account).await.unwrap(), 1_000);
        assert_eq!(payroll.claim(&second, 2, account).await.unwrap(), 500);
        assert_refused(payroll.claim(&first, 1, account).await, "Ledger_NothingToClaim");
        assert_eq!(world.balance(account).await, 1_500);
    });
}

#[test]
fn a_claim_on_a_pending_root_is_refused_and_good_once_its_window_has_passed() {
    on_chain(async |world| {
        let (payroll, tree) = Payroll::posted(world, LONG, leaves(3)).await;
        let account = tree.leaves()[0].account;
        assert_refused(payroll.claim(&tree, 1, account).await, "Ledger_RootNotActive");
        assert_eq!(payroll.books().await.pool_paid, 0);

        let (payroll, tree) = Payroll::active(world, leaves(3)).await;
        let account = tree.leaves()[0].account;
        assert_eq!(payroll.claim(&tree, 1, account).await.unwrap(), 1_000);
    });
}

#[test]
fn a_claim_against_a_root_that_was_never_posted_is_refused() {
    on_chain(async |world| {
        let (payroll, tree) = Payroll::active(world, leaves(2)).await;
        for index in [0, 2, u64::MAX] {
            let account = tree.leaves()[0].account;
            assert_refused(payroll.claim(&tree, index, account).await, "Ledger_RootNotActive");
        }
        // A root of one vault is nothing to another.
        let other = Payroll::new(world, LONG).await;
        assert_refused(other.claim(&tree, 1, tree.leaves()[0].account).await, "Ledger_RootNotActive");
    });
}

#[test]
fn an_order_pays_whom_it_says_once_and_nobody_else() {
    on_chain(async |world| {
        let (key, _) = world.account().await;
        let mut leaves = leaves(2);
        leaves.push(Leaf { account: key.address(), cumulative: 700 });
        leaves.sort_by_key(|leaf| leaf.account);
        let (payroll, tree) = Payroll::active(world, leaves).await;
        let recipient = Address::from_word(word());
        let (index, leaf, proof) = root::proof(&tree, key.address()).unwrap();
        let claim = root::claim_of(payroll.on, 1, leaf, index, proof);
        let deadline = world.now().await + u64::from(LONG);
        let terms = Terms { key: &key, recipient, nonce: U256::from(7), deadline };
        let late = Terms { deadline: 1, ..terms };
        assert_refused(orders::claim(&payroll.payer, claim.clone(), late).await, "Ledger_OrderExpired");
        let other = Terms { key: &payroll.attestors[0], ..terms };
        assert_refused(orders::claim(&payroll.payer, claim.clone(), other).await, "Ledger_WrongAccount");

        assert_eq!(orders::claim(&payroll.payer, claim.clone(), terms).await.unwrap(), 700);
        assert_eq!((world.balance(recipient).await, world.balance(key.address()).await), (700, 0));
        assert_refused(orders::claim(&payroll.payer, claim, terms).await, "Ledger_NonceUsed");
        let nothing = Terms { nonce: U256::from(8), ..terms };
        assert_eq!(orders::withdraw(&payroll.payer, payroll.on, nothing).await.unwrap(), 0);
    });
}

#[test]
fn advancing_the_clock_moves_the_chains_time() {
    on_chain(async |world| {
        let before = world.now().await;
        anvil::advance(&world.chain, 10).await.unwrap();
        assert!(world.now().await >= before + 10);
    });
}
