// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { Fixture } from "./Fixture.sol";
import { SumTreeBuilder } from "./SumTreeBuilder.sol";

/// @title LedgerFixture
/// @notice The fixture with a model whose policy asks for everything: bonds, an arbiter and a fallback. `vault` is its.
abstract contract LedgerFixture is Fixture {
    uint88 internal constant POSTER_BOND = 1 ether + 1;
    uint88 internal constant CHALLENGE_BOND = 0.3 ether + 1;
    uint32 internal constant ARBITER_PERIOD = 3 days;
    uint32 internal constant FALLBACK_AFTER = 30 days;

    address internal arbiter = makeAddr("arbiter");
    address internal poster = makeAddr("poster");
    address internal challenger = makeAddr("challenger");

    /// @dev What the honest attestors last allotted.
    SumTreeBuilder.Leaf[] internal leaves;

    function setUp() public virtual override {
        super.setUp();
        modelId = _register(_bondedModel("bonded"));
        vault = _vaultOf(modelId);
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        vm.deal(poster, 100 ether);
        vm.deal(challenger, 100 ether);
        _fundPool(1_000e6);
        _setLeaves(_leaves(7, 1e6));
    }

    function _bondedPolicy() internal view returns (IAttributionLedger.Policy memory policy) {
        policy = _policy();
        policy.arbiter = arbiter;
        policy.arbiterPeriod = ARBITER_PERIOD;
        policy.posterBond = POSTER_BOND;
        policy.challengeBond = CHALLENGE_BOND;
        policy.fallbackAfter = FALLBACK_AFTER;
    }

    function _setLeaves(SumTreeBuilder.Leaf[] memory made) internal {
        delete leaves;
        for (uint256 i = 0; i < made.length; ++i) {
            leaves.push(made[i]);
        }
    }

    function _bondedModel(bytes32 salt) internal view returns (IAssetRegistry.Registration memory registration) {
        registration = _model(salt);
        registration.policy = _bondedPolicy();
    }

    /// @dev The next statement over any leaves, as the ledger says it must be.
    function _next(SumTreeBuilder.Leaf[] memory made)
        internal
        view
        returns (IAttributionLedger.RootStatement memory statement)
    {
        statement = _statement(made);
        IAttributionLedger.Next memory next = ledger.nextOf(address(vault), address(dollar));
        statement.index = next.index;
        statement.attempt = next.attempt;
        statement.prevRoot = next.prevRoot;
    }

    /// @dev The poster posts, with a bond in the call if it has none here.
    function _postBonded(SumTreeBuilder.Leaf[] memory made) internal returns (uint64 index) {
        IAttributionLedger.RootStatement memory statement = _next(made);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        (address staker,) = ledger.stakeOf(address(vault), address(dollar));
        uint256 value = staker == poster || ledger.bondOf(poster) >= POSTER_BOND ? 0 : POSTER_BOND;
        vm.prank(poster);
        ledger.post{ value: value }(statement, attestations);
        return statement.index;
    }

    function _activateBonded(SumTreeBuilder.Leaf[] memory made) internal returns (uint64 index) {
        index = _postBonded(made);
        vm.warp(vm.getBlockTimestamp() + WINDOW);
    }

    function _challenge() internal {
        uint256 bond = ledger.challengeBondOf(address(vault), address(dollar));
        vm.prank(challenger);
        ledger.challenge{ value: bond }(address(vault), address(dollar), "reason");
    }

    function _rule(IAttributionLedger.Ruling ruling) internal {
        vm.prank(arbiter);
        ledger.rule(address(vault), address(dollar), ruling);
    }

    /// @dev Lets the arbiter's time pass.
    function _lapse() internal {
        vm.warp(vm.getBlockTimestamp() + ARBITER_PERIOD + 1);
    }

    function _leafOf(SumTreeBuilder.Leaf[] memory made, uint256 index)
        internal
        pure
        returns (IAttributionLedger.Leaf memory)
    {
        return IAttributionLedger.Leaf({
            account: made[index].account,
            cumulative: made[index].cumulative,
            index: uint64(index),
            proof: SumTreeBuilder.prove(made, index)
        });
    }

    /// @dev All leaves but one.
    function _without(SumTreeBuilder.Leaf[] memory made, uint256 index)
        internal
        pure
        returns (SumTreeBuilder.Leaf[] memory rest)
    {
        rest = new SumTreeBuilder.Leaf[](made.length - 1);
        for (uint256 i = 0; i < rest.length; ++i) {
            rest[i] = made[i < index ? i : i + 1];
        }
    }

    function _status(uint64 index) internal view returns (IAttributionLedger.RootStatus) {
        return ledger.rootOf(address(vault), address(dollar), index).status;
    }

    function _assertStatus(uint64 index, IAttributionLedger.RootStatus expected) internal view {
        assertEq(uint8(_status(index)), uint8(expected));
    }

    /// @dev Everything the ledger holds is somebody's.
    function _assertBondsAddUp(address[] memory accounts) internal view {
        uint256 total = 0;
        for (uint256 i = 0; i < accounts.length; ++i) {
            total += ledger.bondOf(accounts[i]);
        }
        (, uint256 staked) = ledger.stakeOf(address(vault), address(dollar));
        total += staked + ledger.challengeOf(address(vault), address(dollar)).bond;
        assertEq(address(ledger).balance, total);
    }

    function _assertBondsAddUp() internal view {
        address[] memory accounts = new address[](4);
        (accounts[0], accounts[1], accounts[2], accounts[3]) = (poster, challenger, address(vault), stranger);
        _assertBondsAddUp(accounts);
    }
}
