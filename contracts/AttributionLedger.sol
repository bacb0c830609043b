// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";
import { Claims } from "./ledger/Claims.sol";
import { Extended } from "./ledger/Extended.sol";
import { Posting } from "./ledger/Posting.sol";
import { Views } from "./ledger/Views.sol";
import { MerkleTree } from "./libraries/MerkleTree.sol";
import { Receipts } from "./libraries/Receipts.sol";
import { Requests } from "./libraries/Requests.sol";

/// @title AttributionLedger
/// @notice See {IAttributionLedger}. Each of its parts is one idea; here is what ties receipts to roots.
contract AttributionLedger is Posting, Claims, Views, Extended {
    /// @inheritdoc IAttributionLedger
    function verifyReceipt(
        address vault,
        address token,
        uint64 rootIndex,
        Receipts.Receipt calldata receipt,
        uint64 index,
        bytes calldata proof
    ) external view returns (bool) {
        StoredRoot storage stored = _books[vault][token].roots[rootIndex];
        return MerkleTree.verify(stored.receiptsRoot, Receipts.hash(receipt), index, stored.receiptsCount, proof);
    }

    /// @inheritdoc IAttributionLedger
    function hashReceipt(Receipts.Receipt calldata receipt) external view returns (bytes32) {
        return _hashTypedDataV4(Receipts.hash(receipt));
    }

    /// @inheritdoc IAttributionLedger
    function hashRequest(Requests.InferenceRequest calldata request) external view returns (bytes32) {
        return _hashTypedDataV4(Requests.hash(request));
    }

    /// @inheritdoc IAttributionLedger
    function hashSession(Requests.SessionAuthorization calldata authorization) external view returns (bytes32) {
        return _hashTypedDataV4(Requests.hash(authorization));
    }
}
