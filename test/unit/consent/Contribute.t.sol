// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { ConsentFixture } from "../../utils/ConsentFixture.sol";
import { ContractWallet } from "../../utils/Doubles.sol";
import { Domain } from "../../utils/Domain.sol";

contract ContributeTest is ConsentFixture {
    function _expectContributeRevert(
        IConsentRegistry.Contribution memory contribution,
        IConsentRegistry.Inclusion memory inclusion,
        bytes memory reason
    ) internal {
        bytes memory signature = _signed(contribution);
        vm.expectRevert(reason);
        consents.contribute(contribution, signature, inclusion);
    }

    function test_contribute_records_consent_whoever_relays() public {
        IConsentRegistry.Contribution memory contribution = _contribution(3);
        bytes memory signature = _signed(contribution);
        bytes32 expectedId = consents.hashContribution(contribution);
        vm.expectEmit();
        emit IConsentRegistry.Contributed(expectedId, datasetId, contributor, contribution, commitRoot, 3);
        vm.prank(stranger);
        bytes32 contributionId = consents.contribute(contribution, signature, _inclusion(3));
        assertEq(contributionId, expectedId);
        IConsentRegistry.Consent memory consent = consents.consentOf(contributionId);
        assertEq(consent.contributor, contributor);
        assertEq(consent.recordedAt, START);
        assertEq(consent.withdrawnAt, 0);
        assertTrue(consents.isNonceUsed(contributor, 3));
    }

    function test_contribute_takes_nonces_in_any_order() public {
        _contribute(4);
        _contribute(0);
        assertFalse(consents.isNonceUsed(contributor, 1));
    }

    function test_contribute_takes_the_signature_of_a_contract() public {
        ContractWallet wallet = new ContractWallet(contributor);
        contributor = address(wallet);
        _contribute(1);
        wallet.setStopped(true);
        _expectContributeRevert(
            _contribution(2),
            _inclusion(2),
            abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, wallet)
        );
    }

    function test_contribute_takes_a_single_commitment() public {
        bytes32 root = keccak256(abi.encodePacked(bytes1(0), keccak256("alone")));
        consents.commit(root, 1);
        vm.roll(vm.getBlockNumber() + 1);
        IConsentRegistry.Contribution memory contribution = _contribution(0);
        contribution.commitment = keccak256("alone");
        consents.contribute(
            contribution,
            _signed(contribution),
            IConsentRegistry.Inclusion({ root: root, index: 0, leafCount: 1, proof: "" })
        );
    }

    function test_contribute_reverts_the_second_time() public {
        _contribute(0);
        _expectContributeRevert(
            _contribution(0),
            _inclusion(0),
            abi.encodeWithSelector(IConsentRegistry.Consent_NonceUsed.selector, contributor, 0)
        );
    }

    function testFuzz_contribute_reverts_for_a_cancelled_nonce(uint256 nonce) public {
        IConsentRegistry.Contribution memory contribution = _contribution(0);
        contribution.nonce = nonce;
        vm.expectEmit();
        emit IConsentRegistry.NonceCancelled(contributor, nonce);
        vm.prank(contributor);
        consents.cancelNonce(nonce);
        _expectContributeRevert(
            contribution,
            _inclusion(0),
            abi.encodeWithSelector(IConsentRegistry.Consent_NonceUsed.selector, contributor, nonce)
        );
    }

    function test_cancelNonce_reverts_for_a_used_nonce() public {
        _contribute(2);
        vm.prank(contributor);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_NonceUsed.selector, contributor, 2));
        consents.cancelNonce(2);
    }

    function test_contribute_reverts_in_the_block_of_the_commitment() public {
        vm.roll(vm.getBlockNumber() - 1);
        _expectContributeRevert(
            _contribution(0),
            _inclusion(0),
            abi.encodeWithSelector(IConsentRegistry.Consent_NotCommittedBefore.selector, commitRoot, 5)
        );
    }

    function test_contribute_reverts_for_a_root_that_was_not_committed() public {
        IConsentRegistry.Inclusion memory inclusion = _inclusion(0);
        inclusion.leafCount = 6;
        _expectContributeRevert(
            _contribution(0),
            inclusion,
            abi.encodeWithSelector(IConsentRegistry.Consent_NotCommittedBefore.selector, commitRoot, 6)
        );
    }

    function test_contribute_reverts_for_a_commitment_that_is_not_under_the_root() public {
        _expectContributeRevert(
            _contribution(0),
            _inclusion(1),
            abi.encodeWithSelector(IConsentRegistry.Consent_BadProof.selector, commitRoot, commitments[0])
        );
    }

    function test_contribute_reverts_when_it_gives_nothing() public {
        IConsentRegistry.Contribution memory contribution = _contribution(0);
        contribution.records = 0;
        bytes memory reason = abi.encodeWithSelector(IConsentRegistry.Consent_EmptyContribution.selector);
        _expectContributeRevert(contribution, _inclusion(0), reason);
        contribution = _contribution(0);
        contribution.commitment = 0;
        _expectContributeRevert(contribution, _inclusion(0), reason);
    }

    function test_contribute_reverts_after_the_deadline_and_not_at_it() public {
        vm.warp(START + 1 days + 1);
        _expectContributeRevert(
            _contribution(0),
            _inclusion(0),
            abi.encodeWithSelector(IConsentRegistry.Consent_Expired.selector, START + 1 days, START + 1 days + 1)
        );
        vm.warp(START + 1 days);
        _contribute(0);
    }

    function test_contribute_reverts_for_a_model() public {
        IConsentRegistry.Contribution memory contribution = _contribution(0);
        contribution.datasetId = modelId;
        _expectContributeRevert(
            contribution, _inclusion(0), abi.encodeWithSelector(IConsentRegistry.Consent_NotADataset.selector, modelId)
        );
    }

    function test_contribute_reverts_for_an_unknown_asset() public {
        IConsentRegistry.Contribution memory contribution = _contribution(0);
        contribution.datasetId = 1;
        _expectContributeRevert(
            contribution, _inclusion(0), abi.encodeWithSelector(IAssetRegistry.Registry_UnknownAsset.selector, 1)
        );
    }

    function test_contribute_reverts_for_the_signature_of_another() public {
        IConsentRegistry.Contribution memory contribution = _contribution(0);
        contribution.contributor = stranger;
        _expectContributeRevert(
            contribution,
            _inclusion(0),
            abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, stranger)
        );
    }

    function test_contribute_reverts_for_a_zero_contributor() public {
        IConsentRegistry.Contribution memory contribution = _contribution(0);
        contribution.contributor = address(0);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, address(0)));
        consents.contribute(contribution, new bytes(65), _inclusion(0));
    }

    function testFuzz_contribute_reverts_when_signed_terms_are_changed(bytes32 termsHash, uint64 records) public {
        IConsentRegistry.Contribution memory contribution = _contribution(0);
        bytes memory signature = _signed(contribution);
        vm.assume(termsHash != contribution.termsHash && records != 0);
        contribution.termsHash = termsHash;
        contribution.records = records;
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, contributor));
        consents.contribute(contribution, signature, _inclusion(0));
    }

    function _many()
        internal
        view
        returns (
            IConsentRegistry.Contribution[] memory contributions,
            bytes[] memory signatures,
            IConsentRegistry.Inclusion[] memory inclusions
        )
    {
        contributions = new IConsentRegistry.Contribution[](5);
        signatures = new bytes[](5);
        inclusions = new IConsentRegistry.Inclusion[](5);
        for (uint256 i = 0; i < 5; ++i) {
            contributions[i] = _contribution(i);
            signatures[i] = _signed(contributions[i]);
            inclusions[i] = _inclusion(i);
        }
    }

    function test_contributeMany_records_all() public {
        (
            IConsentRegistry.Contribution[] memory contributions,
            bytes[] memory signatures,
            IConsentRegistry.Inclusion[] memory inclusions
        ) = _many();
        bytes32[] memory ids = consents.contributeMany(contributions, signatures, inclusions);
        for (uint256 i = 0; i < 5; ++i) {
            assertEq(ids[i], consents.hashContribution(contributions[i]));
            assertEq(consents.consentOf(ids[i]).contributor, contributor);
        }
    }

    function test_contributeMany_reverts_as_a_whole() public {
        (
            IConsentRegistry.Contribution[] memory contributions,
            bytes[] memory signatures,
            IConsentRegistry.Inclusion[] memory inclusions
        ) = _many();
        signatures[4] = signatures[3];
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, contributor));
        consents.contributeMany(contributions, signatures, inclusions);
        assertFalse(consents.isNonceUsed(contributor, 0));
    }

    function test_contributeMany_reverts_when_lengths_differ() public {
        (IConsentRegistry.Contribution[] memory contributions, bytes[] memory signatures,) = _many();
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_LengthMismatch.selector, 5, 5, 0));
        consents.contributeMany(contributions, signatures, new IConsentRegistry.Inclusion[](0));
    }

    function testFuzz_hashContribution_is_the_digest_of_the_written_type(
        IConsentRegistry.Contribution memory contribution
    ) public view {
        bytes32 typehash = keccak256(
            "Contribution(uint128 datasetId,address contributor,bytes32 commitment,uint64 records,bytes32 termsHash,bytes32 payPolicyHash,uint256 nonce,uint64 deadline)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, contribution));
        assertEq(consents.hashContribution(contribution), Domain.digest(address(consents), structHash));
    }
}
