// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";

import { Rights } from "./Rights.sol";

/// @title LicenseCard
/// @notice A license as an SVG image of 800 by 800, readable at a glance, light or dark as the reader prefers. It uses
/// no scripts, links or fonts from elsewhere. Texts come escaped; those that can be long shrink until they fit.
library LicenseCard {
    struct Card {
        string number;
        string asset;
        bool expired;
        /// Bits of `Rights`.
        uint256 rights;
        string price;
        string currency;
        string expiryDay;
        string expiryTime;
        string calls;
        string callsPerMinute;
        string obligations;
        string holder;
        string scope;
        string legalText;
    }

    uint256 private constant LEFT = 56;
    uint256 private constant MIDDLE = 416;
    uint256 private constant WIDTH = 688;
    uint256 private constant COLUMN = 240;

    string private constant STYLE = "<style>text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,"
        "sans-serif;fill:#152238}.b{font-weight:700}.c{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"
        "'Liberation Mono',monospace}.m{fill:#5a687a}.e{text-anchor:end}.z{text-anchor:middle}.v{letter-spacing:2px}.k{font-size:13px;font-weight:600;letter-spacing:1.6px}"
        ".p{fill:#f7f9fb}.q{fill:#fff;stroke:#dce3ea}.s{fill:none;stroke:#0e7490}.g{fill:#0e7490}.w,.o{fill:none;"
        "stroke-width:3;stroke-linecap:round;stroke-linejoin:round}.w{stroke:#15803d}.o{stroke:#b42318}.t{fill:#15803d}"
        ".u{fill:#b42318}.i{fill:#fff}.r{stroke:#dce3ea}@media(prefers-color-scheme:dark){text{fill:#e8eef5}"
        ".m{fill:#9aa9ba}.p{fill:#0b131d}.q{fill:#121d2a;stroke:#263546}.s{stroke:#22b8d6}.g{fill:#22b8d6}"
        ".w{stroke:#4ade80}.o{stroke:#ff8379}.t{fill:#4ade80}.u{fill:#ff8379}.i{fill:#0b131d}.r{stroke:#263546}}"
        "</style>";
    /// @dev Streams that join into one.
    string private constant STREAMS =
        "<path d='M58 58C72 58 74 74 88 74'/><path d='M58 90C72 90 74 74 88 74H102'/><path d='M58 74H88'/></g>";
    string private constant YES = "<path class='w' d='M0 0l5 5 9-11'/>";
    string private constant NO = "<path class='o' d='M2-6l10 10m0-10l-10 10'/>";

    /// @notice The image.
    function draw(Card memory card) internal pure returns (string memory) {
        return string.concat(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 800 800' role='img'><title>License ",
            card.number,
            card.expired ? ", expired" : ", active",
            "</title>",
            STYLE,
            "<rect class='p' width='800' height='800'/><rect class='q' x='24.5' y='24.5' width='751' height='751' rx='22'/>",
            _header(card),
            _rights(card),
            _price(card),
            _limits(card),
            _smallPrint(card),
            "</svg>"
        );
    }

    /// @notice The mark alone, for all licenses together.
    function mark() internal pure returns (string memory) {
        return string.concat(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='42 36 76 76' role='img'><title>Tributary</title>",
            "<rect x='42' y='36' width='76' height='76' fill='#fff'/><g fill='none' stroke='#0e7490' stroke-width='3' stroke-linecap='round'>",
            STREAMS,
            "</svg>"
        );
    }

    function _header(Card memory card) private pure returns (string memory) {
        return string.concat(
            "<g class='s' stroke-width='3' stroke-linecap='round'>",
            STREAMS,
            _text(118, 79, 15, "b g v", unicode"TRIBUTARY LICENSE · ONE SEAT"),
            "<rect class='",
            card.expired ? "u" : "t",
            "' x='624' y='55' width='120' height='36' rx='18'/>",
            _text(684, 79, 16, "b i v z", card.expired ? "EXPIRED" : "ACTIVE"),
            _fitted(LEFT, 143, 40, 330, "b", string.concat("No. ", card.number)),
            _text(744, 141, 22, "c e", card.asset),
            _text(744, 115, 13, "m k e", "ASSET")
        );
    }

    /// @dev What may be done on the left, what may not on the right, each from the top; pale when it is over.
    function _rights(Card memory card) private pure returns (string memory rows) {
        rows = string.concat(
            _rule(166),
            card.expired ? "<g opacity='.6'>" : "<g>",
            _text(LEFT, 196, 13, "k t", card.expired ? "WAS ALLOWED" : "ALLOWED"),
            _text(MIDDLE, 196, 13, "k u", "NOT ALLOWED")
        );
        uint256 allowed = 0;
        for (uint256 i = 0; i < Rights.COUNT; ++i) {
            bool granted = card.rights >> i & 1 == 1;
            uint256 y = 224 + 26 * (granted ? allowed : i - allowed);
            if (granted) ++allowed;
            rows = string.concat(
                rows,
                "<g transform='translate(",
                Strings.toString(granted ? LEFT : MIDDLE),
                " ",
                Strings.toString(y),
                ")'>",
                granted ? YES : NO,
                _text(28, 5, 19, granted ? "b" : "m", Rights.label(i)),
                "</g>"
            );
        }
        if (allowed == 0) rows = string.concat(rows, _text(LEFT, 229, 19, "m", "Nothing"));
        if (allowed == Rights.COUNT) rows = string.concat(rows, _text(MIDDLE, 229, 19, "m", "Nothing"));
        rows = string.concat(rows, "</g>");
    }

    function _price(Card memory card) private pure returns (string memory) {
        return string.concat(
            _rule(480),
            _text(LEFT, 508, 13, "m k", "PRICE"),
            _text(744, 508, 13, "m c e", card.currency),
            _fitted(LEFT, 543, 32, WIDTH, "b", card.price),
            _rule(562)
        );
    }

    function _limits(Card memory card) private pure returns (string memory) {
        return string.concat(
            _limit(
                LEFT, card.expired ? "EXPIRED" : "EXPIRES", card.expiryDay, card.expiryTime, card.expired ? "b u" : "b"
            ),
            _limit(LEFT + COLUMN, "CALLS", card.calls, "in all", "b"),
            _limit(LEFT + 2 * COLUMN, "RATE", card.callsPerMinute, "calls a minute", "b")
        );
    }

    function _limit(uint256 x, string memory label, string memory value, string memory note, string memory class)
        private
        pure
        returns (string memory)
    {
        return string.concat(
            _text(x, 590, 13, "m k", label), _fitted(x, 620, 25, 224, class, value), _text(x, 641, 14, "m", note)
        );
    }

    function _smallPrint(Card memory card) private pure returns (string memory) {
        return string.concat(
            _rule(658),
            _line(683, "In return", "", card.obligations),
            _line(706, "Holder", "", card.holder),
            _line(729, "Scope", "", card.scope),
            _line(752, "Legal text", "c", card.legalText)
        );
    }

    function _line(uint256 y, string memory label, string memory class, string memory value)
        private
        pure
        returns (string memory)
    {
        return string.concat(_text(LEFT, y, 15, "m", label), _text(148, y, 15, class, value));
    }

    function _rule(uint256 y) private pure returns (string memory) {
        return string.concat("<path class='r' d='M56 ", Strings.toString(y), ".5H744'/>");
    }

    /// @dev As large as `width` allows, but not larger than `size`.
    function _fitted(uint256 x, uint256 y, uint256 size, uint256 width, string memory class, string memory text)
        private
        pure
        returns (string memory)
    {
        uint256 largest = width * 100 / _widthOf(bytes(text));
        return _text(x, y, largest < size ? largest : size, class, text);
    }

    /// @dev The most that a bold text is wide, in hundredths of its size: that of DejaVu Sans, wider than the others.
    function _widthOf(bytes memory text) private pure returns (uint256 width) {
        for (uint256 i = 0; i < text.length; ++i) {
            bytes1 character = text[i];
            if (character == "M" || character == "W" || character == "m" || character == "w") width += 111;
            else width += character >= "A" && character <= "Z" ? 86 : 72;
        }
    }

    function _text(uint256 x, uint256 y, uint256 size, string memory class, string memory text)
        private
        pure
        returns (string memory)
    {
        string memory place = string.concat("<text x='", Strings.toString(x), "' y='", Strings.toString(y));
        return string.concat(place, "' font-size='", Strings.toString(size), "' class='", class, "'>", text, "</text>");
    }
}
