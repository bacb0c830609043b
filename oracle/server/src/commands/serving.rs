//! Asking a host, and what its operator does.

use std::{io::Write, path::PathBuf, sync::Arc, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use eyre::{Result, WrapErr};
use tokio::{sync::watch::Receiver, task::JoinSet};
use tributary_chain::deploy;
use tributary_dataset::Schema;
use tributary_sdk::{Address, client::Client, sign_in::Credential};
use tributary_server::{
    clerk::{Clerk, ClerkError, Duties},
    connect::Proxy,
    host::{Following, Host, Library, OpenError, Shelf, Source},
    http::{Access, Listening, stop_signal},
    releases::ReleaseStore,
    steps,
};
use tributary_submission::SubmissionError;

use super::{
    Context,
    arguments::{Ask, Connect, Decision, Key, Ledger, Submission},
    print,
};

/// How often the clerk looks at the chain.
const CLERK_LOOKS: Duration = Duration::from_secs(10);
/// How often it is looked for new releases, and on development chains.
const FOLLOWER_LOOKS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(500));
/// How often a standby looks whether the folder is free.
const STANDBY_LOOKS: Duration = Duration::from_secs(1);

/// Whether somebody else has any of these folders. The system frees them when the process that has them ends, however it
/// ends.
fn in_use(folders: &[PathBuf]) -> std::io::Result<bool> {
    folders.iter().try_fold(false, |any, folder| Ok(any || tributary_ledger::in_use(folder)?))
}

/// Whether a host could not be opened because somebody else posts from its folder.
fn is_taken(error: &eyre::Report) -> bool {
    matches!(error.downcast_ref(), Some(ClerkError::Submission(SubmissionError::InUse { .. })))
}

/// What is served.
pub(super) struct Serve {
    /// The token whose revenue is divided.
    pub(super) token: Address,
    /// Data folders of models.
    pub(super) models: Vec<PathBuf>,
    /// A store of releases.
    pub(super) releases: Option<String>,
}

/// A host that is ready to be asked.
struct Opened {
    listening: Listening,
    host: Arc<Host>,
    clerk: Option<Clerk>,
}

impl Context {
    pub(super) async fn serve(&self, mut serve: Serve, standby: bool) -> Result<()> {
        if serve.models.is_empty() && serve.releases.is_none() {
            serve.models.push(self.settings.data.clone());
        }
        let opened = if standby {
            tokio::select! {
                opened = self.take_over(&serve) => opened?,
                () = stop_signal() => return Ok(()),
            }
        } else {
            self.open(&serve).await?
        };
        self.work(opened).await
    }

    /// Waits until nobody else has the folders, and opens a host from them. What would stand in its way is said at once, and
    /// not when it is too late.
    async fn take_over(&self, serve: &Serve) -> Result<Opened> {
        let mut folders = serve.models.clone();
        if serve.releases.is_some() {
            // Which models these are, the chain says; whoever serves them posts from here.
            folders.push(self.settings.data.clone());
        }
        deploy::present(&self.chain().await?).await?;
        tracing::info!(key = %self.key()?.address(), "standing by until nobody else serves from the data folders");
        self.posting_key()?;
        self.onnxruntime()?;
        loop {
            while in_use(&folders)? {
                tokio::time::sleep(STANDBY_LOOKS).await;
            }
            tracing::warn!("taking over");
            match self.open(serve).await {
                // Somebody was quicker: the one before, started again, or another standby.
                Err(error) if is_taken(&error) || in_use(&folders)? => {
                    tracing::warn!(%error, "standing by again");
                    tokio::time::sleep(STANDBY_LOOKS).await;
                }
                other => return other,
            }
        }
    }

    async fn open(&self, serve: &Serve) -> Result<Opened> {
        let chain = self.chain().await?;
        let listening = Listening::bind(self.settings.listen).await?.with_patience(self.settings.patience());
        let (token, options) = (serve.token, self.settings.model_options());
        let shelf = |data: &PathBuf| -> Result<Shelf, OpenError> {
            let (source, data) = (Source::folder(&chain, data)?, data.clone());
            Ok(Shelf { source, data, token, options: options.clone() })
        };
        let shelves = serve.models.iter().map(shelf).collect::<Result<_, _>>()?;
        let mut opening = self.settings.opening(self.key()?, shelves);
        if let Some(location) = &serve.releases {
            let store = ReleaseStore::open(location, &self.settings.data.join("releases"))?;
            let data = self.settings.data.join("models");
            opening.library = Some(Library { store, data, token, options: options.clone() });
        }
        // A message for another host must not be good here, whatever a client says it asked at.
        opening.authority.get_or_insert_with(|| listening.authority());
        let host = Arc::new(Host::open(&chain, opening).await?);
        let clerk = self.clerk(&host).await?;
        Ok(Opened { listening, host, clerk })
    }

    /// Serves, closes, posts and copies until it is asked to stop.
    async fn work(&self, Opened { listening, host, clerk }: Opened) -> Result<()> {
        let clerk = clerk.map(Arc::new);
        let access = Access { clerk: clerk.clone(), ..self.settings.access() };
        let (stop, stopped) = tokio::sync::watch::channel(());
        let mut beside = JoinSet::new();
        self.mirror(&host, &mut beside, stopped.clone())?;
        let (following, mut until) = (Following::new(Arc::clone(&host)), stopped.clone());
        let every = if host.chain().is_development() { FOLLOWER_LOOKS.1 } else { FOLLOWER_LOOKS.0 };
        beside.spawn(async move { following.run(every, async { drop(until.changed().await) }).await });
        if let Some(clerk) = clerk {
            let mut stopped = stopped;
            beside.spawn(async move { clerk.run(async { drop(stopped.changed().await) }).await });
        }
        let (say, early) = tokio::sync::oneshot::channel();
        let beside = tokio::spawn(async move {
            let first = beside.join_next().await;
            if first.is_some() {
                let _ = say.send(());
            }
            let mut ends = Vec::from_iter(first);
            while let Some(end) = beside.join_next().await {
                ends.push(end);
            }
            ends
        });
        let stopping = async {
            tokio::select! {
                () = stop_signal() => {}
                // A host that only seems to work is worse than one that is gone.
                Ok(()) = early => tracing::error!("what closes, posts or copies has ended: stopping"),
            }
        };
        let served = listening.serve(host, access, stopping).await;
        drop(stop);
        for end in beside.await? {
            end?;
        }
        Ok(served?)
    }

    /// Copies batches into a bucket, if one is named, until `stopped` changes.
    fn mirror(&self, host: &Arc<Host>, beside: &mut JoinSet<()>, stopped: Receiver<()>) -> Result<()> {
        let Some(url) = &self.settings.mirror else { return Ok(()) };
        #[cfg(feature = "s3")]
        {
            let mirror = tributary_server::mirror::Mirror::open(Arc::clone(host), url.reveal())?;
            let mut stopped = stopped;
            beside.spawn(async move { mirror.run(async { drop(stopped.changed().await) }).await });
            Ok(())
        }
        #[cfg(not(feature = "s3"))]
        {
            let _ = (host, url, beside, stopped);
            eyre::bail!("`mirror` is set, and this program was built without it: build it with --features s3")
        }
    }

    fn posting_key(&self) -> Result<PrivateKeySigner> {
        match self.settings.posting_key()? {
            Some(key) => Ok(key),
            None => self.key(),
        }
    }

    /// Who closes and posts unattended, if somebody does.
    async fn clerk(&self, host: &Arc<Host>) -> Result<Option<Clerk>> {
        if self.settings.epoch_seconds == 0 {
            return Ok(None);
        }
        let more = self.settings.more_rpcs.iter().zip(2..).map(|(url, place)| {
            tributary_chain::node(url.reveal()).wrap_err_with(|| format!("node {place}, of `more_rpcs`"))
        });
        let duties = Duties {
            folder: self.settings.data.join("submission"),
            key: self.posting_key()?,
            more: more.collect::<Result<_>>()?,
            policy: self.settings.policy(),
            epoch: self.settings.epoch_seconds,
            every: CLERK_LOOKS,
        };
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

    pub(super) async fn submission(&self, submission: &Submission) -> Result<()> {
        let (client, token) = (Client::connect(&submission.host).await?, self.admin_token()?.reveal());
        let all = match submission.what {
            Decision::List => client.submissions(token).await?,
            Decision::Retry { key } => client.decide(key, "retry", token).await?,
            Decision::GiveUp { key } => client.decide(key, "give-up", token).await?,
            Decision::Acknowledge => client.acknowledge(token).await?,
        };
        print::submissions(&all);
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
        let schema = Schema::of_numbers(usize::try_from(model.input_width)?, usize::try_from(model.classes)?);
        let records = steps::model::records(&ask.records, &schema)?;
        let asked: Vec<_> = records.into_iter().take(ask.count).collect();
        let inputs = asked.iter().map(|record| schema.numbers(record).into_iter().map(|value| value as f32).collect());
        let mut labels = asked.iter().filter_map(|record| schema.class(record));
        let mut kept = Ok(());
        steps::ask::infer(&chain, &session, ask.model, inputs, |answer| {
            print::answer(answer, labels.next());
            if let (Some(path), Ok(())) = (&ask.keep, &kept) {
                kept = steps::improving::keep(path, answer);
            }
        })
        .await?;
        Ok(kept?)
    }
}
