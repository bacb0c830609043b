// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { ILedgerExtension } from "../interfaces/ILedgerExtension.sol";
import { LedgerExtension } from "./LedgerExtension.sol";

/// @title Extended
/// @notice Everything whose code is in the extension. Parameters are named, so that they are in the ABI, and passed on as
/// they came.
abstract contract Extended is IAttributionLedger {
    /// @inheritdoc IAttributionLedger
    address public immutable extension;

    constructor() {
        extension = address(new LedgerExtension());
    }

    /// @inheritdoc ILedgerExtension
    function registerPolicy(Policy calldata policy) external {
        policy;
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function announcePolicy(Policy calldata policy) external {
        policy;
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function cancelPolicy() external {
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function releaseBond(address vault, address token) external {
        (vault, token);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function withdrawBond(address account) external returns (uint256) {
        account;
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function proveDisorder(address vault, address token, Leaf calldata first, Leaf calldata second) external {
        (vault, token, first, second);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function proveDecrease(address vault, address token, Leaf calldata previous, Leaf calldata current) external {
        (vault, token, previous, current);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function proveOmission(address vault, address token, Leaf calldata previous, Leaf[] calldata bracket) external {
        (vault, token, previous, bracket);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function challenge(address vault, address token, bytes32 reasonHash) external payable {
        (vault, token, reasonHash);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function rule(address vault, address token, Ruling ruling) external {
        (vault, token, ruling);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function timeout(address vault, address token) external {
        (vault, token);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function announceFallback(address vault, address token) external {
        (vault, token);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function executeFallback(address vault, address token) external returns (uint128) {
        (vault, token);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function claimTo(Claim[] calldata claims, ClaimOrder calldata order, bytes calldata signature)
        external
        returns (uint128[] memory)
    {
        (claims, order, signature);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function withdrawMany(Withdrawal[] calldata withdrawals) external returns (uint128[] memory) {
        withdrawals;
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function withdrawTo(WithdrawOrder calldata order, bytes calldata signature) external returns (uint128[] memory) {
        (order, signature);
        _extend();
    }

    /// @inheritdoc ILedgerExtension
    function cancelNonce(uint256 nonce) external {
        nonce;
        _extend();
    }

    /// @dev Runs the extension's code for this call on this contract's state, and ends the call as that does.
    function _extend() private {
        address target = extension;
        assembly ("memory-safe") {
            let data := mload(0x40)
            calldatacopy(data, 0, calldatasize())
            let success := delegatecall(gas(), target, data, calldatasize(), 0, 0)
            returndatacopy(data, 0, returndatasize())
            if success { return(data, returndatasize()) }
            revert(data, returndatasize())
        }
    }
}
