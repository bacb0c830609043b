// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ICommunityFactory } from "../../contracts/interfaces/ICommunityFactory.sol";
import { ICommunityVotes } from "../../contracts/interfaces/ICommunityVotes.sol";
import { IConsentRegistry } from "../../contracts/interfaces/IConsentRegistry.sol";
import { CommunityFixture } from "../utils/CommunityFixture.sol";
import { Metered } from "./Metered.sol";

/// @notice Gas of communities and of withdrawing single records. Exact as whole transactions under
/// `forge test --isolate`.
contract CommunityBudgetsTest is CommunityFixture, Metered {
    uint256 internal constant KEY = 0xC0FFEE;

    function _group() internal pure override returns (string memory) {
        return "Community";
    }

    function test_create_stays_within_its_budget() public {
        ICommunityFactory.Charter memory charter = _charter();
        charter.salt = "another";
        vm.prank(creator);
        communities.create(charter, _assets());
        _check("create a community of two founders with two assets", 2_300_000);
    }

    function test_mint_stays_within_its_budgets() public {
        bytes32[] memory records = _commitments("many", 128);
        (IConsentRegistry.Contribution memory contribution,) = _give(ourDataset, KEY, records);
        vm.warp(START + 100);
        uint32 version = _snapshot(records);
        _check("accept a snapshot", 110_000);
        ICommunityVotes.Acceptance[] memory some = new ICommunityVotes.Acceptance[](10);
        for (uint256 i = 0; i < 10; ++i) {
            some[i] = _acceptance(contribution, records, i + 1, version, records, i + 1);
        }
        votes.mint(_acceptance(contribution, records, 0, version, records, 0));
        _check("mint, depth 7, the account's first", 220_000);
        vm.warp(START + 200);
        votes.mintMany(some);
        _check("mint 10, depth 7", 820_000);
    }

    function test_withdrawRecord_stays_within_its_budget() public {
        bytes32[] memory records = _commitments("many", 128);
        (IConsentRegistry.Contribution memory contribution,) = _give(ourDataset, KEY, records);
        bytes memory proof = _acceptance(contribution, records, 5, 1, records, 5).proof;
        vm.prank(vm.addr(KEY));
        consents.withdrawRecord(contribution, records[5], 5, proof);
        _check("withdraw one record, depth 7", 75_000);
    }
}
