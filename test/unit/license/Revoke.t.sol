// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC4906 } from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { IERC4907 } from "../../../contracts/interfaces/IERC4907.sol";
import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicenseRenewals } from "../../../contracts/interfaces/ILicenseRenewals.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Rights } from "../../../contracts/libraries/Rights.sol";
import { MarketFixture } from "../../utils/MarketFixture.sol";

contract RevokeTest is MarketFixture {
    uint256 internal loose;
    uint256 internal seat;

    /// @dev Both are the stranger's, paid for by the buyer; the first is transferable.
    function setUp() public override {
        super.setUp();
        uint256 looseOffer = _publishOffer(_revocable(true), _offer(0));
        uint256 boundOffer = _publishOffer(_revocable(false), _offer(0));
        vm.startPrank(buyer);
        loose = market.buy(looseOffer, 1, stranger, PRICE);
        seat = market.buy(boundOffer, 1, stranger, PRICE);
        vm.stopPrank();
    }

    function _revoke(uint256 licenseId) internal returns (uint128) {
        vm.prank(owner);
        return market.revoke(licenseId, "breach of the terms");
    }

    function test_revoke_refunds_the_unearned_part_to_the_holder() public {
        vm.warp(START + 10 days);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(loose);
        vm.expectEmit();
        emit IRoyaltyVault.FeeRefunded(address(market), loose, address(dollar), stranger, 60e6);
        vm.expectEmit();
        emit ILicenseRenewals.Revoked(loose, modelId, stranger, address(dollar), 60e6, "breach of the terms");
        assertEq(_revoke(loose), 60e6);
        assertEq(vault.creditOf(address(dollar), stranger), 60e6);
        vault.withdraw(address(dollar), stranger);
        assertEq(dollar.balanceOf(stranger), 60e6);
    }

    function test_revoke_refunds_who_holds_the_license_then() public {
        address next = makeAddr("next");
        vm.prank(stranger);
        licenses.transferFrom(stranger, next, loose);
        assertEq(market.refundeeOf(loose), next);
        _revoke(loose);
        assertEq(vault.creditOf(address(dollar), next), 90e6);
        assertEq(vault.creditOf(address(dollar), stranger), 0);
    }

    function test_revoke_refunds_who_paid_when_the_license_is_bound() public {
        assertEq(market.refundeeOf(seat), buyer);
        _revoke(seat);
        assertEq(vault.creditOf(address(dollar), buyer), 90e6);
        assertEq(vault.creditOf(address(dollar), stranger), 0);
    }

    function test_revoke_ends_the_license_for_good() public {
        vm.prank(stranger);
        licenses.setUser(loose, buyer, START + 1 days);
        vm.expectEmit();
        emit IERC4907.UpdateUser(loose, address(0), 0);
        _revoke(loose);
        bytes memory reason = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, loose);
        assertFalse(licenses.isLicensed(loose, stranger, Rights.INFER));
        assertFalse(licenses.isLicensed(loose, buyer, Rights.INFER));
        assertEq(licenses.userOf(loose), address(0));
        vm.expectRevert(reason);
        licenses.ownerOf(loose);
        vm.expectRevert(reason);
        licenses.tokenURI(loose);
        vm.prank(buyer);
        vm.expectRevert(reason);
        market.renew(loose, PRICE);
        vm.expectRevert(reason);
        vm.prank(owner);
        market.revoke(loose, "again");
        assertEq(market.refundeeOf(loose), address(0));
        assertEq(_buy(offerId), seat + 1);
    }

    /// @dev What was paid is in part revenue and in part refunded, to the last base unit.
    function testFuzz_revoke_refunds_exactly_what_is_not_earned(
        uint128 price,
        uint16 upfrontBps,
        uint64 earnPeriod,
        uint32[3] memory waits,
        uint8 renewals
    ) public {
        _revoke(loose);
        _revoke(seat);
        uint256 revenue = vault.revenue(address(dollar));
        uint256 credit = vault.creditOf(address(dollar), buyer);

        ILicenseMarket.Offer memory offer = _offer(0);
        offer.price = uint128(bound(price, 1, 1e12));
        offer.upfrontBps = uint16(bound(upfrontBps, 0, 10_000));
        offer.earnPeriod = uint64(bound(earnPeriod, 0, 365 days));
        uint256 licenseId = _buy(_publishOffer(_revocable(true), offer));
        uint256 paid = offer.price;
        uint256 time = START;
        for (uint256 i = 0; i < 3; ++i) {
            time += bound(waits[i], 0, 400 days);
            vm.warp(time);
            if (i >= renewals % 3) continue;
            vm.prank(buyer);
            market.renew(licenseId, offer.price);
            paid += offer.price;
        }
        uint256 refunded = _revoke(licenseId);

        assertEq(vault.revenue(address(dollar)) - revenue + refunded, paid);
        assertEq(vault.creditOf(address(dollar), buyer) - credit, refunded);
        assertEq(vault.unearned(address(dollar)), 0);
        assertEq(vault.accounted(address(dollar)), dollar.balanceOf(address(vault)));
        vault.withdraw(address(dollar), stranger);
        if (credit + refunded != 0) vault.withdraw(address(dollar), buyer);
        assertEq(dollar.balanceOf(address(vault)), vault.revenue(address(dollar)));
    }

    function test_revoke_after_everything_is_earned_refunds_nothing() public {
        vm.warp(START + 30 days);
        assertEq(_revoke(loose), 0);
        assertEq(vault.creditOf(address(dollar), stranger), 0);
    }

    function test_revoke_refunds_native_coin_too() public {
        uint256 nativeRevocable = _publishOffer(_revocable(true), _offerIn(NATIVE, 1 ether));
        vm.prank(buyer);
        uint256 licenseId = market.buy{ value: 1 ether }(nativeRevocable, 1, stranger, 1 ether);
        assertEq(_revoke(licenseId), 0.9 ether);
        vault.withdraw(NATIVE, stranger);
        assertEq(stranger.balance, 0.9 ether);
    }

    function test_revoke_of_a_free_license_just_burns_it() public {
        uint256 gift = _publishOffer(_revocable(true), _offerIn(address(dollar), 0));
        vm.prank(stranger);
        uint256 licenseId = market.buy(gift, 1, stranger, 0);
        assertEq(market.refundeeOf(licenseId), address(0));
        vm.expectEmit();
        emit ILicenseRenewals.Revoked(licenseId, modelId, address(0), address(dollar), 0, "breach of the terms");
        assertEq(_revoke(licenseId), 0);
        assertFalse(licenses.isLicensed(licenseId, stranger, Rights.INFER));
    }

    function test_revoke_leaves_other_licenses_of_the_offer_alone() public {
        uint256 revocableOffer = licenses.offerIdOf(loose);
        uint256 other = _buy(revocableOffer);
        _revoke(loose);
        assertTrue(licenses.isLicensed(other, buyer, Rights.INFER));
        assertEq(vault.streamOf(address(market), other).amount, 90e6);
        assertEq(market.offerStateOf(revocableOffer).sold, 2);
    }

    function testFuzz_revoke_reverts_for_anybody_but_the_assets_owner(address caller) public {
        vm.assume(caller != owner);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_NotAssetOwner.selector, modelId, caller));
        market.revoke(loose, "");
    }

    function test_revoke_follows_the_owner_of_the_asset() public {
        vm.prank(owner);
        registry.transferFrom(owner, stranger, modelId);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_NotAssetOwner.selector, modelId, owner));
        market.revoke(loose, "");
        vm.prank(stranger);
        market.revoke(loose, "");
    }

    function test_revoke_reverts_when_the_terms_do_not_allow_it() public {
        uint256 licenseId = _buy(offerId);
        assertEq(market.refundeeOf(licenseId), address(0));
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ILicenseRenewals.Market_NotRevocable.selector, licenseId));
        market.revoke(licenseId, "");
    }

    function test_revoke_reverts_for_an_unknown_license() public {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        market.revoke(99, "");
        assertEq(market.refundeeOf(99), address(0));
    }
}
