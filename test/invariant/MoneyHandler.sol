// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { ILicenseMarket } from "../../contracts/interfaces/ILicenseMarket.sol";
import { IRoyaltyVault } from "../../contracts/interfaces/IRoyaltyVault.sol";
import { Fixture } from "../utils/Fixture.sol";
import { SumTreeBuilder } from "../utils/SumTreeBuilder.sol";

/// @title MoneyHandler
/// @notice Buyers, payees, contributors and a quorum that is not always honest, acting at random on one model's vault
/// in two tokens. No action reverts.
contract MoneyHandler is Fixture {
    uint256 internal constant ACCOUNTS = 6;

    /// @dev Time is kept here and set before every action.
    uint256 public clock;
    address[2] public tokens;
    uint256[2] public offers;
    uint256[] public licenseIds;

    /// @dev Money that came in, by token.
    mapping(address token => uint256) public paidIn;
    /// @dev The payouts that the attestors keep, and the tree of every posted root.
    mapping(address token => SumTreeBuilder.Leaf[]) internal payouts;
    mapping(address token => mapping(uint64 index => SumTreeBuilder.Leaf[])) internal trees;

    /// @dev Set when something that may only grow fell.
    bool public somethingFell;
    mapping(bytes32 key => uint256) internal highest;

    constructor() {
        setUp();
        clock = START;
        tokens = [address(dollar), NATIVE];
        for (uint256 i = 0; i < 2; ++i) {
            ILicenseMarket.Offer memory offer = _offer(0);
            offer.token = tokens[i];
            offer.price = 99_999_999;
            offer.upfrontBps = 777;
            offers[i] = _publishOffer(_terms(), offer);
            for (uint256 j = 0; j < ACCOUNTS; ++j) {
                payouts[tokens[i]].push(SumTreeBuilder.Leaf({ account: account(j), cumulative: 0 }));
            }
        }
    }

    modifier step() {
        vm.warp(clock);
        _;
        _watch();
    }

    function account(uint256 index) public pure returns (address) {
        return address(uint160(0xACC0_0000 + index));
    }

    function accountCount() external pure returns (uint256) {
        return ACCOUNTS;
    }

    function licenseCount() external view returns (uint256) {
        return licenseIds.length;
    }

    function suite() external view returns (IAttributionLedger, RoyaltyVault, RoyaltyVault, address) {
        return (ledger, vault, datasetVault, address(market));
    }

    function payees() public view returns (address[4] memory) {
        return [address(datasetVault), payee, host, curators];
    }

    // Money in

    function buy(uint256 which, uint64 quantity) external step {
        which %= 2;
        quantity = uint64(bound(quantity, 1, 3));
        uint256 price = 99_999_999 * uint256(quantity);
        vm.deal(buyer, buyer.balance + price);
        vm.prank(buyer);
        uint256 first = market.buy{ value: which == 1 ? price : 0 }(offers[which], quantity, buyer, price);
        for (uint256 i = 0; i < quantity; ++i) {
            licenseIds.push(first + i);
        }
        paidIn[tokens[which]] += price;
    }

    function pay(uint256 which, uint256 amount) external step {
        which %= 2;
        amount = bound(amount, 1, 1e12);
        dollar.mint(buyer, amount);
        vm.deal(buyer, buyer.balance + amount);
        vm.prank(buyer);
        vault.pay{ value: which == 1 ? amount : 0 }("payment", tokens[which], amount);
        paidIn[tokens[which]] += amount;
    }

    function transferBare(uint256 which, uint256 amount) external step {
        which %= 2;
        amount = bound(amount, 1, 1e12);
        if (which == 0) dollar.mint(address(vault), amount);
        else vm.deal(address(vault), address(vault).balance + amount);
        paidIn[tokens[which]] += amount;
    }

    // Money through the vault

    function sync(uint256 which, bool upstream) external step {
        address token = tokens[which % 2];
        RoyaltyVault target = upstream ? datasetVault : vault;
        if (held(address(target), token) > target.accounted(token)) target.sync(token);
    }

    function wait_(uint256 duration) external step {
        clock += bound(duration, 1 hours, 5 days);
    }

    function release(uint256 seed) external step {
        if (licenseIds.length == 0) return;
        uint256[] memory ids = new uint256[](1 + seed % 4);
        for (uint256 i = 0; i < ids.length; ++i) {
            ids[i] = licenseIds[uint256(keccak256(abi.encode(seed, i))) % licenseIds.length];
        }
        vault.release(address(market), ids);
    }

    function distribute(uint256 which, bool upstream) external step {
        address token = tokens[which % 2];
        RoyaltyVault target = upstream ? datasetVault : vault;
        if (target.revenue(token) > target.distributed(token)) target.distribute(token);
    }

    function withdraw(uint256 which, uint256 who) external step {
        address token = tokens[which % 2];
        address recipient = payees()[who % 4];
        if (vault.creditOf(token, recipient) != 0) vault.withdraw(token, recipient);
    }

    // Roots and claims

    function post(uint256 which, uint256 seed) external step {
        _postNext(tokens[which % 2], seed);
    }

    /// @dev A whole epoch at once, without which random actions would rarely reach a second active root.
    function settle(uint256 which, uint256 seed) external step {
        address token = tokens[which % 2];
        if (vault.revenue(token) > vault.distributed(token)) vault.distribute(token);
        _postNext(token, seed);
        clock += WINDOW;
    }

    /// @dev Claims for every account of one active root, in a random order.
    function claimAll(uint256 which, uint256 seed) external step {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            _claimLeaf(tokens[which % 2], seed, seed % ACCOUNTS + i);
        }
    }

    function claim(uint256 which, uint256 seed, uint256 leaf) external step {
        _claimLeaf(tokens[which % 2], seed, leaf);
    }

    function _postNext(address token, uint256 seed) internal {
        uint64 count = ledger.rootCount(address(vault), token);
        if (ledger.rootOf(address(vault), token, count).status == IAttributionLedger.RootStatus.PENDING) return;
        if (count != 0 && ledger.periodEnd(address(vault), token) >= clock) return;
        (, IAttributionLedger.Root memory newest) = ledger.newestActive(address(vault), token);
        uint256 room = vault.poolCredited(token) - newest.sum;
        if (newest.sum == 0 && room == 0) return;

        _allot(token, seed, room);
        SumTreeBuilder.Leaf[] memory leaves = _owed(token);
        IAttributionLedger.RootStatement memory statement = _statement(leaves);
        statement.token = token;
        statement.index = count + 1;
        statement.prevRoot = newest.root;
        for (uint256 i = 0; i < leaves.length; ++i) {
            trees[token][statement.index].push(leaves[i]);
        }
        ledger.post(statement, _attest(statement, 2));
    }

    function _claimLeaf(address token, uint256 seed, uint256 leaf) internal {
        (uint64 newest,) = ledger.newestActive(address(vault), token);
        if (newest == 0) return;
        uint64 index = uint64(1 + seed % newest);
        SumTreeBuilder.Leaf[] memory leaves = trees[token][index];
        IAttributionLedger.Claim memory claim_ = _claimOf(index, leaves, leaf % leaves.length);
        claim_.token = token;
        try ledger.claim(claim_) { }
        catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            assertTrue(
                selector == IAttributionLedger.Ledger_NothingToClaim.selector
                    || selector == IAttributionLedger.Ledger_ClaimsExceedSum.selector,
                "a claim failed for a reason that it should not"
            );
        }
    }

    function held(address holder, address token) public view returns (uint256) {
        return token == NATIVE ? holder.balance : IERC20(token).balanceOf(holder);
    }

    /// @dev Hands out part of the room; every other time the quorum also moves one account's payout to another.
    function _allot(address token, uint256 seed, uint256 room) internal {
        SumTreeBuilder.Leaf[] storage leaves = payouts[token];
        uint256 amount = bound(uint256(keccak256(abi.encode(seed, "amount"))), room == 0 ? 0 : 1, room);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            uint256 part = i + 1 == ACCOUNTS ? amount : uint256(keccak256(abi.encode(seed, i))) % (amount + 1);
            leaves[i].cumulative += uint128(part);
            amount -= part;
        }
        if (seed % 2 == 0) {
            (uint256 from, uint256 to) = ((seed >> 8) % ACCOUNTS, (seed >> 16) % ACCOUNTS);
            if (from != to) {
                leaves[to].cumulative += leaves[from].cumulative;
                leaves[from].cumulative = 0;
            }
        }
    }

    /// @dev The accounts that are owed something: a tree has no zero leaves.
    function _owed(address token) internal view returns (SumTreeBuilder.Leaf[] memory owed) {
        SumTreeBuilder.Leaf[] storage all = payouts[token];
        uint256 count = 0;
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            if (all[i].cumulative != 0) ++count;
        }
        owed = new SumTreeBuilder.Leaf[](count);
        count = 0;
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            if (all[i].cumulative != 0) owed[count++] = all[i];
        }
    }

    function _watch() internal {
        for (uint256 i = 0; i < 2; ++i) {
            address token = tokens[i];
            _grows("revenue", token, vault.revenue(token));
            _grows("distributed", token, vault.distributed(token));
            _grows("poolCredited", token, vault.poolCredited(token));
            _grows("poolPaid", token, vault.poolPaid(token));
            _grows("rootCount", token, ledger.rootCount(address(vault), token));
            _grows("totalClaimed", token, ledger.totalClaimed(address(vault), token));
            (uint64 newest, IAttributionLedger.Root memory root) = ledger.newestActive(address(vault), token);
            _grows("newest", token, newest);
            _grows("sum", token, root.sum);
            for (uint256 j = 0; j < ACCOUNTS; ++j) {
                _grows(bytes32(j), token, ledger.claimed(address(vault), token, account(j)));
            }
        }
    }

    function _grows(bytes32 what, address token, uint256 value) internal {
        bytes32 key = keccak256(abi.encode(what, token));
        if (value < highest[key]) somethingFell = true;
        highest[key] = value;
    }
}
