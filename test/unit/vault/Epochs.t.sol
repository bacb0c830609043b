// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract EpochsTest is Fixture {
    address internal first = makeAddr("first");
    address internal second = makeAddr("second");

    function _pay(uint256 amount) internal {
        vm.prank(buyer);
        vault.pay("payment", address(dollar), amount);
    }

    /// @dev The registry says that this is the table now.
    function _setTable(uint32 epoch, uint16 firstBps, uint16 secondBps) internal {
        IAssetRegistry.Payee[] memory payees = new IAssetRegistry.Payee[](2);
        payees[0] = IAssetRegistry.Payee({ account: first, bps: firstBps });
        payees[1] = IAssetRegistry.Payee({ account: second, bps: secondBps });
        vm.mockCall(
            address(registry),
            abi.encodeCall(IAssetRegistry.shareTable, (modelId)),
            abi.encode(epoch, payees, 10_000 - firstBps - secondBps)
        );
    }

    function _credits() internal view returns (uint256, uint256, uint256) {
        return (
            vault.creditOf(address(dollar), first),
            vault.creditOf(address(dollar), second),
            vault.poolCredited(address(dollar))
        );
    }

    function _assertCredits(uint256 one, uint256 two, uint256 pool) internal view {
        (uint256 a, uint256 b, uint256 c) = _credits();
        assertEq(a, one);
        assertEq(b, two);
        assertEq(c, pool);
    }

    function test_distribute_divides_what_was_not_distributed_by_the_new_table() public {
        _setTable(0, 5_000, 0);
        _pay(10_000);
        vault.distribute(address(dollar));
        _pay(10_000);
        _setTable(1, 0, 2_000);
        vm.expectEmit();
        emit IRoyaltyVault.Distributed(address(dollar), 1, 20_000, 13_000);
        vault.distribute(address(dollar));
        _assertCredits(5_000, 2_000, 13_000);
    }

    function test_distribute_divides_the_dust_of_the_old_table_by_the_new() public {
        _setTable(0, 3_333, 3_333);
        _pay(1);
        vault.distribute(address(dollar));
        _assertCredits(0, 0, 0);
        _setTable(1, 10_000, 0);
        vault.distribute(address(dollar));
        _assertCredits(1, 0, 0);
    }

    function test_distribute_reverts_after_a_change_when_there_is_not_even_dust() public {
        _setTable(0, 5_000, 0);
        _pay(10_000);
        vault.distribute(address(dollar));
        _setTable(1, 0, 5_000);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingToDistribute.selector, dollar));
        vault.distribute(address(dollar));
    }

    function test_distribute_keeps_tokens_apart_when_the_table_changes() public {
        _setTable(0, 5_000, 0);
        _pay(10_000);
        vault.distribute(address(dollar));
        vm.prank(buyer);
        vault.pay{ value: 1_000 }("payment", NATIVE, 1_000);
        _setTable(1, 0, 10_000);
        vault.distribute(NATIVE);
        assertEq(vault.creditOf(NATIVE, second), 1_000);
        _assertCredits(5_000, 0, 5_000);
    }

    function test_refunds_and_pool_fundings_do_not_count_as_credited_revenue() public {
        _setTable(0, 5_000, 0);
        vm.startPrank(buyer);
        vault.payFee(1, address(dollar), 1_000, 0, 100);
        vault.refund(1, buyer);
        vault.fundPool(address(dollar), 500);
        vm.stopPrank();
        _pay(10_000);
        vault.distribute(address(dollar));
        _pay(10_000);
        _setTable(1, 0, 5_000);
        vault.distribute(address(dollar));
        _assertCredits(5_000, 5_000, 10_500);
    }

    /// @dev Random tables, changed at random moments: nobody is ever credited more than came in, and what is left after
    /// everything was distributed is less than one base unit for each payee and the pool.
    function testFuzz_distribution_conserves_revenue_over_any_tables(
        uint256[12] memory amounts,
        uint16[12] memory shares,
        uint256 changes
    ) public {
        uint256 revenue = 0;
        uint32 epoch = 0;
        (uint256 one, uint256 two, uint256 pool) = (0, 0, 0);
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint16 firstBps = shares[i] % 10_001;
            if (i == 0 || changes >> i & 1 == 1) {
                _setTable(epoch++, firstBps, uint16(uint256(shares[i]) * 31 % (10_001 - firstBps)));
            }
            uint256 amount = amounts[i] % 3 == 0 ? bound(amounts[i], 1, 9) : bound(amounts[i], 1, 1e30);
            dollar.mint(address(vault), amount);
            vault.sync(address(dollar));
            revenue += amount;
            if (amounts[i] % 2 == 0) vault.distribute(address(dollar));

            (uint256 a, uint256 b, uint256 c) = _credits();
            assertTrue(a >= one && b >= two && c >= pool);
            (one, two, pool) = (a, b, c);
            assertLe(one + two + pool, revenue);
        }
        if (vault.distributed(address(dollar)) != revenue) vault.distribute(address(dollar));
        (one, two, pool) = _credits();
        assertLe(one + two + pool, revenue);
        assertLt(revenue - one - two - pool, 3);
    }

    /// @dev Under one table, however the money came, everyone has exactly the share of what came since it began.
    function testFuzz_distribution_under_a_later_table_is_exact(uint96 before, uint96[8] memory amounts) public {
        _setTable(0, 1_234, 4_321);
        dollar.mint(address(vault), uint256(before) + 1);
        vault.sync(address(dollar));
        vault.distribute(address(dollar));
        (uint256 one, uint256 two, uint256 pool) = _credits();
        uint256 since = uint256(before) + 1 - one - two - pool;

        _setTable(1, 3_141, 2_718);
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 amount = uint256(amounts[i]) + 1;
            dollar.mint(address(vault), amount);
            vault.sync(address(dollar));
            vault.distribute(address(dollar));
            since += amount;
        }
        _assertCredits(one + since * 3_141 / 10_000, two + since * 2_718 / 10_000, pool + since * 4_141 / 10_000);
    }
}
