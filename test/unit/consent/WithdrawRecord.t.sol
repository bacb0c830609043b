// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { MerkleTreeBuilder } from "../../utils/MerkleTreeBuilder.sol";
import { RecordsFixture } from "../../utils/RecordsFixture.sol";
import { Domain } from "../../utils/Domain.sol";

contract WithdrawRecordTest is RecordsFixture {
    uint256 internal constant KEY = 0xC0FFEE;
    uint64 internal constant COUNT = 5;
    address internal contributor = vm.addr(KEY);

    bytes32[] internal records;
    IConsentRegistry.Contribution internal contribution;
    bytes32 internal id;

    function setUp() public override {
        super.setUp();
        records = _commitments("mine", COUNT);
        (contribution, id) = _give(datasetId, KEY, records);
    }

    function _prove(uint64 index) internal view returns (bytes memory) {
        return MerkleTreeBuilder.prove(records, index);
    }

    function _withdraw(uint64 index) internal {
        vm.prank(contributor);
        consents.withdrawRecord(contribution, records[index], index, _prove(index));
    }

    function _signature(bytes32 commitment, uint64 deadline) internal view returns (bytes memory) {
        return _sign(
            KEY,
            consents.hashRecordWithdrawal(
                IConsentRegistry.RecordWithdrawal({ contributionId: id, commitment: commitment, deadline: deadline })
            )
        );
    }

    function testFuzz_withdrawRecord_withdraws_that_record_alone(uint64 index) public {
        index = uint64(bound(index, 0, COUNT - 1));
        vm.expectEmit();
        emit IConsentRegistry.RecordWithdrawn(id, contributor, records[index]);
        _withdraw(index);
        for (uint64 i = 0; i < COUNT; ++i) {
            assertEq(consents.isRecordWithdrawn(id, records[i]), i == index);
        }
        assertEq(consents.consentOf(id).withdrawnAt, 0);
    }

    function test_withdrawRecord_takes_one_after_the_other() public {
        for (uint64 i = 0; i < COUNT; ++i) {
            _withdraw(i);
        }
        assertTrue(consents.isRecordWithdrawn(id, records[COUNT - 1]));
    }

    function test_a_whole_withdrawal_withdraws_every_record() public {
        vm.prank(contributor);
        consents.withdraw(id);
        assertTrue(consents.isRecordWithdrawn(id, records[3]));
    }

    function test_withdrawRecord_reverts_after_the_whole_was_withdrawn() public {
        vm.startPrank(contributor);
        consents.withdraw(id);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_AlreadyWithdrawn.selector, id));
        consents.withdrawRecord(contribution, records[0], 0, _prove(0));
    }

    function test_withdrawRecord_reverts_the_second_time() public {
        _withdraw(2);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.Consent_RecordAlreadyWithdrawn.selector, id, records[2])
        );
        _withdraw(2);
    }

    function testFuzz_withdrawRecord_reverts_for_anybody_else(address caller) public {
        vm.assume(caller != contributor);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_NotContributor.selector, id, caller));
        consents.withdrawRecord(contribution, records[0], 0, _prove(0));
    }

    function testFuzz_withdrawRecord_reverts_for_a_record_that_is_not_in_it(bytes32 commitment, uint64 index) public {
        index = uint64(bound(index, 0, COUNT));
        vm.assume(index == COUNT || commitment != records[index]);
        vm.prank(contributor);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.Consent_BadProof.selector, contribution.commitment, commitment)
        );
        consents.withdrawRecord(contribution, commitment, index, _prove(index % COUNT));
    }

    function testFuzz_withdrawRecord_reverts_for_a_contribution_that_was_not_signed_so(uint64 count) public {
        vm.assume(count != COUNT);
        contribution.records = count;
        bytes32 otherId = consents.hashContribution(contribution);
        vm.prank(contributor);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_UnknownContribution.selector, otherId));
        consents.withdrawRecord(contribution, records[0], 0, _prove(0));
    }

    function test_withdrawRecordBySig_withdraws_whoever_relays() public {
        bytes memory signature = _signature(records[1], START + 100);
        vm.expectEmit();
        emit IConsentRegistry.RecordWithdrawn(id, contributor, records[1]);
        vm.prank(stranger);
        consents.withdrawRecordBySig(contribution, records[1], 1, _prove(1), START + 100, signature);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.Consent_RecordAlreadyWithdrawn.selector, id, records[1])
        );
        consents.withdrawRecordBySig(contribution, records[1], 1, _prove(1), START + 100, signature);
    }

    function testFuzz_withdrawRecordBySig_reverts_after_the_deadline(uint64 late) public {
        late = uint64(bound(late, 1, 3_650 days));
        bytes memory signature = _signature(records[1], START + 100);
        vm.warp(START + 100 + late);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.Consent_Expired.selector, START + 100, START + 100 + late)
        );
        consents.withdrawRecordBySig(contribution, records[1], 1, _prove(1), START + 100, signature);
        vm.warp(START + 100);
        consents.withdrawRecordBySig(contribution, records[1], 1, _prove(1), START + 100, signature);
    }

    function test_withdrawRecordBySig_reverts_for_another_record_or_deadline() public {
        bytes memory signature = _signature(records[1], START + 100);
        bytes memory reason = abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, contributor);
        vm.expectRevert(reason);
        consents.withdrawRecordBySig(contribution, records[2], 2, _prove(2), START + 100, signature);
        vm.expectRevert(reason);
        consents.withdrawRecordBySig(contribution, records[1], 1, _prove(1), START + 101, signature);
    }

    function test_withdrawRecordBySig_reverts_for_another_contribution_of_the_same_records() public {
        bytes memory signature = _signature(records[1], START + 100);
        (contribution,) = _give(datasetId, KEY, records);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, contributor));
        consents.withdrawRecordBySig(contribution, records[1], 1, _prove(1), START + 100, signature);
    }

    function test_withdrawRecordBySig_reverts_for_a_bad_proof_and_what_is_not_recorded() public {
        bytes memory signature = _signature(records[1], START + 100);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.Consent_BadProof.selector, contribution.commitment, records[1])
        );
        consents.withdrawRecordBySig(contribution, records[1], 1, _prove(2), START + 100, signature);

        vm.prank(contributor);
        consents.withdraw(id);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_AlreadyWithdrawn.selector, id));
        consents.withdrawRecordBySig(contribution, records[1], 1, _prove(1), START + 100, signature);

        contribution.nonce = 99;
        bytes32 otherId = consents.hashContribution(contribution);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_UnknownContribution.selector, otherId));
        consents.withdrawRecordBySig(contribution, records[1], 1, _prove(1), START + 100, signature);
    }

    function testFuzz_hashRecordWithdrawal_is_the_digest_of_the_written_type(
        IConsentRegistry.RecordWithdrawal memory withdrawal
    ) public view {
        bytes32 typehash = keccak256("RecordWithdrawal(bytes32 contributionId,bytes32 commitment,uint64 deadline)");
        bytes32 structHash = keccak256(abi.encode(typehash, withdrawal));
        assertEq(consents.hashRecordWithdrawal(withdrawal), Domain.digest(address(consents), structHash));
    }
}
