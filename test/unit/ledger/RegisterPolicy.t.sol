// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract RegisterPolicyTest is Fixture {
    function test_registerPolicy_stores_the_policy_of_the_caller() public {
        IAttributionLedger.Policy memory policy = _policy();
        vm.expectEmit();
        emit IAttributionLedger.PolicyRegistered(stranger, 1, policy);
        vm.prank(stranger);
        ledger.registerPolicy(policy);
        assertEq(abi.encode(ledger.policyOf(stranger)), abi.encode(policy));
    }

    function test_registerPolicy_reverts_the_second_time() public {
        ledger.registerPolicy(_policy());
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_PolicyExists.selector, address(this)));
        ledger.registerPolicy(_policy());
    }

    function test_registerPolicy_reverts_without_signers() public {
        IAttributionLedger.Policy memory policy = _policy();
        policy.signers = new address[](0);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_SignerCount.selector, 0));
        ledger.registerPolicy(policy);
    }

    function test_registerPolicy_takes_32_signers_and_no_more() public {
        IAttributionLedger.Policy memory policy = _policy();
        policy.signers = new address[](33);
        for (uint160 i = 0; i < 33; ++i) {
            policy.signers[i] = address(i + 1);
        }
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_SignerCount.selector, 33));
        ledger.registerPolicy(policy);

        policy.signers = new address[](32);
        for (uint160 i = 0; i < 32; ++i) {
            policy.signers[i] = address(i + 1);
        }
        ledger.registerPolicy(policy);
    }

    function test_registerPolicy_reverts_when_signers_do_not_ascend() public {
        IAttributionLedger.Policy memory policy = _policy();
        (policy.signers[0], policy.signers[1]) = (policy.signers[1], policy.signers[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_SignersNotAscending.selector, policy.signers[1])
        );
        ledger.registerPolicy(policy);
    }

    function test_registerPolicy_reverts_when_a_signer_is_repeated() public {
        IAttributionLedger.Policy memory policy = _policy();
        policy.signers[1] = policy.signers[0];
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_SignersNotAscending.selector, policy.signers[0])
        );
        ledger.registerPolicy(policy);
    }

    function test_registerPolicy_reverts_when_a_signer_is_zero() public {
        IAttributionLedger.Policy memory policy = _policy();
        policy.signers[0] = address(0);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_SignersNotAscending.selector, address(0)));
        ledger.registerPolicy(policy);
    }

    function testFuzz_registerPolicy_reverts_when_threshold_cannot_be_met(uint8 threshold) public {
        vm.assume(threshold == 0 || threshold > 3);
        IAttributionLedger.Policy memory policy = _policy();
        policy.threshold = threshold;
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadThreshold.selector, threshold, 3));
        ledger.registerPolicy(policy);
    }

    function testFuzz_registerPolicy_reverts_when_window_is_out_of_bounds(uint32 window) public {
        vm.assume(window == 0 || window > 30 days);
        IAttributionLedger.Policy memory policy = _policy();
        policy.window = window;
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadWindow.selector, window));
        ledger.registerPolicy(policy);
    }

    function test_registerPolicy_reverts_without_a_settlement_policy() public {
        IAttributionLedger.Policy memory policy = _policy();
        policy.settlementPolicy = 0;
        vm.expectRevert(IAttributionLedger.Ledger_ZeroSettlementPolicy.selector);
        ledger.registerPolicy(policy);
    }

    function test_policyOf_reverts_for_an_unknown_vault() public {
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_UnknownVault.selector, stranger));
        ledger.policyOf(stranger);
    }
}
