// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { InvariantTest } from "./InvariantTest.sol";
import { Owners } from "./handlers/Owners.sol";
import { Policies } from "./handlers/Policies.sol";
import { Stage } from "./handlers/Stage.sol";

contract LineageHandler is Owners { }

/// @notice Share tables and policies that owners change, or try to, while assets are sold.
contract LineageInvariantTest is InvariantTest {
    LineageHandler internal handler;

    function setUp() public {
        handler = new LineageHandler();
        actions = [
            Owners.announceChange.selector,
            Owners.cancelChange.selector,
            Owners.consent.selector,
            Owners.applyChange.selector,
            Owners.applyOther.selector,
            Owners.sell.selector,
            Owners.setRule.selector,
            Policies.announcePolicy.selector,
            Policies.cancelPolicy.selector,
            handler.wait_.selector
        ];
        _perform(handler);
    }

    function test_runs_reach_what_the_invariants_speak_of() public {
        bytes32[] memory goals = new bytes32[](10);
        goals[0] = "change announced";
        goals[1] = "table refused";
        goals[2] = "change applied";
        goals[3] = "too early";
        goals[4] = "not consented";
        goals[5] = "lowered with consent";
        goals[6] = "not permitted";
        goals[7] = "sold";
        goals[8] = "policy in effect";
        goals[9] = "policy cancelled";
        _reaches(60, goals);
    }

    function invariant_share_tables_are_always_whole() public view {
        for (uint256 i = 0; i < VAULTS; ++i) {
            (, IAssetRegistry.Payee[] memory payees, uint16 poolBps) = registry.shareTable(handler.assets(i));
            uint256 total = poolBps;
            for (uint256 j = 0; j < payees.length; ++j) {
                assertTrue(payees[j].account != address(0), "a share of nobody");
                total += payees[j].bps;
            }
            assertEq(total, 10_000);
        }
        _never("a bad table was announced");
        _never("refused a table");
    }

    /// @dev Edges are only added, in their order; their shares, like all others, change by an announced change alone.
    function invariant_edges_never_shrink_and_tables_change_only_after_their_notice() public view {
        for (uint256 i = 0; i < VAULTS; ++i) {
            uint128 asset = handler.assets(i);
            Stage.Parent[] memory expected = handler.edgesAt(i);
            IAssetRegistry.Edge[] memory edges = registry.edgesOf(asset);
            assertEq(edges.length, expected.length);
            for (uint256 j = 0; j < edges.length; ++j) {
                assertEq(edges[j].parent, handler.assets(expected[j].vault));
                assertEq(uint8(edges[j].kind), uint8(expected[j].kind));
                assertEq(edges[j].shareBps, expected[j].bps);
            }
            assertEq(keccak256(abi.encode(registry.assetOf(asset).shares)), keccak256(abi.encode(handler.sharesAt(i))));
            (uint32 epoch,,) = registry.shareTable(asset);
            assertEq(epoch, handler.epochs(i));
        }
        _never("applied too early");
        _never("applied what was not announced");
    }

    /// @dev The handler applies only what it may; what it must not apply it tries, and this is where it tells.
    function invariant_no_parent_gets_less_without_its_consent() public view {
        _never("a share fell without consent");
    }

    /// @dev Also by a sale, with which what was announced is gone.
    function invariant_what_is_announced_is_what_its_owner_announced_last() public now_ {
        for (uint256 i = 0; i < VAULTS; ++i) {
            Owners.Announced memory expected = handler.announcedAt(i);
            IAssetRegistry.PendingChange memory pending = registry.pendingChangeOf(handler.assets(i));
            assertEq(pending.effectiveAt, expected.effectiveAt);
            assertEq(pending.changeHash, expected.effectiveAt == 0 ? bytes32(0) : keccak256(expected.change));
            (RoyaltyVault vault,) = handler.pairAt(i * TOKENS);
            (, uint64 effectiveAt) = ledger.announcedPolicyOf(address(vault));
            uint256 policyAt = handler.policyAt(i);
            assertEq(effectiveAt, policyAt > handler.clock() ? policyAt : 0);
            assertEq(ledger.policyIndexOf(address(vault)), handler.policyIndex(i));
        }
    }
}
