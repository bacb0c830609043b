// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { SumTree } from "./SumTree.sol";

/// @title Roots
/// @notice The statement that attestors sign: its EIP-712 encoding, and what it must say by itself.
library Roots {
    bytes32 internal constant TYPEHASH = keccak256(
        "RootStatement(address vault,address token,uint64 index,uint32 attempt,bytes32 prevRoot,bytes32 root,uint128 sum,uint64 leafCount,bytes32 receiptsRoot,uint64 receiptsCount,bytes32 dataHash,bytes32 settlementPolicy,uint64 periodEnd,uint64 deadline)"
    );

    /// @notice The EIP-712 struct hash of a statement (no domain).
    function hash(IAttributionLedger.RootStatement memory statement) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, statement));
    }

    /// @notice Reverts unless a statement is well-formed, in time and of the settlement policy.
    /// @dev Errors: Ledger_ZeroRoot, Ledger_BadLeafCount, Ledger_BadReceipts, Ledger_ZeroDataHash,
    /// Ledger_WrongSettlementPolicy, Ledger_BadPeriodEnd, Ledger_StatementExpired.
    /// @param previousEnd The end of the last root's period.
    function check(IAttributionLedger.RootStatement memory statement, bytes32 settlementPolicy, uint64 previousEnd)
        internal
        view
    {
        if (statement.root == 0) revert IAttributionLedger.Ledger_ZeroRoot();
        if (statement.leafCount == 0 || statement.leafCount > SumTree.MAX_LEAVES) {
            revert IAttributionLedger.Ledger_BadLeafCount(statement.leafCount);
        }
        if (
            (statement.receiptsRoot == 0) != (statement.receiptsCount == 0)
                || statement.receiptsCount > type(uint32).max
        ) revert IAttributionLedger.Ledger_BadReceipts(statement.receiptsRoot, statement.receiptsCount);
        if (statement.dataHash == 0) revert IAttributionLedger.Ledger_ZeroDataHash();
        if (statement.settlementPolicy != settlementPolicy) {
            revert IAttributionLedger.Ledger_WrongSettlementPolicy(statement.settlementPolicy, settlementPolicy);
        }
        uint64 timestamp = Time.timestamp();
        if (statement.periodEnd <= previousEnd || statement.periodEnd > timestamp) {
            revert IAttributionLedger.Ledger_BadPeriodEnd(statement.periodEnd, previousEnd, timestamp);
        }
        if (timestamp > statement.deadline) {
            revert IAttributionLedger.Ledger_StatementExpired(statement.deadline, timestamp);
        }
    }
}
