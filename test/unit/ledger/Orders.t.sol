// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { BlockingToken, ContractWallet } from "../../utils/Doubles.sol";
import { LedgerFixture } from "../../utils/LedgerFixture.sol";
import { Domain } from "../../utils/Domain.sol";

contract OrdersTest is LedgerFixture {
    uint256 internal constant KEY = 0xC0FFEE;
    bytes32 internal constant PAYOUT_TYPEHASH = keccak256("Payout(address vault,address token,uint128 cumulative)");
    bytes32 internal constant CLAIM_TYPEHASH = keccak256(
        "ClaimOrder(address account,address recipient,Payout[] payouts,uint256 nonce,uint64 deadline)Payout(address vault,address token,uint128 cumulative)"
    );
    bytes32 internal constant SOURCE_TYPEHASH = keccak256("Source(address vault,address token)");
    bytes32 internal constant WITHDRAW_TYPEHASH = keccak256(
        "WithdrawOrder(address account,address recipient,Source[] sources,uint256 nonce,uint64 deadline)Source(address vault,address token)"
    );

    address internal account = vm.addr(KEY);
    address internal recipient = makeAddr("recipient");
    uint64 internal index;

    function setUp() public override {
        super.setUp();
        _allot(account);
    }

    /// @dev The account gets the first leaf of a new root, and the payee's share of native revenue.
    function _allot(address who) internal {
        leaves[0].account = who;
        index = _activateBonded(leaves);
        vm.mockCall(address(registry), abi.encodeWithSignature("shareTable(uint128)", modelId), _table(who));
        _fundPool(1_000);
        vm.prank(buyer);
        vault.pay{ value: 1 ether }("payment", NATIVE, 1 ether);
        vault.distribute(NATIVE);
    }

    function _table(address who) internal view returns (bytes memory) {
        IAssetRegistry.Payee[] memory payees = new IAssetRegistry.Payee[](2);
        payees[0] = IAssetRegistry.Payee({ account: who, bps: 6_000 });
        payees[1] = IAssetRegistry.Payee({ account: payee, bps: 1_000 });
        return abi.encode(uint32(0), payees, uint16(3_000));
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return Domain.digest(address(ledger), structHash);
    }

    function _claimOrder(address who)
        internal
        view
        returns (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order)
    {
        claims = new IAttributionLedger.Claim[](1);
        claims[0] = _claimOf(index, leaves, 0);
        order = IAttributionLedger.ClaimOrder({
            account: who, recipient: recipient, nonce: 7, deadline: uint64(vm.getBlockTimestamp() + 1 hours)
        });
    }

    function _signClaims(IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order)
        internal
        view
        returns (bytes memory)
    {
        bytes memory payouts;
        for (uint256 i = 0; i < claims.length; ++i) {
            payouts = bytes.concat(
                payouts, keccak256(abi.encode(PAYOUT_TYPEHASH, claims[i].vault, claims[i].token, claims[i].cumulative))
            );
        }
        return _sign(
            KEY,
            _digest(
                keccak256(
                    abi.encode(
                        CLAIM_TYPEHASH, order.account, order.recipient, keccak256(payouts), order.nonce, order.deadline
                    )
                )
            )
        );
    }

    function _withdrawOrder() internal view returns (IAttributionLedger.WithdrawOrder memory order) {
        order.account = account;
        order.recipient = recipient;
        order.sources = new IAttributionLedger.Source[](2);
        order.sources[0] = IAttributionLedger.Source({ vault: address(vault), token: address(dollar) });
        order.sources[1] = IAttributionLedger.Source({ vault: address(vault), token: NATIVE });
        order.nonce = 1 << 200;
        order.deadline = uint64(vm.getBlockTimestamp() + 1 hours);
    }

    function _signWithdrawal(IAttributionLedger.WithdrawOrder memory order) internal view returns (bytes memory) {
        bytes memory sources;
        for (uint256 i = 0; i < order.sources.length; ++i) {
            sources = bytes.concat(
                sources, keccak256(abi.encode(SOURCE_TYPEHASH, order.sources[i].vault, order.sources[i].token))
            );
        }
        return _sign(
            KEY,
            _digest(
                keccak256(
                    abi.encode(
                        WITHDRAW_TYPEHASH,
                        order.account,
                        order.recipient,
                        keccak256(sources),
                        order.nonce,
                        order.deadline
                    )
                )
            )
        );
    }

    // Redirects

    function test_setRecipient_redirects_claims_and_withdrawals() public {
        vm.expectEmit();
        emit IAttributionLedger.RecipientSet(account, recipient);
        vm.prank(account);
        ledger.setRecipient(recipient);
        assertEq(ledger.recipientOf(account), recipient);

        vm.expectEmit();
        emit IAttributionLedger.Claimed(
            address(vault), address(dollar), account, recipient, index, leaves[0].cumulative, leaves[0].cumulative
        );
        ledger.claim(_claimOf(index, leaves, 0));
        assertEq(dollar.balanceOf(recipient), leaves[0].cumulative);
        vm.expectEmit();
        emit IRoyaltyVault.Withdrawn(NATIVE, account, recipient, 0.6 ether);
        vault.withdraw(NATIVE, account);
        assertEq(recipient.balance, 0.6 ether);
    }

    function test_setRecipient_of_zero_pays_the_account_again() public {
        vm.startPrank(account);
        ledger.setRecipient(recipient);
        ledger.setRecipient(address(0));
        vm.stopPrank();
        assertEq(ledger.recipientOf(account), account);
        ledger.claim(_claimOf(index, leaves, 0));
        assertEq(dollar.balanceOf(account), leaves[0].cumulative);
    }

    function testFuzz_setRecipient_moves_nobody_elses_money(address caller) public {
        vm.assume(caller != account);
        vm.prank(caller);
        ledger.setRecipient(recipient);
        assertEq(ledger.recipientOf(account), account);
    }

    // claimTo

    function test_claimTo_pays_the_recipient_by_one_signature() public {
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(account);
        bytes memory signature = _signClaims(claims, order);
        vm.expectEmit();
        emit IAttributionLedger.NonceUsed(account, order.nonce);
        vm.prank(stranger);
        uint128[] memory amounts = ledger.claimTo(claims, order, signature);
        assertEq(amounts[0], leaves[0].cumulative);
        assertEq(dollar.balanceOf(recipient), leaves[0].cumulative);
        assertEq(dollar.balanceOf(account), 0);
        assertEq(ledger.claimed(address(vault), address(dollar), account), leaves[0].cumulative);
        assertTrue(ledger.isNonceUsed(account, order.nonce));
        assertFalse(ledger.isNonceUsed(account, order.nonce + 1));
    }

    function test_claimTo_takes_the_signature_of_a_contract() public {
        address wallet = address(new ContractWallet(account));
        _allot(wallet);
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(wallet);
        bytes memory signature = _signClaims(claims, order);
        ledger.claimTo(claims, order, signature);
        assertEq(dollar.balanceOf(recipient), leaves[0].cumulative);
    }

    function test_claimTo_leaves_out_what_was_claimed_before() public {
        ledger.claim(_claimOf(index, leaves, 0));
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(account);
        bytes memory signature = _signClaims(claims, order);
        assertEq(ledger.claimTo(claims, order, signature)[0], 0);
        assertEq(dollar.balanceOf(account), leaves[0].cumulative);
    }

    function test_claimTo_reverts_the_second_time() public {
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(account);
        bytes memory signature = _signClaims(claims, order);
        ledger.claimTo(claims, order, signature);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NonceUsed.selector, account, order.nonce));
        ledger.claimTo(claims, order, signature);
    }

    function test_claimTo_reverts_for_a_cancelled_nonce() public {
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(account);
        bytes memory signature = _signClaims(claims, order);
        vm.expectEmit();
        emit IAttributionLedger.NonceUsed(account, order.nonce);
        vm.startPrank(account);
        ledger.cancelNonce(order.nonce);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NonceUsed.selector, account, order.nonce));
        ledger.cancelNonce(order.nonce);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NonceUsed.selector, account, order.nonce));
        ledger.claimTo(claims, order, signature);
    }

    function test_claimTo_reverts_after_the_deadline_and_not_at_it() public {
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(account);
        bytes memory signature = _signClaims(claims, order);
        vm.warp(order.deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_OrderExpired.selector, order.deadline, order.deadline + 1)
        );
        ledger.claimTo(claims, order, signature);
        vm.warp(order.deadline);
        ledger.claimTo(claims, order, signature);
    }

    function test_claimTo_reverts_for_no_recipient() public {
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(account);
        order.recipient = address(0);
        bytes memory signature = _signClaims(claims, order);
        vm.expectRevert(IAttributionLedger.Ledger_ZeroRecipient.selector);
        ledger.claimTo(claims, order, signature);
    }

    function test_claimTo_reverts_when_a_claim_is_anothers() public {
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(account);
        claims[0] = _claimOf(index, leaves, 1);
        bytes memory signature = _signClaims(claims, order);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_WrongAccount.selector, leaves[1].account, account)
        );
        ledger.claimTo(claims, order, signature);
    }

    /// @dev Whoever carries an order can change none of it.
    function testFuzz_claimTo_reverts_when_anything_signed_was_changed(uint8 what) public {
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(account);
        bytes memory signature = _signClaims(claims, order);
        what = what % 6;
        if (what == 0) order.recipient = stranger;
        if (what == 1) order.nonce += 1;
        if (what == 2) order.deadline += 1;
        if (what == 3) claims[0].cumulative += 1;
        if (what == 4) claims[0].token = NATIVE;
        if (what == 5) claims = new IAttributionLedger.Claim[](0);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, account));
        ledger.claimTo(claims, order, signature);
    }

    // withdrawMany

    function test_withdrawMany_pays_everyone_and_leaves_out_who_has_nothing() public {
        IAttributionLedger.Withdrawal[] memory all = new IAttributionLedger.Withdrawal[](3);
        all[0] = IAttributionLedger.Withdrawal({ vault: address(vault), token: NATIVE, account: account });
        all[1] = IAttributionLedger.Withdrawal({ vault: address(vault), token: NATIVE, account: stranger });
        all[2] = IAttributionLedger.Withdrawal({ vault: address(vault), token: address(dollar), account: payee });
        uint128[] memory amounts = ledger.withdrawMany(all);
        assertEq(amounts[0], 0.6 ether);
        assertEq(amounts[1], 0);
        assertGt(amounts[2], 0);
        assertEq(account.balance, 0.6 ether);
        assertEq(dollar.balanceOf(payee), amounts[2]);
    }

    function test_withdrawMany_pays_whom_the_account_named() public {
        vm.prank(account);
        ledger.setRecipient(recipient);
        IAttributionLedger.Withdrawal[] memory all = new IAttributionLedger.Withdrawal[](1);
        all[0] = IAttributionLedger.Withdrawal({ vault: address(vault), token: NATIVE, account: account });
        ledger.withdrawMany(all);
        assertEq(recipient.balance, 0.6 ether);
    }

    function testFuzz_withdrawTo_of_a_vault_reverts_for_anybody_but_the_ledger(address caller) public {
        vm.assume(caller != address(ledger));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NotLedger.selector, caller));
        vault.withdrawTo(NATIVE, account, caller);
    }

    // withdrawTo

    function test_withdrawTo_pays_the_recipient_by_one_signature() public {
        IAttributionLedger.WithdrawOrder memory order = _withdrawOrder();
        bytes memory signature = _signWithdrawal(order);
        vm.prank(stranger);
        uint128[] memory amounts = ledger.withdrawTo(order, signature);
        assertEq(amounts[1], 0.6 ether);
        assertEq(recipient.balance, 0.6 ether);
        assertEq(dollar.balanceOf(recipient), amounts[0]);
        assertTrue(ledger.isNonceUsed(account, order.nonce));
    }

    function test_withdrawTo_leaves_out_what_was_withdrawn_before() public {
        vault.withdraw(NATIVE, account);
        IAttributionLedger.WithdrawOrder memory order = _withdrawOrder();
        assertEq(ledger.withdrawTo(order, _signWithdrawal(order))[1], 0);
    }

    function test_withdrawTo_reverts_the_second_time() public {
        IAttributionLedger.WithdrawOrder memory order = _withdrawOrder();
        bytes memory signature = _signWithdrawal(order);
        ledger.withdrawTo(order, signature);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NonceUsed.selector, account, order.nonce));
        ledger.withdrawTo(order, signature);
    }

    function test_withdrawTo_reverts_after_the_deadline() public {
        IAttributionLedger.WithdrawOrder memory order = _withdrawOrder();
        bytes memory signature = _signWithdrawal(order);
        vm.warp(order.deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_OrderExpired.selector, order.deadline, order.deadline + 1)
        );
        ledger.withdrawTo(order, signature);
    }

    function test_withdrawTo_reverts_for_no_recipient() public {
        IAttributionLedger.WithdrawOrder memory order = _withdrawOrder();
        order.recipient = address(0);
        bytes memory signature = _signWithdrawal(order);
        vm.expectRevert(IAttributionLedger.Ledger_ZeroRecipient.selector);
        ledger.withdrawTo(order, signature);
    }

    function testFuzz_withdrawTo_reverts_when_anything_signed_was_changed(uint8 what) public {
        IAttributionLedger.WithdrawOrder memory order = _withdrawOrder();
        bytes memory signature = _signWithdrawal(order);
        what = what % 5;
        if (what == 0) order.recipient = stranger;
        if (what == 1) order.nonce += 1;
        if (what == 2) order.deadline += 1;
        if (what == 3) order.sources[0].token = stranger;
        if (what == 4) order.sources = new IAttributionLedger.Source[](1);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, account));
        ledger.withdrawTo(order, signature);
    }

    function test_an_order_is_good_on_its_own_chain_only() public {
        IAttributionLedger.WithdrawOrder memory order = _withdrawOrder();
        bytes memory signature = _signWithdrawal(order);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, account));
        ledger.withdrawTo(order, signature);
    }

    function test_one_account_that_cannot_be_paid_blocks_only_itself() public {
        BlockingToken token = new BlockingToken();
        token.mint(address(vault), 1_000_000);
        vault.sync(address(token));
        vm.clearMockedCalls();
        vault.distribute(address(token));
        token.setBlocked(payee, true);
        IAttributionLedger.Withdrawal[] memory all = new IAttributionLedger.Withdrawal[](1);
        all[0] = IAttributionLedger.Withdrawal({ vault: address(vault), token: address(token), account: payee });
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, payee));
        ledger.withdrawMany(all);
        all[0].account = host;
        assertEq(ledger.withdrawMany(all)[0], 100_000);
    }
}
