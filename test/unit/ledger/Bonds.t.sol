// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { CallsWhenPaid, RefusesCoin } from "../../utils/Doubles.sol";
import { LedgerFixture } from "../../utils/LedgerFixture.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";

contract BondsTest is LedgerFixture {
    function test_post_stakes_the_bond_out_of_the_value() public {
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.expectEmit();
        emit IAttributionLedger.BondCredited(poster, POSTER_BOND + 5);
        vm.expectEmit();
        emit IAttributionLedger.BondStaked(poster, POSTER_BOND);
        vm.prank(poster);
        ledger.post{ value: POSTER_BOND + 5 }(statement, attestations);

        assertEq(ledger.bondOf(poster), 5);
        (address staker, uint256 bond) = ledger.stakeOf(address(vault), address(dollar));
        assertEq(staker, poster);
        assertEq(bond, POSTER_BOND);
        _assertBondsAddUp();
    }

    function testFuzz_post_reverts_with_too_small_a_bond(uint256 value) public {
        value = bound(value, 0, POSTER_BOND - 1);
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_BondTooSmall.selector, poster, value, POSTER_BOND)
        );
        vm.prank(poster);
        ledger.post{ value: value }(statement, attestations);
    }

    function test_post_rolls_the_bond_of_a_steady_poster_over() public {
        _activateBonded(leaves);
        uint256 balance = poster.balance;
        _activateBonded(leaves);
        assertEq(poster.balance, balance);
        assertEq(ledger.bondOf(poster), 0);
        (address staker, uint256 bond) = ledger.stakeOf(address(vault), address(dollar));
        assertEq(staker, poster);
        assertEq(bond, POSTER_BOND);
        _assertBondsAddUp();
    }

    function test_post_by_another_poster_releases_the_bond_of_the_last() public {
        _activateBonded(leaves);
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.prank(challenger);
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        assertEq(ledger.bondOf(poster), POSTER_BOND);
        (address staker,) = ledger.stakeOf(address(vault), address(dollar));
        assertEq(staker, challenger);
        _assertBondsAddUp();
    }

    function test_post_stakes_what_was_released_before() public {
        _activateBonded(leaves);
        ledger.releaseBond(address(vault), address(dollar));
        assertEq(ledger.bondOf(poster), POSTER_BOND);
        _activateBonded(leaves);
        assertEq(ledger.bondOf(poster), 0);
        _assertBondsAddUp();
    }

    function test_post_settles_the_difference_when_the_policy_asks_for_another_bond() public {
        _activateBonded(leaves);
        IAttributionLedger.Policy memory policy = _bondedPolicy();
        policy.posterBond = POSTER_BOND - 1 ether;
        vm.prank(address(vault));
        ledger.announcePolicy(policy);
        vm.warp(vm.getBlockTimestamp() + 30 days);
        _postBonded(leaves);
        assertEq(ledger.bondOf(poster), 1 ether);
        (, uint256 bond) = ledger.stakeOf(address(vault), address(dollar));
        assertEq(bond, POSTER_BOND - 1 ether);
        _assertBondsAddUp();
    }

    function test_releaseBond_releases_it_to_the_poster_once_the_root_is_active() public {
        _activateBonded(leaves);
        vm.expectEmit();
        emit IAttributionLedger.BondCredited(poster, POSTER_BOND);
        vm.prank(stranger);
        ledger.releaseBond(address(vault), address(dollar));
        assertEq(ledger.bondOf(poster), POSTER_BOND);
        (address staker, uint256 bond) = ledger.stakeOf(address(vault), address(dollar));
        assertEq(staker, address(0));
        assertEq(bond, 0);
        _assertBondsAddUp();
    }

    function test_releaseBond_reverts_while_the_root_is_pending_or_challenged() public {
        uint64 index = _postBonded(leaves);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_RootPending.selector, vault, dollar, index, START + WINDOW)
        );
        ledger.releaseBond(address(vault), address(dollar));
        _challenge();
        vm.warp(START + 100 days);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_RootPending.selector, vault, dollar, index, type(uint40).max
            )
        );
        ledger.releaseBond(address(vault), address(dollar));
    }

    function test_releaseBond_reverts_the_second_time_and_when_nothing_was_staked() public {
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NoBond.selector, address(0)));
        ledger.releaseBond(address(vault), address(dollar));
        _activateBonded(leaves);
        ledger.releaseBond(address(vault), address(dollar));
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NoBond.selector, address(0)));
        ledger.releaseBond(address(vault), address(dollar));
    }

    function test_releaseBond_reverts_for_a_policy_without_bonds() public {
        vault = _vaultOf(_register(_model("without bonds")));
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        _fundPool(1_000e6);
        _activate(leaves);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NoBond.selector, address(this)));
        ledger.releaseBond(address(vault), address(dollar));
    }

    function test_withdrawBond_pays_the_account_whoever_calls() public {
        _activateBonded(leaves);
        ledger.releaseBond(address(vault), address(dollar));
        uint256 balance = poster.balance;
        vm.expectEmit();
        emit IAttributionLedger.BondWithdrawn(poster, POSTER_BOND);
        vm.prank(stranger);
        assertEq(ledger.withdrawBond(poster), POSTER_BOND);
        assertEq(poster.balance, balance + POSTER_BOND);
        assertEq(ledger.bondOf(poster), 0);
        assertEq(address(ledger).balance, 0);
    }

    function test_withdrawBond_puts_a_vaults_bonds_into_its_pool() public {
        _postBonded(leaves);
        _challenge();
        _rule(IAttributionLedger.Ruling.UPHELD);
        uint256 share = POSTER_BOND - POSTER_BOND / 2;
        assertEq(ledger.withdrawBond(address(vault)), share);
        assertEq(vault.poolCredited(NATIVE), share);
        assertEq(vault.allocatable(NATIVE), share);
        assertEq(address(vault).balance, share);
        assertEq(vault.accounted(NATIVE), share);
    }

    function test_withdrawBond_reverts_without_a_bond() public {
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NoBond.selector, stranger));
        ledger.withdrawBond(stranger);
    }

    function _releaseTo(address account) internal {
        vm.deal(account, 10 ether);
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.prank(account);
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        vm.warp(vm.getBlockTimestamp() + WINDOW);
        ledger.releaseBond(address(vault), address(dollar));
    }

    function test_withdrawBond_to_an_account_that_refuses_coin_blocks_nobody_else() public {
        address refuses = address(new RefusesCoin());
        _releaseTo(refuses);
        vm.expectRevert();
        ledger.withdrawBond(refuses);
        assertEq(ledger.bondOf(refuses), POSTER_BOND);
        _releaseTo(poster);
        assertEq(ledger.withdrawBond(poster), POSTER_BOND);
    }

    function test_withdrawBond_cannot_be_entered_again_for_more() public {
        CallsWhenPaid account = new CallsWhenPaid();
        _releaseTo(address(account));
        _releaseTo(poster);
        account.setCall(address(ledger), abi.encodeWithSignature("withdrawBond(address)", address(account)));
        uint256 balance = address(account).balance;
        ledger.withdrawBond(address(account));
        assertTrue(account.called() && account.failed());
        assertEq(address(account).balance, balance + POSTER_BOND);
        assertEq(address(ledger).balance, POSTER_BOND);
    }

    function _two()
        internal
        returns (IAttributionLedger.RootStatement[] memory statements, IAttributionLedger.Attestation[][] memory all)
    {
        vm.prank(buyer);
        vault.pay{ value: 10 ether }("payment", NATIVE, 10 ether);
        vault.distribute(NATIVE);
        statements = new IAttributionLedger.RootStatement[](2);
        all = new IAttributionLedger.Attestation[][](2);
        (statements[0], statements[1]) = (_next(leaves), _next(leaves));
        statements[1].token = NATIVE;
        (all[0], all[1]) = (_attest(statements[0], 2), _attest(statements[1], 3));
    }

    function test_postMany_posts_all_and_stakes_for_each() public {
        (IAttributionLedger.RootStatement[] memory statements, IAttributionLedger.Attestation[][] memory all) = _two();
        vm.prank(poster);
        ledger.postMany{ value: 2 * uint256(POSTER_BOND) + 3 }(statements, all);
        assertEq(ledger.rootCount(address(vault), address(dollar)), 1);
        assertEq(ledger.rootCount(address(vault), NATIVE), 1);
        assertEq(ledger.bondOf(poster), 3);
    }

    function test_postMany_reverts_as_a_whole_when_the_value_is_enough_for_one() public {
        (IAttributionLedger.RootStatement[] memory statements, IAttributionLedger.Attestation[][] memory all) = _two();
        uint256 value = 2 * uint256(POSTER_BOND) - 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_BondTooSmall.selector, poster, POSTER_BOND - 1, POSTER_BOND
            )
        );
        vm.prank(poster);
        ledger.postMany{ value: value }(statements, all);
        assertEq(ledger.rootCount(address(vault), address(dollar)), 0);
    }

    function test_postMany_reverts_when_the_lists_differ_in_length() public {
        (IAttributionLedger.RootStatement[] memory statements,) = _two();
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_LengthMismatch.selector, 2, 1));
        ledger.postMany(statements, new IAttributionLedger.Attestation[][](1));
    }

    function test_bonds_of_one_vault_are_not_moved_by_another_that_calls_itself_a_vault() public {
        // A contract that lies about its pool, and whose policy it chose itself.
        LyingVault liar = new LyingVault(ledger, attestors, address(dollar));
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        statement.vault = address(liar);
        _postBonded(leaves);
        liar.post{ value: 1 ether }(statement, _attest(statement, 1));
        vm.warp(START + 2 hours);
        uint256 held = address(ledger).balance;
        liar.rob();
        assertEq(held - address(ledger).balance, 1 ether);
        assertGe(address(ledger).balance, POSTER_BOND);
        _assertBondsAddUp();
    }
}

/// @notice Says whatever makes the ledger pay, and calls back whenever it is called.
contract LyingVault {
    IAttributionLedger private immutable LEDGER;
    address private immutable TOKEN;

    constructor(IAttributionLedger ledger, address[] memory signers, address token) {
        LEDGER = ledger;
        TOKEN = token;
        ledger.registerPolicy(
            IAttributionLedger.Policy({
                signers: signers,
                threshold: 1,
                window: 1 hours,
                arbiter: address(this),
                arbiterPeriod: 1 hours,
                posterBond: 1 ether,
                challengeBond: 1,
                fallbackAfter: 7 days,
                settlementPolicy: keccak256("epoch-signed/1")
            })
        );
    }

    function post(IAttributionLedger.RootStatement calldata statement, IAttributionLedger.Attestation[] calldata all)
        external
        payable
    {
        LEDGER.post{ value: msg.value }(statement, all);
    }

    function rob() external {
        LEDGER.releaseBond(address(this), TOKEN);
        LEDGER.withdrawBond(address(this));
        _tryAll();
    }

    function allocatable(address) external pure returns (uint128) {
        return type(uint128).max;
    }

    function fundPool(address, uint256 amount) external payable returns (uint128) {
        _tryAll();
        return uint128(amount);
    }

    function _tryAll() private {
        _try(abi.encodeWithSignature("withdrawBond(address)", address(this)));
        _try(abi.encodeWithSignature("releaseBond(address,address)", address(this), TOKEN));
        _try(abi.encodeWithSignature("timeout(address,address)", address(this), TOKEN));
    }

    function _try(bytes memory data) private {
        (bool success,) = address(LEDGER).call(data);
        assert(!success);
    }
}
