//! Buyers improve the model that answered them: corrections and flags, and what becomes of them.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use tokio::{sync::oneshot, task::JoinHandle};
use tributary_dataset::{
    Charter, Record, Schema,
    access::{Entries, Purposes},
    contribution::Bundle,
    read,
    screening::{Decision, Reason, Ruling},
};
use tributary_sdk::{
    api::{Inferred, SignedAnswer, SignedCorrection, SignedFlag},
    client::{ClientError, DatasetClient, Session},
    typed_data::{self, Correction, Flag},
};
use tributary_server::{
    dataset::Collection,
    http::Listening,
    steps::{
        self, DataFolder, StepError,
        contributing::{self, Agreement, Known},
        improving::{self, Claimed},
    },
};

use crate::{
    program::Program,
    studio::{Buyer, Community, SPLIT, Serving, Studio, csv, digits},
    town::{Town, folder, run, word},
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
        let town = Town::shared().await;
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
        assert_eq!(refused(&correction, &changed(&|answer| drop(answer.logits.pop()))).await, "other_classes");
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
