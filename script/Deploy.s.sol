// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Script } from "forge-std/Script.sol";

import { AssetRegistry } from "../contracts/AssetRegistry.sol";
import { AttributionLedger } from "../contracts/AttributionLedger.sol";
import { CommunityFactory } from "../contracts/CommunityFactory.sol";
import { ConsentRegistry } from "../contracts/ConsentRegistry.sol";
import { LicenseMarket } from "../contracts/LicenseMarket.sol";
import { LicenseRenderer } from "../contracts/LicenseRenderer.sol";
import { LicenseToken } from "../contracts/LicenseToken.sol";
import { RoyaltyVault } from "../contracts/RoyaltyVault.sol";
import { CommunityGovernor } from "../contracts/community/CommunityGovernor.sol";
import { CommunityTimelock } from "../contracts/community/CommunityTimelock.sol";
import { CommunityVotes } from "../contracts/community/CommunityVotes.sol";

/// @title Deploy
/// @notice Deploys the suite through the usual CREATE2 proxy with salt 0, so that the same code has the same addresses
/// on every chain, whoever sends it and with whichever tool. What is there already is left as it is.
contract Deploy is Script {
    struct Suite {
        AttributionLedger ledger;
        RoyaltyVault vaultImplementation;
        AssetRegistry registry;
        ConsentRegistry consents;
        LicenseRenderer renderer;
        LicenseMarket market;
        LicenseToken licenseToken;
        CommunityVotes votesImplementation;
        CommunityGovernor governorImplementation;
        CommunityTimelock timelockImplementation;
        CommunityFactory communityFactory;
    }

    /// @notice The proxy's input is salt:32 ‖ initcode.
    address public constant CREATE2_PROXY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;
    bytes32 public constant SALT = 0;

    error Deploy_NoProxy();
    error Deploy_Failed(address predicted);

    /// @notice Broadcasts the deployment.
    function run() external returns (Suite memory suite) {
        vm.startBroadcast();
        suite = deploy();
        vm.stopBroadcast();
    }

    /// @notice Deploys in the order of dependence; the market makes the license token.
    function deploy() public returns (Suite memory suite) {
        suite.ledger = AttributionLedger(create(type(AttributionLedger).creationCode));
        suite.vaultImplementation =
            RoyaltyVault(payable(create(abi.encodePacked(type(RoyaltyVault).creationCode, abi.encode(suite.ledger)))));
        suite.registry = AssetRegistry(
            create(abi.encodePacked(type(AssetRegistry).creationCode, abi.encode(suite.vaultImplementation)))
        );
        suite.consents =
            ConsentRegistry(create(abi.encodePacked(type(ConsentRegistry).creationCode, abi.encode(suite.registry))));
        suite.renderer = LicenseRenderer(create(type(LicenseRenderer).creationCode));
        suite.market = LicenseMarket(
            create(abi.encodePacked(type(LicenseMarket).creationCode, abi.encode(suite.registry, suite.renderer)))
        );
        suite.licenseToken = LicenseToken(suite.market.licenseToken());
        suite.votesImplementation =
            CommunityVotes(create(abi.encodePacked(type(CommunityVotes).creationCode, abi.encode(suite.consents))));
        suite.governorImplementation = CommunityGovernor(payable(create(type(CommunityGovernor).creationCode)));
        suite.timelockImplementation = CommunityTimelock(payable(create(type(CommunityTimelock).creationCode)));
        suite.communityFactory = CommunityFactory(
            create(
                abi.encodePacked(
                    type(CommunityFactory).creationCode,
                    abi.encode(suite.votesImplementation, suite.governorImplementation, suite.timelockImplementation)
                )
            )
        );
    }

    /// @notice Where initcode lands.
    function predict(bytes memory initcode) public pure returns (address) {
        return vm.computeCreate2Address(SALT, keccak256(initcode), CREATE2_PROXY);
    }

    /// @notice Deploys initcode unless it is there already.
    function create(bytes memory initcode) public returns (address deployed) {
        deployed = predict(initcode);
        if (deployed.code.length != 0) return deployed;
        if (CREATE2_PROXY.code.length == 0) revert Deploy_NoProxy();
        (bool success,) = CREATE2_PROXY.call(abi.encodePacked(SALT, initcode));
        if (!success || deployed.code.length == 0) revert Deploy_Failed(deployed);
    }
}
