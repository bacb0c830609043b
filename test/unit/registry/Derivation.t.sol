// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { Rights } from "../../../contracts/libraries/Rights.sol";
import { RegistryFixture, StatedLicenses } from "../../utils/RegistryFixture.sol";

contract DerivationTest is RegistryFixture {
    uint256 internal constant LICENSE = 7;

    function _derivation(IAssetRegistry.DerivationRule rule, uint16 minShareBps, address licenseToken)
        internal
        pure
        returns (IAssetRegistry.Derivation memory)
    {
        return IAssetRegistry.Derivation({ rule: rule, minShareBps: minShareBps, licenseToken: licenseToken });
    }

    /// @dev A model of the stranger's, derived from the parent under a license.
    function _strangers(IAssetRegistry.Edge memory edge) internal view returns (IAssetRegistry.Registration memory r) {
        r = _model("the stranger's");
        r.edges[0] = edge;
        r.shares.poolBps = 5_500 - edge.shareBps;
    }

    function _registerAsStranger(IAssetRegistry.Edge memory edge) internal returns (uint128 assetId) {
        IAssetRegistry.Registration memory registration = _strangers(edge);
        vm.prank(stranger);
        (assetId,) = registry.register(registration);
    }

    function _licensed(IAssetRegistry.EdgeKind kind) internal view returns (IAssetRegistry.Edge memory edge) {
        edge = _edge(parentId, kind, 500);
        edge.licenseId = LICENSE;
    }

    function _state(uint128 assetId, address account, uint256 rights) internal {
        stated.state(
            LICENSE,
            StatedLicenses.Stated({ assetId: assetId, account: account, rights: rights, expiresAt: START + 1 days })
        );
    }

    function _expectNotLicensed(IAssetRegistry.Edge memory edge) internal {
        IAssetRegistry.Registration memory registration = _strangers(edge);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IAssetRegistry.Registry_NotLicensed.selector, edge.parent, stranger, edge.licenseId)
        );
        registry.register(registration);
    }

    // Setting the rule

    function testFuzz_setDerivation_replaces_it_at_once(uint8 rule, uint16 minShareBps) public {
        IAssetRegistry.DerivationRule rule_ = IAssetRegistry.DerivationRule(bound(rule, 0, 2));
        minShareBps = uint16(bound(minShareBps, 0, 9_000));
        bool isLicensed = rule_ == IAssetRegistry.DerivationRule.LICENSED;
        IAssetRegistry.Derivation memory derivation =
            _derivation(rule_, minShareBps, isLicensed ? address(licenses) : address(0));
        vm.expectEmit();
        emit IAssetRegistry.DerivationSet(parentId, derivation);
        vm.prank(parentOwner);
        registry.setDerivation(parentId, derivation);
        assertEq(abi.encode(registry.assetOf(parentId).derivation), abi.encode(derivation));
    }

    function testFuzz_setDerivation_reverts_for_anybody_but_the_owner(address caller) public {
        vm.assume(caller != parentOwner);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_NotOwner.selector, parentId, caller));
        registry.setDerivation(parentId, _derivation(IAssetRegistry.DerivationRule.OPEN, 0, address(0)));
    }

    function test_setDerivation_reverts_for_an_unknown_asset() public {
        vm.expectRevert(_error(IAssetRegistry.Registry_UnknownAsset.selector, 1));
        registry.setDerivation(1, _derivation(IAssetRegistry.DerivationRule.OPEN, 0, address(0)));
    }

    function testFuzz_setDerivation_reverts_when_it_asks_more_than_children_can_give(uint16 minShareBps) public {
        minShareBps = uint16(bound(minShareBps, 9_001, type(uint16).max));
        vm.prank(parentOwner);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_BadMinShare.selector, minShareBps));
        registry.setDerivation(parentId, _derivation(IAssetRegistry.DerivationRule.OPEN, minShareBps, address(0)));
    }

    function testFuzz_a_license_token_goes_with_the_licensed_rule_alone(address token) public {
        vm.assume(token != address(0));
        vm.startPrank(parentOwner);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.Registry_LicenseTokenMismatch.selector, IAssetRegistry.DerivationRule.OPEN, token
            )
        );
        registry.setDerivation(parentId, _derivation(IAssetRegistry.DerivationRule.OPEN, 0, token));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.Registry_LicenseTokenMismatch.selector,
                IAssetRegistry.DerivationRule.LICENSED,
                address(0)
            )
        );
        registry.setDerivation(parentId, _derivation(IAssetRegistry.DerivationRule.LICENSED, 0, address(0)));
        vm.stopPrank();

        IAssetRegistry.Registration memory registration = _dataset("mismatch");
        registration.derivation.licenseToken = token;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.Registry_LicenseTokenMismatch.selector, IAssetRegistry.DerivationRule.OPEN, token
            )
        );
        registry.register(registration);
    }

    // Closed parents and allowed children

    function test_a_closed_parent_takes_its_owners_children_alone() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.CLOSED);
        IAssetRegistry.Registration memory registration = _strangers(_data(parentId, 500));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_DerivationClosed.selector, parentId, stranger));
        registry.register(registration);
        vm.prank(parentOwner);
        registry.register(registration);
    }

    function test_an_evaluation_needs_no_permission() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.CLOSED);
        _registerAsStranger(_edge(parentId, IAssetRegistry.EdgeKind.EVAL, 0));
    }

    function test_allowChild_lets_one_child_derive_whatever_the_rule() public {
        uint128 childId = registry.assetIdOf(stranger, "the stranger's");
        vm.expectEmit();
        emit IAssetRegistry.ChildAllowed(parentId, childId, parentOwner);
        vm.prank(parentOwner);
        registry.allowChild(parentId, childId);
        assertTrue(registry.isChildAllowed(parentId, childId));
        assertFalse(registry.isChildAllowed(parentId, modelId));
        _setRule(parentId, IAssetRegistry.DerivationRule.CLOSED);
        assertEq(_registerAsStranger(_data(parentId, 500)), childId);
    }

    function test_allowChild_does_not_lower_the_least_share() public {
        vm.startPrank(parentOwner);
        registry.allowChild(parentId, registry.assetIdOf(stranger, "the stranger's"));
        registry.setDerivation(parentId, _derivation(IAssetRegistry.DerivationRule.CLOSED, 501, address(0)));
        vm.stopPrank();
        IAssetRegistry.Registration memory registration = _strangers(_data(parentId, 500));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_ShareTooSmall.selector, parentId, 500, 501));
        registry.register(registration);
    }

    function test_disallowChild_takes_it_back() public {
        uint128 childId = registry.assetIdOf(stranger, "the stranger's");
        vm.startPrank(parentOwner);
        registry.allowChild(parentId, childId);
        vm.expectEmit();
        emit IAssetRegistry.ChildDisallowed(parentId, childId, parentOwner);
        registry.disallowChild(parentId, childId);
        vm.stopPrank();
        assertFalse(registry.isChildAllowed(parentId, childId));
    }

    function test_an_allowance_is_void_once_the_parent_changed_hands_and_after() public {
        uint128 childId = registry.assetIdOf(stranger, "the stranger's");
        vm.startPrank(parentOwner);
        registry.allowChild(parentId, childId);
        registry.transferFrom(parentOwner, owner, parentId);
        vm.stopPrank();
        assertFalse(registry.isChildAllowed(parentId, childId));
        vm.prank(owner);
        registry.transferFrom(owner, parentOwner, parentId);
        assertFalse(registry.isChildAllowed(parentId, childId));
    }

    function testFuzz_allowing_and_disallowing_revert_for_anybody_but_the_owner(address caller) public {
        vm.assume(caller != parentOwner);
        bytes memory reason = abi.encodeWithSelector(IAssetRegistry.Registry_NotOwner.selector, parentId, caller);
        vm.startPrank(caller);
        vm.expectRevert(reason);
        registry.allowChild(parentId, 1);
        vm.expectRevert(reason);
        registry.disallowChild(parentId, 1);
    }

    function test_allowing_and_disallowing_revert_for_an_unknown_parent() public {
        bytes memory reason = _error(IAssetRegistry.Registry_UnknownAsset.selector, 1);
        vm.expectRevert(reason);
        registry.allowChild(1, modelId);
        vm.expectRevert(reason);
        registry.disallowChild(1, modelId);
        vm.expectRevert(reason);
        registry.isChildAllowed(1, modelId);
    }

    // Licensed parents

    function test_a_license_with_the_right_lets_derive_and_is_kept_with_the_edge() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);
        _state(parentId, stranger, Rights.TRAIN);
        uint128 childId = _registerAsStranger(_licensed(IAssetRegistry.EdgeKind.DATA));
        assertEq(registry.edgesOf(childId)[0].licenseId, LICENSE);
    }

    function testFuzz_each_kind_of_edge_needs_its_own_right(uint8 kind, uint256 rights) public {
        uint128 datasetParent = parentId;
        parentId = _parentOf("licensed model", IAssetRegistry.AssetKind.MODEL);
        IAssetRegistry.EdgeKind kind_ = IAssetRegistry.EdgeKind(bound(kind, 0, 4));
        uint256 needed = Rights.FINE_TUNE;
        if (kind_ == IAssetRegistry.EdgeKind.DATA) (needed, parentId) = (Rights.TRAIN, datasetParent);
        if (kind_ == IAssetRegistry.EdgeKind.MERGE) needed = Rights.MERGE;
        if (kind_ == IAssetRegistry.EdgeKind.DISTIL) needed = Rights.DISTIL;
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);

        _state(parentId, stranger, rights);
        if (rights & needed == 0) _expectNotLicensed(_licensed(kind_));
        _state(parentId, stranger, needed);
        _registerAsStranger(_licensed(kind_));
    }

    function test_a_license_for_another_asset_does_not_let_derive() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);
        _state(datasetId, stranger, Rights.TRAIN);
        _expectNotLicensed(_licensed(IAssetRegistry.EdgeKind.DATA));
    }

    function test_the_license_of_another_does_not_let_derive() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);
        _state(parentId, buyer, Rights.TRAIN);
        _expectNotLicensed(_licensed(IAssetRegistry.EdgeKind.DATA));
    }

    function test_an_expired_license_does_not_let_derive() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);
        _state(parentId, stranger, Rights.TRAIN);
        vm.warp(START + 1 days);
        _expectNotLicensed(_licensed(IAssetRegistry.EdgeKind.DATA));
    }

    function test_no_license_does_not_let_derive() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);
        _expectNotLicensed(_data(parentId, 500));
    }

    function test_the_owner_of_a_licensed_parent_needs_no_license() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);
        IAssetRegistry.Registration memory registration = _strangers(_licensed(IAssetRegistry.EdgeKind.DATA));
        vm.prank(parentOwner);
        (uint128 childId,) = registry.register(registration);
        // What was not needed was not looked at, and is not kept.
        assertEq(registry.edgesOf(childId)[0].licenseId, 0);
    }

    function test_an_allowed_child_of_a_licensed_parent_needs_no_license() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);
        uint128 childId = registry.assetIdOf(stranger, "the stranger's");
        vm.prank(parentOwner);
        registry.allowChild(parentId, childId);
        _registerAsStranger(_data(parentId, 500));
    }

    function testFuzz_a_license_id_that_cannot_be_kept_is_refused(uint256 licenseId) public {
        licenseId = bound(licenseId, 1 << 72, type(uint256).max);
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);
        stated.state(
            licenseId,
            StatedLicenses.Stated({ assetId: parentId, account: stranger, rights: Rights.TRAIN, expiresAt: START + 1 })
        );
        IAssetRegistry.Edge memory edge = _data(parentId, 500);
        edge.licenseId = licenseId;
        IAssetRegistry.Registration memory registration = _strangers(edge);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 72, licenseId));
        registry.register(registration);
    }

    function test_a_late_edge_needs_the_license_of_the_assets_owner_when_it_is_applied() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.LICENSED);
        IAssetRegistry.Change memory change = _addition(500);
        change.added[0].licenseId = LICENSE;
        bytes memory reason =
            abi.encodeWithSelector(IAssetRegistry.Registry_NotLicensed.selector, parentId, owner, LICENSE);
        vm.prank(owner);
        vm.expectRevert(reason);
        registry.announceChange(modelId, change);

        _state(parentId, owner, Rights.TRAIN);
        _announceAndWait(modelId, change);
        // It has expired meanwhile, and whoever applies needs none.
        vm.expectRevert(reason);
        registry.applyChange(modelId, change);
        stated.state(
            LICENSE,
            StatedLicenses.Stated({
                assetId: parentId, account: owner, rights: Rights.TRAIN, expiresAt: type(uint64).max
            })
        );
        vm.prank(stranger);
        registry.applyChange(modelId, change);
        assertEq(registry.edgesOf(modelId)[1].licenseId, LICENSE);
    }

    function test_a_license_of_the_market_lets_fine_tune() public {
        uint128 baseId = _parentOf("base", IAssetRegistry.AssetKind.MODEL);
        vm.prank(parentOwner);
        registry.setDerivation(baseId, _derivation(IAssetRegistry.DerivationRule.LICENSED, 0, address(licenses)));
        ILicenseMarket.Terms memory terms = _terms();
        terms.rights |= Rights.FINE_TUNE;
        ILicenseMarket.Offer memory offer = _offer(market.defineTerms(terms));
        offer.assetId = baseId;
        offer.price = 0;
        vm.prank(parentOwner);
        uint256 offerId = market.offer(offer);
        vm.prank(buyer);
        uint256 licenseId = market.buy(offerId, 1, stranger, type(uint256).max);

        parentId = baseId;
        IAssetRegistry.Edge memory edge = _edge(baseId, IAssetRegistry.EdgeKind.DISTIL, 500);
        edge.licenseId = licenseId;
        _expectNotLicensed(edge);
        edge.kind = IAssetRegistry.EdgeKind.FINETUNE;
        vm.warp(START + 31 days);
        _expectNotLicensed(edge);
        vm.warp(START + 29 days);
        _registerAsStranger(edge);
    }
}
