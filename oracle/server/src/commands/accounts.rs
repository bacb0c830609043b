//! Epochs, watching, payouts, audits.

use std::{path::PathBuf, pin::pin, time::Duration};

use eyre::{OptionExt, Report, Result, WrapErr};
use tributary_chain::revenue;
use tributary_sdk::{B256, api::Attested, client::Client};
use tributary_server::{
    http::stop_signal,
    steps::{self, watch::Resolve},
};

use super::{
    Context,
    arguments::{Audit, Claim, Epoch, Watch, Withdraw},
    print, read_text,
};

impl Context {
    pub(super) async fn receipt(&self, host: &str, id: B256) -> Result<()> {
        print::receipt(&steps::receipt::check(&self.chain().await?, host, id).await?);
        Ok(())
    }

    pub(super) async fn epoch(&self, epoch: Epoch) -> Result<()> {
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

    pub(super) async fn attest(&self, host: &str, every: Duration, once: bool) -> Result<()> {
        let (chain, key) = (self.chain().await?, self.key()?);
        // Heard from before the first look, so that none is lost between two of them.
        let mut stop = pin!(stop_signal());
        loop {
            let looked = tokio::select! {
                looked = steps::attest::look(&chain, host, &key) => looked,
                () = &mut stop => return Ok(()),
            };
            match looked.map_err(Report::from).and_then(|all| print::looked_at(&all)) {
                Err(error) if once => return Err(error),
                Err(error) => tracing::warn!(error = format!("{error:#}"), "looking again later"),
                Ok(()) if once => return Ok(()),
                Ok(()) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = &mut stop => return Ok(()),
            }
        }
    }

    pub(super) async fn watch(&self, watch: Watch, resolve: Resolve) -> Result<()> {
        let (account, on) = (self.account().await?, watch.on.into());
        print::watched(&steps::watch::watch(&account, &watch.host, on, resolve, self.reader()?.as_ref()).await?);
        Ok(())
    }

    pub(super) async fn claim(&self, claim: Claim) -> Result<()> {
        let account = self.account().await?;
        let on = revenue::Account::from(claim.on);
        let of = claim.paid.account.unwrap_or(account.address());
        let host = Client::connect(&claim.host).await?;
        let (paid, amount) = match claim.paid.to {
            Some(to) => (to, steps::payout::claim_to(&account, &host, on, claim.epoch, &self.key()?, to).await?),
            None => (of, steps::payout::claim(&account, &host, on, claim.epoch, of).await?),
        };
        println!("{paid} was paid {amount} base units of {}", on.token);
        Ok(())
    }

    pub(super) async fn withdraw(&self, withdraw: Withdraw) -> Result<()> {
        let account = self.account().await?;
        let on = revenue::Account::from(withdraw.on);
        let of = withdraw.paid.account.unwrap_or(account.address());
        let (paid, amount) = match withdraw.paid.to {
            Some(to) => (to, steps::payout::withdraw_to(&account, on, &self.key()?, to).await?),
            None => (of, steps::payout::withdraw(&account, on, of).await?),
        };
        println!("{paid} was paid {amount} base units of {}", on.token);
        Ok(())
    }

    pub(super) async fn audit(&self, audit: &Audit) -> Result<()> {
        let chain = self.chain().await?;
        let (host, key) = (audit.host.as_deref(), self.reader()?);
        let audited = steps::payout::audit(&chain, &audit.batch, host, key.as_ref()).await?;
        print::audited(&audited);
        if let (Some(count), Some(host), Some(release)) = (audit.sample, &audit.host, &audit.release) {
            let (runtime, key) = (self.onnxruntime()?, self.key()?);
            let sampled =
                steps::sample::sample(&chain, &runtime, &audited.verified, host, release, &key, count).await?;
            print::sampled(&sampled);
            let wrong = sampled.iter().filter(|sampled| sampled.verdict.is_wrong()).count();
            eyre::ensure!(wrong == 0, "{wrong} receipts are not what the model answers: challenge the root");
        }
        Ok(())
    }
}
