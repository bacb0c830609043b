//! Which chain the nodes are on: asked at start, and again before anything is sent.

use alloy::primitives::{B256, U64};

use crate::{
    ChainIdentity, Endpoint, SubmissionError,
    endpoint::CallError,
    view::{NONE, View},
};

/// The id and the first block that all nodes name. Enough nodes must answer; those that do must agree.
pub(crate) async fn agreed(view: &View) -> Result<(u64, B256), SubmissionError> {
    let mut agreed: Option<(u64, B256)> = None;
    let mut failure = None;
    let mut answers = 0_usize;
    for endpoint in view.nodes.iter() {
        let found = match view.identity(endpoint).await {
            Ok(found) => found,
            Err(error) => {
                failure = Some(error);
                continue;
            }
        };
        answers = answers.saturating_add(1);
        let (expected, genesis) = *agreed.get_or_insert((found.chain_id, found.genesis.unwrap_or_default()));
        if found.chain_id != expected || found.genesis != Some(genesis) {
            return Err(SubmissionError::ChainChanged { endpoint: endpoint.name().into(), expected, found });
        }
    }
    match (agreed, failure) {
        (Some(agreed), _) if answers >= view.nodes.quorum => Ok(agreed),
        (_, Some(error)) => Err(error),
        (_, None) => Err(SubmissionError::NoEndpoint),
    }
}

/// The nodes that are on the chain now. Those that do not answer are left out; one on another chain is an error.
pub(crate) async fn on_chain(view: &View, expected: u64) -> Result<Vec<&Endpoint>, SubmissionError> {
    let mut there = Vec::new();
    let mut failure = None;
    for endpoint in view.nodes.iter() {
        match view.nodes.call::<_, U64>(endpoint, "eth_chainId", NONE).await {
            Ok(id) if id.to::<u64>() == expected => there.push(endpoint),
            Ok(id) => {
                let found = ChainIdentity { chain_id: id.to(), genesis: None };
                return Err(SubmissionError::ChainChanged { endpoint: endpoint.name().into(), expected, found });
            }
            Err(error) => failure = Some(CallError::named(&error, endpoint, "eth_chainId")),
        }
    }
    match failure {
        Some(error) if there.is_empty() => Err(error),
        _ => Ok(there),
    }
}
