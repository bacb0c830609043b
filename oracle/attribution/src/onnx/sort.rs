//! An order of the operators in which each finds its inputs made.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use crate::graph::{GraphError, Node};

/// Sorts operators; the file's order stays wherever it does. `reads` are names an operator reads beside its inputs
/// (within subgraphs); names that no operator makes need none.
///
/// # Errors
/// [`GraphError::Cycle`] names an operator that cannot come.
pub(super) fn sort(nodes: Vec<Node>, reads: &[Vec<String>]) -> Result<Vec<Node>, GraphError> {
    let mut makers: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, node) in nodes.iter().enumerate() {
        makers.extend(node.outputs.iter().filter(|name| !name.is_empty()).map(|name| (name.as_str(), place)));
    }
    let mut waits = vec![0usize; nodes.len()];
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for ((place, node), waits) in nodes.iter().enumerate().zip(&mut waits) {
        let within = reads.get(place).map(Vec::as_slice).unwrap_or_default();
        for maker in node.inputs.iter().chain(within).filter_map(|name| makers.get(name.as_str())) {
            if let Some(followers) = followers.get_mut(*maker) {
                followers.push(place);
                *waits += 1;
            }
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
    ready.extend(waits.iter().enumerate().filter(|(_, waits)| **waits == 0).map(|(place, _)| Reverse(place)));
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(place)) = ready.pop() {
        order.push(place);
        for follower in followers.get(place).into_iter().flatten() {
            if let Some(left) = waits.get_mut(*follower) {
                *left -= 1;
                if *left == 0 {
                    ready.push(Reverse(*follower));
                }
            }
        }
    }
    if let Some(stuck) = waits.iter().position(|left| *left > 0).and_then(|place| nodes.get(place)) {
        return Err(GraphError::Cycle { node: stuck.name.clone() });
    }
    let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|place| nodes.get_mut(place)?.take()).collect())
}
