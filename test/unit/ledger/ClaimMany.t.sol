// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { Fixture } from "../../utils/Fixture.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";

contract ClaimManyTest is Fixture {
    SumTreeBuilder.Leaf[] internal leaves;
    uint64 internal index;

    function setUp() public override {
        super.setUp();
        _fundPool(1_000e6);
        SumTreeBuilder.Leaf[] memory made = _leaves(5, 1e6);
        for (uint256 i = 0; i < made.length; ++i) {
            leaves.push(made[i]);
        }
        index = _activate(made);
    }

    function _all() internal view returns (IAttributionLedger.Claim[] memory claims) {
        claims = new IAttributionLedger.Claim[](leaves.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            claims[i] = _claimOf(index, leaves, i);
        }
    }

    function test_claimMany_pays_everyone() public {
        uint128[] memory amounts = ledger.claimMany(_all());
        for (uint256 i = 0; i < leaves.length; ++i) {
            assertEq(amounts[i], leaves[i].cumulative);
            assertEq(dollar.balanceOf(leaves[i].account), leaves[i].cumulative);
        }
    }

    function test_claimMany_leaves_out_what_was_claimed_before() public {
        ledger.claim(_claimOf(index, leaves, 2));
        uint128[] memory amounts = ledger.claimMany(_all());
        assertEq(amounts[2], 0);
        assertEq(amounts[3], leaves[3].cumulative);
        assertEq(dollar.balanceOf(leaves[2].account), leaves[2].cumulative);
    }

    function test_claimMany_leaves_out_a_repeated_claim() public {
        IAttributionLedger.Claim[] memory claims = _all();
        claims[1] = claims[0];
        uint128[] memory amounts = ledger.claimMany(claims);
        assertEq(amounts[0], leaves[0].cumulative);
        assertEq(amounts[1], 0);
    }

    function test_claimMany_reverts_as_a_whole_for_a_bad_proof() public {
        IAttributionLedger.Claim[] memory claims = _all();
        claims[4].cumulative += 1;
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_BadProof.selector, claims[4].account, claims[4].cumulative)
        );
        ledger.claimMany(claims);
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), 0);
    }

    function test_claimMany_of_nothing_does_nothing() public {
        assertEq(ledger.claimMany(new IAttributionLedger.Claim[](0)).length, 0);
    }
}
