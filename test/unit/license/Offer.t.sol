// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract OfferTest is Fixture {
    bytes32 internal termsId;

    function setUp() public override {
        super.setUp();
        termsId = market.defineTerms(_terms());
    }

    function _expectOfferRevert(ILicenseMarket.Offer memory offer, bytes memory reason) internal {
        vm.prank(owner);
        vm.expectRevert(reason);
        market.offer(offer);
    }

    function test_offer_keeps_what_was_given() public {
        ILicenseMarket.Offer memory offer = _offer(termsId);
        offer.supply = 9;
        vm.expectEmit();
        emit ILicenseMarket.Offered(1, modelId, termsId, offer);
        vm.prank(owner);
        assertEq(market.offer(offer), 1);
        assertEq(abi.encode(market.offerOf(1)), abi.encode(offer));
        assertEq(market.offerStateOf(1).sold, 0);
        assertFalse(market.offerStateOf(1).closed);
        vm.prank(owner);
        assertEq(market.offer(offer), 2);
    }

    function testFuzz_offer_reverts_for_anybody_but_the_owner(address caller) public {
        vm.assume(caller != owner);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_NotAssetOwner.selector, modelId, caller));
        market.offer(_offer(termsId));
    }

    function test_offer_reverts_for_an_unknown_asset() public {
        ILicenseMarket.Offer memory offer = _offer(termsId);
        offer.assetId = 1;
        _expectOfferRevert(offer, abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
    }

    function test_offer_reverts_for_unknown_terms() public {
        _expectOfferRevert(
            _offer("unknown"), abi.encodeWithSelector(ILicenseMarket.Market_UnknownTerms.selector, bytes32("unknown"))
        );
    }

    function test_offer_reverts_without_a_token() public {
        ILicenseMarket.Offer memory offer = _offer(termsId);
        offer.token = address(0);
        _expectOfferRevert(offer, abi.encodeWithSelector(ILicenseMarket.Market_ZeroToken.selector));
    }

    function testFuzz_offer_reverts_for_a_token_that_is_no_contract(address token) public {
        vm.assume(token.code.length == 0 && token != address(0) && token != NATIVE);
        ILicenseMarket.Offer memory offer = _offer(termsId);
        offer.token = token;
        _expectOfferRevert(offer, abi.encodeWithSelector(ILicenseMarket.Market_NotAToken.selector, token));
    }

    function testFuzz_offer_reverts_for_a_supply_nobody_counts(uint64 supply) public {
        ILicenseMarket.Offer memory offer = _offer(termsId);
        offer.supply = uint64(bound(supply, 1 << 48, type(uint64).max));
        _expectOfferRevert(offer, abi.encodeWithSelector(ILicenseMarket.Market_BadSupply.selector, offer.supply));
    }

    function testFuzz_offerOf_tells_what_was_offered(ILicenseMarket.Offer memory offer) public {
        offer.assetId = modelId;
        offer.termsId = termsId;
        offer.token = offer.price % 2 == 0 ? NATIVE : address(dollar);
        offer.upfrontBps = uint16(bound(offer.upfrontBps, 0, 10_000));
        offer.duration = uint64(bound(offer.duration, 0, 36_525 days));
        offer.earnPeriod = uint64(bound(offer.earnPeriod, 0, 36_525 days));
        offer.supply = uint64(bound(offer.supply, 0, (1 << 48) - 1));
        vm.prank(owner);
        assertEq(abi.encode(market.offerOf(market.offer(offer))), abi.encode(offer));
    }

    function test_offer_approves_the_token_to_the_vault_once() public {
        assertEq(dollar.allowance(address(market), address(vault)), 0);
        vm.startPrank(owner);
        market.offer(_offer(termsId));
        assertEq(dollar.allowance(address(market), address(vault)), type(uint256).max);
        vm.expectCall(address(dollar), abi.encodeCall(dollar.approve, (address(vault), type(uint256).max)), 0);
        market.offer(_offer(termsId));
    }

    function testFuzz_offer_reverts_when_upfront_exceeds_the_whole(uint16 upfrontBps) public {
        ILicenseMarket.Offer memory offer = _offer(termsId);
        offer.upfrontBps = uint16(bound(upfrontBps, 10_001, type(uint16).max));
        _expectOfferRevert(offer, abi.encodeWithSelector(ILicenseMarket.Market_BadUpfront.selector, offer.upfrontBps));
    }

    function testFuzz_offer_reverts_for_times_over_100_years(uint64 duration, uint64 earnPeriod) public {
        vm.assume(duration > 36_525 days || earnPeriod > 36_525 days);
        ILicenseMarket.Offer memory offer = _offer(termsId);
        offer.duration = duration;
        offer.earnPeriod = earnPeriod;
        _expectOfferRevert(
            offer, abi.encodeWithSelector(ILicenseMarket.Market_BadDuration.selector, duration, earnPeriod)
        );
    }

    function test_closeOffer_ends_it() public {
        vm.startPrank(owner);
        market.offer(_offer(termsId));
        vm.expectEmit();
        emit ILicenseMarket.OfferClosed(1);
        market.closeOffer(1);
        assertTrue(market.offerStateOf(1).closed);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, 1));
        market.closeOffer(1);
    }

    function test_closeOffer_follows_the_owner_of_the_asset() public {
        vm.startPrank(owner);
        market.offer(_offer(termsId));
        registry.transferFrom(owner, stranger, modelId);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_NotAssetOwner.selector, modelId, owner));
        market.closeOffer(1);
        vm.stopPrank();
        vm.prank(stranger);
        market.closeOffer(1);
    }

    function testFuzz_views_and_closeOffer_revert_for_an_unknown_offer(uint256 offerId) public {
        bytes memory reason = abi.encodeWithSelector(ILicenseMarket.Market_UnknownOffer.selector, offerId);
        vm.expectRevert(reason);
        market.closeOffer(offerId);
        vm.expectRevert(reason);
        market.offerOf(offerId);
        vm.expectRevert(reason);
        market.offerStateOf(offerId);
        vm.expectRevert(reason);
        market.rightsOf(offerId);
        vm.expectRevert(reason);
        market.buy(offerId, 1, buyer, 0);
    }
}
