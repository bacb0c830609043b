// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { Payers } from "./Payers.sol";

/// @title Tellers
/// @notice Money on its way through the vaults: found, divided by the share table, withdrawn, redirected.
abstract contract Tellers is Payers {
    bytes32 private constant SOURCE_TYPEHASH = keccak256("Source(address vault,address token)");
    bytes32 private constant WITHDRAW_TYPEHASH = keccak256(
        "WithdrawOrder(address account,address recipient,Source[] sources,uint256 nonce,uint64 deadline)Source(address vault,address token)"
    );

    /// @dev What every line of a table was given, by pair, table and place; the pool is the last line.
    mapping(uint256 pair => mapping(uint256 epoch => mapping(uint256 line => uint256))) private _given;
    uint256 internal nextNonce;

    function sync(uint256 seed) external step {
        uint256 pair = _pair(seed);
        Books storage books = _books[pair];
        if (books.loose == 0) return;
        _require(_vaultOfPair(pair).sync(_tokenOf(pair)) == books.loose, "not what was found");
        books.revenue += books.loose;
        books.loose = 0;
        _reach("synced");
    }

    function distribute(uint256 seed) external step {
        _distribute(_pair(seed));
    }

    /// @notice A payment that is divided at once.
    function earn(uint256 seed, uint256 amount) external step {
        uint256 pair = _pair(seed);
        _pay(pair, seed, amount);
        _distribute(pair);
    }

    function withdraw(uint256 seed) external step {
        uint256 pair = _pair(seed);
        address account = _creditor(pair, seed);
        if (account == address(0)) return;
        address recipient = recipientOf(account);
        if (!canPay(recipient, _tokenOf(pair))) {
            try _vaultOfPair(pair).withdraw(_tokenOf(pair), account) {
                _violate("paid who cannot be paid");
            } catch {
                _reach("refused");
            }
            return;
        }
        uint256 paid = _vaultOfPair(pair).withdraw(_tokenOf(pair), account);
        _withdrawn(pair, account, recipient, paid);
    }

    /// @notice One account's credits in two tokens of two vaults, among them perhaps nothing.
    function withdrawMany(uint256 seed) external step {
        uint256[2] memory pairs = [_pair(seed), _mix(seed, "second pair") % PAIRS];
        _touch(pairs[1]);
        address account = _creditor(pairs[0], seed);
        address recipient = recipientOf(account);
        IAttributionLedger.Withdrawal[] memory withdrawals = new IAttributionLedger.Withdrawal[](2);
        for (uint256 i = 0; i < 2; ++i) {
            if (account == address(0) || !canPay(recipient, _tokenOf(pairs[i]))) return;
            withdrawals[i] = IAttributionLedger.Withdrawal({
                vault: address(_vaultOfPair(pairs[i])), token: _tokenOf(pairs[i]), account: account
            });
        }
        uint128[] memory paid = ledger.withdrawMany(withdrawals);
        for (uint256 i = 0; i < 2; ++i) {
            _withdrawn(pairs[i], account, recipient, paid[i]);
        }
        _reach("withdrew many");
    }

    /// @notice By an order of the payee or the host, which is then sent again.
    function withdrawTo(uint256 seed) external step {
        uint256 pair = _pair(seed);
        (address account, uint256 key) = makeAddrAndKey(seed % 2 == 0 ? "payee" : "host");
        address recipient = safes[_mix(seed, "safe") % 2];
        IAttributionLedger.WithdrawOrder memory order;
        (order.account, order.recipient, order.nonce, order.deadline) = (account, recipient, nextNonce++, uint64(clock));
        order.sources = new IAttributionLedger.Source[](1);
        order.sources[0] = IAttributionLedger.Source({ vault: address(_vaultOfPair(pair)), token: _tokenOf(pair) });
        bytes memory signature = _sign(key, _digest(_hashOf(order)));
        if (credits[pair][account] != 0 && !canPay(recipient, _tokenOf(pair))) {
            try ledger.withdrawTo(order, signature) {
                _violate("paid who cannot be paid");
            } catch { }
            return;
        }
        _withdrawn(pair, account, recipient, ledger.withdrawTo(order, signature)[0]);
        try ledger.withdrawTo(order, signature) {
            _violate("an order was used twice");
        } catch { }
        _reach("withdrew by order");
    }

    /// @notice An account names who is paid in its place: nobody, somebody else, or a vault.
    function redirect(uint256 seed, uint256 who) external step {
        address[] memory list = recipients();
        address account = list[who % list.length];
        address recipient =
            seed % 4 == 0 ? address(0) : seed % 4 == 1 ? address(_vaults[(seed >> 8) % VAULTS]) : safes[seed % 2];
        vm.prank(account);
        ledger.setRecipient(recipient);
        redirects[account] = recipient;
        _reach("redirected");
    }

    /// @notice The blocking token blocks an account, or no longer.
    function toggleBlock(uint256 who) external step {
        address[] memory list = recipients();
        address account = list[who % list.length];
        isBlocked[account] = !isBlocked[account];
        blocking.setBlocked(account, isBlocked[account]);
    }

    function _distribute(uint256 pair) internal {
        Books storage books = _books[pair];
        uint256 epoch = epochs[pair / TOKENS];
        if (books.revenue == (epoch == books.epoch ? books.distributed : books.credited)) return;
        _vaultOfPair(pair).distribute(_tokenOf(pair));
        _divide(pair, books, epoch);
        _reach("distributed");
    }

    /// @dev The same division as the vault's: every line has, of all revenue since the table, its share rounded down.
    function _divide(uint256 pair, Books storage books, uint256 epoch) private {
        if (epoch != books.epoch) (books.epoch, books.base) = (epoch, books.credited);
        uint256 since = books.revenue - books.base;
        books.distributed = books.revenue;

        Parent[] storage edges = parents[pair / TOKENS];
        uint256 count = edges.length;
        for (uint256 i = 0; i < count; ++i) {
            credits[pair][address(_vaults[edges[i].vault])] += _give(pair, i, since * edges[i].bps / 10_000);
        }
        IAssetRegistry.Shares memory table = shares[pair / TOKENS];
        credits[pair][payee] += _give(pair, count, since * table.payeeBps / 10_000);
        credits[pair][host] += _give(pair, count + 1, since * table.hostBps / 10_000);
        credits[pair][curators] += _give(pair, count + 2, since * table.curatorsBps / 10_000);
        books.pool += _give(pair, count + 3, since * table.poolBps / 10_000);
    }

    function _give(uint256 pair, uint256 line, uint256 due) private returns (uint256 amount) {
        Books storage books = _books[pair];
        amount = due - _given[pair][books.epoch][line];
        _given[pair][books.epoch][line] = due;
        books.credited += amount;
    }

    /// @dev Somebody to whom the vault owes something; nobody if it owes nothing.
    function _creditor(uint256 pair, uint256 seed) internal view returns (address) {
        address[] memory list = creditors();
        seed = _mix(seed, "creditor");
        for (uint256 i = 0; i < list.length; ++i) {
            address account = list[(seed % list.length + i) % list.length];
            if (credits[pair][account] != 0) return account;
        }
        return address(0);
    }

    function _withdrawn(uint256 pair, address account, address recipient, uint256 paid) private {
        _require(paid == credits[pair][account], "not what was credited");
        credits[pair][account] -= paid;
        _books[pair].withdrawn += paid;
        _land(recipient, pair % TOKENS, paid);
        if (paid != 0) _reach("withdrew");
    }

    function _hashOf(IAttributionLedger.WithdrawOrder memory order) private pure returns (bytes32) {
        bytes32 sources = keccak256(abi.encodePacked(keccak256(abi.encode(SOURCE_TYPEHASH, order.sources[0]))));
        return keccak256(
            abi.encode(WITHDRAW_TYPEHASH, order.account, order.recipient, sources, order.nonce, order.deadline)
        );
    }
}
