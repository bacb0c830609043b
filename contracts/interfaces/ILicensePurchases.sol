// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title ILicensePurchases
/// @notice The ways to buy beside {ILicenseMarket-buy}: several offers or several recipients at once, an ERC-2612 permit
/// instead of an approval, an ERC-3009 authorisation instead of an allowance, and an order that the buyer signs and
/// anybody sends. All end in the same purchase, with the same checks and events: an offer has one currency, what it
/// costs is {ILicenseMarket-quoteOf} and nothing is added to it.
///
/// A signature is a key's (65 bytes) or a contract wallet's (ERC-1271, any bytes). Its EIP-712 domain is the market's
/// (Tributary, 1; see `eip712Domain`, ERC-5267) and it covers every parameter of the purchase, so whoever relays it can
/// neither change nor repeat nor redirect it.
interface ILicensePurchases {
    /// @notice One purchase: the parameters of {ILicenseMarket-buy}.
    struct Purchase {
        uint256 offerId;
        /// How many licenses. Not zero.
        uint64 quantity;
        /// Who gets them.
        address recipient;
        /// The most that all of them may cost, in base units of the offer's token.
        uint256 maxPrice;
    }

    /// @notice What a buyer signs so that anybody may buy for them out of their allowance.
    struct PurchaseOrder {
        /// Whose allowance pays.
        address buyer;
        uint256 offerId;
        uint64 quantity;
        address recipient;
        uint256 maxPrice;
        /// Any number the account has not used here before.
        uint256 nonce;
        /// The last second at which the order is good.
        uint64 deadline;
    }

    /// @notice The rest of an ERC-2612 permit, from the caller to the market.
    struct Permit {
        uint256 value;
        /// The last second at which the permit is good.
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice The rest of an ERC-3009 authorisation, from `from` to the market. Its value is the price, and its nonce
    /// {purchaseNonceOf} or {ILicenseRenewals-renewalNonceOf}, which bind it to one purchase or renewal.
    struct Authorization {
        /// Who pays.
        address from;
        /// The time after which it is good, in seconds since 1970.
        uint256 validAfter;
        /// The time before which it is good, in seconds since 1970.
        uint256 validBefore;
        /// Any number; tells purchases apart that are the same in all else.
        bytes32 salt;
        /// 65 bytes go to the token's function with v, r and s, anything else to the one with bytes.
        bytes signature;
    }

    event NonceCancelled(address indexed account, uint256 nonce);

    error Market_NothingToAuthorize();
    error Market_OrderExpired(uint64 deadline, uint64 timestamp);
    error Market_NonceUsed(address account, uint256 nonce);
    error Market_BadSignature(address account);

    /// @notice Makes several purchases, all or none.
    /// @dev As {ILicenseMarket-buy}, for each; the call's value must be exactly what those in native coin cost together.
    /// @return firstLicenseIds Of each purchase.
    function buyMany(Purchase[] calldata purchases) external payable returns (uint256[] memory firstLicenseIds);

    /// @notice Buys one license for each recipient.
    /// @dev As {ILicenseMarket-buy}, with one {ILicenseMarket-Bought} for each recipient.
    /// @param maxPrice The most the caller pays for all of them, in base units.
    /// @return firstLicenseId The license of the first recipient; the others follow in order.
    function giftMany(uint256 offerId, address[] calldata recipients, uint256 maxPrice)
        external
        payable
        returns (uint256 firstLicenseId);

    /// @notice Buys with an ERC-2612 permit of the caller.
    /// @dev As {ILicenseMarket-buy}. A permit that fails, because somebody else has sent it before, is no error as long
    /// as there is an allowance. Not for native coin (Currency_WrongValue).
    function buyWithPermit(Purchase calldata purchase, Permit calldata permit) external returns (uint256 firstLicenseId);

    /// @notice Buys with an ERC-3009 authorisation of the payer, who is the buyer and needs neither coin nor allowance.
    /// @dev By anyone. As {ILicenseMarket-buy}; what the token reverts with for a wrong authorisation is passed on. Not
    /// for native coin (Currency_WrongValue) and not for what is free (Market_NothingToAuthorize).
    function buyWithAuthorization(Purchase calldata purchase, Authorization calldata authorization)
        external
        returns (uint256 firstLicenseId);

    /// @notice Buys what a buyer has ordered by signature, out of the buyer's allowance to the market.
    /// @dev By anyone. As {ILicenseMarket-buy}; uses up the nonce. Not for native coin (Currency_WrongValue).
    /// Errors also: Market_OrderExpired, Market_NonceUsed, Market_BadSignature.
    function buyBySignature(PurchaseOrder calldata order, bytes calldata signature)
        external
        returns (uint256 firstLicenseId);

    /// @notice Makes every order of the caller with this nonce, sent or not, worthless.
    /// @dev By anyone, for themselves. Emits {NonceCancelled}. Errors: Market_NonceUsed.
    function cancelNonce(uint256 nonce) external;

    /// @notice Whether a nonce of an account is used or cancelled. Purchase and renewal orders share them.
    function isNonceUsed(address account, uint256 nonce) external view returns (bool);

    /// @notice The EIP-712 digest of an order.
    function hashPurchaseOrder(PurchaseOrder calldata order) external view returns (bytes32);

    /// @notice The nonce of the ERC-3009 authorisation for a purchase: keccak256(abi.encode(chain id, market, offerId,
    /// termsId, recipient, quantity, maxPrice, salt)). Errors: Market_UnknownOffer.
    function purchaseNonceOf(Purchase calldata purchase, bytes32 salt) external view returns (bytes32);
}
