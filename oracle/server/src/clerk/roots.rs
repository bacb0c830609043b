//! Roots as what is submitted: which effect a posting has, and what the chain says of it.

use std::sync::Arc;

use alloy::{
    eips::BlockId,
    primitives::Address,
    sol_types::{SolCall, SolValue},
};
use tributary_chain::{Chain, ChainError, root, transact};
use tributary_sdk::{
    api::{Attested, Quorum},
    contracts::{AttributionLedger, ledger::RootStatement},
    typed_data,
};
use tributary_submission::{Effect, Intent, Target, Unclear};

use crate::host::Host;

/// Most gas for posting: about 165,000 with three signatures; contracts that sign may take more.
const MOST_GAS: u64 = 1_000_000;

/// The posting of a root with everybody's signatures.
pub(super) async fn intent(chain: &Chain, poster: Address, quorum: &Quorum) -> Result<Intent, ChainError> {
    let to = chain.deployment().ledger;
    let statement = &quorum.statement;
    let attestations: Vec<root::Attestation> = quorum
        .attested
        .iter()
        .map(|Attested { signer, signature, .. }| root::Attestation { signer: *signer, signature: signature.clone() })
        .collect();
    let value = root::missing_bond(chain, poster, statement).await?;
    let calldata = root::posting(statement, &attestations);
    let key = Intent::key(chain.id(), to, &[&calldata[..], &value.to_be_bytes::<32>()].concat());
    Ok(Intent { key, to, calldata, value, gas_cap: MOST_GAS })
}

/// Whether an intent posts this very root, with whatever signatures and bond.
pub(super) fn posts(intent: &Intent, ours: &typed_data::RootStatement) -> bool {
    statement(intent).is_ok_and(|posted| posted.abi_encode() == ours.abi_encode())
}

/// The attribution ledger, as what roots are posted to.
#[derive(Debug)]
pub(super) struct Roots {
    host: Arc<Host>,
}

impl Roots {
    pub(super) fn new(host: Arc<Host>) -> Self {
        Self { host }
    }
}

impl Target for Roots {
    async fn effect(&self, intent: &Intent, at: BlockId) -> Result<Effect, Unclear> {
        let ours = statement(intent)?;
        let chain = self.host.chain();
        match root::found(chain, &ours, at).await.map_err(Unclear::new)? {
            root::Found::Nothing => Ok(Effect::NotYet),
            root::Found::Same => Ok(Effect::Equal),
            root::Found::Other(what) => Ok(Effect::Different(what)),
        }
    }

    /// The batch that the root commits to must be there to be read by whoever wants to recompute it.
    async fn ready(&self, intent: &Intent) -> Result<(), Unclear> {
        self.host.batch(statement(intent)?.dataHash).map(drop).map_err(Unclear::new)
    }

    fn reason(&self, data: &[u8]) -> Option<String> {
        Some(transact::reason(&data.to_vec().into()))
    }
}

fn statement(intent: &Intent) -> Result<RootStatement, Unclear> {
    let call = AttributionLedger::postCall::abi_decode(&intent.calldata);
    call.map(|call| call.statement).map_err(|_| Unclear::new("the intent is no posting"))
}
