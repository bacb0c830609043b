// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { Stage } from "./handlers/Stage.sol";

/// @notice What every campaign's handler tells.
interface IReaching {
    function reached(bytes32 what) external view returns (uint256);

    function violations() external view returns (bytes32[] memory);
}

/// @title ReachTest
/// @notice What a campaign's actions are, and whether they get anywhere.
abstract contract ReachTest is Test {
    address internal actor;
    bytes4[] internal actions;

    /// @dev Plays random runs as long as a campaign's, and fails unless every goal was reached in some of them: an
    /// invariant over states that are never reached would hold of anything.
    function _reaches(uint256 runs, bytes32[] memory goals) internal {
        vm.pauseGasMetering();
        uint256[] memory counts = new uint256[](goals.length);
        for (uint256 run = 0; run < runs; ++run) {
            uint256 before = vm.snapshotState();
            for (uint256 i = 0; i < 64; ++i) {
                _act(uint256(keccak256(abi.encode(run, i))));
            }
            for (uint256 i = 0; i < goals.length; ++i) {
                if (IReaching(actor).reached(goals[i]) != 0) ++counts[i];
            }
            bytes32[] memory violations = IReaching(actor).violations();
            if (violations.length != 0) revert(string(abi.encodePacked(violations[0])));
            vm.revertToStateAndDelete(before);
        }
        for (uint256 i = 0; i < goals.length; ++i) {
            emit log_named_uint(string(abi.encodePacked(goals[i])), counts[i]);
        }
        for (uint256 i = 0; i < goals.length; ++i) {
            assertGt(counts[i], 0, string(abi.encodePacked("never reached: ", goals[i])));
        }
    }

    function _perform(address actor_) internal {
        actor = actor_;
        targetSelector(FuzzSelector({ addr: actor, selectors: actions }));
        targetContract(actor);
    }

    function _act(uint256 random) private {
        bytes4 action = actions[random % actions.length];
        bytes memory arguments = abi.encode(random >> 64, uint64(random >> 8));
        (bool success, bytes memory reason) = actor.call(bytes.concat(action, arguments));
        assertTrue(success, vm.toString(reason));
    }
}

/// @title InvariantTest
/// @notice What the campaigns have in common. An invariant that speaks of a pair is checked, after every action, for the
/// pairs that the action touched and for one other in turn, so that a campaign stays cheap and nothing stays unchecked.
abstract contract InvariantTest is ReachTest {
    uint256 internal constant VAULTS = 4;
    uint256 internal constant TOKENS = 4;
    /// @dev The native coin's place among the tokens.
    uint256 internal constant COIN = 1;

    Stage internal stage;
    IAttributionLedger internal ledger;
    IAssetRegistry internal registry;
    address internal market;
    address internal licenses;

    modifier now_() {
        vm.warp(stage.clock());
        _;
    }

    function _perform(Stage stage_) internal {
        stage = stage_;
        (ledger, registry, market, licenses) = stage.suite();
        _perform(address(stage));
    }

    function _isTouched(uint256 touched, uint256 pair) internal pure returns (bool) {
        return touched & 1 << pair != 0;
    }

    function _never(bytes32 what) internal view {
        assertFalse(stage.violated(what), string(abi.encodePacked(what)));
    }
}

/// @title PairsTest
/// @notice What must hold of the money in every vault, whoever acts.
abstract contract PairsTest is InvariantTest {
    /// @dev balance ≥ accounted ≥ unearned + undistributed + credits + pool, less what rounding left: under one base unit
    /// for each line of the table.
    function invariant_vaults_hold_what_they_owe() public now_ {
        address[] memory creditors = stage.creditors();
        uint256 touched = stage.touched();
        for (uint256 pair = 0; pair < stage.PAIRS(); ++pair) {
            if (_isTouched(touched, pair)) _holdsWhatItOwes(pair, creditors);
        }
    }

    function _holdsWhatItOwes(uint256 pair, address[] memory creditors) private view {
        (RoyaltyVault vault, address token) = stage.pairAt(pair);
        uint256 owed = uint256(vault.unearned(token)) + vault.revenue(token) - vault.distributed(token)
            + vault.allocatable(token) - vault.poolPaid(token);
        for (uint256 i = 0; i < creditors.length; ++i) {
            owed += vault.creditOf(token, creditors[i]);
        }
        uint256 accounted = vault.accounted(token);
        assertGe(stage.held(address(vault), token), accounted, "more is accounted for than is held");
        assertGe(accounted, owed, "more is owed than is accounted for");
        assertLe(accounted - owed, stage.payeesAt(pair / TOKENS), "rounding left more than its dust");
    }

    /// @dev What a vault holds is what arrived less withdrawals and claims. Refunds are withdrawn like all credits.
    function invariant_money_leaves_a_vault_only_by_withdrawals_and_claims() public now_ {
        uint256 touched = stage.touched();
        for (uint256 pair = 0; pair < stage.PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = stage.pairAt(pair);
            Stage.Books memory books = stage.booksAt(pair);
            assertEq(stage.held(address(vault), token), books.arrived - books.withdrawn - books.claimed);
            assertEq(vault.poolPaid(token), books.claimed, "claims");
        }
    }

    /// @dev Every credit is exactly what the tables in force gave, and fallbacks and refunds added, less withdrawals: so
    /// a fallback pays no owner, host or curators.
    function invariant_credits_and_pools_are_what_the_tables_give() public now_ {
        address[] memory creditors = stage.creditors();
        uint256 touched = stage.touched();
        for (uint256 pair = 0; pair < stage.PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = stage.pairAt(pair);
            Stage.Books memory books = stage.booksAt(pair);
            for (uint256 i = 0; i < creditors.length; ++i) {
                assertEq(vault.creditOf(token, creditors[i]), stage.credits(pair, creditors[i]), "a credit");
            }
            assertEq(vault.revenue(token), books.revenue, "revenue");
            assertEq(vault.poolCredited(token), books.pool, "pool");
            assertEq(vault.fallbackPaid(token), books.fallenBack, "fallback");
            assertEq(vault.allocatable(token), books.pool - books.fallenBack, "allocatable");
        }
    }

    /// @dev Over all tokens in turn: what vaults and recipients hold is all there is, so nobody else has any of it.
    function invariant_no_money_is_made_or_lost() public now_ {
        uint256 index = stage.steps() % TOKENS;
        address token = stage.tokenAt(index);
        uint256 total = 0;
        for (uint256 i = 0; i < VAULTS; ++i) {
            (RoyaltyVault vault,) = stage.pairAt(i * TOKENS);
            total += stage.held(address(vault), token);
        }
        address[] memory recipients = stage.recipients();
        for (uint256 i = 0; i < recipients.length; ++i) {
            uint256 held = stage.held(recipients[i], token);
            assertEq(held, stage.wealth(token, recipients[i]), "not what was paid to it");
            total += held;
        }
        assertEq(total, stage.supplyAt(index), "somebody else has some");
        address[4] memory intermediaries = stage.intermediaries();
        for (uint256 i = 0; i < intermediaries.length; ++i) {
            assertEq(stage.held(intermediaries[i], token), 0, "an intermediary holds something");
        }
        if (index != COIN) assertEq(stage.held(address(ledger), token), 0, "the ledger holds a token");
    }

    /// @dev Whatever is blocked or refuses, everybody else is paid in full, here and now; invariants leave no trace.
    function invariant_recipients_that_cannot_be_paid_block_nobody_else() public now_ {
        address[] memory creditors = stage.creditors();
        uint256 touched = stage.touched();
        for (uint256 pair = 0; pair < stage.PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = stage.pairAt(pair);
            for (uint256 i = 0; i < creditors.length; ++i) {
                uint256 credit = stage.credits(pair, creditors[i]);
                if (credit == 0 || !stage.canPay(stage.recipientOf(creditors[i]), token)) continue;
                assertEq(vault.withdraw(token, creditors[i]), credit);
            }
        }
        _never("paid who cannot be paid");
        _never("a vault refused coin");
    }
}
