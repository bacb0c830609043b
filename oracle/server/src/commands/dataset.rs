//! A dataset, by its steward and its contributors.

use std::{collections::BTreeSet, path::Path};

use alloy::primitives::{Address, B256, U256};
use eyre::{OptionExt, Result, WrapErr};
use tributary_chain::{Chain, consent};
use tributary_dataset::{
    Charter, Record, Schema,
    charter::{Membership, Validation},
    contribution::Bundle,
    records_hash,
    screening::{Decision, Ruling, ScreeningRules},
};
use tributary_sdk::{
    api::{SignedAppeal, SignedErasure},
    client::DatasetClient,
    release::Manifest,
    typed_data::{self, Appeal, Erasure, Review},
};
use tributary_server::{
    dataset::Collection,
    http::{Listening, stop_signal},
    steps::{self, contributing, dataset::NewDataset},
};

use super::{
    Context,
    arguments::{Contribute, Correct, Create, Dataset, Ruled},
    print, read_text,
};

/// How long a signature to erase may wait, in seconds.
const AN_HOUR: u64 = 60 * 60;

impl Context {
    pub(super) async fn dataset(&self, dataset: Dataset) -> Result<()> {
        match dataset {
            Dataset::Create(create) => self.create_dataset(*create).await,
            Dataset::Serve => self.collect().await,
            Dataset::Contribute(contribute) => self.contribute(contribute).await,
            Dataset::Status { host, bundle } => status(&self.chain().await?, &host, &bundle).await,
            Dataset::Screen { held_out } => self.screen(&held_out).await,
            Dataset::Rule { contribution, place, decision, reason } => {
                let decision = match decision {
                    Ruled::Accept => Decision::Accept,
                    Ruled::Hold => Decision::Hold,
                    Ruled::Reject => Decision::Reject,
                };
                let ruling = Ruling { contribution, place, decision, reason, by: self.key()?.address() };
                self.collection().await?.rule(vec![ruling]).await?;
                println!("record {place} of {contribution} will be {decision}");
                Ok(())
            }
            Dataset::Appeals => {
                let appeals = self.collection().await?.review()?.appeals;
                for appealed in &appeals {
                    let Appeal { contributionId, place, reason } = &appealed.signed.appeal;
                    println!("record {place} of {contributionId}: {reason}");
                }
                println!("{} appeals wait for `tributary dataset rule`", appeals.len());
                Ok(())
            }
            Dataset::Appeal { host, contribution, place, reason } => {
                let appeal = Appeal { contributionId: contribution, place, reason };
                let signature = typed_data::sign(&appeal, &self.chain().await?.consent_domain(), &self.key()?)?.into();
                DatasetClient::connect(&host).await?.appeal(&SignedAppeal { appeal, signature }).await?;
                println!("the curator is asked to look at record {place} of {contribution} again");
                Ok(())
            }
            Dataset::Correct(correct) => self.correct(correct).await,
            Dataset::Flag { host, receipt, answers, reason } => {
                let (chain, client) = (self.chain().await?, DatasetClient::connect(&host).await?);
                let answers = steps::improving::answers(&answers)?;
                steps::improving::flag(&chain, &client, receipt, &answers, reason, &self.key()?).await?;
                println!("the steward is told that answer {receipt} is wrong");
                Ok(())
            }
            Dataset::Held { host } => {
                print::held(&steps::improving::held(&self.chain().await?, &host, &self.key()?).await?);
                Ok(())
            }
            Dataset::Review { host, contribution, place, accept, reject: _, reason } => {
                let (chain, client) = (self.chain().await?, DatasetClient::connect(&host).await?);
                let review = Review { contributionId: contribution, place, accept, reason };
                steps::improving::review(&chain, &client, review, &self.key()?).await?;
                println!("record {place} of {contribution} is reviewed");
                Ok(())
            }
            Dataset::PayValidators { token, vaults } => {
                let chain = self.chain().await?;
                let paid = steps::paying::pay(&chain, &self.data(&chain)?, &self.key()?, token, &vaults).await?;
                print::paid(&paid);
                Ok(())
            }
            Dataset::Flags => print::flags(&self.collection().await?),
            Dataset::Snapshot { held_out } => self.snapshot(&held_out).await,
            Dataset::Grant { to, purposes, days } => {
                let account = self.account().await?;
                let dataset = self.data(account.chain())?.dataset()?.asset;
                let until = steps::dataset::grant(&account, dataset, to, purposes, days * 86_400).await?;
                println!("{to} may {purposes} until {until} (the chain's time)");
                Ok(())
            }
            Dataset::Revoke { from } => {
                let account = self.account().await?;
                consent::revoke(&account, self.data(account.chain())?.dataset()?.asset, from).await?;
                println!("{from} may use the dataset no more");
                Ok(())
            }
            Dataset::Withdraw { id: Some(id), .. } => {
                consent::withdraw(&self.account().await?, id).await?;
                println!("contribution {id} is withdrawn: later snapshots and releases leave it out");
                Ok(())
            }
            Dataset::Withdraw { bundle, host, place, .. } => {
                let (bundle, host) = (bundle.ok_or_eyre("--bundle")?, host.ok_or_eyre("--host")?);
                self.withdraw_record(&bundle, &host, place.ok_or_eyre("--place")?).await
            }
            Dataset::Erase { host, contribution } => self.erase(&host, contribution).await,
            Dataset::AccessLog { host } => access_log(&self.chain().await?, &host).await,
            Dataset::Mend => {
                let lost = self.collection().await?.mend().await?;
                for (id, parts) in &lost {
                    println!(
                        "contribution {id}: parts {parts:?} are lost or were changed; its contributor can send them again"
                    );
                }
                println!("{} contributions have lost something", lost.len());
                Ok(())
            }
        }
    }

    async fn collection(&self) -> Result<Collection> {
        let chain = self.chain().await?;
        Ok(Collection::open(&chain, &self.data(&chain)?)?)
    }

    async fn create_dataset(&self, create: Create) -> Result<()> {
        let account = self.account().await?;
        let data = self.data(account.chain())?;
        let schema = Schema::from_toml(&read_text(&create.schema)?)?;
        let screening = match &create.screening {
            Some(path) => toml::from_str(&read_text(path)?).wrap_err_with(|| path.display().to_string())?,
            None => ScreeningRules::default(),
        };
        let held_out = steps::model::records(&create.held_out, &schema)?;
        let charter = Charter {
            format: Charter::FORMAT.to_owned(),
            name: create.name,
            schema,
            purposes: create.purposes,
            terms: read_text(&create.terms)?,
            membership: members(&create.members)?,
            curator: create.curator.unwrap_or(account.address()),
            pay_policy: create.pay_policy,
            held_out_hash: records_hash(&held_out),
            screening,
            validation: validation(create.validators, create.validators_bps)?,
        };
        let payee = create.payee.unwrap_or(account.address());
        let new = NewDataset { charter, held_out, payee, store: create.store };
        let state = steps::dataset::create(&account, &data, new).await?;
        println!("dataset {} with vault {}", state.asset, state.vault);
        println!("charter {}: {}", state.terms_hash, data.join("charter.json").display());
        println!(
            "its records are sealed under {}: keep a copy where nobody else reads it",
            data.join("dataset.key").display()
        );
        Ok(())
    }

    async fn collect(&self) -> Result<()> {
        let collection = self.collection().await?;
        let key = self.key()?;
        let listening = Listening::bind(self.settings.listen).await?.with_patience(self.settings.patience());
        let listening = listening.with_authority(self.settings.authority.clone());
        println!("taking contributions to dataset {} at {}", collection.asset(), listening.url());
        listening.collect(collection, key, stop_signal()).await;
        Ok(())
    }

    async fn correct(&self, correct: Correct) -> Result<()> {
        let Correct { host, records, bundle, answers } = correct;
        // Before anything is sent: a file that does not read would leave a contribution that corrects nothing.
        let answers = steps::improving::answers(&answers)?;
        let (host, folder) = (Some(host), Some(bundle.clone()));
        self.contribute(Contribute { records, host: host.clone(), bundle: folder, contributor: None, signature: None })
            .await?;
        let chain = self.chain().await?;
        let known = contributing::ask(&chain, host.as_deref().unwrap_or_default()).await?;
        let bundle = Bundle::open(&bundle)?;
        let agreed = contributing::signed(&bundle)?;
        let claimed = steps::improving::correct(&chain, &known, &bundle, &agreed, &answers, &self.key()?).await?;
        for (place, receipt) in &claimed.corrections {
            println!("record {place} corrects the answer of receipt {receipt}");
        }
        println!(
            "{} corrections are claimed and held until somebody accepts them; {} records agree with their answers, {} were not \
             asked about: those are contributed like any others",
            claimed.corrections.len(),
            claimed.right.len(),
            claimed.unasked.len()
        );
        Ok(())
    }

    async fn contribute(&self, contribute: Contribute) -> Result<()> {
        let account = self.account().await?;
        let (Some(host), Some(folder)) = (contribute.host, contribute.bundle) else {
            let collection = self.collection().await?;
            let records = records_of(&collection, &contribute.records)?;
            let giver = steps::dataset::Giver { key: self.key()?, records };
            for id in steps::dataset::contribute(&account, &self.key()?, collection.data(), vec![giver]).await? {
                println!("consent {id}");
            }
            return Ok(());
        };
        let chain = account.chain();
        let known = contributing::ask(chain, &host).await?;
        let bundle = contributing::prepare(&known, &contribute.records, &folder)?;
        let contributor = contribute.contributor.unwrap_or(account.address());
        let agreed = contributing::agreement(chain, &known, &bundle, contributor).await?;
        let agreed = match (contribute.signature, &agreed.signature) {
            (Some(signature), _) => contributing::sign(&bundle, &agreed, signature)?,
            (None, Some(_)) => agreed,
            (None, None) if contributor == account.address() => {
                let domain = chain.consent_domain();
                let signature = typed_data::sign(&agreed.contribution, &domain, &self.key()?)?.into();
                contributing::sign(&bundle, &agreed, signature)?
            }
            (None, None) => {
                println!("{}", serde_json::to_string_pretty(&agreed.typed_data(chain))?);
                eprintln!("sign this as {contributor}, then give the same command --signature 0x…");
                return Ok(());
            }
        };
        let summary = bundle.summary();
        println!("{} records in {} parts, consent {}", summary.records, summary.parts.len(), agreed.id(chain));
        let bar = print::counting_bar("bytes", summary.parts.iter().map(|part| part.bytes).sum());
        let signed = contributing::send(&account, &known, &bundle, &agreed, |bytes| bar.set_position(bytes)).await?;
        bar.finish_and_clear();
        println!(
            "the host has signed for {} records: {}",
            signed.receipt.records,
            folder.join("receipt.json").display()
        );
        Ok(())
    }

    async fn screen(&self, held_out: &Path) -> Result<()> {
        let (chain, collection) = (self.chain().await?, self.collection().await?);
        let (data, held_out) = (collection.data().clone(), records_of(&collection, held_out)?);
        let (outcome, report) = steps::dataset::screen(self.key()?.address(), &chain, &data, &held_out).await?;
        print::screened(&outcome, &report.totals);
        println!("why, record by record: {}", data.join("screening.md").display());
        Ok(())
    }

    async fn snapshot(&self, held_out: &Path) -> Result<()> {
        let account = self.account().await?;
        let collection = self.collection().await?;
        let (data, held_out) = (collection.data().clone(), records_of(&collection, held_out)?);
        let published = steps::dataset::snapshot(&account, &data, &held_out).await?;
        print::screened(&published.outcome, &published.outcome.screening.report().totals);
        if !published.waiting.is_empty() {
            println!("{} contributions are not whole or not on chain, and wait", published.waiting.len());
        }
        let (version, manifest) = (published.version, published.manifest);
        println!("snapshot {} of dataset {}, root {}", version.version, version.asset, manifest.root);
        Ok(())
    }

    async fn withdraw_record(&self, folder: &Path, host: &str, place: u64) -> Result<()> {
        let account = self.account().await?;
        let known = contributing::ask(account.chain(), host).await?;
        let bundle = Bundle::open(folder)?;
        let agreed = contributing::signed(&bundle)?;
        let commitment = contributing::withdraw_record(&account, &known, &bundle, &agreed, place).await?;
        println!("record {place} ({commitment}) is withdrawn: later snapshots and releases leave it out");
        Ok(())
    }

    async fn erase(&self, host: &str, contribution: B256) -> Result<()> {
        let chain = self.chain().await?;
        let until = chain.head().await?.timestamp.saturating_add(AN_HOUR);
        let erasure = Erasure { contributionId: contribution, until };
        let signature = typed_data::sign(&erasure, &chain.consent_domain(), &self.key()?)?.into();
        let erased = DatasetClient::connect(host).await?.erase(&SignedErasure { erasure, signature }).await?;
        println!("{} records of {contribution} are deleted", erased.records);
        Ok(())
    }
}

/// What validators do, as the command line says it.
fn validation(agree: Option<u32>, share_bps: u16) -> Result<Option<Validation>> {
    let Some(agree) = agree else { return Ok(None) };
    Ok(Some(Validation { agree, share_bps: share_bps.try_into()? }))
}

/// Records of a file, as the dataset's schema says.
fn records_of(collection: &Collection, path: &Path) -> Result<Vec<Record>> {
    Ok(steps::model::records(path, &collection.charter().schema)?)
}

/// What the host has of a bundle, and what the newest snapshot has of it.
async fn status(chain: &Chain, host: &str, folder: &Path) -> Result<()> {
    let known = contributing::ask(chain, host).await?;
    let bundle = Bundle::open(folder)?;
    let id = contributing::signed(&bundle)?.id(chain);
    let here = known.client.contribution(id).await?;
    let consent = if here.is_recorded { "recorded on chain" } else { "not on chain" };
    let receipt = if here.receipt.is_some() { "signed for" } else { "not whole" };
    println!("consent {id}: {consent}; {} records, {receipt}, {} parts missing", here.records, here.missing.len());
    let Some(version) = known.client.info().snapshot else {
        println!("no snapshot is published yet");
        return Ok(());
    };
    let standing = contributing::standing(chain, &known, &bundle, version).await?;
    println!(
        "snapshot {version}: {} of your records are among its {}, {} are not; each is proven against the chain",
        standing.inside.len(),
        standing.records,
        standing.outside.len()
    );
    Ok(())
}

async fn access_log(chain: &Chain, host: &str) -> Result<()> {
    let known = contributing::ask(chain, host).await?;
    let entries = contributing::access_log(chain, &known).await?;
    for access in entries.iter().map(|entry| &entry.access) {
        let version = access.version.map_or_else(|| "all".to_owned(), |version| format!("snapshot {version}"));
        println!("{} {} {} {version}: {} records", access.at, access.by, access.purposes, access.records);
    }
    println!(
        "{} entries, each with the hash of the one before; every snapshot names one of them on chain",
        entries.len()
    );
    Ok(())
}

/// Who may contribute, as the command line says it.
fn members(text: &str) -> Result<Membership> {
    let parts: Vec<&str> = text.split(':').collect();
    Ok(match parts.as_slice() {
        ["open"] => Membership::Open,
        ["admitted"] => Membership::Admitted,
        ["holders", token, least] => Membership::Holders {
            token: token.parse().wrap_err("the token of --members holders:<token>:<least>")?,
            least: least.parse::<U256>().wrap_err("the least balance of --members holders:<token>:<least>")?,
        },
        _ => {
            let lines =
                read_text(&text.into()).wrap_err("--members is open, admitted, holders:<token>:<least> or a file")?;
            let account = |line: &str| line.trim().parse::<Address>().wrap_err_with(|| format!("the account `{line}`"));
            let members: BTreeSet<Address> =
                lines.lines().filter(|line| !line.trim().is_empty()).map(account).collect::<Result<_>>()?;
            Membership::Listed { members }
        }
    })
}
