// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";

/// @title Roots
/// @notice The EIP-712 encoding of the statement that attestors sign.
library Roots {
    bytes32 internal constant TYPEHASH = keccak256(
        "RootStatement(address vault,address token,uint64 index,uint32 attempt,bytes32 prevRoot,bytes32 root,uint128 sum,uint64 leafCount,bytes32 receiptsRoot,uint64 receiptsCount,bytes32 dataHash,bytes32 settlementPolicy,uint64 periodEnd,uint64 deadline)"
    );

    /// @notice The EIP-712 struct hash of a statement (no domain).
    function hash(IAttributionLedger.RootStatement memory statement) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, statement));
    }
}
