// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { AssetRegistry } from "../../contracts/AssetRegistry.sol";
import { AttributionLedger } from "../../contracts/AttributionLedger.sol";
import { ConsentRegistry } from "../../contracts/ConsentRegistry.sol";
import { LicenseMarket } from "../../contracts/LicenseMarket.sol";
import { LicenseRenderer } from "../../contracts/LicenseRenderer.sol";
import { LicenseToken } from "../../contracts/LicenseToken.sol";
import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { DemoDollar } from "../../contracts/demo/DemoDollar.sol";
import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { ILicenseMarket } from "../../contracts/interfaces/ILicenseMarket.sol";
import { Currency } from "../../contracts/libraries/Currency.sol";
import { Rights } from "../../contracts/libraries/Rights.sol";
import { Deploy } from "../../script/Deploy.s.sol";
import { SumTreeBuilder } from "./SumTreeBuilder.sol";

/// @title Fixture
/// @notice The deployed suite with one dataset, one model derived from it, three attestors and a funded buyer.
abstract contract Fixture is Test {
    uint64 internal constant START = 1_800_000_000;
    uint32 internal constant WINDOW = 1 days;
    bytes32 internal constant SETTLEMENT = keccak256("epoch-signed/1");
    address internal constant NATIVE = Currency.NATIVE;
    uint16 internal constant MODEL_POOL_BPS = 4_500;

    AttributionLedger internal ledger;
    AssetRegistry internal registry;
    ConsentRegistry internal consents;
    LicenseRenderer internal renderer;
    LicenseMarket internal market;
    LicenseToken internal licenses;
    DemoDollar internal dollar;

    address internal owner = makeAddr("owner");
    address internal payee = makeAddr("payee");
    address internal host = makeAddr("host");
    address internal curators = makeAddr("curators");
    address internal buyer = makeAddr("buyer");
    address internal stranger = makeAddr("stranger");

    /// @dev Private keys of the attestors, in the order of their addresses.
    uint256[] internal attestorKeys;
    address[] internal attestors;

    uint128 internal datasetId;
    RoyaltyVault internal datasetVault;
    uint128 internal modelId;
    RoyaltyVault internal vault;

    function setUp() public virtual {
        vm.warp(START);
        Deploy.Suite memory suite = new Deploy().deploy();
        ledger = suite.ledger;
        registry = suite.registry;
        consents = suite.consents;
        renderer = suite.renderer;
        market = suite.market;
        licenses = suite.licenseToken;
        dollar = new DemoDollar();

        for (uint256 key = 1; key <= 3; ++key) {
            _addAttestor(key);
        }

        datasetId = _register(_dataset("dataset"));
        datasetVault = _vaultOf(datasetId);
        vm.prank(owner);
        registry.publish(datasetId, keccak256("records"), keccak256("manifest"), "ipfs://snapshot");
        modelId = _register(_model("model"));
        vault = _vaultOf(modelId);

        dollar.mint(buyer, 1e15);
        vm.deal(buyer, 1e24);
        vm.startPrank(buyer);
        dollar.approve(address(market), type(uint256).max);
        dollar.approve(address(vault), type(uint256).max);
        vm.stopPrank();
    }

    // Assets

    function _policy() internal view returns (IAttributionLedger.Policy memory) {
        return IAttributionLedger.Policy({
            signers: attestors,
            threshold: 2,
            window: WINDOW,
            arbiter: address(0),
            arbiterPeriod: 0,
            posterBond: 0,
            challengeBond: 0,
            fallbackAfter: 0,
            settlementPolicy: SETTLEMENT
        });
    }

    function _dataset(bytes32 salt) internal view returns (IAssetRegistry.Registration memory registration) {
        registration.kind = IAssetRegistry.AssetKind.DATASET;
        registration.salt = salt;
        registration.owner = owner;
        registration.shares.payee = payee;
        registration.shares.payeeBps = 2_000;
        registration.shares.poolBps = 8_000;
        registration.derivation.minShareBps = 500;
        registration.policy = _policy();
        registration.uri = "ipfs://dataset";
    }

    /// @dev 10 % to the dataset, 30 % payee, 10 % host, 5 % curators, 45 % pool.
    function _model(bytes32 salt) internal view returns (IAssetRegistry.Registration memory registration) {
        registration.kind = IAssetRegistry.AssetKind.MODEL;
        registration.salt = salt;
        registration.owner = owner;
        registration.shares = IAssetRegistry.Shares({
            payee: payee,
            payeeBps: 3_000,
            host: host,
            hostBps: 1_000,
            curators: curators,
            curatorsBps: 500,
            poolBps: MODEL_POOL_BPS
        });
        registration.edges = new IAssetRegistry.Edge[](1);
        registration.edges[0] = IAssetRegistry.Edge({
            parent: datasetId, parentVersion: 1, kind: IAssetRegistry.EdgeKind.DATA, shareBps: 1_000, licenseId: 0
        });
        registration.policy = _policy();
        registration.uri = "ipfs://model";
    }

    function _register(IAssetRegistry.Registration memory registration) internal returns (uint128 assetId) {
        vm.prank(owner);
        (assetId,) = registry.register(registration);
    }

    function _vaultOf(uint128 assetId) internal view returns (RoyaltyVault) {
        return RoyaltyVault(payable(registry.vaultOf(assetId)));
    }

    // Licenses

    function _terms() internal pure returns (ILicenseMarket.Terms memory terms) {
        terms.rights = Rights.INFER | Rights.COMMERCIAL;
        terms.maxCalls = 10_000;
        terms.callsPerMinute = 600;
        terms.legalTextHash = keccak256("the legal text");
        terms.transferable = true;
        terms.delegable = true;
    }

    function _offer(bytes32 termsId) internal view returns (ILicenseMarket.Offer memory) {
        return ILicenseMarket.Offer({
            assetId: modelId,
            termsId: termsId,
            token: address(dollar),
            price: 100e6,
            duration: 30 days,
            upfrontBps: 1_000,
            earnPeriod: 30 days,
            supply: 0
        });
    }

    function _publishOffer(ILicenseMarket.Terms memory terms, ILicenseMarket.Offer memory offer)
        internal
        returns (uint256 offerId)
    {
        offer.termsId = market.defineTerms(terms);
        vm.prank(owner);
        return market.offer(offer);
    }

    function _buy(uint256 offerId) internal returns (uint256 licenseId) {
        vm.prank(buyer);
        return market.buy(offerId, 1, buyer, type(uint256).max);
    }

    // Money

    /// @dev Puts `amount` dollars of revenue into the model's vault and distributes it.
    function _fundPool(uint256 amount) internal {
        vm.prank(buyer);
        vault.pay("payment", address(dollar), amount);
        vault.distribute(address(dollar));
    }

    // Roots

    function _addAttestor(uint256 key) internal {
        _insertAttestor(key, vm.addr(key));
    }

    /// @dev Keeps both lists in the order of the addresses.
    function _insertAttestor(uint256 key, address attestor) internal {
        attestorKeys.push(key);
        attestors.push(attestor);
        for (uint256 i = attestors.length - 1; i > 0 && attestors[i] < attestors[i - 1]; --i) {
            (attestors[i], attestors[i - 1]) = (attestors[i - 1], attestors[i]);
            (attestorKeys[i], attestorKeys[i - 1]) = (attestorKeys[i - 1], attestorKeys[i]);
        }
    }

    /// @dev `count` leaves of `amount` dollars' base units each, plus the index.
    function _leaves(uint256 count, uint128 amount) internal pure returns (SumTreeBuilder.Leaf[] memory leaves) {
        leaves = new SumTreeBuilder.Leaf[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i].account = address(uint160(0xA11CE000 + i * 0x1111));
            leaves[i].cumulative = amount + uint128(i);
        }
    }

    /// @dev The next statement over the leaves, as honest attestors would make it.
    function _statement(SumTreeBuilder.Leaf[] memory leaves)
        internal
        view
        returns (IAttributionLedger.RootStatement memory statement)
    {
        (statement.root, statement.sum) = SumTreeBuilder.root(leaves);
        (, IAttributionLedger.Root memory previous) = ledger.newestActive(address(vault), address(dollar));
        statement.vault = address(vault);
        statement.token = address(dollar);
        statement.index = ledger.rootCount(address(vault), address(dollar)) + 1;
        statement.prevRoot = previous.root;
        statement.leafCount = uint64(leaves.length);
        statement.receiptsRoot = keccak256("receipts");
        statement.receiptsCount = 7;
        statement.dataHash = keccak256("batch");
        statement.settlementPolicy = SETTLEMENT;
        statement.periodEnd = uint64(vm.getBlockTimestamp());
        statement.deadline = uint64(vm.getBlockTimestamp() + 1 hours);
    }

    /// @dev Signatures of the first `count` attestors.
    function _attest(IAttributionLedger.RootStatement memory statement, uint256 count)
        internal
        view
        returns (IAttributionLedger.Attestation[] memory attestations)
    {
        attestations = new IAttributionLedger.Attestation[](count);
        bytes32 digest = ledger.hashStatement(statement);
        for (uint256 i = 0; i < count; ++i) {
            attestations[i] =
                IAttributionLedger.Attestation({ signer: attestors[i], signature: _sign(attestorKeys[i], digest) });
        }
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _post(SumTreeBuilder.Leaf[] memory leaves) internal returns (uint64 index) {
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        ledger.post(statement, _attest(statement, 2));
        return statement.index;
    }

    /// @dev Posts and waits for the window to pass.
    function _activate(SumTreeBuilder.Leaf[] memory leaves) internal returns (uint64 index) {
        index = _post(leaves);
        vm.warp(vm.getBlockTimestamp() + WINDOW);
    }

    function _claimOf(uint64 rootIndex, SumTreeBuilder.Leaf[] memory leaves, uint256 leafIndex)
        internal
        view
        returns (IAttributionLedger.Claim memory)
    {
        return IAttributionLedger.Claim({
            vault: address(vault),
            token: address(dollar),
            rootIndex: rootIndex,
            account: leaves[leafIndex].account,
            cumulative: leaves[leafIndex].cumulative,
            leafIndex: uint64(leafIndex),
            proof: SumTreeBuilder.prove(leaves, leafIndex)
        });
    }
}
