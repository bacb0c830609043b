// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { MerkleTree } from "../../contracts/libraries/MerkleTree.sol";
import { SumTree } from "../../contracts/libraries/SumTree.sol";

/// @title TreeHarness
/// @notice The proof libraries as external functions, so that proofs are calldata and errors can be expected.
contract TreeHarness {
    function sumTree(address account, uint128 cumulative, uint64 index, uint64 leafCount, bytes calldata proof)
        external
        pure
        returns (bytes32 root, uint128 sum)
    {
        return SumTree.verify(account, cumulative, index, leafCount, proof);
    }

    function merkleTree(bytes32 root, bytes32 data, uint64 index, uint64 leafCount, bytes calldata proof)
        external
        pure
        returns (bool)
    {
        return MerkleTree.verify(root, data, index, leafCount, proof);
    }
}
