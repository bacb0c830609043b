// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC4906 } from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import { IERC20Errors, IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { IERC7858 } from "../../../contracts/interfaces/IERC7858.sol";
import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicenseRenewals } from "../../../contracts/interfaces/ILicenseRenewals.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { Rights } from "../../../contracts/libraries/Rights.sol";
import { CallingToken, FeeOnTransferToken } from "../../utils/Doubles.sol";
import { MarketFixture } from "../../utils/MarketFixture.sol";

contract RenewTest is MarketFixture {
    uint64 internal constant PERIOD = 30 days;
    uint256 internal id;

    function setUp() public override {
        super.setUp();
        id = _buy(offerId);
    }

    function _nativeLicense() internal returns (uint256) {
        vm.prank(buyer);
        return market.buy{ value: 1 ether }(nativeOffer, 1, buyer, 1 ether);
    }

    function test_renew_extends_the_license_and_pays_the_vault() public {
        vm.warp(START + 10 days);
        vm.expectEmit();
        emit IERC7858.TokenExpiryUpdated(id, START, START + 2 * PERIOD);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        vm.expectEmit();
        emit IRoyaltyVault.FeeRenewed(
            address(market), id, address(dollar), PRICE, 10e6, 60e6, START + 10 days, START + 2 * PERIOD
        );
        vm.expectEmit();
        emit ILicenseRenewals.Renewed(id, offerId, buyer, START + 2 * PERIOD, PRICE);
        vm.prank(buyer);
        assertEq(market.renew(id, PRICE), START + 2 * PERIOD);
        assertEq(licenses.endTime(id), START + 2 * PERIOD);
        assertEq(licenses.startTime(id), START);
        assertEq(dollar.balanceOf(address(vault)), 2 * PRICE);
        assertEq(vault.unearned(address(dollar)), 150e6);
        assertEq(vault.revenue(address(dollar)), 50e6);
        _assertMarketIsEmpty();
    }

    function testFuzz_renew_extends_and_never_shortens(uint32 wait, uint32 duration, uint8 times) public {
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.duration = uint64(bound(duration, 1, 3_650 days));
        uint256 licenseId = _buy(_publishOffer(_terms(), offer));
        uint64 time = START;
        for (uint256 i = 0; i < times % 5; ++i) {
            time += uint64(bound(uint256(keccak256(abi.encode(wait, i))), 0, 2 * offer.duration));
            vm.warp(time);
            uint256 before = licenses.endTime(licenseId);
            vm.prank(buyer);
            uint64 expiresAt = market.renew(licenseId, PRICE);
            assertEq(expiresAt, (before < time ? time : before) + offer.duration);
            assertEq(licenses.endTime(licenseId), expiresAt);
            assertGt(expiresAt, before);
            assertTrue(licenses.isLicensed(licenseId, buyer, Rights.INFER));
        }
    }

    function test_renew_revives_a_license_that_has_lapsed_from_now_on() public {
        vm.warp(START + PERIOD);
        assertFalse(licenses.isLicensed(id, buyer, Rights.INFER));
        vm.warp(START + 3 * PERIOD);
        vm.prank(buyer);
        assertEq(market.renew(id, PRICE), START + 4 * PERIOD);
        assertTrue(licenses.isLicensed(id, buyer, Rights.INFER));
        vm.warp(START + 4 * PERIOD);
        assertFalse(licenses.isLicensed(id, buyer, Rights.INFER));
    }

    function test_renew_of_anothers_license_leaves_it_theirs() public {
        dollar.mint(stranger, PRICE);
        _approve(stranger);
        vm.prank(stranger);
        market.renew(id, PRICE);
        assertEq(licenses.ownerOf(id), buyer);
        assertFalse(licenses.isLicensed(id, stranger, Rights.INFER));
        assertEq(dollar.balanceOf(stranger), 0);
    }

    function test_renew_of_anothers_license_costs_them_nothing() public {
        uint256 before = dollar.balanceOf(buyer);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, PRICE)
        );
        market.renew(id, PRICE);
        assertEq(dollar.balanceOf(buyer), before);
    }

    function test_renew_of_anothers_revocable_license_does_not_make_its_refund_mine() public {
        uint256 seat = _buy(_publishOffer(_revocable(false), _offer(0)));
        dollar.mint(stranger, PRICE);
        _approve(stranger);
        vm.prank(stranger);
        market.renew(seat, PRICE);
        assertEq(market.refundeeOf(seat), buyer);
    }

    function test_renew_keeps_a_user_until_the_time_they_were_given() public {
        vm.prank(buyer);
        licenses.setUser(id, stranger, START + PERIOD);
        vm.prank(buyer);
        market.renew(id, PRICE);
        vm.warp(START + PERIOD);
        assertEq(licenses.userOf(id), stranger);
        vm.warp(START + PERIOD + 1);
        assertEq(licenses.userOf(id), address(0));
        vm.prank(buyer);
        licenses.setUser(id, stranger, START + 2 * PERIOD);
        assertTrue(licenses.isLicensed(id, stranger, Rights.INFER));
    }

    function test_renew_takes_no_seat_off_the_supply() public {
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.supply = 1;
        uint256 scarce = _publishOffer(_terms(), offer);
        uint256 licenseId = _buy(scarce);
        vm.prank(buyer);
        market.renew(licenseId, PRICE);
        assertEq(market.offerStateOf(scarce).sold, 1);
    }

    function test_renew_with_native_coin() public {
        uint256 licenseId = _nativeLicense();
        vm.prank(buyer);
        market.renew{ value: 1 ether }(licenseId, 1 ether);
        assertEq(address(vault).balance, 2 ether);
        assertEq(address(market).balance, 0);
    }

    function test_renew_of_a_free_license_moves_no_money() public {
        vm.startPrank(stranger);
        market.buy(freeOffer, 1, stranger, 0);
        vm.expectEmit();
        emit ILicenseRenewals.Renewed(2, freeOffer, stranger, START + 2 * PERIOD, 0);
        market.renew(2, 0);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NoStream.selector, market, 2));
        vault.streamOf(address(market), 2);
    }

    function test_renew_with_a_token_that_charges_pays_what_arrives() public {
        FeeOnTransferToken token = new FeeOnTransferToken();
        token.mint(buyer, 1_000_000);
        uint256 feeOffer = _publishOffer(_terms(), _offerIn(address(token), 100_000));
        vm.startPrank(buyer);
        token.approve(address(market), type(uint256).max);
        uint256 licenseId = market.buy(feeOffer, 1, buyer, 100_000);
        market.renew(licenseId, 100_000);
        assertEq(token.balanceOf(address(market)), 0);
        assertEq(vault.accounted(address(token)), token.balanceOf(address(vault)));
    }

    function test_renew_reverts_for_an_unknown_license() public {
        bytes memory reason = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99);
        vm.expectRevert(reason);
        market.renew(99, PRICE);
        vm.expectRevert(reason);
        market.renewalQuoteOf(99);
        vm.expectRevert(reason);
        market.renewalNonceOf(_renewal(99), 0);
    }

    function test_renew_reverts_when_the_offer_is_closed() public {
        vm.prank(owner);
        market.closeOffer(offerId);
        bytes memory reason = abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, offerId);
        vm.expectRevert(reason);
        market.renew(id, PRICE);
        vm.expectRevert(reason);
        market.renewalQuoteOf(id);
    }

    function test_renew_reverts_for_a_perpetual_license() public {
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.duration = 0;
        uint256 licenseId = _buy(_publishOffer(_terms(), offer));
        bytes memory reason = abi.encodeWithSelector(ILicenseRenewals.Market_NotRenewable.selector, licenseId);
        vm.expectRevert(reason);
        market.renew(licenseId, PRICE);
        vm.expectRevert(reason);
        market.renewalQuoteOf(licenseId);
    }

    function testFuzz_renew_reverts_over_the_maximum_price(uint256 maxPrice) public {
        maxPrice = bound(maxPrice, 0, PRICE - 1);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, PRICE, maxPrice));
        market.renew(id, maxPrice);
    }

    function testFuzz_renew_reverts_when_the_value_is_wrong(uint256 value) public {
        uint256 licenseId = _nativeLicense();
        value = bound(value, 0, 100 ether);
        vm.assume(value != 1 ether);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, value, 1 ether));
        market.renew{ value: value }(licenseId, 1 ether);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 1, 0));
        market.renew{ value: 1 }(id, PRICE);
    }

    function test_renew_cannot_reach_over_a_hundred_years() public {
        ILicenseMarket.Offer memory offer = _offer(0);
        (offer.duration, offer.earnPeriod) = (36_525 days, 36_525 days);
        uint256 licenseId = _buy(_publishOffer(_terms(), offer));
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_BadEarnPeriod.selector, 2 * 36_525 days));
        market.renew(licenseId, PRICE);
    }

    function test_renew_cannot_be_entered_again_by_the_token() public {
        CallingToken token = new CallingToken();
        token.mint(buyer, 1_000);
        uint256 callingOffer = _publishOffer(_terms(), _offerIn(address(token), 100));
        vm.startPrank(buyer);
        token.approve(address(market), type(uint256).max);
        uint256 licenseId = market.buy(callingOffer, 1, buyer, 100);
        token.setCall(address(market), abi.encodeCall(ILicenseRenewals.renew, (licenseId, 100)));
        market.renew(licenseId, 100);
        assertTrue(token.failed());
        assertEq(licenses.endTime(licenseId), START + 2 * PERIOD);
    }

    function test_renewMany_renews_all_in_their_own_currencies() public {
        ILicenseRenewals.Renewal[] memory renewals = new ILicenseRenewals.Renewal[](4);
        renewals[0] = _renewal(id);
        renewals[1] = _renewal(_nativeLicense());
        renewals[2] = _renewal(_nativeLicense());
        renewals[3] = _renewal(id);
        vm.prank(buyer);
        market.renewMany{ value: 2 ether }(renewals);
        assertEq(licenses.endTime(id), START + 3 * PERIOD);
        assertEq(licenses.endTime(3), START + 2 * PERIOD);
        assertEq(dollar.balanceOf(address(vault)), 3 * PRICE);
        assertEq(address(vault).balance, 4 ether);
        _assertMarketIsEmpty();
    }

    function testFuzz_renewMany_reverts_unless_the_native_total_is_exact(uint256 value) public {
        value = bound(value, 0, 100 ether);
        vm.assume(value != 2 ether);
        uint256 known = value < 1 ether ? 1 ether : 2 ether;
        ILicenseRenewals.Renewal[] memory renewals = new ILicenseRenewals.Renewal[](2);
        renewals[0] = _renewal(_nativeLicense());
        renewals[1] = _renewal(_nativeLicense());
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, value, known));
        market.renewMany{ value: value }(renewals);
    }

    function test_renewMany_reverts_as_a_whole_when_one_renewal_does() public {
        ILicenseRenewals.Renewal[] memory renewals = new ILicenseRenewals.Renewal[](2);
        renewals[0] = _renewal(id);
        renewals[1] = _renewal(99);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        market.renewMany(renewals);
        assertEq(licenses.endTime(id), START + PERIOD);
    }

    function test_renewalQuoteOf_is_what_is_paid() public {
        (address token, uint256 price) = market.renewalQuoteOf(id);
        assertEq(token, address(dollar));
        uint256 before = dollar.balanceOf(buyer);
        vm.prank(buyer);
        market.renew(id, price);
        assertEq(before - dollar.balanceOf(buyer), price);
    }
}
