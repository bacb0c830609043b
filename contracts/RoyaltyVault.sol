// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";
import { Currency } from "./libraries/Currency.sol";
import { Shares } from "./libraries/Shares.sol";
import { Fees } from "./vault/Fees.sol";
import { Pool } from "./vault/Pool.sol";
import { Till } from "./vault/Till.sol";

/// @title RoyaltyVault
/// @notice See {IRoyaltyVault}. What every vault is a clone of; the clone's immutable arguments are abi.encode(registry,
/// assetId). Fees are in {Fees}, the pool in {Pool}, credits in {Till}; here is how money becomes revenue and credits.
contract RoyaltyVault is Fees, Pool {
    using SafeCast for uint256;

    constructor(IAttributionLedger ledger_) Till(ledger_) { }

    /// @inheritdoc IRoyaltyVault
    function initialize(IAttributionLedger.Policy calldata policy) external {
        _checkRegistry();
        IAttributionLedger(ledger).registerPolicy(policy);
    }

    /// @inheritdoc IRoyaltyVault
    function announcePolicy(IAttributionLedger.Policy calldata policy) external {
        _checkRegistry();
        IAttributionLedger(ledger).announcePolicy(policy);
    }

    /// @inheritdoc IRoyaltyVault
    function cancelPolicy() external {
        _checkRegistry();
        IAttributionLedger(ledger).cancelPolicy();
    }

    /// @inheritdoc IRoyaltyVault
    function pay(bytes32 paymentId, address token, uint256 amount)
        external
        payable
        nonReentrant
        returns (uint128 received)
    {
        // Check.
        if (paymentId == 0) revert Vault_ZeroPaymentId();

        // Interaction: before the effect, which needs to know what arrived.
        received = _take(token, amount);

        // Effect.
        _money[token].revenue += received;

        // Log.
        emit Paid({ paymentId: paymentId, payer: msg.sender, token: token, amount: received });
    }

    /// @inheritdoc IRoyaltyVault
    function sync(address token) external nonReentrant returns (uint128 received) {
        // Check: more is here than is accounted for.
        uint256 held = Currency.held(token);
        uint256 known = _accounted(_money[token]);
        if (held <= known) revert Vault_NothingReceived(token);
        received = (held - known).toUint128();

        // Effect.
        _money[token].revenue += received;

        // Log.
        emit Revenue({ token: token, amount: received });
    }

    /// @inheritdoc IRoyaltyVault
    function distribute(address token) external nonReentrant {
        // Check: there is revenue not yet divided by the table.
        (uint32 epoch, IAssetRegistry.Payee[] memory payees, uint16 poolBps) =
            IAssetRegistry(registry()).shareTable(assetId());
        Money storage money = _money[token];
        (uint256 from, uint256 to) = _undivided(money, epoch);
        if (to == from) revert Vault_NothingToDistribute(token);

        // Effect.
        uint128 total = 0;
        for (uint256 i = 0; i < payees.length; ++i) {
            uint128 amount = Shares.between(from, to, payees[i].bps);
            if (amount == 0) continue;
            total += amount;
            _credit(token, payees[i].account, amount);
            emit Credited({ token: token, account: payees[i].account, amount: amount });
        }
        uint128 pool = Shares.between(from, to, poolBps);
        money.distributed = money.revenue;
        money.credited += total + pool;
        money.allocatable += pool;

        // Log.
        emit Distributed({ token: token, epoch: epoch, revenue: money.revenue, poolCredited: _poolCredited(money) });
    }

    /// @inheritdoc IRoyaltyVault
    function unearned(address token) external view returns (uint128) {
        return _money[token].unearned;
    }

    /// @inheritdoc IRoyaltyVault
    function revenue(address token) external view returns (uint128) {
        return _money[token].revenue;
    }

    /// @inheritdoc IRoyaltyVault
    function distributed(address token) external view returns (uint128) {
        return _money[token].distributed;
    }

    /// @dev Where division under the share table has got to, and how far it can go, both counted from what earlier
    /// tables credited. Under a new table it starts with everything not credited yet.
    function _undivided(Money storage money, uint32 epoch) private returns (uint256 from, uint256 to) {
        if (epoch != money.epoch) {
            money.epoch = epoch;
            money.base = money.credited;
        } else {
            from = money.distributed - money.base;
        }
        to = money.revenue - money.base;
    }

    function _checkRegistry() private view {
        if (msg.sender != registry()) revert Vault_NotRegistry(msg.sender);
    }
}
