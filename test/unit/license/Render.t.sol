// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicenseRenderer } from "../../../contracts/interfaces/ILicenseRenderer.sol";
import { Obligations } from "../../../contracts/libraries/Obligations.sol";
import { Rights } from "../../../contracts/libraries/Rights.sol";
import { AnsweringToken, BurningToken, FloodingToken } from "../../utils/Doubles.sol";
import { LicenseReader } from "../../utils/LicenseReader.sol";

contract RenderTest is LicenseReader {
    function _subjectIn(address token) internal view returns (ILicenseRenderer.Subject memory subject) {
        subject = _subject();
        subject.offer.token = token;
    }

    /// @dev "0x12ab…cdef" of a token.
    function _short(address token) internal pure returns (string memory) {
        string[] memory ends = vm.split(vm.toString(token), "0x");
        bytes memory digits = bytes(ends[1]);
        bytes memory start = new bytes(4);
        bytes memory end = new bytes(4);
        for (uint256 i = 0; i < 4; ++i) {
            start[i] = digits[i];
            end[i] = digits[36 + i];
        }
        return string.concat("0x", string(start), unicode"…", string(end));
    }

    function _assertShows(string memory image, string memory text) internal pure {
        assertTrue(_contains(image, string.concat(">", text, "<")), text);
    }

    function _assertHides(string memory image, string memory text) internal pure {
        assertFalse(_contains(image, string.concat(">", text, "<")), text);
    }

    /// @dev A right is on the left with a tick or on the right with a cross.
    function _assertRightOnSide(string memory image, uint256 index, bool allowed) internal pure {
        string[] memory rows = vm.split(image, "<g transform='translate(");
        assertEq(rows.length, Rights.COUNT + 1);
        string memory text = string.concat(">", Rights.label(index), "<");
        for (uint256 i = 1; i < rows.length; ++i) {
            if (!_contains(rows[i], text)) continue;
            assertEq(vm.indexOf(rows[i], allowed ? "56 " : "416 "), 0, text);
            assertEq(_contains(rows[i], "class='w'"), allowed, text);
            assertEq(_contains(rows[i], "class='o'"), !allowed, text);
            return;
        }
        revert(text);
    }

    function test_tokenURI_of_a_bought_license_is_what_the_renderer_writes() public {
        uint256 id = _buy(_publishOffer(_terms(), _offer(0)));
        assertEq(licenses.tokenURI(id), renderer.tokenURI(_subject()));
        assertEq(_image(_json(licenses.tokenURI(id))), renderer.svg(_subject()));
    }

    function test_tokenURI_reverts_for_an_unknown_license() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        licenses.tokenURI(99);
    }

    function test_json_tells_everything_about_a_license() public view {
        string memory json = _json(_subject());
        string memory asset = vm.toLowercase(vm.toString(abi.encodePacked(modelId)));
        string memory legalText = vm.toString(_terms().legalTextHash);

        assertEq(vm.parseJsonString(json, ".name"), "Tributary License #1");
        assertEq(
            vm.parseJsonString(json, ".description"),
            string.concat(
                "One seat to asset ",
                asset,
                unicode". Allowed: Run inference · Use commercially. Not allowed: Fine-tune · Distil · Merge · ",
                unicode"Redistribute · Train on outputs · Sublicense · Resell · Train on the data. ",
                "Expires: 2027-02-14T08:00:00Z. ",
                "Price: 100 DEMO. The legal text with keccak256 ",
                legalText,
                " governs."
            )
        );
        _assertTrait(json, "Status", "active");
        _assertTrait(json, "Asset", asset);
        _assertTrait(json, "Calls", "10000");
        _assertTrait(json, "Calls a minute", "600");
        _assertTrait(json, "Territory", "worldwide");
        _assertTrait(json, "Field of use", "any");
        _assertTrait(json, "Issued", "2027-01-15T08:00:00Z");
        _assertTrait(json, "Expires", "2027-02-14T08:00:00Z");
        _assertTrait(json, "Transferable", "yes");
        _assertTrait(json, "Delegable", "yes");
        _assertTrait(json, "Revocable", "no");
        _assertTrait(json, "Legal text", legalText);
        _assertTrait(json, "Price", "100 DEMO");
        _assertTrait(json, "Price in base units", "100000000");
        _assertTrait(json, "Price token", vm.toString(address(dollar)));
        _assertTrait(json, "Offer", "1");
        assertFalse(vm.keyExistsJson(json, _attribute(ATTRIBUTES, "value")));
    }

    function test_json_tells_the_opposite_where_the_terms_do() public view {
        ILicenseRenderer.Subject memory subject = _subject();
        subject.license.transferable = false;
        subject.license.delegable = false;
        subject.terms.revocable = true;
        subject.terms.maxCalls = 0;
        subject.terms.callsPerMinute = 0;
        subject.terms.territory = keccak256("territory");
        subject.terms.fieldOfUse = keccak256("field");
        string memory json = _json(subject);
        _assertTrait(json, "Transferable", "no");
        _assertTrait(json, "Delegable", "no");
        _assertTrait(json, "Revocable", "yes");
        _assertTrait(json, "Calls", "unlimited");
        _assertTrait(json, "Calls a minute", "unlimited");
        _assertTrait(json, "Territory", vm.toString(keccak256("territory")));
        _assertTrait(json, "Field of use", vm.toString(keccak256("field")));
        _assertShows(_image(json), "Bound to the holder, not delegable, revocable by the issuer");
        _assertShows(_image(json), "Unlimited");
    }

    function test_image_shows_what_a_person_looks_for() public view {
        string memory image = renderer.svg(_subject());
        _assertShows(image, "ACTIVE");
        _assertShows(image, unicode"TRIBUTARY LICENSE · ONE SEAT");
        _assertShows(image, "No. 1");
        _assertShows(image, "ALLOWED");
        _assertShows(image, "NOT ALLOWED");
        _assertShows(image, "100 DEMO");
        _assertShows(image, string.concat("token ", vm.toString(address(dollar))));
        _assertShows(image, "14 Feb 2027");
        _assertShows(image, "at 08:00 UTC");
        _assertShows(image, "10,000");
        _assertShows(image, "600");
        _assertShows(image, "Transferable, delegable, irrevocable");
        _assertShows(image, "Worldwide, any field of use");
        _assertShows(image, vm.toString(_terms().legalTextHash));
    }

    function testFuzz_every_right_is_on_its_side(uint256 rights) public view {
        ILicenseRenderer.Subject memory subject = _subject();
        subject.terms.rights = bound(rights, 1, Rights.ALL);
        string memory json = _json(subject);
        string memory image = _image(json);
        for (uint256 i = 0; i < Rights.COUNT; ++i) {
            bool allowed = subject.terms.rights >> i & 1 == 1;
            _assertTrait(json, Rights.label(i), allowed ? "allowed" : "not allowed");
            _assertRightOnSide(image, i, allowed);
        }
    }

    function test_all_rights_on_one_side_stay_above_the_price() public view {
        ILicenseRenderer.Subject memory subject = _subject();
        subject.terms.rights = Rights.ALL;
        string[] memory rows = vm.split(renderer.svg(subject), "<g transform='translate(56 ");
        assertEq(rows.length, Rights.COUNT + 1);
        uint256 above = 196;
        for (uint256 i = 1; i < rows.length; ++i) {
            uint256 y = vm.parseUint(vm.split(rows[i], ")")[0]);
            assertGe(y, above + 26);
            above = y;
        }
        assertLe(above + 14, 480);
    }

    function test_contractURI_describes_the_collection() public view {
        string memory json = _json(renderer.contractURI());
        assertEq(vm.parseJsonString(json, ".name"), "Tributary Licenses");
        assertEq(vm.parseJsonString(json, ".symbol"), licenses.symbol());
        assertTrue(_contains(vm.parseJsonString(json, ".description"), "One token is one seat."));
        assertEq(vm.indexOf(_image(json), "<svg "), 0);
        assertEq(licenses.contractURI(), renderer.contractURI());
    }

    function test_tokenURI_shows_a_renewal() public {
        uint256 id = _buy(_publishOffer(_terms(), _offer(0)));
        vm.warp(START + 30 days);
        assertEq(_trait(_json(licenses.tokenURI(id)), "Status"), "expired");
        vm.prank(buyer);
        market.renew(id, 100e6);
        assertEq(_trait(_json(licenses.tokenURI(id)), "Status"), "active");
        assertEq(_trait(_json(licenses.tokenURI(id)), "Expires"), "2027-03-16T08:00:00Z");
    }

    function test_image_says_nothing_is_forbidden_when_all_is_allowed() public view {
        ILicenseRenderer.Subject memory subject = _subject();
        _assertHides(renderer.svg(subject), "Nothing");
        subject.terms.rights = Rights.ALL;
        _assertShows(renderer.svg(subject), "Nothing");
        subject.terms.rights = 0;
        _assertShows(renderer.svg(subject), "Nothing");
    }

    function testFuzz_every_obligation_is_told(uint256 obligations) public view {
        ILicenseRenderer.Subject memory subject = _subject();
        subject.terms.obligations = bound(obligations, 0, Obligations.ALL);
        string memory json = _json(subject);
        string memory image = _image(json);
        for (uint256 i = 0; i < Obligations.COUNT; ++i) {
            bool required = subject.terms.obligations >> i & 1 == 1;
            _assertTrait(json, Obligations.label(i), required ? "required" : "not required");
            assertEq(_contains(image, Obligations.label(i)), required);
        }
        assertEq(_contains(image, "Nothing but the price"), subject.terms.obligations == 0);
    }

    function test_an_expired_license_says_so_from_its_last_second_on() public {
        vm.warp(START + 30 days - 1);
        assertEq(_trait(_json(_subject()), "Status"), "active");
        vm.warp(START + 30 days);
        string memory json = _json(_subject());
        assertEq(_trait(json, "Status"), "expired");
        string memory image = _image(json);
        _assertShows(image, "EXPIRED");
        _assertShows(image, "WAS ALLOWED");
        _assertHides(image, "ACTIVE");
        _assertHides(image, "EXPIRES");
    }

    function test_a_perpetual_license_says_so() public {
        ILicenseRenderer.Subject memory subject = _subject();
        subject.license.expiresAt = 0;
        vm.warp(START + 36_525 days);
        string memory json = _json(subject);
        assertEq(_trait(json, "Status"), "active");
        assertEq(_trait(json, "Expires"), "never");
        _assertShows(_image(json), "Never");
        _assertShows(_image(json), "perpetual");
    }

    function test_a_free_license_says_so() public view {
        ILicenseRenderer.Subject memory subject = _subject();
        subject.offer.price = 0;
        string memory json = _json(subject);
        assertEq(_trait(json, "Price"), "Free");
        assertEq(_trait(json, "Price in base units"), "0");
        _assertShows(_image(json), "Free");
        assertFalse(_contains(_image(json), "token 0x"));
    }

    function test_native_coin_is_called_by_its_own_name() public view {
        ILicenseRenderer.Subject memory subject = _subjectIn(NATIVE);
        subject.offer.price = 1_500.25 ether;
        string memory json = _json(subject);
        assertEq(_trait(json, "Price"), "1,500.25 native coin");
        assertEq(_trait(json, "Price token"), vm.toString(NATIVE));
        _assertShows(_image(json), "1,500.25 native coin");
    }

    function test_a_token_without_code_is_shown_by_its_address() public {
        address token = makeAddr("no token");
        assertEq(_trait(_json(_subjectIn(token)), "Price"), string.concat("100,000,000 base units of ", _short(token)));
    }

    function test_a_token_that_burns_all_gas_is_shown_by_its_address() public {
        address token = address(new BurningToken());
        ILicenseRenderer.Subject memory subject = _subjectIn(token);
        uint256 gasBefore = gasleft();
        string memory uri = renderer.tokenURI(subject);
        assertLt(gasBefore - gasleft(), 10_000_000);
        assertEq(_trait(_json(uri), "Price"), string.concat("100,000,000 base units of ", _short(token)));
    }

    function test_a_token_that_floods_is_shown_by_its_address() public {
        address token = address(new FloodingToken());
        assertEq(_trait(_json(_subjectIn(token)), "Price"), string.concat("100,000,000 ", _short(token)));
    }

    function test_symbols_of_one_word_are_read_too() public {
        AnsweringToken token = new AnsweringToken();
        token.setDecimals(abi.encode(18));
        token.setSymbol(abi.encode(bytes32("MKR")));
        ILicenseRenderer.Subject memory subject = _subjectIn(address(token));
        subject.offer.price = 0.5 ether;
        assertEq(_trait(_json(subject), "Price"), "0.5 MKR");
    }

    function test_hostile_symbols_are_replaced_by_the_address() public {
        string[10] memory symbols = [
            "", "<script>", "</svg>", "A&amp;B", 'A","x":"', "A\\", "A'B", "A\nB", unicode"USD₮0", "THIRTEENCHARS"
        ];
        AnsweringToken token = new AnsweringToken();
        token.setDecimals(abi.encode(6));
        for (uint256 i = 0; i < symbols.length; ++i) {
            token.setSymbol(abi.encode(symbols[i]));
            string memory json = _json(_subjectIn(address(token)));
            assertEq(_trait(json, "Price"), string.concat("100 ", _short(address(token))), symbols[i]);
        }
    }

    function test_odd_decimals_leave_base_units() public {
        AnsweringToken token = new AnsweringToken();
        token.setSymbol(abi.encode("ODD"));
        ILicenseRenderer.Subject memory subject = _subjectIn(address(token));
        bytes[4] memory answers = [bytes(""), hex"06", abi.encode(37), abi.encode(type(uint256).max)];
        for (uint256 i = 0; i < answers.length; ++i) {
            token.setDecimals(answers[i]);
            assertEq(_trait(_json(subject), "Price"), "100,000,000 base units of ODD");
        }
        token.setDecimals(abi.encode(36));
        assertEq(_trait(_json(subject), "Price"), "0.0000000000000000000000000001 ODD");
    }

    /// @dev Whatever a token answers, the JSON parses and the only markup is the renderer's own.
    function testFuzz_no_answer_breaks_the_json_or_the_image(bytes memory symbol, bytes memory decimals, bool encoded)
        public
    {
        AnsweringToken token = new AnsweringToken();
        token.setSymbol(encoded ? abi.encode(symbol) : symbol);
        token.setDecimals(decimals);
        string memory json = _json(_subjectIn(address(token)));
        bytes memory price = bytes(vm.replace(_trait(json, "Price"), unicode"…", ""));
        assertLe(price.length, 80);
        for (uint256 i = 0; i < price.length; ++i) {
            assertTrue(_contains("0123456789 .,-_$", string(abi.encodePacked(price[i]))) || _isLetter(price[i]));
        }
        string memory plain = renderer.svg(_subject());
        assertEq(vm.split(_image(json), "<").length, vm.split(plain, "<").length);
    }

    function _isLetter(bytes1 character) internal pure returns (bool) {
        return (character >= "a" && character <= "z") || (character >= "A" && character <= "Z");
    }

    function testFuzz_anything_at_all_can_be_rendered(ILicenseRenderer.Subject memory subject) public view {
        string memory json = _json(subject);
        assertEq(_trait(json, "Offer"), vm.toString(subject.license.offerId));
        assertEq(vm.indexOf(_image(json), "<svg "), 0);
    }

    function test_no_text_is_too_long_for_its_place() public {
        AnsweringToken token = new AnsweringToken();
        token.setSymbol(abi.encode("WWWWWWWWWWWW"));
        ILicenseRenderer.Subject memory subject = _subjectIn(address(token));
        subject.tokenId = type(uint256).max;
        subject.offer.price = type(uint128).max;
        subject.license.expiresAt = START + 36_525 days;
        subject.license.transferable = false;
        subject.license.delegable = false;
        subject.terms.revocable = true;
        subject.terms.maxCalls = type(uint64).max;
        subject.terms.callsPerMinute = type(uint32).max;
        subject.terms.obligations = Obligations.ALL;
        subject.terms.territory = keccak256("territory");
        subject.terms.fieldOfUse = keccak256("field");
        uint256[4] memory decimals = [uint256(0), 6, 36, 255];
        for (uint256 i = 0; i < decimals.length; ++i) {
            token.setDecimals(abi.encode(decimals[i]));
            string[] memory texts = vm.split(renderer.svg(subject), "<text x='");
            for (uint256 j = 1; j < texts.length; ++j) {
                _assertFits(texts[j]);
            }
        }
    }

    /// @dev `text` begins as x' y='y' font-size='size' class='…'>text</text>. Digits are 0.70 of the size wide in bold,
    /// and 0.61 in one width; the capital W is 1.11; letters of running text are at most 0.60 on average.
    function _assertFits(string memory text) internal pure {
        string[] memory parts = vm.split(text, "'");
        if (_contains(parts[6], " e") || _contains(parts[6], " z")) return;
        bytes memory content = bytes(vm.split(vm.split(text, ">")[1], "<")[0]);
        uint256 width = 0;
        for (uint256 i = 0; i < content.length; ++i) {
            width += content[i] == "W" ? 111 : _contains(parts[6], "b") ? 70 : _contains(parts[6], "c") ? 61 : 60;
        }
        assertLe(vm.parseUint(parts[0]) * 100 + vm.parseUint(parts[4]) * width, 75_500, string(content));
    }
}
