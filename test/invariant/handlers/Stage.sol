// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { RoyaltyVault } from "../../../contracts/RoyaltyVault.sol";
import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { Domain } from "../../utils/Domain.sol";
import { BlockingToken, FeeOnTransferToken, RefusesCoin } from "../../utils/Doubles.sol";
import { Fixture } from "../../utils/Fixture.sol";

/// @title Stage
/// @notice The world in which handlers act, and what they write down of it, by their own arithmetic and never by asking
/// the contracts. Four vaults: a dataset; a model made from it; a second model made from both and from an archive; the
/// archive, of another owner. Four tokens: dollars, native coin, one that charges on transfer, one that blocks
/// recipients. A *pair* is a vault and a token; the archive's only receive.
///
/// No action reverts. What must not happen is written down under a name, which an invariant looks for.
abstract contract Stage is Fixture {
    /// @dev What handlers know of one pair's money.
    struct Books {
        /// Everything that ever arrived; everything that ever left, by withdrawals and by claims.
        uint256 arrived;
        uint256 withdrawn;
        uint256 claimed;
        /// Bare transfers that no sync has found yet.
        uint256 loose;
        uint256 revenue;
        uint256 distributed;
        /// What tables credited; what those before the table of `epoch` did.
        uint256 credited;
        uint256 base;
        uint256 epoch;
        /// What the pool was ever credited, and lost to the data parents.
        uint256 pool;
        uint256 fallenBack;
    }

    /// @dev An edge of a share table.
    struct Parent {
        uint8 vault;
        IAssetRegistry.EdgeKind kind;
        uint16 bps;
    }

    uint256 internal constant DATASET = 0;
    uint256 internal constant MODEL = 1;
    uint256 internal constant DERIVED = 2;
    uint256 internal constant ARCHIVE = 3;
    uint256 internal constant VAULTS = 4;

    uint256 internal constant DOLLAR = 0;
    uint256 internal constant COIN = 1;
    uint256 internal constant CHARGING = 2;
    uint256 internal constant BLOCKING = 3;
    uint256 internal constant TOKENS = 4;

    uint256 public constant PAIRS = VAULTS * TOKENS;
    /// @dev The pairs that are paid, and whose pools are divided: not the archive's.
    uint256 public constant PAID_PAIRS = ARCHIVE * TOKENS;

    uint256 public constant PAYERS = 3;
    uint256 public constant ACCOUNTS = 5;

    /// @dev Time is kept here and set before every action.
    uint256 public clock;
    uint256 public steps;
    /// @dev The pairs that the last action touched, one bit each.
    uint256 public touched;
    /// @dev One more than the pair that is acted on.
    uint256 private _focus;
    bytes32 private _separator;

    uint128[VAULTS] public assets;
    RoyaltyVault[VAULTS] internal _vaults;
    address[TOKENS] internal _tokens;
    FeeOnTransferToken internal charging;
    BlockingToken internal blocking;

    address[PAYERS] public payers;
    /// @dev The contributors, ascending. The first takes no native coin.
    address[ACCOUNTS] public accounts;
    uint256[ACCOUNTS] internal accountKeys;
    address[2] internal safes;
    address internal archivist = makeAddr("archivist");

    mapping(uint256 pair => Books) internal _books;
    mapping(uint256 pair => mapping(address account => uint256)) public credits;
    /// @dev What recipients hold, who never spend: payers spend exactly what they are given for it.
    mapping(address token => mapping(address account => uint256)) public wealth;
    mapping(address account => address) internal redirects;
    mapping(address account => bool) internal isBlocked;

    Parent[][VAULTS] internal parents;
    IAssetRegistry.Shares[VAULTS] internal shares;
    uint256[VAULTS] public epochs;

    /// @dev The coin that was given to pay with, and the dollars that the fixture's buyer holds.
    uint256 internal coinMade;
    uint256 private _strayDollars;

    /// @dev How often something worth reaching was reached.
    mapping(bytes32 what => uint256) public reached;
    /// @dev Everything that happened and must not.
    bytes32[] internal _violations;

    constructor() {
        setUp();
        clock = START;
        _separator = Domain.separator(address(ledger), block.chainid);
        charging = new FeeOnTransferToken();
        blocking = new BlockingToken();
        _tokens = [address(dollar), NATIVE, address(charging), address(blocking)];
        _setAccounts();
        _setAssets();
        for (uint256 i = 0; i < PAYERS; ++i) {
            payers[i] = makeAddr(string.concat("payer ", vm.toString(i)));
            _approveAll(payers[i]);
        }
        _strayDollars = dollar.totalSupply();
        vm.etch(curators, type(RefusesCoin).runtimeCode);
        vm.etch(accounts[0], type(RefusesCoin).runtimeCode);
    }

    modifier step() {
        vm.warp(clock);
        touched = 1 << (steps++ % PAIRS);
        _;
    }

    // What invariants look at

    function tokenAt(uint256 index) external view returns (address) {
        return _tokens[index];
    }

    function pairAt(uint256 pair) external view returns (RoyaltyVault, address) {
        return (_vaultOfPair(pair), _tokenOf(pair));
    }

    function booksAt(uint256 pair) external view returns (Books memory) {
        return _books[pair];
    }

    function payeesAt(uint256 vaultIndex) external view returns (uint256) {
        return parents[vaultIndex].length + 3;
    }

    function suite() external view returns (IAttributionLedger, IAssetRegistry, address, address) {
        return (ledger, registry, address(market), address(licenses));
    }

    /// @dev Everybody who can have a vault's credit: the parents' vaults, the payees, who is refunded.
    function creditors() public view returns (address[] memory list) {
        list = new address[](VAULTS + 3 + PAYERS);
        for (uint256 i = 0; i < VAULTS; ++i) {
            list[i] = address(_vaults[i]);
        }
        (list[VAULTS], list[VAULTS + 1], list[VAULTS + 2]) = (payee, host, curators);
        for (uint256 i = 0; i < PAYERS; ++i) {
            list[VAULTS + 3 + i] = payers[i];
        }
    }

    /// @dev Everybody who is paid and is no vault.
    function recipients() public view returns (address[] memory list) {
        list = new address[](5 + PAYERS + ACCOUNTS);
        (list[0], list[1], list[2], list[3], list[4]) = (payee, host, curators, safes[0], safes[1]);
        for (uint256 i = 0; i < PAYERS; ++i) {
            list[5 + i] = payers[i];
        }
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            list[5 + PAYERS + i] = accounts[i];
        }
    }

    /// @dev Those who must hold nothing.
    function intermediaries() external view returns (address[4] memory) {
        return [address(market), address(licenses), address(renderer), address(registry)];
    }

    function held(address holder, address token) public view returns (uint256) {
        return token == NATIVE ? holder.balance : IERC20(token).balanceOf(holder);
    }

    /// @dev All there is of a token outside of bonds.
    function supplyAt(uint256 index) external view returns (uint256) {
        if (index == COIN) return coinMade;
        return IERC20(_tokens[index]).totalSupply() - _strayDollars * (index == DOLLAR ? 1 : 0);
    }

    function canPay(address recipient, address token) public view returns (bool) {
        if (token == NATIVE) return recipient != curators && recipient != accounts[0];
        return token != address(blocking) || !isBlocked[recipient];
    }

    function recipientOf(address account) public view returns (address) {
        return redirects[account] == address(0) ? account : redirects[account];
    }

    function violated(bytes32 what) external view returns (bool) {
        for (uint256 i = 0; i < _violations.length; ++i) {
            if (_violations[i] == what) return true;
        }
        return false;
    }

    function violations() external view returns (bytes32[] memory) {
        return _violations;
    }

    // Time

    /// @notice Hours pass, or days.
    function wait_(uint256 duration) external step {
        _advance(_bound(duration, 1 hours, duration % 2 == 0 ? 1 days : 8 days));
    }

    function _advance(uint256 duration) internal virtual {
        clock += duration;
        vm.warp(clock);
    }

    // What happened

    function _reach(bytes32 what) internal {
        ++reached[what];
    }

    function _violate(bytes32 what) internal {
        _violations.push(what);
    }

    function _require(bool holds, bytes32 what) internal {
        if (!holds) _violate(what);
    }

    // Money

    function _net(address token, uint256 amount) internal view returns (uint256) {
        return token == address(charging) ? amount - amount / 100 : amount;
    }

    /// @dev Gives somebody what they are about to pay.
    function _fund(address account, address token, uint256 amount) internal {
        if (token == NATIVE) {
            vm.deal(account, account.balance + amount);
            coinMade += amount;
        } else if (token == address(dollar)) {
            dollar.mint(account, amount);
        } else if (token == address(charging)) {
            charging.mint(account, amount);
        } else {
            _fundBlocking(account, amount);
        }
    }

    function _fundBlocking(address account, uint256 amount) private {
        if (isBlocked[account]) blocking.setBlocked(account, false);
        blocking.mint(account, amount);
        if (isBlocked[account]) blocking.setBlocked(account, true);
    }

    /// @dev What `amount` that was sent does where it arrives.
    function _land(address recipient, uint256 tokenIndex, uint256 amount) internal {
        amount = _net(_tokens[tokenIndex], amount);
        for (uint256 i = 0; i < VAULTS; ++i) {
            if (recipient != address(_vaults[i])) continue;
            uint256 pair = i * TOKENS + tokenIndex;
            _touch(pair);
            _books[pair].arrived += amount;
            _books[pair].loose += amount;
            return;
        }
        wealth[_tokens[tokenIndex]][recipient] += amount;
    }

    /// @dev The digest of what an account signs for the ledger.
    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", _separator, structHash));
    }

    // Choosing

    function _mix(uint256 seed, bytes32 salt) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt)));
    }

    /// @dev Mostly the pair that was last acted on, so that a run gets somewhere.
    function _pair(uint256 seed) internal returns (uint256) {
        seed = _mix(seed, "pair");
        if (_focus == 0 || seed % 16 == 0) _focus = 1 + (seed >> 8) % PAID_PAIRS;
        _touch(_focus - 1);
        return _focus - 1;
    }

    function _touch(uint256 pair) internal {
        touched |= 1 << pair;
    }

    function _vaultOfPair(uint256 pair) internal view returns (RoyaltyVault) {
        return _vaults[pair / TOKENS];
    }

    function _tokenOf(uint256 pair) internal view returns (address) {
        return _tokens[pair % TOKENS];
    }

    // Setting up

    function _setAccounts() private {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            (uint256 key, address account) = (0xACC0 + i, vm.addr(0xACC0 + i));
            uint256 place = i;
            for (; place > 0 && account < accounts[place - 1]; --place) {
                (accounts[place], accountKeys[place]) = (accounts[place - 1], accountKeys[place - 1]);
            }
            (accounts[place], accountKeys[place]) = (account, key);
        }
        safes = [makeAddr("safe"), makeAddr("other safe")];
    }

    function _setAssets() private {
        IAssetRegistry.Registration memory registration = _dataset("stage dataset");
        registration.derivation.minShareBps = 0;
        registration.policy = _stagePolicy(0);
        _enter(DATASET, registration);
        registration.salt = "stage archive";
        registration.owner = archivist;
        _enter(ARCHIVE, registration);

        registration = _model("stage model");
        registration.policy = _stagePolicy(7 days);
        registration.edges[0].parent = assets[DATASET];
        _enter(MODEL, registration);

        registration.salt = "stage derived model";
        registration.shares.poolBps = 3_210;
        registration.edges = new IAssetRegistry.Edge[](3);
        registration.edges[0] = _edgeTo(MODEL, IAssetRegistry.EdgeKind.FINETUNE, 1_500);
        registration.edges[1] = _edgeTo(DATASET, IAssetRegistry.EdgeKind.DATA, 667);
        registration.edges[2] = _edgeTo(ARCHIVE, IAssetRegistry.EdgeKind.DATA, 123);
        _enter(DERIVED, registration);
    }

    function _enter(uint256 index, IAssetRegistry.Registration memory registration) private {
        uint128 assetId = _register(registration);
        vm.prank(registration.owner);
        registry.publish(assetId, keccak256("content"), keccak256("manifest"), "");
        assets[index] = assetId;
        _vaults[index] = _vaultOf(assetId);
        shares[index] = registration.shares;
        for (uint256 i = 0; i < registration.edges.length; ++i) {
            IAssetRegistry.Edge memory edge = registration.edges[i];
            uint256 parent = 0;
            while (assets[parent] != edge.parent) ++parent;
            parents[index].push(Parent({ vault: uint8(parent), kind: edge.kind, bps: edge.shareBps }));
        }
    }

    function _edgeTo(uint256 parent, IAssetRegistry.EdgeKind kind, uint16 bps)
        internal
        view
        returns (IAssetRegistry.Edge memory)
    {
        return
            IAssetRegistry.Edge({ parent: assets[parent], parentVersion: 1, kind: kind, shareBps: bps, licenseId: 0 });
    }

    /// @dev Bonds that cannot be halved, or cut by a tenth, without a rest.
    function _stagePolicy(uint32 fallbackAfter) internal virtual returns (IAttributionLedger.Policy memory policy) {
        policy = _policy();
        policy.arbiter = makeAddr("arbiter");
        policy.arbiterPeriod = 2 days;
        policy.posterBond = 1 ether + 1;
        policy.challengeBond = 0.5 ether + 3;
        policy.fallbackAfter = fallbackAfter;
    }

    function _approveAll(address account) internal {
        vm.startPrank(account);
        for (uint256 i = 0; i < TOKENS; ++i) {
            if (_tokens[i] == NATIVE) continue;
            IERC20(_tokens[i]).approve(address(market), type(uint256).max);
            for (uint256 j = 0; j < VAULTS; ++j) {
                IERC20(_tokens[i]).approve(address(_vaults[j]), type(uint256).max);
            }
        }
        vm.stopPrank();
    }
}
