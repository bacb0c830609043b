// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Errors } from "@openzeppelin/contracts/utils/Errors.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

import { CommunityGovernor } from "../../../contracts/community/CommunityGovernor.sol";
import { CommunityTimelock } from "../../../contracts/community/CommunityTimelock.sol";
import { CommunityVotes } from "../../../contracts/community/CommunityVotes.sol";
import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { ICommunityFactory } from "../../../contracts/interfaces/ICommunityFactory.sol";
import { ICommunityGovernor } from "../../../contracts/interfaces/ICommunityGovernor.sol";
import { ICommunityVotes } from "../../../contracts/interfaces/ICommunityVotes.sol";
import { CommunityFixture } from "../../utils/CommunityFixture.sol";

contract CreateCommunityTest is CommunityFixture {
    IAssetRegistry.Registration[] internal none;

    function _expectCreateRevert(ICommunityFactory.Charter memory charter, bytes memory reason) internal {
        charter.salt = "another";
        vm.prank(creator);
        vm.expectRevert(reason);
        communities.create(charter, none);
    }

    function test_create_makes_the_parts_as_the_charter_says() public view {
        ICommunityFactory.Charter memory charter = _charter();
        assertEq(votes.name(), charter.name);
        assertEq(votes.symbol(), charter.symbol);
        assertEq(votes.decimals(), 0);
        assertEq(votes.cap(), CAP);
        assertEq(votes.votesPerRecord(), VOTES_PER_RECORD);
        assertEq(votes.timelock(), address(timelock));
        assertEq(votes.registry(), address(registry));
        assertEq(votes.consents(), address(consents));
        assertEq(governor.name(), charter.name);
        assertEq(address(governor.token()), address(votes));
        assertEq(governor.timelock(), address(timelock));
        assertEq(governor.votingDelay(), VOTING_DELAY);
        assertEq(governor.votingPeriod(), VOTING_PERIOD);
        assertEq(governor.proposalThreshold(), 10);
        assertEq(governor.quorum(block.timestamp), QUORUM);
        assertEq(timelock.getMinDelay(), TIMELOCK_DELAY);
    }

    function test_create_says_all_of_it() public {
        ICommunityFactory.Charter memory charter = _charter();
        charter.salt = "another";
        uint128[] memory ids = new uint128[](2);
        ids[0] = communities.assetIdOf(stranger, "another", "ours");
        ids[1] = communities.assetIdOf(stranger, "another", "our model");
        ICommunityFactory.Community memory community = communities.predict(stranger, "another");
        vm.expectEmit(address(communities));
        emit ICommunityFactory.CommunityCreated(stranger, "another", community, charter, ids);
        vm.prank(stranger);
        communities.create(charter, _assets());
    }

    function test_create_registers_the_assets_to_the_timelock() public view {
        assertEq(registry.ownerOf(ourDataset), address(timelock));
        assertEq(registry.ownerOf(ourModel), address(timelock));
        assertEq(ourDataset, communities.assetIdOf(creator, SALT, "ours"));
        assertEq(registry.edgesOf(ourModel)[0].parent, datasetId);
    }

    function test_founders_vote_for_themselves_without_a_transaction() public view {
        assertEq(votes.balanceOf(ada), 60);
        assertEq(votes.getVotes(ada), 60);
        assertEq(votes.getVotes(ben), 40);
        assertEq(votes.delegates(ada), ada);
        assertEq(votes.totalSupply(), 100);
        assertEq(votes.getPastTotalSupply(START), 100);
    }

    function test_the_timelock_has_no_administrator_but_itself() public view {
        bytes32 admin = timelock.DEFAULT_ADMIN_ROLE();
        assertTrue(timelock.hasRole(admin, address(timelock)));
        address[6] memory others = [address(communities), creator, ada, address(governor), address(votes), address(0)];
        for (uint256 i = 0; i < others.length; ++i) {
            assertFalse(timelock.hasRole(admin, others[i]));
            assertEq(timelock.hasRole(timelock.PROPOSER_ROLE(), others[i]), others[i] == address(governor));
            assertEq(timelock.hasRole(timelock.CANCELLER_ROLE(), others[i]), others[i] == address(governor));
        }
        assertTrue(timelock.hasRole(timelock.EXECUTOR_ROLE(), address(0)));
    }

    function testFuzz_nobody_can_give_a_role_or_schedule_past_the_governor(address caller) public {
        vm.assume(caller != address(timelock) && caller != address(governor));
        bytes32 role = timelock.PROPOSER_ROLE();
        vm.startPrank(caller);
        vm.expectRevert();
        timelock.grantRole(role, caller);
        vm.expectRevert();
        timelock.schedule(address(registry), 0, "", 0, 0, TIMELOCK_DELAY);
        vm.expectRevert();
        timelock.updateDelay(0);
    }

    function test_parts_cannot_be_initialised_again() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        votes.initialize("", "", stranger, ICommunityVotes.Emission(new ICommunityVotes.Founder[](0), 1, 1));
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        governor.initialize("", stranger, stranger, ICommunityGovernor.Rules(1, 1, 0, 1));
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        timelock.initialize(0, new address[](0), new address[](0), stranger);
    }

    function test_implementations_cannot_be_initialised() public {
        CommunityVotes votes_ = CommunityVotes(communities.votesImplementation());
        CommunityGovernor governor_ = CommunityGovernor(payable(communities.governorImplementation()));
        CommunityTimelock timelock_ = CommunityTimelock(payable(communities.timelockImplementation()));
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        votes_.initialize("", "", stranger, ICommunityVotes.Emission(new ICommunityVotes.Founder[](0), 1, 1));
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        governor_.initialize("", stranger, stranger, ICommunityGovernor.Rules(1, 1, 0, 1));
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        timelock_.initialize(0, new address[](0), new address[](0), stranger);
        assertFalse(timelock_.hasRole(timelock_.DEFAULT_ADMIN_ROLE(), address(timelock_)));
    }

    function testFuzz_a_salt_is_the_callers_own(address other, bytes32 salt) public {
        vm.assume(other != creator && other != address(0));
        ICommunityFactory.Charter memory charter = _charter();
        charter.salt = salt;
        ICommunityFactory.Community memory predicted = communities.predict(creator, salt);
        // Somebody sees the transaction and sends the same first.
        vm.prank(other);
        (ICommunityFactory.Community memory theirs,) = communities.create(charter, none);
        assertNotEq(theirs.votes, predicted.votes);
        if (salt == SALT) return;
        vm.prank(creator);
        (ICommunityFactory.Community memory ours,) = communities.create(charter, _assets());
        assertEq(abi.encode(ours), abi.encode(predicted));
    }

    function test_create_reverts_for_a_salt_that_is_used() public {
        vm.prank(creator);
        vm.expectRevert(Errors.FailedDeployment.selector);
        communities.create(_charter(), none);
    }

    function test_two_communities_of_one_creator_may_have_the_same_asset_salts() public {
        ICommunityFactory.Charter memory charter = _charter();
        charter.salt = "another";
        vm.prank(creator);
        (, uint128[] memory ids) = communities.create(charter, _assets());
        assertNotEq(ids[0], ourDataset);
    }

    function test_create_reverts_for_an_asset_that_the_registry_refuses() public {
        ICommunityFactory.Charter memory charter = _charter();
        charter.salt = "another";
        IAssetRegistry.Registration[] memory assets = _assets();
        assets[1].shares.poolBps += 1;
        vm.prank(creator);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_SharesNotWhole.selector, 10_001));
        communities.create(charter, assets);
        assertEq(communities.predict(creator, "another").votes.code.length, 0);
    }

    function test_create_derives_from_a_closed_parent_that_allowed_the_child() public {
        IAssetRegistry.Derivation memory derivation;
        derivation.rule = IAssetRegistry.DerivationRule.CLOSED;
        uint128 childId = communities.assetIdOf(creator, "another", "our model");
        ICommunityFactory.Charter memory charter = _charter();
        charter.salt = "another";
        vm.prank(owner);
        registry.setDerivation(datasetId, derivation);
        vm.prank(creator);
        vm.expectRevert(
            abi.encodeWithSelector(IAssetRegistry.Registry_DerivationClosed.selector, datasetId, address(communities))
        );
        communities.create(charter, _assets());
        vm.prank(owner);
        registry.allowChild(datasetId, childId);
        vm.prank(creator);
        communities.create(charter, _assets());
        assertEq(registry.edgesOf(childId)[0].parent, datasetId);
    }

    // Charters that cannot be

    function testFuzz_create_reverts_when_the_founders_have_more_than_the_cap(uint256 cap) public {
        cap = bound(cap, 0, 99);
        ICommunityFactory.Charter memory charter = _charter();
        charter.emissionCap = cap;
        _expectCreateRevert(
            charter, abi.encodeWithSelector(ICommunityVotes.Community_CapExceeded.selector, cap < 60 ? 60 : 40, cap)
        );
    }

    function testFuzz_create_reverts_for_a_cap_that_votes_cannot_hold(uint256 cap) public {
        cap = bound(cap, uint256(type(uint208).max) + 1, type(uint256).max);
        ICommunityFactory.Charter memory charter = _charter();
        charter.emissionCap = cap;
        _expectCreateRevert(charter, abi.encodeWithSelector(ICommunityVotes.Community_BadCap.selector, cap));
    }

    function test_create_reverts_for_a_founder_or_a_record_without_votes() public {
        ICommunityFactory.Charter memory charter = _charter();
        charter.founders[1].votes = 0;
        _expectCreateRevert(charter, abi.encodeWithSelector(ICommunityVotes.Community_ZeroVotes.selector));
        charter = _charter();
        charter.votesPerRecord = 0;
        _expectCreateRevert(charter, abi.encodeWithSelector(ICommunityVotes.Community_ZeroVotes.selector));
    }

    function test_create_reverts_for_a_founder_that_is_nobody() public {
        ICommunityFactory.Charter memory charter = _charter();
        charter.founders[0].account = address(0);
        _expectCreateRevert(charter, abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0)));
    }

    function testFuzz_create_reverts_for_a_quorum_that_founders_cannot_reach(uint256 quorum) public {
        quorum = bound(quorum, 101, type(uint256).max);
        ICommunityFactory.Charter memory charter = _charter();
        charter.quorum = quorum;
        _expectCreateRevert(
            charter, abi.encodeWithSelector(ICommunityGovernor.Governor_Unreachable.selector, quorum, 100)
        );
    }

    function testFuzz_create_reverts_for_a_threshold_that_founders_cannot_reach(uint256 threshold) public {
        threshold = bound(threshold, 101, type(uint256).max);
        ICommunityFactory.Charter memory charter = _charter();
        charter.proposalThreshold = threshold;
        _expectCreateRevert(
            charter, abi.encodeWithSelector(ICommunityGovernor.Governor_Unreachable.selector, threshold, 100)
        );
    }

    function test_create_reverts_without_a_quorum_or_a_voting_period() public {
        ICommunityFactory.Charter memory charter = _charter();
        charter.quorum = 0;
        _expectCreateRevert(charter, abi.encodeWithSelector(ICommunityGovernor.Governor_ZeroQuorum.selector));
        charter = _charter();
        charter.votingPeriod = 0;
        _expectCreateRevert(charter, abi.encodeWithSelector(IGovernor.GovernorInvalidVotingPeriod.selector, 0));
    }

    function test_create_reverts_without_founders() public {
        ICommunityFactory.Charter memory charter = _charter();
        charter.founders = new ICommunityVotes.Founder[](0);
        charter.proposalThreshold = 0;
        _expectCreateRevert(
            charter, abi.encodeWithSelector(ICommunityGovernor.Governor_Unreachable.selector, QUORUM, 0)
        );
    }
}
