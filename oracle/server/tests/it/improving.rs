//! Buyers improve the model that answered them: corrections and flags, and what becomes of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use alloy::{
    primitives::{Address, B256},
    signers::local::PrivateKeySigner,
};
use tokio::{sync::oneshot, task::JoinHandle};
use tributary_chain::{revenue, root, transact::send, transfers};
use tributary_dataset::{
    Charter, Record, Schema,
    access::{Entries, Purposes},
    charter::Validation,
    contribution::Bundle,
    read,
    screening::{Counted, Decision, Reason, Ruling, ScreeningReport},
};
use tributary_sdk::{
    api::{Inferred, Reader, SignedAnswer, SignedCorrection, SignedFlag, SignedReview},
    client::{ClientError, DatasetClient, Session},
    contracts::RoyaltyVault,
    typed_data::{self, Correction, Flag, HeldAccess, Review},
};
use tributary_server::{
    dataset::{Collection, DatasetRefusal},
    http::Listening,
    steps::{
        self, DataFolder, StepError,
        contributing::{self, Agreement, Known},
        improving::{self, Claimed},
        paying::{self, Paid},
    },
};

use crate::{
    program::Program,
    studio::{Buyer, Community, SPLIT, Serving, Studio, csv, digits},
    town::{DAY, Town, folder, run, word},
};

/// Digits that no other test's records have.
static OTHERS: LazyLock<Vec<Record>> = LazyLock::new(|| {
    let all = read::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv"), &Schema::digits());
    let taken: HashSet<B256> =
        [&SPLIT.training, &SPLIT.held_out, &SPLIT.test].into_iter().flatten().map(Record::hash).collect();
    all.unwrap().into_iter().filter(|record| !taken.contains(&record.hash())).collect()
});

/// A dataset's host.
struct Desk {
    url: String,
    data: DataFolder,
    steward: PrivateKeySigner,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Desk {
    async fn open(town: &Town, data: &DataFolder, steward: &PrivateKeySigner) -> Self {
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = listening.url();
        let (stop, stopped) = oneshot::channel::<()>();
        let collection = Collection::open(&town.chain, data).unwrap();
        let task = tokio::spawn(listening.collect(collection, steward.clone(), async { drop(stopped.await) }));
        Self { url, data: data.clone(), steward: steward.clone(), stop: Some(stop), task }
    }

    async fn close(mut self) {
        drop(self.stop.take());
        self.task.await.unwrap();
    }
}

/// A model that is served, and the host of the dataset that it is made of.
struct World {
    studio: Studio,
    serving: Serving,
    desk: Desk,
    client: DatasetClient,
}

impl World {
    async fn new(change: impl FnOnce(&mut Charter)) -> Self {
        Self::at(Town::shared().await, change).await
    }

    async fn at(town: Arc<Town>, change: impl FnOnce(&mut Charter)) -> Self {
        let studio = Studio::of(Community::chartered(town, change).await).await;
        let serving = studio.serve().await;
        let desk = Desk::open(studio.town(), &studio.community.data, &studio.community.steward).await;
        let client = DatasetClient::connect(&desk.url).await.unwrap();
        Self { studio, serving, desk, client }
    }

    async fn close(self) {
        self.serving.stop().await;
        self.desk.close().await;
    }

    fn town(&self) -> &Town {
        self.studio.town()
    }

    fn collection(&self) -> Collection {
        Collection::open(&self.town().chain, &self.desk.data).unwrap()
    }

    async fn known(&self) -> Known {
        contributing::ask(&self.town().chain, &self.desk.url).await.unwrap()
    }

    /// A buyer's session.
    async fn session(&self, buyer: &Buyer) -> Session {
        self.studio.session(&self.serving, buyer).await
    }

    /// Asks about records at once.
    async fn asked(&self, session: &Session, records: &[&Record]) -> Inferred {
        let numbers = |record: &&Record| Schema::digits().numbers(record);
        let features = records.iter().flat_map(numbers).map(|value| value as f32).collect();
        let (model, now) = (self.studio.model.version.asset, self.town().now().await);
        session.infer(&session.request(model, features, word(), word(), now).unwrap()).await.unwrap()
    }

    /// Asks about records from a place on until so many were answered wrongly: records and answers, and where it came to.
    async fn wrong(&self, session: &Session, from: usize, count: usize) -> (Vec<(Record, Inferred)>, usize) {
        let mut wrong = Vec::new();
        for (place, record) in OTHERS.iter().enumerate().skip(from) {
            let answer = self.asked(session, &[record]).await;
            if Schema::digits().class(record) != Some(answer.predicted[0] as usize) {
                wrong.push((record.clone(), answer));
            }
            if wrong.len() == count {
                return (wrong, place + 1);
            }
        }
        panic!("{} of {count} answers are wrong", wrong.len());
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        self.desk.data.keep_bytes(name, text.as_bytes()).unwrap()
    }

    /// Somebody's records, contributed whole.
    async fn given(&self, name: &str, key: &PrivateKeySigner, records: &[Record]) -> (Bundle, Agreement) {
        given(self.town(), &self.known().await, self.desk.data.join(""), name, key, records).await
    }

    fn signed(&self, correction: Correction, answer: SignedAnswer, key: &PrivateKeySigner) -> SignedCorrection {
        let domain = self.town().chain.consent_domain();
        let signature = typed_data::sign(&correction, &domain, key).unwrap().into();
        SignedCorrection { correction, signature, answer }
    }

    fn flagged(&self, flag: Flag, answer: &SignedAnswer, key: &PrivateKeySigner) -> SignedFlag {
        let signature = typed_data::sign(&flag, &self.town().chain.consent_domain(), key).unwrap().into();
        let (receipt, host_signature) = (answer.receipt.clone(), answer.host_signature.clone());
        SignedFlag { flag, signature, receipt, host_signature }
    }

    /// A buyer contributes so many corrections; who, the consent's id, and the bundle.
    async fn corrected(&self, from: usize, count: usize) -> (Buyer, B256, Bundle) {
        let buyer = self.studio.buyer().await;
        let session = self.session(&buyer).await;
        let (wrong, _) = self.wrong(&session, from, count).await;
        let (records, answers): (Vec<Record>, Vec<SignedAnswer>) =
            wrong.iter().map(|(record, answer)| (record.clone(), kept(answer))).unzip();
        let (bundle, agreed) = self.given("corrected", &buyer.key, &records).await;
        let (chain, known) = (&self.town().chain, self.known().await);
        let claimed = improving::correct(chain, &known, &bundle, &agreed, &answers, &buyer.key).await.unwrap();
        assert_eq!(claimed.corrections.len(), count);
        (buyer, agreed.id(chain), bundle)
    }

    /// Lets somebody new curate.
    async fn validator(&self) -> PrivateKeySigner {
        let key = self.town().resident().await;
        self.grant(&key, Purposes::CURATE).await;
        key
    }

    async fn grant(&self, to: &PrivateKeySigner, purposes: Purposes) {
        let (steward, dataset) = (self.town().account(&self.desk.steward), self.client.info().dataset);
        steps::dataset::grant(&steward, dataset, to.address(), purposes, DAY).await.unwrap();
    }

    async fn review(
        &self,
        by: &PrivateKeySigner,
        contribution: B256,
        place: u64,
        accept: bool,
    ) -> Result<(), ClientError> {
        let review = Review { contributionId: contribution, place, accept, reason: "It was looked at.".into() };
        improving::review(&self.town().chain, &self.client, review, by).await.map_err(|error| match error {
            StepError::Client(error) => error,
            other => panic!("{other}"),
        })
    }

    async fn screen(&self) -> ScreeningReport {
        let (chain, steward) = (&self.town().chain, self.desk.steward.address());
        steps::dataset::screen(steward, chain, &self.desk.data, &SPLIT.held_out).await.unwrap().1
    }

    /// The report of a published snapshot, as anybody fetches it.
    async fn published(&self, version: u32) -> ScreeningReport {
        let bytes = self.client.screening(version).await.unwrap();
        let report = serde_json::from_slice(&bytes).unwrap();
        let (chain, data) = (&self.town().chain, &self.desk.data);
        assert_eq!(steps::dataset::screening(chain, data, version).await.unwrap(), report);
        report
    }

    async fn rule(&self, contribution: B256, place: u64, decision: Decision) {
        let by = self.desk.steward.address();
        let (place, reason) = (place as u32, "It was looked at.".to_owned());
        self.collection().rule(vec![Ruling { contribution, place, decision, reason, by }]).await.unwrap();
    }
}

async fn given(
    town: &Town,
    known: &Known,
    folder: PathBuf,
    name: &str,
    key: &PrivateKeySigner,
    records: &[Record],
) -> (Bundle, Agreement) {
    let file = folder.join(format!("{name}.csv"));
    std::fs::write(&file, csv(records)).unwrap();
    let bundle = contributing::prepare(known, &file, &folder.join(name)).unwrap();
    let agreed = contributing::agreement(&town.chain, known, &bundle, key.address()).await.unwrap();
    let signature = typed_data::sign(&agreed.contribution, &town.chain.consent_domain(), key).unwrap();
    let agreed = contributing::sign(&bundle, &agreed, signature.into()).unwrap();
    contributing::send(&town.account(key), known, &bundle, &agreed, |_| ()).await.unwrap();
    (bundle, agreed)
}

fn kept(answer: &Inferred) -> SignedAnswer {
    let Inferred { receipt, host_signature, salt, logits, .. } = answer.clone();
    SignedAnswer { receipt, host_signature, salt, logits }
}

fn by_validators(charter: &mut Charter) {
    charter.validation = Some(Validation { agree: 2, share_bps: 3_000.try_into().unwrap() });
}

/// The code of a refusal over HTTP.
#[track_caller]
fn code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> String {
    match result.unwrap_err() {
        ClientError::Refused { code, message, status } => {
            assert!(message.len() > 20 && status < 500, "{status} {message}");
            code
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_buyer_corrects_wrong_answers_and_what_the_curator_accepts_is_in_the_next_snapshot() {
    run(async {
        let world = World::new(|_| ()).await;
        let (chain, buyer) = (&world.town().chain, world.studio.buyer().await);
        let session = world.session(&buyer).await;
        let (wrong, next) = world.wrong(&session, 0, 12).await;
        let path = world.file("answers.jsonl", "");
        wrong.iter().for_each(|(_, answer)| improving::keep(&path, answer).unwrap());
        let mut records: Vec<Record> = wrong.iter().map(|(record, _)| record.clone()).collect();
        // One that was answered rightly, and one that was never asked about.
        let (right, answer) = {
            let mut place = next;
            loop {
                let answer = world.asked(&session, &[&OTHERS[place]]).await;
                if Schema::digits().class(&OTHERS[place]) == Some(answer.predicted[0] as usize) {
                    break (place, answer);
                }
                place += 1;
            }
        };
        improving::keep(&path, &answer).unwrap();
        records.extend([OTHERS[right].clone(), OTHERS[right + 1].clone()]);

        let (bundle, agreed) = world.given("corrected", &buyer.key, &records).await;
        let id = agreed.id(chain);
        let (known, answers) = (world.known().await, improving::answers(&path).unwrap());
        let claim = || improving::correct(chain, &known, &bundle, &agreed, &answers, &buyer.key);
        let claimed = claim().await.unwrap();
        let receipts = (0..).zip(wrong.iter().map(|(_, answer)| answer.receipt.id));
        assert_eq!(claimed, Claimed { corrections: receipts.collect(), right: vec![12], unasked: vec![13] });
        let taken = world.collection().corrections().unwrap();
        let log = world.collection().access_lines().unwrap();
        let read: Vec<_> = Entries::new(log.as_slice()).map(|entry| entry.unwrap().access).collect();
        let of_buyer = read.iter().filter(|access| access.by == buyer.key.address());
        assert_eq!(of_buyer.clone().count(), 12, "a record that is opened is in the log");
        assert!(of_buyer.into_iter().all(|access| access.purposes == Purposes::CURATE && access.evidence.is_some()));
        assert_eq!(claim().await.unwrap(), claimed);
        assert_eq!((taken.len(), world.collection().corrections().unwrap()), (12, taken));
        assert_eq!(world.collection().access_lines().unwrap(), log, "what is known is not opened again");

        // Held, until somebody accepts them.
        let steward = world.desk.steward.address();
        let (_, report) = steps::dataset::screen(steward, chain, &world.desk.data, &SPLIT.held_out).await.unwrap();
        let held: BTreeSet<u32> = report
            .records
            .iter()
            .filter(|record| record.place.contribution == id)
            .filter(|record| record.decision == Decision::Hold)
            .filter(|record| record.reasons.iter().any(|reason| matches!(reason.reason, Reason::Corrects { .. })))
            .map(|record| record.place.place)
            .collect();
        assert_eq!(held, (0..12).collect());
        for place in 0..11 {
            world.rule(id, place, Decision::Accept).await;
        }
        world.studio.community.snapshot().await;
        let standing = contributing::standing(chain, &known, &bundle, 2).await.unwrap();
        assert_eq!(standing.outside, [11], "what nobody accepted waits");
        assert_eq!(standing.inside.len(), 13);
        world.close().await;
    });
}

#[test]
fn corrections_that_do_not_hold_are_refused_each_with_its_reason() {
    run(async {
        let world = World::new(|_| ()).await;
        let (chain, buyer) = (&world.town().chain, world.studio.buyer().await);
        let session = world.session(&buyer).await;
        let (wrong, next) = world.wrong(&session, 200, 2).await;
        let answer = kept(&wrong[0].1);
        let spare = &OTHERS[next];
        let spared = world.asked(&session, &[spare]).await;
        let several = world.asked(&session, &[spare, spare]).await;
        let mislabelled = {
            // A record that says what the model said.
            let mut fields = Schema::digits().spell(&wrong[1].0);
            *fields.last_mut().unwrap() = wrong[1].1.predicted[0].to_string();
            let fields: Vec<_> = fields.iter().map(|field| tributary_dataset::field::Field::Text(field)).collect();
            Schema::digits().record(&fields).unwrap()
        };
        let records = [wrong[0].0.clone(), spare.clone(), mislabelled];
        let (bundle, agreed) = world.given("corrected", &buyer.key, &records).await;
        let id = agreed.id(chain);
        let correction = Correction { contributionId: id, place: 0, receiptId: answer.receipt.id };
        let by = |correction: &Correction, answer: &SignedAnswer, key: &PrivateKeySigner| {
            let (client, signed) = (world.client.clone(), world.signed(correction.clone(), answer.clone(), key));
            async move { client.correct(&signed).await }
        };
        let refused =
            async |correction: &Correction, answer: &SignedAnswer| code(by(correction, answer, &buyer.key).await);
        let changed = |change: &dyn Fn(&mut SignedAnswer)| {
            let mut changed = answer.clone();
            change(&mut changed);
            changed
        };
        // By a host that is not the model's.
        let resigned = |change: &dyn Fn(&mut SignedAnswer), key: &PrivateKeySigner| {
            let mut forged = changed(change);
            forged.host_signature = typed_data::sign(&forged.receipt, &chain.ledger_domain(), key).unwrap().into();
            forged
        };
        let host = &world.studio.host;

        let elsewhere = Correction { contributionId: word(), ..correction.clone() };
        assert_eq!(refused(&elsewhere, &answer).await, "unknown_contribution");
        assert_eq!(refused(&Correction { place: 3, ..correction.clone() }, &answer).await, "unknown_record");
        assert_eq!(refused(&Correction { receiptId: word(), ..correction.clone() }, &answer).await, "other_receipt");
        assert_eq!(code(by(&correction, &answer, &PrivateKeySigner::random()).await), "bad_signature");
        assert_eq!(refused(&correction, &resigned(&|_| (), &buyer.key)).await, "bad_receipt");
        assert_eq!(
            refused(&correction, &changed(&|answer| answer.receipt.inputCommitment = word())).await,
            "bad_receipt"
        );
        let late = resigned(&|answer| answer.receipt.servedAt += 1 << 40, host);
        assert_eq!(refused(&correction, &late).await, "bad_receipt");
        let early = resigned(&|answer| answer.receipt.servedAt = 1, host);
        assert_eq!(refused(&correction, &early).await, "bad_receipt");
        let weights = resigned(&|answer| answer.receipt.weightsHash = word(), host);
        assert_eq!(refused(&correction, &weights).await, "bad_receipt");
        let version = resigned(&|answer| answer.receipt.version = 9, host);
        assert_eq!(refused(&correction, &version).await, "bad_receipt");
        let unknown = resigned(&|answer| answer.receipt.assetId = 7, host);
        assert_eq!(refused(&correction, &unknown).await, "other_model");
        assert_eq!(refused(&correction, &changed(&|answer| answer.logits[0] += 1.0)).await, "other_outputs");
        assert_eq!(refused(&correction, &changed(&|answer| answer.logits.truncate(9))).await, "other_classes");
        assert_eq!(refused(&correction, &changed(&|answer| answer.salt = word())).await, "other_input");
        assert_eq!(refused(&Correction { place: 1, ..correction.clone() }, &answer).await, "other_input");
        let of = |place, answer: &Inferred| Correction { contributionId: id, place, receiptId: answer.receipt.id };
        assert_eq!(refused(&of(1, &several), &kept(&several)).await, "several_records");
        assert_eq!(refused(&of(2, &wrong[1].1), &kept(&wrong[1].1)).await, "nothing_to_correct");
        assert!(world.collection().corrections().unwrap().is_empty());

        // Somebody else, who was given the answer.
        let other = world.town().resident().await;
        let (_, others) = world.given("others", &other, &records[..1]).await;
        let theirs = Correction { contributionId: others.id(chain), ..correction.clone() };
        assert_eq!(code(by(&theirs, &answer, &other).await), "not_the_payer");
        assert_eq!(code(by(&correction, &answer, &other).await), "bad_signature");

        let review = world.review(&other, id, 0, true).await;
        assert_eq!(code(review), "no_validators", "the charter has none");

        // Good, and good once.
        by(&correction, &answer, &buyer.key).await.unwrap();
        by(&correction, &answer, &buyer.key).await.unwrap();
        let (_, again) = world.given("again", &buyer.key, &records[..1]).await;
        let twice = Correction { contributionId: again.id(chain), ..correction.clone() };
        assert_eq!(refused(&twice, &answer).await, "receipt_used");
        let known = world.known().await;
        contributing::withdraw_record(&world.town().account(&buyer.key), &known, &bundle, &agreed, 1).await.unwrap();
        assert_eq!(refused(&of(1, &spared), &kept(&spared)).await, "withdrawn");

        // A dataset that the model is not made of.
        let folder = folder();
        let data = DataFolder::open(folder.path(), &world.town().chain).unwrap();
        let mut new = digits(&other);
        new.charter.name = "others' digits".into();
        steps::dataset::create(&world.town().account(&other), &data, new).await.unwrap();
        let desk = Desk::open(world.town(), &data, &other).await;
        let known = contributing::ask(chain, &desk.url).await.unwrap();
        let (_, there) = given(world.town(), &known, data.join(""), "mine", &buyer.key, &records[..1]).await;
        let there = Correction { contributionId: there.id(chain), ..correction.clone() };
        let signed = world.signed(there.clone(), answer.clone(), &buyer.key);
        assert_eq!(code(known.client.correct(&signed).await), "other_model");
        assert_eq!(code(world.client.correct(&signed).await), "unknown_contribution");
        desk.close().await;
        assert_eq!(world.collection().corrections().unwrap().len(), 1);

        // Flags: by who paid, for this dataset, the last one.
        let dataset = world.client.info().dataset.0;
        let flag = Flag { receiptId: answer.receipt.id, datasetId: dataset, reason: "It is a three.".into() };
        let flagged = |flag: Flag, key| {
            let (client, signed) = (world.client.clone(), world.flagged(flag, &answer, key));
            async move { client.flag(&signed).await }
        };
        assert_eq!(code(flagged(Flag { datasetId: 7, ..flag.clone() }, &buyer.key).await), "other_dataset");
        assert_eq!(code(flagged(Flag { receiptId: word(), ..flag.clone() }, &buyer.key).await), "other_receipt");
        assert_eq!(code(flagged(Flag { reason: " ".into(), ..flag.clone() }, &buyer.key).await), "bad_reason");
        assert_eq!(code(flagged(flag.clone(), &other).await), "bad_signature");
        let forged =
            SignedFlag { host_signature: vec![0; 65].into(), ..world.flagged(flag.clone(), &answer, &buyer.key) };
        assert_eq!(code(world.client.flag(&forged).await), "bad_receipt");
        flagged(flag.clone(), &buyer.key).await.unwrap();
        let better = Flag { reason: "It is an eight.".into(), ..flag };
        flagged(better.clone(), &buyer.key).await.unwrap();
        let flags = world.collection().flags().unwrap();
        assert_eq!(flags.iter().map(|flagged| flagged.signed.flag.clone()).collect::<Vec<_>>(), [better]);
        world.close().await;
    });
}

#[test]
fn a_buyer_walks_from_a_wrong_answer_to_a_correction_by_commands() {
    run(async {
        let world = World::new(|_| ()).await;
        let buyer = world.studio.buyer().await;
        let session = world.session(&buyer).await;
        let (wrong, _) = world.wrong(&session, 400, 2).await;
        let program = Program::new(world.town().chain.url(), None, &[&buyer.key, &world.desk.steward]);
        let records: Vec<Record> = wrong.into_iter().map(|(record, _)| record).collect();
        program.file("corrected.csv", &csv(&records));
        let words = |line: String| line.split(' ').map(str::to_owned).collect::<Vec<String>>();
        let by = |key: &PrivateKeySigner, line: String| program.run(key.clone(), &words(line));
        let (model, license) = (world.studio.model.version.asset, buyer.license);
        let ask = format!(
            "ask --host {} --license {license} --model {model} --records corrected.csv --keep answers.jsonl",
            world.serving.url
        );
        by(&buyer.key, ask).fine();
        let answers = improving::answers(&program.folder.path().join("answers.jsonl")).unwrap();
        assert_eq!(answers.len(), 2);
        let host = &world.desk.url;
        let correct = |answers| {
            format!("dataset correct --host {host} --records corrected.csv --bundle mine --answers {answers}")
        };
        program.file("torn.jsonl", "{\"receipt\":");
        by(&buyer.key, correct("torn.jsonl")).failed(&["torn.jsonl, line 1", "ask --keep"]);
        let said = by(&buyer.key, correct("answers.jsonl")).fine();
        assert!(said.contains("2 corrections are claimed"), "{said}");
        let flag = |receipt| {
            format!("dataset flag --host {host} --receipt {receipt} --answers answers.jsonl --reason unreadable")
        };
        by(&buyer.key, flag(word())).failed(&["no answer with receipt", "ask --keep"]);
        by(&buyer.key, flag(answers[0].receipt.id)).fine();
        let data = world.desk.data.join("");
        let listed = by(&world.desk.steward, format!("dataset flags --data {}", data.display())).fine();
        assert!(listed.contains("unreadable") && listed.contains("1 flags, 2 corrections"), "{listed}");
        world.close().await;
    });
}

#[test]
fn what_is_not_a_file_of_answers_says_so() {
    let folder = folder();
    let missing = improving::answers(&folder.path().join("none.jsonl"));
    assert!(matches!(missing, Err(StepError::File { .. })));
}

#[test]
fn validators_decide_what_is_held_and_the_published_report_counts_their_work_once() {
    run(async {
        let world = World::new(by_validators).await;
        let chain = &world.town().chain;
        let (buyer, id, bundle) = world.corrected(600, 13).await;
        let [one, two, three, four] =
            [world.validator().await, world.validator().await, world.validator().await, world.validator().await];
        assert_eq!(code(world.review(&one, id, 0, true).await), "not_held", "nothing is screened yet");
        assert!(improving::held(chain, &world.desk.url, &one).await.unwrap().records.is_empty());
        world.screen().await;

        // Who may not read, and who may not say anything.
        let stranger = world.town().resident().await;
        let held = |key: PrivateKeySigner| {
            let (chain, url) = (chain.clone(), world.desk.url.clone());
            async move {
                match improving::held(&chain, &url, &key).await {
                    Err(StepError::Client(error)) => Err(error),
                    other => Ok(other.unwrap().records),
                }
            }
        };
        let log = world.collection().access_lines().unwrap();
        assert_eq!(code(held(stranger.clone()).await), "no_grant");
        assert_eq!(code(world.review(&stranger, id, 0, true).await), "no_grant");
        world.grant(&stranger, Purposes::TRAIN).await;
        assert_eq!(code(held(stranger.clone()).await), "no_grant", "granted for something else");
        assert_eq!(code(world.review(&stranger, id, 0, true).await), "no_grant");
        let steward = &world.desk.steward;
        assert_eq!(code(world.review(steward, id, 0, true).await), "no_grant", "the curator rules");
        let now = world.town().now().await;
        let reading = |authority: &str, until: u64, key: &PrivateKeySigner| {
            let access =
                HeldAccess { datasetId: world.client.info().dataset.0, authority: authority.to_owned(), until };
            let signature = typed_data::sign(&access, &chain.consent_domain(), key).unwrap().into();
            let (client, signer) = (world.client.clone(), one.address());
            async move { client.held(&Reader { signer, authority: access.authority, until, signature }).await }
        };
        let here = tributary_sdk::client::authority(&world.desk.url);
        assert_eq!(code(reading("elsewhere.example", now + 60, &one).await), "foreign_sign_in");
        assert_eq!(code(reading(&here, now - 1, &one).await), "signed_for_another_time");
        assert_eq!(code(reading(&here, now + 2 * DAY, &one).await), "signed_for_another_time");
        assert_eq!(code(reading(&here, now + 60, &two).await), "bad_signature");
        assert_eq!(world.collection().access_lines().unwrap(), log, "nothing was opened");

        // What a validator sees.
        let seen = held(one.clone()).await.unwrap();
        assert_eq!(seen.iter().map(|held| held.place).collect::<Vec<_>>(), (0..13).collect::<Vec<_>>());
        assert!(seen.iter().all(|held| held.corrects[0].answered != *held.fields.last().unwrap()));
        let lines = world.collection().access_lines().unwrap();
        let last = Entries::new(lines.as_slice()).last().unwrap().unwrap().access;
        assert_eq!((last.by, last.purposes, last.records), (one.address(), Purposes::CURATE, 13));

        // Nobody looks at their own records, whatever they are granted.
        world.grant(&buyer.key, Purposes::CURATE).await;
        assert!(held(buyer.key.clone()).await.unwrap().is_empty());
        assert_eq!(code(world.review(&buyer.key, id, 0, true).await), "own_record");
        assert_eq!(code(world.review(&one, id, 13, true).await), "unknown_record");
        assert_eq!(code(world.review(&one, word(), 0, true).await), "unknown_contribution");
        let forged = SignedReview {
            review: Review { contributionId: id, place: 0, accept: true, reason: "Right.".into() },
            validator: one.address(),
            signature: vec![1; 65].into(),
        };
        assert_eq!(code(world.client.review(&forged).await), "bad_signature");

        // Ten that two accept, one of them against a third; one that two reject against one; one that one accepts; one
        // whose second validator is none any more.
        for place in 0..13 {
            world.review(&one, id, place, true).await.unwrap();
            world.review(&one, id, place, true).await.unwrap();
        }
        assert_eq!(code(world.review(&one, id, 0, false).await), "reviewed_before");
        assert!(held(one.clone()).await.unwrap().is_empty(), "what was reviewed waits for others");
        for place in 0..10 {
            world.review(&two, id, place, true).await.unwrap();
        }
        world.review(&three, id, 0, false).await.unwrap();
        world.review(&two, id, 10, false).await.unwrap();
        world.review(&three, id, 10, false).await.unwrap();
        world.review(&four, id, 12, true).await.unwrap();
        let dataset = world.client.info().dataset;
        let owner = world.town().account(steward);
        tributary_chain::consent::revoke(&owner, dataset, four.address()).await.unwrap();
        assert_eq!(code(world.review(&four, id, 11, true).await), "no_grant");

        world.studio.community.snapshot().await;
        let known = world.known().await;
        let standing = contributing::standing(chain, &known, &bundle, 2).await.unwrap();
        assert_eq!(standing.inside, (0..10).collect::<Vec<u64>>());
        let report = world.published(2).await;
        let work = |entries: &[(&PrivateKeySigner, u64)]| -> BTreeMap<_, _> {
            entries.iter().map(|(key, count)| (key.address(), *count)).collect()
        };
        assert_eq!(report.validators, work(&[(&one, 10), (&two, 11), (&three, 1)]));
        let of = |report: &ScreeningReport, place: u64, by: &PrivateKeySigner| {
            let mut reviews = report.reviews.iter().filter(|reported| reported.signed.review.place == place);
            reviews.find(|reported| reported.signed.validator == by.address()).map(|reported| reported.counted)
        };
        assert_eq!(of(&report, 0, &three), Some(Counted::Overruled));
        assert_eq!(of(&report, 10, &one), Some(Counted::Overruled));
        assert_eq!(of(&report, 11, &one), Some(Counted::Waiting));
        assert_eq!(of(&report, 12, &four), None, "without a grant nobody is heard");
        for reported in &report.reviews {
            let SignedReview { review, validator, signature } = &reported.signed;
            typed_data::verify(review, &chain.consent_domain(), signature, *validator).unwrap();
        }
        assert_eq!(code(world.review(&three, id, 1, true).await), "not_held", "what is decided is no work any more");

        // The curator prevails; what was counted is not counted again, and what was decided stays.
        world.rule(id, 11, Decision::Accept).await;
        world.rule(id, 0, Decision::Reject).await;
        tributary_chain::consent::revoke(&owner, dataset, two.address()).await.unwrap();
        world.studio.community.snapshot().await;
        let report = world.published(3).await;
        assert_eq!(report.validators, work(&[(&one, 1)]));
        assert_eq!(of(&report, 0, &two), Some(Counted::Settled));
        let standing = contributing::standing(chain, &known, &bundle, 3).await.unwrap();
        assert_eq!(standing.inside, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11]);
        world.studio.community.snapshot().await;
        assert!(world.published(4).await.validators.is_empty());
        world.close().await;
    });
}

impl World {
    /// Somebody buys, and the curators withdraw their part; how much that is.
    async fn income(&self) -> u128 {
        self.studio.buyer().await;
        let (steward, on) = (&self.desk.steward, self.studio.on());
        let account = self.town().account(steward);
        send("the vault", RoyaltyVault::new(on.vault, account.provider()).distribute(on.token)).await.unwrap();
        let credit = root::credit(&self.town().chain, on, steward.address()).await.unwrap();
        assert_eq!(steps::payout::withdraw(&account, on, steward.address()).await.unwrap(), credit);
        credit
    }

    async fn pay_from(&self, key: &PrivateKeySigner, vault: Address) -> Result<Paid, StepError> {
        let (chain, data) = (&self.town().chain, &self.desk.data);
        paying::pay(chain, data, key, self.town().dollar, &[vault]).await
    }

    async fn pay(&self) -> Result<Paid, StepError> {
        self.pay_from(&self.desk.steward, self.studio.model.vault).await
    }
}

#[test]
fn validators_are_paid_by_accepted_work_and_nothing_twice() {
    run(async {
        // Its block numbers and fees are nobody else's.
        let world = World::at(Town::start().await, by_validators).await;
        let (town, chain) = (world.town(), &world.town().chain);
        let (_, id, _) = world.corrected(800, 13).await;
        let (one, two) = (world.validator().await, world.validator().await);
        let stranger = town.resident().await;
        let vault = world.studio.model.vault;
        assert_eq!(world.pay().await.unwrap(), Paid::NothingDue);
        let refused = world.pay_from(&stranger, vault).await.unwrap_err();
        assert!(matches!(refused, StepError::NotCurators { .. }), "{refused}");
        let host = world.pay_from(&world.studio.host, vault).await.unwrap_err();
        assert!(matches!(host, StepError::NotCurators { .. }), "{host}");
        let datasets = world.pay_from(&world.desk.steward, world.desk.data.dataset().unwrap().vault).await.unwrap_err();
        assert!(
            matches!(&datasets, StepError::Refused(refusal) if matches!(**refusal, DatasetRefusal::OtherModel { .. }))
        );

        // Income before work: it waits.
        let part = |income: u128| income * 3_000 / 10_000;
        let first = world.income().await;
        assert!(part(first) > 0 && world.pay().await.unwrap() == Paid::NoWork { due: part(first) });
        world.screen().await;
        for place in 0..11 {
            world.review(&one, id, place, true).await.unwrap();
        }
        for place in 0..10 {
            world.review(&two, id, place, true).await.unwrap();
        }
        assert_eq!(world.pay().await.unwrap(), Paid::NoWork { due: part(first) }, "nothing is decided yet");
        world.rule(id, 10, Decision::Accept).await;
        world.studio.community.snapshot().await;

        let before = town.balance(world.desk.steward.address()).await;
        let Paid::Now(payment) = world.pay().await.unwrap() else { panic!() };
        assert_eq!((payment.amount, payment.withdrawn, payment.snapshot), (part(first), first, 2));
        let balances = async || (town.balance(one.address()).await, town.balance(two.address()).await);
        let (ones, twos) = balances().await;
        assert_eq!(ones + twos, part(first));
        assert!(ones.abs_diff(part(first) * 11 / 21) <= 1 && twos.abs_diff(part(first) * 10 / 21) <= 1);
        assert_eq!(before - town.balance(world.desk.steward.address()).await, part(first));
        assert!(payment.shares.iter().all(|share| share.transaction.is_some()));
        assert_eq!(world.pay().await.unwrap(), Paid::NothingDue);
        assert_eq!(balances().await, (ones, twos), "twice pays once");

        // More income is for later work alone.
        let second = world.income().await;
        let due = part(first + second) - part(first);
        assert_eq!(world.pay().await.unwrap(), Paid::NoWork { due });
        world.review(&one, id, 11, true).await.unwrap();
        world.rule(id, 11, Decision::Accept).await;
        world.studio.community.snapshot().await;
        let Paid::Now(payment) = world.pay().await.unwrap() else { panic!() };
        assert_eq!(payment.shares.iter().map(|share| share.validator).collect::<Vec<_>>(), [one.address()]);
        assert_eq!(balances().await, (ones + due, twos));

        // Killed at any time, and asked for again.
        let third = world.income().await;
        for validator in [&one, &two] {
            world.review(validator, id, 12, true).await.unwrap();
        }
        world.studio.community.snapshot().await;
        let program = Program::new(chain.url(), None, &[&world.desk.steward]);
        let data = world.desk.data.join("").display().to_string();
        let (token, vault) = (town.dollar.to_string(), vault.to_string());
        let command = ["dataset", "pay-validators", "--token", &token, "--vault", &vault, "--data", &data];
        let (mut milliseconds, mut killed) = (2, 0);
        while program.killed_after(&world.desk.steward, &command, milliseconds) {
            milliseconds += 7;
            killed += 1;
        }
        assert!(killed > 0);
        let said = program.run(world.desk.steward.clone(), &command).fine();
        assert!(said.contains("nothing is due"), "{said}");
        let all = part(first + second + third);
        let (ones, twos) = balances().await;
        assert_eq!(ones + twos, all);

        // Everybody can recompute it.
        let published = world.client.validators().await.unwrap();
        let accepted: BTreeMap<_, _> =
            published.accepted.iter().map(|accepted| (accepted.validator, accepted.reviews)).collect();
        assert_eq!(accepted, BTreeMap::from([(one.address(), 13), (two.address(), 11)]));
        assert_eq!(published.payments.len(), 3);
        let on = revenue::Account { vault: world.studio.model.vault, token: town.dollar };
        let mut paid = 0;
        for payment in &published.payments {
            let steward = world.desk.steward.address();
            assert_eq!(revenue::withdrawn(chain, on, steward, payment.block).await.unwrap(), payment.withdrawn);
            assert_eq!(payment.shares.iter().map(|share| share.amount).sum::<u128>(), payment.amount);
            paid += payment.amount;
            assert_eq!(paid, part(payment.withdrawn));
            assert!(payment.shares.iter().all(|share| share.transaction.is_some()));
        }
        let reviews: u64 =
            published.payments.iter().flat_map(|payment| &payment.shares).map(|share| share.reviews).sum();
        assert_eq!(reviews, 24);
        world.close().await;
    });
}

#[test]
fn a_signed_transfer_is_taken_once_and_known_to_be_gone_when_its_nonce_is() {
    run(async {
        let town = Town::shared().await;
        let (from, to) = (town.resident().await, PrivateKeySigner::random().address());
        town.mint(&from, 10).await;
        let transfer = transfers::Transfer { token: town.dollar, from: from.address(), to, amount: 4 };
        let signed = transfers::sign(&town.chain, transfer, &from).await.unwrap();
        let standing = async |signed| transfers::standing(&town.chain, transfer, signed).await.unwrap();
        assert_eq!(standing(&signed).await, transfers::Standing::Open);
        assert_eq!(town.balance(to).await, 0);
        transfers::send(&town.chain, &signed).await.unwrap();
        while standing(&signed).await == transfers::Standing::Open {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let rival = transfers::SignedTransfer { hash: word(), ..signed.clone() };
        assert_eq!(
            standing(&signed).await,
            transfers::Standing::Paid { is_final: true },
            "a development chain's are at once"
        );
        assert_eq!(standing(&rival).await, transfers::Standing::Never, "its nonce is used");
        transfers::send(&town.chain, &signed).await.unwrap();
        assert_eq!(town.balance(to).await, 4);
        let too_much = transfers::Transfer { amount: 7, ..transfer };
        assert!(transfers::sign(&town.chain, too_much, &from).await.is_err(), "the token would refuse it");
    });
}
