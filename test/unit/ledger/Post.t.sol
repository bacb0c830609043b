// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { ContractWallet } from "../../utils/Doubles.sol";
import { Fixture } from "../../utils/Fixture.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";
import { Domain } from "../../utils/Domain.sol";

contract PostTest is Fixture {
    SumTreeBuilder.Leaf[] internal leaves;

    function setUp() public override {
        super.setUp();
        _fundPool(1_000e6);
        SumTreeBuilder.Leaf[] memory made = _leaves(5, 1e6);
        for (uint256 i = 0; i < made.length; ++i) {
            leaves.push(made[i]);
        }
    }

    function _expectPostRevert(IAttributionLedger.RootStatement memory statement, bytes memory reason) internal {
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.expectRevert(reason);
        ledger.post(statement, attestations);
    }

    function test_post_stores_a_pending_root() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        ledger.post(statement, _attest(statement, 2));

        IAttributionLedger.Root memory root = ledger.rootOf(address(vault), address(dollar), 1);
        assertEq(root.root, statement.root);
        assertEq(root.sum, statement.sum);
        assertEq(root.leafCount, 5);
        assertEq(root.receiptsRoot, statement.receiptsRoot);
        assertEq(root.receiptsCount, 7);
        assertEq(root.activeAt, START + WINDOW);
        assertEq(uint8(root.status), uint8(IAttributionLedger.RootStatus.PENDING));
        assertEq(ledger.rootCount(address(vault), address(dollar)), 1);
        assertEq(ledger.periodEnd(address(vault), address(dollar)), statement.periodEnd);
        (uint64 index,) = ledger.newestActive(address(vault), address(dollar));
        assertEq(index, 0);
    }

    function test_post_emits_everything_that_was_signed() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        address[] memory signers = new address[](2);
        (signers[0], signers[1]) = (attestors[0], attestors[1]);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        bytes32 digest = ledger.hashStatement(statement);
        vm.expectEmit();
        emit IAttributionLedger.RootPosted(
            address(vault), address(dollar), 1, statement, digest, signers, address(this), 1, START + WINDOW
        );
        ledger.post(statement, attestations);
    }

    function test_post_makes_a_root_active_when_its_window_has_passed() public {
        _post(leaves);
        vm.warp(START + WINDOW - 1);
        (uint64 index,) = ledger.newestActive(address(vault), address(dollar));
        assertEq(index, 0);
        vm.warp(START + WINDOW);
        IAttributionLedger.Root memory root;
        (index, root) = ledger.newestActive(address(vault), address(dollar));
        assertEq(index, 1);
        assertEq(uint8(root.status), uint8(IAttributionLedger.RootStatus.ACTIVE));
    }

    function test_post_follows_an_active_root() public {
        _activate(leaves);
        leaves[0].cumulative += 5;
        uint64 index = _activate(leaves);
        assertEq(index, 2);
        (uint64 newest,) = ledger.newestActive(address(vault), address(dollar));
        assertEq(newest, 2);
    }

    function test_post_keeps_the_older_root_newest_while_the_next_is_pending() public {
        _activate(leaves);
        _post(leaves);
        (uint64 newest,) = ledger.newestActive(address(vault), address(dollar));
        assertEq(newest, 1);
    }

    function test_post_takes_all_attestors_or_any_two() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory all = _attest(statement, 3);
        IAttributionLedger.Attestation[] memory two = new IAttributionLedger.Attestation[](2);
        (two[0], two[1]) = (all[0], all[2]);
        uint256 snapshot = vm.snapshotState();
        ledger.post(statement, two);
        vm.revertToState(snapshot);
        (two[0], two[1]) = (all[1], all[2]);
        ledger.post(statement, two);
        vm.revertToState(snapshot);
        ledger.post(statement, all);
    }

    function test_post_takes_a_root_without_receipts() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.receiptsRoot = 0;
        statement.receiptsCount = 0;
        ledger.post(statement, _attest(statement, 2));
    }

    function test_post_reverts_for_an_unknown_vault() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.vault = stranger;
        _expectPostRevert(statement, abi.encodeWithSelector(IAttributionLedger.Ledger_UnknownVault.selector, stranger));
    }

    function test_post_reverts_over_a_pending_root() public {
        _post(leaves);
        _expectPostRevert(
            _statement(leaves),
            abi.encodeWithSelector(IAttributionLedger.Ledger_RootPending.selector, vault, dollar, 1, START + WINDOW)
        );
    }

    function test_post_reverts_when_the_same_root_is_posted_again() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.deadline = START + 30 days;
        ledger.post(statement, _attest(statement, 2));
        vm.warp(START + WINDOW);
        _expectPostRevert(statement, abi.encodeWithSelector(IAttributionLedger.Ledger_WrongIndex.selector, 1, 2));
    }

    function testFuzz_post_reverts_for_a_wrong_index(uint64 index) public {
        vm.assume(index != 1);
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.index = index;
        _expectPostRevert(statement, abi.encodeWithSelector(IAttributionLedger.Ledger_WrongIndex.selector, index, 1));
    }

    function testFuzz_post_reverts_for_a_wrong_attempt(uint32 attempt) public {
        vm.assume(attempt != 0);
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.attempt = attempt;
        _expectPostRevert(
            statement, abi.encodeWithSelector(IAttributionLedger.Ledger_WrongAttempt.selector, attempt, 0)
        );
    }

    function test_post_reverts_for_a_wrong_previous_root() public {
        _activate(leaves);
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        bytes32 expected = statement.prevRoot;
        statement.prevRoot = keccak256("another");
        _expectPostRevert(
            statement,
            abi.encodeWithSelector(IAttributionLedger.Ledger_WrongPrevRoot.selector, keccak256("another"), expected)
        );
    }

    function test_post_reverts_when_the_sum_falls() public {
        _activate(leaves);
        (, IAttributionLedger.Root memory last) = ledger.newestActive(address(vault), address(dollar));
        leaves[4].cumulative -= 1;
        _expectPostRevert(
            _statement(leaves),
            abi.encodeWithSelector(IAttributionLedger.Ledger_SumFalls.selector, last.sum - 1, last.sum)
        );
    }

    function test_post_reverts_for_a_zero_root() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.root = 0;
        _expectPostRevert(statement, abi.encodeWithSelector(IAttributionLedger.Ledger_ZeroRoot.selector));
    }

    function test_post_reverts_for_no_leaves_or_too_many() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.leafCount = 0;
        _expectPostRevert(statement, abi.encodeWithSelector(IAttributionLedger.Ledger_BadLeafCount.selector, 0));
        statement.leafCount = (1 << 32) + 1;
        _expectPostRevert(
            statement, abi.encodeWithSelector(IAttributionLedger.Ledger_BadLeafCount.selector, statement.leafCount)
        );
    }

    function test_post_reverts_when_receipts_root_and_count_disagree() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.receiptsCount = 0;
        _expectPostRevert(
            statement, abi.encodeWithSelector(IAttributionLedger.Ledger_BadReceipts.selector, statement.receiptsRoot, 0)
        );
        statement.receiptsRoot = 0;
        statement.receiptsCount = 1;
        _expectPostRevert(
            statement, abi.encodeWithSelector(IAttributionLedger.Ledger_BadReceipts.selector, bytes32(0), 1)
        );
        statement.receiptsRoot = keccak256("receipts");
        statement.receiptsCount = 1 << 32;
        _expectPostRevert(
            statement,
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_BadReceipts.selector, statement.receiptsRoot, statement.receiptsCount
            )
        );
    }

    function test_post_reverts_without_a_data_hash() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.dataHash = 0;
        _expectPostRevert(statement, abi.encodeWithSelector(IAttributionLedger.Ledger_ZeroDataHash.selector));
    }

    function test_post_reverts_for_another_settlement_policy() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.settlementPolicy = keccak256("another/1");
        _expectPostRevert(
            statement,
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_WrongSettlementPolicy.selector, keccak256("another/1"), SETTLEMENT
            )
        );
    }

    function test_post_reverts_when_the_period_does_not_move_on() public {
        _activate(leaves);
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.periodEnd = START;
        _expectPostRevert(
            statement,
            abi.encodeWithSelector(IAttributionLedger.Ledger_BadPeriodEnd.selector, START, START, START + WINDOW)
        );
    }

    function test_post_reverts_when_the_period_ends_in_the_future() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.periodEnd = START + 1;
        _expectPostRevert(
            statement, abi.encodeWithSelector(IAttributionLedger.Ledger_BadPeriodEnd.selector, START + 1, 0, START)
        );
    }

    function test_post_reverts_after_the_deadline_and_not_at_it() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.warp(statement.deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_StatementExpired.selector, statement.deadline, statement.deadline + 1
            )
        );
        ledger.post(statement, attestations);
        vm.warp(statement.deadline);
        ledger.post(statement, attestations);
    }

    function testFuzz_post_reverts_when_the_sum_exceeds_what_was_credited(uint128 sum) public {
        uint128 credited = vault.poolCredited(address(dollar));
        sum = uint128(bound(sum, credited + 1, type(uint128).max));
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.sum = sum;
        _expectPostRevert(
            statement, abi.encodeWithSelector(IAttributionLedger.Ledger_SumExceedsCredited.selector, sum, credited)
        );
    }

    function test_post_takes_a_sum_of_all_that_was_credited() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.sum = vault.poolCredited(address(dollar));
        ledger.post(statement, _attest(statement, 2));
    }

    function test_post_counts_credits_of_its_own_token_only() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.token = NATIVE;
        _expectPostRevert(
            statement, abi.encodeWithSelector(IAttributionLedger.Ledger_SumExceedsCredited.selector, statement.sum, 0)
        );
    }

    function test_post_reverts_with_too_few_signatures() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_TooFewSignatures.selector, 1, 2));
        ledger.post(statement, attestations);
    }

    function test_post_reverts_when_one_attestor_signs_twice() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        attestations[1] = attestations[0];
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_AttestationsNotAscending.selector, attestors[0])
        );
        ledger.post(statement, attestations);
    }

    function test_post_reverts_when_attestations_do_not_ascend() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        (attestations[0], attestations[1]) = (attestations[1], attestations[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_AttestationsNotAscending.selector, attestors[0])
        );
        ledger.post(statement, attestations);
    }

    function testFuzz_post_reverts_when_somebody_else_signs(uint256 key, uint256 place) public {
        key = bound(key, 4, type(uint128).max);
        place = bound(place, 0, 1);
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        address intruder = vm.addr(key);
        attestations[place] = IAttributionLedger.Attestation({
            signer: intruder, signature: _sign(key, ledger.hashStatement(statement))
        });
        bool isAscending = attestations[0].signer < attestations[1].signer;
        vm.expectRevert(
            isAscending || place == 0
                ? abi.encodeWithSelector(IAttributionLedger.Ledger_NotASigner.selector, intruder)
                : abi.encodeWithSelector(IAttributionLedger.Ledger_AttestationsNotAscending.selector, intruder)
        );
        ledger.post(statement, attestations);
    }

    function test_post_reverts_when_a_signature_is_of_another_statement() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        statement.dataHash = keccak256("another batch");
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, attestors[0]));
        ledger.post(statement, attestations);
    }

    function test_post_reverts_when_a_signature_is_of_another_chain() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.chainId(31_338);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, attestors[0]));
        ledger.post(statement, attestations);
    }

    function test_post_reverts_when_an_extra_signature_is_bad() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 3);
        attestations[2].signature = attestations[1].signature;
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, attestors[2]));
        ledger.post(statement, attestations);
    }

    function test_post_takes_the_signature_of_a_contract() public {
        ContractWallet wallet = new ContractWallet(vm.addr(77));
        delete attestors;
        delete attestorKeys;
        _addAttestor(1);
        _insertAttestor(77, address(wallet));
        modelId = _register(_model("with a contract"));
        vault = _vaultOf(modelId);
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        _fundPool(1_000e6);

        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        wallet.setStopped(true);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, address(wallet)));
        ledger.post(statement, attestations);

        wallet.setStopped(false);
        ledger.post(statement, attestations);
    }

    function test_hashStatement_is_the_digest_of_the_written_type() public view {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        bytes32 typehash = keccak256(
            "RootStatement(address vault,address token,uint64 index,uint32 attempt,bytes32 prevRoot,bytes32 root,uint128 sum,uint64 leafCount,bytes32 receiptsRoot,uint64 receiptsCount,bytes32 dataHash,bytes32 settlementPolicy,uint64 periodEnd,uint64 deadline)"
        );
        bytes32 digest = Domain.digest(address(ledger), keccak256(abi.encode(typehash, statement)));
        assertEq(ledger.hashStatement(statement), digest);
    }

    function test_eip712Domain_tells_the_domain() public view {
        (, string memory name, string memory version, uint256 chainId, address verifyingContract,,) =
            ledger.eip712Domain();
        assertEq(name, "Tributary");
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(verifyingContract, address(ledger));
    }

    function test_rootOf_is_none_where_nothing_was_posted() public view {
        IAttributionLedger.Root memory root = ledger.rootOf(address(vault), address(dollar), 1);
        assertEq(uint8(root.status), uint8(IAttributionLedger.RootStatus.NONE));
        assertEq(root.activeAt, 0);
    }
}
