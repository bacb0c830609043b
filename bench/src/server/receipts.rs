//! That every answer was counted, and that receipts are the host's and durable.

use alloy::{primitives::U256, signers::local::PrivateKeySigner};
use eyre::{ContextCompat, Result, ensure};
use serde_json::Value;
use tributary_sdk::{
    Bytes,
    api::SignedIn,
    client::{Client, Session},
    sign_in::{Credential, Permission},
    typed_data::{self, Receipt},
};

use super::{
    market::{Market, Model},
    question::Question,
    wire::Answer,
};

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;

/// The buyer at a host.
#[derive(Clone, Debug)]
pub(super) struct Buyer {
    pub(super) client: Client,
    pub(super) session: Session,
    holder: PrivateKeySigner,
    license: U256,
}

impl Buyer {
    /// Signs a session key in.
    pub(super) async fn sign_in(market: &Market, model: &Model, url: &str) -> Result<Self> {
        let (client, key) = (Client::connect(url).await?, PrivateKeySigner::random());
        let until = market.chain.head().await?.timestamp + 365 * DAY;
        let session = client.sign_in(&market.buyer, model.license, key, until).await?;
        Ok(Self { client, session, holder: market.buyer.clone(), license: model.license })
    }

    /// Units that the ledger has counted in the open epoch, as the token of a fresh sign-in shows them.
    pub(super) async fn counted(&self, market: &Market) -> Result<u64> {
        let token = self.sign_another_in(market).await?.token.wrap_err("a sign-in without a token")?;
        Ok(self.client.usage(self.license, &token).await?.open_epoch)
    }

    /// Signs in another key, which nobody asks with.
    pub(super) async fn sign_another_in(&self, market: &Market) -> Result<SignedIn> {
        let permission = Permission {
            license_id: self.license,
            credential: Credential::Key(PrivateKeySigner::random().address()),
            begins_at: 0,
            expires_at: market.chain.head().await?.timestamp + DAY,
            holder: None,
            label: None,
        };
        Ok(self.client.allow(&self.holder, &permission).await?)
    }

    /// Checks an answer's receipt: of this question, signed by the host, and the one that the host has on disk.
    pub(super) async fn check(&self, question: &Question, answer: &Answer) -> Result<()> {
        let json = match answer.header("inference-header-content-length") {
            Some(length) => answer.body.get(..length.parse()?).wrap_err("an answer shorter than it says")?,
            None => &answer.body,
        };
        let answer: Value = serde_json::from_slice(json)?;
        let said = |name: &str| answer["parameters"][name].as_str().wrap_err("an answer without its receipt");
        let receipt: Receipt = serde_json::from_str(said("receipt")?)?;
        let signature: Bytes = said("host_signature")?.parse()?;
        ensure!(Some(receipt.id) == question.id, "a receipt of another question");
        typed_data::verify(&receipt, &self.client.domain(), &signature, self.client.host().host)?;
        ensure!(self.client.receipt(receipt.id).await?.receipt == receipt, "the host has another receipt on disk");
        Ok(())
    }
}
