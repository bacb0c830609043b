// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";

/// @title PayOrders
/// @notice The EIP-712 encodings of what accounts sign to have their money paid to somebody else.
library PayOrders {
    bytes32 internal constant PAYOUT_TYPEHASH = keccak256("Payout(address vault,address token,uint128 cumulative)");
    bytes32 internal constant CLAIM_TYPEHASH = keccak256(
        "ClaimOrder(address account,address recipient,Payout[] payouts,uint256 nonce,uint64 deadline)Payout(address vault,address token,uint128 cumulative)"
    );
    bytes32 internal constant SOURCE_TYPEHASH = keccak256("Source(address vault,address token)");
    bytes32 internal constant WITHDRAW_TYPEHASH = keccak256(
        "WithdrawOrder(address account,address recipient,Source[] sources,uint256 nonce,uint64 deadline)Source(address vault,address token)"
    );

    /// @notice The EIP-712 struct hash of an order to pay the claims (no domain).
    function hash(IAttributionLedger.ClaimOrder calldata order, IAttributionLedger.Claim[] calldata claims)
        internal
        pure
        returns (bytes32)
    {
        bytes32[] memory payouts = new bytes32[](claims.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            IAttributionLedger.Claim calldata claim = claims[i];
            payouts[i] = keccak256(abi.encode(PAYOUT_TYPEHASH, claim.vault, claim.token, claim.cumulative));
        }
        return keccak256(
            abi.encode(
                CLAIM_TYPEHASH,
                order.account,
                order.recipient,
                keccak256(abi.encodePacked(payouts)),
                order.nonce,
                order.deadline
            )
        );
    }

    /// @notice The EIP-712 struct hash of an order to withdraw (no domain).
    function hash(IAttributionLedger.WithdrawOrder calldata order) internal pure returns (bytes32) {
        bytes32[] memory sources = new bytes32[](order.sources.length);
        for (uint256 i = 0; i < order.sources.length; ++i) {
            sources[i] = keccak256(abi.encode(SOURCE_TYPEHASH, order.sources[i]));
        }
        return keccak256(
            abi.encode(
                WITHDRAW_TYPEHASH,
                order.account,
                order.recipient,
                keccak256(abi.encodePacked(sources)),
                order.nonce,
                order.deadline
            )
        );
    }
}
