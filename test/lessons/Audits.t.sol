// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { CommunityFactory } from "../../contracts/CommunityFactory.sol";
import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { ICommunityFactory } from "../../contracts/interfaces/ICommunityFactory.sol";
import { ICommunityVotes } from "../../contracts/interfaces/ICommunityVotes.sol";
import { IConsentRegistry } from "../../contracts/interfaces/IConsentRegistry.sol";
import { ILicenseMarket } from "../../contracts/interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../../contracts/interfaces/ILicensePurchases.sol";
import { ILicenseRenewals } from "../../contracts/interfaces/ILicenseRenewals.sol";
import { ILicenseToken } from "../../contracts/interfaces/ILicenseToken.sol";
import { IRoyaltyVault } from "../../contracts/interfaces/IRoyaltyVault.sol";
import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { Deploy } from "../../script/Deploy.s.sol";
import { Domain } from "../utils/Domain.sol";
import { ContractWallet } from "../utils/Doubles.sol";
import { LedgerFixture } from "../utils/LedgerFixture.sol";
import { MarketFixture } from "../utils/MarketFixture.sol";
import { MerkleTreeBuilder } from "../utils/MerkleTreeBuilder.sol";
import { RecordsFixture } from "../utils/RecordsFixture.sol";
import { SumTreeBuilder } from "../utils/SumTreeBuilder.sol";
import { Typed } from "./Typed.sol";

/// @notice What audits of others' contracts found, as far as it is about money: one test for each lesson.
contract MoneyAuditsTest is LedgerFixture {
    function _leaf(address account, uint128 cumulative) internal pure returns (SumTreeBuilder.Leaf[] memory made) {
        made = new SumTreeBuilder.Leaf[](1);
        made[0] = SumTreeBuilder.Leaf({ account: account, cumulative: cumulative });
    }

    function _notActive(address vault_, address token, uint64 index) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAttributionLedger.Ledger_RootNotActive.selector, vault_, token, index);
    }

    function _allClaims(uint64 index) internal view returns (IAttributionLedger.Claim[] memory claims) {
        claims = new IAttributionLedger.Claim[](leaves.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            claims[i] = _claimOf(index, leaves, i);
        }
    }

    function _paidTo(uint256 i) internal view returns (uint256) {
        return dollar.balanceOf(leaves[i].account);
    }

    /// @notice UMA H12: the claims of one merkle window were paid with the money of another.
    function testFuzz_money_of_one_window_never_pays_the_claims_of_another(
        uint128 first,
        uint128 second,
        bool isOldFirst
    ) public {
        uint128 most = vault.allocatable(address(dollar));
        first = uint128(bound(first, 1, most));
        second = uint128(bound(second, first, most));
        // A fee not yet earned and others' credits lie in the same vault.
        _buy(_publishOffer(_terms(), _offer(0)));
        uint128 unearned = vault.unearned(address(dollar));
        uint256 others = dollar.balanceOf(address(vault)) - most;

        // Nobody shows that the second root forgets who was in the first.
        address[2] memory accounts = [makeAddr("old"), makeAddr("new")];
        IAttributionLedger.Claim[] memory claims = new IAttributionLedger.Claim[](2);
        claims[0] = _claimOf(_activateBonded(_leaf(accounts[0], first)), _leaf(accounts[0], first), 0);
        claims[1] = _claimOf(_activateBonded(_leaf(accounts[1], second)), _leaf(accounts[1], second), 0);
        for (uint256 i = 0; i < 2; ++i) {
            try ledger.claim(claims[isOldFirst ? i : 1 - i]) { } catch { }
        }

        assertEq(dollar.balanceOf(accounts[0]) + dollar.balanceOf(accounts[1]), second);
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), second);
        assertEq(dollar.balanceOf(address(vault)), others + most - second);
        assertEq(vault.unearned(address(dollar)), unearned);
        assertEq(vault.withdraw(address(dollar), payee), 300e6);
    }

    /// @notice UMA H12, between vaults and between tokens of one vault.
    function test_money_of_one_vault_or_token_never_pays_the_claims_of_another() public {
        RoyaltyVault other = _vaultOf(_register(_bondedModel("other")));
        dollar.mint(address(other), 1_000e6);
        other.sync(address(dollar));
        other.distribute(address(dollar));
        vm.prank(buyer);
        vault.fundPool{ value: 1 ether }(NATIVE, 1 ether);

        // What attestors signed for one vault or token is good for no other that has the same attestors and money.
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        bytes memory refused = abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, attestors[0]);
        statement.vault = address(other);
        vm.expectRevert(refused);
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        (statement.vault, statement.token) = (address(vault), NATIVE);
        vm.expectRevert(refused);
        ledger.post{ value: POSTER_BOND }(statement, attestations);

        // And a claim takes from the vault and token of its root alone.
        IAttributionLedger.Claim memory claim = _claimOf(_activateBonded(leaves), leaves, 0);
        claim.vault = address(other);
        vm.expectRevert(_notActive(address(other), address(dollar), 1));
        ledger.claim(claim);
        (claim.vault, claim.token) = (address(vault), NATIVE);
        vm.expectRevert(_notActive(address(vault), NATIVE, 1));
        ledger.claim(claim);
        ledger.claimMany(_allClaims(1));
        assertEq(other.poolPaid(address(dollar)) + vault.poolPaid(NATIVE), 0);
        assertEq(dollar.balanceOf(address(other)), 1_000e6);
        assertEq(address(vault).balance, 1 ether);
    }

    /// @notice UMA H12, between payers: what one has paid in advance is never refunded to another.
    function testFuzz_money_of_one_payer_is_never_refunded_to_another(uint64 elapsed) public {
        ILicenseMarket.Terms memory terms = _terms();
        terms.revocable = true;
        uint256 offerId = _publishOffer(terms, _offer(0));
        uint256 mine = _buy(offerId);
        dollar.mint(stranger, 100e6);
        vm.startPrank(stranger);
        dollar.approve(address(market), 100e6);
        uint256 theirs = market.buy(offerId, 1, stranger, 100e6);
        vm.stopPrank();
        bytes memory stream = abi.encode(vault.streamOf(address(market), theirs));

        vm.warp(START + bound(elapsed, 0, 30 days - 1));
        uint128 unearned = 90e6 - vault.earnedAt(address(market), mine, uint64(vm.getBlockTimestamp()));
        vm.startPrank(owner);
        assertEq(market.revoke(mine, ""), unearned);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, mine));
        market.revoke(mine, "");
        vm.stopPrank();
        assertEq(abi.encode(vault.streamOf(address(market), theirs)), stream);
        assertEq(vault.unearned(address(dollar)), 90e6);
        assertEq(vault.withdraw(address(dollar), buyer), unearned);
    }

    /// @notice UMA PR 4209: a batch that named an account or window twice lost a claim.
    function test_a_batch_with_repeated_items_pays_each_once_and_loses_none() public {
        IAttributionLedger.Claim[] memory all = _allClaims(_activateBonded(leaves));
        IAttributionLedger.Claim[] memory batch = new IAttributionLedger.Claim[](14);
        for (uint256 i = 0; i < 14; ++i) {
            batch[i] = all[i < 7 ? i : 13 - i];
        }
        // Somebody makes one of them first.
        ledger.claim(all[3]);
        uint128[] memory amounts = ledger.claimMany(batch);
        for (uint256 i = 0; i < 14; ++i) {
            assertEq(amounts[i], i < 7 && i != 3 ? leaves[i].cumulative : 0);
            if (i < 7) assertEq(_paidTo(i), leaves[i].cumulative);
        }

        IAttributionLedger.Withdrawal[] memory withdrawals = new IAttributionLedger.Withdrawal[](4);
        for (uint256 i = 0; i < 4; ++i) {
            address account = [payee, host, host, payee][i];
            withdrawals[i] =
                IAttributionLedger.Withdrawal({ vault: address(vault), token: address(dollar), account: account });
        }
        amounts = ledger.withdrawMany(withdrawals);
        assertEq(amounts[0] + amounts[1], 400e6);
        assertEq(amounts[2] + amounts[3], 0);
    }

    /// @notice UMA PR 4209: nor does a bad item cost the others theirs.
    function test_a_batch_with_a_bad_item_pays_nobody_and_loses_nobodys_item() public {
        IAttributionLedger.Claim[] memory batch = _allClaims(_activateBonded(leaves));
        batch[4].cumulative += 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_BadProof.selector, leaves[4].account, leaves[4].cumulative + 1
            )
        );
        ledger.claimMany(batch);
        assertEq(ledger.totalClaimed(address(vault), address(dollar)), 0);
        batch[4] = batch[0];
        ledger.claimMany(batch);
        for (uint256 i = 0; i < 7; ++i) {
            assertEq(_paidTo(i), i == 4 ? 0 : leaves[i].cumulative);
        }
        assertEq(ledger.claim(_claimOf(1, leaves, 4)), leaves[4].cumulative);
    }

    /// @notice 0xSplits H-01: whoever distributed earned by it, so distributing and paying in again was a business.
    function testFuzz_no_loop_of_paying_distributing_and_withdrawing_makes_anybody_richer(uint8[24] memory steps)
        public
    {
        _settle();
        uint256 before = dollar.balanceOf(payee);
        assertEq(before, 320e6);
        vm.startPrank(payee);
        dollar.approve(address(vault), type(uint256).max);
        for (uint256 i = 0; i < steps.length; ++i) {
            _step(steps[i] % 7);
        }
        vm.stopPrank();
        _settle();
        assertLe(dollar.balanceOf(payee), before);
        // Who has no share has nothing of it either.
        assertEq(dollar.balanceOf(address(this)), 0);
    }

    /// @dev One move of the payee's, who is paid by the model's vault and by that of its data.
    function _step(uint256 what) internal {
        uint256 held = dollar.balanceOf(payee);
        if (what == 0) _try(vault, abi.encodeCall(vault.distribute, (address(dollar))));
        if (what == 1) _try(vault, abi.encodeCall(vault.withdraw, (address(dollar), payee)));
        if (what == 2) _try(vault, abi.encodeCall(vault.pay, ("again", address(dollar), held / 2)));
        if (what == 3) _try(vault, abi.encodeCall(vault.fundPool, (address(dollar), held / 7)));
        if (what == 4) {
            dollar.transfer(address(vault), held / 3);
            _try(vault, abi.encodeCall(vault.sync, (address(dollar))));
        }
        if (what == 5) _try(vault, abi.encodeCall(vault.withdraw, (address(dollar), address(datasetVault))));
        if (what == 6) _collectOfData();
    }

    /// @dev Brings everything to where it belongs.
    function _settle() internal {
        _try(vault, abi.encodeCall(vault.sync, (address(dollar))));
        _try(vault, abi.encodeCall(vault.distribute, (address(dollar))));
        _try(vault, abi.encodeCall(vault.withdraw, (address(dollar), payee)));
        _try(vault, abi.encodeCall(vault.withdraw, (address(dollar), address(datasetVault))));
        _collectOfData();
    }

    function _collectOfData() internal {
        _try(datasetVault, abi.encodeCall(vault.sync, (address(dollar))));
        _try(datasetVault, abi.encodeCall(vault.distribute, (address(dollar))));
        _try(datasetVault, abi.encodeCall(vault.withdraw, (address(dollar), payee)));
    }

    function _try(RoyaltyVault target, bytes memory data) internal {
        (bool success,) = address(target).call(data);
        success;
    }

    /// @notice 0xSplits M-01: with many recipients a distribution did not fit into a block.
    function test_the_most_recipients_there_can_be_are_credited_and_paid_within_a_transaction() public {
        IAssetRegistry.Registration memory registration = _model("wide");
        registration.edges = new IAssetRegistry.Edge[](16);
        for (uint256 i = 0; i < 16; ++i) {
            uint128 parent = _register(_dataset(bytes32(i)));
            vm.prank(owner);
            registry.publish(parent, "records", "manifest", "");
            registration.edges[i] = IAssetRegistry.Edge({
                parent: parent, parentVersion: 1, kind: IAssetRegistry.EdgeKind.DATA, shareBps: 500, licenseId: 0
            });
        }
        (registration.shares.payeeBps, registration.shares.hostBps) = (500, 300);
        (registration.shares.curatorsBps, registration.shares.poolBps) = (200, 1_000);
        uint128 assetId = _register(registration);
        RoyaltyVault wide = _vaultOf(assetId);
        dollar.mint(address(wide), 1_000e6);
        wide.sync(address(dollar));
        (, IAssetRegistry.Payee[] memory payees,) = registry.shareTable(assetId);
        assertEq(payees.length, 19);

        uint256 gas = gasleft();
        wide.distribute(address(dollar));
        // A transaction may use 2²⁴ gas since Fusaka.
        assertLt(gas - gasleft(), 1 << 20);
        IAttributionLedger.Withdrawal[] memory all = new IAttributionLedger.Withdrawal[](payees.length);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = IAttributionLedger.Withdrawal({
                vault: address(wide), token: address(dollar), account: payees[i].account
            });
        }
        gas = gasleft();
        uint128[] memory amounts = ledger.withdrawMany(all);
        assertLt(gas - gasleft(), 1 << 21);
        for (uint256 i = 0; i < all.length; ++i) {
            assertEq(amounts[i], 1_000e6 * uint256(payees[i].bps) / 10_000);
        }
    }

    /// @notice 0xSplits M-01: nor does it matter how many accounts a root has, up to the most, which is 2³².
    function test_a_claim_costs_the_logarithm_of_the_number_of_accounts() public {
        _gasOfClaim(1, 1e6);
        uint256 low = _gasOfClaim(2, 2e6);
        uint256 middle = _gasOfClaim(17, 3e6);
        uint256 high = _gasOfClaim(32, 4e6);
        assertApproxEqRel(high - middle, middle - low, 0.1e18);
        assertLt(high, 200_000);
    }

    /// @dev Claims from a tree of 2^depth leaves where only one account's path is known: the siblings are made up.
    function _gasOfClaim(uint256 depth, uint128 cumulative) internal returns (uint256 used) {
        IAttributionLedger.Claim memory claim;
        IAttributionLedger.RootStatement memory statement = _next(_leaf(stranger, 1));
        (claim.vault, claim.token, claim.rootIndex) = (address(vault), address(dollar), statement.index);
        (claim.account, claim.cumulative, claim.leafIndex) = (stranger, cumulative, uint64(1 << depth) - 1);
        statement.root = keccak256(abi.encodePacked(uint8(0), stranger, cumulative));
        (statement.sum, statement.leafCount) = (cumulative, uint64(1 << depth));
        for (uint256 i = 0; i < depth; ++i) {
            (bytes32 sibling, uint128 sum) = (keccak256(abi.encode(i)), uint128(i + 1));
            claim.proof = bytes.concat(claim.proof, sibling, bytes16(sum));
            statement.root = keccak256(abi.encodePacked(uint8(1), sibling, sum, statement.root, statement.sum));
            statement.sum += sum;
        }
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.prank(poster);
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        vm.warp(vm.getBlockTimestamp() + WINDOW);
        used = gasleft();
        ledger.claim(claim);
        used -= gasleft();
        assertEq(dollar.balanceOf(stranger), cumulative);
    }

    /// @notice 0xSplits M-02: by many tiny payments the largest holder gained what rounding took from the others.
    function testFuzz_a_majority_holder_gains_nothing_by_many_tiny_payments(uint16 majority, uint8 count, uint256 seed)
        public
    {
        IAssetRegistry.Registration memory registration = _model("often");
        registration.edges = new IAssetRegistry.Edge[](0);
        registration.shares.payeeBps = uint16(bound(majority, 5_000, 9_400));
        (registration.shares.hostBps, registration.shares.curatorsBps) = (300, 200);
        registration.shares.poolBps = 9_500 - registration.shares.payeeBps;
        RoyaltyVault often = _vaultOf(_register(registration));
        registration.salt = "once";
        RoyaltyVault once = _vaultOf(_register(registration));

        uint256 total = 0;
        for (uint256 i = 0; i < bound(count, 1, 50); ++i) {
            uint256 amount = uint256(keccak256(abi.encode(seed, i))) % 60 + 1;
            total += amount;
            dollar.mint(address(often), amount);
            often.sync(address(dollar));
            often.distribute(address(dollar));
            _try(often, abi.encodeCall(often.withdraw, (address(dollar), payee)));
        }
        dollar.mint(address(once), total);
        once.sync(address(dollar));
        once.distribute(address(dollar));
        assertEq(dollar.balanceOf(payee), once.creditOf(address(dollar), payee));
        assertEq(often.creditOf(address(dollar), host), once.creditOf(address(dollar), host));
        assertEq(often.creditOf(address(dollar), curators), once.creditOf(address(dollar), curators));
        assertEq(often.poolCredited(address(dollar)), once.poolCredited(address(dollar)));
    }

    /// @notice Halborn on Story: `mintLicenseTokens` had no access control.
    function testFuzz_only_the_market_mints_licenses(address caller) public {
        vm.assume(caller != address(market));
        ILicenseToken.License memory license;
        (license.assetId, license.offerId) = (modelId, _publishOffer(_terms(), _offer(0)));
        address[6] memory callers =
            [caller, owner, address(registry), address(ledger), address(vault), address(licenses)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(ILicenseToken.License_NotMarket.selector, callers[i]));
            licenses.issue(caller, license);
        }
    }

    /// @notice Halborn on Story: a caller took the asset that somebody else was about to register.
    function testFuzz_who_registers_first_with_my_salt_does_not_get_my_asset(address thief) public {
        vm.assume(thief != owner && thief != address(0));
        uint128 mine = registry.assetIdOf(owner, "mine");
        IAssetRegistry.Registration memory registration = _model("mine");
        vm.startPrank(thief);
        (uint128 theirs, address theirVault) = registry.register(registration);
        registration.owner = thief;
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_AssetExists.selector, theirs));
        registry.register(registration);
        vm.stopPrank();
        assertNotEq(theirs, mine);
        assertNotEq(theirVault, registry.vaultOf(mine));
        assertEq(_register(_model("mine")), mine);
        assertEq(registry.ownerOf(mine), owner);
    }

    /// @notice Halborn on Story: group registration could be front-run. Here a group is a community with its assets.
    function testFuzz_who_creates_first_with_my_salt_does_not_get_my_community(address thief) public {
        vm.assume(thief != owner && thief != address(0));
        CommunityFactory communities = new Deploy().deploy().communityFactory;
        ICommunityFactory.Charter memory charter;
        (charter.name, charter.symbol, charter.salt) = ("Ours", "OURS", "ours");
        charter.founders = new ICommunityVotes.Founder[](1);
        charter.founders[0] = ICommunityVotes.Founder({ account: stranger, votes: 1 });
        (charter.emissionCap, charter.votesPerRecord) = (1, 1);
        (charter.votingPeriod, charter.quorum) = (1 days, 1);
        IAssetRegistry.Registration[] memory assets = new IAssetRegistry.Registration[](1);
        assets[0] = _dataset("data");
        bytes memory predicted = abi.encode(communities.predict(owner, "ours"));
        uint128 predictedId = communities.assetIdOf(owner, "ours", "data");

        // By the factory, and past it with the very salt that the factory will use.
        vm.startPrank(thief);
        communities.create(charter, assets);
        assets[0].salt = keccak256(abi.encode(keccak256(abi.encode(owner, bytes32("ours"))), bytes32("data")));
        registry.register(assets[0]);
        vm.stopPrank();

        assets[0].salt = "data";
        vm.prank(owner);
        (ICommunityFactory.Community memory ours, uint128[] memory ids) = communities.create(charter, assets);
        assertEq(abi.encode(ours), predicted);
        assertEq(ids[0], predictedId);
        assertEq(registry.ownerOf(ids[0]), ours.timelock);
    }

    /// @notice EigenLayer L-01: a root that was never posted could be proven against.
    function test_a_root_that_is_not_there_not_active_or_rejected_is_nothing_to_claim_from() public {
        IAttributionLedger.Claim memory claim = _claimOf(0, leaves, 0);
        for (uint64 index = 0; index < 3; ++index) {
            _expectNotActive(claim, index);
        }
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        statement.root = 0;
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.expectRevert(IAttributionLedger.Ledger_ZeroRoot.selector);
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        _expectNotActive(claim, 1);

        // Pending, challenged, challenged for long, rejected.
        _postBonded(leaves);
        _expectNotActive(claim, 1);
        _challenge();
        _expectNotActive(claim, 1);
        vm.warp(START + WINDOW);
        _expectNotActive(claim, 1);
        _rule(IAttributionLedger.Ruling.UPHELD);
        _expectNotActive(claim, 1);
        // The next attempt in the same place.
        _postBonded(leaves);
        _expectNotActive(claim, 1);
        vm.warp(vm.getBlockTimestamp() + WINDOW - 1);
        _expectNotActive(claim, 1);
        vm.warp(vm.getBlockTimestamp() + 1);
        _expectNotActive(claim, 0);
        _expectNotActive(claim, 2);
        claim.rootIndex = 1;
        assertEq(ledger.claim(claim), claim.cumulative);
    }

    function _expectNotActive(IAttributionLedger.Claim memory claim, uint64 index) internal {
        claim.rootIndex = index;
        vm.expectRevert(_notActive(address(vault), address(dollar), index));
        ledger.claim(claim);
        // Nor with the proof of a tree of nothing.
        claim.proof = "";
        vm.expectRevert(_notActive(address(vault), address(dollar), index));
        ledger.claim(claim);
        claim.proof = SumTreeBuilder.prove(leaves, 0);
    }
}

/// @notice What audits found about signatures: each is good for one contract, on one chain, for exactly what it says.
contract SignatureAuditsTest is LedgerFixture, MarketFixture {
    string internal constant PURCHASE =
        "PurchaseOrder(address buyer,uint256 offerId,uint64 quantity,address recipient,uint256 maxPrice,uint256 nonce,uint64 deadline)";
    string internal constant RENEWAL =
        "RenewalOrder(address payer,uint256 licenseId,uint256 maxPrice,uint256 nonce,uint64 deadline)";
    string internal constant STATEMENT =
        "RootStatement(address vault,address token,uint64 index,uint32 attempt,bytes32 prevRoot,bytes32 root,uint128 sum,uint64 leafCount,bytes32 receiptsRoot,uint64 receiptsCount,bytes32 dataHash,bytes32 settlementPolicy,uint64 periodEnd,uint64 deadline)";

    function setUp() public override(LedgerFixture, MarketFixture) {
        super.setUp();
        _approve(payer);
        _approve(buyer);
    }

    /// @dev The signatures of the same for another contract, and on another chain.
    function _elsewhere(address here, bytes32 structHash) internal view returns (bytes[] memory signatures) {
        signatures = new bytes[](2);
        signatures[0] = _sign(KEY, Domain.digest(Typed.changed(here), structHash));
        signatures[1] = _sign(KEY, Domain.digest(here, block.chainid + 1, structHash));
    }

    function _expectMarketRefuses(address account) internal {
        vm.prank(relayer);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_BadSignature.selector, account));
    }

    function _expectLedgerRefuses(address account) internal {
        vm.prank(relayer);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, account));
    }

    /// @notice Halborn on Story's periphery: signatures were not bound to the destination, digests left parameters out.
    function test_a_signed_purchase_is_good_for_its_market_chain_and_every_parameter_alone() public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 2);
        bytes memory words = abi.encode(order);
        bytes32 structHash = Typed.hash(PURCHASE, words);
        bytes memory signature = _sign(KEY, Domain.digest(address(market), structHash));
        assertEq(words.length, 7 * 32);
        for (uint256 i = 0; i < 7; ++i) {
            ILicensePurchases.PurchaseOrder memory other =
                abi.decode(Typed.changed(words, i), (ILicensePurchases.PurchaseOrder));
            _expectMarketRefuses(other.buyer);
            market.buyBySignature(other, signature);
        }
        bytes[] memory elsewhere = _elsewhere(address(market), structHash);
        for (uint256 i = 0; i < elsewhere.length; ++i) {
            _expectMarketRefuses(payer);
            market.buyBySignature(order, elsewhere[i]);
        }
        assertEq(licenses.ownerOf(market.buyBySignature(order, signature)), payer);
    }

    /// @notice Halborn on Story's periphery, for renewals.
    function test_a_signed_renewal_is_good_for_its_market_chain_and_every_parameter_alone() public {
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(_buy(offerId));
        bytes memory words = abi.encode(order);
        bytes32 structHash = Typed.hash(RENEWAL, words);
        bytes memory signature = _sign(KEY, Domain.digest(address(market), structHash));
        assertEq(words.length, 5 * 32);
        for (uint256 i = 0; i < 5; ++i) {
            ILicenseRenewals.RenewalOrder memory other =
                abi.decode(Typed.changed(words, i), (ILicenseRenewals.RenewalOrder));
            _expectMarketRefuses(other.payer);
            market.renewBySignature(other, signature);
        }
        bytes[] memory elsewhere = _elsewhere(address(market), structHash);
        for (uint256 i = 0; i < elsewhere.length; ++i) {
            _expectMarketRefuses(payer);
            market.renewBySignature(order, elsewhere[i]);
        }
        assertEq(market.renewBySignature(order, signature), START + 60 days);
    }

    /// @notice Halborn on Story's periphery, for ERC-3009: the token's signature is bound to one purchase by its nonce.
    function test_a_payment_authorisation_is_good_for_every_parameter_of_one_purchase_alone() public {
        ILicensePurchases.Purchase memory purchase = _purchase(walletOffer, 2);
        ILicensePurchases.Authorization memory authorization =
            _authorize(walletDollar, 2 * PRICE, market.purchaseNonceOf(purchase, "salt"));
        bytes memory words = abi.encode(purchase);
        for (uint256 i = 0; i < 4; ++i) {
            ILicensePurchases.Purchase memory other = abi.decode(Typed.changed(words, i), (ILicensePurchases.Purchase));
            vm.prank(relayer);
            vm.expectRevert("invalid signature");
            market.buyWithAuthorization(other, authorization);
        }
        for (uint256 i = 0; i < 4; ++i) {
            ILicensePurchases.Authorization memory other =
                abi.decode(abi.encode(authorization), (ILicensePurchases.Authorization));
            if (i == 0) other.from = address(wallet);
            if (i == 1) other.validAfter -= 1;
            if (i == 2) other.validBefore += 1;
            if (i == 3) other.salt = "another";
            vm.prank(relayer);
            vm.expectRevert("invalid signature");
            market.buyWithAuthorization(purchase, other);
        }
        assertEq(licenses.ownerOf(market.buyWithAuthorization(purchase, authorization)), payer);
        vm.expectRevert("authorization is used or canceled");
        market.buyWithAuthorization(purchase, authorization);
    }

    /// @dev The payer and whoever is named get the first two leaves of a new root, alike.
    function _allot(address other) internal returns (uint64 index) {
        (leaves[0].account, leaves[1].account) = (payer, other);
        leaves[1].cumulative = leaves[0].cumulative;
        return _activateBonded(leaves);
    }

    function _claimOrder(uint64 index, uint256 count)
        internal
        view
        returns (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order)
    {
        claims = new IAttributionLedger.Claim[](count);
        for (uint256 i = 0; i < count; ++i) {
            claims[i] = _claimOf(index, leaves, 0);
        }
        order = IAttributionLedger.ClaimOrder({
            account: payer, recipient: stranger, nonce: 7, deadline: uint64(vm.getBlockTimestamp() + 1 hours)
        });
    }

    /// @notice Halborn on Story's periphery, for claims.
    function test_a_signed_claim_is_good_for_its_ledger_chain_and_every_parameter_alone() public {
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) =
            _claimOrder(_allot(host), 1);
        bytes32 structHash = Typed.hash(claims, order);
        bytes memory signature = _sign(KEY, Domain.digest(address(ledger), structHash));
        bytes memory words = abi.encode(order);
        assertEq(words.length, 4 * 32);
        for (uint256 i = 0; i < 4; ++i) {
            IAttributionLedger.ClaimOrder memory other =
                abi.decode(Typed.changed(words, i), (IAttributionLedger.ClaimOrder));
            _expectLedgerRefuses(other.account);
            ledger.claimTo(claims, other, signature);
        }
        for (uint256 i = 0; i < 5; ++i) {
            (IAttributionLedger.Claim[] memory others,) = _claimOrder(1, i == 3 ? 2 : i == 4 ? 0 : 1);
            if (i == 0) others[0].vault = Typed.changed(others[0].vault);
            if (i == 1) others[0].token = NATIVE;
            if (i == 2) others[0].cumulative -= 1;
            _expectLedgerRefuses(payer);
            ledger.claimTo(others, order, signature);
        }
        bytes[] memory elsewhere = _elsewhere(address(ledger), structHash);
        for (uint256 i = 0; i < elsewhere.length; ++i) {
            _expectLedgerRefuses(payer);
            ledger.claimTo(claims, order, elsewhere[i]);
        }
        ledger.claimTo(claims, order, signature);
        assertEq(dollar.balanceOf(stranger), leaves[0].cumulative);
    }

    /// @notice Halborn on Story: the same id twice in one call of `claimReward` was paid twice.
    function test_the_same_claim_twice_in_one_signed_batch_is_paid_once() public {
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) =
            _claimOrder(_allot(host), 3);
        bytes memory signature = _sign(KEY, Domain.digest(address(ledger), Typed.hash(claims, order)));
        uint128[] memory amounts = ledger.claimTo(claims, order, signature);
        assertEq(amounts[0], leaves[0].cumulative);
        assertEq(amounts[1] + amounts[2], 0);
        assertEq(dollar.balanceOf(stranger), leaves[0].cumulative);
    }

    function _withdrawOrder(address account) internal view returns (IAttributionLedger.WithdrawOrder memory order) {
        (order.account, order.recipient, order.nonce) = (account, stranger, 7);
        order.deadline = uint64(vm.getBlockTimestamp() + 1 hours);
        order.sources = new IAttributionLedger.Source[](2);
        order.sources[0] = IAttributionLedger.Source({ vault: address(vault), token: address(dollar) });
        order.sources[1] = IAttributionLedger.Source({ vault: address(datasetVault), token: NATIVE });
    }

    /// @dev A credit of an account in the vault: the refund of a license.
    function _creditTo(address account) internal returns (uint128) {
        uint256 revocable = _publishOffer(_revocable(true), _offer(0));
        vm.prank(buyer);
        uint256 licenseId = market.buy(revocable, 1, account, type(uint256).max);
        vm.prank(owner);
        return market.revoke(licenseId, "");
    }

    /// @notice Halborn on Story's periphery, for withdrawals.
    function test_a_signed_withdrawal_is_good_for_its_ledger_chain_and_every_parameter_alone() public {
        uint128 credit = _creditTo(payer);
        IAttributionLedger.WithdrawOrder memory order = _withdrawOrder(payer);
        bytes32 structHash = Typed.hash(order);
        bytes memory signature = _sign(KEY, Domain.digest(address(ledger), structHash));
        for (uint256 i = 0; i < 9; ++i) {
            IAttributionLedger.WithdrawOrder memory other = _withdrawOrder(payer);
            if (i == 0) other.account = buyer;
            if (i == 1) other.recipient = relayer;
            if (i == 2) other.nonce += 1;
            if (i == 3) other.deadline += 1;
            if (i == 4) other.sources[1].vault = address(vault);
            if (i == 5) other.sources[1].token = address(dollar);
            if (i == 6) other.sources[1] = other.sources[0];
            if (i == 7) other.sources = new IAttributionLedger.Source[](0);
            if (i == 8) (other.sources[0], other.sources[1]) = (other.sources[1], other.sources[0]);
            _expectLedgerRefuses(other.account);
            ledger.withdrawTo(other, signature);
        }
        bytes[] memory elsewhere = _elsewhere(address(ledger), structHash);
        for (uint256 i = 0; i < elsewhere.length; ++i) {
            _expectLedgerRefuses(payer);
            ledger.withdrawTo(order, elsewhere[i]);
        }
        assertEq(ledger.withdrawTo(order, signature)[0], credit);
        assertEq(dollar.balanceOf(stranger), credit);
    }

    /// @notice Halborn on Story's periphery, for roots: attestors sign all of what is posted.
    function test_an_attestation_is_good_for_its_ledger_chain_and_every_parameter_alone() public {
        vm.deal(address(this), 100 ether);
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        statement.periodEnd -= 1;
        bytes memory words = abi.encode(statement);
        bytes32 structHash = Typed.hash(STATEMENT, words);
        IAttributionLedger.Attestation[] memory attestations = _attestAs(Domain.digest(address(ledger), structHash));
        assertEq(words.length, 14 * 32);
        for (uint256 i = 0; i < 14; ++i) {
            IAttributionLedger.RootStatement memory other =
                abi.decode(Typed.changed(words, i), (IAttributionLedger.RootStatement));
            assertNotEq(ledger.hashStatement(other), ledger.hashStatement(statement));
            // The vault, token, place, previous root and settlement policy are wrong by themselves as well.
            if (i < 5 || i == 11) vm.expectRevert();
            else vm.expectRevert(_badAttestation());
            ledger.post{ value: POSTER_BOND }(other, attestations);
        }
        vm.expectRevert(_badAttestation());
        ledger.post{ value: POSTER_BOND }(statement, _attestAs(Domain.digest(address(market), structHash)));
        vm.expectRevert(_badAttestation());
        ledger.post{ value: POSTER_BOND }(
            statement, _attestAs(Domain.digest(address(ledger), block.chainid + 1, structHash))
        );
        ledger.post{ value: POSTER_BOND }(statement, attestations);
        assertEq(ledger.rootCount(address(vault), address(dollar)), 1);
    }

    function _badAttestation() internal view returns (bytes memory) {
        return abi.encodeWithSelector(IAttributionLedger.Ledger_BadSignature.selector, attestors[0]);
    }

    function _attestAs(bytes32 digest) internal view returns (IAttributionLedger.Attestation[] memory attestations) {
        attestations = new IAttributionLedger.Attestation[](2);
        for (uint256 i = 0; i < 2; ++i) {
            attestations[i].signer = attestors[i];
            attestations[i].signature = _sign(attestorKeys[i], digest);
        }
    }

    /// @notice 0xSplits: what the owner of two ERC-1271 wallets signed for one could be replayed by the other.
    function test_one_signature_of_the_owner_of_two_wallets_is_good_for_one_of_them() public {
        address[2] memory wallets = [address(new ContractWallet(payer)), address(new ContractWallet(payer))];
        for (uint256 i = 0; i < 2; ++i) {
            dollar.mint(wallets[i], 1e12);
            walletDollar.mint(wallets[i], 1e12);
            _approve(wallets[i]);
            _creditTo(wallets[i]);
        }
        _replayPurchase(wallets);
        _replayRenewal(wallets);
        _replayAuthorization(wallets);
        _replayWithdrawal(wallets);
        _replayClaim(wallets);
    }

    function _replayPurchase(address[2] memory wallets) internal {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        order.buyer = wallets[0];
        bytes memory signature = _signed(order);
        market.buyBySignature(order, signature);
        order.buyer = wallets[1];
        _expectMarketRefuses(wallets[1]);
        market.buyBySignature(order, signature);
    }

    function _replayRenewal(address[2] memory wallets) internal {
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(_buy(offerId));
        (order.payer, order.nonce) = (wallets[0], 8);
        bytes memory signature = _signed(order);
        market.renewBySignature(order, signature);
        order.payer = wallets[1];
        _expectMarketRefuses(wallets[1]);
        market.renewBySignature(order, signature);
    }

    function _replayAuthorization(address[2] memory wallets) internal {
        ILicensePurchases.Purchase memory purchase = _purchase(walletOffer, 1);
        bytes32 nonce = market.purchaseNonceOf(purchase, "salt");
        ILicensePurchases.Authorization memory authorization = _unsigned(wallets[0]);
        authorization.signature = _sign(KEY, _authorizationDigest(walletDollar, authorization, PRICE, nonce));
        market.buyWithAuthorization(purchase, authorization);
        authorization.from = wallets[1];
        vm.expectRevert("invalid signature");
        market.buyWithAuthorization(purchase, authorization);
    }

    function _replayWithdrawal(address[2] memory wallets) internal {
        IAttributionLedger.WithdrawOrder memory order = _withdrawOrder(wallets[0]);
        bytes memory signature = _sign(KEY, Domain.digest(address(ledger), Typed.hash(order)));
        ledger.withdrawTo(order, signature);
        order.account = wallets[1];
        _expectLedgerRefuses(wallets[1]);
        ledger.withdrawTo(order, signature);
    }

    function _replayClaim(address[2] memory wallets) internal {
        uint64 index = _allot(wallets[1]);
        leaves[0].account = wallets[0];
        index = _activateBonded(leaves);
        (IAttributionLedger.Claim[] memory claims, IAttributionLedger.ClaimOrder memory order) = _claimOrder(index, 1);
        (order.account, order.nonce) = (wallets[0], 8);
        bytes memory signature = _sign(KEY, Domain.digest(address(ledger), Typed.hash(claims, order)));
        ledger.claimTo(claims, order, signature);
        claims[0] = _claimOf(index, leaves, 1);
        order.account = wallets[1];
        _expectLedgerRefuses(wallets[1]);
        ledger.claimTo(claims, order, signature);
    }
}

/// @notice The same of what contributors sign.
contract ConsentAuditsTest is RecordsFixture {
    uint256 internal constant KEY = 0xC0FFEE;
    address internal contributor = vm.addr(KEY);
    string internal constant CONTRIBUTION =
        "Contribution(uint128 datasetId,address contributor,bytes32 commitment,uint64 records,bytes32 termsHash,bytes32 payPolicyHash,uint256 nonce,uint64 deadline)";

    function _expectRefused(address account) internal {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadSignature.selector, account));
    }

    /// @dev A contribution not recorded yet whose commitment, and another one, are committed together.
    function _committed()
        internal
        returns (IConsentRegistry.Contribution memory contribution, bytes32[] memory commitments)
    {
        commitments = _commitments("commitments", 2);
        contribution = IConsentRegistry.Contribution({
            datasetId: datasetId,
            contributor: contributor,
            commitment: commitments[0],
            records: 150,
            termsHash: "terms",
            payPolicyHash: "pay policy",
            nonce: 7,
            deadline: START + 1 days
        });
        consents.commit(MerkleTreeBuilder.root(commitments), 2);
        vm.roll(vm.getBlockNumber() + 1);
    }

    function _inclusion(bytes32[] memory commitments, uint64 index)
        internal
        pure
        returns (IConsentRegistry.Inclusion memory)
    {
        return IConsentRegistry.Inclusion({
            root: MerkleTreeBuilder.root(commitments),
            index: index,
            leafCount: 2,
            proof: MerkleTreeBuilder.prove(commitments, index)
        });
    }

    /// @notice Halborn on Story's periphery, for consent; and 0xSplits: the contributor is part of it.
    function test_a_signed_consent_is_good_for_its_registry_chain_and_every_parameter_alone() public {
        (IConsentRegistry.Contribution memory contribution, bytes32[] memory commitments) = _committed();
        uint128 otherDataset = _register(_dataset("other"));
        bytes memory words = abi.encode(contribution);
        bytes32 structHash = Typed.hash(CONTRIBUTION, words);
        bytes memory signature = _sign(KEY, Domain.digest(address(consents), structHash));
        assertEq(words.length, 8 * 32);
        for (uint256 i = 0; i < 8; ++i) {
            IConsentRegistry.Contribution memory other =
                abi.decode(Typed.changed(words, i), (IConsentRegistry.Contribution));
            // Another dataset and another commitment that there are.
            if (i == 0) other.datasetId = otherDataset;
            if (i == 2) other.commitment = commitments[1];
            _expectRefused(other.contributor);
            consents.contribute(other, signature, _inclusion(commitments, i == 2 ? 1 : 0));
        }
        bytes memory elsewhere = _sign(KEY, Domain.digest(address(ledger), structHash));
        _expectRefused(contributor);
        consents.contribute(contribution, elsewhere, _inclusion(commitments, 0));
        elsewhere = _sign(KEY, Domain.digest(address(consents), block.chainid + 1, structHash));
        _expectRefused(contributor);
        consents.contribute(contribution, elsewhere, _inclusion(commitments, 0));
        bytes32 id = consents.contribute(contribution, signature, _inclusion(commitments, 0));
        assertEq(id, Domain.digest(address(consents), structHash));
    }

    /// @notice Halborn on Story's periphery, for taking consent back, of everything and of one record.
    function test_a_signed_withdrawal_of_consent_is_good_for_every_parameter_alone() public {
        (, bytes32 mine) = _give(datasetId, KEY, _commitments("mine", 2));
        (, bytes32 other) = _give(datasetId, KEY, _commitments("other", 2));
        IConsentRegistry.Withdrawal memory withdrawal =
            IConsentRegistry.Withdrawal({ contributionId: mine, deadline: START + 1 days });
        bytes32 structHash = Typed.hash("Withdrawal(bytes32 contributionId,uint64 deadline)", abi.encode(withdrawal));
        bytes memory signature = _sign(KEY, Domain.digest(address(consents), structHash));
        withdrawal.contributionId = other;
        _expectRefused(contributor);
        consents.withdrawBySig(withdrawal, signature);
        (withdrawal.contributionId, withdrawal.deadline) = (mine, START + 2 days);
        _expectRefused(contributor);
        consents.withdrawBySig(withdrawal, signature);
        withdrawal.deadline = START + 1 days;
        bytes memory elsewhere = _sign(KEY, Domain.digest(address(ledger), structHash));
        _expectRefused(contributor);
        consents.withdrawBySig(withdrawal, elsewhere);
        elsewhere = _sign(KEY, Domain.digest(address(consents), block.chainid + 1, structHash));
        _expectRefused(contributor);
        consents.withdrawBySig(withdrawal, elsewhere);
        consents.withdrawBySig(withdrawal, signature);
        assertGt(consents.consentOf(mine).withdrawnAt, 0);
        assertEq(consents.consentOf(other).withdrawnAt, 0);
    }

    /// @notice The same, of one record.
    function test_a_signed_withdrawal_of_a_record_is_good_for_every_parameter_alone() public {
        bytes32[] memory records = _commitments("mine", 2);
        (IConsentRegistry.Contribution memory mine, bytes32 id) = _give(datasetId, KEY, records);
        // The same records given to another dataset.
        (IConsentRegistry.Contribution memory other, bytes32 otherId) = _give(_register(_dataset("2")), KEY, records);
        bytes32 structHash = Typed.hash(
            "RecordWithdrawal(bytes32 contributionId,bytes32 commitment,uint64 deadline)",
            abi.encode(id, records[0], START + 1 days)
        );
        bytes memory signature = _sign(KEY, Domain.digest(address(consents), structHash));
        bytes memory proof = MerkleTreeBuilder.prove(records, 0);
        _expectRefused(contributor);
        consents.withdrawRecordBySig(other, records[0], 0, proof, START + 1 days, signature);
        _expectRefused(contributor);
        consents.withdrawRecordBySig(
            mine, records[1], 1, MerkleTreeBuilder.prove(records, 1), START + 1 days, signature
        );
        _expectRefused(contributor);
        consents.withdrawRecordBySig(mine, records[0], 0, proof, START + 2 days, signature);
        bytes memory elsewhere = _sign(KEY, Domain.digest(address(ledger), structHash));
        _expectRefused(contributor);
        consents.withdrawRecordBySig(mine, records[0], 0, proof, START + 1 days, elsewhere);
        consents.withdrawRecordBySig(mine, records[0], 0, proof, START + 1 days, signature);
        assertTrue(consents.isRecordWithdrawn(id, records[0]));
        assertFalse(consents.isRecordWithdrawn(id, records[1]));
        assertFalse(consents.isRecordWithdrawn(otherId, records[0]));
    }
}
