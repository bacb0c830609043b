// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { LedgerFixture } from "../utils/LedgerFixture.sol";
import { Metered } from "./Metered.sol";

/// @notice Gas of roots and claims, under a policy with bonds, an arbiter and a fallback.
contract LedgerGasTest is LedgerFixture, Metered {
    uint256 internal constant ACCOUNTS = 10;

    function _group() internal pure override returns (string memory) {
        return "Ledger";
    }

    // Posting

    function test_post_with_three_signatures_stays_within_165k() public {
        _activateBonded(_leaves(4, 1e6));
        IAttributionLedger.RootStatement memory statement = _next(_leaves(8, 1e6));
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 3);
        vm.prank(poster);
        ledger.post(statement, attestations);
        _check("post, 3 signatures, bond rolled over", 165_000);
    }

    function test_post_of_a_vaults_first_root_with_a_new_bond_stays_within_220k() public {
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 3);
        vm.prank(poster);
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        _check("post, 3 signatures, the vault's first, new bond", 220_000);
    }

    function test_post_without_bonds_stays_within_165k() public {
        vault = _vaultOf(_register(_model("no bonds")));
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        _fundPool(1_000e6);
        _activate(leaves);
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 3);
        ledger.post(statement, attestations);
        _check("post, 3 signatures, no bond", 165_000);
    }

    function test_postMany_stays_under_the_block_limit() public {
        _postAll(1);
        _postAll(10);
        _postAll(100);
    }

    /// @dev Posts `count` first roots of as many tokens of the vault in one transaction, two signatures each.
    function _postAll(uint256 count) internal {
        IAttributionLedger.RootStatement[] memory statements = new IAttributionLedger.RootStatement[](count);
        IAttributionLedger.Attestation[][] memory attestations = new IAttributionLedger.Attestation[][](count);
        for (uint256 i = 0; i < count; ++i) {
            address token = address(uint160(uint256(keccak256(abi.encode(count, i)))));
            deployCodeTo("contracts/demo/DemoDollar.sol:DemoDollar", token);
            deal(token, address(vault), 1_000e6);
            vault.sync(token);
            vault.distribute(token);
            statements[i] = _statement(_leaves(4, 1e6));
            statements[i].token = token;
            attestations[i] = _attest(statements[i], 2);
        }
        vm.deal(poster, count * POSTER_BOND);
        vm.prank(poster);
        ledger.postMany{ value: count * POSTER_BOND }(statements, attestations);
        // A transaction may use 2²⁴ gas since Fusaka.
        _check(string.concat("postMany of ", vm.toString(count), ", 2 signatures each"), 1 << 24);
    }

    // Claims

    /// @dev A tree of 2^depth leaves of which only the paths of one account are known: the siblings are made up.
    function _deepClaim(uint256 depth, uint64 rootIndex, uint128 cumulative)
        internal
        view
        returns (IAttributionLedger.Claim memory claim, bytes32 root, uint128 sum)
    {
        claim.vault = address(vault);
        claim.token = address(dollar);
        claim.rootIndex = rootIndex;
        claim.account = stranger;
        claim.cumulative = cumulative;
        claim.leafIndex = uint64(0x5_5555 & ((1 << depth) - 1));
        root = keccak256(abi.encodePacked(uint8(0), stranger, cumulative));
        sum = cumulative;
        for (uint256 i = 0; i < depth; ++i) {
            bytes32 hash = keccak256(abi.encode("sibling", i));
            uint128 amount = uint128(1_000 + i);
            claim.proof = bytes.concat(claim.proof, hash, bytes16(amount));
            root = claim.leafIndex >> i & 1 == 1
                ? keccak256(abi.encodePacked(uint8(1), hash, amount, root, sum))
                : keccak256(abi.encodePacked(uint8(1), root, sum, hash, amount));
            sum += amount;
        }
    }

    function _activateDeep(uint256 depth, uint128 cumulative) internal returns (IAttributionLedger.Claim memory claim) {
        IAttributionLedger.RootStatement memory statement = _next(_leaves(1, 1));
        (claim, statement.root, statement.sum) = _deepClaim(depth, statement.index, cumulative);
        statement.leafCount = uint64(1 << depth);
        vm.deal(poster, POSTER_BOND);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.prank(poster);
        ledger.post{ value: statement.index == 1 ? POSTER_BOND : 0 }(statement, attestations);
        vm.warp(vm.getBlockTimestamp() + WINDOW);
    }

    function _claimAt(uint256 depth, uint256 firstBudget, uint256 repeatBudget) internal {
        string memory what = string.concat("claim, depth ", vm.toString(depth));
        IAttributionLedger.Claim memory claim = _activateDeep(depth, 5e6);
        ledger.claim(claim);
        _check(string.concat(what, ", the vault's and the account's first"), firstBudget);
        claim = _activateDeep(depth, 6e6);
        ledger.claim(claim);
        _check(string.concat(what, ", repeated"), repeatBudget);
    }

    function test_claim_at_depth_1() public {
        _claimAt(1, 125_000, 88_000);
    }

    function test_claim_at_depth_10() public {
        _claimAt(10, 125_000, 88_000);
    }

    function test_claim_at_depth_17_stays_within_its_budgets() public {
        _claimAt(17, 125_000, 88_000);
    }

    function test_claim_at_depth_20() public {
        _claimAt(20, 142_000, 100_000);
    }

    function test_claimMany_of_ten_stays_within_71k_each() public {
        _activateBonded(_leaves(ACCOUNTS, 1e6));
        IAttributionLedger.Claim[] memory claims = new IAttributionLedger.Claim[](ACCOUNTS);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            claims[i] = _claimOf(1, _leaves(ACCOUNTS, 1e6), i);
        }
        ledger.claimMany(claims);
        _check("claimMany, 10 accounts, each one's first", 710_000);
    }

    // Challenges

    function test_challenging_stays_within_its_budgets() public {
        _postBonded(leaves);
        vm.prank(challenger);
        ledger.challenge{ value: CHALLENGE_BOND }(address(vault), address(dollar), "why");
        _check("challenge", 100_000);
        vm.prank(arbiter);
        ledger.rule(address(vault), address(dollar), IAttributionLedger.Ruling.UPHELD);
        _check("rule, upheld", 135_000);
    }

    function test_dismissing_stays_within_110k() public {
        _postBonded(leaves);
        _challenge();
        vm.prank(arbiter);
        ledger.rule(address(vault), address(dollar), IAttributionLedger.Ruling.DISMISSED);
        _check("rule, dismissed", 110_000);
    }

    function test_proveDisorder_stays_within_150k() public {
        (leaves[0], leaves[1]) = (leaves[1], leaves[0]);
        _postBonded(leaves);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
        _check("proveDisorder, depth 3", 150_000);
    }
}
