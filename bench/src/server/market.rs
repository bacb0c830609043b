//! A chain with a community, two published models and licenses: everything by the commands that people use.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy::{
    primitives::{Address, U256},
    signers::local::PrivateKeySigner,
};
use eyre::{Result, WrapErr};
use tempfile::TempDir;
use tributary_chain::{
    Chain,
    anvil::{self, Anvil},
    transact::send,
};
use tributary_dataset::{Record, Schema, Split, SplitSizes, partition, read};
use tributary_sdk::{AssetId, contracts::DemoDollar, deployment::Deployment};

use super::{
    encoder,
    program::{Program, Server, after},
};

/// Enough for a model that reads digits; what serving costs does not depend on it.
const SIZES: SplitSizes = SplitSizes { training: 300, held_out: 60, test: 256 };
const CONTRIBUTORS: usize = 4;
/// Of a license, in dollars.
const PRICE: u64 = 1_000;
/// Base units of a dollar.
const DOLLAR: u64 = 1_000_000;
/// How long posted roots wait, in seconds.
pub(super) const WINDOW: u64 = 60;

/// Which model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Which {
    /// The demo's classifier.
    Digits,
    /// A transformer encoder.
    Encoder,
}

impl Which {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Encoder => "encoder",
        }
    }
}

/// A published model and somebody licensed to ask it.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) which: Which,
    pub(super) asset: AssetId,
    pub(super) license: U256,
    /// The data folder.
    pub(super) folder: PathBuf,
}

/// The chain and the people on it.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) chain: Chain,
    pub(super) program: Program,
    pub(super) host: PrivateKeySigner,
    pub(super) buyer: PrivateKeySigner,
    pub(super) attestors: [PrivateKeySigner; 2],
    pub(super) split: Split,
    steward: PrivateKeySigner,
    builder: PrivateKeySigner,
    contributors: Vec<PrivateKeySigner>,
    _anvil: Anvil,
    folder: TempDir,
}

impl Market {
    /// Deploys the suite and pools the digits.
    pub(super) async fn open(digits: &Path) -> Result<Self> {
        let split = Split::new(read::all(digits, &Schema::digits())?, SIZES, 0)?;
        // Beside the programs, on the disk that they are on: a ledger in memory would be no ledger.
        let target = std::env::current_exe()?.with_file_name("");
        let folder = tempfile::tempdir_in(target).wrap_err("a folder for the market")?;
        let anvil = Anvil::start(folder.path()).await?;
        let chain = Chain::connect(anvil.url()).await?;
        let key = PrivateKeySigner::random;
        let market = Self {
            program: Program::beside(folder.path(), anvil.url())?,
            chain,
            host: key(),
            buyer: key(),
            attestors: [key(), key()],
            split,
            steward: key(),
            builder: key(),
            contributors: (0..CONTRIBUTORS).map(|_| key()).collect(),
            _anvil: anvil,
            folder,
        };
        let people = [&market.steward, &market.builder, &market.host, &market.buyer];
        for key in people.into_iter().chain(&market.contributors) {
            anvil::fund(&market.chain, key.address(), U256::from(10u64.pow(18))).await?;
        }
        market.pool()?;
        Ok(market)
    }

    fn pool(&self) -> Result<()> {
        let run = |key: &PrivateKeySigner, line: &[&str]| self.program.run(key, line);
        self.write("terms.txt", "Train on these.")?;
        self.write("held-out.csv", &csv(&self.split.held_out))?;
        self.write("test.csv", &csv(&self.split.test))?;
        run(&self.steward, &["deploy", "--demo-dollar"])?;
        self.write("screening.toml", "radius = 5.0\noutlier = 0.0\nfolds = 0\n")?;
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/digits.toml").display().to_string();
        let create =
            "dataset create --name digits --terms terms.txt --held-out held-out.csv --screening screening.toml";
        let create: Vec<&str> = create.split(' ').chain(["--schema", &schema]).collect();
        run(&self.steward, &create)?;
        for (place, (key, records)) in self.contributors.iter().zip(&self.parts()?).enumerate() {
            let name = format!("records-{place}.csv");
            self.write(&name, &csv(records))?;
            run(key, &["dataset", "contribute", "--records", &name])?;
        }
        run(&self.steward, &["dataset", "snapshot", "--held-out", "held-out.csv"])?;
        run(&self.steward, &["dataset", "grant", "--to", &self.builder.address().to_string()])?;
        Ok(())
    }

    /// Who gives which records.
    fn parts(&self) -> Result<Vec<Vec<Record>>> {
        Ok(partition::simulate(&Schema::digits(), &self.split.training, CONTRIBUTORS, 0)?)
    }

    /// Publishes a model and sells a license to it.
    pub(super) async fn model(&mut self, which: Which) -> Result<Model> {
        let folder = match which {
            Which::Digits => self.trained()?,
            Which::Encoder => self.encoder()?,
        };
        let data = folder.display().to_string();
        let host = self.host.address().to_string();
        let attestors = self.attestors.each_ref().map(|key| key.address().to_string());
        // What is measured here is serving; how well it is attributed is measured elsewhere.
        let plan = format!(
            "name = {:?}\nhost = {host:?}\n[attestation]\nattestors = {attestors:?}\nwindow = {WINDOW}\n\
             [required]\nunmeasured = true\n",
            which.name()
        );
        self.write("plan.toml", &plan)?;
        let published = self.program.run(&self.builder, &["release", "--data", &data, "--plan", "plan.toml"])?;
        let asset = after(published.lines().last().unwrap_or_default(), "model ")?.parse()?;
        let terms = format!("token = \"{}\"\n[[offer]]\npreset = \"commercial\"\nprice = \"{PRICE}\"\n", self.token());
        let terms = self.write("terms.toml", &terms)?.display().to_string();
        let offered = self.program.run(&self.builder, &["license", "offer", "--data", &data, "--terms", &terms])?;
        let offer = after(&offered, "\noffer ")?.trim_end_matches(':').to_owned();
        let account = self.chain.account(&self.buyer)?;
        let dollar = DemoDollar::new(self.token(), account.provider());
        send("the demo dollar", dollar.mint(self.buyer.address(), U256::from(PRICE * DOLLAR))).await?;
        let bought = self.program.run(&self.buyer, &["license", "buy", &offer])?;
        Ok(Model { which, asset, license: after(&bought, "license ")?.parse()?, folder })
    }

    /// The digits, trained: the data folder of all that was done before.
    fn trained(&self) -> Result<PathBuf> {
        let train = ["train", "--held-out", "held-out.csv", "--test", "test.csv"];
        self.program.run(&self.builder, &train)?;
        Ok(self.data())
    }

    /// A second data folder of the same dataset, with the encoder as its release.
    fn encoder(&self) -> Result<PathBuf> {
        let (from, to) = (self.data(), self.folder.path().join("encoder-data"));
        if !from.join("release/manifest.json").exists() {
            self.trained()?;
        }
        fs::create_dir_all(to.join("snapshots"))?;
        for name in ["chain.json", "dataset.json", "charter.json"] {
            fs::copy(from.join(name), to.join(name)).wrap_err(name)?;
        }
        for file in fs::read_dir(from.join("snapshots")).wrap_err("snapshots")? {
            let file = file?;
            fs::copy(file.path(), to.join("snapshots").join(file.file_name()))?;
        }
        let accounts: Vec<Address> = self.contributors.iter().map(PrivateKeySigner::address).collect();
        encoder::release(&self.split, &self.parts()?, &accounts, &from.join("release"), &to.join("release"))?;
        Ok(to)
    }

    /// Serves a model as the host.
    pub(super) fn serve(&self, model: &Model, settings: &[(&str, String)]) -> Result<Server> {
        let data = model.folder.display().to_string();
        self.program.serve(&self.host, &["serve", "--data", &data, "--token", &self.token().to_string()], settings)
    }

    /// The token that licenses are paid in.
    pub(super) fn token(&self) -> Address {
        Deployment::demo_dollar().address()
    }

    /// A file for commands to read.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("tributary-data")
    }
}

fn csv(records: &[Record]) -> String {
    let schema = Schema::digits();
    records.iter().map(|record| schema.spell(record).join(",") + "\n").collect()
}
