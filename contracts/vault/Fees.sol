// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IRoyaltyVault } from "../interfaces/IRoyaltyVault.sol";
import { BASIS_POINTS } from "../libraries/BasisPoints.sol";
import { FeeStreams } from "../libraries/FeeStreams.sol";
import { Till } from "./Till.sol";

/// @title Fees
/// @notice License fees: paid to a vault at once, earned over time, refunded as far as they are not earned.
abstract contract Fees is Till {
    using FeeStreams for FeeStreams.Stream;

    mapping(address market => mapping(uint256 licenseId => FeeStreams.Stream)) private _streams;

    /// @inheritdoc IRoyaltyVault
    function payFee(uint256 licenseId, address token, uint256 amount, uint16 upfrontBps, uint64 earnPeriod)
        external
        payable
        nonReentrant
        returns (uint128 received)
    {
        // Check.
        _checkTerms(upfrontBps, earnPeriod);
        FeeStreams.Stream storage stream = _streams[msg.sender][licenseId];
        if (stream.exists()) revert Vault_StreamExists(msg.sender, licenseId);

        // Interaction: before the effects, which need to know what arrived.
        received = _take(token, amount);

        // Effect.
        uint128 upfront = FeeStreams.upfrontOf(received, upfrontBps, earnPeriod);
        uint64 end = Time.timestamp() + earnPeriod;
        stream.open({ token: token, end: end, amount: received - upfront });
        _money[token].unearned += received - upfront;

        // Log.
        emit FeePaid({
            market: msg.sender,
            licenseId: licenseId,
            token: token,
            amount: received,
            upfront: upfront,
            start: Time.timestamp(),
            end: end
        });

        // Effect.
        _earn(licenseId, token, upfront);
    }

    /// @inheritdoc IRoyaltyVault
    function renewFee(uint256 licenseId, address token, uint256 amount, uint16 upfrontBps, uint64 earnPeriod)
        external
        payable
        nonReentrant
        returns (uint128 received)
    {
        // Check.
        _checkTerms(upfrontBps, earnPeriod);
        FeeStreams.Stream storage stream = _streams[msg.sender][licenseId];
        if (stream.exists() && stream.token != token) revert Vault_WrongToken(token, stream.token);
        uint64 start = Time.timestamp();
        uint64 end = (start < stream.end ? stream.end : start) + earnPeriod;
        if (end - start > FeeStreams.MAX_DURATION) revert Vault_BadEarnPeriod(end - start);

        // Interaction: before the effects, which need to know what arrived.
        received = _take(token, amount);

        // Effect: what was earned by now, then what is left of it with the new money.
        _release(msg.sender, licenseId, stream);
        uint128 carried = stream.amount - stream.released;
        uint128 upfront = FeeStreams.upfrontOf(received, upfrontBps, earnPeriod);
        stream.open({ token: token, end: end, amount: carried + received - upfront });
        _money[token].unearned += received - upfront;

        // Log.
        emit FeeRenewed({
            market: msg.sender,
            licenseId: licenseId,
            token: token,
            amount: received,
            upfront: upfront,
            carried: carried,
            start: start,
            end: end
        });

        // Effect.
        _earn(licenseId, token, upfront);
    }

    /// @inheritdoc IRoyaltyVault
    function refund(uint256 licenseId, address account) external nonReentrant returns (uint128 amount) {
        // Check.
        FeeStreams.Stream storage stream = _streamOf(msg.sender, licenseId);

        // Effect: what was earned by now, then the rest.
        _release(msg.sender, licenseId, stream);
        address token = stream.token;
        amount = stream.close();
        _money[token].unearned -= amount;
        _money[token].direct += amount;
        _credit(token, account, amount);

        // Log.
        emit FeeRefunded({ market: msg.sender, licenseId: licenseId, token: token, account: account, amount: amount });
    }

    /// @inheritdoc IRoyaltyVault
    function release(address market, uint256[] calldata licenseIds) external nonReentrant {
        for (uint256 i = 0; i < licenseIds.length; ++i) {
            _release(market, licenseIds[i], _streamOf(market, licenseIds[i]));
        }
    }

    /// @inheritdoc IRoyaltyVault
    function streamOf(address market, uint256 licenseId) external view returns (FeeStream memory) {
        FeeStreams.Stream storage stream = _streamOf(market, licenseId);
        return FeeStream({
            token: stream.token, amount: stream.amount, released: stream.released, start: stream.start, end: stream.end
        });
    }

    /// @inheritdoc IRoyaltyVault
    function earnedAt(address market, uint256 licenseId, uint64 time) external view returns (uint128) {
        return _streamOf(market, licenseId).earnedAt(time);
    }

    /// @dev Makes what the caller's fee earns at once revenue.
    function _earn(uint256 licenseId, address token, uint128 upfront) private {
        if (upfront == 0) return;

        // Effect.
        _money[token].revenue += upfront;

        // Log.
        emit FeeEarned({
            market: msg.sender, licenseId: licenseId, token: token, amount: upfront, earnedUntil: Time.timestamp()
        });
    }

    /// @dev Makes what a stream has earned since the last time revenue.
    function _release(address market, uint256 licenseId, FeeStreams.Stream storage stream) private {
        // Effect.
        uint128 amount = stream.settle();
        if (amount == 0) return;
        address token = stream.token;
        _money[token].unearned -= amount;
        _money[token].revenue += amount;

        // Log.
        emit FeeEarned({
            market: market, licenseId: licenseId, token: token, amount: amount, earnedUntil: stream.earnedUntil()
        });
    }

    function _streamOf(address market, uint256 licenseId) private view returns (FeeStreams.Stream storage stream) {
        stream = _streams[market][licenseId];
        if (!stream.exists()) revert Vault_NoStream(market, licenseId);
    }

    function _checkTerms(uint16 upfrontBps, uint64 earnPeriod) private pure {
        if (upfrontBps > BASIS_POINTS) revert Vault_BadUpfront(upfrontBps);
        if (earnPeriod > FeeStreams.MAX_DURATION) revert Vault_BadEarnPeriod(earnPeriod);
    }
}
