// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Clones } from "@openzeppelin/contracts/proxy/Clones.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";
import { IPool } from "./interfaces/IPool.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";
import { Currency } from "./libraries/Currency.sol";

/// @title RoyaltyVault
/// @notice See {IRoyaltyVault}. What every vault is a clone of; the clone's immutable arguments are abi.encode(registry, assetId).
contract RoyaltyVault is IRoyaltyVault, ReentrancyGuardTransient {
    using SafeCast for uint256;

    uint256 internal constant BASIS_POINTS = 10_000;
    uint64 internal constant MAX_EARN_PERIOD = 36_525 days;

    /// @dev All money of one token. Accounted for: unearned + revenue - withdrawn - poolPaid.
    struct Money {
        uint128 unearned;
        uint128 revenue;
        uint128 distributed;
        uint128 withdrawn;
        uint128 poolCredited;
        uint128 poolPaid;
    }

    /// @dev An account's credits so far and what it withdrew of them, in one slot.
    struct Credit {
        uint128 credited;
        uint128 withdrawn;
    }

    /// @dev A {FeeStream} in two slots.
    struct Stream {
        address token;
        uint16 upfrontBps;
        uint40 start;
        uint40 end;
        uint128 amount;
        uint128 released;
    }

    /// @inheritdoc IRoyaltyVault
    address public immutable ledger;

    mapping(address token => Money) private _money;
    mapping(address token => mapping(address account => Credit)) private _credits;
    mapping(address market => mapping(uint256 licenseId => Stream)) private _streams;

    constructor(IAttributionLedger ledger_) {
        ledger = address(ledger_);
    }

    /// @dev Native coin sent without a call is revenue once `sync` finds it.
    receive() external payable { }

    /// @inheritdoc IRoyaltyVault
    function initialize(IAttributionLedger.Policy calldata policy) external {
        // Check.
        if (msg.sender != registry()) revert Vault_NotRegistry(msg.sender);

        // Interaction.
        IAttributionLedger(ledger).registerPolicy(policy);
    }

    /// @inheritdoc IRoyaltyVault
    function payFee(uint256 licenseId, address token, uint256 amount, uint16 upfrontBps, uint64 earnPeriod)
        external
        payable
        nonReentrant
        returns (uint128 received)
    {
        // Check.
        if (upfrontBps > BASIS_POINTS) revert Vault_BadUpfront(upfrontBps);
        if (earnPeriod > MAX_EARN_PERIOD) revert Vault_BadEarnPeriod(earnPeriod);
        Stream storage stream = _streams[msg.sender][licenseId];
        if (stream.token != address(0)) revert Vault_StreamExists(msg.sender, licenseId);

        // Interaction: before the effects, which need to know what arrived.
        received = _take(token, amount);

        // Effect.
        stream.token = token;
        stream.upfrontBps = upfrontBps;
        stream.start = block.timestamp.toUint40();
        stream.end = (block.timestamp + earnPeriod).toUint40();
        stream.amount = received;
        _money[token].unearned += received;

        // Log.
        emit FeePaid({
            market: msg.sender,
            licenseId: licenseId,
            token: token,
            amount: received,
            upfront: _earnedAt(stream, block.timestamp),
            start: stream.start,
            end: stream.end
        });

        // Effect: the part earned at once becomes revenue.
        _release(msg.sender, licenseId, stream);
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
    function release(address market, uint256[] calldata licenseIds) external nonReentrant {
        for (uint256 i = 0; i < licenseIds.length; ++i) {
            _release(market, licenseIds[i], _streamOf(market, licenseIds[i]));
        }
    }

    /// @inheritdoc IRoyaltyVault
    function distribute(address token) external nonReentrant {
        // Check: there is revenue not yet distributed.
        Money storage money = _money[token];
        uint256 to = money.revenue;
        uint256 from = money.distributed;
        if (to == from) revert Vault_NothingToDistribute(token);
        (IAssetRegistry.Payee[] memory payees, uint16 poolBps) = IAssetRegistry(registry()).shareTable(assetId());

        // Effect.
        money.distributed = to.toUint128();
        for (uint256 i = 0; i < payees.length; ++i) {
            uint128 amount = _share(from, to, payees[i].bps);
            if (amount == 0) continue;
            _credits[token][payees[i].account].credited += amount;
            emit Credited({ token: token, account: payees[i].account, amount: amount });
        }
        uint128 pool = money.poolCredited + _share(from, to, poolBps);
        money.poolCredited = pool;

        // Log.
        emit Distributed({ token: token, revenue: money.distributed, poolCredited: pool });
    }

    /// @inheritdoc IRoyaltyVault
    function withdraw(address token, address account) external nonReentrant returns (uint128 amount) {
        // Check.
        Credit storage credit = _credits[token][account];
        amount = credit.credited - credit.withdrawn;
        if (amount == 0) revert Vault_NothingToWithdraw(token, account);

        // Effect.
        credit.withdrawn += amount;
        _money[token].withdrawn += amount;

        // Log.
        emit Withdrawn({ token: token, account: account, amount: amount });

        // Interaction.
        Currency.send(token, account, amount);
    }

    /// @inheritdoc IPool
    function payFromPool(address token, address account, uint128 amount) external nonReentrant {
        // Check.
        if (msg.sender != ledger) revert Vault_NotLedger(msg.sender);
        Money storage money = _money[token];
        (uint128 credited, uint128 paid) = (money.poolCredited, money.poolPaid);
        if (amount > credited - paid) revert Vault_PoolExceeded(token, amount, credited - paid);

        // Effect.
        money.poolPaid = paid + amount;

        // Interaction.
        Currency.send(token, account, amount);
    }

    /// @inheritdoc IRoyaltyVault
    function registry() public view returns (address registry_) {
        (registry_,) = abi.decode(Clones.fetchCloneArgs(address(this)), (address, uint128));
    }

    /// @inheritdoc IRoyaltyVault
    function assetId() public view returns (uint128 assetId_) {
        (, assetId_) = abi.decode(Clones.fetchCloneArgs(address(this)), (address, uint128));
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

    /// @inheritdoc IRoyaltyVault
    function creditOf(address token, address account) external view returns (uint128) {
        Credit storage credit = _credits[token][account];
        return credit.credited - credit.withdrawn;
    }

    /// @inheritdoc IPool
    function poolCredited(address token) external view returns (uint128) {
        return _money[token].poolCredited;
    }

    /// @inheritdoc IRoyaltyVault
    function poolPaid(address token) external view returns (uint128) {
        return _money[token].poolPaid;
    }

    /// @inheritdoc IRoyaltyVault
    function accounted(address token) external view returns (uint256) {
        return _accounted(_money[token]);
    }

    /// @inheritdoc IRoyaltyVault
    function streamOf(address market, uint256 licenseId) external view returns (FeeStream memory) {
        Stream storage stream = _streamOf(market, licenseId);
        return FeeStream({
            token: stream.token,
            amount: stream.amount,
            released: stream.released,
            upfrontBps: stream.upfrontBps,
            start: stream.start,
            end: stream.end
        });
    }

    /// @inheritdoc IRoyaltyVault
    function earnedAt(address market, uint256 licenseId, uint64 time) external view returns (uint128) {
        return _earnedAt(_streamOf(market, licenseId), time);
    }

    /// @dev Takes money from the caller; what arrived, which is not nothing.
    function _take(address token, uint256 amount) private returns (uint128 received) {
        received = Currency.take(token, amount).toUint128();
        if (received == 0) revert Vault_NothingReceived(token);
    }

    /// @dev Makes what a stream has earned since the last time revenue.
    function _release(address market, uint256 licenseId, Stream storage stream) private {
        uint128 amount = _earnedAt(stream, block.timestamp) - stream.released;
        if (amount == 0) return;

        // Effect.
        address token = stream.token;
        stream.released += amount;
        _money[token].unearned -= amount;
        _money[token].revenue += amount;

        // Log.
        uint64 end = stream.end;
        uint64 earnedUntil = block.timestamp < end ? Time.timestamp() : end;
        emit FeeEarned({ market: market, licenseId: licenseId, token: token, amount: amount, earnedUntil: earnedUntil });
    }

    function _streamOf(address market, uint256 licenseId) private view returns (Stream storage stream) {
        stream = _streams[market][licenseId];
        if (stream.token == address(0)) revert Vault_NoStream(market, licenseId);
    }

    /// @dev The upfront part and the linear part, each rounded down; nothing before the start, all from the end on.
    function _earnedAt(Stream storage stream, uint256 time) private view returns (uint128) {
        (uint256 start, uint256 end, uint256 amount) = (stream.start, stream.end, stream.amount);
        if (time < start) return 0;
        if (time >= end) return stream.amount;
        uint256 upfront = amount * stream.upfrontBps / BASIS_POINTS;
        return (upfront + (amount - upfront) * (time - start) / (end - start)).toUint128();
    }

    function _accounted(Money storage money) private view returns (uint256) {
        return uint256(money.unearned) + money.revenue - money.withdrawn - money.poolPaid;
    }

    /// @dev What `bps` of the revenue between two cumulative amounts comes to, each side rounded down.
    function _share(uint256 from, uint256 to, uint256 bps) private pure returns (uint128) {
        return (to * bps / BASIS_POINTS - from * bps / BASIS_POINTS).toUint128();
    }
}
