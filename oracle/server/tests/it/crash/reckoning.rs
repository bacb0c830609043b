//! What must be true when it is over, by the files and the chain alone.

use std::collections::BTreeMap;

use alloy::providers::Provider;
use tributary_chain::{
    epoch, posted, root,
    verify::{self, RootState},
};
use tributary_sdk::{sum_tree::Leaf, typed_data::Receipt};
use tributary_server::host::Batches;
use tributary_submission::State;

use super::siege::Siege;

impl Siege {
    /// Nothing was lost and nothing is there twice; the sums are equal, and everybody can be paid.
    pub(crate) async fn reckon(mut self) {
        self.end_process().await;
        self.roots_came_to_their_end().await;
        let report = tributary_ledger::check(self.orders.data()).unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        assert_eq!((report.epochs, report.sealed), (self.epochs, self.given.len() as u64));
        assert_eq!((report.open, report.reserved), (0, 0));
        let leaves = self.batches_hold().await;
        self.everybody_is_paid(&leaves).await;
        println!("{} kills, {} epochs, {} receipts", self.struck().all, self.epochs, self.given.len());
    }

    /// Each in one transaction, signed once, with nothing else by the poster.
    async fn roots_came_to_their_end(&self) {
        let (_host, clerk) = self.orders.open().await;
        for record in clerk.submitter().records().unwrap() {
            assert_eq!(clerk.submitter().settle(record.intent.key).await.unwrap(), State::Final);
        }
        let records = clerk.submitter().records().unwrap();
        assert_eq!(records.len() as u64, self.epochs);
        assert!(records.iter().all(|record| record.attempts.len() == 1), "{records:?}");
        assert_eq!(clerk.submitter().alarms(), []);
        let sent = self.studio.town().chain.provider().get_transaction_count(self.poster.address()).await.unwrap();
        assert_eq!(sent, self.epochs);
    }

    /// One batch an epoch, each recomputed against the root that was posted, once; together they have the receipts that
    /// somebody was given, each once. Returns the last one's leaves.
    async fn batches_hold(&self) -> Vec<Leaf> {
        let (chain, on) = (&self.studio.town().chain, self.studio.on());
        let batches = Batches::at(self.orders.data());
        let list = batches.list().unwrap();
        let indices: Vec<u64> = list.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, (1..=self.epochs).collect::<Vec<_>>());
        let (mut settled, mut leaves) = (BTreeMap::<_, Receipt>::new(), Vec::new());
        for (index, hash) in list {
            let (verified, state) = verify::after_posting(chain, &batches.bytes(hash).unwrap()).await.unwrap();
            assert_eq!(state, RootState::Active, "root {index}");
            assert_eq!(posted::attempts(chain, on, index).await.unwrap().len(), 1);
            for row in verified.batch.receipts {
                assert!(settled.insert(row.receipt.id, row.receipt).is_none(), "a receipt is in two epochs");
            }
            leaves = verified.batch.leaves;
        }
        assert_eq!(settled, self.given);
        leaves
    }

    /// What was credited is allotted, what is allotted is claimed, and no more.
    async fn everybody_is_paid(&self, leaves: &[Leaf]) {
        let (chain, on) = (&self.studio.town().chain, self.studio.on());
        let books = self.studio.town().books(on).await;
        let allotted: u128 = leaves.iter().map(|leaf| leaf.cumulative).sum();
        assert_eq!((epoch::standing(chain, on).await.unwrap().sum, books.allocatable), (allotted, allotted));
        assert!(allotted > 0 && allotted <= books.pool_credited, "{books:?}");
        let anyone = self.studio.town().account(&self.poster);
        let tree = tributary_sdk::sum_tree::SumTree::new(leaves.to_vec()).unwrap();
        for leaf in leaves {
            let (place, leaf, proof) = root::proof(&tree, leaf.account).unwrap();
            root::claim(&anyone, on, self.epochs, leaf, place, proof).await.unwrap();
            assert_eq!(self.studio.town().balance(leaf.account).await, leaf.cumulative);
        }
        assert_eq!(self.studio.town().books(on).await.pool_paid, allotted);
    }
}
