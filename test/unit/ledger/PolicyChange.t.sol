// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { LedgerFixture } from "../../utils/LedgerFixture.sol";

contract PolicyChangeTest is LedgerFixture {
    uint256 internal constant DELAY = uint256(WINDOW) + ARBITER_PERIOD + 1 days;

    /// @dev The same attestors, with another settlement policy to tell the policies apart.
    function _other() internal view returns (IAttributionLedger.Policy memory policy) {
        policy = _bondedPolicy();
        policy.settlementPolicy = keccak256("other/1");
    }

    function _announce(IAttributionLedger.Policy memory policy) internal {
        vm.prank(address(registry));
        vault.announcePolicy(policy);
    }

    function _assertPolicy(IAttributionLedger.Policy memory actual, IAttributionLedger.Policy memory expected)
        internal
        pure
    {
        assertEq(abi.encode(actual), abi.encode(expected));
    }

    function test_announcePolicy_changes_nothing_until_its_moment() public {
        vm.expectEmit();
        emit IAttributionLedger.PolicyAnnounced(address(vault), 2, _other(), uint64(START + DELAY));
        _announce(_other());
        (uint24 index, uint64 effectiveAt) = ledger.announcedPolicyOf(address(vault));
        assertEq(index, 2);
        assertEq(effectiveAt, START + DELAY);

        vm.warp(START + DELAY - 1);
        assertEq(ledger.policyIndexOf(address(vault)), 1);
        _assertPolicy(ledger.policyOf(address(vault)), _bondedPolicy());
        vm.warp(START + DELAY);
        assertEq(ledger.policyIndexOf(address(vault)), 2);
        _assertPolicy(ledger.policyOf(address(vault)), _other());
        (index, effectiveAt) = ledger.announcedPolicyOf(address(vault));
        assertEq(index, 0);
        assertEq(effectiveAt, 0);
    }

    function testFuzz_announcePolicy_waits_for_the_slower_of_the_two(uint32 window, uint32 arbiterPeriod) public {
        IAttributionLedger.Policy memory policy = _other();
        policy.window = uint32(bound(window, 1, 30 days));
        policy.arbiterPeriod = uint32(bound(arbiterPeriod, 1 hours, 30 days));
        _announce(policy);
        uint256 slower = uint256(policy.window) + policy.arbiterPeriod;
        if (slower < uint256(WINDOW) + ARBITER_PERIOD) slower = uint256(WINDOW) + ARBITER_PERIOD;
        (, uint64 effectiveAt) = ledger.announcedPolicyOf(address(vault));
        assertEq(effectiveAt, START + slower + 1 days);
    }

    function test_announcePolicy_again_replaces_the_first_and_waits_anew() public {
        _announce(_other());
        vm.warp(START + DELAY - 1);
        IAttributionLedger.Policy memory third = _other();
        third.threshold = 3;
        _announce(third);
        vm.warp(START + DELAY);
        assertEq(ledger.policyIndexOf(address(vault)), 1);
        vm.warp(START + DELAY - 1 + DELAY);
        _assertPolicy(ledger.policyOf(address(vault)), third);
        assertEq(ledger.policyIndexOf(address(vault)), 2);
    }

    function test_announcePolicy_after_one_took_effect_keeps_all_of_them() public {
        _announce(_other());
        vm.warp(START + DELAY);
        IAttributionLedger.Policy memory third = _other();
        third.threshold = 3;
        _announce(third);
        assertEq(ledger.policyIndexOf(address(vault)), 2);
        vm.warp(START + 2 * DELAY);
        assertEq(ledger.policyIndexOf(address(vault)), 3);
        _assertPolicy(ledger.policyAt(address(vault), 1), _bondedPolicy());
        _assertPolicy(ledger.policyAt(address(vault), 2), _other());
        _assertPolicy(ledger.policyAt(address(vault), 3), third);
    }

    function test_announcePolicy_reverts_without_a_first_policy() public {
        IAttributionLedger.Policy memory policy = _other();
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_UnknownVault.selector, stranger));
        vm.prank(stranger);
        ledger.announcePolicy(policy);
    }

    function test_announcePolicy_reverts_for_a_policy_that_cannot_be_fulfilled() public {
        IAttributionLedger.Policy memory policy = _other();
        policy.threshold = 4;
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadThreshold.selector, 4, 3));
        vm.prank(address(vault));
        ledger.announcePolicy(policy);
    }

    function test_cancelPolicy_takes_it_back() public {
        _announce(_other());
        vm.expectEmit();
        emit IAttributionLedger.PolicyCancelled(address(vault), 2);
        vm.prank(address(registry));
        vault.cancelPolicy();
        vm.warp(START + 100 days);
        assertEq(ledger.policyIndexOf(address(vault)), 1);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_UnknownPolicy.selector, vault, 2));
        ledger.policyAt(address(vault), 2);
    }

    function test_cancelPolicy_reverts_without_one_and_once_it_is_in_effect() public {
        bytes memory reason = abi.encodeWithSelector(IAttributionLedger.Ledger_NoPolicyAnnounced.selector, vault);
        vm.expectRevert(reason);
        vm.prank(address(vault));
        ledger.cancelPolicy();
        _announce(_other());
        vm.warp(START + DELAY);
        vm.expectRevert(reason);
        vm.prank(address(vault));
        ledger.cancelPolicy();
    }

    function test_vault_passes_policies_on_for_the_registry_only() public {
        IAttributionLedger.Policy memory policy = _other();
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NotRegistry.selector, address(this)));
        vault.announcePolicy(policy);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NotRegistry.selector, address(this)));
        vault.cancelPolicy();
    }

    function test_policyAt_reverts_for_an_index_that_never_was() public {
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_UnknownPolicy.selector, vault, 0));
        ledger.policyAt(address(vault), 0);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_UnknownPolicy.selector, vault, 2));
        ledger.policyAt(address(vault), 2);
        assertFalse(ledger.hasPolicy(stranger));
        assertTrue(ledger.hasPolicy(address(vault)));
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_UnknownVault.selector, stranger));
        ledger.policyIndexOf(stranger);
    }

    // Attack: a policy swapped under a pending root.

    function test_a_root_keeps_the_policy_it_was_posted_under() public {
        IAttributionLedger.Policy memory policy = _other();
        policy.arbiter = makeAddr("friendly arbiter");
        policy.posterBond = 1;
        policy.challengeBond = 1;
        _announce(policy);
        vm.warp(START + DELAY - 1);
        uint64 index = _postBonded(leaves);
        vm.warp(START + DELAY);
        assertEq(ledger.policyIndexOf(address(vault)), 2);

        assertEq(ledger.challengeBondOf(address(vault), address(dollar)), CHALLENGE_BOND);
        _challenge();
        vm.prank(policy.arbiter);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NotArbiter.selector, policy.arbiter));
        ledger.rule(address(vault), address(dollar), IAttributionLedger.Ruling.DISMISSED);
        _rule(IAttributionLedger.Ruling.UPHELD);
        _assertStatus(index, IAttributionLedger.RootStatus.NONE);
        assertEq(ledger.bondOf(challenger), CHALLENGE_BOND + POSTER_BOND / 2);
        _assertBondsAddUp();
    }

    function test_post_after_a_change_needs_the_new_policys_quorum() public {
        IAttributionLedger.Policy memory policy = _other();
        policy.signers = new address[](1);
        policy.signers[0] = vm.addr(77);
        policy.threshold = 1;
        _announce(policy);
        vm.warp(START + DELAY);
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        statement.settlementPolicy = policy.settlementPolicy;
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NotASigner.selector, attestors[0]));
        ledger.post{ value: POSTER_BOND }(statement, attestations);
    }
}

contract PolicyBoundsTest is LedgerFixture {
    function _expectRegisterRevert(IAttributionLedger.Policy memory policy, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(stranger);
        ledger.registerPolicy(policy);
    }

    function _expectBadArbitration(IAttributionLedger.Policy memory policy) internal {
        _expectRegisterRevert(
            policy,
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_BadArbitration.selector,
                policy.arbiter,
                policy.arbiterPeriod,
                policy.challengeBond
            )
        );
    }

    function testFuzz_registerPolicy_reverts_with_half_an_arbitration(bool who, bool time, bool bond) public {
        vm.assume(!(who && time && bond) && (who || time || bond));
        IAttributionLedger.Policy memory policy = _bondedPolicy();
        if (!who) policy.arbiter = address(0);
        if (!time) policy.arbiterPeriod = 0;
        if (!bond) policy.challengeBond = 0;
        _expectBadArbitration(policy);
    }

    function testFuzz_registerPolicy_reverts_when_the_arbiters_time_is_out_of_bounds(uint32 period) public {
        vm.assume(period < 1 hours || period > 30 days);
        IAttributionLedger.Policy memory policy = _bondedPolicy();
        policy.arbiterPeriod = period;
        _expectBadArbitration(policy);
    }

    function testFuzz_registerPolicy_reverts_when_the_arbiter_is_a_signer(uint256 i) public {
        IAttributionLedger.Policy memory policy = _bondedPolicy();
        policy.arbiter = attestors[bound(i, 0, 2)];
        _expectRegisterRevert(
            policy, abi.encodeWithSelector(IAttributionLedger.Ledger_ArbiterIsSigner.selector, policy.arbiter)
        );
    }

    function testFuzz_registerPolicy_reverts_when_the_fallback_is_out_of_bounds(uint32 fallbackAfter) public {
        vm.assume(fallbackAfter != 0 && (fallbackAfter < 7 days || fallbackAfter > 3_650 days));
        IAttributionLedger.Policy memory policy = _bondedPolicy();
        policy.fallbackAfter = fallbackAfter;
        _expectRegisterRevert(
            policy, abi.encodeWithSelector(IAttributionLedger.Ledger_BadFallbackAfter.selector, fallbackAfter)
        );
    }

    function test_registerPolicy_stores_everything_as_given() public {
        IAttributionLedger.Policy memory policy = _bondedPolicy();
        policy.posterBond = type(uint88).max;
        policy.challengeBond = type(uint88).max;
        vm.prank(stranger);
        ledger.registerPolicy(policy);
        assertEq(abi.encode(ledger.policyOf(stranger)), abi.encode(policy));
        assertEq(abi.encode(ledger.policyAt(stranger, 1)), abi.encode(policy));
    }
}
