// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { IERC4906 } from "@openzeppelin/contracts/interfaces/IERC4906.sol";

import { LicenseToken } from "../../../contracts/LicenseToken.sol";
import { IERC4907 } from "../../../contracts/interfaces/IERC4907.sol";
import { IERC5192 } from "../../../contracts/interfaces/IERC5192.sol";
import { IERC7572 } from "../../../contracts/interfaces/IERC7572.sol";
import { IERC7858 } from "../../../contracts/interfaces/IERC7858.sol";
import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicenseToken } from "../../../contracts/interfaces/ILicenseToken.sol";
import { Rights } from "../../../contracts/libraries/Rights.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract TokenTest is Fixture {
    address internal user = makeAddr("user");
    uint256 internal id;

    function setUp() public override {
        super.setUp();
        id = _buy(_publishOffer(_terms(), _offer(0)));
    }

    function _bound() internal returns (uint256) {
        ILicenseMarket.Terms memory terms = _terms();
        terms.transferable = false;
        terms.delegable = false;
        return _buy(_publishOffer(terms, _offer(0)));
    }

    function test_licenseOf_tells_what_was_bought() public view {
        ILicenseToken.License memory license = licenses.licenseOf(id);
        assertEq(license.assetId, modelId);
        assertEq(license.termsId, market.termsIdOf(_terms()));
        assertEq(license.issuedAt, START);
        assertEq(license.expiresAt, START + 30 days);
        assertTrue(license.transferable);
        assertTrue(license.delegable);
    }

    function test_issue_reverts_for_anybody_but_the_market() public {
        ILicenseToken.License memory license = licenses.licenseOf(id);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.License_NotMarket.selector, address(this)));
        licenses.issue(stranger, license);
    }

    function test_isLicensed_for_the_rights_in_the_terms() public view {
        assertTrue(licenses.isLicensed(id, buyer, Rights.INFER));
        assertTrue(licenses.isLicensed(id, buyer, Rights.INFER | Rights.COMMERCIAL));
        assertFalse(licenses.isLicensed(id, buyer, Rights.INFER | Rights.DISTIL));
        assertFalse(licenses.isLicensed(id, buyer, 0));
        assertFalse(licenses.isLicensed(id, stranger, Rights.INFER));
        assertFalse(licenses.isLicensed(id, address(0), Rights.INFER));
        assertFalse(licenses.isLicensed(99, buyer, Rights.INFER));
    }

    function test_isLicensed_until_the_license_expires() public {
        vm.warp(START + 30 days - 1);
        assertTrue(licenses.isLicensed(id, buyer, Rights.INFER));
        vm.warp(START + 30 days);
        assertFalse(licenses.isLicensed(id, buyer, Rights.INFER));
        assertTrue(licenses.isTokenExpired(id));
    }

    function test_isLicensed_follows_a_transfer() public {
        vm.prank(buyer);
        licenses.transferFrom(buyer, stranger, id);
        assertFalse(licenses.isLicensed(id, buyer, Rights.INFER));
        assertTrue(licenses.isLicensed(id, stranger, Rights.INFER));
    }

    function test_setUser_licenses_the_user_beside_the_holder() public {
        vm.expectEmit();
        emit IERC4907.UpdateUser(id, user, START + 10);
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(id);
        vm.prank(buyer);
        licenses.setUser(id, user, START + 10);
        assertTrue(licenses.isLicensed(id, user, Rights.INFER));
        assertTrue(licenses.isLicensed(id, buyer, Rights.INFER));
        assertEq(licenses.userOf(id), user);
        assertEq(licenses.userExpires(id), START + 10);
        vm.warp(START + 10);
        assertEq(licenses.userOf(id), user);
        vm.warp(START + 11);
        assertEq(licenses.userOf(id), address(0));
        assertFalse(licenses.isLicensed(id, user, Rights.INFER));
    }

    function test_setUser_by_an_approved_account() public {
        vm.prank(buyer);
        licenses.approve(stranger, id);
        vm.prank(stranger);
        licenses.setUser(id, user, START + 10);
        assertEq(licenses.userOf(id), user);
    }

    function test_setUser_to_zero_ends_the_use() public {
        vm.startPrank(buyer);
        licenses.setUser(id, user, START + 10);
        licenses.setUser(id, address(0), 0);
        assertFalse(licenses.isLicensed(id, user, Rights.INFER));
        assertFalse(licenses.isLicensed(id, address(0), Rights.INFER));
    }

    function test_setUser_reverts_for_anybody_else() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, stranger, id));
        licenses.setUser(id, user, START + 10);
    }

    function test_setUser_reverts_for_an_unknown_license() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        licenses.setUser(99, user, START + 10);
    }

    function test_setUser_reverts_when_the_terms_do_not_allow_it() public {
        uint256 boundId = _bound();
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.License_NotDelegable.selector, boundId));
        licenses.setUser(boundId, user, START + 10);
    }

    function testFuzz_setUser_reverts_past_the_licenses_end(uint64 expires) public {
        expires = uint64(bound(expires, START + 30 days + 1, type(uint64).max));
        vm.prank(buyer);
        vm.expectRevert(
            abi.encodeWithSelector(ILicenseToken.License_UserOutlivesLicense.selector, id, expires, START + 30 days)
        );
        licenses.setUser(id, user, expires);
    }

    function test_userOf_ends_with_the_license() public {
        vm.prank(buyer);
        licenses.setUser(id, user, START + 30 days);
        vm.warp(START + 30 days);
        assertEq(licenses.userOf(id), address(0));
    }

    function test_transfer_clears_the_user() public {
        vm.startPrank(buyer);
        licenses.setUser(id, user, START + 10);
        vm.expectEmit();
        emit IERC4907.UpdateUser(id, address(0), 0);
        licenses.transferFrom(buyer, stranger, id);
        assertEq(licenses.userOf(id), address(0));
        assertFalse(licenses.isLicensed(id, user, Rights.INFER));
    }

    function test_a_license_bound_to_its_holder_says_so() public {
        ILicenseMarket.Terms memory terms = _terms();
        terms.transferable = false;
        terms.delegable = false;
        uint256 offerId = _publishOffer(terms, _offer(0));
        vm.expectEmit();
        emit IERC5192.Locked(id + 1);
        _buy(offerId);
    }

    function test_transfer_reverts_when_the_license_is_bound() public {
        uint256 boundId = _bound();
        assertTrue(licenses.locked(boundId));
        assertFalse(licenses.locked(id));
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.License_NotTransferable.selector, boundId));
        licenses.transferFrom(buyer, stranger, boundId);
    }

    function testFuzz_royaltyInfo_gives_the_vault_five_percent(uint128 price) public view {
        (address receiver, uint256 amount) = licenses.royaltyInfo(id, price);
        assertEq(receiver, address(vault));
        assertEq(amount, uint256(price) * 5 / 100);
    }

    function test_times_are_those_of_the_license() public view {
        assertEq(uint8(licenses.expiryType()), uint8(IERC7858.EXPIRY_TYPE.TIME_BASED));
        assertEq(licenses.startTime(id), START);
        assertEq(licenses.endTime(id), START + 30 days);
        assertFalse(licenses.isTokenExpired(id));
    }

    function test_views_revert_for_an_unknown_license() public {
        bytes memory reason = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99);
        vm.expectRevert(reason);
        licenses.licenseOf(99);
        vm.expectRevert(reason);
        licenses.locked(99);
        vm.expectRevert(reason);
        licenses.startTime(99);
        vm.expectRevert(reason);
        licenses.endTime(99);
        vm.expectRevert(reason);
        licenses.isTokenExpired(99);
        vm.expectRevert(reason);
        licenses.royaltyInfo(99, 1);
        vm.expectRevert(reason);
        licenses.limitsOf(99);
        vm.expectRevert(reason);
        licenses.offerIdOf(99);
    }

    function test_supportsInterface_names_every_standard() public view {
        assertTrue(licenses.supportsInterface(0x01ffc9a7)); // 165
        assertTrue(licenses.supportsInterface(0x80ac58cd)); // 721
        assertTrue(licenses.supportsInterface(0x5b5e139f)); // 721 metadata
        assertTrue(licenses.supportsInterface(0x2a55205a)); // 2981
        assertTrue(licenses.supportsInterface(0x49064906)); // 4906
        assertTrue(licenses.supportsInterface(0xad092b5c)); // 4907
        assertTrue(licenses.supportsInterface(0xb45a3c0e)); // 5192
        assertTrue(licenses.supportsInterface(0x3ebdfa31)); // 7858
        assertFalse(licenses.supportsInterface(0xffffffff));
    }

    function testFuzz_renew_and_burn_revert_for_anybody_but_the_market(address caller) public {
        vm.assume(caller != address(market));
        bytes memory reason = abi.encodeWithSelector(ILicenseToken.License_NotMarket.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(reason);
        licenses.renew(id, 1);
        vm.expectRevert(reason);
        licenses.burn(id);
    }

    function test_the_holder_cannot_burn_a_license() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.License_NotMarket.selector, buyer));
        licenses.burn(id);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0)));
        licenses.transferFrom(buyer, address(0), id);
    }

    function test_renew_and_burn_revert_for_an_unknown_license() public {
        bytes memory reason = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99);
        vm.startPrank(address(market));
        vm.expectRevert(reason);
        licenses.renew(99, 1);
        vm.expectRevert(reason);
        licenses.burn(99);
    }

    function test_burn_ends_a_license_that_is_bound() public {
        uint256 boundId = _bound();
        vm.expectEmit();
        emit IERC4906.MetadataUpdate(boundId);
        vm.prank(address(market));
        licenses.burn(boundId);
        assertEq(licenses.balanceOf(buyer), 1);
        assertFalse(licenses.isLicensed(boundId, buyer, Rights.INFER));
        assertEq(licenses.licensesOf(_list(boundId, 99))[0].issuedAt, 0);
    }

    function test_burn_clears_user_and_approvals() public {
        vm.startPrank(buyer);
        licenses.setUser(id, user, START + 10);
        licenses.approve(stranger, id);
        vm.stopPrank();
        vm.expectEmit();
        emit IERC4907.UpdateUser(id, address(0), 0);
        vm.prank(address(market));
        licenses.burn(id);
        assertEq(licenses.userOf(id), address(0));
        assertEq(licenses.userExpires(id), 0);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, id));
        licenses.transferFrom(buyer, stranger, id);
    }

    function _list(uint256 first, uint256 second) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](2);
        (ids[0], ids[1]) = (first, second);
    }

    function test_licensesOf_tells_many_and_nothing_of_those_that_are_not_there() public view {
        ILicenseToken.License[] memory found = licenses.licensesOf(_list(99, id));
        ILicenseToken.License memory nothing;
        assertEq(abi.encode(found[0]), abi.encode(nothing));
        assertEq(abi.encode(found[1]), abi.encode(licenses.licenseOf(id)));
        assertEq(licenses.licensesOf(new uint256[](0)).length, 0);
    }

    function test_limitsOf_tells_programs_all_they_need() public {
        ILicenseMarket.Terms memory terms = _terms();
        terms.territory = keccak256("territory");
        terms.fieldOfUse = keccak256("field");
        terms.obligations = 5;
        terms.revocable = true;
        uint256 limited = _buy(_publishOffer(terms, _offer(0)));
        vm.prank(buyer);
        licenses.setUser(limited, user, START + 10);
        ILicenseToken.Limits memory expected = ILicenseToken.Limits({
            assetId: modelId,
            termsId: market.termsIdOf(terms),
            rights: terms.rights,
            obligations: 5,
            maxCalls: 10_000,
            callsPerMinute: 600,
            territory: terms.territory,
            fieldOfUse: terms.fieldOfUse,
            legalTextHash: terms.legalTextHash,
            issuedAt: START,
            expiresAt: START + 30 days,
            transferable: true,
            delegable: true,
            revocable: true,
            expired: false,
            holder: buyer,
            user: user,
            userExpires: START + 10
        });
        assertEq(abi.encode(licenses.limitsOf(limited)), abi.encode(expected));
        vm.warp(START + 11);
        (expected.user, expected.userExpires) = (address(0), 0);
        assertEq(abi.encode(licenses.limitsOf(limited)), abi.encode(expected));
        vm.warp(START + 30 days);
        expected.expired = true;
        assertEq(abi.encode(licenses.limitsOf(limited)), abi.encode(expected));
    }

    function test_offerIdOf_tells_the_offer() public {
        assertEq(licenses.offerIdOf(id), 1);
        assertEq(licenses.offerIdOf(_bound()), 2);
    }

    function test_contractURI_is_announced_when_the_token_is_made() public {
        vm.expectEmit();
        emit IERC7572.ContractURIUpdated();
        LicenseToken other = new LicenseToken(registry, renderer);
        assertEq(other.contractURI(), renderer.contractURI());
        assertEq(other.market(), address(this));
    }
}
