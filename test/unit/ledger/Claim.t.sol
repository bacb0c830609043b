// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { SumTree } from "../../../contracts/libraries/SumTree.sol";
import { CallsWhenPaid, RefusesCoin } from "../../utils/Doubles.sol";
import { Fixture } from "../../utils/Fixture.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";

contract ClaimTest is Fixture {
    SumTreeBuilder.Leaf[] internal leaves;

    function setUp() public override {
        super.setUp();
        _fundPool(1_000e6);
        SumTreeBuilder.Leaf[] memory made = _leaves(7, 1e6);
        for (uint256 i = 0; i < made.length; ++i) {
            leaves.push(made[i]);
        }
    }

    function test_claim_pays_the_account_whoever_calls() public {
        uint64 index = _activate(leaves);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 3);
        vm.expectEmit();
        emit IAttributionLedger.Claimed(
            address(vault), address(dollar), claim.account, claim.account, index, claim.cumulative, claim.cumulative
        );
        vm.prank(stranger);
        assertEq(ledger.claim(claim), claim.cumulative);
        assertEq(dollar.balanceOf(claim.account), claim.cumulative);
        assertEq(dollar.balanceOf(stranger), 0);
        assertEq(ledger.claimed(address(vault), address(dollar), claim.account), claim.cumulative);
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), claim.cumulative);
        assertEq(vault.poolPaid(address(dollar)), claim.cumulative);
    }

    function test_claim_pays_every_leaf_to_the_last_unit() public {
        uint64 index = _activate(leaves);
        (, uint128 sum) = SumTreeBuilder.root(leaves);
        for (uint256 i = 0; i < leaves.length; ++i) {
            ledger.claim(_claimOf(index, leaves, i));
            assertEq(dollar.balanceOf(leaves[i].account), leaves[i].cumulative);
        }
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), sum);
    }

    function test_claim_pays_the_difference_under_the_next_root() public {
        uint64 first = _activate(leaves);
        ledger.claim(_claimOf(first, leaves, 2));
        leaves[2].cumulative += 123;
        uint64 second = _activate(leaves);
        assertEq(ledger.claim(_claimOf(second, leaves, 2)), 123);
        assertEq(dollar.balanceOf(leaves[2].account), leaves[2].cumulative);
    }

    function test_claim_takes_an_older_active_root() public {
        SumTreeBuilder.Leaf[] memory older = leaves;
        uint64 first = _activate(older);
        leaves[0].cumulative += 5;
        _activate(leaves);
        assertEq(ledger.claim(_claimOf(first, older, 2)), older[2].cumulative);
    }

    function test_claim_takes_an_active_root_while_the_next_is_pending() public {
        uint64 first = _activate(leaves);
        _post(leaves);
        ledger.claim(_claimOf(first, leaves, 1));
    }

    function test_claim_reverts_when_root_is_pending() public {
        uint64 index = _post(leaves);
        vm.warp(START + WINDOW - 1);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 0);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_RootNotActive.selector, vault, dollar, index));
        ledger.claim(claim);
    }

    function test_claim_reverts_when_there_is_no_such_root() public {
        _activate(leaves);
        IAttributionLedger.Claim memory claim = _claimOf(2, leaves, 0);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_RootNotActive.selector, vault, dollar, 2));
        ledger.claim(claim);
        claim.rootIndex = 0;
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_RootNotActive.selector, vault, dollar, 0));
        ledger.claim(claim);
    }

    function test_claim_reverts_the_second_time() public {
        uint64 index = _activate(leaves);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 0);
        ledger.claim(claim);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_NothingToClaim.selector, claim.account, claim.cumulative, claim.cumulative
            )
        );
        ledger.claim(claim);
    }

    function test_claim_reverts_for_an_older_root_that_allots_less_than_was_claimed() public {
        SumTreeBuilder.Leaf[] memory older = leaves;
        uint64 first = _activate(older);
        leaves[0].cumulative += 5;
        uint64 second = _activate(leaves);
        ledger.claim(_claimOf(second, leaves, 0));
        IAttributionLedger.Claim memory claim = _claimOf(first, older, 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_NothingToClaim.selector, claim.account, claim.cumulative, claim.cumulative + 5
            )
        );
        ledger.claim(claim);
    }

    function testFuzz_claim_reverts_above_the_leaf(uint128 extra) public {
        uint64 index = _activate(leaves);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 0);
        claim.cumulative += uint128(bound(extra, 1, 1e30));
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_BadProof.selector, claim.account, claim.cumulative)
        );
        ledger.claim(claim);
    }

    function test_claim_reverts_for_another_account() public {
        uint64 index = _activate(leaves);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 0);
        claim.account = stranger;
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadProof.selector, stranger, claim.cumulative));
        ledger.claim(claim);
    }

    function testFuzz_claim_reverts_when_the_proof_is_tampered_with(uint256 place, uint8 change) public {
        uint64 index = _activate(leaves);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 0);
        // Any byte of any sibling's hash.
        place = bound(place, 0, 2) * 48 + bound(place >> 128, 0, 31);
        claim.proof[place] = bytes1(uint8(claim.proof[place]) ^ uint8(bound(change, 1, 255)));
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_BadProof.selector, claim.account, claim.cumulative)
        );
        ledger.claim(claim);
    }

    function test_claim_reverts_when_the_proof_is_too_short() public {
        uint64 index = _activate(leaves);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 0);
        claim.proof = "";
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_BadProofLength.selector, 0));
        ledger.claim(claim);
    }

    function test_claim_reverts_when_the_leaves_do_not_sum_to_what_was_signed() public {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.sum += 1;
        ledger.post(statement, _attest(statement, 2));
        vm.warp(START + WINDOW);
        IAttributionLedger.Claim memory claim = _claimOf(1, leaves, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_BadProof.selector, claim.account, claim.cumulative)
        );
        ledger.claim(claim);
    }

    function test_claim_never_pays_more_than_the_newest_sum_when_a_quorum_moves_shares_between_roots() public {
        // The second root takes everything from the first accounts and gives it to another, at the same sum.
        SumTreeBuilder.Leaf[] memory honest = leaves;
        uint64 first = _activate(honest);
        (, uint128 sum) = SumTreeBuilder.root(honest);
        SumTreeBuilder.Leaf[] memory theft = new SumTreeBuilder.Leaf[](1);
        theft[0] = SumTreeBuilder.Leaf({ account: stranger, cumulative: sum });
        uint64 second = _activate(theft);

        ledger.claim(_claimOf(first, honest, 0));
        IAttributionLedger.Claim memory claim = _claimOf(second, theft, 0);
        assertEq(ledger.claim(claim), sum - honest[0].cumulative);
        assertEq(ledger.claimed(address(vault), address(dollar), stranger), sum - honest[0].cumulative);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_ClaimsExceedSum.selector, stranger, sum));
        ledger.claim(claim);
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), sum);
    }

    function test_claim_of_one_vault_does_not_move_anothers_money() public {
        uint128 otherId = _register(_model("other"));
        vm.startPrank(buyer);
        dollar.approve(address(_vaultOf(otherId)), type(uint256).max);
        _vaultOf(otherId).pay("payment", address(dollar), 500e6);
        vm.stopPrank();
        uint64 index = _activate(leaves);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 0);
        claim.vault = address(_vaultOf(otherId));
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_RootNotActive.selector, claim.vault, dollar, index)
        );
        ledger.claim(claim);
    }

    function _activateNative(address account, uint128 amount) internal returns (IAttributionLedger.Claim memory) {
        vm.prank(buyer);
        vault.pay{ value: 10 ether }("payment", NATIVE, 10 ether);
        vault.distribute(NATIVE);
        SumTreeBuilder.Leaf[] memory one = new SumTreeBuilder.Leaf[](1);
        one[0] = SumTreeBuilder.Leaf({ account: account, cumulative: amount });
        IAttributionLedger.RootStatement memory statement = _statement(one);
        statement.token = NATIVE;
        ledger.post(statement, _attest(statement, 2));
        vm.warp(vm.getBlockTimestamp() + WINDOW);
        IAttributionLedger.Claim memory claim = _claimOf(1, one, 0);
        claim.token = NATIVE;
        return claim;
    }

    function test_claim_pays_native_coin() public {
        ledger.claim(_activateNative(payee, 4 ether));
        assertEq(payee.balance, 4 ether);
    }

    function test_claim_reverts_when_the_account_refuses_native_coin() public {
        address refuses = address(new RefusesCoin());
        IAttributionLedger.Claim memory claim = _activateNative(refuses, 4 ether);
        vm.expectRevert();
        ledger.claim(claim);
        assertEq(ledger.claimed(address(vault), NATIVE, refuses), 0);
    }

    function test_claim_cannot_be_entered_again_by_the_account_it_pays() public {
        CallsWhenPaid account = new CallsWhenPaid();
        IAttributionLedger.Claim memory claim = _activateNative(address(account), 4 ether);
        account.setCall(address(ledger), abi.encodeCall(IAttributionLedger.claim, (claim)));
        ledger.claim(claim);
        assertTrue(account.called() && account.failed());
        assertEq(address(account).balance, 4 ether);
    }
}
