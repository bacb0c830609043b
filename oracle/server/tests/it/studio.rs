//! From records to a served model, by the steps that the commands call, at a quarter of the demo's size.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, U256},
    signers::local::PrivateKeySigner,
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};
use tributary_chain::{licenses::rights, revenue};
use tributary_dataset::{
    Record, Schema, Split, SplitSizes,
    access::Purposes,
    charter::{Charter, Membership},
    partition, read, records_hash,
    screening::ScreeningRules,
};
use tributary_factory::{
    ReleaseFiles, TrainingRecipe,
    base::Adaptation,
    train::{BaseStart, Start},
};
use tributary_runtime::{ModelOptions, OnnxRuntime};
use tributary_sdk::{
    api::{Infer, Inferred},
    client::{Client, Session},
    contracts::registry::{Derivation, Shares},
    release::{Manifest, SketchReaders},
};
use tributary_server::{
    host::{Host, Opening, Shelf, Source},
    http::{Access, Listening, Patience, ServeError},
    secret::Secret,
    steps::{
        self, DataFolder, StepError,
        data::ModelState,
        dataset::{Giver, NewDataset, Published},
        license::{NewOffer, Revocation},
        model::{TrainedRelease, Training},
        release::{Arbitration, BaseEdge, NewModel},
    },
};

use tributary_settlement::Policy;

use crate::town::{DAY, Town, folder, word};

const SIZES: SplitSizes = SplitSizes { training: 300, held_out: 60, test: 60 };
const CONTRIBUTORS: usize = 4;
const PRICE: u128 = 1_000_000_000;

pub(crate) const POOL_BPS: u16 = 6_000;
pub(crate) const WINDOW: u32 = 3_600;
pub(crate) const ARBITER_PERIOD: u32 = 2 * 3_600;
/// Of posters and of challengers, in wei.
pub(crate) const BOND: u64 = 1_000_001;

/// Real digits, the same in every test.
pub(crate) static SPLIT: LazyLock<Split> = LazyLock::new(|| {
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    Split::new(read::all(&digits, &Schema::digits()).unwrap(), SIZES, 0).unwrap()
});

/// Records as the program reads them.
pub(crate) fn csv(records: &[Record]) -> String {
    let schema = Schema::digits();
    records.iter().map(|record| schema.spell(record).join(",") + "\n").collect()
}

/// Test image number `place`, as a request carries it.
pub(crate) fn image(place: usize) -> Vec<f32> {
    Schema::digits().numbers(&SPLIT.test[place]).into_iter().map(|value| value as f32).collect()
}

/// What a steward registers for digits: screened for copies alone, so that tests know what is accepted.
pub(crate) fn digits(steward: &PrivateKeySigner) -> NewDataset {
    let screening = ScreeningRules { radius: Some(5.0), outlier: 0.0, folds: 0, ..ScreeningRules::default() };
    let charter = Charter {
        format: Charter::FORMAT.to_owned(),
        name: "digits".into(),
        schema: Schema::digits(),
        purposes: Purposes::TRAIN | Purposes::EVALUATE,
        terms: "Train on these.".into(),
        membership: Membership::Open,
        curator: steward.address(),
        pay_policy: Policy::EpochSigned1.name().into(),
        held_out_hash: records_hash(&SPLIT.held_out),
        screening,
        validation: None,
    };
    NewDataset { charter, held_out: SPLIT.held_out.clone(), payee: steward.address(), store: None }
}

/// A dataset with contributions and a published snapshot; nobody may train on it yet.
pub(crate) struct Community {
    pub(crate) town: Arc<Town>,
    pub(crate) data: DataFolder,
    pub(crate) steward: PrivateKeySigner,
    pub(crate) builder: PrivateKeySigner,
    pub(crate) contributors: Vec<PrivateKeySigner>,
    pub(crate) consents: Vec<B256>,
    pub(crate) folder: TempDir,
}

impl Community {
    pub(crate) async fn new(town: Arc<Town>) -> Self {
        Self::under(town, Policy::EpochSigned1).await
    }

    /// Whose contributors agreed to a policy.
    pub(crate) async fn under(town: Arc<Town>, policy: Policy) -> Self {
        Self::chartered(town, |charter| charter.pay_policy = policy.name().into()).await
    }

    /// Whose charter says something else than the usual one.
    pub(crate) async fn chartered(town: Arc<Town>, change: impl FnOnce(&mut Charter)) -> Self {
        let folder = folder();
        let data = DataFolder::open(folder.path(), &town.chain).unwrap();
        let (steward, builder) = (town.resident().await, town.resident().await);
        let mut contributors = Vec::new();
        for _ in 0..CONTRIBUTORS {
            contributors.push(town.resident().await);
        }
        let mut community = Self { town, data, steward, builder, contributors, consents: vec![], folder };
        community.pool(change).await;
        community
    }

    async fn pool(&mut self, change: impl FnOnce(&mut Charter)) {
        let steward = self.town.account(&self.steward);
        let mut new = digits(&self.steward);
        change(&mut new.charter);
        steps::dataset::create(&steward, &self.data, new).await.unwrap();
        let parts = partition::simulate(&Schema::digits(), &SPLIT.training, CONTRIBUTORS, 0).unwrap();
        let giver = |(key, records): (&PrivateKeySigner, &Vec<_>)| Giver { key: key.clone(), records: records.clone() };
        let givers = self.contributors.iter().zip(&parts).map(giver).collect();
        self.consents = self.give(givers).await.unwrap();
        self.snapshot().await;
    }

    /// Contributes at the steward's cost.
    pub(crate) async fn give(&self, givers: Vec<Giver>) -> Result<Vec<B256>, StepError> {
        let steward = self.town.account(&self.steward);
        steps::dataset::contribute(&steward, &self.steward, &self.data, givers).await
    }

    /// Publishes what is contributed and not withdrawn.
    pub(crate) async fn publish_snapshot(&self) -> Result<Published, StepError> {
        let steward = self.town.account(&self.steward);
        steps::dataset::snapshot(&steward, &self.data, &SPLIT.held_out).await
    }

    /// Publishes what is contributed and not withdrawn; returns how many records were accepted.
    pub(crate) async fn snapshot(&self) -> usize {
        self.publish_snapshot().await.unwrap().outcome.snapshot.len()
    }

    /// Lets the builder train.
    pub(crate) async fn grant(&self, seconds: u64) {
        let (steward, dataset) = (self.town.account(&self.steward), self.data.dataset().unwrap().asset);
        steps::dataset::grant(&steward, dataset, self.builder.address(), Purposes::TRAIN, seconds).await.unwrap();
    }

    pub(crate) async fn train(&self) -> Result<TrainedRelease, StepError> {
        self.train_for(SketchReaders::Public).await
    }

    /// A release whose sketches these may read.
    pub(crate) async fn train_for(&self, sketch_readers: SketchReaders) -> Result<TrainedRelease, StepError> {
        self.train_by(&TrainingRecipe::default(), sketch_readers).await
    }

    async fn train_by(
        &self,
        recipe: &TrainingRecipe,
        sketch_readers: SketchReaders,
    ) -> Result<TrainedRelease, StepError> {
        let (chain, held_out, test) = (&self.town.chain, &SPLIT.held_out, &SPLIT.test);
        let training = Training { sketch_readers, ..Training::new(self.builder.address(), recipe, held_out, test) };
        steps::model::build(&OnnxRuntime::load(None).unwrap(), chain, &self.data, training, |_| ()).await
    }
}

impl Community {
    /// Publishes a release under simple terms, of which a base gets its part.
    pub(crate) async fn publish(&self, files: &ReleaseFiles, base: Option<BaseEdge>) -> Result<ModelState, StepError> {
        let builder = self.town.account(&self.builder);
        let new = NewModel {
            name: "reader".into(),
            shares: Shares {
                payee: builder.address(),
                payeeBps: 3_500 - base.map_or(0, |base| base.share_bps),
                host: builder.address(),
                hostBps: 500,
                curators: builder.address(),
                curatorsBps: 500,
                poolBps: 5_000,
            },
            dataset_bps: 500,
            base,
            derivation: Derivation::open(),
            attestors: vec![builder.address()],
            threshold: 1,
            window: WINDOW,
            arbitration: None,
            poster_bond: 0,
            fallback_after: 0,
        };
        steps::release::publish(&builder, &self.data, new, files).await
    }
}

/// A published model.
pub(crate) struct Studio {
    pub(crate) community: Community,
    pub(crate) host: PrivateKeySigner,
    pub(crate) arbiter: PrivateKeySigner,
    pub(crate) attestors: Vec<PrivateKeySigner>,
    pub(crate) model: ModelState,
}

impl Studio {
    pub(crate) async fn new(town: Arc<Town>) -> Self {
        Self::of(Community::new(town).await).await
    }

    /// The model of a community.
    pub(crate) async fn of(community: Community) -> Self {
        let host = community.town.resident().await;
        Self::hosted_by(community, host).await
    }

    /// The model of a community that says who serves it.
    pub(crate) async fn hosted_by(community: Community, host: PrivateKeySigner) -> Self {
        Self::showing(community, host, SketchReaders::Public).await
    }

    /// The model of a community that says who may read the sketches of its answers.
    pub(crate) async fn showing(community: Community, host: PrivateKeySigner, readers: SketchReaders) -> Self {
        Self::made(community, host, readers, None).await
    }

    /// The model of a community that put a new head on another community's, which gets a tenth of everything.
    pub(crate) async fn derived(community: Community, from: &Self) -> Self {
        let host = community.town.resident().await;
        Self::made(community, host, SketchReaders::Public, Some(from)).await
    }

    async fn made(community: Community, host: PrivateKeySigner, readers: SketchReaders, from: Option<&Self>) -> Self {
        community.grant(365 * DAY).await;
        let recipe = from.map_or_else(TrainingRecipe::default, |from| TrainingRecipe {
            start: Start::Base(BaseStart {
                file: from.community.data.release().join("model.onnx"),
                adaptation: Adaptation::Head,
            }),
            ..TrainingRecipe::default()
        });
        let built = community.train_by(&recipe, readers).await.unwrap();
        let town = &community.town;
        let arbiter = town.resident().await;
        let attestors: Vec<PrivateKeySigner> = (0..3).map(|_| PrivateKeySigner::random()).collect();
        let new = NewModel {
            name: "digit reader".into(),
            shares: Shares {
                payee: community.builder.address(),
                payeeBps: if from.is_some() { 1_000 } else { 2_000 },
                host: host.address(),
                hostBps: 1_000,
                curators: community.steward.address(),
                curatorsBps: 500,
                poolBps: POOL_BPS,
            },
            dataset_bps: 500,
            base: from.map(|from| BaseEdge {
                asset: from.model.version.asset,
                version: None,
                share_bps: 1_000,
                license: None,
            }),
            derivation: Derivation::open(),
            attestors: attestors.iter().map(PrivateKeySigner::address).collect(),
            threshold: 2,
            window: WINDOW,
            arbitration: Some(Arbitration { arbiter: arbiter.address(), period: ARBITER_PERIOD, bond: BOND }),
            poster_bond: BOND,
            fallback_after: 0,
        };
        let builder = town.account(&community.builder);
        let model = steps::release::publish(&builder, &community.data, new, &built.files).await.unwrap();
        Self { community, host, arbiter, attestors, model }
    }

    pub(crate) fn town(&self) -> &Town {
        &self.community.town
    }

    /// The vault and the token that are divided.
    pub(crate) fn on(&self) -> revenue::Account {
        revenue::Account { vault: self.model.vault, token: self.town().dollar }
    }

    /// An offer of this model: for a year, a fifth earned at once.
    pub(crate) fn offer(&self) -> NewOffer {
        NewOffer {
            asset: self.model.version.asset,
            rights: rights::INFER,
            max_calls: 0,
            calls_per_minute: 0,
            token: self.town().dollar,
            price: PRICE,
            duration: 365 * DAY,
            upfront_bps: 2_000,
            earn_period: 365 * DAY,
            supply: 0,
            territory: None,
            field_of_use: None,
            obligations: 0,
            legal_text: "Ask.".into(),
            transferable: true,
            delegable: true,
            revocation: Revocation::Never,
        }
    }

    /// Somebody new with a license under an offer.
    pub(crate) async fn sell(&self, offer: NewOffer) -> Buyer {
        let town = self.town();
        let key = town.resident().await;
        town.mint(&key, offer.price).await;
        let offer = steps::license::offer(&town.account(&self.community.builder), offer).await.unwrap();
        let license = steps::license::buy(&town.account(&key), offer).await.unwrap();
        Buyer { key, license }
    }

    pub(crate) async fn buyer(&self) -> Buyer {
        self.sell(self.offer()).await
    }

    /// How its host is opened on its own data folder; every license is asked for again.
    pub(crate) fn opening(&self) -> Opening {
        self.opening_in(self.community.folder.path(), self.community.data.release())
    }

    pub(crate) fn opening_in(&self, data: &Path, release: PathBuf) -> Opening {
        let shelf = Shelf {
            data: data.to_owned(),
            source: Source::Run { release, version: self.model.version },
            token: self.town().dollar,
            options: ModelOptions::default(),
        };
        Opening {
            key: self.host.clone(),
            onnxruntime: None,
            license_age: Duration::ZERO,
            block_age: Duration::MAX,
            request_timeout: Duration::from_secs(60),
            authority: None,
            keeps_inputs: 0,
            shelves: vec![shelf],
            library: None,
        }
    }

    pub(crate) async fn serve(&self) -> Serving {
        Serving::start(Host::open(&self.town().chain, self.opening()).await.unwrap()).await
    }

    /// A session for a buyer that lasts longer than any test moves the clock.
    pub(crate) async fn session(&self, serving: &Serving, buyer: &Buyer) -> Session {
        let client = Client::connect(&serving.url).await.unwrap();
        let until = self.town().now().await + 3_650 * DAY;
        client.sign_in(&buyer.key, buyer.license, PrivateKeySigner::random(), until).await.unwrap()
    }

    /// A signed request about a test image, with a fresh id.
    pub(crate) async fn request(&self, session: &Session, place: usize) -> Infer {
        let now = self.town().now().await;
        session.request(self.model.version.asset, image(place), word(), word(), now).unwrap()
    }

    /// Serves, and a new buyer asks about the first `count` test images.
    pub(crate) async fn asked(&self, count: usize) -> Serving {
        let serving = self.serve().await;
        let buyer = self.buyer().await;
        let session = self.session(&serving, &buyer).await;
        self.ask(&session, count).await;
        serving
    }

    /// Asks about the first `count` test images.
    pub(crate) async fn ask(&self, session: &Session, count: usize) -> Vec<Inferred> {
        let asset = self.model.version.asset;
        steps::ask::infer(&self.town().chain, session, asset, (0..count).map(image), |_| ()).await.unwrap()
    }

    /// An attestor looks at all that waits at a host.
    pub(crate) async fn attest(&self, url: &str, attestor: &PrivateKeySigner) {
        for (_, looked) in steps::attest::look(&self.town().chain, url, attestor).await.unwrap() {
            looked.unwrap();
        }
    }

    pub(crate) fn contributor_addresses(&self) -> Vec<Address> {
        self.community.contributors.iter().map(PrivateKeySigner::address).collect()
    }
}

pub(crate) struct Buyer {
    pub(crate) key: PrivateKeySigner,
    pub(crate) license: U256,
}

/// A host behind HTTP on a port of its own.
pub(crate) struct Serving {
    pub(crate) url: String,
    pub(crate) token: Secret,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Serving {
    pub(crate) async fn start(host: Host) -> Self {
        Self::start_with(host, Patience::default()).await
    }

    pub(crate) async fn start_with(host: Host, patience: Patience) -> Self {
        Self::patient(Arc::new(host), patience).await
    }

    /// Behind HTTP, and in somebody else's hands as well.
    pub(crate) async fn of(host: Arc<Host>) -> Self {
        Self::patient(host, Patience::default()).await
    }

    async fn patient(host: Arc<Host>, patience: Patience) -> Self {
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap().with_patience(patience);
        let (url, token) = (listening.url(), Secret::new(word().to_string()));
        let (stop, stopped) = oneshot::channel::<()>();
        let access = Access { admin_token: Some(token.clone()), max_body: 1 << 20, clerk: None };
        let task = tokio::spawn(listening.serve(host, access, async {
            let _ = stopped.await;
        }));
        Self { url, token, stop, task }
    }

    /// Stops as a signal would: what was taken is finished, and the data folder is free again.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}
