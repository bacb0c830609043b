// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title ILicenseToken
/// @notice Licenses as ERC-721 tokens: one token is one seat. Ids start at 1.
///
/// Also: ERC-2981 (resale royalty to the asset's vault), ERC-4906 (metadata updates), ERC-4907 (a user beside the
/// holder, where the terms allow it), ERC-5192 (bound to the holder, where the terms say so), ERC-7858 (expiry, in
/// seconds; a perpetual license has start 0 and end 0).
interface ILicenseToken {
    /// @notice What a license is for.
    struct License {
        uint128 assetId;
        bytes32 termsId;
        /// The offer it was bought under, which names the two above.
        uint256 offerId;
        /// When it was issued, in seconds since 1970.
        uint64 issuedAt;
        /// The first second at which it is no longer good; 0 means never.
        uint64 expiresAt;
        bool transferable;
        bool delegable;
    }

    event LicenseIssued(
        uint256 indexed tokenId,
        uint128 indexed assetId,
        address indexed recipient,
        bytes32 termsId,
        uint64 issuedAt,
        uint64 expiresAt
    );

    error License_NotMarket(address caller);
    error License_NotTransferable(uint256 tokenId);
    error License_NotDelegable(uint256 tokenId);
    error License_UserOutlivesLicense(uint256 tokenId, uint64 expires, uint64 expiresAt);

    /// @notice Issues a license, without a receiver callback.
    /// @dev By the market. Emits {LicenseIssued}, ERC-721 Transfer, ERC-7858 TokenExpiryUpdated and, if the license is
    /// not transferable, ERC-5192 Locked. Errors: License_NotMarket.
    function issue(address recipient, License calldata license) external returns (uint256 tokenId);

    /// @notice The market that issues the licenses and knows their terms.
    function market() external view returns (address);

    /// @notice The registry that knows the assets and their vaults.
    function registry() external view returns (address);

    /// @notice What writes the licenses' metadata and images.
    function renderer() external view returns (address);

    /// @notice A license. Reverts with ERC721NonexistentToken for one that does not exist.
    function licenseOf(uint256 tokenId) external view returns (License memory);

    /// @notice Whether `account` may use the license now for all of `rights`: it has not expired, the account is its
    /// holder or its user, and the terms include every right.
    /// @dev Never reverts; false for a license that does not exist and for no rights.
    /// @param rights Bits of `Rights`.
    function isLicensed(uint256 tokenId, address account, uint256 rights) external view returns (bool);
}
