//! Training, publishing, selling.

use std::{fs, path::PathBuf, time::Duration};

use eyre::{Result, WrapErr};
use tributary_chain::{licenses::rights, lineage};
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
    steps::{self, license::Revocation, model::Training, release::Plan},
};

use super::{
    Context,
    arguments::{License, Release, Train},
    print, read_text,
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

    pub(super) async fn release(&self, release: Release) -> Result<()> {
        let account = self.account().await?;
        let data = self.data(account.chain())?;
        let plan = Plan::read(&release.plan)?;
        let review = steps::release::review(&account, &data, &plan).await?;
        print::review(&review);
        review.passed()?;
        if release.check {
            return Ok(());
        }
        if let Some(location) = &release.store {
            let store = ReleaseStore::open(location, &data.join("releases"))?;
            store.put(&data.release(), review.files.manifest_hash).await?;
        }
        let state = steps::release::publish(&account, &data, review.model, &review.files).await?;
        println!("model {} version {}, vault {}", state.version.asset, state.version.version, state.vault);
        Ok(())
    }

    pub(super) async fn license(&self, license: License) -> Result<()> {
        match license {
            License::Offer {
                token,
                price,
                legal_text,
                days,
                upfront_bps,
                max_calls,
                calls_per_minute,
                commercial,
                revocable,
            } => {
                let account = self.account().await?;
                let data = self.data(account.chain())?;
                let offer = steps::license::NewOffer {
                    asset: data.model()?.version.asset,
                    rights: rights::INFER | if commercial { rights::COMMERCIAL } else { 0 },
                    max_calls,
                    calls_per_minute,
                    legal_text: read_text(&legal_text)?,
                    token,
                    price,
                    duration: days * 86_400,
                    upfront_bps,
                    earn_period: days * 86_400,
                    revocation: if revocable { Revocation::ByOwner } else { Revocation::Never },
                };
                println!("offer {}", steps::license::offer(&account, offer).await?);
            }
            License::Show { offer } => {
                for line in steps::license::describe(&self.chain().await?, offer).await? {
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
