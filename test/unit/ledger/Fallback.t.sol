// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { LedgerFixture } from "../../utils/LedgerFixture.sol";

contract FallbackTest is LedgerFixture {
    function _announce() internal {
        ledger.announceFallback(address(vault), address(dollar));
    }

    function _execute() internal returns (uint128) {
        return ledger.executeFallback(address(vault), address(dollar));
    }

    function _fallBack() internal returns (uint128) {
        _announce();
        vm.warp(vm.getBlockTimestamp() + FALLBACK_AFTER);
        return _execute();
    }

    function test_fallback_moves_what_no_root_allots_to_the_data() public {
        _activateBonded(leaves);
        uint128 credited = vault.poolCredited(address(dollar));
        (, IAttributionLedger.Root memory newest) = ledger.newestActive(address(vault), address(dollar));
        uint128 expected = credited - newest.sum;
        uint64 due = uint64(vm.getBlockTimestamp()) + FALLBACK_AFTER;
        vm.expectEmit();
        emit IAttributionLedger.FallbackAnnounced(address(vault), address(dollar), due);
        _announce();
        assertEq(ledger.fallbackAt(address(vault), address(dollar)), due);

        vm.warp(due);
        uint128 creditBefore = vault.creditOf(address(dollar), address(datasetVault));
        vm.expectEmit();
        emit IAttributionLedger.FallbackExecuted(address(vault), address(dollar), expected);
        vm.expectEmit();
        emit IRoyaltyVault.Credited(address(dollar), address(datasetVault), expected);
        vm.expectEmit();
        emit IRoyaltyVault.FellBack(address(dollar), expected);
        assertEq(_execute(), expected);
        assertEq(ledger.fallbackAt(address(vault), address(dollar)), 0);
        assertEq(vault.creditOf(address(dollar), address(datasetVault)), creditBefore + expected);
        assertEq(vault.fallbackPaid(address(dollar)), expected);
        assertEq(vault.allocatable(address(dollar)), newest.sum);
        assertEq(vault.poolCredited(address(dollar)), credited);
        assertEq(vault.accounted(address(dollar)), dollar.balanceOf(address(vault)));
    }

    function test_fallback_leaves_what_roots_allot_to_be_claimed() public {
        uint64 index = _activateBonded(leaves);
        ledger.claim(_claimOf(index, leaves, 0));
        _fallBack();
        for (uint256 i = 1; i < leaves.length; ++i) {
            assertEq(ledger.claim(_claimOf(index, leaves, i)), leaves[i].cumulative);
        }
        vault.withdraw(address(dollar), address(datasetVault));
    }

    function test_fallback_moves_everything_where_no_root_was_ever_posted() public {
        uint128 credited = vault.poolCredited(address(dollar));
        assertEq(_fallBack(), credited);
        assertEq(vault.allocatable(address(dollar)), 0);
    }

    function test_fallback_takes_what_came_in_while_it_was_waiting() public {
        _announce();
        vm.warp(START + FALLBACK_AFTER);
        _fundPool(500e6);
        assertEq(_execute(), 675e6);
    }

    function test_fallback_can_come_again() public {
        _fallBack();
        _fundPool(100e6);
        assertEq(_fallBack(), 45e6);
        assertEq(vault.fallbackPaid(address(dollar)), 495e6);
    }

    function test_announceFallback_reverts_when_the_policy_says_never() public {
        vault = _vaultOf(_register(_model("never")));
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NoFallback.selector, vault));
        _announce();
    }

    function test_announceFallback_reverts_for_an_unknown_vault() public {
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_UnknownVault.selector, stranger));
        ledger.announceFallback(stranger, address(dollar));
    }

    function test_announceFallback_reverts_while_the_newest_root_is_pending_or_challenged() public {
        uint64 index = _postBonded(leaves);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_RootPending.selector, vault, dollar, index, START + WINDOW)
        );
        _announce();
        _challenge();
        _lapse();
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_RootPending.selector, vault, dollar, index, type(uint40).max
            )
        );
        _announce();
        ledger.timeout(address(vault), address(dollar));
        _announce();
    }

    function test_announceFallback_reverts_when_everything_is_allotted() public {
        leaves[6].cumulative += vault.allocatable(address(dollar)) - _next(leaves).sum;
        _activateBonded(leaves);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NothingUnallocated.selector, vault, dollar));
        _announce();
    }

    function test_announceFallback_reverts_the_second_time() public {
        _announce();
        vm.warp(START + 1 days);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_FallbackAnnounced.selector, vault, dollar, START + FALLBACK_AFTER
            )
        );
        _announce();
    }

    function test_executeFallback_reverts_before_its_moment_and_without_an_announcement() public {
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_FallbackNotDue.selector, vault, dollar, 0));
        _execute();
        _announce();
        vm.warp(START + FALLBACK_AFTER - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_FallbackNotDue.selector, vault, dollar, START + FALLBACK_AFTER
            )
        );
        _execute();
        vm.warp(START + FALLBACK_AFTER);
        _execute();
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_FallbackNotDue.selector, vault, dollar, 0));
        _execute();
    }

    function test_a_post_undoes_the_announcement_even_if_it_is_rejected() public {
        _announce();
        vm.warp(START + FALLBACK_AFTER);
        _postBonded(leaves);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_FallbackNotDue.selector, vault, dollar, 0));
        _execute();
        _challenge();
        _rule(IAttributionLedger.Ruling.UPHELD);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_FallbackNotDue.selector, vault, dollar, 0));
        _execute();
    }

    function test_executeFallback_reverts_without_data_parents() public {
        IAssetRegistry.Registration memory registration = _dataset("no parents");
        registration.policy = _bondedPolicy();
        uint128 id = _register(registration);
        vault = _vaultOf(id);
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        _fundPool(1_000e6);
        _announce();
        vm.warp(START + FALLBACK_AFTER);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NoDataParents.selector, id));
        _execute();
    }

    // Attack: fallback, then the same money allotted again.

    function test_money_that_fell_back_cannot_be_allotted_again() public {
        _activateBonded(leaves);
        _fallBack();
        leaves[0].cumulative += 1;
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        uint128 allocatable = vault.allocatable(address(dollar));
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_SumExceedsCredited.selector, allocatable + 1, allocatable)
        );
        ledger.post(statement, attestations);
        _fundPool(1_000);
        _activateBonded(leaves);
    }

    function test_a_statement_signed_before_the_fallback_cannot_be_posted_after_it() public {
        leaves[0].cumulative += 400e6;
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        statement.deadline = START + 365 days;
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        _fallBack();
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_SumExceedsCredited.selector, statement.sum, 0));
        ledger.post{ value: POSTER_BOND }(statement, attestations);
    }
}
