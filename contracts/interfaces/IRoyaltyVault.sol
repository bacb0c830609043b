// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "./IAttributionLedger.sol";
import { IPool } from "./IPool.sol";

/// @title IRoyaltyVault
/// @notice Holds one asset's money: ERC-20 tokens, and the native coin as token 0xEeee… (ERC-7528).
///
/// Money comes in as license fees that are earned over time, as payments, and as bare transfers. What is earned is
/// *revenue*; `distribute` divides revenue by the asset's share table into pull credits and the pool. Nothing is ever
/// pushed, nobody can sweep, and one recipient that cannot be paid blocks nobody else.
///
/// Every base unit of revenue is in exactly one of the events {FeeEarned}, {Paid} and {Revenue}.
///
/// Always, per token: balance ≥ unearned + revenue not distributed + credits not withdrawn + pool not paid. All shares
/// are rounded down, cumulatively: distributing often or seldom gives the same credits, and what rounding leaves
/// (fewer base units than there are payees) stays in the vault and is divided later.
///
/// Tokens: amounts are what arrived, so a token that charges on transfer is accounted for as received. A token whose
/// balances fall by themselves is unsupported, and can hurt only the vaults that hold it.
interface IRoyaltyVault is IPool {
    /// @notice A license fee while it is being earned. Rounded down at every moment.
    struct FeeStream {
        address token;
        /// What arrived, in base units.
        uint128 amount;
        /// How much of it has become revenue.
        uint128 released;
        /// The part earned at once, in basis points.
        uint16 upfrontBps;
        /// The rest is earned linearly from `start` to `end`, in seconds since 1970.
        uint64 start;
        uint64 end;
    }

    /// @param market Who opened the stream; only it may change it later.
    /// @param amount What arrived, in base units.
    /// @param upfront The part earned at once; it is also in a {FeeEarned}.
    event FeePaid(
        address indexed market,
        uint256 indexed licenseId,
        address indexed token,
        uint128 amount,
        uint128 upfront,
        uint64 start,
        uint64 end
    );

    /// @param amount What became revenue now, in base units.
    /// @param earnedUntil The moment up to which the fee is now revenue.
    event FeeEarned(
        address indexed market, uint256 indexed licenseId, address indexed token, uint128 amount, uint64 earnedUntil
    );

    /// @param amount What arrived, in base units; all of it is revenue.
    event Paid(bytes32 indexed paymentId, address indexed payer, address indexed token, uint128 amount);

    /// @notice Revenue without receipts.
    event Revenue(address indexed token, uint128 amount);

    event Credited(address indexed token, address indexed account, uint128 amount);

    /// @param revenue All revenue so far; all of it is now distributed.
    /// @param poolCredited All that the pool was ever credited.
    event Distributed(address indexed token, uint128 revenue, uint128 poolCredited);

    event Withdrawn(address indexed token, address indexed account, uint128 amount);

    error Vault_NotRegistry(address caller);
    error Vault_NotLedger(address caller);
    error Vault_NothingReceived(address token);
    error Vault_BadUpfront(uint16 upfrontBps);
    error Vault_BadEarnPeriod(uint64 earnPeriod);
    error Vault_StreamExists(address market, uint256 licenseId);
    error Vault_NoStream(address market, uint256 licenseId);
    error Vault_ZeroPaymentId();
    error Vault_NothingToDistribute(address token);
    error Vault_NothingToWithdraw(address token, address account);
    error Vault_PoolExceeded(address token, uint128 amount, uint128 available);

    /// @notice Registers the vault's policy with the ledger.
    /// @dev By the registry when it makes the vault; the ledger refuses a second time. Errors: Vault_NotRegistry and
    /// those of {IAttributionLedger-registerPolicy}.
    function initialize(IAttributionLedger.Policy calldata policy) external;

    /// @notice Pays the fee of one license, which opens a stream keyed by (caller, license).
    /// @dev By anyone, but meant for a license market: settlement reads the caller from the events. Pulls `amount` from
    /// the caller, who must have approved it, or takes it as native coin. Emits {FeePaid}, and {FeeEarned} for the part
    /// earned at once.
    /// Errors: Currency_WrongValue, Vault_NothingReceived, Vault_BadUpfront (over 10,000), Vault_BadEarnPeriod (over 100
    /// years), Vault_StreamExists.
    /// @param amount Base units of `token`.
    /// @param upfrontBps The part earned at once, in basis points, rounded down.
    /// @param earnPeriod Seconds over which the rest is earned linearly; 0 means that all is earned at once.
    /// @return received What arrived, in base units.
    function payFee(uint256 licenseId, address token, uint256 amount, uint16 upfrontBps, uint64 earnPeriod)
        external
        payable
        returns (uint128 received);

    /// @notice Pays for calls. The amount is revenue at once.
    /// @dev By anyone. A payment id may be paid more than once; the amounts add up. Emits {Paid}.
    /// Errors: Vault_ZeroPaymentId, Currency_WrongValue, Vault_NothingReceived.
    /// @return received What arrived, in base units.
    function pay(bytes32 paymentId, address token, uint256 amount) external payable returns (uint128 received);

    /// @notice Makes what was simply transferred to the vault revenue without receipts.
    /// @dev By anyone. Emits {Revenue}. Errors: Vault_NothingReceived.
    /// @return received What was found, in base units.
    function sync(address token) external returns (uint128 received);

    /// @notice Makes what the named streams have earned by now revenue.
    /// @dev By anyone. Emits {FeeEarned} for each stream that earned something since the last time; the others are
    /// left as they are. Errors: Vault_NoStream.
    function release(address market, uint256[] calldata licenseIds) external;

    /// @notice Divides all revenue not yet distributed by the asset's share table.
    /// @dev By anyone. Everyone's credit is floor(revenue so far × bps / 10,000) less what was credited before. Emits
    /// {Credited} for each payee and {Distributed}. Errors: Vault_NothingToDistribute.
    function distribute(address token) external;

    /// @notice Pays an account its credit.
    /// @dev By anyone; the money always goes to the account. An upstream vault is paid by a transfer, which its own
    /// `sync` makes revenue. Emits {Withdrawn}. Errors: Vault_NothingToWithdraw, and whatever the token or a refusing
    /// recipient of native coin reverts with.
    /// @return amount What was paid, in base units.
    function withdraw(address token, address account) external returns (uint128 amount);

    /// @notice The registry that made this vault and holds the share table.
    function registry() external view returns (address);

    /// @notice The asset whose money this is.
    function assetId() external view returns (uint128);

    /// @notice The ledger that divides the pool.
    function ledger() external view returns (address);

    /// @notice License fees paid and not yet made revenue, in base units.
    function unearned(address token) external view returns (uint128);

    /// @notice All revenue so far, in base units. Never falls.
    function revenue(address token) external view returns (uint128);

    /// @notice The revenue that has been distributed, in base units. Never falls.
    function distributed(address token) external view returns (uint128);

    /// @notice What an account can withdraw, in base units.
    function creditOf(address token, address account) external view returns (uint128);

    /// @notice Everything ever paid out of the pool, in base units. Never falls.
    function poolPaid(address token) external view returns (uint128);

    /// @notice What the vault accounts for, in base units; what it holds beyond that, `sync` makes revenue.
    function accounted(address token) external view returns (uint256);

    /// @notice A license fee. Errors: Vault_NoStream.
    function streamOf(address market, uint256 licenseId) external view returns (FeeStream memory);

    /// @notice How much of a license fee is earned at a moment, in base units, rounded down. Errors: Vault_NoStream.
    /// @param time Seconds since 1970, past or future.
    function earnedAt(address market, uint256 licenseId, uint64 time) external view returns (uint128);
}
