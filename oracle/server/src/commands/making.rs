//! Data, training, publishing, selling.

use eyre::Result;
use tributary_chain::{consent, licenses::rights};
use tributary_factory::{Schema, TrainingRecipe};
use tributary_sdk::contracts::registry::Shares;
use tributary_server::steps::{self, license::Revocation, model::Training};

use super::{
    Context,
    arguments::{Dataset, License, Publish, Train},
    print, read_text,
};

impl Context {
    pub(super) async fn dataset(&self, dataset: Dataset) -> Result<()> {
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

    pub(super) async fn train(&self, train: Train) -> Result<()> {
        let (chain, key) = (self.chain().await?, self.key()?);
        let data = self.data(&chain)?;
        let schema = data.dataset()?.schema;
        let held_out = steps::model::records(&train.held_out, schema)?;
        let test = steps::model::records(&train.test, schema)?;
        let recipe = TrainingRecipe::default();
        let mut bar = print::TrainingBar::new();
        let runtime = self.onnxruntime()?;
        let training = Training {
            builder: key.address(),
            recipe: &recipe,
            held_out: &held_out,
            test: &test,
            sketch_readers: train.sketch_readers.into(),
        };
        let built = steps::model::build(&runtime, &chain, &data, training, |step| bar.step(&step)).await?;
        bar.finish();
        print::trained(&built);
        Ok(())
    }

    pub(super) async fn publish(&self, publish: Publish) -> Result<()> {
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
