// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Vm } from "forge-std/Vm.sol";

import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { Obligations } from "../../../contracts/libraries/Obligations.sol";
import { Rights } from "../../../contracts/libraries/Rights.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract TermsTest is Fixture {
    /// @dev A seat that is bound to its holder but lent to others, without the right to sublicense.
    function _isSublet(ILicenseMarket.Terms memory terms) internal pure returns (bool) {
        return terms.delegable && !terms.transferable && terms.rights & Rights.SUBLICENSE == 0;
    }

    function test_defineTerms_makes_terms_known_by_their_hash() public {
        ILicenseMarket.Terms memory terms = _terms();
        bytes32 expectedId = keccak256(abi.encode(terms));
        vm.expectEmit();
        emit ILicenseMarket.TermsDefined(expectedId, terms);
        bytes32 termsId = market.defineTerms(terms);
        assertEq(termsId, expectedId);
        assertEq(market.termsIdOf(terms), expectedId);
        assertEq(abi.encode(market.termsOf(termsId)), abi.encode(terms));
    }

    function test_defineTerms_again_changes_and_says_nothing() public {
        bytes32 termsId = market.defineTerms(_terms());
        vm.recordLogs();
        assertEq(market.defineTerms(_terms()), termsId);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 0);
    }

    function testFuzz_defineTerms_gives_different_terms_different_ids(ILicenseMarket.Terms memory terms) public {
        terms.rights = bound(terms.rights, 1, Rights.ALL);
        terms.obligations = bound(terms.obligations, 0, Obligations.ALL);
        vm.assume(terms.legalTextHash != 0);
        vm.assume(!_isSublet(terms));
        bytes32 termsId = market.defineTerms(terms);
        assertEq(abi.encode(market.termsOf(termsId)), abi.encode(terms));
        terms.transferable = !terms.transferable;
        assertNotEq(market.termsIdOf(terms), termsId);
    }

    function test_defineTerms_reverts_without_rights() public {
        ILicenseMarket.Terms memory terms = _terms();
        terms.rights = 0;
        vm.expectRevert(ILicenseMarket.Market_NoRights.selector);
        market.defineTerms(terms);
    }

    function testFuzz_defineTerms_reverts_for_unknown_rights(uint256 rights) public {
        rights = bound(rights, Rights.ALL + 1, type(uint256).max);
        ILicenseMarket.Terms memory terms = _terms();
        terms.rights = rights;
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_UnknownRights.selector, rights));
        market.defineTerms(terms);
    }

    function testFuzz_defineTerms_reverts_for_unknown_obligations(uint256 obligations) public {
        obligations = bound(obligations, Obligations.ALL + 1, type(uint256).max);
        ILicenseMarket.Terms memory terms = _terms();
        terms.obligations = obligations;
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_UnknownObligations.selector, obligations));
        market.defineTerms(terms);
    }

    function test_defineTerms_reverts_without_a_legal_text() public {
        ILicenseMarket.Terms memory terms = _terms();
        terms.legalTextHash = 0;
        vm.expectRevert(ILicenseMarket.Market_ZeroLegalText.selector);
        market.defineTerms(terms);
    }

    function testFuzz_termsOf_reverts_for_unknown_terms(bytes32 termsId) public {
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_UnknownTerms.selector, termsId));
        market.termsOf(termsId);
    }

    function testFuzz_defineTerms_reverts_for_a_seat_that_could_be_sublet(uint256 rights) public {
        ILicenseMarket.Terms memory terms = _terms();
        terms.transferable = false;
        terms.rights = bound(rights, 1, Rights.ALL) & ~Rights.SUBLICENSE;
        vm.assume(terms.rights != 0);
        vm.expectRevert(ILicenseMarket.Market_SoulboundDelegable.selector);
        market.defineTerms(terms);
        terms.rights |= Rights.SUBLICENSE;
        market.defineTerms(terms);
    }

    function test_every_right_can_be_granted_also_to_train_on_the_data() public {
        ILicenseMarket.Terms memory terms = _terms();
        terms.rights = Rights.TRAIN;
        assertEq(Rights.TRAIN, 1 << 9);
        assertEq(Rights.label(9), "Train on the data");
        uint256 offerId = _publishOffer(terms, _offer(0));
        uint256 id = _buy(offerId);
        assertEq(market.rightsOf(offerId), Rights.TRAIN);
        assertTrue(licenses.isLicensed(id, buyer, Rights.TRAIN));
        assertFalse(licenses.isLicensed(id, buyer, Rights.INFER));
        terms.rights = Rights.ALL;
        assertEq(market.rightsOf(_publishOffer(terms, _offer(0))), Rights.ALL);
    }
}
