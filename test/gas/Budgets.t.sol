// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { LedgerFixture } from "../utils/LedgerFixture.sol";
import { SumTreeBuilder } from "../utils/SumTreeBuilder.sol";

/// @notice Gas of what the ledger and the vaults do, against its budgets. Exact as whole transactions under
/// `forge test --isolate`.
contract BudgetsTest is LedgerFixture {
    uint256 internal constant DEPTH = 17;

    function _check(string memory what, uint256 budget) internal {
        uint256 used = vm.snapshotGasLastCall("money", what);
        emit log_named_uint(what, used);
        assertLe(used, budget, what);
    }

    /// @dev Signed by three attestors.
    function _signed()
        internal
        view
        returns (
            IAttributionLedger.RootStatement memory statement,
            IAttributionLedger.Attestation[] memory attestations
        )
    {
        statement = _next(leaves);
        attestations = _attest(statement, 3);
    }

    function test_post_with_three_signatures_stays_within_165k() public {
        (vault, modelId) = (_vaultOf(_register(_model("no bonds"))), 0);
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        _fundPool(1_000e6);
        _activate(leaves);
        (IAttributionLedger.RootStatement memory statement, IAttributionLedger.Attestation[] memory attestations) =
            _signed();
        ledger.post(statement, attestations);
        _check("post, 3 signatures", 165_000);
    }

    function test_post_with_a_bond_that_rolls_over_stays_within_165k() public {
        _activateBonded(leaves);
        (IAttributionLedger.RootStatement memory statement, IAttributionLedger.Attestation[] memory attestations) =
            _signed();
        vm.prank(poster);
        ledger.post(statement, attestations);
        _check("post, 3 signatures, bond rolled over", 165_000);
    }

    function test_post_with_a_new_bond_stays_within_220k() public {
        (IAttributionLedger.RootStatement memory statement, IAttributionLedger.Attestation[] memory attestations) =
            _signed();
        vm.prank(poster);
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        _check("post, 3 signatures, the vault's first, new bond", 220_000);
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
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        (claim, statement.root, statement.sum) = _deepClaim(statement.index, cumulative);
        statement.leafCount = uint64(1 << DEPTH);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.prank(poster);
        ledger.post{ value: statement.index == 1 ? POSTER_BOND : 0 }(statement, attestations);
        vm.warp(vm.getBlockTimestamp() + WINDOW);
    }

    function test_claim_at_depth_17_stays_within_its_budgets() public {
        IAttributionLedger.Claim memory claim = _activateDeep(5e6);
        ledger.claim(claim);
        _check("claim, depth 17, the vault's and the account's first", 142_000);
        claim = _activateDeep(6e6);
        ledger.claim(claim);
        _check("claim, depth 17, repeated", 88_000);
    }

    function test_the_first_claim_of_an_account_stays_within_125k() public {
        uint64 index = _activateBonded(leaves);
        ledger.claim(_claimOf(index, leaves, 0));
        IAttributionLedger.Claim memory claim = _activateDeep(5e6 + uint128(2_000_000));
        ledger.claim(claim);
        _check("claim, depth 17, the account's first", 125_000);
    }

    function test_proofs_of_faults_stay_within_150k() public {
        (leaves[0], leaves[1]) = (leaves[1], leaves[0]);
        _postBonded(leaves);
        IAttributionLedger.Leaf memory first = _leafOf(leaves, 0);
        IAttributionLedger.Leaf memory second = _leafOf(leaves, 1);
        vm.prank(stranger);
        ledger.proveDisorder(address(vault), address(dollar), first, second);
        _check("proveDisorder, depth 3", 150_000);
    }

    function test_challenges_stay_within_their_budgets() public {
        _postBonded(leaves);
        vm.prank(challenger);
        ledger.challenge{ value: CHALLENGE_BOND }(address(vault), address(dollar), "reason");
        _check("challenge", 95_000);
        vm.prank(arbiter);
        ledger.rule(address(vault), address(dollar), IAttributionLedger.Ruling.DISMISSED);
        _check("rule, dismissed", 110_000);
    }

    function test_fees_stay_within_their_budgets() public {
        vm.startPrank(buyer);
        vault.payFee(1, address(dollar), 1_000e6, 1_000, 30 days);
        _check("payFee", 135_000);
        vm.warp(vm.getBlockTimestamp() + 10 days);
        vault.renewFee(1, address(dollar), 1_000e6, 1_000, 30 days);
        _check("renewFee", 85_000);
        vm.warp(vm.getBlockTimestamp() + 10 days);
        vault.refund(1, buyer);
        _check("refund", 95_000);
    }

    function test_distribute_and_withdraw_stay_within_their_budgets() public {
        vm.prank(buyer);
        vault.pay("payment", address(dollar), 1_000e6);
        _check("pay", 75_000);
        vault.distribute(address(dollar));
        _check("distribute, 4 payees, repeated", 125_000);
        vault.withdraw(address(dollar), payee);
        _check("withdraw, the account's first", 120_000);
    }
}
