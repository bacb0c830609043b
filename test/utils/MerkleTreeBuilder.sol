// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title MerkleTreeBuilder
/// @notice Builds plain Merkle trees and their proofs by the recursive definition of RFC 6962, sharing neither code nor
/// shape of code with what verifies them.
library MerkleTreeBuilder {
    function root(bytes32[] memory data) internal pure returns (bytes32) {
        return _root(data, 0, data.length);
    }

    function prove(bytes32[] memory data, uint256 index) internal pure returns (bytes memory) {
        return _prove(data, index, 0, data.length);
    }

    function _root(bytes32[] memory data, uint256 from, uint256 to) private pure returns (bytes32) {
        if (to - from == 1) return keccak256(abi.encodePacked(uint8(0), data[from]));
        uint256 middle = from + _split(to - from);
        return keccak256(abi.encodePacked(uint8(1), _root(data, from, middle), _root(data, middle, to)));
    }

    function _prove(bytes32[] memory data, uint256 index, uint256 from, uint256 to)
        private
        pure
        returns (bytes memory)
    {
        if (to - from == 1) return "";
        uint256 middle = from + _split(to - from);
        return index < middle
            ? bytes.concat(_prove(data, index, from, middle), _root(data, middle, to))
            : bytes.concat(_prove(data, index, middle, to), _root(data, from, middle));
    }

    /// @dev The largest power of two smaller than `length`.
    function _split(uint256 length) private pure returns (uint256 power) {
        power = 1;
        while (power * 2 < length) power *= 2;
    }
}
