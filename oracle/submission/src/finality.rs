//! From when on a block will not go away: what enough nodes agree on.

use alloy::eips::BlockNumberOrTag;

use crate::{
    Endpoint, Finality, Inclusion, SubmissionError,
    view::{Head, View},
};

/// What became of a block that a receipt named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the chain's and will stay.
    Final,
    /// It is the chain's for now.
    Canonical,
    /// Another block, or none, has its number.
    Gone,
}

/// One node's word on a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vote {
    Final,
    Canonical,
    /// Another block has its number.
    Other,
    /// The node's chain ends below it.
    Behind,
}

impl View {
    /// The newest block that enough nodes hold for final. None while there is none.
    pub(crate) async fn final_block(&self) -> Result<Option<u64>, SubmissionError> {
        let mut numbers = Vec::new();
        let mut failure = None;
        for endpoint in self.nodes.iter() {
            match self.final_of(endpoint).await {
                Ok(number) => numbers.push(number),
                Err(error) => failure = Some(error),
            }
        }
        numbers.sort_unstable();
        numbers.reverse();
        match (numbers.get(self.nodes.quorum.saturating_sub(1)), failure) {
            (Some(number), _) => Ok(*number),
            (None, Some(error)) => Err(error),
            (None, None) => Err(SubmissionError::NoEndpoint),
        }
    }

    async fn final_of(&self, endpoint: &Endpoint) -> Result<Option<u64>, SubmissionError> {
        let tag = match self.finality {
            Finality::Tag => BlockNumberOrTag::Finalized,
            Finality::Depth(_) => BlockNumberOrTag::Latest,
        };
        let head: Head = self.nodes.ask(endpoint, "eth_getBlockByNumber", (tag, false)).await?;
        let number = head.number.to();
        Ok(match self.finality {
            Finality::Tag => Some(number),
            Finality::Depth(depth) => u64::checked_sub(number, depth),
        })
    }

    /// What became of the block of a receipt, as far as enough nodes agree.
    pub(crate) async fn verdict(&self, inclusion: &Inclusion) -> Result<Verdict, SubmissionError> {
        let mut votes = Vec::new();
        let mut failure = None;
        for endpoint in self.nodes.iter() {
            match self.vote(endpoint, inclusion).await {
                Ok(vote) => votes.push(vote),
                Err(error) => failure = Some(error),
            }
        }
        let count = |wanted: &[Vote]| votes.iter().filter(|vote| wanted.contains(vote)).count();
        let there = count(&[Vote::Final, Vote::Canonical]);
        if there > 0 && count(&[Vote::Other]) > 0 {
            return Err(SubmissionError::Disagreement { what: format!("the block at {}", inclusion.block) });
        }
        if count(&[Vote::Final]) >= self.nodes.quorum {
            return Ok(Verdict::Final);
        }
        match failure {
            _ if there > 0 => Ok(Verdict::Canonical),
            Some(error) if votes.len() < self.nodes.quorum => Err(error),
            _ => Ok(Verdict::Gone),
        }
    }

    async fn vote(&self, endpoint: &Endpoint, inclusion: &Inclusion) -> Result<Vote, SubmissionError> {
        // First what is final, then the block: the other way round a reorganisation could come between them.
        let end = self.final_of(endpoint).await?;
        let number = BlockNumberOrTag::Number(inclusion.block);
        let block: Option<Head> = self.nodes.ask(endpoint, "eth_getBlockByNumber", (number, false)).await?;
        let Some(block) = block else {
            // A node that lost blocks has a head below it; one that answers null at random has not.
            let latest = (BlockNumberOrTag::Latest, false);
            let head: Head = self.nodes.ask(endpoint, "eth_getBlockByNumber", latest).await?;
            return Ok(if head.number.to::<u64>() < inclusion.block { Vote::Behind } else { Vote::Canonical });
        };
        Ok(match () {
            () if block.hash != inclusion.block_hash => Vote::Other,
            () if end.is_some_and(|end| end >= inclusion.block) => Vote::Final,
            () => Vote::Canonical,
        })
    }
}
