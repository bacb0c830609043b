// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { LedgerFixture } from "../utils/LedgerFixture.sol";
import { SumTreeBuilder } from "../utils/SumTreeBuilder.sol";

/// @title DisputesHandler
/// @notice Posters with faults and without, challengers, an arbiter that rules either way or not at all, and whoever
/// makes fallbacks and policy changes happen, at random on two vaults of one ledger. No action reverts.
contract DisputesHandler is LedgerFixture {
    /// @dev Time is kept here and set before every action.
    uint256 public clock;
    RoyaltyVault[2] public vaults;
    address[4] public actors;

    /// @dev All the coin there is; coin is only ever moved.
    uint256 public coin;
    /// @dev The tree of every index of every vault, as last posted, and whether it has a fault.
    mapping(address vault => mapping(uint64 index => SumTreeBuilder.Leaf[])) internal trees;
    mapping(address vault => mapping(uint64 index => bool)) internal isFaulty;
    /// @dev Set when a root with a fault that was shown, or one that was rejected, became active.
    bool public wrongRootActive;

    constructor() {
        setUp();
        clock = START;
        vaults[0] = vault;
        vaults[1] = _vaultOf(_register(_bondedModel("second")));
        actors = [poster, challenger, stranger, arbiter];
        for (uint256 i = 0; i < 4; ++i) {
            vm.deal(actors[i], 1e30);
            coin += 1e30;
        }
        vm.prank(buyer);
        dollar.approve(address(vaults[1]), type(uint256).max);
        dollar.mint(buyer, 1e30);
    }

    modifier on(uint256 which) {
        vm.warp(clock);
        vault = vaults[which % 2];
        _;
    }

    function allVaults() external view returns (RoyaltyVault[2] memory) {
        return vaults;
    }

    function allActors() external view returns (address[4] memory) {
        return actors;
    }

    function theLedger() external view returns (IAttributionLedger) {
        return ledger;
    }

    function theToken() external view returns (address) {
        return address(dollar);
    }

    function held(address holder, address token) external view returns (uint256) {
        return IERC20(token).balanceOf(holder);
    }

    // Money and time

    function earn(uint256 which, uint256 amount) external on(which) {
        _fundPool(bound(amount, 10, 1e12));
    }

    function fund(uint256 which, uint256 amount) external on(which) {
        vm.prank(buyer);
        vault.fundPool(address(dollar), bound(amount, 1, 1e12));
    }

    function wait_(uint256 duration) external on(0) {
        clock += bound(duration, 1 hours, 4 days);
    }

    // Roots

    function post(uint256 which, uint256 who, uint256 seed) external on(which) {
        IAttributionLedger.Next memory next = ledger.nextOf(address(vault), address(dollar));
        if (!next.open || next.periodEnd >= clock || next.allocatable == 0) return;
        SumTreeBuilder.Leaf[] memory made = _grown(next, seed);
        IAttributionLedger.RootStatement memory statement = _next(made);
        statement.settlementPolicy = ledger.policyOf(address(vault)).settlementPolicy;
        address actor = actors[who % 4];
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        uint256 value = _bondFor(actor);
        vm.prank(actor);
        ledger.post{ value: value }(statement, attestations);

        delete trees[address(vault)][next.index];
        for (uint256 i = 0; i < made.length; ++i) {
            trees[address(vault)][next.index].push(made[i]);
        }
        isFaulty[address(vault)][next.index] = made.length > 1 && made[0].account > made[1].account;
    }

    function claim(uint256 which, uint256 seed) external on(which) {
        (uint64 newest,) = ledger.newestActive(address(vault), address(dollar));
        if (newest == 0) return;
        SumTreeBuilder.Leaf[] memory made = trees[address(vault)][newest];
        IAttributionLedger.Claim[] memory claims = new IAttributionLedger.Claim[](1);
        claims[0] = _claimOf(newest, made, seed % made.length);
        ledger.claimMany(claims);
    }

    // Disputes

    function challenge(uint256 which, uint256 who) external on(which) {
        (uint64 count, IAttributionLedger.Root memory root) = _newest();
        if (root.status != IAttributionLedger.RootStatus.PENDING) return;
        uint256 bond = ledger.challengeBondOf(address(vault), address(dollar));
        vm.prank(actors[who % 4]);
        try ledger.challenge{ value: bond }(address(vault), address(dollar), "reason") { }
        catch (bytes memory reason) {
            // Once for each root.
            assertEq(
                reason,
                abi.encodeWithSelector(IAttributionLedger.Ledger_AlreadyChallenged.selector, vault, dollar, count)
            );
        }
    }

    function rule(uint256 which, bool isUpheld) external on(which) {
        IAttributionLedger.Challenge memory open = ledger.challengeOf(address(vault), address(dollar));
        if (open.challenger == address(0) || clock > open.until) return;
        _rule(isUpheld ? IAttributionLedger.Ruling.UPHELD : IAttributionLedger.Ruling.DISMISSED);
    }

    function timeOut(uint256 which) external on(which) {
        IAttributionLedger.Challenge memory open = ledger.challengeOf(address(vault), address(dollar));
        if (open.challenger == address(0) || clock <= open.until) return;
        ledger.timeout(address(vault), address(dollar));
    }

    function prove(uint256 which, uint256 who) external on(which) {
        (uint64 count, IAttributionLedger.Root memory root) = _newest();
        if (count == 0 || root.status == IAttributionLedger.RootStatus.ACTIVE) return;
        if (!isFaulty[address(vault)][count]) return;
        SumTreeBuilder.Leaf[] memory made = trees[address(vault)][count];
        vm.prank(actors[who % 4]);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(made, 0), _leafOf(made, 1));
        if (ledger.rootCount(address(vault), address(dollar)) != count - 1) wrongRootActive = true;
    }

    // Bonds, fallbacks, policies

    function release(uint256 which) external on(which) {
        (address staker,) = ledger.stakeOf(address(vault), address(dollar));
        (, IAttributionLedger.Root memory root) = _newest();
        if (staker == address(0) || root.status != IAttributionLedger.RootStatus.ACTIVE) return;
        ledger.releaseBond(address(vault), address(dollar));
    }

    function withdraw(uint256 which, uint256 who) external on(which) {
        address account = who % 5 == 4 ? address(vault) : actors[who % 5];
        if (ledger.bondOf(account) != 0) ledger.withdrawBond(account);
    }

    function announceFallback(uint256 which) external on(which) {
        (uint64 count, IAttributionLedger.Root memory root) = _newest();
        if (count != 0 && root.status != IAttributionLedger.RootStatus.ACTIVE) return;
        if (ledger.fallbackAt(address(vault), address(dollar)) != 0) return;
        if (vault.allocatable(address(dollar)) == root.sum) return;
        ledger.announceFallback(address(vault), address(dollar));
    }

    function executeFallback(uint256 which) external on(which) {
        uint64 due = ledger.fallbackAt(address(vault), address(dollar));
        if (due == 0) return;
        if (clock < due) clock = due;
        vm.warp(clock);
        ledger.executeFallback(address(vault), address(dollar));
    }

    function announcePolicy(uint256 which, uint256 seed) external on(which) {
        IAttributionLedger.Policy memory policy = _bondedPolicy();
        policy.posterBond = uint88(bound(seed, 1, 2 ether));
        policy.challengeBond = uint88(bound(seed >> 96, 1, 1 ether));
        vm.prank(address(registry));
        vault.announcePolicy(policy);
    }

    function cancelPolicy(uint256 which) external on(which) {
        (uint24 index,) = ledger.announcedPolicyOf(address(vault));
        if (index == 0) return;
        vm.prank(address(registry));
        vault.cancelPolicy();
    }

    /// @dev Payouts that grew by part of what may be allotted; now and then in the wrong order.
    function _grown(IAttributionLedger.Next memory next, uint256 seed)
        internal
        view
        returns (SumTreeBuilder.Leaf[] memory made)
    {
        SumTreeBuilder.Leaf[] memory last = trees[address(vault)][next.index - 1];
        if (next.prevSum != 0) {
            made = last;
            made[seed % made.length].cumulative += uint128(bound(seed, 0, next.allocatable - next.prevSum));
        } else {
            made = _leaves(next.allocatable < 10 ? 1 : 3, next.allocatable < 10 ? 1 : next.allocatable / 4);
        }
        if (seed % 3 == 0 && made.length > 1 && made[0].account < made[1].account) {
            (made[0], made[1]) = (made[1], made[0]);
        }
    }

    function _bondFor(address actor) internal view returns (uint256) {
        uint256 bond = ledger.policyOf(address(vault)).posterBond;
        uint256 has = ledger.bondOf(actor);
        return bond > has ? bond - has : 0;
    }

    function _newest() internal view returns (uint64 count, IAttributionLedger.Root memory root) {
        count = ledger.rootCount(address(vault), address(dollar));
        root = ledger.rootOf(address(vault), address(dollar), count);
    }
}
