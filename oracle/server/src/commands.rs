//! The command line: reads arguments, calls a step, says what happened. No step is written here.

mod arguments;
mod attribute;
mod demo;
mod print;

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use eyre::{OptionExt, Result, WrapErr};
use tributary_chain::{Account, Chain, consent, licenses::rights, revenue};
use tributary_factory::{Schema, TrainingRecipe};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{
    client::Client,
    contracts::registry::Shares,
    deployment::{Creation, Deployment},
};
use tributary_server::{
    host::{Host, Opening},
    http::{Listening, stop_signal},
    settings::{Flags, Settings},
    steps::{self, DataFolder, epoch::Attested, license::Revocation, model::Training, watch::Resolve},
};

pub(crate) use arguments::Program;
use arguments::{Ask, Claim, Command, Dataset, Epoch, License, Publish, Train, Watch, Withdraw};

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
            Command::Serve { token } => context.serve(token).await,
            Command::Ask(ask) => context.ask(ask).await,
            Command::Epoch(epoch) => context.epoch(epoch).await,
            Command::Watch(watch) => context.watch(watch).await,
            Command::Claim(claim) => context.claim(claim).await,
            Command::Withdraw(withdraw) => context.withdraw(withdraw).await,
            Command::Audit { batch } => context.audit(&batch).await,
        }
    }
}

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
            License::Offer { token, price, legal_text, days, upfront_bps, max_calls, commercial, revocable } => {
                let account = self.account().await?;
                let data = self.data(account.chain())?;
                let offer = steps::license::NewOffer {
                    asset: data.model()?.version.asset,
                    rights: rights::INFER | if commercial { rights::COMMERCIAL } else { 0 },
                    max_calls,
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

    async fn serve(&self, token: Address) -> Result<()> {
        let chain = self.chain().await?;
        let data = self.data(&chain)?;
        let listening = Listening::bind(self.settings.listen).await?;
        let opening = Opening {
            data: self.settings.data.clone(),
            release: data.release(),
            version: data.model()?.version,
            token,
            key: self.key()?,
            onnxruntime: self.settings.onnxruntime.clone(),
            provider: self.settings.provider,
            license_cache: Duration::from_secs(self.settings.license_cache_seconds),
        };
        let host = Arc::new(Host::open(&chain, opening).await?);
        listening.serve(host, self.settings.admin_token.clone(), stop_signal()).await?;
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
            Epoch::Close { host } => {
                let token = self.settings.admin_token.as_ref();
                let token = token.ok_or_eyre("closing needs the host's token: put it into TRIBUTARY_ADMIN_TOKEN")?;
                let info = steps::epoch::close(&host, token).await?;
                println!("epoch {} closed with {} receipts, root {}", info.index, info.receipts, info.root);
                println!("{}", Client::connect(&host).await?.batch_url(info.data_hash));
            }
            Epoch::Attest { batch, deadline } => {
                let attested = steps::epoch::attest(&self.chain().await?, &batch, deadline, &self.key()?).await?;
                println!("{}", serde_json::to_string_pretty(&attested)?);
            }
            Epoch::Post { attestations } => {
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

    async fn audit(&self, batch: &str) -> Result<()> {
        let (verified, state) = steps::payout::audit(&self.chain().await?, batch).await?;
        print::audited(&verified, state);
        Ok(())
    }
}

fn read_text(path: &PathBuf) -> Result<String> {
    std::fs::read_to_string(path).wrap_err_with(|| path.display().to_string())
}
