//! What somebody holds of a token.

use alloy::{
    primitives::{Address, U256},
    sol,
};

use crate::{Chain, ChainError, transact::ask};

sol! {
    #[sol(rpc)]
    interface Token {
        function balanceOf(address account) external view returns (uint256);
    }
}

/// An account's balance of a token: base units of an ERC-20, pieces of an ERC-721.
pub async fn balance(chain: &Chain, token: Address, account: Address) -> Result<U256, ChainError> {
    ask("the token", Token::new(token, chain.provider()).balanceOf(account)).await
}
