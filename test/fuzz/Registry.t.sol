// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { PackedEdge, PackedEdges } from "../../contracts/registry/PackedEdge.sol";
import { RegistryFixture } from "../utils/RegistryFixture.sol";

/// @notice Tables and changes of every shape.
contract RegistryFuzzTest is RegistryFixture {
    uint256 internal constant PARENTS = 3;
    uint128[PARENTS] internal parents;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < PARENTS; ++i) {
            parents[i] = _parent(bytes32(i + 1));
        }
    }

    /// @dev A pseudorandom number under `bound_`.
    function _random(uint256 seed, string memory what, uint256 i, uint256 bound_) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what, i))) % bound_;
    }

    /// @dev A change of the model with up to three new edges and any shares, which are whole.
    function _randomChange(uint256 seed) internal view returns (IAssetRegistry.Change memory change) {
        uint256 existing = registry.edgesOf(modelId).length;
        uint256 room = 16 - existing;
        change.added = new IAssetRegistry.Edge[](_random(seed, "added", 0, room < 3 ? room + 1 : 4));
        change.edgeShares = new uint16[](existing + change.added.length);
        uint256 left = 10_000;
        for (uint256 i = 0; i < change.edgeShares.length; ++i) {
            change.edgeShares[i] = uint16(_random(seed, "share", i, 560));
            left -= change.edgeShares[i];
            if (i < existing) continue;
            IAssetRegistry.EdgeKind kind =
                _random(seed, "eval", i, 3) == 0 ? IAssetRegistry.EdgeKind.EVAL : IAssetRegistry.EdgeKind.DATA;
            change.added[i - existing] = _edge(parents[_random(seed, "parent", i, PARENTS)], kind, change.edgeShares[i]);
        }
        uint16 hostBps = uint16(_random(seed, "host", 0, left + 1));
        change.shares.host = hostBps == 0 ? address(0) : host;
        change.shares.hostBps = hostBps;
        change.shares.poolBps = uint16(left - hostBps);
    }

    /// @dev What a parent gets of the model for use, or for evaluation.
    function _shareOf(IAssetRegistry.Edge[] memory edges, uint128 parent, bool isEval)
        internal
        pure
        returns (uint256 total)
    {
        for (uint256 i = 0; i < edges.length; ++i) {
            bool isSame = edges[i].parent == parent && (edges[i].kind == IAssetRegistry.EdgeKind.EVAL) == isEval;
            if (isSame) total += edges[i].shareBps;
        }
    }

    function _consentToAll(uint128 parent) internal {
        address parentOwner_ = registry.ownerOf(parent);
        vm.prank(parentOwner_);
        registry.consentToShare(parent, modelId, 0);
    }

    /// @dev Edges are only added, the table is always whole, and without consent no parent ever gets less.
    function testFuzz_no_row_of_changes_takes_anything_from_a_parent_that_did_not_consent(
        uint256[5] memory seeds,
        uint8[5] memory consenting
    ) public {
        uint32 changes = 0;
        uint256 agreed = 0;
        for (uint256 i = 0; i < seeds.length; ++i) {
            IAssetRegistry.Edge[] memory before = registry.edgesOf(modelId);
            IAssetRegistry.Change memory change = _randomChange(seeds[i]);
            uint128[4] memory all = [parents[0], parents[1], parents[2], datasetId];
            // The dataset of the fixture always agrees, so that some changes pass.
            agreed |= consenting[i] | 1 << PARENTS;
            for (uint256 p = 0; p < all.length; ++p) {
                if (agreed >> p & 1 == 1) _consentToAll(all[p]);
            }
            _announceAndWait(modelId, change);
            try registry.applyChange(modelId, change) {
                ++changes;
            } catch (bytes memory reason) {
                assertEq(bytes4(reason), IAssetRegistry.Registry_ShareFalls.selector);
            }

            IAssetRegistry.Edge[] memory current = registry.edgesOf(modelId);
            assertGe(current.length, before.length);
            for (uint256 e = 0; e < before.length; ++e) {
                assertEq(current[e].parent, before[e].parent);
                assertEq(current[e].parentVersion, before[e].parentVersion);
                assertEq(uint8(current[e].kind), uint8(before[e].kind));
            }
            for (uint256 p = 0; p < PARENTS; ++p) {
                if (agreed >> p & 1 == 1) continue;
                assertGe(_shareOf(current, all[p], false), _shareOf(before, all[p], false));
                assertGe(_shareOf(current, all[p], true), _shareOf(before, all[p], true));
            }
            (uint32 epoch, IAssetRegistry.Payee[] memory payees, uint256 total) = registry.shareTable(modelId);
            assertEq(epoch, changes);
            for (uint256 l = 0; l < payees.length; ++l) {
                assertGt(payees[l].bps, 0);
                total += payees[l].bps;
            }
            assertEq(total, 10_000);
        }
    }

    function testFuzz_a_packed_edge_is_the_edge(
        uint128 parent,
        uint32 parentVersion,
        uint8 kind,
        uint16[2] memory shares,
        uint72 licenseId
    ) public pure {
        IAssetRegistry.Edge memory edge = _edge(parent, IAssetRegistry.EdgeKind(kind % 6), shares[0]);
        edge.parentVersion = parentVersion;
        PackedEdge packed = PackedEdges.pack(edge, licenseId);
        edge.licenseId = licenseId;
        assertEq(abi.encode(packed.unpack()), abi.encode(edge));
        assertEq(packed.parent(), edge.parent);
        assertEq(uint8(packed.kind()), uint8(edge.kind));
        assertEq(packed.shareBps(), edge.shareBps);
        edge.shareBps = shares[1];
        assertEq(abi.encode(packed.withShare(shares[1]).unpack()), abi.encode(edge));
    }

    /// @dev Whoever owns the asset, what its earlier owners announced or allowed is gone.
    function testFuzz_nothing_an_owner_left_open_binds_the_next(uint8 hands, uint256 seed) public {
        _announce(modelId, _randomChange(seed));
        vm.startPrank(owner);
        registry.announcePolicy(modelId, _policy());
        registry.allowChild(modelId, datasetId);
        registry.consentToShare(modelId, datasetId, 0);
        vm.stopPrank();

        address holder = owner;
        for (uint256 i = 0; i <= hands % 4; ++i) {
            address next = holder == owner ? stranger : owner;
            vm.prank(holder);
            registry.transferFrom(holder, next, modelId);
            holder = next;
        }
        assertEq(registry.pendingChangeOf(modelId).effectiveAt, 0);
        (, uint64 effectiveAt) = ledger.announcedPolicyOf(address(vault));
        assertEq(effectiveAt, 0);
        assertFalse(registry.isChildAllowed(modelId, datasetId));
        assertEq(registry.shareConsentOf(modelId, datasetId).owner, address(0));
    }
}
