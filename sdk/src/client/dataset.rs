//! Contribute to a dataset, and see what became of it.

use std::time::Duration;

use alloy::primitives::{B256, keccak256};
use serde::{Serialize, de::DeserializeOwned};

use super::{ClientError, checked, http_within, read};
use crate::{
    api::{
        ContributionInfo, DatasetInfo, Erased, HeldRecords, NewContribution, Reader, SignedAppeal, SignedCorrection,
        SignedErasure, SignedFlag, SignedReceipt, SignedReview, Validators,
    },
    snapshot::RecordProof,
};

/// For one call; a part may be as long as a host takes.
const CALL: Duration = Duration::from_secs(120);

/// A dataset's host.
#[derive(Clone, Debug)]
pub struct DatasetClient {
    http: reqwest::Client,
    base: String,
    info: DatasetInfo,
}

impl DatasetClient {
    /// Asks the host at `url` what it collects.
    pub async fn connect(url: &str) -> Result<Self, ClientError> {
        let http = http_within(CALL, CALL);
        let base = url.trim_end_matches('/').to_owned();
        let info = read(http.get(format!("{base}/v1/dataset")).send().await?).await?;
        Ok(Self { http, base, info })
    }

    /// What is collected.
    pub fn info(&self) -> &DatasetInfo {
        &self.info
    }

    /// The charter that contributors agree to, checked against the hash that the host says they sign. That the chain says so
    /// too is for the caller to compare.
    pub async fn charter(&self) -> Result<Vec<u8>, ClientError> {
        let bytes = self.bytes("/v1/dataset/charter").await?;
        match keccak256(&bytes) == self.info.terms_hash {
            true => Ok(bytes),
            false => Err(ClientError::OtherFile("charter")),
        }
    }

    /// Announces a contribution by its signed consent.
    pub async fn announce(&self, new: &NewContribution) -> Result<ContributionInfo, ClientError> {
        self.post("/v1/dataset/contributions", new).await
    }

    /// What the host has of a contribution.
    pub async fn contribution(&self, id: B256) -> Result<ContributionInfo, ClientError> {
        self.get(&format!("/v1/dataset/contributions/{id}")).await
    }

    /// Sends a part; sending it again changes nothing.
    pub async fn send_part(&self, id: B256, place: u32, bytes: Vec<u8>) -> Result<(), ClientError> {
        let url = format!("{}/v1/dataset/contributions/{id}/parts/{place}", self.base);
        checked(self.http.put(url).body(bytes).send().await?).await.map(|_| ())
    }

    /// The host's receipt, once all parts were sent.
    pub async fn receipt(&self, id: B256) -> Result<SignedReceipt, ClientError> {
        let url = format!("{}/v1/dataset/contributions/{id}/receipt", self.base);
        read(self.http.post(url).send().await?).await
    }

    /// Asks the curator to look at a record again.
    pub async fn appeal(&self, signed: &SignedAppeal) -> Result<(), ClientError> {
        self.tell("/v1/dataset/appeals", signed).await
    }

    /// Says that a record that was contributed is what an answer should have been.
    pub async fn correct(&self, signed: &SignedCorrection) -> Result<(), ClientError> {
        self.tell("/v1/dataset/corrections", signed).await
    }

    /// Says that an answer is wrong.
    pub async fn flag(&self, signed: &SignedFlag) -> Result<(), ClientError> {
        self.tell("/v1/dataset/flags", signed).await
    }

    /// The records that wait for a validator.
    pub async fn held(&self, reader: &Reader) -> Result<HeldRecords, ClientError> {
        self.post("/v1/dataset/held", reader).await
    }

    /// Gives the host what a validator says of a held record.
    pub async fn review(&self, signed: &SignedReview) -> Result<(), ClientError> {
        self.tell("/v1/dataset/reviews", signed).await
    }

    /// The accepted work of validators, and what was paid for it.
    pub async fn validators(&self) -> Result<Validators, ClientError> {
        self.get("/v1/dataset/validators").await
    }

    /// Has rejected and withdrawn records deleted.
    pub async fn erase(&self, signed: &SignedErasure) -> Result<Erased, ClientError> {
        self.post("/v1/dataset/erasures", signed).await
    }

    /// The log of who read the records, as JSON lines.
    pub async fn access_log(&self) -> Result<Vec<u8>, ClientError> {
        self.bytes("/v1/dataset/access-log").await
    }

    /// A snapshot's manifest, byte for byte.
    pub async fn snapshot(&self, version: u32) -> Result<Vec<u8>, ClientError> {
        self.bytes(&format!("/v1/dataset/snapshots/{version}")).await
    }

    /// Why each record of a snapshot was accepted, held or rejected.
    pub async fn screening(&self, version: u32) -> Result<Vec<u8>, ClientError> {
        self.bytes(&format!("/v1/dataset/snapshots/{version}/screening")).await
    }

    /// The commitments to a snapshot's records, ascending. The caller compares their root.
    pub async fn commitments(&self, version: u32) -> Result<Vec<B256>, ClientError> {
        let bytes = self.bytes(&format!("/v1/dataset/snapshots/{version}/commitments")).await?;
        Ok(bytes.chunks_exact(32).map(B256::from_slice).collect())
    }

    /// That a record is in a snapshot, or that it is not. The caller verifies it.
    pub async fn proof(&self, version: u32, commitment: B256) -> Result<RecordProof, ClientError> {
        self.get(&format!("/v1/dataset/snapshots/{version}/records/{commitment}")).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        read(self.http.get(format!("{}{path}", self.base)).send().await?).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        read(self.http.post(format!("{}{path}", self.base)).json(body).send().await?).await
    }

    async fn tell(&self, path: &str, body: &impl Serialize) -> Result<(), ClientError> {
        checked(self.http.post(format!("{}{path}", self.base)).json(body).send().await?).await.map(|_| ())
    }

    async fn bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let response = checked(self.http.get(format!("{}{path}", self.base)).send().await?).await?;
        Ok(response.bytes().await?.to_vec())
    }
}
