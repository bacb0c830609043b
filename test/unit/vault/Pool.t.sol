// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { FeeOnTransferToken } from "../../utils/Doubles.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract PoolTest is Fixture {
    function _mockParents(uint16[] memory weights) internal {
        IAssetRegistry.Payee[] memory parents = new IAssetRegistry.Payee[](weights.length);
        for (uint256 i = 0; i < weights.length; ++i) {
            parents[i] = IAssetRegistry.Payee({ account: _parent(i), bps: weights[i] });
        }
        vm.mockCall(address(registry), abi.encodeCall(IAssetRegistry.dataParents, (modelId)), abi.encode(parents));
    }

    function _parent(uint256 i) internal pure returns (address) {
        return address(uint160(0xDA7A0000 + i));
    }

    function _fallBack(uint128 amount) internal {
        vm.prank(address(ledger));
        vault.fallbackPool(address(dollar), amount);
    }

    function test_fundPool_credits_the_pool_alone() public {
        vm.expectEmit();
        emit IRoyaltyVault.PoolFunded(buyer, address(dollar), 700);
        vm.prank(buyer);
        assertEq(vault.fundPool(address(dollar), 700), 700);
        assertEq(vault.poolCredited(address(dollar)), 700);
        assertEq(vault.allocatable(address(dollar)), 700);
        assertEq(vault.revenue(address(dollar)), 0);
        assertEq(vault.accounted(address(dollar)), 700);
    }

    function test_fundPool_takes_native_coin_and_counts_what_arrives_of_a_token_that_charges() public {
        vm.prank(buyer);
        vault.fundPool{ value: 5 }(NATIVE, 5);
        assertEq(vault.poolCredited(NATIVE), 5);
        FeeOnTransferToken token = new FeeOnTransferToken();
        token.mint(address(this), 1_000);
        token.approve(address(vault), 1_000);
        assertEq(vault.fundPool(address(token), 1_000), 990);
    }

    function test_fundPool_reverts_when_nothing_arrives_or_the_value_is_wrong() public {
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingReceived.selector, dollar));
        vault.fundPool(address(dollar), 0);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 1, 2));
        vault.fundPool{ value: 1 }(NATIVE, 2);
    }

    function testFuzz_fallbackPool_reverts_for_anybody_but_the_ledger(address caller) public {
        vm.assume(caller != address(ledger));
        _fundPool(10_000);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NotLedger.selector, caller));
        vault.fallbackPool(address(dollar), 1);
    }

    function test_fallbackPool_reverts_beyond_what_the_pool_has() public {
        _fundPool(10_000);
        vm.startPrank(address(ledger));
        vault.payFromPool(address(dollar), stranger, 4_000, 4_500);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_PoolExceeded.selector, dollar, 501, 500));
        vault.fallbackPool(address(dollar), 501);
    }

    function test_fallbackPool_divides_evenly_where_no_edge_has_a_share() public {
        _fundPool(10_000);
        _mockParents(new uint16[](3));
        _fallBack(1_000);
        assertEq(vault.creditOf(address(dollar), _parent(0)), 333);
        assertEq(vault.creditOf(address(dollar), _parent(1)), 333);
        assertEq(vault.creditOf(address(dollar), _parent(2)), 334);
    }

    function test_fallbackPool_gives_nothing_for_an_edge_without_a_share_where_others_have_one() public {
        _fundPool(10_000);
        uint16[] memory weights = new uint16[](4);
        (weights[1], weights[2]) = (100, 300);
        _mockParents(weights);
        _fallBack(1_001);
        assertEq(vault.creditOf(address(dollar), _parent(0)), 0);
        assertEq(vault.creditOf(address(dollar), _parent(1)), 250);
        assertEq(vault.creditOf(address(dollar), _parent(2)), 751);
        assertEq(vault.creditOf(address(dollar), _parent(3)), 0);
    }

    function testFuzz_fallbackPool_moves_exactly_the_amount(uint16[16] memory seeds, uint256 count, uint128 amount)
        public
    {
        uint16[] memory weights = new uint16[](bound(count, 1, 16));
        for (uint256 i = 0; i < weights.length; ++i) {
            weights[i] = seeds[i] % 9_000;
        }
        _mockParents(weights);
        dollar.mint(buyer, type(uint96).max);
        vm.prank(buyer);
        vault.fundPool(address(dollar), type(uint96).max);
        amount = uint128(bound(amount, 1, type(uint96).max));
        _fallBack(amount);
        uint256 total = 0;
        for (uint256 i = 0; i < weights.length; ++i) {
            total += vault.creditOf(address(dollar), _parent(i));
        }
        assertEq(total, amount);
        assertEq(vault.fallbackPaid(address(dollar)), amount);
        assertEq(vault.allocatable(address(dollar)), type(uint96).max - amount);
        assertEq(vault.poolCredited(address(dollar)), type(uint96).max);
        assertEq(vault.accounted(address(dollar)), type(uint96).max);
    }
}
