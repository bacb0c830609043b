//! What a model is, where it comes from, and its terms, as the chain has them.

use alloy::primitives::U256;
use tributary_chain::{
    assets,
    licenses::{self, rights},
};
use tributary_sdk::{
    AssetId,
    api::{ModelPage, OfferPage, Parent},
    contracts::license::{Offer, Terms},
};

use super::{Refusal, Service};
use crate::{
    releases::ReleaseStore,
    steps::{self, StepError},
};

/// The registry's kinds of lineage, by number.
const KINDS: [&str; 6] = ["base", "data", "finetune", "merge", "distil", "eval"];

impl Service {
    /// The model as a page for buyers, in Markdown.
    pub async fn buyers_page(&self) -> Result<String, Refusal> {
        let served = self.served();
        // Where the release lies in a run folder, no texts are kept.
        let none = ReleaseStore::folder(self.data.join("releases"));
        let store = self.source.store().unwrap_or(&none);
        steps::page::page(self.chain(), store, &served.folder, self.asset).await.map_err(|error| match error {
            StepError::Chain(error) => Refusal::Chain(error),
            StepError::Store(error) => Refusal::Store(error),
            other => Refusal::Release(other.to_string()),
        })
    }

    /// What is known of the model, for programs.
    pub async fn page(&self) -> Result<ModelPage, Refusal> {
        let chain = self.chain();
        let (edges, offers) = tokio::join!(assets::edges(chain, self.asset), licenses::offers_of(chain, self.asset));
        let parent = |edge: tributary_sdk::contracts::registry::Edge| Parent {
            kind: KINDS.get(usize::from(edge.kind)).copied().unwrap_or("other").to_owned(),
            asset: AssetId(edge.parent),
            version: edge.parentVersion,
            share_bps: edge.shareBps,
        };
        let manifest = String::from_utf8_lossy(self.served().release.manifest_bytes()).into_owned();
        Ok(ModelPage {
            release: self.info(),
            manifest,
            lineage: edges?.into_iter().map(parent).collect(),
            offers: offers?.into_iter().map(|(id, offer, terms)| offered(id, &offer, &terms)).collect(),
        })
    }
}

fn offered(id: U256, offer: &Offer, terms: &Terms) -> OfferPage {
    let (may, may_not) = rights::words(terms.rights);
    OfferPage {
        id,
        token: offer.token,
        price: offer.price,
        duration: offer.duration,
        may: may.into_iter().map(str::to_owned).collect(),
        may_not: may_not.into_iter().map(str::to_owned).collect(),
        max_calls: (terms.maxCalls > 0).then_some(terms.maxCalls),
        calls_per_minute: (terms.callsPerMinute > 0).then_some(terms.callsPerMinute),
        transferable: terms.transferable,
        delegable: terms.delegable,
        revocable: terms.revocable,
        legal_text_hash: terms.legalTextHash,
    }
}
