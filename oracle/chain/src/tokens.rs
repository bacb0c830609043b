//! What a token is, and what somebody holds of it.

use alloy::{
    contract::Error as ContractError,
    primitives::{Address, U256, address},
    providers::Provider,
    sol,
};

use crate::{Chain, ChainError, transact::ask};

/// The native coin, named as a token's address by ERC-7528.
pub const NATIVE: Address = address!("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE");

const NATIVE_DECIMALS: u8 = 18;
const CONTRACT: &str = "the token";
/// A longer symbol is none.
const LONGEST_SYMBOL: usize = 16;

sol! {
    #[sol(rpc)]
    interface Erc20 {
        function balanceOf(address account) external view returns (uint256);
        function decimals() external view returns (uint8);
        function symbol() external view returns (string);
    }
}

/// What people are paid in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its contract; [`NATIVE`] for the chain's own coin.
    pub address: Address,
    /// A whole unit has ten to the power of these base units.
    pub decimals: u8,
    /// What it calls itself, where that can be printed anywhere: letters, digits and `.`, `-`, `$`, at most 16.
    pub symbol: Option<String>,
}

/// Asks a token what it is.
///
/// # Errors
/// [`ChainError::NotAToken`] where nothing says how many decimals it has; whatever the node answers.
pub async fn about(chain: &Chain, address: Address) -> Result<Token, ChainError> {
    if address == NATIVE {
        return Ok(Token { address, decimals: NATIVE_DECIMALS, symbol: None });
    }
    let token = Erc20::new(address, chain.provider());
    let decimals = match ask(CONTRACT, token.decimals()).await {
        Err(ChainError::NoContract(_) | ChainError::Reverted { .. }) => return Err(ChainError::NotAToken(address)),
        other => other?,
    };
    let symbol = match token.symbol().call().await {
        Ok(symbol) => Some(symbol).filter(|symbol| is_plain(symbol)),
        // Where nobody answers there may be one: a text that leaves it out is another text.
        Err(ContractError::TransportError(error)) if !error.is_error_resp() => return Err(error.into()),
        // It is optional, and some give it as bytes: nobody is misled where it is left out.
        Err(_) => None,
    };
    Ok(Token { address, decimals, symbol })
}

fn is_plain(symbol: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b".-$".contains(&letter);
    !symbol.is_empty() && symbol.len() <= LONGEST_SYMBOL && symbol.bytes().all(plain)
}

/// An account's balance of a token: base units of an ERC-20 or of the native coin, pieces of an ERC-721.
pub async fn balance(chain: &Chain, token: Address, account: Address) -> Result<U256, ChainError> {
    if token == NATIVE {
        return Ok(chain.provider().get_balance(account).await?);
    }
    ask(CONTRACT, Erc20::new(token, chain.provider()).balanceOf(account)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_that_could_be_anything_else_is_none() {
        assert!(["USDC", "USD.e", "a$-1"].into_iter().all(is_plain));
        assert!(!["", "two words", "line\nbreak", "`code`", "12345678901234567", "€"].into_iter().any(is_plain));
    }
}
