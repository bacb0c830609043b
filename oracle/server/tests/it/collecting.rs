//! A dataset's host over HTTP, and its contributors: what is taken, what is refused, what comes back out to whom.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    signers::local::PrivateKeySigner,
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};
use tributary_chain::consent;
use tributary_dataset::{
    Charter, DatasetError, Record, Schema,
    access::Purposes,
    charter::Membership,
    contribution::{
        Bundle, Entry, Part,
        bundle::{self, BundleWriter},
    },
    screening::{Decision, Ruling},
};
use tributary_sdk::{
    api::{NewContribution, PartSummary, SignedAppeal, SignedErasure, SignedReceipt},
    client::{ClientError, DatasetClient},
    keccak256,
    merkle::MerkleTree,
    records::contribution_root,
    typed_data::{self, Appeal, Contribution, Erasure},
};
use tributary_server::{
    dataset::{Collection, DatasetRefusal, Reading},
    http::Listening,
    steps::{
        self, DataFolder, StepError,
        contributing::{self, Agreement, Known},
        dataset::{Given, Giver, Published},
        model::{TrainedRelease, Training},
    },
};

use crate::{
    program::Program,
    studio::{SPLIT, csv, digits},
    town::{DAY, Town, folder, run, word},
};

/// A dataset that is collected over HTTP, and nothing in it.
struct Office {
    town: Arc<Town>,
    steward: PrivateKeySigner,
    data: DataFolder,
    folder: TempDir,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    host: Option<JoinHandle<()>>,
}

impl Office {
    async fn open(town: Arc<Town>, change: impl FnOnce(&mut Charter)) -> Self {
        let (folder, steward) = (folder(), town.resident().await);
        let data = DataFolder::open(folder.path(), &town.chain).unwrap();
        let mut new = digits(&steward);
        change(&mut new.charter);
        steps::dataset::create(&town.account(&steward), &data, new).await.unwrap();
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = listening.url();
        let (stop, stopped) = oneshot::channel::<()>();
        let collection = Collection::open(&town.chain, &data).unwrap();
        let host = tokio::spawn(listening.collect(collection, steward.clone(), async { drop(stopped.await) }));
        Self { town, steward, data, folder, url, stop: Some(stop), host: Some(host) }
    }

    async fn close(mut self) {
        drop(self.stop.take());
        self.host.take().unwrap().await.unwrap();
    }

    fn collection(&self) -> Collection {
        Collection::open(&self.town.chain, &self.data).unwrap()
    }

    async fn known(&self) -> Known {
        contributing::ask(&self.town.chain, &self.url).await.unwrap()
    }

    /// Records as a file, and a bundle of them.
    async fn prepared(&self, name: &str, records: &[Record]) -> Bundle {
        let file = self.file(&format!("{name}.csv"), csv(records).as_bytes());
        contributing::prepare(&self.known().await, &file, &self.folder.path().join(name)).unwrap()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        self.data.keep_bytes(name, bytes).unwrap()
    }

    async fn signed(&self, bundle: &Bundle, key: &PrivateKeySigner) -> Agreement {
        let chain = &self.town.chain;
        let agreed = contributing::agreement(chain, &self.known().await, bundle, key.address()).await.unwrap();
        let signature = typed_data::sign(&agreed.contribution, &chain.consent_domain(), key).unwrap();
        contributing::sign(bundle, &agreed, signature.into()).unwrap()
    }

    async fn sent(&self, bundle: &Bundle, key: &PrivateKeySigner) -> Result<SignedReceipt, StepError> {
        let agreed = self.signed(bundle, key).await;
        contributing::send(&self.town.account(key), &self.known().await, bundle, &agreed, |_| ()).await
    }

    /// Records a consent on chain at the steward's cost, and sends nothing.
    async fn record(&self, agreed: &Agreement) {
        let (relay, contribution) = (self.town.account(&self.steward), agreed.contribution.clone());
        let commitments = MerkleTree::new(&[contribution.commitment]).unwrap();
        consent::commit(&relay, &commitments).await.unwrap();
        let signed = consent::Signed { contribution, signature: agreed.signature.clone().unwrap() };
        consent::contribute(&relay, &commitments, &[signed]).await.unwrap();
    }

    /// Somebody new gives records; who, the consent's id, and the bundle.
    async fn given(&self, name: &str, records: &[Record]) -> (PrivateKeySigner, B256, Bundle) {
        let key = self.town.resident().await;
        let bundle = self.prepared(name, records).await;
        let id = self.sent(&bundle, &key).await.unwrap().receipt.contributionId;
        (key, id, bundle)
    }

    async fn snapshot(&self) -> Result<Published, StepError> {
        steps::dataset::snapshot(&self.town.account(&self.steward), &self.data, &SPLIT.held_out).await
    }

    async fn train(&self, builder: Address) -> Result<TrainedRelease, StepError> {
        self.train_while(builder, || ()).await
    }

    /// Trains; something else happens at the first step.
    async fn train_while(&self, builder: Address, mut meanwhile: impl FnMut()) -> Result<TrainedRelease, StepError> {
        let mut steps = 0;
        let on_step = |_| {
            steps += 1;
            if steps == 1 {
                meanwhile();
            }
        };
        let recipe = tributary_factory::TrainingRecipe::default();
        let training = Training::new(builder, &recipe, &SPLIT.held_out, &SPLIT.test);
        let runtime = tributary_runtime::OnnxRuntime::load(None).unwrap();
        steps::model::build(&runtime, &self.town.chain, &self.data, training, on_step).await
    }

    async fn grant(&self, to: Address, purposes: Purposes) {
        let dataset = self.data.dataset().unwrap().asset;
        steps::dataset::grant(&self.town.account(&self.steward), dataset, to, purposes, DAY).await.unwrap();
    }
}

/// The code of a refusal over HTTP.
fn code<T: std::fmt::Debug>(result: Result<T, StepError>) -> String {
    match result.unwrap_err() {
        StepError::Client(ClientError::Refused { code, message, .. }) => {
            assert!(message.len() > 10, "{message}");
            code
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_contribution_is_signed_for_goes_on_where_it_was_broken_off_and_is_proven_to_be_in_the_snapshot() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let (key, chain) = (office.town.resident().await, &office.town.chain);
        let bundle = office.prepared("mine", &SPLIT.training[..100]).await;
        let agreed = office.signed(&bundle, &key).await;
        let (id, client) = (agreed.id(chain), DatasetClient::connect(&office.url).await.unwrap());

        // Broken off after the consent: the host has a root, and no record.
        let announced = NewContribution {
            contribution: agreed.contribution.clone(),
            signature: agreed.signature.clone().unwrap(),
            parts: bundle.summary().parts.clone(),
        };
        let here = client.announce(&announced).await.unwrap();
        assert_eq!((here.missing.clone(), here.is_recorded, here.receipt), (vec![0], false, None));
        let early = client.receipt(id).await;
        assert!(matches!(early, Err(ClientError::Refused { code, .. }) if code == "incomplete"));

        let mut heard = Vec::new();
        let relay = office.town.account(&key);
        let send = |heard: &mut Vec<u64>| {
            let (relay, known, bundle, agreed) = (relay.clone(), office.known(), bundle.clone(), agreed.clone());
            let mut bytes = std::mem::take(heard);
            async move {
                let signed = contributing::send(&relay, &known.await, &bundle, &agreed, |sent| bytes.push(sent)).await;
                (signed.unwrap(), bytes)
            }
        };
        let (first, bytes) = send(&mut heard).await;
        assert_eq!(*bytes.last().unwrap(), bundle.summary().parts[0].bytes);
        assert_eq!((first.receipt.records, first.receipt.contributor), (100, key.address()));
        // Sent again, nothing changes: the same receipt, and one consent on chain.
        assert_eq!(send(&mut heard).await.0, first);
        assert_eq!(office.collection().kept_ids().unwrap(), [id]);
        // Prepared again in the same folder, it is the same contribution.
        assert_eq!(office.prepared("mine", &SPLIT.training[..100]).await.summary(), bundle.summary());

        let published = office.snapshot().await.unwrap();
        let standing = contributing::standing(chain, &office.known().await, &bundle, 1).await.unwrap();
        assert_eq!((standing.records, standing.inside.len(), standing.outside.len()), (100, 100, 0));
        assert_eq!(published.manifest.records, 100);
        let counts = consent::committed_in(chain, published.manifest.counts_root, 1).await.unwrap();
        assert!(counts.is_some(), "how many records each contributor has is on chain");
        office.close().await;
    });
}

#[test]
fn records_are_sealed_on_disk_and_opened_for_nobody_without_a_grant_and_a_line_in_the_log() {
    run(async {
        let office = Office::open(Town::start().await, |_| ()).await;
        office.given("mine", &SPLIT.training[..200]).await;
        office.snapshot().await.unwrap();
        let first = SPLIT.training[0].bytes();
        for file in files(&office.folder.path().join("records")) {
            let bytes = fs::read(&file).unwrap();
            assert!(!bytes.windows(first.len()).any(|window| window == first), "{} shows a record", file.display());
        }
        let builder = office.town.resident().await.address();
        let log = || office.collection().access_lines().unwrap();
        let before = log();
        let refused = office.train(builder).await.unwrap_err();
        assert!(matches!(refused, StepError::Dataset(DatasetError::NoGrant { .. })), "{refused}");
        // A grant for something else, and one that the contributors did not agree to.
        office.grant(builder, Purposes::EVALUATE).await;
        let refused = office.train(builder).await.unwrap_err();
        assert!(matches!(refused, StepError::Dataset(DatasetError::PurposeMissing { .. })), "{refused}");
        office.grant(builder, Purposes::AUDIT).await;
        let reading = Reading { by: builder, purposes: Purposes::AUDIT, version: None };
        let refused = office.collection().open_for(reading, None).await.unwrap_err();
        assert!(matches!(refused, DatasetRefusal::NotChartered(_)), "{refused}");
        let reading = Reading { by: builder, purposes: Purposes::CURATE, version: None };
        assert!(office.collection().open_for(reading, None).await.is_err());
        assert_eq!(log(), before, "nothing was opened");

        office.grant(builder, Purposes::TRAIN).await;
        office.train(builder).await.unwrap();
        let entries = contributing::access_log(&office.town.chain, &office.known().await).await.unwrap();
        let lines = log();
        assert!(lines.starts_with(&before) && entries.len() == 2);
        let last = &entries[1].access;
        assert_eq!((last.by, last.purposes, last.version, last.records), (builder, Purposes::TRAIN, Some(1), 200));

        // Somebody who keeps the log leaves their own line out: whoever looks sees it.
        fs::write(office.folder.path().join("access.jsonl"), &lines[before.len()..]).unwrap();
        assert!(contributing::access_log(&office.town.chain, &office.known().await).await.is_err());
        fs::write(office.folder.path().join("access.jsonl"), &lines).unwrap();

        let dataset = office.data.dataset().unwrap().asset;
        consent::revoke(&office.town.account(&office.steward), dataset, builder).await.unwrap();
        assert!(office.train(builder).await.is_err(), "the grant was revoked");
        office.close().await;
    });
}

fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn consents_that_are_not_to_this_dataset_by_its_contributor_are_refused() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let other = Office::open(Town::shared().await, |charter| charter.name = "other".into()).await;
        let (key, chain) = (office.town.resident().await, &office.town.chain);
        let bundle = office.prepared("mine", &SPLIT.training[..20]).await;
        let agreed = office.signed(&bundle, &key).await;
        let client = DatasetClient::connect(&office.url).await.unwrap();
        let refused = async |change: &dyn Fn(&mut Contribution), signer: &PrivateKeySigner| {
            let mut contribution = agreed.contribution.clone();
            change(&mut contribution);
            let signature = typed_data::sign(&contribution, &chain.consent_domain(), signer).unwrap().into();
            let new = NewContribution { contribution, signature, parts: bundle.summary().parts.clone() };
            match client.announce(&new).await {
                Err(ClientError::Refused { code, .. }) => code,
                other => panic!("{other:?}"),
            }
        };
        let dataset = other.data.dataset().unwrap().asset.0;
        assert_eq!(refused(&|consent| consent.datasetId = dataset, &key).await, "other_dataset");
        assert_eq!(refused(&|consent| consent.termsHash = word(), &key).await, "other_terms");
        assert_eq!(refused(&|consent| consent.payPolicyHash = word(), &key).await, "other_pay_policy");
        assert_eq!(refused(&|consent| consent.nonce += U256::ONE, &key).await, "bad_parts");
        assert_eq!(refused(&|consent| consent.deadline = 1, &key).await, "consent_expired");
        assert_eq!(refused(&|consent| consent.records = 0, &key).await, "bad_parts");
        assert_eq!(refused(&|_| (), &PrivateKeySigner::random()).await, "bad_signature");
        let nobody = NewContribution {
            contribution: agreed.contribution.clone(),
            signature: Bytes::from_static(b"no signature"),
            parts: bundle.summary().parts.clone(),
        };
        assert!(matches!(client.announce(&nobody).await, Err(ClientError::Refused { status: 401, .. })));
        assert!(office.collection().kept_ids().unwrap().is_empty(), "nothing is left of any of them");

        // Once it is recorded, its nonce is good for no other consent.
        office.sent(&bundle, &key).await.unwrap();
        assert_eq!(refused(&|consent| consent.deadline += 1, &key).await, "nonce_used");
        // A bundle for this dataset is nothing to the other one.
        let known = contributing::ask(chain, &other.url).await.unwrap();
        let file = office.folder.path().join("mine.csv");
        let prepared = contributing::prepare(&known, &file, bundle.folder());
        assert!(matches!(prepared, Err(StepError::OtherBundle { .. })), "{prepared:?}");
        office.close().await;
        other.close().await;
    });
}

#[test]
fn parts_that_are_not_what_was_signed_for_are_refused_and_may_be_sent_again() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let key = office.town.resident().await;
        let bundle = office.prepared("mine", &SPLIT.training[..20]).await;
        let path = bundle.folder().join("part-00000.bin");
        let part = fs::read(&path).unwrap();

        // Changed on the contributor's machine.
        fs::write(&path, [&part[..], &[0]].concat()).unwrap();
        let refused = office.sent(&bundle, &key).await.unwrap_err();
        assert!(matches!(refused, StepError::Dataset(DatasetError::Unreadable { .. })), "{refused}");
        fs::write(&path, &part).unwrap();
        // Changed on the way, and not what was announced.
        let agreed = office.signed(&bundle, &key).await;
        let (id, client) = (agreed.id(&office.town.chain), DatasetClient::connect(&office.url).await.unwrap());
        let sent = async |place, bytes: Vec<u8>| match client.send_part(id, place, bytes).await {
            Err(ClientError::Refused { code, .. }) => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(sent(0, part[..part.len() / 2].to_vec()).await, "other_part");
        assert_eq!(sent(1, part.clone()).await, "unknown_part");
        let unknown = client.send_part(word(), 0, part.clone()).await;
        assert!(matches!(unknown, Err(ClientError::Refused { code, .. }) if code == "unknown_contribution"));

        // Announced as they are, and still not what was signed for, or not as the schema says.
        for (what, expected) in [(0, "wrong_commitment"), (16, "against_the_schema")] {
            let other = office.town.resident().await;
            let bundle = office.prepared(&format!("other-{what}"), &SPLIT.training[20..40]).await;
            let agreed = office.signed(&bundle, &other).await;
            let mut bytes = bundle.part(0).unwrap();
            // The first value of the first record: another grey, and none that there is.
            bytes[53] = bytes[53] % 16 + 1 + what;
            let parts = vec![PartSummary { hash: keccak256(&bytes), bytes: bytes.len() as u64 }];
            // Parts that its contributor did not sign for are nobody's.
            let signature = agreed.signature.clone().unwrap();
            let new = NewContribution { contribution: agreed.contribution.clone(), signature, parts: parts.clone() };
            let refused = client.announce(&new).await;
            assert!(matches!(refused, Err(ClientError::Refused { code, .. }) if code == "bad_parts"));
            let mut contribution = agreed.contribution.clone();
            contribution.nonce = bundle::nonce(contribution.commitment, &parts);
            let signature = typed_data::sign(&contribution, &office.town.chain.consent_domain(), &other).unwrap();
            let agreed = Agreement { contribution: contribution.clone(), signature: Some(signature.clone().into()) };
            let id = agreed.id(&office.town.chain);
            client.announce(&NewContribution { contribution, signature: signature.into(), parts }).await.unwrap();
            let early = client.send_part(id, 0, bytes.clone()).await;
            assert!(matches!(early, Err(ClientError::Refused { code, .. }) if code == "not_recorded"));
            office.record(&agreed).await;
            let result = match client.send_part(id, 0, bytes).await {
                Ok(()) => client.receipt(id).await.map(|_| ()),
                refused => refused,
            };
            assert!(matches!(result, Err(ClientError::Refused { code, .. }) if code == expected));
            assert_eq!(client.contribution(id).await.unwrap().missing, [0], "nothing of it is here");
        }
        assert!(files(&office.folder.path().join("records")).is_empty(), "nothing of it was kept");
        assert_eq!(office.sent(&bundle, &key).await.unwrap().receipt.records, 20);
        office.close().await;
    });
}

#[test]
fn who_may_contribute_is_as_the_charter_says() {
    run(async {
        let town = Town::shared().await;
        let (listed, stranger) = (town.resident().await, town.resident().await);
        let members = BTreeSet::from([listed.address()]);
        let office = Office::open(town.clone(), |charter| charter.membership = Membership::Listed { members }).await;
        let bundle = office.prepared("mine", &SPLIT.training[..20]).await;
        assert_eq!(code(office.sent(&bundle, &stranger).await), "not_a_member");
        let bundle = office.prepared("theirs", &SPLIT.training[..20]).await;
        office.sent(&bundle, &listed).await.unwrap();
        office.close().await;

        let rule = Membership::Holders { token: town.dollar, least: U256::from(100) };
        let office = Office::open(town.clone(), |charter| charter.membership = rule).await;
        let bundle = office.prepared("mine", &SPLIT.training[..20]).await;
        assert_eq!(code(office.sent(&bundle, &stranger).await), "not_a_member");
        town.mint(&stranger, 100).await;
        office.sent(&bundle, &stranger).await.unwrap();
        office.close().await;

        let office = Office::open(town.clone(), |charter| charter.membership = Membership::Admitted).await;
        let bundle = office.prepared("mine", &SPLIT.training[..20]).await;
        assert_eq!(code(office.sent(&bundle, &stranger).await), "not_a_member");
        office.grant(stranger.address(), Purposes::CONTRIBUTE).await;
        office.sent(&bundle, &stranger).await.unwrap();
        office.close().await;
    });
}

#[test]
fn a_withdrawn_record_is_proven_to_be_out_of_the_next_snapshot_and_is_erased_when_its_contributor_asks() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let (chain, builder) = (&office.town.chain, office.town.resident().await.address());
        let (key, id, bundle) = office.given("mine", &SPLIT.training[..120]).await;
        office.snapshot().await.unwrap();
        office.grant(builder, Purposes::TRAIN).await;
        office.train(builder).await.unwrap();

        let (known, agreed) = (office.known().await, office.signed(&bundle, &key).await);
        contributing::withdraw_record(&office.town.account(&key), &known, &bundle, &agreed, 7).await.unwrap();
        let refused = office.train(builder).await.unwrap_err();
        assert!(matches!(refused, StepError::Dataset(DatasetError::Withdrawn { .. })), "{refused}");
        let published = office.snapshot().await.unwrap();
        assert_eq!((published.manifest.records, published.outcome.withdrawn_records), (119, 1));
        let standing = contributing::standing(chain, &office.known().await, &bundle, 2).await.unwrap();
        assert_eq!((standing.inside.len(), standing.outside), (119, vec![7]));
        office.train(builder).await.unwrap();

        // Nobody else has it deleted, and nothing but what is withdrawn or rejected is.
        let client = DatasetClient::connect(&office.url).await.unwrap();
        let until = office.town.now().await + 60;
        let erase = async |by: &PrivateKeySigner, until| {
            let erasure = Erasure { contributionId: id, until };
            let signature = typed_data::sign(&erasure, &chain.consent_domain(), by).unwrap().into();
            client.erase(&SignedErasure { erasure, signature }).await
        };
        let refused = erase(&office.steward, until).await;
        assert!(matches!(refused, Err(ClientError::Refused { code, .. }) if code == "bad_signature"));
        let refused = erase(&key, until + 2 * DAY).await;
        assert!(matches!(refused, Err(ClientError::Refused { code, .. }) if code == "signed_for_another_time"));
        let before = files(&office.folder.path().join("records"));
        assert_eq!(erase(&key, until).await.unwrap().records, 1);
        assert_eq!(erase(&key, until).await.unwrap().records, 0, "it is gone");
        let after = files(&office.folder.path().join("records"));
        assert!(before.len() == after.len() && before != after, "the blob that held it is gone");
        // What is left is still what was signed for, and makes the same snapshot.
        assert_eq!(office.snapshot().await.unwrap().manifest.root, published.manifest.root);

        consent::withdraw(&office.town.account(&key), id).await.unwrap();
        let empty = office.snapshot().await.unwrap_err();
        assert!(matches!(empty, StepError::Dataset(DatasetError::EmptySnapshot)), "{empty}");
        assert_eq!(erase(&key, until).await.unwrap().records, 120);
        assert!(files(&office.folder.path().join("records")).is_empty());
        office.close().await;
    });
}

#[test]
fn what_is_revoked_or_withdrawn_while_a_model_trains_leaves_no_release() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let (key, id, _) = office.given("mine", &SPLIT.training[..60]).await;
        office.snapshot().await.unwrap();
        let (builder, dataset) = (office.town.resident().await.address(), office.data.dataset().unwrap().asset);
        let elsewhere = |act: &(dyn Fn() + Sync)| std::thread::scope(|scope| scope.spawn(act).join().unwrap());

        office.grant(builder, Purposes::TRAIN).await;
        let revoke = || {
            elsewhere(&|| {
                run(consent::revoke(&office.town.account(&office.steward), dataset, builder)).unwrap();
            });
        };
        // Nothing is written, and no weights are left to go on from.
        let nothing_left = || {
            let runs: Vec<_> = fs::read_dir(office.data.runs()).unwrap().map(|run| run.unwrap().path()).collect();
            assert!(!runs.is_empty() && runs.iter().all(|run| !run.join("state.safetensors").exists()), "{runs:?}");
            assert!(!office.data.release().exists());
        };
        let refused = office.train_while(builder, revoke).await.unwrap_err();
        assert!(matches!(refused, StepError::Dataset(DatasetError::NoGrant { .. })), "{refused}");
        nothing_left();

        office.grant(builder, Purposes::TRAIN).await;
        let withdraw = || elsewhere(&|| run(consent::withdraw(&office.town.account(&key), id)).unwrap());
        let refused = office.train_while(builder, withdraw).await.unwrap_err();
        assert!(matches!(refused, StepError::Dataset(DatasetError::Withdrawn { .. })), "{refused}");
        nothing_left();
        office.close().await;
    });
}

#[test]
fn a_blob_that_was_changed_is_said_to_be_stops_everything_and_is_mended_by_sending_it_again() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let builder = office.town.resident().await.address();
        let (key, _, bundle) = office.given("mine", &SPLIT.training[..60]).await;
        office.given("theirs", &SPLIT.training[60..120]).await;
        let root = office.snapshot().await.unwrap().manifest.root;
        office.grant(builder, Purposes::TRAIN).await;
        // A store that is away is no reason to forget anything.
        let (records, away) = (office.folder.path().join("records"), office.folder.path().join("away"));
        fs::rename(&records, &away).unwrap();
        fs::create_dir(&records).unwrap();
        assert!(matches!(office.collection().mend().await, Err(DatasetRefusal::NothingThere)));
        fs::remove_dir_all(&records).unwrap();
        fs::rename(&away, &records).unwrap();
        assert!(office.collection().mend().await.unwrap().is_empty());

        for change in [|bytes: &mut Vec<u8>| bytes[40] ^= 1, |bytes: &mut Vec<u8>| bytes.truncate(100)] {
            let path = files(&office.folder.path().join("records")).remove(0);
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
            for refused in [office.snapshot().await.err(), office.train(builder).await.err()] {
                let refused = refused.unwrap();
                assert!(matches!(refused, StepError::Dataset(DatasetError::BlobAltered { .. })), "{refused}");
            }
            let lost = office.collection().mend().await.unwrap();
            assert_eq!(lost.len(), 1);
            for name in ["mine", "theirs"] {
                // Whoever is concerned sends again; for the other nothing happens.
                let bundle = Bundle::open(&office.folder.path().join(name)).unwrap();
                let agreement = contributing::signed(&bundle).unwrap();
                let relay = office.town.account(&key);
                contributing::send(&relay, &office.known().await, &bundle, &agreement, |_| ()).await.unwrap();
            }
            assert_eq!(office.snapshot().await.unwrap().manifest.root, root);
        }
        assert_eq!((bundle.summary().records, files(&records).len()), (60, 2), "no blob is left that nothing names");
        office.train(builder).await.unwrap();
        office.close().await;
    });
}

#[test]
fn a_rejected_record_is_appealed_and_a_ruling_of_the_curator_holds_from_the_next_snapshot() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        office.given("first", &SPLIT.training[..60]).await;
        // A copy of somebody else's, and a held-out record.
        let records = [&SPLIT.training[60..80], &SPLIT.training[..1], &SPLIT.held_out[..1]].concat();
        let (key, id, _) = office.given("second", &records).await;
        let published = office.snapshot().await.unwrap();
        assert_eq!((published.manifest.records, published.outcome.offered), (80, 82));

        let client = DatasetClient::connect(&office.url).await.unwrap();
        let appeal = async |place, by: &PrivateKeySigner| {
            let appeal = Appeal { contributionId: id, place, reason: "I wrote it myself.".into() };
            let signature = typed_data::sign(&appeal, &office.town.chain.consent_domain(), by).unwrap().into();
            client.appeal(&SignedAppeal { appeal, signature }).await
        };
        appeal(20, &key).await.unwrap();
        assert!(matches!(appeal(20, &office.steward).await, Err(ClientError::Refused { status: 401, .. })));
        assert!(matches!(appeal(22, &key).await, Err(ClientError::Refused { code, .. }) if code == "unknown_record"));
        let collection = office.collection();
        assert_eq!(collection.review().unwrap().appeals.len(), 1);
        let ruling = |place, by: &PrivateKeySigner| Ruling {
            contribution: id,
            place,
            decision: Decision::Accept,
            reason: "it is".into(),
            by: by.address(),
        };
        let refused = collection.rule(vec![ruling(20, &key)]).await.unwrap_err();
        assert!(matches!(refused, DatasetRefusal::NotCurator(_)), "{refused}");
        collection.rule(vec![ruling(20, &office.steward)]).await.unwrap();
        assert!(collection.review().unwrap().appeals.is_empty());
        // What was ruled before an appeal is no answer to it.
        appeal(20, &key).await.unwrap();
        assert_eq!(collection.review().unwrap().appeals.len(), 1);
        collection.rule(vec![ruling(20, &office.steward)]).await.unwrap();
        // Nobody trains on what is held out, whatever is ruled.
        collection.rule(vec![ruling(21, &office.steward)]).await.unwrap();
        assert!(collection.review().unwrap().appeals.is_empty());
        let published = office.snapshot().await.unwrap();
        assert_eq!(published.manifest.records, 81);
        let report = client.screening(2).await.unwrap();
        assert_eq!(keccak256(&report), published.manifest.screening_hash);
        assert!(String::from_utf8(report).unwrap().contains("it is"), "the ruling is in the report");
        office.close().await;
    });
}

#[test]
fn parts_of_two_seeds_and_places_without_records_are_refused() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let client = DatasetClient::connect(&office.url).await.unwrap();
        let record = |place: usize| Entry::Record(SPLIT.training[place].clone());
        let two = |first: Vec<Entry>, second: Vec<Entry>, seed: B256| {
            let from = first.len() as u64;
            [Part { seed: B256::ZERO, first: 0, entries: first }, Part { seed, first: from, entries: second }]
        };
        let whole = |count: usize| (0..count).map(record).collect::<Vec<Entry>>();
        let cases = [
            (two(whole(5), vec![record(5)], B256::repeat_byte(1)), "wrong_commitment"),
            (two(whole(5), vec![], B256::ZERO), "bad_part"),
            (two(whole(5), vec![Entry::Erased(word())], B256::ZERO), "bad_part"),
        ];
        for (parts, expected) in cases {
            let key = office.town.resident().await;
            let commitment = |part: &Part| {
                (part.first..).zip(&part.entries).map(|(place, entry)| entry.commitment(part.seed, place)).collect()
            };
            let commitments: Vec<B256> = parts.iter().flat_map(commitment as fn(&Part) -> Vec<B256>).collect();
            let bytes: Vec<Vec<u8>> = parts.iter().map(Part::encode).collect();
            let summaries: Vec<PartSummary> =
                bytes.iter().map(|bytes| PartSummary { hash: keccak256(bytes), bytes: bytes.len() as u64 }).collect();
            let given = Given {
                commitment: contribution_root(&commitments).unwrap(),
                records: commitments.len() as u64,
                contributor: key.address(),
                deadline: office.town.now().await + DAY,
            };
            let contribution = given.agreement(&office.collection(), &summaries).unwrap();
            let signature = typed_data::sign(&contribution, &office.town.chain.consent_domain(), &key).unwrap();
            let agreed = Agreement { contribution: contribution.clone(), signature: Some(signature.clone().into()) };
            let id = agreed.id(&office.town.chain);
            let new = NewContribution { contribution, signature: signature.into(), parts: summaries };
            client.announce(&new).await.unwrap();
            office.record(&agreed).await;
            client.send_part(id, 0, bytes[0].clone()).await.unwrap();
            let result = match client.send_part(id, 1, bytes[1].clone()).await {
                Ok(()) => client.receipt(id).await.map(|_| ()),
                refused => refused,
            };
            let code = match result {
                Err(ClientError::Refused { code, .. }) => code,
                other => panic!("{other:?}"),
            };
            assert_eq!(code, expected);
        }
        // Nobody else is kept from anything by them.
        office.given("mine", &SPLIT.training[10..40]).await;
        assert_eq!(office.snapshot().await.unwrap().manifest.records, 30);
        office.close().await;
    });
}

#[test]
fn the_same_records_under_the_same_seed_are_taken_once_and_can_be_trained_on() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let builder = office.town.resident().await.address();
        let (key, _, _) = office.given("mine", &SPLIT.training[..40]).await;
        // More records after the same ones, from the same seed: only a contributor's own program can do that.
        let seed =
            Part::decode(&fs::read(office.folder.path().join("mine/part-00000.bin")).unwrap(), &Schema::digits());
        let folder = office.folder.path().join("again");
        let (dataset, terms) = (office.collection().asset(), office.collection().terms_hash());
        let mut writer = BundleWriter::new(&folder, dataset, terms, seed.unwrap().seed).unwrap();
        SPLIT.training[..60].iter().try_for_each(|record| writer.push(record.clone())).unwrap();
        let bundle = writer.finish().unwrap();
        office.sent(&bundle, &key).await.unwrap();
        let published = office.snapshot().await.unwrap();
        assert_eq!((published.manifest.records, published.outcome.repeated), (60, 40));
        office.grant(builder, Purposes::TRAIN).await;
        office.train(builder).await.unwrap();
        office.close().await;
    });
}

#[test]
fn a_folder_holds_one_dataset_and_creating_it_goes_on_where_it_was_broken_off() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let steward = office.town.account(&office.steward);
        let mut other = digits(&office.steward);
        other.charter.name = "other".into();
        let refused = steps::dataset::create(&steward, &office.data, other).await.unwrap_err();
        assert!(matches!(refused, StepError::DatasetExists { .. }), "{refused}");
        let before = office.data.dataset().unwrap();
        fs::remove_file(office.folder.path().join("dataset.json")).unwrap();
        let again = steps::dataset::create(&steward, &office.data, digits(&office.steward)).await.unwrap();
        assert_eq!((again.asset, again.vault, again.terms_hash), (before.asset, before.vault, before.terms_hash));
        office.given("mine", &SPLIT.training[..20]).await;
        office.close().await;
    });
}

#[test]
fn a_signed_contribution_is_its_signers() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let (_, _, bundle) = office.given("mine", &SPLIT.training[..20]).await;
        let consent = fs::read(bundle.folder().join("consent.json")).unwrap();
        let (chain, known) = (&office.town.chain, office.known().await);
        let refused = contributing::agreement(chain, &known, &bundle, office.steward.address()).await.unwrap_err();
        assert!(matches!(refused, StepError::OtherSigner { .. }), "{refused}");
        assert_eq!(fs::read(bundle.folder().join("consent.json")).unwrap(), consent);
        office.close().await;
    });
}

#[test]
fn uploads_and_screenings_that_are_killed_end_as_if_they_had_not_been() {
    const RECORDS: usize = 60_000;
    run(async {
        let town = Town::shared().await;
        let (steward, contributor) = (town.resident().await, town.resident().await);
        let program = Program::new(town.chain.url(), None, &[&steward, &contributor]);
        program.file("held-out.csv", "0,0\n");
        program.file("terms.txt", "Train on these.");
        let schema = "task = \"classification\"\n[features]\nkind = \"table\"\ncolumns = [{ name = \"a\", kind = \"whole\" }]\n\
                      [label]\nkind = \"class\"\nnames = [\"0\", \"1\"]\n";
        program.file("schema.toml", schema);
        let lines: String = (0..RECORDS).map(|record| format!("{},{}\n", record + 1, record % 2)).collect();
        program.file("records.csv", &lines);
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<String>>();
        let create = "dataset create --name numbers --schema schema.toml --terms terms.txt --held-out held-out.csv";
        program.run(steward.clone(), &words(create)).fine();

        let serve = words("dataset serve --listen 127.0.0.1:0");
        let mut killed = 0;
        let mut milliseconds = 20;
        let receipt = program.folder.path().join("bundle/receipt.json");
        while !receipt.exists() {
            let host = program.serve(&steward, &serve);
            let contribute =
                words(&format!("dataset contribute --host {} --records records.csv --bundle bundle", host.url));
            let early = program.killed_after(&contributor, &contribute, milliseconds);
            killed += usize::from(early);
            // The host is killed as well: dropping it kills it.
            drop(host);
            milliseconds += 60;
        }
        assert!(killed > 0, "every upload came to its end");
        let signed: SignedReceipt = serde_json::from_slice(&fs::read(&receipt).unwrap()).unwrap();
        let bundle = Bundle::open(&program.folder.path().join("bundle")).unwrap();
        assert_eq!(signed.receipt.commitment, bundle.summary().commitment);
        assert_eq!(signed.receipt.records, RECORDS as u64);

        let screen = words("dataset screen --held-out held-out.csv");
        program.run(steward.clone(), &screen).fine();
        let report = |name: &str| fs::read(program.folder.path().join("tributary-data").join(name)).unwrap();
        let whole = report("screening.json");
        let mut milliseconds = 50;
        while program.killed_after(&steward, &screen, milliseconds) {
            assert_eq!(report("screening.json"), whole, "half a report was left");
            milliseconds += 150;
        }
        assert_eq!(report("screening.json"), whole);
        let said = program.run(steward.clone(), &words("dataset snapshot --held-out held-out.csv")).fine();
        assert!(said.contains("snapshot 1"), "{said}");
    });
}

#[test]
fn a_dataset_is_kept_by_commands_from_charter_to_erasure() {
    run(async {
        let town = Town::shared().await;
        let (steward, giver) = (town.resident().await, town.resident().await);
        let program = Program::new(town.chain.url(), None, &[&steward, &giver]);
        program.file("held-out.csv", &csv(&SPLIT.held_out));
        program.file("terms.txt", "Train on these.");
        program.file("members.txt", &format!("{}\n", giver.address()));
        program.file("screening.toml", "radius = 5.0\noutlier = 0.0\nfolds = 0\n");
        program.file("mine.csv", &csv(&[&SPLIT.training[..30], &SPLIT.held_out[..1]].concat()));
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/digits.toml");
        let words = |line: String| line.split(' ').map(str::to_owned).collect::<Vec<String>>();
        let by = |key: &PrivateKeySigner, line: String| program.run(key.clone(), &words(format!("dataset {line}")));
        let create = format!(
            "create --name digits --schema {schema} --terms terms.txt --members members.txt --screening screening.toml \
             --held-out held-out.csv"
        );
        assert!(by(&steward, create.clone()).fine().contains("dataset.key"));
        by(&steward, create).failed(&["holds a dataset already"]);
        let server = program.serve(&steward, &words("dataset serve --listen 127.0.0.1:0".to_owned()));
        let url = &server.url;
        let contribute = format!("contribute --host {url} --records mine.csv --bundle");
        by(&steward, format!("{contribute} stewards")).failed(&["may not contribute", "charter's list"]);

        // A wallet elsewhere signs the typed data that is printed.
        let asked = by(&steward, format!("{contribute} mine --contributor {}", giver.address()));
        assert!(asked.err.contains("--signature"), "{}", asked.err);
        let typed: serde_json::Value = serde_json::from_str(&asked.fine()).unwrap();
        assert_eq!(typed["primaryType"], "Contribution");
        let consent = fs::read(program.folder.path().join("mine/consent.json")).unwrap();
        let agreed: Agreement = serde_json::from_slice(&consent).unwrap();
        let signature = typed_data::sign(&agreed.contribution, &town.chain.consent_domain(), &giver).unwrap();
        let signature = Bytes::from(signature);
        let sent = format!("{contribute} mine --contributor {} --signature {signature}", giver.address());
        assert!(by(&steward, sent).fine().contains("the host has signed for 31 records"));
        let id = agreed.id(&town.chain);

        let held_out = "--held-out held-out.csv";
        let said = by(&steward, format!("screen {held_out}")).fine();
        assert!(said.contains("30 of 31 records accepted") && said.contains("1 rejected"), "{said}");
        let report = fs::read_to_string(program.folder.path().join("tributary-data/screening.md")).unwrap();
        assert!(report.contains("held-out"), "{report}");
        let said = by(&steward, format!("snapshot {held_out}")).fine();
        assert!(said.contains("snapshot 1 of dataset"), "{said}");
        let said = by(&giver, format!("status --host {url} --bundle mine")).fine();
        assert!(said.contains("30 of your records are among its 30, 1 are not"), "{said}");

        let on = format!("--host {url} --contribution {id}");
        by(&giver, format!("appeal {on} --place 30 --reason mine")).fine();
        assert!(by(&steward, "appeals".to_owned()).fine().contains("1 appeals wait"));
        let rule = format!("rule --contribution {id} --place 30 --decision reject --reason no");
        by(&giver, rule.clone()).failed(&["may not decide"]);
        by(&steward, rule).fine();
        assert!(by(&steward, "appeals".to_owned()).fine().contains("0 appeals wait"));
        by(&giver, format!("withdraw --bundle mine --host {url} --place 3")).fine();
        assert!(by(&giver, format!("erase {on}")).fine().contains("2 records"));
        by(&steward, format!("erase {on}")).failed(&["did not sign"]);
        by(&steward, format!("snapshot {held_out}")).fine();
        let said = by(&giver, format!("status --host {url} --bundle mine")).fine();
        assert!(said.contains("snapshot 2: 29 of your records"), "{said}");
        let said = by(&giver, format!("access-log --host {url}")).fine();
        assert!(said.contains("curate all: 31 records") && said.contains("3 entries"), "{said}");
        assert!(by(&steward, "mend".to_owned()).fine().contains("0 contributions have lost"));
        by(&steward, format!("grant --to {} --purposes train,evaluate", giver.address())).fine();
        by(&steward, format!("revoke --from {}", giver.address())).fine();
        by(&steward, "grant --to 0x00 --purposes train".to_owned());
        assert_eq!(server.stop().code, Some(0));
    });
}

#[test]
fn contributors_to_a_folder_of_this_machine_are_taken_alike() {
    run(async {
        let office = Office::open(Town::shared().await, |_| ()).await;
        let key = office.town.resident().await;
        let giver = Giver { key, records: SPLIT.training[..30].to_vec() };
        let relay = office.town.account(&office.steward);
        let ids = steps::dataset::contribute(&relay, &office.steward, &office.data, vec![giver]).await.unwrap();
        let client = DatasetClient::connect(&office.url).await.unwrap();
        let here = client.contribution(ids[0]).await.unwrap();
        assert!(here.is_recorded && here.receipt.is_some() && here.missing.is_empty());
        office.close().await;
    });
}
