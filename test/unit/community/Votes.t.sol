// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IVotes } from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import { ICommunityVotes } from "../../../contracts/interfaces/ICommunityVotes.sol";
import { CommunityFixture } from "../../utils/CommunityFixture.sol";
import { Domain } from "../../utils/Domain.sol";

contract CommunityVotesTest is CommunityFixture {
    function testFuzz_votes_cannot_be_transferred(address to, uint256 amount) public {
        vm.assume(to != address(0));
        amount = bound(amount, 0, 60);
        vm.prank(ada);
        vm.expectRevert(ICommunityVotes.Community_NotTransferable.selector);
        votes.transfer(to, amount);
    }

    function testFuzz_votes_cannot_be_transferred_by_an_allowance(address to, uint256 amount) public {
        vm.assume(to != address(0));
        amount = bound(amount, 0, 60);
        vm.prank(ada);
        votes.approve(stranger, type(uint256).max);
        vm.prank(stranger);
        vm.expectRevert(ICommunityVotes.Community_NotTransferable.selector);
        votes.transferFrom(ada, to, amount);
    }

    function testFuzz_delegated_votes_move_and_come_back(address delegatee) public {
        vm.assume(delegatee != address(0) && delegatee != ada && delegatee != ben);
        vm.startPrank(ada);
        votes.delegate(delegatee);
        assertEq(votes.getVotes(delegatee), 60);
        assertEq(votes.getVotes(ada), 0);
        assertEq(votes.delegates(ada), delegatee);
        // Delegating to nobody is voting oneself.
        votes.delegate(address(0));
        assertEq(votes.getVotes(delegatee), 0);
        assertEq(votes.getVotes(ada), 60);
        assertEq(votes.delegates(ada), ada);
        votes.delegate(delegatee);
        votes.delegate(ada);
        assertEq(votes.getVotes(ada), 60);
    }

    /// @dev Whatever the order of delegations, every vote is counted once.
    function testFuzz_delegations_neither_make_nor_lose_votes(uint8[12] memory moves) public {
        address[4] memory everybody = [ada, ben, stranger, address(0)];
        for (uint256 i = 0; i < moves.length; ++i) {
            vm.prank(everybody[moves[i] % 2]);
            votes.delegate(everybody[(moves[i] >> 2) % 4]);
        }
        assertEq(votes.getVotes(ada) + votes.getVotes(ben) + votes.getVotes(stranger), 100);
        assertEq(votes.getVotes(address(0)), 0);
    }

    function test_votes_are_delegated_by_signature() public {
        uint256 key = 0xADA;
        bytes32 typehash = keccak256("Delegation(address delegatee,uint256 nonce,uint256 expiry)");
        bytes32 structHash = keccak256(abi.encode(typehash, stranger, 0, START + 100));
        (, string memory name, string memory version,, address verifier,,) = votes.eip712Domain();
        assertEq(name, "Tributary");
        assertEq(version, "1");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, Domain.digest(verifier, structHash));
        votes.delegateBySig(stranger, 0, START + 100, v, r, s);
        assertEq(votes.delegates(vm.addr(key)), stranger);
        vm.warp(START + 101);
        vm.expectRevert(abi.encodeWithSelector(IVotes.VotesExpiredSignature.selector, START + 100));
        votes.delegateBySig(stranger, 1, START + 100, v, r, s);
    }

    function test_the_clock_is_the_time() public view {
        assertEq(votes.clock(), block.timestamp);
        assertEq(votes.CLOCK_MODE(), "mode=timestamp");
        assertEq(governor.clock(), block.timestamp);
        assertEq(governor.CLOCK_MODE(), "mode=timestamp");
    }
}
