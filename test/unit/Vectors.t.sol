// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { AssetRegistry } from "../../contracts/AssetRegistry.sol";
import { AttributionLedger } from "../../contracts/AttributionLedger.sol";
import { ConsentRegistry } from "../../contracts/ConsentRegistry.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { IConsentRegistry } from "../../contracts/interfaces/IConsentRegistry.sol";
import { ILicensePurchases } from "../../contracts/interfaces/ILicensePurchases.sol";
import { ILicenseRenewals } from "../../contracts/interfaces/ILicenseRenewals.sol";
import { Orders } from "../../contracts/libraries/Orders.sol";
import { PayOrders } from "../../contracts/libraries/PayOrders.sol";
import { Receipts } from "../../contracts/libraries/Receipts.sol";
import { Requests } from "../../contracts/libraries/Requests.sol";
import { TreeHarness } from "../utils/Harnesses.sol";

/// @notice The encodings of orders as external functions, for they are of calldata.
contract OrderHarness {
    function hash(ILicensePurchases.PurchaseOrder calldata order) external pure returns (bytes32) {
        return Orders.hash(order);
    }

    function hash(ILicenseRenewals.RenewalOrder calldata order) external pure returns (bytes32) {
        return Orders.hash(order);
    }

    function hash(IAttributionLedger.ClaimOrder calldata order, IAttributionLedger.Claim[] calldata claims)
        external
        pure
        returns (bytes32)
    {
        return PayOrders.hash(order, claims);
    }

    function hash(IAttributionLedger.WithdrawOrder calldata order) external pure returns (bytes32) {
        return PayOrders.hash(order);
    }
}

/// @notice The encodings that Solidity and Rust share, checked against the vectors that Rust writes.
contract VectorsTest is Test {
    string internal typedData = vm.readFile("test/vectors/typed_data.json");
    TreeHarness internal trees = new TreeHarness();
    OrderHarness internal orders = new OrderHarness();

    /// @dev The ledger's code at the address the vectors were made for.
    function _ledger() internal returns (AttributionLedger ledger) {
        ledger = AttributionLedger(vm.parseJsonAddress(typedData, ".verifyingContract"));
        vm.etch(address(ledger), address(new AttributionLedger()).code);
        vm.chainId(vm.parseJsonUint(typedData, ".chainId"));
    }

    /// @dev The consent registry's code at the same address.
    function _consents() internal returns (ConsentRegistry consents) {
        consents = ConsentRegistry(vm.parseJsonAddress(typedData, ".verifyingContract"));
        vm.etch(address(consents), address(new ConsentRegistry(AssetRegistry(address(0)))).code);
        vm.chainId(vm.parseJsonUint(typedData, ".chainId"));
    }

    function _count(string memory message) internal view returns (uint256 count) {
        count = vm.parseJsonUint(typedData, string.concat(".messages.", message, ".count"));
        assertGt(count, 0);
    }

    function _path(string memory message, uint256 index, string memory field) internal pure returns (string memory) {
        return string.concat(".messages.", message, ".case", vm.toString(index), ".", field);
    }

    function _uint(string memory message, uint256 index, string memory field) internal view returns (uint256) {
        return vm.parseJsonUint(typedData, _path(message, index, field));
    }

    function _word(string memory message, uint256 index, string memory field) internal view returns (bytes32) {
        return vm.parseJsonBytes32(typedData, _path(message, index, field));
    }

    function _account(string memory message, uint256 index, string memory field) internal view returns (address) {
        return vm.parseJsonAddress(typedData, _path(message, index, field));
    }

    function test_receipts_hash_as_in_rust() public {
        AttributionLedger ledger = _ledger();
        string memory name = "Receipt";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            Receipts.Receipt memory receipt;
            receipt.id = _word(name, i, "id");
            receipt.assetId = uint128(_uint(name, i, "assetId"));
            receipt.version = uint32(_uint(name, i, "version"));
            receipt.weightsHash = _word(name, i, "weightsHash");
            receipt.payer = _account(name, i, "payer");
            receipt.licenseId = _uint(name, i, "licenseId");
            receipt.paymentId = _word(name, i, "paymentId");
            receipt.requestHash = _word(name, i, "requestHash");
            receipt.requestSignatureHash = _word(name, i, "requestSignatureHash");
            receipt.inputCommitment = _word(name, i, "inputCommitment");
            receipt.outputHash = _word(name, i, "outputHash");
            receipt.sketchHash = _word(name, i, "sketchHash");
            receipt.units = uint64(_uint(name, i, "units"));
            receipt.token = _account(name, i, "token");
            receipt.amount = uint128(_uint(name, i, "amount"));
            receipt.servedAt = uint64(_uint(name, i, "servedAt"));
            assertEq(ledger.hashReceipt(receipt), _word(name, i, "digest"));
        }
    }

    function test_requests_hash_as_in_rust() public {
        AttributionLedger ledger = _ledger();
        string memory name = "InferenceRequest";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            Requests.InferenceRequest memory request;
            request.id = _word(name, i, "id");
            request.assetId = uint128(_uint(name, i, "assetId"));
            request.version = uint32(_uint(name, i, "version"));
            request.licenseId = _uint(name, i, "licenseId");
            request.inputCommitment = _word(name, i, "inputCommitment");
            request.units = uint64(_uint(name, i, "units"));
            request.issuedAt = uint64(_uint(name, i, "issuedAt"));
            assertEq(ledger.hashRequest(request), _word(name, i, "digest"));
        }
    }

    function test_session_authorizations_hash_as_in_rust() public {
        AttributionLedger ledger = _ledger();
        string memory name = "SessionAuthorization";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            Requests.SessionAuthorization memory session;
            session.licenseId = _uint(name, i, "licenseId");
            session.sessionKey = _account(name, i, "sessionKey");
            session.expiresAt = uint64(_uint(name, i, "expiresAt"));
            assertEq(ledger.hashSession(session), _word(name, i, "digest"));
        }
    }

    function test_root_statements_hash_as_in_rust() public {
        AttributionLedger ledger = _ledger();
        string memory name = "RootStatement";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            IAttributionLedger.RootStatement memory statement;
            statement.vault = _account(name, i, "vault");
            statement.token = _account(name, i, "token");
            statement.index = uint64(_uint(name, i, "index"));
            statement.attempt = uint32(_uint(name, i, "attempt"));
            statement.prevRoot = _word(name, i, "prevRoot");
            statement.root = _word(name, i, "root");
            statement.sum = uint128(_uint(name, i, "sum"));
            statement.leafCount = uint64(_uint(name, i, "leafCount"));
            statement.receiptsRoot = _word(name, i, "receiptsRoot");
            statement.receiptsCount = uint64(_uint(name, i, "receiptsCount"));
            statement.dataHash = _word(name, i, "dataHash");
            statement.settlementPolicy = _word(name, i, "settlementPolicy");
            statement.periodEnd = uint64(_uint(name, i, "periodEnd"));
            statement.deadline = uint64(_uint(name, i, "deadline"));
            assertEq(ledger.hashStatement(statement), _word(name, i, "digest"));
        }
    }

    function test_contributions_hash_as_in_rust() public {
        ConsentRegistry consents = _consents();
        string memory name = "Contribution";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            IConsentRegistry.Contribution memory contribution;
            contribution.datasetId = uint128(_uint(name, i, "datasetId"));
            contribution.contributor = _account(name, i, "contributor");
            contribution.commitment = _word(name, i, "commitment");
            contribution.records = uint64(_uint(name, i, "records"));
            contribution.termsHash = _word(name, i, "termsHash");
            contribution.payPolicyHash = _word(name, i, "payPolicyHash");
            contribution.nonce = _uint(name, i, "nonce");
            contribution.deadline = uint64(_uint(name, i, "deadline"));
            assertEq(consents.hashContribution(contribution), _word(name, i, "digest"));
        }
    }

    function test_record_withdrawals_hash_as_in_rust() public {
        ConsentRegistry consents = _consents();
        string memory name = "RecordWithdrawal";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            IConsentRegistry.RecordWithdrawal memory withdrawal;
            withdrawal.contributionId = _word(name, i, "contributionId");
            withdrawal.commitment = _word(name, i, "commitment");
            withdrawal.deadline = uint64(_uint(name, i, "deadline"));
            assertEq(consents.hashRecordWithdrawal(withdrawal), _word(name, i, "digest"));
        }
    }

    function test_purchase_orders_hash_as_in_rust() public view {
        string memory name = "PurchaseOrder";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            ILicensePurchases.PurchaseOrder memory order;
            order.buyer = _account(name, i, "buyer");
            order.offerId = _uint(name, i, "offerId");
            order.quantity = uint64(_uint(name, i, "quantity"));
            order.recipient = _account(name, i, "recipient");
            order.maxPrice = _uint(name, i, "maxPrice");
            order.nonce = _uint(name, i, "nonce");
            order.deadline = uint64(_uint(name, i, "deadline"));
            assertEq(orders.hash(order), _word(name, i, "structHash"));
        }
    }

    function test_renewal_orders_hash_as_in_rust() public view {
        string memory name = "RenewalOrder";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            ILicenseRenewals.RenewalOrder memory order;
            order.payer = _account(name, i, "payer");
            order.licenseId = _uint(name, i, "licenseId");
            order.maxPrice = _uint(name, i, "maxPrice");
            order.nonce = _uint(name, i, "nonce");
            order.deadline = uint64(_uint(name, i, "deadline"));
            assertEq(orders.hash(order), _word(name, i, "structHash"));
        }
    }

    function test_claim_orders_hash_as_in_rust() public view {
        string memory name = "ClaimOrder";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            IAttributionLedger.ClaimOrder memory order;
            order.account = _account(name, i, "account");
            order.recipient = _account(name, i, "recipient");
            order.nonce = _uint(name, i, "nonce");
            order.deadline = uint64(_uint(name, i, "deadline"));
            IAttributionLedger.Claim[] memory claims = new IAttributionLedger.Claim[](_uint(name, i, "items"));
            for (uint256 j = 0; j < claims.length; ++j) {
                string memory item = string.concat("payouts[", vm.toString(j), "].");
                claims[j].vault = _account(name, i, string.concat(item, "vault"));
                claims[j].token = _account(name, i, string.concat(item, "token"));
                claims[j].cumulative = uint128(_uint(name, i, string.concat(item, "cumulative")));
            }
            assertEq(orders.hash(order, claims), _word(name, i, "structHash"));
        }
    }

    function test_withdraw_orders_hash_as_in_rust() public view {
        string memory name = "WithdrawOrder";
        uint256 count = _count(name);
        for (uint256 i = 0; i < count; ++i) {
            IAttributionLedger.WithdrawOrder memory order;
            order.account = _account(name, i, "account");
            order.recipient = _account(name, i, "recipient");
            order.nonce = _uint(name, i, "nonce");
            order.deadline = uint64(_uint(name, i, "deadline"));
            order.sources = new IAttributionLedger.Source[](_uint(name, i, "items"));
            for (uint256 j = 0; j < order.sources.length; ++j) {
                string memory item = string.concat("sources[", vm.toString(j), "].");
                order.sources[j].vault = _account(name, i, string.concat(item, "vault"));
                order.sources[j].token = _account(name, i, string.concat(item, "token"));
            }
            assertEq(orders.hash(order), _word(name, i, "structHash"));
        }
    }

    function test_sum_trees_have_the_roots_sums_and_proofs_of_rust() public view {
        string memory json = vm.readFile("test/vectors/sum_tree.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        assertGt(count, 0);
        for (uint256 i = 0; i < count; ++i) {
            string memory path = string.concat(".case", vm.toString(i));
            address[] memory accounts = vm.parseJsonAddressArray(json, string.concat(path, ".accounts"));
            uint256[] memory amounts = vm.parseJsonUintArray(json, string.concat(path, ".amounts"));
            bytes[] memory proofs = vm.parseJsonBytesArray(json, string.concat(path, ".proofs"));
            bytes32 expectedRoot = vm.parseJsonBytes32(json, string.concat(path, ".root"));
            uint256 expectedSum = vm.parseJsonUint(json, string.concat(path, ".sum"));
            for (uint256 j = 0; j < accounts.length; ++j) {
                (bytes32 root, uint128 sum) =
                    trees.sumTree(accounts[j], uint128(amounts[j]), uint64(j), uint64(accounts.length), proofs[j]);
                assertEq(root, expectedRoot);
                assertEq(sum, expectedSum);
            }
        }
    }

    function test_merkle_trees_have_the_roots_and_proofs_of_rust() public view {
        string memory json = vm.readFile("test/vectors/merkle_tree.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        assertGt(count, 0);
        for (uint256 i = 0; i < count; ++i) {
            string memory path = string.concat(".case", vm.toString(i));
            bytes32[] memory leaves = vm.parseJsonBytes32Array(json, string.concat(path, ".leaves"));
            bytes[] memory proofs = vm.parseJsonBytesArray(json, string.concat(path, ".proofs"));
            bytes32 root = vm.parseJsonBytes32(json, string.concat(path, ".root"));
            for (uint256 j = 0; j < leaves.length; ++j) {
                assertTrue(trees.merkleTree(root, leaves[j], uint64(j), uint64(leaves.length), proofs[j]));
            }
        }
    }
}
