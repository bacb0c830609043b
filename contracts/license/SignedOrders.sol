// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { BitMaps } from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { ILicenseMarket } from "../interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../interfaces/ILicensePurchases.sol";
import { Signatures } from "../libraries/Signatures.sol";

/// @title SignedOrders
/// @notice The part of the market that accepts an order on a signature, once.
abstract contract SignedOrders is ILicenseMarket, EIP712 {
    using BitMaps for BitMaps.BitMap;

    mapping(address account => BitMaps.BitMap) private _nonces;

    /// @inheritdoc ILicensePurchases
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);

        // Log.
        emit NonceCancelled({ account: msg.sender, nonce: nonce });
    }

    /// @inheritdoc ILicensePurchases
    function isNonceUsed(address account, uint256 nonce) public view returns (bool) {
        return _nonces[account].get(nonce);
    }

    /// @dev Uses up an order that `account` has signed.
    function _useOrder(address account, uint256 nonce, uint64 deadline, bytes32 structHash, bytes calldata signature)
        internal
    {
        // Check.
        if (block.timestamp > deadline) revert Market_OrderExpired(deadline, Time.timestamp());
        _useNonce(account, nonce);
        bytes32 digest = _hashTypedDataV4(structHash);
        if (!Signatures.isValid(account, digest, signature)) {
            revert Market_BadSignature(account);
        }
    }

    function _useNonce(address account, uint256 nonce) private {
        // Check.
        if (isNonceUsed(account, nonce)) revert Market_NonceUsed(account, nonce);

        // Effect.
        _nonces[account].set(nonce);
    }
}
