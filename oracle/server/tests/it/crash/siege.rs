//! Whoever asks, attests and waits, and does not give up when the host dies: it is started again, and asked again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use serde_json::{Value, json};
use tributary_chain::{epoch, root};
use tributary_sdk::{
    api::{Infer, Inferred, RootStanding},
    client::{self, Client, ClientError, Session},
    sign_in::Credential,
    typed_data::Receipt,
};
use tributary_server::{
    secret::Secret,
    steps::{self, StepError, attest::Looked},
};

use super::{
    moments::{self, Blow},
    process::{EPOCH, LOOKS, Orders, PAUSE, Process},
};
use crate::{
    studio::{Buyer, Studio, WINDOW, image},
    town::DAY,
};

/// A moment comes in every epoch, unless the one before it was struck too late for this epoch's.
const EPOCHS_WITHOUT_A_BLOW: u64 = 2;

/// A community whose host dies again and again.
pub(crate) struct Siege {
    pub(super) studio: Studio,
    pub(super) poster: PrivateKeySigner,
    pub(super) orders: Orders,
    pub(super) epochs: u64,
    /// Every receipt that somebody was given.
    pub(super) given: BTreeMap<B256, Receipt>,
    buyer: Buyer,
    blows: VecDeque<Blow>,
    process: Option<Process>,
    struck: Struck,
    moments: Vec<String>,
}

/// How many processes died of a blow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Struck {
    pub(crate) all: usize,
    /// Those that served already.
    pub(crate) serving: usize,
}

impl Siege {
    pub(crate) async fn begin(studio: Studio) -> Self {
        let (buyer, poster) = (studio.buyer().await, studio.town().resident().await);
        let orders = Orders::of(&studio, &poster);
        let (given, blows, struck) = (BTreeMap::new(), VecDeque::new(), Struck::default());
        Self { studio, poster, orders, epochs: 0, given, buyer, blows, process: None, struck, moments: Vec::new() }
    }

    /// How many processes were killed by blows: those that are ended between epochs do not count.
    pub(crate) fn struck(&self) -> Struck {
        self.struck
    }

    /// An epoch in which nobody dies: every moment that the crates name comes, and no other. In their order, with how
    /// often each came.
    pub(crate) async fn calm_epoch(&mut self) -> Vec<(String, usize)> {
        self.epoch().await;
        // The last root's way to its end is a matter of the next looks at the chain.
        let last = tributary_submission::MOMENTS.last().map(|moment| format!("tributary_submission {moment:?}"));
        self.insist("the submission's end", async |siege: &mut Self, _| {
            let came = siege.process.as_ref().map(Process::moments).unwrap_or_default();
            if last.as_ref().is_some_and(|last| came.contains(last)) { Ok(()) } else { Err("it is not there".into()) }
        })
        .await;
        self.end_process().await;
        assert_eq!(self.moments.iter().cloned().collect::<BTreeSet<_>>(), moments::all());
        let mut passed: Vec<(String, usize)> = Vec::new();
        for moment in &self.moments {
            match passed.iter_mut().find(|(known, _)| known == moment) {
                Some((_, times)) => *times += 1,
                None => passed.push((moment.clone(), 1)),
            }
        }
        passed
    }

    /// Epoch after epoch until every blow has struck.
    pub(crate) async fn endure(&mut self, blows: Vec<Blow>) {
        self.end_process().await;
        self.blows = blows.into();
        let (mut left, mut since) = (self.blows.len(), 0);
        while self.is_under_attack() {
            self.epoch().await;
            since = if self.blows.len() < left { 0 } else { since + 1 };
            left = self.blows.len();
            assert!(since <= EPOCHS_WITHOUT_A_BLOW, "{:?} never came to pass", self.orders.blow);
        }
    }

    fn is_under_attack(&self) -> bool {
        !self.blows.is_empty() || (self.process.is_some() && self.orders.blow.is_some())
    }

    /// Everything that happens in an epoch.
    async fn epoch(&mut self) {
        self.epochs += 1;
        let session = self.sign_in().await;
        let secret = self.allow().await;
        let mut asked = Vec::new();
        for place in 0..2 {
            let infer = self.studio.request(&session, place).await;
            self.ask(&session, &infer).await;
            asked.push(infer);
        }
        self.ask_by_bearer(&secret).await;
        let infer = self.studio.request(&session, 2).await;
        self.ask_and_not_wait(&infer).await;
        self.ask(&session, &infer).await;
        asked.push(infer);
        // Whoever asks again is given what they were given before.
        for infer in &asked {
            self.ask(&session, infer).await;
        }
        self.ask_by_bearer(&secret).await;
        self.revoke(&secret).await;

        self.studio.town().advance(EPOCH).await;
        self.closed().await;
        for infer in &asked {
            self.is_settled(&session, infer).await;
        }
        for place in 0..2 {
            self.attest(place).await;
        }
        self.posted().await;
        self.studio.town().advance(u64::from(WINDOW) + 1).await;
    }

    async fn sign_in(&mut self) -> Session {
        let until = self.studio.town().now().await + 10 * DAY;
        let key = PrivateKeySigner::random();
        self.insist("a sign-in", async |siege: &mut Self, client: Client| {
            answered(client.sign_in(&siege.buyer.key, siege.buyer.license, key.clone(), until).await)
        })
        .await
    }

    /// Lets a bearer key ask.
    async fn allow(&mut self) -> Secret {
        let secret = steps::keys::bearer();
        let license = self.buyer.license;
        let credential = Credential::of_bearer(secret.reveal());
        let new = steps::keys::NewKey { license, credential, label: None, seconds: 10 * DAY };
        self.insist("a key", async |siege: &mut Self, client: Client| {
            let chain = &siege.studio.town().chain;
            reached(steps::keys::allow(chain, &url(&client), &siege.buyer.key, new.clone()).await)
        })
        .await;
        secret
    }

    async fn revoke(&mut self, secret: &Secret) {
        let credential = Credential::of_bearer(secret.reveal());
        self.insist("a revocation", async |siege: &mut Self, client: Client| {
            let (chain, holder) = (&siege.studio.town().chain, &siege.buyer.key);
            reached(steps::keys::revoke(chain, &url(&client), holder, siege.buyer.license, credential).await)
        })
        .await;
    }

    /// Asks until there is an answer: the one that there was before, if there was one.
    async fn ask(&mut self, session: &Session, infer: &Infer) {
        let answer: Inferred = self
            .insist("an answer", async |_: &mut Self, client: Client| answered(session.at(client).infer(infer).await))
            .await;
        self.give(answer.receipt);
    }

    fn give(&mut self, receipt: Receipt) {
        let before = self.given.entry(receipt.id).or_insert_with(|| receipt.clone());
        assert_eq!(*before, receipt);
    }

    /// The same question under the same name by the Open Inference Protocol.
    async fn ask_by_bearer(&mut self, secret: &Secret) {
        let body = json!({"inputs": [
            {"name": "features", "shape": [1, 64], "datatype": "FP32", "data": image(3)}
        ]});
        let answer: Value = self
            .insist("a bearer's answer", async |siege: &mut Self, client: Client| {
                let path = format!("{}/v2/models/{}/infer", url(&client), siege.studio.model.version.asset);
                let request =
                    client::http().post(path).bearer_auth(secret.reveal()).header("idempotency-key", "order 7");
                let answer = request.json(&body).send().await.map_err(|error| error.to_string())?;
                assert_eq!(answer.status().as_u16(), 200);
                answer.json().await.map_err(|error| error.to_string())
            })
            .await;
        self.give(serde_json::from_str(answer["parameters"]["receipt"].as_str().unwrap()).unwrap());
    }

    /// Asks with no time for an answer, which voids what was reserved.
    async fn ask_and_not_wait(&mut self, infer: &Infer) {
        self.insist("a question without time", async |siege: &mut Self, client: Client| {
            let path = format!("{}/v1/models/{}/infer", url(&client), siege.studio.model.version.asset);
            let request = client::http().post(path).header("x-request-timeout-ms", "0").json(infer);
            let answer = request.send().await.map_err(|error| error.to_string())?;
            assert_eq!(answer.status().as_u16(), 503);
            Ok(())
        })
        .await;
    }

    async fn closed(&mut self) {
        let asset = self.studio.model.version.asset;
        self.insist("a closed epoch", async |siege: &mut Self, client: Client| {
            let closed = answered(client.epochs(asset).await)?;
            if closed.len() as u64 == siege.epochs { Ok(()) } else { Err(format!("{} are closed", closed.len())) }
        })
        .await;
    }

    /// A closed epoch's answers are kept no longer, its receipts are.
    async fn is_settled(&mut self, session: &Session, infer: &Infer) {
        let id = infer.request.id;
        let found = self
            .insist("a receipt", async |_: &mut Self, client: Client| {
                match session.at(client.clone()).infer(infer).await {
                    Err(ClientError::Refused { status: 410, code, .. }) => assert_eq!(code, "already_settled"),
                    other => return answered(other).map(|answer| panic!("answered again: {answer:?}")),
                }
                answered(client.receipt(id).await)
            })
            .await;
        assert_eq!(found.receipt, self.given[&id]);
    }

    async fn attest(&mut self, place: usize) {
        self.insist("an attestation", async |siege: &mut Self, client: Client| {
            let (chain, on) = (&siege.studio.town().chain, siege.studio.on());
            let looked = steps::attest::look(chain, &url(&client), &siege.studio.attestors[place]).await;
            // The host may have died after it had taken the last word that it needed, and posted the root since.
            if epoch::standing(chain, on).await.unwrap().newest() == siege.epochs {
                return Ok(());
            }
            let looked =
                looked.and_then(|all| all.into_iter().map(|(_, looked)| looked).collect::<Result<Vec<_>, _>>());
            match &reached(looked)?[..] {
                [Looked::Signed { .. } | Looked::Before(_)] => Ok(()),
                other => panic!("nothing to attest: {other:?}"),
            }
        })
        .await;
    }

    async fn posted(&mut self) {
        self.insist("a posted root", async |siege: &mut Self, _| {
            let newest = root::newest(&siege.studio.town().chain, siege.studio.on()).await.unwrap();
            match newest {
                Some((newest, RootStanding::Posted)) if newest == siege.epochs => Ok(()),
                other => Err(format!("the newest is {other:?}")),
            }
        })
        .await;
    }

    /// Tries until it succeeds, with a host that is alive at the beginning of every try.
    async fn insist<T>(
        &mut self,
        what: &str,
        mut attempt: impl AsyncFnMut(&mut Self, Client) -> Result<T, String>,
    ) -> T {
        let mut last = String::new();
        for _ in 0..LOOKS {
            let client = self.client().await;
            match attempt(self, client).await {
                Ok(done) => return done,
                Err(why) => last = why,
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("there is never {what}: {last}\n{}", self.process.as_ref().map(Process::said).unwrap_or_default());
    }

    /// A host that is alive now; the dead one's successor.
    async fn client(&mut self) -> Client {
        for _ in 0..LOOKS {
            match &self.process {
                None => {
                    self.orders.blow = self.blows.pop_front();
                    self.process = Some(Process::start(&self.orders));
                }
                Some(process) => match (process.killed(), process.url()) {
                    (Some(moments), _) => self.bury(moments),
                    (None, Some(url)) => match Client::connect(&url).await {
                        Ok(client) => return client,
                        Err(ClientError::Transport(_)) => {}
                        Err(other) => panic!("{other}"),
                    },
                    (None, None) => {}
                },
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("no host comes up:\n{}", self.process.as_ref().map(Process::said).unwrap_or_default());
    }

    fn bury(&mut self, moments: Vec<String>) {
        self.moments.extend(moments);
        let served = self.process.take().is_some_and(|process| process.url().is_some());
        if self.orders.blow.is_some() {
            self.struck.all += 1;
            self.struck.serving += usize::from(served);
        }
    }

    /// Kills the host between two epochs.
    pub(super) async fn end_process(&mut self) {
        let Some(process) = &self.process else { return };
        let moments = process.end().await;
        self.bury(moments);
    }
}

/// Where a client asks.
fn url(client: &Client) -> String {
    client.batch_url(B256::ZERO).split("/v1/").next().unwrap().to_owned()
}

/// Only a broken connection is a reason to ask again.
fn answered<T>(result: Result<T, ClientError>) -> Result<T, String> {
    match result {
        Ok(answer) => Ok(answer),
        Err(ClientError::Transport(error)) => Err(error.to_string()),
        Err(other) => panic!("refused: {other}"),
    }
}

fn reached<T>(result: Result<T, StepError>) -> Result<T, String> {
    match result {
        Ok(done) => Ok(done),
        Err(StepError::Client(error)) => answered(Err(error)),
        Err(other) => panic!("refused: {other}"),
    }
}
