// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { Fixture } from "../utils/Fixture.sol";
import { Metered } from "./Metered.sol";

/// @notice Gas of how money becomes revenue and credits.
contract VaultGasTest is Fixture, Metered {
    function _group() internal pure override returns (string memory) {
        return "Vault";
    }

    function test_fees_stay_within_their_budgets() public {
        vm.startPrank(buyer);
        vault.payFee(1, address(dollar), 1_000e6, 1_000, 30 days);
        _check("payFee, the vault's first", 145_000);
        vm.warp(START + 10 days);
        vault.renewFee(1, address(dollar), 1_000e6, 1_000, 30 days);
        _check("renewFee", 85_000);
        vm.warp(START + 20 days);
        vault.refund(1, buyer);
        _check("refund", 95_000);
    }

    function test_release_of_one_and_ten_fees() public {
        uint256 offerId = _publishOffer(_terms(), _offer(0));
        uint256[] memory one = new uint256[](1);
        uint256[] memory ten = new uint256[](10);
        one[0] = _buy(offerId);
        for (uint256 i = 0; i < 10; ++i) {
            ten[i] = _buy(offerId);
        }
        vm.warp(START + 1 days);
        vault.release(address(market), one);
        _check("release, 1 license", 60_000);
        vault.release(address(market), ten);
        _check("release, 10 licenses", 250_000);
    }

    function test_distribute_with_0_4_and_16_edges() public {
        _distribute(0);
        _distribute(4);
        _distribute(16);
    }

    /// @dev The second distribution of a model with so many parents, each of which was credited before.
    function _distribute(uint256 edges) internal {
        IAssetRegistry.Registration memory registration = _model(bytes32(edges));
        registration.edges = new IAssetRegistry.Edge[](edges);
        for (uint256 i = 0; i < edges; ++i) {
            uint128 parent = _register(_dataset(keccak256(abi.encode(edges, i))));
            vm.prank(owner);
            registry.publish(parent, "records", "manifest", "");
            registration.edges[i].parent = parent;
            registration.edges[i].parentVersion = 1;
            registration.edges[i].kind = IAssetRegistry.EdgeKind.DATA;
            registration.edges[i].shareBps = 500;
        }
        registration.shares.payeeBps = 500;
        registration.shares.hostBps = 300;
        registration.shares.curatorsBps = 200;
        registration.shares.poolBps = uint16(9_000 - 500 * edges);
        RoyaltyVault paid = _vaultOf(_register(registration));
        for (uint256 i = 0; i < 2; ++i) {
            dollar.mint(address(paid), 1_000e6);
            paid.sync(address(dollar));
            paid.distribute(address(dollar));
        }
        _check(string.concat("distribute, ", vm.toString(edges), " edges"), 400_000);
    }

    function test_withdraw_stays_within_80k() public {
        _fundPool(1_000e6);
        vault.withdraw(address(dollar), payee);
        _check("withdraw, the account's first", 95_000);
        _fundPool(1_000e6);
        vault.withdraw(address(dollar), payee);
        _check("withdraw, repeated", 80_000);
    }
}
