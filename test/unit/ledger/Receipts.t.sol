// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { Receipts } from "../../../contracts/libraries/Receipts.sol";
import { Requests } from "../../../contracts/libraries/Requests.sol";
import { Fixture } from "../../utils/Fixture.sol";
import { MerkleTreeBuilder } from "../../utils/MerkleTreeBuilder.sol";
import { Domain } from "../../utils/Domain.sol";

contract ReceiptsTest is Fixture {
    bytes32 internal constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 id,uint128 assetId,uint32 version,bytes32 weightsHash,address payer,uint256 licenseId,bytes32 paymentId,bytes32 requestHash,bytes32 requestSignatureHash,bytes32 inputCommitment,bytes32 outputHash,bytes32 sketchHash,uint64 units,address token,uint128 amount,uint64 servedAt)"
    );

    function _receipt(uint256 n) internal view returns (Receipts.Receipt memory receipt) {
        receipt.id = bytes32(n + 1);
        receipt.assetId = modelId;
        receipt.version = 1;
        receipt.weightsHash = keccak256("weights");
        receipt.payer = buyer;
        receipt.licenseId = 1;
        receipt.requestHash = keccak256("request");
        receipt.requestSignatureHash = keccak256("signature");
        receipt.inputCommitment = keccak256("input");
        receipt.outputHash = keccak256("output");
        receipt.sketchHash = keccak256("sketch");
        receipt.units = 1;
        receipt.servedAt = START;
    }

    function _structHash(Receipts.Receipt memory receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPEHASH, receipt));
    }

    /// @dev Posts a root with five receipts and returns their tree's data.
    function _postReceipts() internal returns (bytes32[] memory data) {
        data = new bytes32[](5);
        for (uint256 i = 0; i < 5; ++i) {
            data[i] = _structHash(_receipt(i));
        }
        _fundPool(1_000e6);
        IAttributionLedger.RootStatement memory statement = _statement(_leaves(2, 1e6));
        statement.receiptsRoot = MerkleTreeBuilder.root(data);
        statement.receiptsCount = 5;
        ledger.post(statement, _attest(statement, 2));
    }

    function _verify(Receipts.Receipt memory receipt, uint64 rootIndex, uint64 index, bytes memory proof)
        internal
        view
        returns (bool)
    {
        return ledger.verifyReceipt(address(vault), address(dollar), rootIndex, receipt, index, proof);
    }

    function test_verifyReceipt_is_true_for_every_receipt_of_a_pending_and_an_active_root() public {
        bytes32[] memory data = _postReceipts();
        for (uint64 i = 0; i < 5; ++i) {
            assertTrue(_verify(_receipt(i), 1, i, MerkleTreeBuilder.prove(data, i)));
        }
        vm.warp(START + WINDOW);
        assertTrue(_verify(_receipt(4), 1, 4, MerkleTreeBuilder.prove(data, 4)));
    }

    function test_verifyReceipt_is_false_when_any_field_differs() public {
        bytes32[] memory data = _postReceipts();
        Receipts.Receipt memory receipt = _receipt(0);
        receipt.units = 2;
        assertFalse(_verify(receipt, 1, 0, MerkleTreeBuilder.prove(data, 0)));
    }

    function test_verifyReceipt_is_false_for_another_root_or_index() public {
        bytes32[] memory data = _postReceipts();
        assertFalse(_verify(_receipt(0), 2, 0, MerkleTreeBuilder.prove(data, 0)));
        assertFalse(_verify(_receipt(0), 1, 1, MerkleTreeBuilder.prove(data, 0)));
        assertFalse(_verify(_receipt(0), 1, 5, MerkleTreeBuilder.prove(data, 0)));
    }

    function test_verifyReceipt_is_false_for_a_malformed_proof() public {
        _postReceipts();
        assertFalse(_verify(_receipt(0), 1, 0, hex"00"));
        assertFalse(_verify(_receipt(0), 1, 0, ""));
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return Domain.digest(address(ledger), structHash);
    }

    function testFuzz_hashReceipt_is_the_digest_of_the_written_type(Receipts.Receipt memory receipt) public view {
        assertEq(ledger.hashReceipt(receipt), _digest(_structHash(receipt)));
    }

    function testFuzz_hashRequest_is_the_digest_of_the_written_type(Requests.InferenceRequest memory request)
        public
        view
    {
        bytes32 typehash = keccak256(
            "InferenceRequest(bytes32 id,uint128 assetId,uint32 version,uint256 licenseId,bytes32 inputCommitment,uint64 units,uint64 issuedAt)"
        );
        assertEq(ledger.hashRequest(request), _digest(keccak256(abi.encode(typehash, request))));
    }

    function testFuzz_hashSession_is_the_digest_of_the_written_type(Requests.SessionAuthorization memory session)
        public
        view
    {
        bytes32 typehash = keccak256("SessionAuthorization(uint256 licenseId,address sessionKey,uint64 expiresAt)");
        assertEq(ledger.hashSession(session), _digest(keccak256(abi.encode(typehash, session))));
    }
}
