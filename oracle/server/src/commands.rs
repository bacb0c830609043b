//! The command line: reads arguments, calls a step, says what happened. No step is written here.

mod accounts;
mod arguments;
mod attribute;
mod dataset;
mod demo;
mod making;
mod print;
mod reference;
mod serving;

use std::{path::PathBuf, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use eyre::{OptionExt, Result, WrapErr};
use tributary_chain::{Account, Chain};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{
    client::Client,
    deployment::{Creation, Deployment},
};
use tributary_server::{
    http,
    secret::Secret,
    settings::{Flags, Settings},
    steps::{self, DataFolder, StepError, watch::Resolve},
};

use arguments::Command;
pub(crate) use arguments::Program;

impl Program {
    /// What is logged unless TRIBUTARY_LOG says otherwise: servers speak, commands only complain.
    pub(crate) fn log_level(&self) -> &'static str {
        if matches!(self.command, Command::Serve { .. } | Command::Dataset(arguments::Dataset::Serve)) {
            "info"
        } else {
            "warn"
        }
    }

    pub(crate) async fn run(self) -> Result<()> {
        let flags = Flags {
            rpc: self.options.rpc,
            data: self.options.data,
            listen: self.options.listen,
            onnxruntime: self.options.onnxruntime,
            provider: self.options.provider,
        };
        let named_folder = flags.data.clone();
        let settings = Settings::load(self.options.config.as_deref(), &flags)?;
        let context = Context { settings };
        match self.command {
            Command::Demo { keep } => demo::run(&context.settings, named_folder, keep).await,
            Command::Deploy { check: true, manifest, .. } => context.check_deployment(manifest).await,
            Command::Deploy { check: false, manifest, demo_dollar } => {
                let more = demo_dollar.then(Deployment::demo_dollar).into_iter().collect();
                context.deploy(manifest, more).await
            }
            Command::Dataset(dataset) => context.dataset(dataset).await,
            Command::Train(train) => context.train(train).await,
            Command::Attribute(attribute) => attribute::attribute(&context.onnxruntime()?, *attribute),
            Command::Explain(explain) => attribute::explain(&context.onnxruntime()?, &explain),
            Command::Release(release) => context.release(release).await,
            Command::License(license) => context.license(license).await,
            Command::Page { model, out } => context.page(model, out).await,
            Command::Lineage { asset, svg } => context.lineage(asset, svg).await,
            Command::Serve { token, models, releases, standby } => {
                context.serve(serving::Serve { token, models, releases }, standby).await
            }
            Command::Openapi { dataset } => {
                let document = if dataset { http::dataset::document() } else { http::document() };
                println!("{}", document.to_pretty_json()?);
                Ok(())
            }
            Command::Reference => {
                print!("{}", reference::page());
                Ok(())
            }
            Command::Ask(ask) => context.ask(ask).await,
            Command::Ledger(ledger) => context.ledger(ledger).await,
            Command::Submission(submission) => context.submission(&submission).await,
            Command::Doctor => context.doctor().await,
            Command::Connect(connect) => context.connect(connect).await,
            Command::Key(key) => context.key_of_license(key).await,
            Command::Receipt { host, id } => context.receipt(&host, id).await,
            Command::Epoch(epoch) => context.epoch(epoch).await,
            Command::Account { host, account, why: None, .. } => {
                print::account(&Client::connect(&host).await?.account(account).await?);
                Ok(())
            }
            Command::Account { host, account, why: Some(epoch), model } => {
                let client = Client::connect(&host).await?;
                let model = steps::epoch::which(&client, model)?;
                let (chain, key) = (context.chain().await?, context.reader()?);
                print::why(&steps::payout::why(&chain, &client, model, epoch, account, key.as_ref()).await?);
                Ok(())
            }
            Command::Attest { host, every, once } => context.attest(&host, Duration::from_secs(every), once).await,
            Command::Watch(watch) => context.watch(watch, Resolve::Prove).await,
            Command::Challenge(watch) => context.watch(watch, Resolve::Challenge).await,
            Command::Claim(claim) => context.claim(claim).await,
            Command::Withdraw(withdraw) => context.withdraw(withdraw).await,
            Command::Audit(audit) => context.audit(&audit).await,
        }
    }
}

struct Context {
    settings: Settings,
}

impl Context {
    async fn chain(&self) -> Result<Chain> {
        Ok(Chain::connect(self.settings.rpc.reveal()).await?)
    }

    fn key(&self) -> Result<PrivateKeySigner> {
        let key = self.settings.acting_key()?;
        key.ok_or_eyre("this command acts for an account: put its private key into TRIBUTARY_KEY, or name a keystore")
    }

    /// The acting account's key, if one is configured: for what not everybody may read.
    fn reader(&self) -> Result<Option<PrivateKeySigner>> {
        Ok(self.settings.acting_key()?)
    }

    fn onnxruntime(&self) -> Result<OnnxRuntime> {
        Ok(OnnxRuntime::load(self.settings.onnxruntime.as_deref())?)
    }

    async fn account(&self) -> Result<Account> {
        Ok(self.chain().await?.account(&self.key()?)?)
    }

    fn data(&self, chain: &Chain) -> Result<DataFolder> {
        Ok(DataFolder::open(&self.settings.data, chain)?)
    }

    /// The data folder, for a command that can do without.
    fn data_if_any(&self, chain: &Chain) -> Result<Option<DataFolder>> {
        match DataFolder::existing(&self.settings.data, chain) {
            Err(StepError::Missing { .. }) => Ok(None),
            other => Ok(Some(other?)),
        }
    }

    async fn deploy(&self, manifest: Option<PathBuf>, more: Vec<Creation>) -> Result<()> {
        let account = self.account().await?;
        let path = manifest.unwrap_or_else(|| steps::deployment::manifest_path(account.chain()));
        let deployed = steps::deployment::deploy(&account, more, &path).await?;
        print::deployed(&deployed, &path);
        Ok(())
    }

    async fn check_deployment(&self, manifest: Option<PathBuf>) -> Result<()> {
        let chain = self.chain().await?;
        let usual = steps::deployment::manifest_path(&chain);
        match manifest.or_else(|| usual.exists().then(|| usual.clone())) {
            Some(path) => {
                let since = steps::deployment::check_manifest(&chain, &path).await?;
                println!("the whole suite is on this chain, as {} says", path.display());
                print::since(since);
            }
            None => {
                steps::deployment::check_suite(&chain).await?;
                println!("the whole suite is on this chain; there is no manifest at {}", usual.display());
            }
        }
        Ok(())
    }

    fn admin_token(&self) -> Result<&Secret> {
        let token = self.settings.admin_token.as_ref();
        token.ok_or_eyre("this needs the host's token: put it into TRIBUTARY_ADMIN_TOKEN")
    }
}

fn read_text(path: &PathBuf) -> Result<String> {
    std::fs::read_to_string(path).wrap_err_with(|| path.display().to_string())
}
