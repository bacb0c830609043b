// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Clones } from "@openzeppelin/contracts/proxy/Clones.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { IPool } from "../interfaces/IPool.sol";
import { IRoyaltyVault } from "../interfaces/IRoyaltyVault.sol";
import { Currency } from "../libraries/Currency.sol";

/// @title Till
/// @notice What all parts of a vault stand on: its books, who it is, and money in and out.
abstract contract Till is IRoyaltyVault, ReentrancyGuardTransient {
    using SafeCast for uint256;

    /// @dev All money of one token. Accounted for: unearned + revenue + direct − withdrawn − poolPaid. What a purchase
    /// writes is in the first slot, what a distribution writes in the second and third, what a claim writes in the third.
    struct Money {
        uint128 unearned;
        uint128 revenue;
        /// Revenue that was divided, and what of it was credited to payees and pool: less by what rounding left.
        uint128 distributed;
        uint128 credited;
        uint128 allocatable;
        uint128 poolPaid;
        uint128 withdrawn;
        /// What became credits without being revenue: refunds, and what was paid to the pool alone.
        uint128 direct;
        /// What was credited before the share table of `epoch`.
        uint128 base;
        uint32 epoch;
        uint128 fallbackPaid;
    }

    /// @dev An account's credits so far and what it withdrew of them, in one slot.
    struct Credit {
        uint128 credited;
        uint128 withdrawn;
    }

    /// @inheritdoc IRoyaltyVault
    address public immutable ledger;

    mapping(address token => Money) internal _money;
    mapping(address token => mapping(address account => Credit)) private _credits;

    constructor(IAttributionLedger ledger_) {
        ledger = address(ledger_);
    }

    /// @dev Native coin sent without a call is revenue once `sync` finds it.
    receive() external payable { }

    /// @inheritdoc IRoyaltyVault
    function withdraw(address token, address account) external nonReentrant returns (uint128 amount) {
        amount = _withdraw(token, account, IAttributionLedger(ledger).recipientOf(account));
        if (amount == 0) revert Vault_NothingToWithdraw(token, account);
    }

    /// @inheritdoc IPool
    function withdrawTo(address token, address account, address recipient)
        external
        nonReentrant
        returns (uint128 amount)
    {
        _checkLedger();
        return _withdraw(token, account, recipient);
    }

    /// @inheritdoc IRoyaltyVault
    function creditOf(address token, address account) external view returns (uint128) {
        Credit storage credit = _credits[token][account];
        return credit.credited - credit.withdrawn;
    }

    /// @inheritdoc IRoyaltyVault
    function accounted(address token) external view returns (uint256) {
        return _accounted(_money[token]);
    }

    /// @inheritdoc IRoyaltyVault
    function registry() public view returns (address registry_) {
        (registry_,) = abi.decode(Clones.fetchCloneArgs(address(this)), (address, uint128));
    }

    /// @inheritdoc IRoyaltyVault
    function assetId() public view returns (uint128 assetId_) {
        (, assetId_) = abi.decode(Clones.fetchCloneArgs(address(this)), (address, uint128));
    }

    /// @dev Takes money from the caller; what arrived, which is not nothing.
    function _take(address token, uint256 amount) internal returns (uint128 received) {
        received = Currency.take(token, amount).toUint128();
        if (received == 0) revert Vault_NothingReceived(token);
    }

    /// @dev Adds to what an account can withdraw.
    function _credit(address token, address account, uint128 amount) internal {
        _credits[token][account].credited += amount;
    }

    function _accounted(Money storage money) internal view returns (uint256) {
        return uint256(money.unearned) + money.revenue + money.direct - money.withdrawn - money.poolPaid;
    }

    function _checkLedger() internal view {
        if (msg.sender != ledger) revert Vault_NotLedger(msg.sender);
    }

    /// @dev Pays all of an account's credit; 0, and nothing done, if there is none.
    function _withdraw(address token, address account, address recipient) private returns (uint128 amount) {
        // Check.
        Credit storage credit = _credits[token][account];
        amount = credit.credited - credit.withdrawn;
        if (amount == 0) return 0;

        // Effect.
        credit.withdrawn += amount;
        _money[token].withdrawn += amount;

        // Log.
        emit Withdrawn({ token: token, account: account, recipient: recipient, amount: amount });

        // Interaction.
        Currency.send(token, recipient, amount);
    }
}
