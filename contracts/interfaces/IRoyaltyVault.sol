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
/// are rounded down, cumulatively while the share table stays the same: distributing often or seldom gives the same
/// credits, and what rounding leaves (fewer base units than there are payees) stays in the vault and is divided later.
/// When the table changes, everything not yet credited is divided by the new one.
///
/// Tokens: amounts are what arrived, at most what was asked for, so a token that charges on transfer is accounted for
/// as received. A token whose balances fall by themselves is unsupported, and can hurt only the vaults that hold it.
///
/// Fees and payments are pulled out of the caller's own balance. What merely arrives while a call runs may be anybody's,
/// and is left to `sync`: otherwise whoever opens a stream could catch others' transfers and have them refunded.
interface IRoyaltyVault is IPool {
    /// @notice The part of a license's fees that is earned over time. Rounded down at every moment.
    struct FeeStream {
        address token;
        /// What is earned linearly from `start` to `end`, in base units.
        uint128 amount;
        /// How much of it has become revenue. The difference is unearned.
        uint128 released;
        /// Seconds since 1970.
        uint64 start;
        uint64 end;
    }

    /// @param market Who opened the stream; only it may change it later.
    /// @param amount What arrived, in base units.
    /// @param upfront The part earned at once; it is also in a {FeeEarned}. The rest is earned linearly from `start` to
    /// `end`.
    event FeePaid(
        address indexed market,
        uint256 indexed licenseId,
        address indexed token,
        uint128 amount,
        uint128 upfront,
        uint64 start,
        uint64 end
    );

    /// @notice A further fee of the same license.
    /// @param carried What was unearned before, in base units. With it, what is not `upfront` of `amount` is earned
    /// linearly from `start`, which is now, to `end`.
    event FeeRenewed(
        address indexed market,
        uint256 indexed licenseId,
        address indexed token,
        uint128 amount,
        uint128 upfront,
        uint128 carried,
        uint64 start,
        uint64 end
    );

    /// @notice What of a license's fees was unearned became `account`'s credit, and the stream is closed.
    event FeeRefunded(
        address indexed market, uint256 indexed licenseId, address indexed token, address account, uint128 amount
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

    /// @notice Money for the pool alone.
    event PoolFunded(address indexed payer, address indexed token, uint128 amount);

    event Credited(address indexed token, address indexed account, uint128 amount);

    /// @param epoch The share table that was divided by.
    /// @param revenue All revenue so far; all of it is now distributed.
    /// @param poolCredited All that the pool was ever credited.
    event Distributed(address indexed token, uint32 epoch, uint128 revenue, uint128 poolCredited);

    /// @notice The pool lost `amount` to the data parents' vaults.
    event FellBack(address indexed token, uint128 amount);

    /// @param recipient Who was paid: the account, or whom it named to the ledger or in an order.
    event Withdrawn(address indexed token, address indexed account, address recipient, uint128 amount);

    error Vault_NotRegistry(address caller);
    error Vault_NotLedger(address caller);
    error Vault_NothingReceived(address token);
    error Vault_BadUpfront(uint16 upfrontBps);
    error Vault_BadEarnPeriod(uint64 earnPeriod);
    error Vault_StreamExists(address market, uint256 licenseId);
    error Vault_NoStream(address market, uint256 licenseId);
    error Vault_WrongToken(address token, address expected);
    error Vault_ZeroPaymentId();
    error Vault_NothingToDistribute(address token);
    error Vault_NothingToWithdraw(address token, address account);
    error Vault_PoolExceeded(address token, uint128 amount, uint128 available);
    error Vault_NoDataParents(uint128 assetId);

    /// @notice Registers the vault's first policy with the ledger.
    /// @dev By the registry; the ledger refuses a second time. Errors: Vault_NotRegistry and those of
    /// {IAttributionLedger-registerPolicy}.
    function initialize(IAttributionLedger.Policy calldata policy) external;

    /// @notice Announces another policy to the ledger.
    /// @dev By the registry. Errors: Vault_NotRegistry and those of {IAttributionLedger-announcePolicy}.
    function announcePolicy(IAttributionLedger.Policy calldata policy) external;

    /// @notice Takes the announced policy back.
    /// @dev By the registry. Errors: Vault_NotRegistry and those of {IAttributionLedger-cancelPolicy}.
    function cancelPolicy() external;

    /// @notice Pays the fee of one license, which opens a stream keyed by (caller, license).
    /// @dev By anyone, but meant for a license market: settlement reads the caller from the events. Pulls `amount` from
    /// the caller, who must have approved it, or takes it as native coin. Emits {FeePaid}, and {FeeEarned} for the part
    /// earned at once.
    /// Errors: Currency_WrongValue, Vault_NothingReceived, Vault_BadUpfront (over 10,000), Vault_BadEarnPeriod (over 100
    /// years), Vault_StreamExists (also for one that was closed).
    /// @param amount Base units of `token`.
    /// @param upfrontBps The part earned at once, in basis points, rounded down.
    /// @param earnPeriod Seconds over which the rest is earned linearly; 0 means that all is earned at once.
    /// @return received What arrived, in base units.
    function payFee(uint256 licenseId, address token, uint256 amount, uint16 upfrontBps, uint64 earnPeriod)
        external
        payable
        returns (uint128 received);

    /// @notice Pays a further fee of one license. What the stream has earned becomes revenue; the upfront part of the
    /// new money too; the rest of it and what was unearned are earned linearly from now to `earnPeriod` after the old
    /// end, or after now if that is later. With an `earnPeriod` of 0 all of the new money is earned at once and the old
    /// end stays.
    /// @dev By the market that opened the stream; opens one if there is none, as after a free license. Pulls as `payFee`
    /// does. Emits {FeeRenewed}, and {FeeEarned} for what was earned before and for the upfront part.
    /// Errors: those of `payFee` but Vault_StreamExists; Vault_WrongToken (not the stream's), Vault_BadEarnPeriod also
    /// if the new end is over 100 years away.
    /// @return received What arrived, in base units.
    function renewFee(uint256 licenseId, address token, uint256 amount, uint16 upfrontBps, uint64 earnPeriod)
        external
        payable
        returns (uint128 received);

    /// @notice Ends a stream: what it has earned becomes revenue, and exactly the rest becomes `account`'s credit.
    /// @dev By the market that opened the stream. The stream stays, closed: it earns nothing any more and holds nothing.
    /// Emits {FeeEarned} and {FeeRefunded}, the latter also for 0. Errors: Vault_NoStream.
    /// @return amount The credit, in base units.
    function refund(uint256 licenseId, address account) external returns (uint128 amount);

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
    /// @dev By anyone. Under one table everyone's credit is floor(revenue since the table × bps / 10,000) less what was
    /// credited under it before; revenue since the table is all revenue less everything credited by earlier tables.
    /// Emits {Credited} for each payee and {Distributed}. Errors: Vault_NothingToDistribute.
    function distribute(address token) external;

    /// @notice Pays an account's credit to it, or to whom it named to {IAttributionLedger-setRecipient}.
    /// @dev By anyone. An upstream vault is paid by a transfer, which its own `sync` makes revenue. Emits {Withdrawn}.
    /// Errors: Vault_NothingToWithdraw, and whatever the token or a refusing recipient of native coin reverts with.
    /// @return amount What was paid, in base units.
    function withdraw(address token, address account) external returns (uint128 amount);

    /// @notice The registry that made this vault and holds the share table.
    function registry() external view returns (address);

    /// @notice The asset whose money this is.
    function assetId() external view returns (uint128);

    /// @notice The ledger that divides the pool.
    function ledger() external view returns (address);

    /// @notice License fees paid and not yet made revenue, in base units: over all streams, amount less released.
    function unearned(address token) external view returns (uint128);

    /// @notice All revenue so far, in base units. Never falls.
    function revenue(address token) external view returns (uint128);

    /// @notice The revenue that has been distributed, in base units. Never falls.
    function distributed(address token) external view returns (uint128);

    /// @notice What an account can withdraw, in base units.
    function creditOf(address token, address account) external view returns (uint128);

    /// @notice What the vault accounts for, in base units; what it holds beyond that, `sync` makes revenue.
    function accounted(address token) external view returns (uint256);

    /// @notice A license's stream. Errors: Vault_NoStream.
    function streamOf(address market, uint256 licenseId) external view returns (FeeStream memory);

    /// @notice How much of a stream's amount is earned at a moment, in base units, rounded down. Errors: Vault_NoStream.
    /// @param time Seconds since 1970, past or future.
    function earnedAt(address market, uint256 licenseId, uint64 time) external view returns (uint128);
}
