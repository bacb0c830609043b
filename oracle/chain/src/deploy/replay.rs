use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, address},
    providers::Provider,
    rpc::types::{
        TransactionRequest,
        state::{AccountOverride, StateOverride},
    },
    sol_types::SolValue,
};
use tributary_sdk::deployment::{CREATE2_PROXY, Creation};

use crate::{Chain, ChainError};

/// Where the replaying code stands for the length of a call; any address without a part in it would do.
const REPLAYER: Address = address!("7265706c6179000000000000000000000000cafe");

/// What the node says the runtime code of `target` is if `creation` is made now: `target` is the created contract or one
/// of its children.
///
/// The creation is run by the node, in a call that changes nothing, through the CREATE2 proxy and at its own address,
/// which is emptied for the call. So immutables come out as in the real creation, also those that hold the contract's
/// own address, its deployer's or the chain's id; comparing with them masked would let a contract with other ones pass.
pub(super) async fn runtime_code(chain: &Chain, creation: &Creation, target: Address) -> Result<Bytes, ChainError> {
    let empty = || AccountOverride {
        code: Some(Bytes::new()),
        nonce: Some(0),
        state: Some(Default::default()),
        ..Default::default()
    };
    let mut overrides: StateOverride =
        creation.contracts().into_iter().map(|(_, address)| (address, empty())).collect();
    overrides.insert(REPLAYER, AccountOverride { code: Some(replayer()), ..Default::default() });
    let input: Bytes = [target.abi_encode().as_slice(), &creation.proxy_input()].concat().into();
    let request = TransactionRequest::default().with_to(REPLAYER).with_input(input);
    let code = chain.provider().call(request).overrides(overrides).await;
    code.map_err(|error| {
        ChainError::rpc(format!("it does not replay a creation (eth_call with state overrides): {error}"))
    })
}

/// Takes `target:32 ‖ input`, sends the input to the CREATE2 proxy, returns the code of the target afterwards.
fn replayer() -> Bytes {
    let call: [&[u8]; 5] = [
        &[0x60, 0x20, 0x36, 0x03],       // n = calldata size − 32
        &[0x80, 0x60, 0x20, 0x5f, 0x37], // memory[0..n] = calldata[32..]
        &[0x5f, 0x5f, 0x82, 0x5f, 0x5f], // no output, memory[0..n] as input, no value
        &[0x73],                         // to the proxy:
        CREATE2_PROXY.as_slice(),
    ];
    let answer: [&[u8]; 5] = [
        &[0x5a, 0xf1, 0x50],             // call; a failure shows as the target's having no code
        &[0x5f, 0x35],                   // target = calldata[0..32]
        &[0x80, 0x3b],                   // size of its code
        &[0x80, 0x5f, 0x5f, 0x84, 0x3c], // memory[0..size] = its code
        &[0x5f, 0xf3],                   // return memory[0..size]
    ];
    [call.concat(), answer.concat()].concat().into()
}
