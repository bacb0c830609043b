//! Whether everything that a host needs is there and whole.

use std::path::Path;

use alloy::signers::local::PrivateKeySigner;
use tributary_chain::{Chain, assets, deploy};
use tributary_factory::Release;
use tributary_ledger::LedgerError;
use tributary_runtime::OnnxRuntime;

use super::DataFolder;
use crate::{host::Batches, settings::Settings};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What.
    pub what: &'static str,
    /// How it is, or what is wrong and what to do.
    pub found: Result<String, String>,
}

/// Looks at everything that a host of this data folder needs. It changes nothing, but for what redb repairs in a ledger
/// that was not closed.
pub async fn examine(settings: &Settings) -> Vec<Diagnosis> {
    let mut all = Vec::new();
    let mut say = |what: &'static str, found: Result<String, String>| all.push(Diagnosis { what, found });
    let runtime = OnnxRuntime::load(settings.onnxruntime.as_deref());
    say("ONNX Runtime", text(runtime.map(|runtime| runtime.path().display().to_string())));
    let key = settings.acting_key().transpose();
    say(
        "key",
        match &key {
            None => Err("none is given: put the host's private key into TRIBUTARY_KEY".into()),
            Some(key) => text(key.as_ref().map(|key| key.address().to_string())),
        },
    );
    let chain = Chain::connect(settings.rpc.reveal()).await;
    say("node", text(chain.as_ref().map(|chain| format!("chain {}, genesis {}", chain.id(), chain.genesis()))));
    say("ledger", ledger(&settings.data));
    say("batches", batches(&settings.data));
    let Ok(chain) = chain else { return all };
    let head = chain.head().await;
    say("newest block", text(head.map(|head| format!("number {}, time {}", head.number, head.timestamp))));
    let suite = deploy::present(&chain).await;
    say("contracts", text(suite.map(|()| format!("ledger {}", chain.deployment().ledger))));
    say("release", release(&chain, &settings.data, key.and_then(Result::ok)).await);
    all
}

fn text<T>(found: Result<T, impl std::fmt::Display>) -> Result<String, String>
where
    T: std::fmt::Display,
{
    found.map(|found| found.to_string()).map_err(|error| error.to_string())
}

fn ledger(data: &Path) -> Result<String, String> {
    match tributary_ledger::check(data) {
        Ok(report) if report.findings.is_empty() => Ok(format!(
            "whole: {} epochs with {} receipts, {} receipts in the open one, {} sign-ins",
            report.epochs, report.sealed, report.open, report.accesses
        )),
        Ok(report) => {
            let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
            Err(findings.join("; "))
        }
        Err(LedgerError::NoLedger { .. }) => Ok("none yet".into()),
        Err(LedgerError::InUse { .. }) => Ok("in use by a host; stop it to have the ledger checked".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn batches(data: &Path) -> Result<String, String> {
    let batches = Batches::at(data);
    let all = batches.list().map_err(|error| error.to_string())?;
    let broken = all.iter().filter_map(|(_, hash)| batches.bytes(*hash).err().map(|error| error.to_string()));
    let broken: Vec<String> = broken.collect();
    if broken.is_empty() { Ok(format!("{} whole", all.len())) } else { Err(broken.join("; ")) }
}

async fn release(chain: &Chain, data: &Path, key: Option<PrivateKeySigner>) -> Result<String, String> {
    let read = async || -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let folder = DataFolder::existing(data, chain)?;
        let version = folder.model()?.version;
        let published = assets::version(chain, version.asset, version.version).await?;
        let kept = folder.releases().find(published.manifestHash).await?;
        let kept = kept.ok_or("the published release is not in `releases/`: restore it, or publish it again")?;
        Release::open(&kept, published.contentHash, published.manifestHash)?;
        let host = assets::asset(chain, version.asset).await?.shares.host;
        match key.map(|key| key.address()) {
            Some(ours) if ours != host => Err(format!("the model's host is {host}, the key is {ours}").into()),
            _ => Ok(format!("version {} of model {}, as on chain", version.version, version.asset)),
        }
    };
    read().await.map_err(|error| error.to_string())
}
