// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { CommunityVotes } from "../../contracts/community/CommunityVotes.sol";
import { ICommunityVotes } from "../../contracts/interfaces/ICommunityVotes.sol";
import { ReachTest } from "./InvariantTest.sol";
import { Voters } from "./handlers/Voters.sol";

/// @notice A community whose votes run out, and contributors who give one another's records.
contract VoteInvariantTest is ReachTest {
    Voters internal handler;
    CommunityVotes internal votes;

    function setUp() public {
        handler = new Voters();
        votes = handler.community();
        actions = [
            Voters.give.selector,
            Voters.publish.selector,
            Voters.mint.selector,
            Voters.mintAll.selector,
            Voters.withdraw.selector,
            Voters.delegate.selector,
            Voters.transfer.selector,
            Voters.wait_.selector
        ];
        _perform(address(handler));
    }

    function test_runs_reach_what_the_invariants_speak_of() public {
        bytes32[] memory goals = new bytes32[](4);
        goals[0] = "counted";
        goals[1] = "reclaimed";
        goals[2] = "refused";
        goals[3] = "cap reached";
        _reaches(16, goals);
    }

    function invariant_votes_stay_within_the_cap_and_no_record_counts_twice() public view {
        assertLe(votes.totalSupply(), handler.SMALL_CAP());
        assertEq(votes.totalSupply(), 100 + 3 * handler.countedRecords());
        for (uint256 i = 0; i < handler.RECORDS(); ++i) {
            (bytes32 commitment, Voters.Counted memory counted) = handler.recordAt(i);
            ICommunityVotes.Holding memory holding = votes.holdingOf(commitment);
            assertEq(holding.contributor, counted.contributor);
            assertEq(holding.recordedAt, counted.recordedAt);
        }
        assertEq(handler.violations().length, 0);
    }

    function invariant_votes_are_with_whom_they_were_given_to_and_its_delegate() public {
        uint256 total = 0;
        for (uint256 i = 0; i < handler.VOTERS(); ++i) {
            address voter = handler.voter(i);
            assertEq(votes.balanceOf(voter), handler.balances(voter));
            assertEq(votes.getVotes(voter), handler.votesOf(voter));
            total += votes.getVotes(voter);
        }
        assertEq(total, votes.totalSupply());
    }
}
