// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { Fixture } from "../utils/Fixture.sol";

/// @notice Gas of the main calls against their budgets. Exact as whole transactions under `forge test --isolate`.
contract BudgetsTest is Fixture {
    uint256 internal constant DEPTH = 17;

    function _check(string memory what, uint256 budget) internal {
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(what, used);
        assertLe(used, budget, what);
    }

    function test_post_with_three_signatures_stays_within_165k() public {
        _fundPool(1_000e6);
        _activate(_leaves(4, 1e6));
        IAttributionLedger.RootStatement memory statement = _statement(_leaves(8, 1e6));
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 3);
        ledger.post(statement, attestations);
        _check("post, 3 signatures", 165_000);
    }

    /// @dev A tree of 2^17 leaves of which only one path is known: the siblings are made up.
    function _deepClaim(uint64 rootIndex, uint128 cumulative)
        internal
        view
        returns (IAttributionLedger.Claim memory claim, bytes32 root, uint128 sum)
    {
        claim.vault = address(vault);
        claim.token = address(dollar);
        claim.rootIndex = rootIndex;
        claim.account = stranger;
        claim.cumulative = cumulative;
        claim.leafIndex = 0x1_5555;
        root = keccak256(abi.encodePacked(uint8(0), stranger, cumulative));
        sum = cumulative;
        for (uint256 i = 0; i < DEPTH; ++i) {
            bytes32 hash = keccak256(abi.encode("sibling", i));
            uint128 amount = uint128(1_000 + i);
            claim.proof = bytes.concat(claim.proof, hash, bytes16(amount));
            root = claim.leafIndex >> i & 1 == 1
                ? keccak256(abi.encodePacked(uint8(1), hash, amount, root, sum))
                : keccak256(abi.encodePacked(uint8(1), root, sum, hash, amount));
            sum += amount;
        }
    }

    function _activateDeep(uint128 cumulative) internal returns (IAttributionLedger.Claim memory claim) {
        IAttributionLedger.RootStatement memory statement = _statement(_leaves(1, 1));
        (claim, statement.root, statement.sum) = _deepClaim(statement.index, cumulative);
        statement.leafCount = uint64(1 << DEPTH);
        ledger.post(statement, _attest(statement, 2));
        vm.warp(vm.getBlockTimestamp() + WINDOW);
    }

    function test_claim_at_depth_17_stays_within_its_budgets() public {
        _fundPool(1_000e6);
        IAttributionLedger.Claim memory claim = _activateDeep(5e6);
        ledger.claim(claim);
        _check("claim, depth 17, the vault's and the account's first", 125_000);
        claim = _activateDeep(6e6);
        ledger.claim(claim);
        _check("claim, depth 17, repeated", 88_000);
    }

    function test_buy_stays_within_220k() public {
        uint256 offerId = _publishOffer(_terms(), _offer(0));
        _buy(offerId);
        _buy(offerId);
        _check("buy, ERC-20", 220_000);
    }

    function test_buy_by_a_new_buyer_stays_within_235k() public {
        uint256 offerId = _publishOffer(_terms(), _offer(0));
        _buy(offerId);
        dollar.mint(stranger, 1e12);
        vm.startPrank(stranger);
        dollar.approve(address(market), type(uint256).max);
        market.buy(offerId, 1, stranger, 100e6);
        _check("buy, ERC-20, the buyer's first", 235_000);
    }

    function test_register_with_16_edges_stays_within_900k() public {
        IAssetRegistry.Registration memory registration = _model("sixteen");
        registration.edges = new IAssetRegistry.Edge[](16);
        for (uint256 i = 0; i < 16; ++i) {
            uint128 parent = _register(_dataset(bytes32(i)));
            vm.prank(owner);
            registry.publish(parent, keccak256("records"), keccak256("manifest"), "");
            registration.edges[i] = IAssetRegistry.Edge({
                parent: parent, parentVersion: 1, kind: IAssetRegistry.EdgeKind.DATA, shareBps: 500, licenseId: 0
            });
        }
        registration.shares.payeeBps = 500;
        registration.shares.hostBps = 500;
        registration.shares.curatorsBps = 500;
        registration.shares.poolBps = 500;
        vm.prank(owner);
        registry.register(registration);
        _check("register, 16 edges", 900_000);
    }
}
