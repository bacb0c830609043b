//! Reading events over any range of blocks from nodes that limit how much they answer.

use alloy::{
    providers::Provider,
    rpc::types::{Filter, Log},
};

use crate::{Chain, ChainError};

/// All logs of the blocks `from` to `to` in order. A range that the node refuses is asked for in halves.
pub(crate) async fn between(chain: &Chain, filter: &Filter, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
    let mut found = Vec::new();
    let mut waiting = vec![(from, to)];
    while let Some((from, to)) = waiting.pop() {
        match chain.provider().get_logs(&filter.clone().from_block(from).to_block(to)).await {
            Ok(logs) => found.extend(logs),
            // Only an answer of the node can mean "too much"; a broken connection is no reason to ask more often.
            Err(error) if from < to && error.is_error_resp() => {
                let middle = from.midpoint(to);
                waiting.push((middle.saturating_add(1), to));
                waiting.push((from, middle));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}
