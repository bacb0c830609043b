use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, keccak256},
    providers::Provider,
    transports::TransportError,
};
use tributary_sdk::deployment::{ChainManifest, ChainManifestError, Creation, DeployedContract, Deployment};

use super::{OtherCode, Outcome, replay};
use crate::{Chain, ChainError};

/// Since when contracts stand on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The first block with one of them.
    Block(u64),
    /// The node keeps too little of the past to say.
    Unknown,
}

/// Fails with the first contract of the suite that the chain lacks. Whether the code is the suite's, [`check`] says.
pub async fn present(chain: &Chain) -> Result<(), ChainError> {
    for (name, address) in Deployment::creations().iter().flat_map(Creation::contracts) {
        if chain.provider().get_code_at(address).await?.is_empty() {
            return Err(ChainError::NotDeployed { name, address });
        }
    }
    Ok(())
}

/// What stands on the chain of `creations`: fails with the first contract that is missing, or whose runtime code is not
/// what its initcode makes there.
pub async fn check(chain: &Chain, creations: &[Creation]) -> Result<BTreeMap<String, DeployedContract>, ChainError> {
    let mut contracts = BTreeMap::new();
    for creation in creations {
        let mut arguments = Some(creation.arguments.clone());
        for (name, address) in creation.contracts() {
            let code = chain.provider().get_code_at(address).await?;
            if code.is_empty() {
                return Err(ChainError::NotDeployed { name, address });
            }
            let expected = keccak256(replay::runtime_code(chain, creation, address).await?);
            let found = keccak256(code);
            if found != expected {
                return Err(OtherCode { name, address, found, expected }.into());
            }
            // The creation's own arguments come first; its children have none.
            let contract = DeployedContract { address, code_hash: found, constructor_args: arguments.take() };
            contracts.insert(name.to_owned(), contract);
        }
    }
    Ok(contracts)
}

/// Checks a manifest against this build and against the chain, and the chain against this build. The block is checked
/// only as far as the node knows the past.
pub async fn check_manifest(chain: &Chain, manifest: &ChainManifest) -> Result<Since, ChainError> {
    if manifest.chain_id != chain.id() {
        return Err(ChainManifestError::Chain { manifest: manifest.chain_id, chain: chain.id() }.into());
    }
    let mut creations = Deployment::creations();
    let dollar = Deployment::demo_dollar();
    creations.extend(manifest.contracts.contains_key(dollar.name).then_some(dollar));
    manifest.check_build(&creations)?;
    manifest.check_code(&check(chain, &creations).await?)?;
    let since = since(chain, &creations).await?;
    match since {
        Since::Block(first) if first != manifest.deployed_at => {
            Err(ChainManifestError::Block { manifest: manifest.deployed_at, chain: first }.into())
        }
        since => Ok(since),
    }
}

/// The manifest of what a deployment left on the chain, after checking it.
pub async fn manifest(
    chain: &Chain,
    creations: &[Creation],
    outcomes: &[(&'static str, Address, Outcome)],
) -> Result<ChainManifest, ChainError> {
    let contracts = check(chain, creations).await?;
    let created = outcomes.iter().map(|(_, _, outcome)| match outcome {
        Outcome::Created { block } => Some(*block),
        Outcome::Present => None,
    });
    let first = match created.collect::<Option<Vec<u64>>>().and_then(|blocks| blocks.into_iter().min()) {
        Some(block) => Since::Block(block),
        None => since(chain, creations).await?,
    };
    match first {
        Since::Block(block) => Ok(ChainManifest::new(chain.id(), block, contracts)),
        Since::Unknown => Err(ChainError::NoHistory),
    }
}

/// Since when the first of `creations` stands on the chain.
pub async fn since(chain: &Chain, creations: &[Creation]) -> Result<Since, ChainError> {
    let head = chain.head().await?.number;
    let mut earliest = head;
    for creation in creations {
        match first_block(chain, creation.address(), earliest).await {
            Ok(block) => earliest = earliest.min(block),
            // The node answered, and not with the state that was asked for.
            Err(TransportError::ErrorResp(_)) => return Ok(Since::Unknown),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(Since::Block(earliest))
}

/// The first block up to `high` after which `address` has code; `high` where none has. Code of the suite never goes away.
async fn first_block(chain: &Chain, address: Address, mut high: u64) -> Result<u64, TransportError> {
    let mut low = 0;
    // Always: every block before `low` lacks the code, and `high` has it or is the last that matters.
    while low < high {
        let middle = low.midpoint(high);
        let is_there = !chain.provider().get_code_at(address).number(middle).await?.is_empty();
        if is_there { high = middle } else { low = middle.saturating_add(1) }
    }
    Ok(low)
}
