//! Asking a host, and what its operator does.

use std::{io::Write, path::PathBuf, sync::Arc, time::Duration};

use eyre::{Result, WrapErr};
use tokio::{sync::watch::Receiver, task::JoinHandle};
use tributary_chain::Chain;
use tributary_factory::Schema;
use tributary_sdk::{Address, sign_in::Credential};
use tributary_server::{
    clerk::{Clerk, Duties},
    connect::Proxy,
    host::{Host, Shelf, Source},
    http::{Access, Listening, stop_signal},
    steps,
};

use super::{
    Context,
    arguments::{Ask, Connect, Key, Ledger},
    print,
};

/// How often the clerk looks at the chain.
const CLERK_LOOKS: Duration = Duration::from_secs(10);
/// How often a standby looks whether the folder is free.
const STANDBY_LOOKS: Duration = Duration::from_secs(1);

/// Waits until nobody else has any of these folders. The system frees them when the process that has them ends, however it
/// ends.
async fn stand_by(folders: &[PathBuf]) -> Result<()> {
    tracing::info!("standing by until nobody else serves from the data folders");
    while folders
        .iter()
        .try_fold(false, |any, folder| Ok::<_, std::io::Error>(any || tributary_ledger::in_use(folder)?))?
    {
        tokio::time::sleep(STANDBY_LOOKS).await;
    }
    tracing::warn!("taking over");
    Ok(())
}

impl Context {
    pub(super) async fn serve(&self, token: Address, models: Vec<PathBuf>, standby: bool) -> Result<()> {
        let folders = if models.is_empty() { vec![self.settings.data.clone()] } else { models };
        if standby {
            stand_by(&folders).await?;
        }
        let chain = self.chain().await?;
        let listening = Listening::bind(self.settings.listen).await?;
        let options = self.settings.model_options();
        let shelf =
            |data: PathBuf| Shelf { source: Source::Folder(data.clone()), data, token, options: options.clone() };
        let mut opening = self.settings.opening(self.key()?, folders.into_iter().map(shelf).collect());
        // A message for another host must not be good here, whatever a client says it asked at.
        opening.authority.get_or_insert_with(|| listening.authority());
        let host = Arc::new(Host::open(&chain, opening).await?);
        let clerk = self.clerk(&host).await?.map(Arc::new);
        let access = Access { clerk: clerk.clone(), ..self.settings.access() };
        let (stop, stopped) = tokio::sync::watch::channel(());
        let copying = self.mirror(&host, stopped.clone())?;
        let working = tokio::spawn(async move {
            let mut stopped = stopped;
            if let Some(clerk) = clerk {
                clerk.run(async { drop(stopped.changed().await) }).await;
            }
        });
        let served = listening.serve(host, access, stop_signal()).await;
        drop(stop);
        working.await?;
        if let Some(copying) = copying {
            copying.await?;
        }
        Ok(served?)
    }

    /// Copies of batches in a bucket, if one is named, until `stopped` changes.
    fn mirror(&self, host: &Arc<Host>, stopped: Receiver<()>) -> Result<Option<JoinHandle<()>>> {
        let Some(url) = &self.settings.mirror else { return Ok(None) };
        #[cfg(feature = "s3")]
        {
            let (mirror, mut stopped) = (tributary_server::mirror::Mirror::open(Arc::clone(host), url)?, stopped);
            let copying = async move { mirror.run(async { drop(stopped.changed().await) }).await };
            Ok(Some(tokio::spawn(copying)))
        }
        #[cfg(not(feature = "s3"))]
        {
            drop((Arc::clone(host), stopped));
            eyre::bail!("`mirror` is set to {url}, and this program was built without it: build it with --features s3")
        }
    }

    /// Who closes and posts unattended, if somebody does.
    async fn clerk(&self, host: &Arc<Host>) -> Result<Option<Clerk>> {
        if self.settings.epoch_seconds == 0 {
            return Ok(None);
        }
        let key = match self.settings.posting_key()? {
            Some(key) => key,
            None => self.key()?,
        };
        let mut more = Vec::new();
        for url in &self.settings.more_rpcs {
            more.push(Chain::connect(url.reveal()).await?);
        }
        let folder = self.settings.data.join("submission");
        let duties = Duties { folder, key, more, epoch: self.settings.epoch_seconds, every: CLERK_LOOKS };
        Ok(Some(Clerk::open(Arc::clone(host), duties).await?))
    }

    pub(super) async fn connect(&self, connect: Connect) -> Result<()> {
        let chain = self.chain().await?;
        let hours = Duration::from_secs(connect.hours * 60 * 60);
        let proxy = Proxy::open(&chain, &connect.host, self.key()?, connect.license, hours).await?;
        let listening = Listening::bind(self.settings.listen).await?;
        println!("ask {}/v2 as you would ask any server of the Open Inference Protocol", listening.url());
        listening.forward(proxy, self.settings.max_body_bytes, stop_signal()).await?;
        Ok(())
    }

    pub(super) async fn key_of_license(&self, key: Key) -> Result<()> {
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

    pub(super) async fn ledger(&self, ledger: Ledger) -> Result<()> {
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

    pub(super) async fn doctor(&self) -> Result<()> {
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

    pub(super) async fn ask(&self, ask: Ask) -> Result<()> {
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
}
