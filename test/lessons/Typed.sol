// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";

/// @title Typed
/// @notice EIP-712 struct hashes made here, sharing no code with what verifies them, and structs with one bit changed.
library Typed {
    bytes32 private constant PAYOUT = keccak256("Payout(address vault,address token,uint128 cumulative)");
    bytes32 private constant CLAIM_ORDER = keccak256(
        "ClaimOrder(address account,address recipient,Payout[] payouts,uint256 nonce,uint64 deadline)Payout(address vault,address token,uint128 cumulative)"
    );
    bytes32 private constant SOURCE = keccak256("Source(address vault,address token)");
    bytes32 private constant WITHDRAW_ORDER = keccak256(
        "WithdrawOrder(address account,address recipient,Source[] sources,uint256 nonce,uint64 deadline)Source(address vault,address token)"
    );

    /// @dev Of a struct of plain words.
    function hash(string memory written, bytes memory words) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(bytes(written)), words));
    }

    function hash(IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order)
        internal
        pure
        returns (bytes32)
    {
        bytes memory payouts;
        for (uint256 i = 0; i < claims.length; ++i) {
            bytes32 one = keccak256(abi.encode(PAYOUT, claims[i].vault, claims[i].token, claims[i].cumulative));
            payouts = bytes.concat(payouts, one);
        }
        return keccak256(
            abi.encode(CLAIM_ORDER, order.account, order.recipient, keccak256(payouts), order.nonce, order.deadline)
        );
    }

    function hash(IAttributionLedger.WithdrawOrder memory order) internal pure returns (bytes32) {
        bytes memory sources;
        for (uint256 i = 0; i < order.sources.length; ++i) {
            sources = bytes.concat(sources, keccak256(abi.encode(SOURCE, order.sources[i])));
        }
        return keccak256(
            abi.encode(WITHDRAW_ORDER, order.account, order.recipient, keccak256(sources), order.nonce, order.deadline)
        );
    }

    /// @dev The same words but for the last bit of one.
    function changed(bytes memory words, uint256 index) internal pure returns (bytes memory made) {
        made = bytes.concat(words);
        made[index * 32 + 31] ^= 0x01;
    }

    function changed(address account) internal pure returns (address) {
        return address(uint160(account) ^ 1);
    }
}
