//! Roots that must not be posted. After each, the vault has the roots it had.

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use tributary_chain::{epoch, root};
use tributary_sdk::{
    sum_tree::{Leaf, SumTree},
    typed_data::RootStatement,
};

use crate::{
    payroll::{LONG, Payroll, SHORT, leaves},
    world::{World, assert_refused, on_chain},
};

/// A payroll with its pool credited and a root ready to be posted.
async fn ready(world: &'static World) -> (Payroll, RootStatement) {
    let payroll = Payroll::new(world, LONG).await;
    let tree = SumTree::new(leaves(3)).unwrap();
    payroll.pay(tree.root().sum).await;
    let statement = payroll.statement(&tree).await;
    (payroll, statement)
}

async fn roots(world: &World, payroll: &Payroll) -> u64 {
    epoch::standing(&world.chain, payroll.on).await.unwrap().newest()
}

/// Every statement that differs in one field from a good one is refused with this error.
fn changed(change: impl FnOnce(&mut RootStatement), error: &'static str) {
    on_chain(async |world| {
        let (payroll, mut statement) = ready(world).await;
        change(&mut statement);
        assert_refused(payroll.post(&statement).await, error);
        assert_eq!(roots(world, &payroll).await, 0);
    });
}

#[test]
fn a_root_without_signatures_or_with_one_is_refused() {
    on_chain(async |world| {
        let (payroll, statement) = ready(world).await;
        assert_refused(root::post(&payroll.payer, &statement, &[]).await, "Ledger_TooFewSignatures");
        let one = payroll.attestation(&statement, &payroll.attestors[0]);
        assert_refused(root::post(&payroll.payer, &statement, &[one]).await, "Ledger_TooFewSignatures");
        assert_eq!(roots(world, &payroll).await, 0);
    });
}

#[test]
fn one_attestor_twice_is_not_two() {
    on_chain(async |world| {
        let (payroll, statement) = ready(world).await;
        let one = payroll.attestation(&statement, &payroll.attestors[0]);
        let posted = root::post(&payroll.payer, &statement, &[one.clone(), one]).await;
        assert_refused(posted, "Ledger_AttestationsNotAscending");
        assert_eq!(roots(world, &payroll).await, 0);
    });
}

#[test]
fn a_strangers_signature_is_refused_even_beside_a_quorum() {
    on_chain(async |world| {
        let (payroll, statement) = ready(world).await;
        let stranger = PrivateKeySigner::random();
        let mut signed: Vec<_> = payroll.attestors.iter().map(|key| payroll.attestation(&statement, key)).collect();
        signed.push(payroll.attestation(&statement, &stranger));
        assert_refused(root::post(&payroll.payer, &statement, &signed).await, "Ledger_NotASigner");
        assert_eq!(roots(world, &payroll).await, 0);
    });
}

#[test]
fn a_strangers_signature_under_an_attestors_name_is_refused() {
    on_chain(async |world| {
        let (payroll, statement) = ready(world).await;
        let good = payroll.attestation(&statement, &payroll.attestors[0]);
        let mut forged = payroll.attestation(&statement, &PrivateKeySigner::random());
        forged.signer = payroll.attestors[1].address();
        let posted = root::post(&payroll.payer, &statement, &[good, forged]).await;
        assert_refused(posted, "Ledger_BadSignature");
        assert_eq!(roots(world, &payroll).await, 0);
    });
}

#[test]
fn signatures_of_another_statement_are_refused() {
    on_chain(async |world| {
        let (payroll, statement) = ready(world).await;
        let other = RootStatement { periodEnd: statement.periodEnd - 1, ..statement.clone() };
        let signed = [0, 1].map(|place: usize| payroll.attestation(&other, &payroll.attestors[place]));
        assert_refused(root::post(&payroll.payer, &statement, &signed).await, "Ledger_BadSignature");
        assert_eq!(roots(world, &payroll).await, 0);
    });
}

#[test]
fn a_sum_above_what_the_vault_credited_is_refused() {
    on_chain(async |world| {
        let (payroll, _) = ready(world).await;
        let mut greedy = leaves(2);
        greedy[1].cumulative = 5_001;
        let tree = SumTree::new(greedy).unwrap();
        assert_eq!(payroll.books().await.pool_credited, 6_000);
        let statement = payroll.statement(&tree).await;
        assert_refused(payroll.post(&statement).await, "Ledger_SumExceedsCredited");
        assert_eq!(roots(world, &payroll).await, 0);
    });
}

#[test]
fn a_root_out_of_turn_is_refused() {
    changed(|statement| statement.index = 2, "Ledger_WrongIndex");
}

#[test]
fn a_root_of_another_attempt_is_refused() {
    changed(|statement| statement.attempt = 1, "Ledger_WrongAttempt");
}

#[test]
fn a_root_that_follows_a_root_that_was_never_posted_is_refused() {
    changed(|statement| statement.prevRoot = B256::repeat_byte(1), "Ledger_WrongPrevRoot");
}

#[test]
fn a_root_settled_by_another_policy_is_refused() {
    changed(|statement| statement.settlementPolicy = B256::repeat_byte(1), "Ledger_WrongSettlementPolicy");
}

#[test]
fn a_root_of_a_period_that_has_not_ended_is_refused() {
    changed(|statement| statement.periodEnd += u64::from(LONG), "Ledger_BadPeriodEnd");
}

#[test]
fn a_statement_past_its_deadline_is_refused() {
    changed(|statement| statement.deadline = statement.periodEnd - 1, "Ledger_StatementExpired");
}

#[test]
fn a_root_without_data_or_leaves_is_refused() {
    changed(|statement| statement.dataHash = B256::ZERO, "Ledger_ZeroDataHash");
    changed(|statement| statement.leafCount = 0, "Ledger_BadLeafCount");
    changed(|statement| statement.root = B256::ZERO, "Ledger_ZeroRoot");
    changed(|statement| statement.receiptsCount = 1, "Ledger_BadReceipts");
}

#[test]
fn a_root_is_not_posted_twice_nor_over_a_pending_one() {
    on_chain(async |world| {
        let (payroll, statement) = ready(world).await;
        payroll.post(&statement).await.unwrap();
        assert_refused(payroll.post(&statement).await, "Ledger_RootPending");
        let next = RootStatement { index: 2, prevRoot: statement.root, ..statement };
        assert_refused(payroll.post(&next).await, "Ledger_RootPending");
        assert_eq!(roots(world, &payroll).await, 1);
    });
}

#[test]
fn an_active_root_is_not_posted_again() {
    on_chain(async |world| {
        let payroll = Payroll::new(world, SHORT).await;
        let tree = SumTree::new(leaves(3)).unwrap();
        payroll.pay(tree.root().sum).await;
        let statement = payroll.statement(&tree).await;
        payroll.post(&statement).await.unwrap();
        payroll.wait().await;
        assert_refused(payroll.post(&statement).await, "Ledger_WrongIndex");
        let same_period = RootStatement { index: 2, prevRoot: statement.root, ..statement };
        assert_refused(payroll.post(&same_period).await, "Ledger_BadPeriodEnd");
        assert_eq!(roots(world, &payroll).await, 1);
    });
}

#[test]
fn what_was_allocated_cannot_be_taken_back() {
    on_chain(async |world| {
        let (payroll, tree) = Payroll::active(world, leaves(3)).await;
        let less = tree.leaves().iter().map(|leaf| Leaf { cumulative: leaf.cumulative - 1, ..*leaf });
        let less = SumTree::new(less.collect()).unwrap();
        let statement = payroll.statement(&less).await;
        assert_refused(payroll.post(&statement).await, "Ledger_SumFalls");
        assert_eq!(roots(world, &payroll).await, 1);
    });
}

#[test]
fn a_root_for_a_vault_without_attestors_is_refused() {
    on_chain(async |world| {
        let (payroll, statement) = ready(world).await;
        let nobody = RootStatement { vault: payroll.payer.address(), ..statement };
        assert_refused(payroll.post(&nobody).await, "Ledger_UnknownVault");
    });
}
