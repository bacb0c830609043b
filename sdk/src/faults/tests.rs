use std::collections::BTreeMap;

use proptest::{prelude::*, sample::Index};

use super::*;

type Accounts = BTreeMap<[u8; 20], u128>;

/// An active payout list and what its accounts get on top, with accounts that are new.
fn growth() -> impl Strategy<Value = (Accounts, Accounts)> {
    let amounts = || prop::collection::btree_map(account(), 1u128..1 << 90, 1..40);
    (amounts(), amounts(), prop::collection::vec(any::<bool>(), 40)).prop_map(|(active, new, grows)| {
        let mut pending = active.clone();
        for (amount, _) in pending.values_mut().zip(grows).filter(|(_, grows)| *grows) {
            *amount += 7;
        }
        for (account, amount) in new {
            *pending.entry(account).or_default() += amount;
        }
        (active, pending)
    })
}

fn account() -> impl Strategy<Value = [u8; 20]> {
    // A few accounts close to each other, and some anywhere.
    let near = (1u8..60).prop_map(|last| {
        let mut account = [0; 20];
        account[19] = last;
        account
    });
    prop_oneof![near, any::<[u8; 20]>().prop_filter("not zero", |account| *account != [0; 20])]
}

fn leaves(accounts: &Accounts) -> Vec<Leaf> {
    accounts.iter().map(|(account, cumulative)| Leaf { account: account.into(), cumulative: *cumulative }).collect()
}

fn tree(leaves: Vec<Leaf>) -> PostedTree {
    PostedTree::new(leaves).unwrap()
}

fn leaf(account: u8, cumulative: u128) -> Leaf {
    Leaf { account: Address::with_last_byte(account), cumulative }
}

/// The fault that is found; its evidence must hold, and hold against nothing else.
#[track_caller]
fn found(active: &PostedTree, pending: &PostedTree) -> Fault {
    let fault = Fault::find(Some(active), pending).unwrap();
    let (of_active, of_pending) = (Posted::from(active), Posted::from(pending));
    assert!(fault.holds(Some(of_active), of_pending), "{fault:?}");
    assert!(!fault.holds(Some(of_active), of_active), "{fault:?}");
    let longer = Posted { leaf_count: of_pending.leaf_count * 2 + 1, ..of_pending };
    assert!(!fault.holds(Some(of_active), longer), "{fault:?}");
    let other_sum = Node { sum: of_pending.root.sum + 1, ..of_pending.root };
    assert!(!fault.holds(Some(of_active), Posted { root: other_sum, ..of_pending }), "{fault:?}");
    if !matches!(fault, Fault::Disorder { .. }) {
        assert!(!fault.holds(None, of_pending), "{fault:?}");
        assert!(!fault.holds(Some(of_pending), of_pending), "{fault:?}");
    }
    fault
}

proptest! {
    #[test]
    fn honest_roots_have_no_fault((active, pending) in growth()) {
        let (active, pending) = (tree(leaves(&active)), tree(leaves(&pending)));
        prop_assert_eq!(Fault::find(None, &active), None);
        prop_assert_eq!(Fault::find(Some(&active), &active), None);
        prop_assert_eq!(Fault::find(Some(&active), &pending), None);
    }

    #[test]
    fn leaves_out_of_order_are_found((active, pending) in growth(), from in any::<Index>(), to in any::<Index>()) {
        let mut disordered = leaves(&pending);
        let (from, to) = (from.index(disordered.len()), to.index(disordered.len()));
        prop_assume!(from != to);
        let moved = disordered.remove(from);
        disordered.insert(to, moved);
        let fault = found(&tree(leaves(&active)), &tree(disordered));
        assert!(matches!(fault, Fault::Disorder { .. }));
    }

    #[test]
    fn an_account_twice_is_found((active, pending) in growth(), which in any::<Index>(), again in any::<Index>()) {
        let mut doubled = leaves(&pending);
        let twice = doubled[which.index(doubled.len())];
        doubled.insert(again.index(doubled.len() + 1), twice);
        let fault = found(&tree(leaves(&active)), &tree(doubled));
        assert!(matches!(fault, Fault::Disorder { .. }));
    }

    #[test]
    fn a_lower_payout_is_found((active, pending) in growth(), which in any::<Index>(), by in any::<Index>()) {
        let accounts: Vec<_> = active.iter().collect();
        let (account, before) = accounts[which.index(accounts.len())];
        let mut lower = pending.clone();
        // Also to nothing at all.
        lower.insert(*account, before - 1 - by.index(*before as usize) as u128);
        let fault = found(&tree(leaves(&active)), &tree(leaves(&lower)));
        let lowered = Address::from(account);
        assert!(matches!(fault, Fault::Decrease { current, .. } if current.leaf.account == lowered));
    }

    #[test]
    fn a_missing_account_is_found((active, pending) in growth(), which in any::<Index>()) {
        let accounts: Vec<_> = active.keys().collect();
        let account = accounts[which.index(accounts.len())];
        let mut fewer = pending.clone();
        fewer.remove(account);
        prop_assume!(!fewer.is_empty());
        let fault = found(&tree(leaves(&active)), &tree(leaves(&fewer)));
        let missing = Address::from(account);
        assert!(matches!(fault, Fault::Omission { previous, .. } if previous.leaf.account == missing));
    }

    #[test]
    fn no_bracket_leaves_out_an_account_that_is_there((_, pending) in growth(), which in any::<Index>(), at in any::<Index>()) {
        let pending = tree(leaves(&pending));
        let index = which.index(pending.leaves().len());
        let previous = Evidence::of(&pending, index).unwrap();
        let at = at.index(pending.leaves().len());
        let one = Evidence::of(&pending, at).unwrap();
        let mut brackets = vec![Bracket::Edge(one.clone())];
        brackets.extend(Evidence::of(&pending, at + 1).map(|next| Bracket::Between(one, next)));
        let posted = Posted::from(&pending);
        for bracket in brackets {
            let fault = Fault::Omission { previous: previous.clone(), bracket };
            prop_assert!(!fault.holds(Some(posted), posted));
        }
    }
}

#[test]
fn accounts_missing_at_either_end_are_shown_by_the_leaf_there() {
    let active = tree(vec![leaf(1, 10), leaf(5, 10), leaf(9, 10)]);
    for (kept, edge) in [(vec![leaf(5, 10), leaf(9, 10)], 0), (vec![leaf(1, 10), leaf(5, 10)], 1)] {
        let fault = found(&active, &tree(kept));
        let Fault::Omission { bracket: Bracket::Edge(shown), .. } = fault else { panic!("{fault:?}") };
        assert_eq!(shown.index, edge);
    }
    let fault = found(&active, &tree(vec![leaf(1, 10), leaf(9, 10)]));
    assert!(matches!(fault, Fault::Omission { bracket: Bracket::Between(..), .. }));
}

#[test]
fn zero_leaves_hide_nothing() {
    let active = tree(vec![leaf(1, 10), leaf(5, 10), leaf(9, 10)]);
    // The account is there, with nothing.
    let fault = found(&active, &tree(vec![leaf(1, 10), leaf(5, 0), leaf(9, 10)]));
    assert!(matches!(fault, Fault::Decrease { .. }));
    // The zero account stands where the account's neighbours would show that it is missing.
    let fault = found(&active, &tree(vec![leaf(1, 10), leaf(0, 10), leaf(9, 10)]));
    assert!(matches!(fault, Fault::Disorder { .. }));
}

#[test]
fn a_zero_in_the_active_root_stands_against_no_later_one() {
    let active = tree(vec![leaf(0, 10), leaf(1, 10), leaf(5, 0)]);
    assert_eq!(Fault::find(Some(&active), &tree(vec![leaf(1, 10)])), None);
    let previous = Evidence::of(&active, 2).unwrap();
    let later = tree(vec![leaf(1, 10)]);
    let bracket = Bracket::Edge(Evidence::of(&later, 0).unwrap());
    let made_up = Fault::Omission { previous, bracket };
    assert!(!made_up.holds(Some((&active).into()), (&later).into()));
}
