// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { ConsentFixture } from "../../utils/ConsentFixture.sol";

contract ConsentWithdrawTest is ConsentFixture {
    bytes32 internal id;

    function setUp() public override {
        super.setUp();
        id = _contribute(0);
        vm.warp(START + 100);
    }

    function _withdrawal() internal view returns (IConsentRegistry.Withdrawal memory) {
        return IConsentRegistry.Withdrawal({ contributionId: id, deadline: START + 200 });
    }

    function test_withdraw_marks_the_contribution() public {
        vm.expectEmit();
        emit IConsentRegistry.Withdrawn(id, contributor);
        vm.prank(contributor);
        consents.withdraw(id);
        assertEq(consents.consentOf(id).withdrawnAt, START + 100);
        assertEq(consents.consentOf(id).recordedAt, START);
    }

    function testFuzz_withdraw_reverts_for_anybody_else(address caller) public {
        vm.assume(caller != contributor);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_NotContributor.selector, id, caller));
        consents.withdraw(id);
    }

    function test_withdraw_reverts_the_second_time() public {
        vm.startPrank(contributor);
        consents.withdraw(id);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_AlreadyWithdrawn.selector, id));
        consents.withdraw(id);
    }

    function testFuzz_withdraw_reverts_for_an_unknown_contribution(bytes32 unknown) public {
        vm.assume(unknown != id);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_UnknownContribution.selector, unknown));
        consents.withdraw(unknown);
    }

    function test_withdraw_cannot_be_undone_by_the_same_consent() public {
        vm.prank(contributor);
        consents.withdraw(id);
        IConsentRegistry.Contribution memory contribution = _contribution(0);
        bytes memory signature = _signed(contribution);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_NonceUsed.selector, contributor, 0));
        consents.contribute(contribution, signature, _inclusion(0));
        assertEq(consents.consentOf(id).withdrawnAt, START + 100);
    }

    function test_withdrawBySig_withdraws_whoever_relays() public {
        bytes memory signature = _sign(KEY, consents.hashWithdrawal(_withdrawal()));
        vm.prank(stranger);
        consents.withdrawBySig(_withdrawal(), signature);
        assertEq(consents.consentOf(id).withdrawnAt, START + 100);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_AlreadyWithdrawn.selector, id));
        consents.withdrawBySig(_withdrawal(), signature);
    }

    function test_withdrawBySig_reverts_for_the_signature_of_another() public {
        bytes memory signature = _sign(KEY + 1, consents.hashWithdrawal(_withdrawal()));
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, contributor));
        consents.withdrawBySig(_withdrawal(), signature);
    }

    function test_withdrawBySig_reverts_after_the_deadline() public {
        bytes memory signature = _sign(KEY, consents.hashWithdrawal(_withdrawal()));
        vm.warp(START + 201);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_Expired.selector, START + 200, START + 201));
        consents.withdrawBySig(_withdrawal(), signature);
        vm.warp(START + 200);
        consents.withdrawBySig(_withdrawal(), signature);
    }

    function test_withdrawBySig_reverts_for_an_unknown_contribution() public {
        IConsentRegistry.Withdrawal memory withdrawal = _withdrawal();
        withdrawal.contributionId = keccak256("unknown");
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.Consent_UnknownContribution.selector, withdrawal.contributionId)
        );
        consents.withdrawBySig(withdrawal, "");
    }

    function test_a_consent_is_no_withdrawal() public {
        bytes memory signature = _signed(_contribution(0));
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, contributor));
        consents.withdrawBySig(_withdrawal(), signature);
    }
}
