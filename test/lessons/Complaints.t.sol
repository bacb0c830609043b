// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC4906 } from "@openzeppelin/contracts/interfaces/IERC4906.sol";

import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { ILicenseMarket } from "../../contracts/interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../../contracts/interfaces/ILicensePurchases.sol";
import { ILicenseRenewals } from "../../contracts/interfaces/ILicenseRenewals.sol";
import { Rights } from "../../contracts/libraries/Rights.sol";
import { Domain } from "../utils/Domain.sol";
import { BlockingToken, ContractWallet, RefusesCoin } from "../utils/Doubles.sol";
import { LedgerFixture } from "../utils/LedgerFixture.sol";
import { MarketFixture } from "../utils/MarketFixture.sol";
import { RegistryFixture } from "../utils/RegistryFixture.sol";
import { SumTreeBuilder } from "../utils/SumTreeBuilder.sol";
import { DelegatedAccount, TetherLike } from "./Doubles.sol";
import { Typed } from "./Typed.sol";

/// @notice What users of others' contracts complain about: one test for each pain, that it is none here.
contract ComplaintsTest is LedgerFixture, MarketFixture, RegistryFixture {
    function setUp() public override(LedgerFixture, MarketFixture, RegistryFixture) {
        super.setUp();
        _approve(payer);
        _approve(buyer);
    }

    /// @dev Posts a root in any token and waits for its window to pass.
    function _activateIn(address token, SumTreeBuilder.Leaf[] memory made) internal returns (uint64 index) {
        IAttributionLedger.RootStatement memory statement = _statement(made);
        IAttributionLedger.Next memory next = ledger.nextOf(address(vault), token);
        (statement.token, statement.index, statement.prevRoot) = (token, next.index, next.prevRoot);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.prank(poster);
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        vm.warp(vm.getBlockTimestamp() + WINDOW);
        return statement.index;
    }

    function _claimIn(address token, uint64 index, uint256 leaf)
        internal
        view
        returns (IAttributionLedger.Claim memory claim)
    {
        claim = _claimOf(index, leaves, leaf);
        claim.token = token;
    }

    function _notActive(uint64 index) internal view returns (bytes memory) {
        return abi.encodeWithSelector(
            IAttributionLedger.Ledger_RootNotActive.selector, address(vault), address(dollar), index
        );
    }

    function _claimOrder(address account, uint64 index)
        internal
        view
        returns (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order)
    {
        claims = new IAttributionLedger.Claim[](1);
        claims[0] = _claimOf(index, leaves, 0);
        order = IAttributionLedger.ClaimOrder({
            account: account, recipient: stranger, nonce: 7, deadline: uint64(vm.getBlockTimestamp() + 1 hours)
        });
    }

    // Contracts cannot claim

    /// @notice merkl-contracts 176, aave-vault 112: whoever must call something first is never paid.
    function test_a_contract_that_can_call_nothing_is_paid_by_anyone() public {
        leaves[0].account = address(new RefusesCoin());
        IAttributionLedger.Claim memory claim = _claimOf(_activateBonded(leaves), leaves, 0);
        vm.prank(stranger);
        ledger.claim(claim);
        assertEq(dollar.balanceOf(leaves[0].account), leaves[0].cumulative);
    }

    /// @notice Merkl's manual: proofs are good for hours, which is less than a multisig takes to sign.
    function test_a_proof_stays_good_for_years_and_under_later_roots() public {
        IAttributionLedger.Claim memory claim = _claimOf(_activateBonded(leaves), leaves, 0);
        uint128 before = leaves[0].cumulative;
        for (uint256 year = 0; year < 10; ++year) {
            vm.warp(vm.getBlockTimestamp() + 365 days);
            leaves[0].cumulative += 1e6;
            _activateBonded(leaves);
        }
        assertEq(ledger.claim(claim), before);
        // And what the later roots added is not lost by it.
        assertEq(ledger.claim(_claimOf(11, leaves, 0)), 10e6);
    }

    /// @notice merkl-contracts 176: a holder that cannot be paid itself has its money sent elsewhere, by a signature.
    function test_a_contract_that_can_only_sign_sends_its_money_elsewhere() public {
        leaves[0].account = address(new ContractWallet(payer));
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) =
            _claimOrder(leaves[0].account, _activateBonded(leaves));
        bytes memory signature = _sign(KEY, Domain.digest(address(ledger), Typed.hash(claims, order)));
        vm.prank(relayer);
        ledger.claimTo(claims, order, signature);
        assertEq(dollar.balanceOf(stranger), leaves[0].cumulative);
    }

    // Smart wallets cannot pay

    /// @notice x402 842, stablecoin-evm 610: only keys could sign payments.
    function test_a_wallet_of_two_keys_pays_by_order_and_by_authorisation() public {
        _approve(address(wallet));
        ILicensePurchases.PurchaseOrder memory order = _order(walletOffer, 1);
        (order.buyer, order.recipient) = (address(wallet), address(wallet));
        uint256 licenseId = market.buyBySignature(order, _signTwice(market.hashPurchaseOrder(order)));

        ILicenseRenewals.RenewalOrder memory renewal = _renewalOrder(licenseId);
        (renewal.payer, renewal.nonce) = (address(wallet), 8);
        market.renewBySignature(renewal, _signTwice(market.hashRenewalOrder(renewal)));

        ILicensePurchases.Purchase memory purchase = _purchase(walletOffer, 1);
        purchase.recipient = address(wallet);
        bytes32 nonce = market.purchaseNonceOf(purchase, "salt");
        market.buyWithAuthorization(purchase, _authorizeByWallet(PRICE, nonce));

        ILicenseRenewals.Renewal memory again = _renewal(licenseId);
        market.renewWithAuthorization(again, _authorizeByWallet(PRICE, market.renewalNonceOf(again, "salt")));
        assertEq(licenses.balanceOf(address(wallet)), 2);
        assertEq(licenses.endTime(licenseId), START + 90 days);
        assertEq(walletDollar.balanceOf(address(wallet)), 1e12 - 4 * PRICE);
    }

    /// @notice x402 2658, x402-rs 26: keys that delegate to code were verified off chain and failed on chain.
    function test_a_key_that_delegates_to_code_pays_and_claims_by_its_signature() public {
        vm.etch(payer, address(new DelegatedAccount()).code);
        market.buyBySignature(_order(offerId, 1), _signed(_order(offerId, 1)));
        ILicensePurchases.Purchase memory purchase = _purchase(walletOffer, 1);
        market.buyWithAuthorization(purchase, _authorize(walletDollar, PRICE, market.purchaseNonceOf(purchase, "salt")));
        assertEq(licenses.balanceOf(payer), 2);
        _claimBySignature();
    }

    /// @notice The same, where the code knows nothing of signatures: the key comes first.
    function test_a_key_that_delegates_to_code_without_signatures_claims_by_its_key() public {
        vm.etch(payer, address(new RefusesCoin()).code);
        _claimBySignature();
    }

    function test_a_key_that_delegates_to_code_without_signatures_pays_by_its_key() public {
        vm.etch(payer, address(new RefusesCoin()).code);
        market.buyBySignature(_order(offerId, 1), _signed(_order(offerId, 1)));
    }

    function _claimBySignature() internal {
        leaves[0].account = payer;
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) =
            _claimOrder(payer, _activateBonded(leaves));
        ledger.claimTo(claims, order, _sign(KEY, Domain.digest(address(ledger), Typed.hash(claims, order))));
        assertEq(dollar.balanceOf(stranger), leaves[0].cumulative);
    }

    // Roots that are not covered

    /// @notice UMA PR 3933, balancer-v2 826: nothing guaranteed that a root was funded.
    function testFuzz_a_root_that_is_not_covered_cannot_be_posted(uint128 excess) public {
        // Fees not yet earned, revenue not yet distributed and others' credits cover nothing.
        _buy(offerId);
        vm.prank(buyer);
        vault.pay("payment", address(dollar), 500e6);
        uint128 covered = vault.allocatable(address(dollar));
        assertEq(covered, 450e6);
        assertGt(dollar.balanceOf(address(vault)), covered);

        SumTreeBuilder.Leaf[] memory made = _leaves(1, covered);
        made[0].cumulative += uint128(bound(excess, 1, type(uint128).max - covered));
        IAttributionLedger.RootStatement memory statement = _next(made);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_SumExceedsCredited.selector, made[0].cumulative, covered)
        );
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        made[0].cumulative = covered;
        assertEq(ledger.claim(_claimOf(_activateBonded(made), made, 0)), covered);
    }

    /// @notice Sherlock, footium 367: what was not claimed was lost when the root changed.
    function test_what_was_not_claimed_is_not_lost_when_the_root_changes() public {
        SumTreeBuilder.Leaf[] memory first = leaves;
        _activateBonded(first);
        for (uint256 i = 1; i < 7; ++i) {
            leaves[i].cumulative += 1e6;
        }
        _activateBonded(leaves);
        for (uint256 i = 0; i < 7; ++i) {
            ledger.claim(_claimOf(i % 2 == 0 ? 1 : 2, i % 2 == 0 ? first : leaves, i));
            assertEq(dollar.balanceOf(leaves[i].account), (i % 2 == 0 ? first : leaves)[i].cumulative);
        }
    }

    // Tools and what they are told

    /// @notice eigenlayer-cli 188: proofs for a root that is not active yet failed without a reason.
    function test_a_proof_under_a_root_that_is_not_active_yet_says_so_and_which_to_use() public {
        _activateBonded(leaves);
        leaves[0].cumulative += 1e6;
        uint64 pending = _postBonded(leaves);
        IAttributionLedger.Claim memory claim = _claimOf(pending, leaves, 0);
        vm.expectRevert(_notActive(pending));
        ledger.claim(claim);
        (uint64 newest,) = ledger.newestActive(address(vault), address(dollar));
        assertEq(newest, 1);
        // What a tool needs to wait for.
        vm.warp(ledger.rootOf(address(vault), address(dollar), pending).activeAt);
        assertEq(ledger.claim(claim), leaves[0].cumulative);
    }

    /// @notice eigenlayer-cli 240: one token that was claimed before made the whole claim fail.
    function test_what_was_claimed_before_is_passed_over_in_a_batch() public {
        vm.prank(buyer);
        vault.fundPool{ value: 1 ether }(NATIVE, 1 ether);
        _activateBonded(leaves);
        _activateIn(NATIVE, leaves);
        IAttributionLedger.Claim[] memory claims = new IAttributionLedger.Claim[](3);
        claims[0] = _claimOf(1, leaves, 0);
        claims[1] = _claimIn(NATIVE, 1, 0);
        claims[2] = _claimOf(1, leaves, 1);
        ledger.claim(claims[0]);
        uint128[] memory amounts = ledger.claimMany(claims);
        assertEq(amounts[0], 0);
        assertEq(amounts[1], leaves[0].cumulative);
        assertEq(amounts[2], leaves[1].cumulative);
        // All of it again is no error either: nothing is left.
        assertEq(abi.encode(ledger.claimMany(claims)), abi.encode(new uint128[](3)));
    }

    /// @notice eigenlayer-cli 338: after a claim in part nobody could see what was claimed and what was left.
    function test_what_was_claimed_in_part_is_told_by_a_view() public {
        SumTreeBuilder.Leaf[] memory theft = new SumTreeBuilder.Leaf[](1);
        (, theft[0].cumulative) = SumTreeBuilder.root(leaves);
        theft[0].account = stranger;
        leaves[6].cumulative += 10;
        theft[0].cumulative += 10;
        uint64 first = _activateBonded(leaves);
        uint64 second = _activateBonded(theft);
        for (uint256 i = 0; i < 6; ++i) {
            ledger.claim(_claimOf(first, leaves, i));
        }
        // Only a part is left.
        IAttributionLedger.Claim memory claim = _claimOf(second, theft, 0);
        uint128 paid = ledger.claim(claim);
        assertLt(paid, claim.cumulative);
        assertEq(ledger.claimed(address(vault), address(dollar), stranger), paid);
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), theft[0].cumulative);
        assertEq(ledger.claimed(address(vault), address(dollar), leaves[6].account), 0);
    }

    // Recipients

    /// @notice 0xSplits 18, sdk 85, Sherlock titles 355: one recipient that could not be paid held up all others.
    function test_one_recipient_that_cannot_be_paid_holds_up_nobody() public {
        BlockingToken token = new BlockingToken();
        token.mint(address(vault), 1_000e6);
        vault.sync(address(token));
        address[4] memory all = [payee, host, curators, leaves[2].account];
        token.setBlocked(payee, true);
        token.setBlocked(leaves[2].account, true);
        vault.distribute(address(token));
        uint64 index = _activateIn(address(token), leaves);
        for (uint256 i = 0; i < 7; ++i) {
            if (i == 2) vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, leaves[2].account));
            ledger.claim(_claimIn(address(token), index, i));
            assertEq(token.balanceOf(leaves[i].account), i == 2 ? 0 : leaves[i].cumulative);
        }
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, payee));
        vault.withdraw(address(token), payee);
        assertEq(vault.withdraw(address(token), host), 100e6);
        assertEq(vault.withdraw(address(token), curators), 50e6);

        // What is theirs stays theirs, and goes elsewhere when they say so.
        for (uint256 i = 0; i < 4; i += 3) {
            vm.prank(all[i]);
            ledger.setRecipient(stranger);
        }
        assertEq(vault.withdraw(address(token), payee), 300e6);
        assertEq(ledger.claim(_claimIn(address(token), index, 2)), leaves[2].cumulative);
        assertEq(token.balanceOf(stranger), 300e6 + leaves[2].cumulative);
    }

    // Licenses that are too rigid

    /// @notice Story 117 and 123: the expiry was taken off the token.
    function test_a_license_says_by_itself_when_it_ends() public {
        uint256 licenseId = _buy(offerId);
        assertEq(licenses.endTime(licenseId), START + 30 days);
        vm.warp(START + 30 days - 1);
        assertTrue(licenses.isLicensed(licenseId, buyer, Rights.INFER));
        assertFalse(licenses.isTokenExpired(licenseId));
        vm.warp(START + 30 days);
        assertFalse(licenses.isLicensed(licenseId, buyer, Rights.INFER));
        assertTrue(licenses.isTokenExpired(licenseId));
        vm.prank(buyer);
        market.renew(licenseId, PRICE);
        assertTrue(licenses.isLicensed(licenseId, buyer, Rights.INFER));
    }

    /// @notice Story's feature table: no parent could be added after registration.
    function test_a_parent_is_added_later_with_its_owners_consent_and_is_paid_from_then_on() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.CLOSED);
        IAssetRegistry.Change memory change = _addition(500);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_DerivationClosed.selector, parentId, owner));
        registry.announceChange(modelId, change);
        vm.prank(parentOwner);
        registry.allowChild(parentId, modelId);
        _announceAndWait(modelId, change);
        registry.applyChange(modelId, change);
        assertEq(registry.edgesOf(modelId).length, 2);
        _fundPool(1_000e6);
        assertEq(vault.withdraw(address(dollar), registry.vaultOf(parentId)), 50e6);
    }

    /// @notice Story 244: terms for AI models were discussed for two years. Here each use is a right of its own.
    function test_every_use_of_a_model_can_be_licensed_by_itself() public {
        for (uint256 bit = 0; bit < Rights.COUNT; ++bit) {
            ILicenseMarket.Terms memory terms = _terms();
            terms.rights = 1 << bit;
            uint256 licenseId = _buy(_publishOffer(terms, _offerIn(NATIVE, 0)));
            for (uint256 use = 0; use < Rights.COUNT; ++use) {
                assertEq(licenses.isLicensed(licenseId, buyer, 1 << use), use == bit);
            }
        }
    }

    /// @notice Story 388: a dispute froze royalties and never redistributed them.
    function test_a_dispute_stops_one_root_and_the_money_goes_to_whom_it_belongs() public {
        uint64 first = _activateBonded(leaves);
        SumTreeBuilder.Leaf[] memory theft = new SumTreeBuilder.Leaf[](1);
        (, theft[0].cumulative) = SumTreeBuilder.root(leaves);
        (theft[0].account, theft[0].cumulative) = (stranger, theft[0].cumulative + 10e6);
        _postBonded(theft);
        _challenge();
        // What was allotted before is paid meanwhile.
        ledger.claim(_claimOf(first, leaves, 0));
        _rule(IAttributionLedger.Ruling.UPHELD);
        leaves[0].cumulative += 10e6;
        uint64 second = _activateBonded(leaves);
        assertEq(ledger.claim(_claimOf(second, leaves, 0)), 10e6);
        assertEq(dollar.balanceOf(stranger), 0);
        assertEq(ledger.bondOf(challenger), CHALLENGE_BOND + POSTER_BOND / 2);
    }

    // Prices

    /// @notice oceanprotocol/contracts 420: fees in several currencies.
    function testFuzz_a_purchase_costs_what_was_quoted_in_one_currency(uint64 quantity, bool isNative) public {
        quantity = uint64(bound(quantity, 1, 20));
        (address token, uint256 price) = market.quoteOf(isNative ? nativeOffer : offerId, quantity);
        uint256[2] memory before = [buyer.balance, dollar.balanceOf(buyer)];
        vm.startPrank(buyer);
        // Not one unit more is allowed than was quoted.
        dollar.approve(address(market), isNative ? 0 : price);
        walletDollar.approve(address(market), 0);
        market.buy{ value: isNative ? price : 0 }(isNative ? nativeOffer : offerId, quantity, buyer, price);
        vm.stopPrank();
        assertEq(token, isNative ? NATIVE : address(dollar));
        assertEq(before[0] - buyer.balance, isNative ? price : 0);
        assertEq(before[1] - dollar.balanceOf(buyer), isNative ? 0 : price);
        assertEq(licenses.balanceOf(buyer), quantity);
    }

    // Metadata

    /// @notice sablier-labs/evm-monorepo 549: marketplaces showed what was long over.
    function test_every_change_of_a_license_is_announced_to_marketplaces() public {
        uint256 licenseId = _buy(_publishOffer(_revocable(true), _offer(0)));
        string memory before = licenses.tokenURI(licenseId);
        vm.startPrank(buyer);
        _expectUpdate(licenseId);
        licenses.setUser(licenseId, stranger, START + 1 days);
        _expectUpdate(licenseId);
        licenses.transferFrom(buyer, payer, licenseId);
        _expectUpdate(licenseId);
        market.renew(licenseId, PRICE);
        vm.stopPrank();
        assertNotEq(licenses.tokenURI(licenseId), before);
        vm.prank(owner);
        _expectUpdate(licenseId);
        market.revoke(licenseId, "");
        assertTrue(licenses.supportsInterface(0x49064906));
    }

    function _expectUpdate(uint256 licenseId) internal {
        vm.expectEmit(address(licenses));
        emit IERC4906.MetadataUpdate(licenseId);
    }

    // Tokens

    /// @dev Buys and renews a license in the token, and pays everybody of it.
    function _allTheWay(TetherLike token) internal {
        uint256 tetherOffer = _publishOffer(_terms(), _offerIn(address(token), PRICE));
        token.issue(buyer, 2 * PRICE);
        vm.startPrank(buyer);
        token.approve(address(market), 2 * PRICE);
        uint256 licenseId = market.buy(tetherOffer, 1, buyer, PRICE);
        market.renew(licenseId, PRICE);
        vm.stopPrank();
        vm.warp(START + 60 days);
        vault.release(address(market), _one(licenseId));
        vault.distribute(address(token));
        vault.withdraw(address(token), payee);
        vault.withdraw(address(token), host);
        vault.withdraw(address(token), address(datasetVault));
        datasetVault.sync(address(token));
        uint64 index = _activateIn(address(token), leaves);
        for (uint256 i = 0; i < 7; ++i) {
            assertEq(ledger.claim(_claimIn(address(token), index, i)), leaves[i].cumulative);
        }
        assertEq(token.balanceOf(address(vault)), vault.accounted(address(token)));
        assertEq(token.balanceOf(address(datasetVault)), datasetVault.accounted(address(token)));
        assertEq(token.balanceOf(address(market)), 0);
    }

    /// @notice 0xSplits' manual: V2.0 and V2.1 cannot hold USDT, which returns nothing.
    function test_a_token_that_returns_nothing_goes_all_the_way() public {
        TetherLike token = new TetherLike();
        _allTheWay(token);
        assertEq(vault.revenue(address(token)), 2 * PRICE);
        assertEq(token.balanceOf(payee), 2 * PRICE * 3 / 10);
        assertEq(token.balanceOf(leaves[6].account), leaves[6].cumulative);
    }

    /// @notice 0xSplits monorepo 82: a fee on transfer left books that did not add up.
    function test_a_token_that_charges_goes_all_the_way_with_what_arrives() public {
        TetherLike token = new TetherLike();
        token.setParams(19, 49e6);
        _allTheWay(token);
        assertLt(vault.revenue(address(token)), 2 * PRICE);
        assertGt(vault.revenue(address(token)), 2 * PRICE * 99 / 100);
    }

    /// @notice A fee that is switched on between two purchases makes nobody pay for others.
    function test_a_token_that_begins_to_charge_harms_no_credit_of_before() public {
        TetherLike token = new TetherLike();
        token.issue(address(vault), 1_000e6);
        vault.sync(address(token));
        vault.distribute(address(token));
        token.setParams(19, 49e6);
        token.issue(stranger, 1_000e6);
        vm.startPrank(stranger);
        token.approve(address(vault), 1_000e6);
        vault.pay("payment", address(token), 1_000e6);
        vm.stopPrank();
        assertEq(vault.withdraw(address(token), payee), 300e6);
        assertEq(token.balanceOf(address(vault)), vault.accounted(address(token)));
    }

    /// @notice USDC and USDT have blacklists: whoever is on one loses no more than its own, also as a buyer.
    function test_a_blacklisted_buyer_pays_nothing_and_holds_up_nobody() public {
        TetherLike token = new TetherLike();
        uint256 tetherOffer = _publishOffer(_terms(), _offerIn(address(token), PRICE));
        address[2] memory buyers = [stranger, buyer];
        token.addBlackList(stranger);
        for (uint256 i = 0; i < 2; ++i) {
            token.issue(buyers[i], PRICE);
            vm.startPrank(buyers[i]);
            token.approve(address(market), PRICE);
            if (i == 0) vm.expectRevert();
            market.buy(tetherOffer, 1, buyers[i], PRICE);
            vm.stopPrank();
            assertEq(licenses.balanceOf(buyers[i]), i);
        }
    }

    // Delays

    /// @notice EigenLayer: roots by the week that wait another week. Here a window can be a second.
    function test_a_community_may_be_paid_every_few_seconds() public {
        IAssetRegistry.Registration memory registration = _bondedModel("quick");
        registration.policy.window = 1;
        vault = _vaultOf(_register(registration));
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        _fundPool(1_000e6);
        for (uint64 i = 1; i <= 5; ++i) {
            vm.warp(vm.getBlockTimestamp() + 1);
            leaves[0].cumulative += 1e6;
            assertEq(_postBonded(leaves), i);
            vm.warp(vm.getBlockTimestamp() + 1);
            ledger.claim(_claimOf(i, leaves, 0));
        }
        assertEq(dollar.balanceOf(leaves[0].account), 6e6);
    }

    /// @notice EigenLayer, October 2024: a wrong root moved a whole season by a week.
    function test_a_root_that_is_proven_wrong_makes_way_for_the_right_one_at_once() public {
        _activateBonded(leaves);
        SumTreeBuilder.Leaf[] memory wrong = leaves;
        (wrong[0], wrong[1]) = (wrong[1], wrong[0]);
        _postBonded(wrong);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(wrong, 0), _leafOf(wrong, 1));

        wrong = leaves;
        (wrong[3].cumulative, wrong[4].cumulative) = (wrong[3].cumulative - 1, wrong[4].cumulative + 1);
        _postBonded(wrong);
        ledger.proveDecrease(address(vault), address(dollar), _leafOf(leaves, 3), _leafOf(wrong, 3));

        wrong = _without(leaves, 6);
        wrong[0].cumulative += leaves[6].cumulative;
        _postBonded(wrong);
        IAttributionLedger.Leaf[] memory last = new IAttributionLedger.Leaf[](1);
        last[0] = _leafOf(wrong, 5);
        ledger.proveOmission(address(vault), address(dollar), _leafOf(leaves, 6), last);

        // All in one block, and so is the right one: nothing is lost but the bonds of who was wrong.
        leaves[0].cumulative += 1e6;
        uint64 right = _postBonded(leaves);
        assertEq(right, 2);
        assertEq(ledger.rootOf(address(vault), address(dollar), right).attempt, 3);
        assertEq(ledger.rootOf(address(vault), address(dollar), right).activeAt, START + 2 * WINDOW);
        vm.warp(START + 2 * WINDOW);
        assertEq(ledger.claim(_claimOf(right, leaves, 0)), leaves[0].cumulative);
    }
}
