// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { ILicenseToken } from "../../contracts/interfaces/ILicenseToken.sol";
import { Fixture } from "./Fixture.sol";

/// @notice A license token of which the test says what is licensed to whom.
contract StatedLicenses {
    struct Stated {
        uint128 assetId;
        address account;
        uint256 rights;
        uint64 expiresAt;
    }

    mapping(uint256 tokenId => Stated) private _stated;

    function state(uint256 tokenId, Stated calldata stated) external {
        _stated[tokenId] = stated;
    }

    function isLicensed(uint256 tokenId, address account, uint256 rights) external view returns (bool) {
        Stated storage stated = _stated[tokenId];
        return stated.account == account && stated.rights & rights == rights && block.timestamp < stated.expiresAt;
    }

    function licenseOf(uint256 tokenId) external view returns (ILicenseToken.License memory license) {
        license.assetId = _stated[tokenId].assetId;
    }
}

/// @title RegistryFixture
/// @notice The suite with a second owner's dataset, and changes of the model's share table.
abstract contract RegistryFixture is Fixture {
    uint64 internal constant NOTICE = 7 days;

    address internal parentOwner = makeAddr("parent owner");
    /// @dev The parent owner's, open, without a least share, in one version.
    uint128 internal parentId;
    StatedLicenses internal stated;

    function setUp() public virtual override {
        super.setUp();
        stated = new StatedLicenses();
        parentId = _parent("parent");
    }

    function _parent(bytes32 salt) internal returns (uint128 assetId) {
        return _parentOf(salt, IAssetRegistry.AssetKind.DATASET);
    }

    function _parentOf(bytes32 salt, IAssetRegistry.AssetKind kind) internal returns (uint128 assetId) {
        IAssetRegistry.Registration memory registration = _dataset(salt);
        registration.kind = kind;
        registration.owner = parentOwner;
        registration.derivation.minShareBps = 0;
        vm.startPrank(parentOwner);
        (assetId,) = registry.register(registration);
        registry.publish(assetId, keccak256("records"), keccak256("manifest"), "ipfs://snapshot");
        vm.stopPrank();
    }

    function _edge(uint128 parent, IAssetRegistry.EdgeKind kind, uint16 shareBps)
        internal
        pure
        returns (IAssetRegistry.Edge memory)
    {
        return IAssetRegistry.Edge({ parent: parent, parentVersion: 1, kind: kind, shareBps: shareBps, licenseId: 0 });
    }

    function _data(uint128 parent, uint16 shareBps) internal pure returns (IAssetRegistry.Edge memory) {
        return _edge(parent, IAssetRegistry.EdgeKind.DATA, shareBps);
    }

    /// @dev A model of the owner's with one DATA edge to the parent owner's dataset.
    function _child(bytes32 salt, uint16 shareBps) internal returns (uint128 assetId) {
        IAssetRegistry.Registration memory registration = _model(salt);
        registration.edges[0] = _data(parentId, shareBps);
        registration.shares.poolBps = 5_500 - shareBps;
        return _register(registration);
    }

    /// @dev The model's table as it is.
    function _same() internal pure returns (IAssetRegistry.Change memory change) {
        change.edgeShares = new uint16[](1);
        change.edgeShares[0] = 1_000;
        change.shares = _modelShares();
    }

    function _modelShares() internal pure returns (IAssetRegistry.Shares memory) {
        // The names are those of the fixture; makeAddr is not pure.
        return IAssetRegistry.Shares({
            payee: address(0xA1),
            payeeBps: 3_000,
            host: address(0xA2),
            hostBps: 1_000,
            curators: address(0xA3),
            curatorsBps: 500,
            poolBps: MODEL_POOL_BPS
        });
    }

    /// @dev An edge to the parent owner's dataset, out of the pool.
    function _addition(uint16 shareBps) internal view returns (IAssetRegistry.Change memory change) {
        change = _same();
        change.added = new IAssetRegistry.Edge[](1);
        change.added[0] = _data(parentId, shareBps);
        change.edgeShares = new uint16[](2);
        change.edgeShares[0] = 1_000;
        change.edgeShares[1] = shareBps;
        change.shares.poolBps -= shareBps;
    }

    /// @dev The share of a one-edge child at another height, the difference to or from the pool.
    function _lowered(uint16 shareBps) internal pure returns (IAssetRegistry.Change memory change) {
        change = _same();
        change.edgeShares[0] = shareBps;
        change.shares.poolBps = 5_500 - shareBps;
    }

    function _announce(uint128 assetId, IAssetRegistry.Change memory change) internal {
        address assetOwner = registry.ownerOf(assetId);
        vm.prank(assetOwner);
        registry.announceChange(assetId, change);
    }

    function _announceAndWait(uint128 assetId, IAssetRegistry.Change memory change) internal {
        _announce(assetId, change);
        vm.warp(vm.getBlockTimestamp() + NOTICE);
    }

    /// @dev Makes the parent owner's dataset derivable only as said.
    function _setRule(uint128 assetId, IAssetRegistry.DerivationRule rule) internal {
        IAssetRegistry.Derivation memory derivation;
        derivation.rule = rule;
        if (rule == IAssetRegistry.DerivationRule.LICENSED) derivation.licenseToken = address(stated);
        address assetOwner = registry.ownerOf(assetId);
        vm.prank(assetOwner);
        registry.setDerivation(assetId, derivation);
    }

    function _error(bytes4 selector, uint128 assetId) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, assetId);
    }
}
