// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";
import { Roots } from "./Roots.sol";

/// @title Claimants
/// @notice Accounts that claim what active roots allot to them, under new roots and old, for themselves and for others;
/// and the unallotted, which falls back to the data parents.
abstract contract Claimants is Roots {
    bytes32 private constant PAYOUT_TYPEHASH = keccak256("Payout(address vault,address token,uint128 cumulative)");
    bytes32 private constant CLAIM_TYPEHASH = keccak256(
        "ClaimOrder(address account,address recipient,Payout[] payouts,uint256 nonce,uint64 deadline)Payout(address vault,address token,uint128 cumulative)"
    );

    mapping(uint256 pair => mapping(address account => uint256)) public claimedBy;

    /// @notice One leaf of any root, active or not.
    function claim(uint256 seed, uint256 leaf) external step {
        uint256 pair = _pair(seed);
        (IAttributionLedger.Claim memory claim_, bool isActive) = _claimOfAny(pair, seed, leaf);
        if (claim_.account == address(0)) return;
        address recipient = recipientOf(claim_.account);
        uint256 due = isActive ? _due(pair, claim_) : 0;
        if (due == 0 || !canPay(recipient, claim_.token)) {
            try ledger.claim(claim_) {
                _violate("paid what is not due");
            } catch {
                _reach(
                    !isActive ? bytes32("claimed too early") : due == 0 ? bytes32("nothing left") : bytes32("refused")
                );
            }
            return;
        }
        _paid(pair, claim_, recipient, ledger.claim(claim_), due);
    }

    /// @notice For all accounts of one active root at once, but for those who cannot be paid.
    function claimMany(uint256 seed) external step {
        uint256 pair = _pair(seed);
        uint256 newest = newestActive(pair);
        if (newest == 0) return;
        uint256 index = seed % 2 == 0 ? newest : 1 + (seed >> 1) % newest;
        SumTreeBuilder.Leaf[] memory leaves = leavesOf(pair, index);
        IAttributionLedger.Claim[] memory claims = new IAttributionLedger.Claim[](leaves.length);
        uint256[] memory due = new uint256[](leaves.length);
        uint256 count = 0;
        for (uint256 i = 0; i < leaves.length; ++i) {
            claims[count] = _claimAt(pair, index, leaves, i);
            due[count] = _due(pair, claims[count]);
            bool isBehind = claims[count].cumulative <= claimedBy[pair][leaves[i].account];
            if ((due[count] == 0 && !isBehind) || !canPay(recipientOf(leaves[i].account), _tokenOf(pair))) continue;
            // Written down at once: the next depends on it.
            _recordClaim(pair, claims[count], recipientOf(leaves[i].account), due[count]);
            ++count;
        }
        assembly ("memory-safe") {
            mstore(claims, count)
        }
        uint128[] memory paid = ledger.claimMany(claims);
        for (uint256 i = 0; i < count; ++i) {
            _require(paid[i] == due[i], "not what is due");
        }
        if (count != 0) _reach("claimed many");
    }

    /// @notice By an order of the account, which is then sent again.
    function claimTo(uint256 seed, uint256 leaf) external step {
        uint256 pair = _pair(seed);
        uint256 newest = newestActive(pair);
        if (newest == 0) return;
        SumTreeBuilder.Leaf[] memory leaves = leavesOf(pair, newest);
        IAttributionLedger.Claim[] memory claims = new IAttributionLedger.Claim[](1);
        claims[0] = _claimAt(pair, newest, leaves, leaf % leaves.length);
        uint256 due = _due(pair, claims[0]);
        if (due == 0) return;
        IAttributionLedger.ClaimOrder memory order = IAttributionLedger.ClaimOrder({
            account: claims[0].account, recipient: safes[seed % 2], nonce: nextNonce++, deadline: uint64(clock)
        });
        if (!canPay(order.recipient, claims[0].token)) return;
        bytes memory signature = _sign(accountKeys[_placeOf(order.account)], _digest(_hashOf(order, claims[0])));

        _paid(pair, claims[0], order.recipient, ledger.claimTo(claims, order, signature)[0], due);
        try ledger.claimTo(claims, order, signature) {
            _violate("an order was used twice");
        } catch { }
        _reach("claimed by order");
    }

    /// @notice Announces a fallback where nothing is unresolved and something is unallotted; refused everywhere else.
    function announceFallback(uint256 seed) external step {
        uint256 pair = _pair(seed);
        bool isGood = pair / TOKENS != DATASET && fallbackAt[pair] == 0 && _unallotted(pair) != 0;
        try ledger.announceFallback(address(_vaultOfPair(pair)), _tokenOf(pair)) {
            _require(isGood, "a fallback out of turn");
            fallbackAt[pair] = clock + 7 days;
            _reach("fallback announced");
        } catch {
            _require(!isGood, "refused a fallback");
        }
    }

    /// @notice Perhaps before it is due, perhaps just then.
    function executeFallback(uint256 seed) external step {
        uint256 pair = _pair(seed);
        if (seed % 4 != 0 && fallbackAt[pair] > clock) _advance(fallbackAt[pair] - clock);
        uint256 amount = _unallotted(pair);
        bool isGood = fallbackAt[pair] != 0 && clock >= fallbackAt[pair] && amount != 0;
        try ledger.executeFallback(address(_vaultOfPair(pair)), _tokenOf(pair)) returns (uint128 moved) {
            _require(isGood && moved == amount, "a fallback out of turn");
            fallbackAt[pair] = 0;
            _books[pair].fallenBack += amount;
            _creditDataParents(pair, amount);
            _reach("fallback executed");
        } catch {
            _require(!isGood, "refused a fallback");
        }
    }

    /// @notice All of the above in a row: nobody posts any more.
    function abandon(uint256 seed) external step {
        uint256 pair = _pair(seed);
        if (pair / TOKENS == DATASET || fallbackAt[pair] != 0 || _unallotted(pair) == 0) return;
        ledger.announceFallback(address(_vaultOfPair(pair)), _tokenOf(pair));
        fallbackAt[pair] = clock + 7 days;
        _advance(3 days);
    }

    /// @dev What no root allots; 0 also while a root is unresolved.
    function _unallotted(uint256 pair) private view returns (uint256) {
        uint256 count = _chains[pair].length;
        if (count != 0 && !_isActive(pair, count)) return 0;
        return _books[pair].pool - _books[pair].fallenBack - sumOf(pair, count);
    }

    /// @dev To those whose edges are DATA, by their shares, or evenly if they have none; the last gets the rest.
    function _creditDataParents(uint256 pair, uint256 amount) private {
        Parent[] storage edges = parents[pair / TOKENS];
        uint256 weights = 0;
        uint256 count = 0;
        for (uint256 i = 0; i < edges.length; ++i) {
            if (!_isData(edges[i])) continue;
            weights += edges[i].bps;
            ++count;
        }
        bool isEven = weights == 0;
        if (isEven) weights = count;
        if (count > 1) _reach("fallback divided");
        for (uint256 i = 0; i < edges.length; ++i) {
            if (!_isData(edges[i]) || weights == 0) continue;
            uint256 weight = isEven ? 1 : edges[i].bps;
            uint256 share = amount * weight / weights;
            credits[pair][address(_vaults[edges[i].vault])] += share;
            amount -= share;
            weights -= weight;
        }
    }

    function _isData(Parent storage parent) private view returns (bool) {
        return uint8(parent.kind) == 1;
    }

    /// @dev What a claim under an active root pays now.
    function _due(uint256 pair, IAttributionLedger.Claim memory claim_) internal view returns (uint256 due) {
        uint256 already = claimedBy[pair][claim_.account];
        if (claim_.cumulative <= already) return 0;
        due = claim_.cumulative - already;
        uint256 left = sumOf(pair, newestActive(pair)) - _books[pair].claimed;
        if (left < due) due = left;
    }

    function _claimOfAny(uint256 pair, uint256 seed, uint256 leaf)
        private
        view
        returns (IAttributionLedger.Claim memory claim_, bool isActive)
    {
        uint256 count = _chains[pair].length;
        if (count == 0) return (claim_, false);
        uint256 index = seed % 2 == 0 ? count : 1 + (seed >> 1) % count;
        SumTreeBuilder.Leaf[] memory leaves = leavesOf(pair, index);
        return (_claimAt(pair, index, leaves, leaf % leaves.length), _isActive(pair, index));
    }

    function _claimAt(uint256 pair, uint256 index, SumTreeBuilder.Leaf[] memory leaves, uint256 place)
        internal
        view
        returns (IAttributionLedger.Claim memory claim_)
    {
        claim_ = _claimOf(uint64(index), leaves, place);
        (claim_.vault, claim_.token) = (address(_vaultOfPair(pair)), _tokenOf(pair));
    }

    function _paid(uint256 pair, IAttributionLedger.Claim memory claim_, address recipient, uint256 paid, uint256 due)
        private
    {
        _require(paid == due, "not what is due");
        _recordClaim(pair, claim_, recipient, due);
    }

    function _recordClaim(uint256 pair, IAttributionLedger.Claim memory claim_, address recipient, uint256 due)
        private
    {
        if (due == 0) return;
        claimedBy[pair][claim_.account] += due;
        _books[pair].claimed += due;
        _land(recipient, pair % TOKENS, due);
        _reach(claimedBy[pair][claim_.account] < claim_.cumulative ? bytes32("claimed in part") : bytes32("claimed"));
        if (claim_.rootIndex < newestActive(pair)) _reach("claimed under an old root");
    }

    function _hashOf(IAttributionLedger.ClaimOrder memory order, IAttributionLedger.Claim memory claim_)
        private
        pure
        returns (bytes32)
    {
        bytes32 payouts = keccak256(
            abi.encodePacked(keccak256(abi.encode(PAYOUT_TYPEHASH, claim_.vault, claim_.token, claim_.cumulative)))
        );
        return
            keccak256(abi.encode(CLAIM_TYPEHASH, order.account, order.recipient, payouts, order.nonce, order.deadline));
    }
}
