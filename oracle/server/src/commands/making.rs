//! Training, publishing, selling.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use eyre::{Result, WrapErr};
use tributary_chain::lineage;
use tributary_factory::{
    Assessment, TrainingRecipe,
    base::Adaptation,
    train::{BaseStart, Start},
};
use tributary_runtime::{ExecutionProvider, ProviderChoice, SessionOptions};
use tributary_sdk::AssetId;
use tributary_server::{
    dataset::Collection,
    releases::ReleaseStore,
    steps::{self, DataFolder, model::Training, release::Plan},
    terms::{Prepared, Subject, TermsFile},
};

use super::{
    Context,
    arguments::{License, Release, Train},
    print,
};

/// The recipe's file with what the command says instead.
fn recipe(train: &Train) -> Result<TrainingRecipe> {
    let mut recipe = train.recipe.as_deref().map(TrainingRecipe::read).transpose()?.unwrap_or_default();
    if let Some(file) = train.base.clone() {
        let told = match &recipe.start {
            Start::Base(base) => base.adaptation.clone(),
            Start::Scratch(_) => Adaptation::default(),
        };
        recipe.start = Start::Base(BaseStart { file, adaptation: train.adapt.map_or(told, Into::into) });
    }
    if let Some(method) = train.method {
        recipe.method = method.into();
    }
    recipe.seed = train.seed.unwrap_or(recipe.seed);
    recipe.check()?;
    Ok(recipe)
}

impl Context {
    /// What `auto` finds differs from machine to machine, and what is trained should not: it is the processor.
    fn trains_on(&self) -> ExecutionProvider {
        match self.settings.provider {
            ProviderChoice::Auto => ExecutionProvider::Cpu,
            ProviderChoice::Named(provider) => provider,
        }
    }

    pub(super) async fn train(&self, train: Train) -> Result<()> {
        let (chain, key) = (self.chain().await?, self.key()?);
        let data = self.data(&chain)?;
        let schema = Collection::open(&chain, &data)?.charter().schema.clone();
        let held_out = steps::model::records(&train.held_out, &schema)?;
        let test = steps::model::records(&train.test, &schema)?;
        let recipe = recipe(&train)?;
        let mut bar = print::TrainingBar::new();
        let runtime = self.onnxruntime()?;
        let training = Training {
            session: SessionOptions { threads: train.threads, provider: self.trains_on() },
            assessment: Assessment {
                coalitions: train.audit,
                hold_outs: train.hold_outs,
                frontier: train.frontier.clone(),
            },
            state_every: Duration::from_secs(train.state_every),
            purpose: &train.purpose,
            limits: &train.limits,
            sketch_readers: train.sketch_readers.into(),
            ..Training::new(key.address(), &recipe, &held_out, &test)
        };
        let built = steps::model::build(&runtime, &chain, &data, training, |step| bar.step(&step)).await?;
        bar.finish();
        print::trained(&built);
        Ok(())
    }

    pub(super) async fn lineage(&self, asset: AssetId, svg: Option<PathBuf>) -> Result<()> {
        let lineage = lineage::of(&self.chain().await?, asset).await?;
        print!("{}", steps::lineage::text(&lineage));
        if let Some(path) = svg {
            fs::write(&path, steps::lineage::svg(&lineage))
                .wrap_err_with(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    pub(super) async fn page(&self, model: AssetId, out: Option<PathBuf>) -> Result<()> {
        let chain = self.chain().await?;
        let data = DataFolder::existing(&self.settings.data, &chain)?;
        let page = steps::page::of_newest(&chain, &data.releases(), model).await?;
        match out {
            Some(path) => fs::write(&path, page).wrap_err_with(|| format!("cannot write {}", path.display()))?,
            None => print!("{page}"),
        }
        Ok(())
    }

    pub(super) async fn release(&self, release: Release) -> Result<()> {
        let account = self.account().await?;
        let data = self.data(account.chain())?;
        let plan = Plan::read(&release.plan)?;
        let terms = release.terms.as_deref().map(TermsFile::read).transpose()?;
        let review = steps::release::review(&account, &data, &plan).await?;
        print::review(&review);
        let priced = match &terms {
            Some(terms) => Some(steps::license::check(account.chain(), terms).await?),
            None => None,
        };
        let subject = Subject { chain: account.chain().id(), asset: review.asset };
        for Prepared { offer, .. } in priced.iter().flat_map(|priced| priced.offers(subject)) {
            println!("\n{}", offer.legal_text);
        }
        review.passed()?;
        if release.check {
            println!("nothing was published; without --check it is");
            return Ok(());
        }
        let elsewhere =
            release.store.as_deref().map(|at| ReleaseStore::open(at, &data.join("releases"))).transpose()?;
        if let Some(store) = &elsewhere {
            store.put(&data.release(), review.files.manifest_hash).await?;
        }
        let state = steps::release::publish(&account, &data, review.model, &review.files).await?;
        if let (Some(terms), Some(priced)) = (&terms, &priced) {
            let store = data.releases();
            for offered in steps::license::offer_all(&account, &store, state.version.asset, terms).await? {
                print::offered(&offered, priced.token());
                if let (Some(elsewhere), Some(text)) = (&elsewhere, store.text(offered.text_hash).await?) {
                    elsewhere.put_text(&text).await?;
                }
            }
        }
        let page = steps::page::of_newest(account.chain(), &data.releases(), state.version.asset).await?;
        let path = data.keep_bytes("page.md", page.as_bytes())?;
        println!("\n{page}");
        println!(
            "this page for buyers is in {}; the model's host serves it at /v1/models/{}/page",
            path.display(),
            state.version.asset
        );
        println!("model {} version {}, vault {}", state.version.asset, state.version.version, state.vault);
        Ok(())
    }

    async fn offer(&self, terms: &Path, elsewhere: Option<&str>, check: bool) -> Result<()> {
        let file = TermsFile::read(terms)?;
        let chain = self.chain().await?;
        let data = self.data(&chain)?;
        let subject = Subject { chain: chain.id(), asset: data.model()?.version.asset };
        let priced = steps::license::check(&chain, &file).await?;
        for Prepared { offer, .. } in priced.offers(subject) {
            println!("{}", offer.legal_text);
        }
        if check {
            println!("nothing was put on chain; without --check these offers are made");
            return Ok(());
        }
        let (account, store) = (self.account().await?, data.releases());
        let elsewhere = elsewhere.map(|at| ReleaseStore::open(at, &data.join("releases"))).transpose()?;
        for offered in steps::license::offer_all(&account, &store, subject.asset, &file).await? {
            print::offered(&offered, priced.token());
            if let (Some(elsewhere), Some(text)) = (&elsewhere, store.text(offered.text_hash).await?) {
                elsewhere.put_text(&text).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn license(&self, license: License) -> Result<()> {
        match license {
            License::Offer { terms, store, check } => self.offer(&terms, store.as_deref(), check).await?,
            License::Show { offer } => {
                let chain = self.chain().await?;
                let store = self.data_if_any(&chain)?.map(|data| data.releases());
                for line in steps::license::describe(&chain, store.as_ref(), offer).await? {
                    println!("{line}");
                }
            }
            License::Buy { offer } => {
                println!("license {}", steps::license::buy(&self.account().await?, offer).await?);
            }
            License::Renew { license } => {
                let until = steps::license::renew(&self.account().await?, license).await?;
                println!("license {license} is good until {until} (the chain's time)");
            }
            License::Revoke { license, reason } => {
                let (to, amount) = steps::license::revoke(&self.account().await?, license, &reason).await?;
                println!("license {license} is revoked; {amount} base units are credited to {to}");
            }
        }
        Ok(())
    }
}
