// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Clones } from "@openzeppelin/contracts/proxy/Clones.sol";

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { RoyaltyVault } from "../../../contracts/RoyaltyVault.sol";
import { CallsWhenPaid, RefusesCoin } from "../../utils/Doubles.sol";
import { LedgerFixture } from "../../utils/LedgerFixture.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";

/// @notice One test for each way in which somebody may try to get what is not his.
contract AttacksTest is LedgerFixture {
    address internal thief = makeAddr("thief");

    function _sum() internal view returns (uint128 sum) {
        (, sum) = SumTreeBuilder.root(leaves);
    }

    /// @dev All of it to the thief, in place of the honest payouts.
    function _theft() internal view returns (SumTreeBuilder.Leaf[] memory made) {
        made = new SumTreeBuilder.Leaf[](1);
        made[0] = SumTreeBuilder.Leaf({ account: thief, cumulative: _sum() });
    }

    /// @dev In a tree of any size, a leaf's own proof, any other's, or one cut from it show it at no other index.
    function testFuzz_a_leaf_cannot_be_proven_at_two_indices(uint256 count, uint256 own, uint256 other) public {
        count = bound(count, 2, 33);
        _setLeaves(_leaves(count, 1e6));
        own = bound(own, 0, count - 1);
        other = bound(other, 0, count - 1);
        vm.assume(own != other);
        uint64 index = _activateBonded(leaves);

        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, own);
        claim.leafIndex = uint64(other);
        vm.expectRevert();
        ledger.claim(claim);
        claim.proof = SumTreeBuilder.prove(leaves, other);
        vm.expectRevert();
        ledger.claim(claim);
    }

    function test_a_dropped_account_is_noticed_by_anyone_and_the_root_rejected() public {
        _activateBonded(leaves);
        SumTreeBuilder.Leaf[] memory without = _without(leaves, 3);
        without[0].cumulative += leaves[3].cumulative;
        _postBonded(without);
        IAttributionLedger.Leaf[] memory bracket = new IAttributionLedger.Leaf[](2);
        (bracket[0], bracket[1]) = (_leafOf(without, 2), _leafOf(without, 3));
        vm.prank(stranger);
        ledger.proveOmission(address(vault), address(dollar), _leafOf(leaves, 3), bracket);
        assertEq(ledger.rootCount(address(vault), address(dollar)), 1);
        assertEq(ledger.bondOf(stranger), POSTER_BOND / 2);
        ledger.claim(_claimOf(1, leaves, 3));
    }

    function test_an_omission_cannot_be_hidden_behind_empty_leaves() public {
        // Neighbours that nobody could be paid by: they can still be shown.
        _activateBonded(leaves);
        SumTreeBuilder.Leaf[] memory hiding = new SumTreeBuilder.Leaf[](3);
        hiding[0] = SumTreeBuilder.Leaf({ account: address(0), cumulative: 0 });
        hiding[1] = SumTreeBuilder.Leaf({ account: thief, cumulative: _sum() });
        hiding[2] = SumTreeBuilder.Leaf({ account: address(type(uint160).max), cumulative: 0 });
        _postBonded(hiding);
        bool isBelow = leaves[3].account < thief;
        IAttributionLedger.Leaf[] memory bracket = new IAttributionLedger.Leaf[](2);
        (bracket[0], bracket[1]) = (_leafOf(hiding, isBelow ? 0 : 1), _leafOf(hiding, isBelow ? 1 : 2));
        ledger.proveOmission(address(vault), address(dollar), _leafOf(leaves, 3), bracket);
        assertEq(ledger.rootCount(address(vault), address(dollar)), 1);
    }

    function test_claimants_of_an_old_root_and_a_new_one_together_get_no_more_than_the_newest_sum() public {
        // Nobody proved in time that the second root takes everything from everybody.
        SumTreeBuilder.Leaf[] memory honest = leaves;
        uint64 first = _activateBonded(honest);
        uint64 second = _activateBonded(_theft());
        for (uint256 i = 0; i < 6; ++i) {
            ledger.claim(_claimOf(first, honest, i));
        }
        IAttributionLedger.Claim memory claim = _claimOf(second, _theft(), 0);
        uint128 left = _sum() - ledger.totalClaimed(address(vault), address(dollar));
        assertEq(ledger.claim(claim), left);
        IAttributionLedger.Claim memory last = _claimOf(first, honest, 6);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_ClaimsExceedSum.selector, last.account, _sum())
        );
        ledger.claim(last);
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), _sum());

        // Once money is allotted that covers it, whoever was short is paid the rest.
        _fundPool(1_000e6);
        SumTreeBuilder.Leaf[] memory healed = new SumTreeBuilder.Leaf[](8);
        for (uint256 i = 0; i < 7; ++i) {
            healed[i] = honest[i];
        }
        healed[7] = SumTreeBuilder.Leaf({ account: address(type(uint160).max), cumulative: _sum() });
        _activateBonded(healed);
        assertEq(ledger.claim(last), last.cumulative);
    }

    function test_a_claim_that_was_paid_in_part_is_paid_the_rest_later_and_no_more() public {
        _activateBonded(leaves);
        _activateBonded(_theft());
        ledger.claim(_claimOf(2, _theft(), 0));
        _fundPool(1_000e6);
        leaves[0].cumulative += _sum();
        uint64 third = _activateBonded(leaves);
        // Half of the newest sum is gone to the thief.
        uint128 left = _sum() - ledger.totalClaimed(address(vault), address(dollar));
        IAttributionLedger.Claim memory claim = _claimOf(third, leaves, 0);
        assertEq(ledger.claim(claim), left);
        assertEq(ledger.claimed(address(vault), address(dollar), claim.account), left);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_ClaimsExceedSum.selector, claim.account, _sum())
        );
        ledger.claim(claim);
    }

    function test_spamming_challenges_costs_more_each_time_and_never_makes_a_wrong_root_right() public {
        uint256 before = challenger.balance;
        uint256 spent = 0;
        for (uint256 i = 0; i < 6; ++i) {
            _postBonded(leaves);
            _challenge();
            _lapse();
            ledger.timeout(address(vault), address(dollar));
            uint256 bond = uint256(CHALLENGE_BOND) << i;
            spent += (bond + 9) / 10;
        }
        ledger.withdrawBond(challenger);
        assertEq(before - challenger.balance, spent);
        assertEq(ledger.bondOf(address(vault)), spent);
        assertEq(ledger.bondOf(poster), POSTER_BOND);
        _assertBondsAddUp();
        uint64 index = _activateBonded(leaves);
        ledger.claim(_claimOf(index, leaves, 0));
    }

    function test_a_poster_that_challenges_itself_loses_by_every_end() public {
        vm.deal(poster, 100 ether);
        for (uint256 end = 0; end < 3; ++end) {
            uint256 snapshot = vm.snapshotState();
            uint256 before = poster.balance;
            _postBonded(leaves);
            vm.prank(poster);
            ledger.challenge{ value: CHALLENGE_BOND }(address(vault), address(dollar), "myself");
            if (end == 0) {
                _rule(IAttributionLedger.Ruling.UPHELD);
            } else if (end == 1) {
                _rule(IAttributionLedger.Ruling.DISMISSED);
                vm.warp(START + WINDOW);
                ledger.releaseBond(address(vault), address(dollar));
            } else {
                _lapse();
                ledger.timeout(address(vault), address(dollar));
            }
            ledger.withdrawBond(poster);
            assertLt(poster.balance, before);
            assertEq(before - poster.balance, ledger.bondOf(address(vault)));
            vm.revertToState(snapshot);
        }
    }

    function test_a_poster_that_challenges_itself_does_not_keep_others_from_proving_a_fault() public {
        (leaves[0], leaves[1]) = (leaves[1], leaves[0]);
        _postBonded(leaves);
        vm.prank(poster);
        ledger.challenge{ value: CHALLENGE_BOND }(address(vault), address(dollar), "myself");
        _rule(IAttributionLedger.Ruling.DISMISSED);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
        assertEq(ledger.rootCount(address(vault), address(dollar)), 0);
    }

    function test_tiny_distributions_round_nobody_to_zero() public {
        RoyaltyVault often = _vaultOf(_register(_model("often")));
        RoyaltyVault once = _vaultOf(_register(_model("once")));
        for (uint256 i = 0; i < 997; ++i) {
            dollar.mint(address(often), 1);
            often.sync(address(dollar));
            often.distribute(address(dollar));
        }
        dollar.mint(address(once), 997);
        once.sync(address(dollar));
        once.distribute(address(dollar));
        address[3] memory payees = [payee, host, curators];
        for (uint256 i = 0; i < 3; ++i) {
            assertGt(often.creditOf(address(dollar), payees[i]), 0);
            assertEq(often.creditOf(address(dollar), payees[i]), once.creditOf(address(dollar), payees[i]));
        }
        assertEq(often.poolCredited(address(dollar)), once.poolCredited(address(dollar)));
    }

    function test_one_bad_recipient_blocks_nobody() public {
        vm.prank(buyer);
        vault.pay{ value: 10 ether }("payment", NATIVE, 10 ether);
        vault.distribute(NATIVE);
        bytes memory refuses = address(new RefusesCoin()).code;
        vm.etch(leaves[2].account, refuses);
        vm.etch(leaves[3].account, refuses);
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        statement.token = NATIVE;
        ledger.post{ value: POSTER_BOND }(statement, _attest(statement, 2));
        vm.warp(START + WINDOW);
        for (uint256 i = 0; i < leaves.length; ++i) {
            IAttributionLedger.Claim memory claim = _claimOf(1, leaves, i);
            claim.token = NATIVE;
            bool isBad = i == 2 || i == 3;
            if (isBad) vm.expectRevert();
            ledger.claim(claim);
            assertEq(leaves[i].account.balance, isBad ? 0 : leaves[i].cumulative);
        }
        // A bad one can still be paid: elsewhere.
        vm.prank(leaves[3].account);
        ledger.setRecipient(payee);
        IAttributionLedger.Claim memory later = _claimOf(1, leaves, 3);
        later.token = NATIVE;
        ledger.claim(later);
        assertEq(payee.balance, leaves[3].cumulative);
    }

    function test_money_of_one_window_cannot_back_the_roots_of_two() public {
        // Each root by itself is covered by what was credited when it was posted; both together are not.
        leaves[6].cumulative += vault.allocatable(address(dollar)) - _sum();
        SumTreeBuilder.Leaf[] memory honest = leaves;
        uint64 first = _activateBonded(honest);
        uint64 second = _activateBonded(_theft());
        uint128 credited = vault.poolCredited(address(dollar));
        ledger.claim(_claimOf(first, honest, 6));
        ledger.claim(_claimOf(second, _theft(), 0));
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), credited);
        assertEq(vault.poolPaid(address(dollar)), credited);
        // Nothing that belongs to others in the vault has moved.
        assertEq(vault.withdraw(address(dollar), payee), 300e6);
        assertEq(vault.withdraw(address(dollar), address(datasetVault)), 100e6);
    }

    function test_a_rejected_statement_cannot_be_posted_again() public {
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        statement.deadline = START + 365 days;
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.prank(poster);
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        _challenge();
        _rule(IAttributionLedger.Ruling.UPHELD);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_WrongAttempt.selector, 0, 1));
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        statement.attempt = 1;
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, attestors[0]));
        ledger.post{ value: POSTER_BOND }(statement, attestations);
    }

    function test_a_claim_cannot_be_made_twice_by_reentering_with_a_newer_root() public {
        CallsWhenPaid account = new CallsWhenPaid();
        vm.prank(buyer);
        vault.pay{ value: 10 ether }("payment", NATIVE, 10 ether);
        vault.distribute(NATIVE);
        IAttributionLedger.Claim[] memory claims = new IAttributionLedger.Claim[](2);
        for (uint64 i = 0; i < 2; ++i) {
            SumTreeBuilder.Leaf[] memory one = new SumTreeBuilder.Leaf[](1);
            one[0] = SumTreeBuilder.Leaf({ account: address(account), cumulative: (i + 1) * 1 ether });
            IAttributionLedger.RootStatement memory statement = _statement(one);
            IAttributionLedger.Next memory next = ledger.nextOf(address(vault), NATIVE);
            (statement.token, statement.index, statement.prevRoot) = (NATIVE, next.index, next.prevRoot);
            vm.prank(poster);
            ledger.post{ value: POSTER_BOND }(statement, _attest(statement, 2));
            vm.warp(vm.getBlockTimestamp() + WINDOW);
            claims[i] = _claimOf(i + 1, one, 0);
            claims[i].token = NATIVE;
        }
        account.setCall(address(ledger), abi.encodeCall(IAttributionLedger.claim, (claims[1])));
        ledger.claim(claims[0]);
        assertTrue(account.called() && account.failed());
        assertEq(address(account).balance, 1 ether);
        ledger.claim(claims[1]);
        assertEq(address(account).balance, 2 ether);
        assertEq(vault.poolPaid(NATIVE), 2 ether);
    }

    function test_code_of_the_extension_does_nothing_by_itself() public {
        _activateBonded(leaves);
        IAttributionLedger alone = IAttributionLedger(ledger.extension());
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        assertGt(address(alone).code.length, 0);
        IAttributionLedger.Withdrawal[] memory all = new IAttributionLedger.Withdrawal[](1);
        all[0] = IAttributionLedger.Withdrawal({ vault: address(vault), token: address(dollar), account: payee });
        vm.expectRevert();
        alone.withdrawMany(all);
        vm.expectRevert();
        alone.challenge{ value: 1 }(address(vault), address(dollar), "reason");
        vm.expectRevert();
        alone.releaseBond(address(vault), address(dollar));
        vm.expectRevert();
        alone.executeFallback(address(vault), address(dollar));
        vm.expectRevert();
        alone.post(statement, new IAttributionLedger.Attestation[](0));
    }

    function test_a_vault_made_outside_the_registry_moves_no_money_but_its_own() public {
        // Anybody can clone the vault's code with a registry that says what he likes: it is then his own vault.
        ForgedRegistry forged = new ForgedRegistry(registry.vaultImplementation());
        RoyaltyVault fake = RoyaltyVault(payable(forged.vault()));
        forged.initialize(_bondedPolicy());
        uint256 honest = dollar.balanceOf(address(vault));
        dollar.mint(address(fake), 100);
        fake.sync(address(dollar));
        fake.distribute(address(dollar));
        fake.withdraw(address(dollar), address(forged));
        assertEq(dollar.balanceOf(address(forged)), 100);
        assertEq(dollar.balanceOf(address(vault)), honest);
        vm.prank(address(fake));
        vm.expectRevert();
        vault.payFromPool(address(dollar), address(fake), 1, 1);
    }
}

/// @notice A registry of one asset that gives everything to itself.
contract ForgedRegistry {
    address public immutable vault;

    constructor(address implementation) {
        vault = Clones.cloneWithImmutableArgs(implementation, abi.encode(address(this), uint128(1)));
    }

    function initialize(IAttributionLedger.Policy calldata policy) external {
        RoyaltyVault(payable(vault)).initialize(policy);
    }

    function shareTable(uint128) external view returns (uint32, IAssetRegistry.Payee[] memory payees, uint16) {
        payees = new IAssetRegistry.Payee[](1);
        payees[0] = IAssetRegistry.Payee({ account: address(this), bps: 10_000 });
        return (0, payees, 0);
    }
}
