//! Nodes that fail or change, chains that reorganise, and posters that are not alone: a host with its clerk refuses by name
//! or waits, keeps what it has, and goes on when the fault is gone.

use std::{path::Path, sync::Arc, time::Duration};

use alloy::{primitives::U256, providers::Provider, signers::local::PrivateKeySigner};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tributary_chain::{
    Chain, posted, root,
    verify::{self, RootState},
};
use tributary_sdk::{
    api::Infer,
    client::{ClientError, Session},
};
use tributary_server::{
    clerk::{Clerk, Duties},
    host::{Host, Opening},
    http::{Access, Listening, ServeError},
    steps,
};
use tributary_submission::{Policy, State};

use crate::{
    folders,
    proxy::{Fault, Proxy},
    studio::{Buyer, Studio, WINDOW},
    town::{DAY, Town, folder, run},
};

const EPOCH: u64 = DAY;
/// More than anybody asks.
const ALWAYS: usize = 1_000_000;
/// Nothing takes this many looks unless it never comes.
const LOOKS: usize = 200;
/// A test that waits longer than this has found somebody who waits for ever.
const FOR_EVER: Duration = Duration::from_secs(60);
const FAULTS: [Fault; 3] = [Fault::Null, Fault::Busy, Fault::LostAnswer];

/// A host whose node is behind a proxy, with a clerk who looks when told to.
struct Office {
    host: Arc<Host>,
    clerk: Clerk,
    poster: PrivateKeySigner,
    url: String,
    serving: JoinHandle<Result<(), ServeError>>,
    _folder: TempDir,
}

impl Office {
    async fn open(studio: &Studio, node: &str, opening: Opening) -> Self {
        let chain = Chain::connect(node).await.unwrap();
        let host = Arc::new(Host::open(&chain, opening).await.unwrap());
        let (poster, folder) = (studio.town().resident().await, folder());
        let duties = Duties {
            folder: folder.path().to_owned(),
            key: poster.clone(),
            more: Vec::new(),
            policy: Policy::default(),
            epoch: EPOCH,
            every: Duration::from_millis(20),
        };
        let clerk = Clerk::open(Arc::clone(&host), duties).await.unwrap();
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let (url, access) = (listening.url(), Access { admin_token: None, max_body: 1 << 20, clerk: None });
        let serving = tokio::spawn(listening.serve(Arc::clone(&host), access, std::future::pending()));
        Self { host, clerk, poster, url, serving, _folder: folder }
    }

    /// The same, with somebody who may ask.
    async fn in_use(studio: &Studio, node: &str, opening: Opening) -> (Self, Session) {
        let (office, buyer) = (Self::open(studio, node, opening).await, studio.buyer().await);
        let session = office.session(studio, &buyer).await;
        (office, session)
    }

    async fn session(&self, studio: &Studio, buyer: &Buyer) -> Session {
        let client = tributary_sdk::client::Client::connect(&self.url).await.unwrap();
        let until = studio.town().now().await + 3_650 * DAY;
        client.sign_in(&buyer.key, buyer.license, PrivateKeySigner::random(), until).await.unwrap()
    }

    /// Looks, on a chain that goes on meanwhile, until the epoch's batch is published.
    async fn until_closed(&self, town: &Town, index: u64) {
        for _ in 0..LOOKS {
            if self.host.services()[0].batches().hash_of(index).unwrap().is_some() {
                return;
            }
            self.look_on(town).await;
        }
        panic!("epoch {index} is never closed");
    }

    async fn until_posted(&self, studio: &Studio, index: u64) {
        for _ in 0..LOOKS {
            if newest(studio).await == index {
                return;
            }
            self.look_on(studio.town()).await;
        }
        panic!("root {index} is never posted: {:?}", self.clerk.submitter().alarms());
    }

    /// An epoch that is due is closed, attested and posted, and its root becomes active.
    async fn settle(&self, studio: &Studio, index: u64) {
        self.until_closed(studio.town(), index).await;
        self.attested(studio).await;
        self.until_posted(studio, index).await;
        studio.town().advance(u64::from(WINDOW) + 1).await;
    }

    /// Looks once on a chain whose blocks come by themselves.
    async fn look_on(&self, town: &Town) {
        let blocks = async {
            loop {
                rpc::<_, Value>(town, "evm_mine", ()).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! { () = self.clerk.look() => {}, () = blocks => {} }
    }

    async fn attested(&self, studio: &Studio) {
        for key in &studio.attestors[..2] {
            studio.attest(&self.url, key).await;
        }
    }

    fn close(self) {
        self.serving.abort();
    }
}

async fn rpc<P, R>(town: &Town, method: &'static str, params: P) -> R
where
    P: Serialize + Clone + std::fmt::Debug + Send + Sync + Unpin,
    R: DeserializeOwned + std::fmt::Debug + Send + Sync + Unpin + 'static,
{
    town.chain.provider().raw_request(method.into(), params).await.unwrap()
}

/// Another chain takes over from a snapshot on, longer by one than the one that it replaces.
async fn reorganise(town: &Town, snapshot: Value, depth: u64) {
    let _: bool = rpc(town, "evm_revert", (snapshot,)).await;
    let _: Value = rpc(town, "evm_setAutomine", (false,)).await;
    let _: Value = rpc(town, "evm_increaseTime", (U256::from(7),)).await;
    let _: Value = rpc(town, "anvil_mine", (U256::from(depth + 1),)).await;
    let _: Value = rpc(town, "evm_setAutomine", (true,)).await;
}

/// Ends a fault that must have struck.
#[track_caller]
fn heal_after_use(proxy: &Proxy, method: &str) {
    assert!(proxy.left() < ALWAYS, "{method} was never called");
    proxy.heal();
}

async fn newest(studio: &Studio) -> u64 {
    root::newest(&studio.town().chain, studio.on()).await.unwrap().map_or(0, |(newest, _)| newest)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, ClientError>, status: u16, code: &str) {
    match result {
        Err(ClientError::Refused { status: found, code: said, .. }) => {
            assert_eq!((found, said.as_str()), (status, code))
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// Every published batch is recomputed against the one root of its index; how many receipts they have.
async fn audited(studio: &Studio, office: &Office) -> usize {
    let (chain, mut receipts) = (&studio.town().chain, 0);
    let service = &office.host.services()[0];
    for (index, hash) in service.batches().list().unwrap() {
        let bytes = service.batches().bytes(hash).unwrap();
        let (verified, state) = verify::after_posting(chain, &bytes).await.unwrap();
        assert_eq!(state, RootState::Active, "root {index}");
        assert_eq!(posted::attempts(chain, studio.on(), index).await.unwrap().len(), 1);
        receipts += verified.batch.receipts.len();
    }
    receipts
}

#[test]
fn whatever_a_node_fails_with_is_a_refusal_by_name_and_over_when_the_node_is_well() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let proxy = Proxy::before(town.chain.url()).await;
        let (office, session) = Office::in_use(&studio, &proxy.url, studio.opening()).await;
        let mut given = 0;

        for method in ["eth_getBlockByNumber", "eth_call", "eth_getLogs", "*"] {
            for fault in FAULTS {
                // Something to read on for.
                town.advance(1).await;
                let infer: Infer = studio.request(&session, 0).await;
                proxy.fail(method, fault.clone(), ALWAYS);
                let answered = session.infer(&infer).await;
                // What a license allows follows the token's events: a question alone calls no contract.
                match method {
                    "eth_call" => drop(answered.unwrap()),
                    _ => refused(answered, 502, "chain_failed"),
                }
                office.clerk.look().await;
                heal_after_use(&proxy, method);
                session.infer(&infer).await.unwrap();
                given += 1;
            }
        }
        const METHODS: [&str; 6] = [
            "eth_call",
            "eth_getLogs",
            "eth_getBlockByNumber",
            "eth_getTransactionCount",
            "eth_sendRawTransaction",
            "eth_chainId",
        ];
        for (index, method) in (1..).zip(METHODS) {
            town.advance(EPOCH).await;
            proxy.fail(method, FAULTS[index as usize % FAULTS.len()].clone(), ALWAYS);
            office.look_on(town).await;
            heal_after_use(&proxy, method);
            office.until_closed(town, index).await;
            office.attested(&studio).await;
            proxy.fail(method, FAULTS[(index as usize + 1) % FAULTS.len()].clone(), ALWAYS);
            office.look_on(town).await;
            office.look_on(town).await;
            // Posting reads no events.
            match method {
                "eth_getLogs" => proxy.heal(),
                _ => heal_after_use(&proxy, method),
            }
            office.until_posted(&studio, index).await;
            town.advance(u64::from(WINDOW) + 1).await;
        }
        assert_eq!(audited(&studio, &office).await, given);
        assert_eq!(town.chain.provider().get_transaction_count(office.poster.address()).await.unwrap(), 6);
        office.close();
    });
}

#[test]
fn a_silent_node_keeps_nobody_waiting_for_longer_than_the_host_allows() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let proxy = Proxy::before(studio.town().chain.url()).await;
        let opening = Opening { request_timeout: Duration::from_secs(3), ..studio.opening() };
        let (office, session) = Office::in_use(&studio, &proxy.url, opening).await;
        let infer = studio.request(&session, 0).await;
        proxy.fail("*", Fault::Silence, ALWAYS);
        // Without the host's own limit the client of the chain would wait for longer than this, and fail by the same name.
        let answered = tokio::time::timeout(Duration::from_secs(10), session.infer(&infer)).await;
        refused(answered.expect("the host waits for the node"), 502, "chain_failed");
        // The clerk asks, is not answered, and has the next turn all the same.
        tokio::time::timeout(FOR_EVER, office.clerk.look()).await.expect("the clerk waits for ever");
        heal_after_use(&proxy, "the node");
        session.infer(&infer).await.unwrap();
        office.close();
    });
}

#[test]
fn a_transaction_that_the_node_drops_is_not_waited_for_for_ever() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let (office, session) = Office::in_use(&studio, town.chain.url(), studio.opening()).await;
        session.infer(&studio.request(&session, 0).await).await.unwrap();
        town.advance(EPOCH).await;
        let _: Value = rpc(town, "evm_setAutomine", (false,)).await;
        let dropping = async {
            loop {
                let _: Value = rpc(town, "anvil_dropAllTransactions", ()).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! { () = office.clerk.look() => {}, () = dropping => {} }
        assert_eq!(office.host.services()[0].batches().list().unwrap(), []);
        let _: Value = rpc(town, "evm_setAutomine", (true,)).await;
        office.until_closed(town, 1).await;
        office.close();
    });
}

#[test]
fn a_license_that_a_reorganisation_takes_away_is_worth_nothing_whoever_buys_it_next() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let office = Office::open(&studio, town.chain.url(), studio.opening()).await;
        let builder = town.account(&studio.community.builder);
        for depth in 1..=10 {
            let offer = steps::license::offer(&builder, studio.offer()).await.unwrap();
            let (first, second) = (town.resident().await, town.resident().await);
            for key in [&first, &second] {
                town.mint(key, studio.offer().price).await;
            }
            let snapshot: Value = rpc(town, "evm_snapshot", ()).await;
            let buy = async |key: &PrivateKeySigner| Buyer {
                key: key.clone(),
                license: steps::license::buy(&town.account(key), offer).await.unwrap(),
            };
            let bought = buy(&first).await;
            let session = office.session(&studio, &bought).await;
            let _: Value = rpc(town, "anvil_mine", (U256::from(depth - 1),)).await;
            session.infer(&studio.request(&session, 0).await).await.unwrap();

            reorganise(town, snapshot, depth + 2).await;
            refused(session.infer(&studio.request(&session, 1).await).await, 403, "not_licensed");
            let again = buy(&second).await;
            assert_eq!(again.license, bought.license, "it is the next number's turn again");
            refused(session.infer(&studio.request(&session, 1).await).await, 403, "not_licensed");
            let other = office.session(&studio, &again).await;
            other.infer(&studio.request(&other, 2).await).await.unwrap();
        }
        // What was answered under a license that never was is in no epoch; everything else is.
        town.advance(EPOCH).await;
        office.settle(&studio, 1).await;
        assert_eq!(audited(&studio, &office).await, 10);
        office.close();
    });
}

#[test]
fn a_root_that_a_reorganisation_takes_away_is_posted_again_by_the_same_bytes() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        // A chain whose blocks become final, as every public one's do.
        let proxy = Proxy::before(town.chain.url()).await;
        proxy.fail("web3_clientVersion", Fault::Instead(json!("Geth/v1")), ALWAYS);
        let (office, session) = Office::in_use(&studio, &proxy.url, studio.opening()).await;
        for index in 1..=10 {
            session.infer(&studio.request(&session, 0).await).await.unwrap();
            town.advance(EPOCH).await;
            office.until_closed(town, index).await;
            office.attested(&studio).await;
            let snapshot: Value = rpc(town, "evm_snapshot", ()).await;
            let signed = |index: u64| {
                let records = office.clerk.submitter().records().unwrap();
                records.into_iter().nth(index as usize - 1)
            };
            for _ in 0..LOOKS {
                office.clerk.look().await;
                if signed(index).is_some_and(|record| record.state == State::Included) {
                    break;
                }
            }
            assert_eq!(newest(&studio).await, index);
            let _: Value = rpc(town, "anvil_mine", (U256::from(index - 1),)).await;

            reorganise(town, snapshot, index).await;
            assert_eq!(newest(&studio).await, index - 1);
            office.until_posted(&studio, index).await;
            let _: Value = rpc(town, "anvil_mine", (U256::from(100),)).await;
            office.clerk.look().await;
            office.clerk.look().await;
            let record = signed(index).unwrap();
            assert_eq!((record.state, record.attempts.len()), (State::Final, 1), "{index} blocks");
            town.advance(u64::from(WINDOW) + 1).await;
        }
        assert_eq!(audited(&studio, &office).await, 10);
        assert_eq!(town.chain.provider().get_transaction_count(office.poster.address()).await.unwrap(), 10);
        assert_eq!(office.clerk.submitter().alarms(), []);
        office.close();
    });
}

#[test]
fn a_clock_that_leaps_a_day_between_a_question_and_the_close_loses_nothing() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let (office, session) = Office::in_use(&studio, town.chain.url(), studio.opening()).await;
        // Asked before the leap and served after it, and asked again when it was served.
        for index in 1..=2 {
            let infer = studio.request(&session, 0).await;
            let late = studio.request(&session, 1).await;
            let before = session.infer(&infer).await.unwrap();
            let _: Value = rpc(town, "evm_setNextBlockTimestamp", (town.now().await + EPOCH,)).await;
            let _: Value = rpc(town, "evm_mine", ()).await;
            assert_eq!(session.infer(&infer).await.unwrap(), before);
            session.infer(&late).await.unwrap();
            office.settle(&studio, index).await;
        }
        assert_eq!(audited(&studio, &office).await, 4);
        office.close();
    });
}

#[test]
fn a_clock_that_a_reorganisation_sets_back_loses_nothing() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let (office, session) = Office::in_use(&studio, town.chain.url(), studio.opening()).await;
        for index in 1..=2 {
            let snapshot: Value = rpc(town, "evm_snapshot", ()).await;
            town.advance(DAY / 2).await;
            let infer = studio.request(&session, 0).await;
            let answer = session.infer(&infer).await.unwrap();
            reorganise(town, snapshot, 2).await;
            // The receipt's time has not come on this chain.
            assert!(town.now().await < answer.receipt.servedAt);
            session.infer(&studio.request(&session, 1).await).await.unwrap();
            assert_eq!(session.infer(&infer).await.unwrap(), answer);
            match index {
                1 => town.advance(EPOCH).await,
                // At once, while the chain is still before the receipt's time.
                _ => drop(office.host.services()[0].close_epoch().await.unwrap()),
            }
            office.settle(&studio, index).await;
        }
        assert_eq!(audited(&studio, &office).await, 4);
        office.close();
    });
}

#[test]
fn what_is_served_while_an_epoch_is_closed_is_in_this_one_or_in_the_next() {
    const EPOCHS: u64 = 3;
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        // A chain whose blocks come when they come, as every public one's do.
        let proxy = Proxy::before(town.chain.url()).await;
        proxy.fail("web3_clientVersion", Fault::Instead(json!("Geth/v1")), ALWAYS);
        let (office, session) = Office::in_use(&studio, &proxy.url, studio.opening()).await;
        let mut given = 0;
        let block = async || town.chain.head().await.unwrap().number;
        for index in 1..=EPOCHS {
            town.advance(EPOCH).await;
            let (service, before) = (Arc::clone(&office.host.services()[0]), block().await);
            let closing = tokio::spawn(async move { service.close_epoch().await.unwrap() });
            // It collects first, and waits for a later block then.
            while block().await == before {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            while !closing.is_finished() {
                // One is signed before that block and asked after it, when the host has seen the block.
                let signed_before = studio.request(&session, 0).await;
                town.advance(12).await;
                let signed_after = studio.request(&session, 1).await;
                for infer in [&signed_after, &signed_before] {
                    match session.infer(infer).await {
                        Ok(_) => given += 1,
                        // The epoch had ended by then: nobody answered, and nobody is charged.
                        other => refused(other, 409, "stale_request"),
                    }
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            closing.await.unwrap();
            office.attested(&studio).await;
            office.until_posted(&studio, index).await;
            town.advance(u64::from(WINDOW) + 1).await;
        }
        town.advance(EPOCH).await;
        let _: Value = rpc(town, "anvil_mine", (U256::from(3),)).await;
        office.settle(&studio, EPOCHS + 1).await;
        assert!(given > EPOCHS as usize, "{given} were answered");
        assert_eq!(audited(&studio, &office).await, given);
        office.close();
    });
}

#[test]
fn nothing_is_served_or_posted_on_the_word_of_another_chain() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let other = folders::another(town).await;
        let proxy = Proxy::before(town.chain.url()).await;
        let (office, session) = Office::in_use(&studio, &proxy.url, studio.opening()).await;
        let infer = studio.request(&session, 0).await;
        session.infer(&infer).await.unwrap();
        town.advance(EPOCH).await;

        proxy.lead_to(other.chain.url());
        let late = studio.request(&session, 1).await;
        refused(session.infer(&late).await, 502, "chain_failed");
        office.clerk.look().await;
        assert_eq!(office.host.services()[0].batches().list().unwrap(), []);
        assert_eq!(other.chain.provider().get_transaction_count(studio.host.address()).await.unwrap(), 0);

        proxy.lead_to(town.chain.url());
        session.infer(&late).await.unwrap();
        office.settle(&studio, 1).await;
        assert_eq!(audited(&studio, &office).await, 2);
        office.close();
    });
}

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn of_two_hosts_on_copies_of_one_folder_one_posts_and_the_other_stops_before_it_writes_over_anything() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let buyer = studio.buyer().await;
        let serving = studio.serve().await;
        let session = studio.session(&serving, &buyer).await;
        studio.ask(&session, 2).await;
        serving.stop().await;
        let copied = folder();
        copy(studio.community.folder.path(), copied.path());

        let one = Office::open(&studio, town.chain.url(), studio.opening()).await;
        let opening = studio.opening_in(copied.path(), studio.community.data.release());
        let two = Office::open(&studio, town.chain.url(), opening).await;
        // From here on their books differ.
        let session = one.session(&studio, &buyer).await;
        session.infer(&studio.request(&session, 2).await).await.unwrap();
        town.advance(EPOCH).await;
        one.until_closed(town, 1).await;
        two.until_closed(town, 1).await;
        for office in [&one, &two] {
            office.attested(&studio).await;
        }
        tokio::join!(one.clerk.look(), two.clerk.look());
        for _ in 0..5 {
            one.look_on(town).await;
            two.look_on(town).await;
        }
        assert_eq!(newest(&studio).await, 1);
        let posted = posted::attempts(&town.chain, studio.on(), 1).await.unwrap();
        assert_eq!(posted.len(), 1);
        let (winner, loser) = if posted[0].poster == one.poster.address() { (one, two) } else { (two, one) };
        assert_eq!(posted[0].poster, winner.poster.address());
        let hash_of = |office: &Office| office.host.services()[0].batches().hash_of(1).unwrap();
        assert_eq!(hash_of(&winner), Some(posted[0].statement.dataHash));
        for record in loser.clerk.submitter().records().unwrap() {
            assert!(matches!(record.state, State::Halted { .. }), "{}", record.state);
        }
        // The loser's next epoch would continue a root that is not there.
        town.advance(EPOCH).await;
        loser.look_on(town).await;
        let refused = loser.host.services()[0].close_epoch().await.unwrap_err();
        assert!(refused.to_string().contains("batch"), "{refused}");
        winner.until_closed(town, 2).await;
        assert_eq!(loser.host.services()[0].batches().hash_of(2).unwrap(), None);
        winner.close();
        loser.close();
    });
}
