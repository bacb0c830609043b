// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SSTORE2 } from "solady/utils/SSTORE2.sol";

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { Books } from "./Books.sol";

/// @title Policies
/// @notice Which policy a vault's roots are under: the one in effect, and the old ones that roots were posted under.
abstract contract Policies is Books {
    /// @dev The policy that roots are posted under now.
    function _policyInEffect(address vault)
        internal
        view
        returns (uint24 index, IAttributionLedger.Policy memory policy)
    {
        index = _indexInEffect(vault);
        policy = _policyAt(vault, index);
    }

    function _hasPolicy(address vault) internal view returns (bool) {
        return _lines[vault].index != 0;
    }

    /// @dev A policy that exists.
    function _policyAt(address vault, uint24 index) internal view returns (IAttributionLedger.Policy memory) {
        Line storage line = _lines[vault];
        address pointer = index == line.index ? line.pointer : _pointers[vault][index];
        return abi.decode(SSTORE2.read(pointer), (IAttributionLedger.Policy));
    }

    function _indexInEffect(address vault) internal view returns (uint24 index) {
        Line storage line = _lines[vault];
        index = line.index;
        if (index == 0) revert IAttributionLedger.Ledger_UnknownVault(vault);
        if (_isDue(line)) ++index;
    }

    function _isDue(Line storage line) internal view returns (bool) {
        uint48 changeAt = line.changeAt;
        return changeAt != 0 && block.timestamp >= changeAt;
    }

    function _isWaiting(Line storage line) internal view returns (bool) {
        return block.timestamp < line.changeAt;
    }
}
