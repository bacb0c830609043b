// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Domain
/// @notice EIP-712 digests in the suite's domain, sharing no code with what verifies them.
library Domain {
    bytes32 private constant TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    function separator(address verifier, uint256 chainId) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, keccak256("Tributary"), keccak256("1"), chainId, verifier));
    }

    function digest(address verifier, uint256 chainId, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator(verifier, chainId), structHash));
    }

    /// @dev On this chain.
    function digest(address verifier, bytes32 structHash) internal view returns (bytes32) {
        return digest(verifier, block.chainid, structHash);
    }
}
