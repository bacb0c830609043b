//! The command line: reads arguments, calls a step, says what happened. No step is written here.

mod arguments;
mod attribute;
mod demo;
mod print;

use std::{io::Write, path::PathBuf, sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256},
    signers::local::PrivateKeySigner,
};
use eyre::{OptionExt, Result, WrapErr};
use tributary_chain::{Account, Chain, consent, licenses::rights, revenue};
use tributary_factory::{Schema, TrainingRecipe};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{
    api::Attested,
    client::Client,
    contracts::registry::Shares,
    deployment::{Creation, Deployment},
    sign_in::Credential,
};
use tributary_server::{
    clerk::{Clerk, Duties},
    connect::Proxy,
    host::{Host, Shelf, Source},
    http::{Listening, stop_signal},
    secret::Secret,
    settings::{Flags, Settings},
    steps::{self, DataFolder, license::Revocation, model::Training, watch::Resolve},
};

pub(crate) use arguments::Program;
use arguments::{
    Ask, Audit, Claim, Command, Connect, Dataset, Epoch, Key, Ledger, License, Publish, Train, Watch, Withdraw,
};

impl Program {
    /// What is logged unless TRIBUTARY_LOG says otherwise: servers speak, commands only complain.
    pub(crate) fn log_level(&self) -> &'static str {
        if matches!(self.command, Command::Serve { .. }) { "info" } else { "warn" }
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
            Command::Publish(publish) => context.publish(publish).await,
            Command::License(license) => context.license(license).await,
            Command::Serve { token, models } => context.serve(token, models).await,
            Command::Openapi => {
                println!("{}", tributary_server::http::document().to_pretty_json()?);
                Ok(())
            }
            Command::Ask(ask) => context.ask(ask).await,
            Command::Ledger(ledger) => context.ledger(ledger).await,
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
                print::why(&steps::payout::why(&context.chain().await?, &client, model, epoch, account).await?);
                Ok(())
            }
            Command::Attest { host, every, once } => context.attest(&host, Duration::from_secs(every), once).await,
            Command::Watch(watch) => context.watch(watch).await,
            Command::Claim(claim) => context.claim(claim).await,
            Command::Withdraw(withdraw) => context.withdraw(withdraw).await,
            Command::Audit(audit) => context.audit(&audit).await,
        }
    }
}

/// How often the clerk looks at the chain.
const CLERK_LOOKS: Duration = Duration::from_secs(10);

struct Context {
    settings: Settings,
}

impl Context {
    async fn chain(&self) -> Result<Chain> {
        Ok(Chain::connect(&self.settings.rpc).await?)
    }

    fn key(&self) -> Result<PrivateKeySigner> {
        let secret = self.settings.key.as_ref();
        let secret = secret.ok_or_eyre("this command acts for an account: put its private key into TRIBUTARY_KEY")?;
        Ok(secret.key()?)
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

    async fn dataset(&self, dataset: Dataset) -> Result<()> {
        let account = self.account().await?;
        let data = self.data(account.chain())?;
        match dataset {
            Dataset::Register { name, schema, terms, pay_policy, held_out, payee } => {
                let schema = Schema {
                    width: schema.width,
                    largest: schema.largest,
                    classes: schema.classes,
                    radius: schema.radius,
                };
                let new = steps::dataset::NewDataset {
                    name,
                    schema,
                    terms: read_text(&terms)?,
                    pay_policy,
                    held_out: steps::model::records(&held_out, schema)?,
                    payee: payee.unwrap_or(account.address()),
                };
                let state = steps::dataset::register(&account, &data, new).await?;
                println!("dataset {} with vault {}", state.asset, state.vault);
            }
            Dataset::Contribute { records } => {
                let schema = data.dataset()?.schema;
                let giver =
                    steps::dataset::Giver { key: self.key()?, records: steps::model::records(&records, schema)? };
                for id in steps::dataset::contribute(&account, &data, vec![giver]).await? {
                    println!("consent {id}");
                }
            }
            Dataset::Snapshot { held_out } => {
                let held_out = steps::model::records(&held_out, data.dataset()?.schema)?;
                let (version, manifest, report) = steps::dataset::snapshot(&account, &data, &held_out).await?;
                println!("{} of {} records accepted", report.accepted, report.offered);
                let small =
                    [("share one row", &report.sharing), ("have too few records and are left out", &report.too_few)];
                for (what, accounts) in small.into_iter().filter(|(_, accounts)| !accounts.is_empty()) {
                    println!(
                        "{} contributors {what}: {}",
                        accounts.len(),
                        accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
                    );
                }
                println!("snapshot {} of dataset {}, root {}", version.version, version.asset, manifest.root);
            }
            Dataset::Grant { to, days } => {
                let until = steps::dataset::grant(&account, data.dataset()?.asset, to, days * 86_400).await?;
                println!("{to} may train until {until} (the chain's time)");
            }
            Dataset::Withdraw { id } => {
                consent::withdraw(&account, id).await?;
                println!("contribution {id} is withdrawn: later snapshots and releases leave it out");
            }
        }
        Ok(())
    }

    async fn train(&self, train: Train) -> Result<()> {
        let (chain, key) = (self.chain().await?, self.key()?);
        let data = self.data(&chain)?;
        let schema = data.dataset()?.schema;
        let held_out = steps::model::records(&train.held_out, schema)?;
        let test = steps::model::records(&train.test, schema)?;
        let recipe = TrainingRecipe::default();
        let mut bar = print::TrainingBar::new();
        let runtime = self.onnxruntime()?;
        let training = Training { builder: key.address(), recipe: &recipe, held_out: &held_out, test: &test };
        let built = steps::model::build(&runtime, &chain, &data, training, |step| bar.step(&step)).await?;
        bar.finish();
        print::trained(&built);
        Ok(())
    }

    async fn publish(&self, publish: Publish) -> Result<()> {
        let account = self.account().await?;
        let data = self.data(account.chain())?;
        let shares = Shares {
            payee: account.address(),
            payeeBps: publish.builder_bps,
            host: publish.host,
            hostBps: publish.host_bps,
            curators: publish.curators.unwrap_or(account.address()),
            curatorsBps: publish.curators_bps,
            poolBps: publish.pool_bps,
        };
        let new = steps::model::NewModel {
            name: publish.name,
            shares,
            dataset_bps: publish.dataset_bps,
            attestors: publish.attestors,
            threshold: publish.threshold,
            window: publish.window,
            arbitration: publish.arbiter.map(|arbiter| steps::model::Arbitration {
                arbiter,
                period: publish.arbiter_period,
                bond: publish.challenge_bond,
            }),
            poster_bond: publish.poster_bond,
            fallback_after: publish.fallback_after,
        };
        let state = steps::model::publish(&account, &data, new, &steps::model::files(&data)?).await?;
        println!("model {} version {}, vault {}", state.version.asset, state.version.version, state.vault);
        Ok(())
    }

    async fn license(&self, license: License) -> Result<()> {
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

    async fn serve(&self, token: Address, models: Vec<PathBuf>) -> Result<()> {
        let chain = self.chain().await?;
        let listening = Listening::bind(self.settings.listen).await?;
        let folders = if models.is_empty() { vec![self.settings.data.clone()] } else { models };
        let options = self.settings.model_options();
        let shelf =
            |data: PathBuf| Shelf { source: Source::Folder(data.clone()), data, token, options: options.clone() };
        let mut opening = self.settings.opening(self.key()?, folders.into_iter().map(shelf).collect());
        // A message for another host must not be good here, whatever a client says it asked at.
        opening.authority.get_or_insert_with(|| listening.authority());
        let host = Arc::new(Host::open(&chain, opening).await?);
        let clerk = self.clerk(&host).await?;
        let (stop, stopped) = tokio::sync::watch::channel(());
        let working = tokio::spawn(async move {
            let mut stopped = stopped;
            if let Some(clerk) = clerk {
                clerk.run(async { drop(stopped.changed().await) }).await;
            }
        });
        let served = listening.serve(host, self.settings.access(), stop_signal()).await;
        drop(stop);
        working.await?;
        Ok(served?)
    }

    /// Who closes and posts unattended, if somebody does.
    async fn clerk(&self, host: &Arc<Host>) -> Result<Option<Clerk>> {
        if self.settings.epoch_seconds == 0 {
            return Ok(None);
        }
        let key = match &self.settings.poster_key {
            Some(key) => key.key()?,
            None => self.key()?,
        };
        let folder = self.settings.data.join("submission");
        let duties = Duties { folder, key, epoch: self.settings.epoch_seconds, every: CLERK_LOOKS };
        Ok(Some(Clerk::open(Arc::clone(host), duties).await?))
    }

    async fn connect(&self, connect: Connect) -> Result<()> {
        let chain = self.chain().await?;
        let hours = Duration::from_secs(connect.hours * 60 * 60);
        let proxy = Proxy::open(&chain, &connect.host, self.key()?, connect.license, hours).await?;
        let listening = Listening::bind(self.settings.listen).await?;
        println!("ask {}/v2 as you would ask any server of the Open Inference Protocol", listening.url());
        listening.forward(proxy, self.settings.max_body_bytes, stop_signal()).await?;
        Ok(())
    }

    async fn key_of_license(&self, key: Key) -> Result<()> {
        let (chain, holder) = (self.chain().await?, self.key()?);
        match key {
            Key::Allow { host, license, session_key, label, days } => {
                let (credential, secret) = match session_key {
                    Some(address) => (Credential::Key(address), None),
                    None => {
                        let secret = steps::keys::bearer();
                        (Credential::of_bearer(secret.reveal()), Some(secret))
                    }
                };
                let new = steps::keys::NewKey { license, credential, label, seconds: days * 86_400 };
                let signed = steps::keys::allow(&chain, &host, &holder, new).await?;
                println!("{} may ask under license {license} until {}", signed.credential, signed.expires_at);
                if let Some(secret) = secret {
                    println!("{}", secret.reveal());
                    eprintln!("this bearer key is shown once; send it as `Authorization: Bearer …`");
                }
            }
            Key::List { host, license } => {
                let (keys, usage) = steps::keys::list(&chain, &host, &holder, license).await?;
                print::keys(&keys, &usage);
            }
            Key::Revoke { host, license, key } => {
                let revoked = steps::keys::revoke(&chain, &host, &holder, license, key).await?;
                println!("{} is revoked", revoked.credential);
            }
        }
        Ok(())
    }

    fn admin_token(&self) -> Result<&Secret> {
        let token = self.settings.admin_token.as_ref();
        token.ok_or_eyre("this needs the host's token: put it into TRIBUTARY_ADMIN_TOKEN")
    }

    async fn ledger(&self, ledger: Ledger) -> Result<()> {
        match ledger {
            Ledger::Backup { host, model } => {
                let copied = steps::records::backup(&host, model, self.admin_token()?).await?;
                println!("the ledger and {} batches are in {}", copied.batches, copied.folder);
            }
            Ledger::Restore { from } => {
                let (report, batches) = steps::records::restore(&from, &self.settings.data)?;
                println!(
                    "{} epochs, {} receipts in them, {} in the open one, {batches} batches",
                    report.epochs, report.sealed, report.open
                );
            }
            Ledger::Export { host, model, epoch, format, out } => {
                let bytes = steps::records::export(&host, model, epoch, &format, self.admin_token()?).await?;
                match out {
                    Some(path) => std::fs::write(&path, bytes).wrap_err_with(|| path.display().to_string())?,
                    None => std::io::stdout().write_all(&bytes)?,
                }
            }
        }
        Ok(())
    }

    async fn doctor(&self) -> Result<()> {
        let all = steps::doctor::examine(&self.settings).await;
        for diagnosis in &all {
            match &diagnosis.found {
                Ok(found) => println!("ok       {}: {found}", diagnosis.what),
                Err(problem) => println!("problem  {}: {problem}", diagnosis.what),
            }
        }
        let problems = all.iter().filter(|diagnosis| diagnosis.found.is_err()).count();
        eyre::ensure!(problems == 0, "{problems} problems");
        Ok(())
    }

    async fn receipt(&self, host: &str, id: B256) -> Result<()> {
        print::receipt(&steps::receipt::check(&self.chain().await?, host, id).await?);
        Ok(())
    }

    async fn ask(&self, ask: Ask) -> Result<()> {
        let chain = self.chain().await?;
        let (client, session) = steps::ask::sign_in(&chain, &ask.host, ask.model, &self.key()?, ask.license).await?;
        let model = client.model(ask.model)?;
        let classes = u8::try_from(model.classes).unwrap_or(u8::MAX);
        let schema = Schema { width: usize::try_from(model.input_width)?, largest: u8::MAX, classes, radius: 0 };
        let records = steps::model::records(&ask.records, schema)?;
        let asked: Vec<_> = records.into_iter().take(ask.count).collect();
        let inputs = asked.iter().map(|record| record.features.iter().map(|v| f32::from(*v)).collect());
        let mut labels = asked.iter().map(|record| record.label);
        steps::ask::infer(&chain, &session, ask.model, inputs, |answer| {
            print::answer(answer, labels.next());
        })
        .await?;
        Ok(())
    }

    async fn epoch(&self, epoch: Epoch) -> Result<()> {
        match epoch {
            Epoch::Close { host, model } => {
                let info = steps::epoch::close(&host, model, self.admin_token()?).await?;
                println!("epoch {} closed with {} receipts, root {}", info.index, info.receipts, info.root);
                println!("{}", Client::connect(&host).await?.batch_url(info.data_hash));
            }
            Epoch::Attest { batch, deadline } => {
                let attested = steps::epoch::attest(&self.chain().await?, &batch, deadline, &self.key()?).await?;
                println!("{}", serde_json::to_string_pretty(&attested)?);
            }
            Epoch::Post { host: Some(host), model, .. } => {
                let account = self.account().await?;
                let client = Client::connect(&host).await?;
                let model = steps::epoch::which(&client, model)?;
                let newest = client.epochs(model).await?.pop().ok_or_eyre("no epoch is closed")?;
                match steps::epoch::post_quorum(&account, &client, model, newest.index).await? {
                    Some((statement, active_at)) => {
                        println!("root {} posted as {}, good from {active_at} on", statement.root, statement.index);
                    }
                    None => eyre::bail!("too few attestors have signed epoch {} yet: ask again later", newest.index),
                }
            }
            Epoch::Post { attestations, .. } => {
                let read = |path: PathBuf| -> Result<Attested> {
                    serde_json::from_str(&read_text(&path)?).wrap_err_with(|| path.display().to_string())
                };
                let attested = attestations.into_iter().map(read).collect::<Result<Vec<_>>>()?;
                let (statement, active_at) = steps::epoch::post(&self.account().await?, &attested).await?;
                println!("root {} posted as {}, good from {active_at} on", statement.root, statement.index);
            }
        }
        Ok(())
    }

    async fn attest(&self, host: &str, every: Duration, once: bool) -> Result<()> {
        let (chain, key) = (self.chain().await?, self.key()?);
        loop {
            match steps::attest::look(&chain, host, &key).await {
                Ok(all) => all.iter().for_each(|(model, looked)| print::looked(*model, looked)),
                Err(error) if once => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "the host or the node did not answer; trying again"),
            }
            if once {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = stop_signal() => return Ok(()),
            }
        }
    }

    async fn watch(&self, watch: Watch) -> Result<()> {
        let on = revenue::Account { vault: watch.vault, token: watch.token };
        let resolve = if watch.challenge { Resolve::Challenge } else { Resolve::Prove };
        print::watched(&steps::watch::watch(&self.account().await?, &watch.host, on, resolve).await?);
        Ok(())
    }

    async fn claim(&self, claim: Claim) -> Result<()> {
        let account = self.account().await?;
        let on = revenue::Account { vault: claim.vault, token: claim.token };
        let of = claim.account.unwrap_or(account.address());
        let host = Client::connect(&claim.host).await?;
        let (paid, amount) = match claim.to {
            Some(to) => (to, steps::payout::claim_to(&account, &host, on, claim.epoch, &self.key()?, to).await?),
            None => (of, steps::payout::claim(&account, &host, on, claim.epoch, of).await?),
        };
        println!("{paid} was paid {amount} base units of {}", claim.token);
        Ok(())
    }

    async fn withdraw(&self, withdraw: Withdraw) -> Result<()> {
        let account = self.account().await?;
        let on = revenue::Account { vault: withdraw.vault, token: withdraw.token };
        let of = withdraw.account.unwrap_or(account.address());
        let (paid, amount) = match withdraw.to {
            Some(to) => (to, steps::payout::withdraw_to(&account, on, &self.key()?, to).await?),
            None => (of, steps::payout::withdraw(&account, on, of).await?),
        };
        println!("{paid} was paid {amount} base units of {}", withdraw.token);
        Ok(())
    }

    async fn audit(&self, audit: &Audit) -> Result<()> {
        let chain = self.chain().await?;
        let (verified, state) = steps::payout::audit(&chain, &audit.batch).await?;
        print::audited(&verified, state);
        if let (Some(count), Some(host), Some(release)) = (audit.sample, &audit.host, &audit.release) {
            let (runtime, key) = (self.onnxruntime()?, self.key()?);
            let sampled = steps::sample::sample(&chain, &runtime, &verified, host, release, &key, count).await?;
            print::sampled(&sampled);
            let wrong = sampled.iter().filter(|sampled| sampled.verdict.is_wrong()).count();
            eyre::ensure!(wrong == 0, "{wrong} receipts are not what the model answers: challenge the root");
        }
        Ok(())
    }
}

fn read_text(path: &PathBuf) -> Result<String> {
    std::fs::read_to_string(path).wrap_err_with(|| path.display().to_string())
}
