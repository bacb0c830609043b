// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { Fixture } from "../utils/Fixture.sol";
import { SumTreeBuilder } from "../utils/SumTreeBuilder.sol";

contract MoneyFuzzTest is Fixture {
    function _payFee(uint128 amount, uint16 upfrontBps, uint64 earnPeriod) internal {
        dollar.mint(buyer, amount);
        vm.prank(buyer);
        vault.payFee(1, address(dollar), amount, upfrontBps, earnPeriod);
    }

    function _release() internal {
        uint256[] memory ids = new uint256[](1);
        ids[0] = 1;
        vault.release(buyer, ids);
    }

    function testFuzz_fees_are_earned_up_to_the_formula(
        uint128 amount,
        uint16 upfrontBps,
        uint64 earnPeriod,
        uint64 elapsed
    ) public {
        amount = uint128(bound(amount, 1, 1e30));
        upfrontBps = uint16(bound(upfrontBps, 0, 10_000));
        earnPeriod = uint64(bound(earnPeriod, 1, 36_525 days));
        elapsed = uint64(bound(elapsed, 0, 2 * uint256(earnPeriod)));
        _payFee(amount, upfrontBps, earnPeriod);
        vm.warp(START + elapsed);
        _release();

        uint256 upfront = uint256(amount) * upfrontBps / 10_000;
        uint256 expected = elapsed >= earnPeriod ? amount : upfront + (uint256(amount) - upfront) * elapsed / earnPeriod;
        assertEq(vault.revenue(address(dollar)), expected);
        assertEq(vault.unearned(address(dollar)), amount - expected);
    }

    function testFuzz_fees_come_to_the_same_however_often_they_are_released(
        uint128 amount,
        uint16 upfrontBps,
        uint64[8] memory steps
    ) public {
        amount = uint128(bound(amount, 1, 1e30));
        upfrontBps = uint16(bound(upfrontBps, 0, 10_000));
        _payFee(amount, upfrontBps, 30 days);
        uint256 previous = vault.revenue(address(dollar));
        for (uint256 i = 0; i < steps.length; ++i) {
            vm.warp(vm.getBlockTimestamp() + bound(steps[i], 0, 10 days));
            _release();
            uint256 revenue = vault.revenue(address(dollar));
            assertGe(revenue, previous);
            uint256 linear = vault.earnedAt(buyer, 1, uint64(vm.getBlockTimestamp()));
            assertEq(revenue, uint256(amount) * upfrontBps / 10_000 + linear);
            assertEq(revenue + vault.unearned(address(dollar)), amount);
            previous = revenue;
        }
        vm.warp(START + 30 days);
        _release();
        assertEq(vault.revenue(address(dollar)), amount);
    }

    /// @dev Ten thousand basis points over two parents, three roles and the pool, cut at random places.
    function _randomTable(uint256 seed) internal returns (uint128 assetId) {
        uint128 secondId = _register(_dataset("second"));
        vm.prank(owner);
        registry.publish(secondId, keccak256("records"), keccak256("manifest"), "");
        IAssetRegistry.Registration memory registration = _model(keccak256(abi.encode("random table", seed)));
        registration.edges = new IAssetRegistry.Edge[](2);
        uint256 left = 10_000;
        for (uint256 i = 0; i < 2; ++i) {
            uint16 share = uint16(500 + uint256(keccak256(abi.encode(seed, i))) % 4_000);
            registration.edges[i] = IAssetRegistry.Edge({
                parent: i == 0 ? datasetId : secondId,
                parentVersion: 1,
                kind: IAssetRegistry.EdgeKind.DATA,
                shareBps: share,
                licenseId: 0
            });
            left -= share;
        }
        registration.shares.hostBps = uint16(1 + uint256(keccak256(abi.encode(seed, "host"))) % (left - 3));
        left -= registration.shares.hostBps;
        registration.shares.curatorsBps = uint16(1 + uint256(keccak256(abi.encode(seed, "cur"))) % (left - 2));
        left -= registration.shares.curatorsBps;
        registration.shares.payeeBps = uint16(1 + uint256(keccak256(abi.encode(seed, "pay"))) % (left - 1));
        left -= registration.shares.payeeBps;
        registration.shares.poolBps = uint16(left);
        return _register(registration);
    }

    function _creditsAndPool(uint128 assetId) internal view returns (uint256 total, uint256 count) {
        (, IAssetRegistry.Payee[] memory payees,) = registry.shareTable(assetId);
        for (uint256 i = 0; i < payees.length; ++i) {
            total += vault.creditOf(address(dollar), payees[i].account);
        }
        return (total + vault.poolCredited(address(dollar)), payees.length + 1);
    }

    function testFuzz_distribution_conserves_revenue_up_to_dust(uint256 seed, uint128[6] memory amounts) public {
        uint128 assetId = _randomTable(seed);
        vault = _vaultOf(assetId);
        uint256 revenue = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 amount = bound(amounts[i], 1, 1e30);
            dollar.mint(address(vault), amount);
            vault.sync(address(dollar));
            if (amount % 2 == 0) vault.distribute(address(dollar));
            revenue += amount;
        }
        if (vault.distributed(address(dollar)) != revenue) vault.distribute(address(dollar));
        (uint256 total, uint256 count) = _creditsAndPool(assetId);
        assertLe(total, revenue);
        assertLt(revenue - total, count);
    }

    function testFuzz_distribution_often_gives_what_distribution_once_gives(uint256 seed, uint16[12] memory amounts)
        public
    {
        uint128 assetId = _randomTable(seed);
        vault = _vaultOf(assetId);
        uint256 revenue = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 amount = uint256(amounts[i]) + 1;
            dollar.mint(address(vault), amount);
            vault.sync(address(dollar));
            vault.distribute(address(dollar));
            revenue += amount;
        }
        (, IAssetRegistry.Payee[] memory payees, uint16 poolBps) = registry.shareTable(assetId);
        for (uint256 i = 0; i < payees.length; ++i) {
            assertEq(vault.creditOf(address(dollar), payees[i].account), revenue * payees[i].bps / 10_000);
        }
        assertEq(vault.poolCredited(address(dollar)), revenue * poolBps / 10_000);
    }

    function testFuzz_claims_in_any_order_pay_exactly_the_tree(uint256 seed, uint256 count, uint256 revenue) public {
        count = bound(count, 1, 24);
        revenue = bound(revenue, 1e6, 1e30);
        dollar.mint(address(vault), revenue);
        vault.sync(address(dollar));
        vault.distribute(address(dollar));
        uint256 pool = vault.poolCredited(address(dollar));

        SumTreeBuilder.Leaf[] memory leaves = _leaves(count, 1);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i].cumulative = uint128(1 + uint256(keccak256(abi.encode(seed, i))) % (pool / count));
        }
        uint64 index = _activate(leaves);
        (, uint128 sum) = SumTreeBuilder.root(leaves);
        uint256 step = 1 + (seed % count);
        while (_gcd(step, count) != 1) ++step;
        for (uint256 i = 0; i < count; ++i) {
            uint256 leaf = (i * step) % count;
            ledger.claim(_claimOf(index, leaves, leaf));
            assertEq(dollar.balanceOf(leaves[leaf].account), leaves[leaf].cumulative);
        }
        assertEq(vault.poolPaid(address(dollar)), sum);
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), sum);
        assertEq(dollar.balanceOf(address(vault)), revenue - sum);
    }

    function _gcd(uint256 a, uint256 b) internal pure returns (uint256) {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }
}
