// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../interfaces/IAssetRegistry.sol";
import { IPool } from "../interfaces/IPool.sol";
import { Currency } from "../libraries/Currency.sol";
import { Till } from "./Till.sol";

/// @title Pool
/// @notice The part of a vault that the ledger divides.
abstract contract Pool is Till {
    /// @inheritdoc IPool
    function fundPool(address token, uint256 amount) external payable nonReentrant returns (uint128 received) {
        // Interaction: before the effect, which needs to know what arrived.
        received = _take(token, amount);

        // Effect.
        _money[token].allocatable += received;
        _money[token].direct += received;

        // Log.
        emit PoolFunded({ payer: msg.sender, token: token, amount: received });
    }

    /// @inheritdoc IPool
    function payFromPool(address token, address account, uint128 amount, uint128 limit)
        external
        nonReentrant
        returns (uint128 paid)
    {
        // Check.
        _checkLedger();
        Money storage money = _money[token];
        (uint128 already, uint128 most) = (money.poolPaid, money.allocatable);
        if (limit < most) most = limit;
        if (most <= already) return 0;
        paid = most - already;
        if (amount < paid) paid = amount;

        // Effect.
        money.poolPaid = already + paid;

        // Interaction.
        Currency.send(token, account, paid);
    }

    /// @inheritdoc IPool
    function fallbackPool(address token, uint128 amount) external nonReentrant {
        // Check.
        _checkLedger();
        Money storage money = _money[token];
        uint128 available = money.allocatable - money.poolPaid;
        if (amount > available) revert Vault_PoolExceeded(token, amount, available);
        IAssetRegistry.Payee[] memory parents = IAssetRegistry(registry()).dataParents(assetId());
        if (parents.length == 0) revert Vault_NoDataParents(assetId());

        // Effect.
        money.allocatable -= amount;
        money.fallbackPaid += amount;
        uint256 weights = _weigh(parents);
        uint128 left = amount;
        for (uint256 i = 0; left != 0; ++i) {
            // At most `left`, and all of it for the last that has a weight.
            // forge-lint: disable-next-line(unsafe-typecast)
            uint128 share = uint128(uint256(left) * parents[i].bps / weights);
            weights -= parents[i].bps;
            left -= share;
            if (share == 0) continue;
            _credit(token, parents[i].account, share);
            emit Credited({ token: token, account: parents[i].account, amount: share });
        }

        // Log.
        emit FellBack({ token: token, amount: amount });
    }

    /// @inheritdoc IPool
    function poolCredited(address token) external view returns (uint128) {
        return _poolCredited(_money[token]);
    }

    /// @inheritdoc IPool
    function allocatable(address token) external view returns (uint128) {
        return _money[token].allocatable;
    }

    /// @inheritdoc IPool
    function poolPaid(address token) external view returns (uint128) {
        return _money[token].poolPaid;
    }

    /// @inheritdoc IPool
    function fallbackPaid(address token) external view returns (uint128) {
        return _money[token].fallbackPaid;
    }

    function _poolCredited(Money storage money) internal view returns (uint128) {
        return money.allocatable + money.fallbackPaid;
    }

    /// @dev The weights together; each becomes 1 if all are 0.
    function _weigh(IAssetRegistry.Payee[] memory parents) private pure returns (uint256 weights) {
        for (uint256 i = 0; i < parents.length; ++i) {
            weights += parents[i].bps;
        }
        if (weights != 0) return weights;
        for (uint256 i = 0; i < parents.length; ++i) {
            parents[i].bps = 1;
        }
        return parents.length;
    }
}
