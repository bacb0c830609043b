//! The demo's hosts.

use std::sync::Arc;

use alloy::signers::local::PrivateKeySigner;
use eyre::Result;
use tokio::{sync::oneshot, task::JoinHandle};
use tributary_chain::Chain;
use tributary_server::{
    dataset::Collection,
    host::{Host, Opening},
    http::{Access, Listening, ServeError},
    secret::Secret,
    settings::Settings,
};

/// A host as a task of its own, reached over HTTP like any other.
pub(super) struct Serving {
    pub(super) url: String,
    pub(super) admin_token: Secret,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Serving {
    pub(super) async fn start(settings: &Settings, chain: &Chain, opening: Opening) -> Result<Self> {
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await?;
        let url = listening.url();
        let host = Arc::new(Host::open(chain, opening).await?);
        let admin_token = Secret::new(PrivateKeySigner::random().to_bytes().to_string());
        let (stop, stopped) = oneshot::channel::<()>();
        let access = Access { admin_token: Some(admin_token.clone()), ..settings.access() };
        let task = tokio::spawn(listening.serve(host, access, async {
            let _ = stopped.await;
        }));
        Ok(Self { url, admin_token, stop, task })
    }

    pub(super) async fn stop(self) -> Result<()> {
        let _ = self.stop.send(());
        Ok(self.task.await??)
    }
}

/// A dataset's host as a task of its own.
pub(super) struct DatasetHost {
    pub(super) url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl DatasetHost {
    pub(super) async fn start(collection: Collection, key: &PrivateKeySigner) -> Result<Self> {
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await?;
        let url = listening.url();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(listening.collect(collection, key.clone(), async {
            let _ = stopped.await;
        }));
        Ok(Self { url, stop, task })
    }

    pub(super) async fn stop(self) -> Result<()> {
        let _ = self.stop.send(());
        Ok(self.task.await?)
    }
}
