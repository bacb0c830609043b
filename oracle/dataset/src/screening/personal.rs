//! Personal data in text.
//!
//! Patterns find candidates, checksums and parsers throw out most of what only looks like them. What is found is counted, never
//! repeated. Patterns neither find all personal data nor only such: they decide what a steward reads.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{
    Desk, Screening,
    verdict::{Decision, Reason},
};

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PersonalKind {
    /// An e-mail address.
    Email,
    /// A telephone number with its country's code, or as it is written in North America.
    Phone,
    /// An international bank account number (ISO 13616), its length and checksum right.
    Iban,
    /// A payment card's number (ISO/IEC 7812), its checksum right.
    Card,
    /// A social security number of the United States.
    Ssn,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
}

/// Personal data of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonalData {
    /// What kind.
    pub kind: PersonalKind,
    /// How often.
    pub count: u32,
}

impl PersonalKind {
    /// All there are.
    pub const ALL: [Self; 7] = [Self::Email, Self::Phone, Self::Iban, Self::Card, Self::Ssn, Self::Ipv4, Self::Ipv6];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "e-mail address",
            Self::Phone => "telephone number",
            Self::Iban => "bank account (IBAN)",
            Self::Card => "payment card",
            Self::Ssn => "social security number",
            Self::Ipv4 => "IPv4 address",
            Self::Ipv6 => "IPv6 address",
        }
    }

    /// How often a text has it.
    pub fn count(self, text: &str) -> u32 {
        let Some(pattern) = PATTERNS.get(self as usize).and_then(Option::as_ref) else { return 0 };
        let found = pattern.find_iter(text).filter(|found| {
            stands_alone(self, &text[..found.start()], &text[found.end()..]) && self.holds(found.as_str())
        });
        u32::try_from(found.count()).unwrap_or(u32::MAX)
    }

    fn pattern(self) -> &'static str {
        match self {
            Self::Email => r"[\p{L}\d._%+-]+@(?:[\p{L}\d](?:[\p{L}\d-]*[\p{L}\d])?\.)+\p{L}{2,}",
            Self::Phone => {
                r"(?:\+|\b00)[1-9](?:[ .\-/]?\(?\d\)?){6,14}|(?:\([2-9]\d{2}\) ?|\b[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}"
            }
            Self::Iban => r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}",
            Self::Card => r"\b[2-6](?:[ -]?\d){12,18}",
            Self::Ssn => r"\b\d{3}-\d{2}-\d{4}\b",
            Self::Ipv4 => r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
            Self::Ipv6 => r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:]*",
        }
    }

    fn holds(self, found: &str) -> bool {
        let digits = || found.chars().filter_map(|character| character.to_digit(10));
        match self {
            Self::Email => true,
            // ITU-T E.164: at most 15 digits.
            Self::Phone => (7..=15).contains(&digits().skip_while(|digit| *digit == 0).count()),
            Self::Iban => is_iban(found),
            Self::Card => is_card(&digits().collect::<Vec<u32>>()),
            Self::Ssn => {
                let mut parts = found.split('-');
                let (area, group, serial) = (parts.next(), parts.next(), parts.next());
                !matches!(area, Some("000" | "666"))
                    && !found.starts_with('9')
                    && group != Some("00")
                    && serial != Some("0000")
            }
            Self::Ipv4 => found.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => {
                let digits = found.chars().filter(char::is_ascii_hexdigit).count();
                // A colon may follow it.
                let spellings = [found, found.strip_suffix(':').unwrap_or(found)];
                digits >= 4 && spellings.iter().any(|spelled| spelled.parse::<Ipv6Addr>().is_ok())
            }
        }
    }
}

/// Patterns in the order of [`PersonalKind::ALL`]. All compile: a test says so.
static PATTERNS: LazyLock<Vec<Option<Regex>>> =
    LazyLock::new(|| PersonalKind::ALL.iter().map(|kind| Regex::new(kind.pattern()).ok()).collect());

/// Whether what was found is not a part of something longer.
fn stands_alone(kind: PersonalKind, before: &str, after: &str) -> bool {
    let mut following = after.chars();
    let (last, next, then) = (before.chars().next_back(), following.next(), following.next());
    let digit = |character: Option<char>| character.is_some_and(|character| character.is_ascii_digit());
    let word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    match kind {
        PersonalKind::Email | PersonalKind::Iban => true,
        PersonalKind::Phone | PersonalKind::Card => !digit(last) && !digit(next),
        PersonalKind::Ssn => last != Some('-') && next != Some('-'),
        PersonalKind::Ipv4 => last != Some('.') && !(next == Some('.') && digit(then)),
        PersonalKind::Ipv6 => !word(last) && !word(next),
    }
}

/// Lengths of account numbers by country (the SWIFT registry of ISO 13616).
const IBAN: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 \
                    EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 \
                    KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 \
                    PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 \
                    UA29 VA22 VG24 XK20 YE30";

/// Whether this begins with an account number: words may follow.
fn is_iban(found: &str) -> bool {
    let compact: Vec<u8> = found.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let country = compact.get(..2).and_then(|country| std::str::from_utf8(country).ok());
    let length = IBAN.split_ascii_whitespace().find_map(|entry| {
        let (code, length) = entry.split_at_checked(2)?;
        (Some(code) == country).then(|| length.parse().ok()).flatten()
    });
    let Some(number) = length.and_then(|length: usize| compact.get(..length)) else { return false };
    let (first, rest) = number.split_at(4);
    let value = |byte: &u8| char::from(*byte).to_digit(36).unwrap_or_default();
    rest.iter().chain(first).map(value).fold(0, |all, value| (all * if value < 10 { 10 } else { 100 } + value) % 97)
        == 1
}

/// Luhn's checksum (ISO/IEC 7812-1, annex B), over 13 to 19 digits that are not all alike.
fn is_card(digits: &[u32]) -> bool {
    let doubled = |(place, digit): (usize, &u32)| match (place % 2, digit) {
        (1, 5..) => digit * 2 - 9,
        (1, _) => digit * 2,
        _ => *digit,
    };
    (13..=19).contains(&digits.len())
        && digits.windows(2).any(|pair| pair[0] != pair[1])
        && digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Holds texts with personal data among the records at these places.
pub(super) fn screen(desk: &Desk<'_, '_>, places: &[usize], screening: &mut Screening) {
    let mut kinds = desk.rules.personal.clone();
    kinds.sort_unstable();
    kinds.dedup();
    for place in places {
        let Some(text) = desk.schema.text(desk.record(*place)) else { continue };
        let found: Vec<PersonalData> = kinds
            .iter()
            .map(|kind| PersonalData { kind: *kind, count: kind.count(text) })
            .filter(|data| data.count > 0)
            .collect();
        if !found.is_empty() {
            screening.verdicts[*place].add(Decision::Hold, Reason::PersonalData { found });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_from_what_only_looks_like_it() {
        use PersonalKind::*;
        let yes: &[(PersonalKind, &[&str])] = &[
            (Email, &["write to a.b+c@mail.example.org.", "mailto:müller@büro.example"]),
            (Phone, &["+49 (30) 1234-5678", "call 0044 20 7946 0958 now", "(212) 555-0123", "212-555-0123"]),
            (Iban, &["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432 IS MINE", "pay NO9386011117947!"]),
            (Card, &["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "6011000990139424."]),
            (Ssn, &["SSN 078-05-1120,"]),
            (Ipv4, &["from 192.168.0.1.", "(8.8.8.8)"]),
            (Ipv6, &["2001:db8::ff00:42:8329", "at fe80::1ff:fe23:4567:890a.", "2001:db8:0:0:1:0:0:1: up"]),
        ];
        for (kind, texts) in yes {
            texts.iter().for_each(|text| assert_eq!(kind.count(text), 1, "{kind:?} in {text}"));
        }
        let no: &[(PersonalKind, &[&str])] = &[
            (Email, &["a @ b.org", "@handle", "user@localhost", "x@1.2"]),
            (Phone, &["1234567", "in 2019-2020", "+1", "3.14159265", "3002-12-3456"]),
            (Iban, &["DE88 3704 0044 0532 0130 00", "GB82 WEST 1234", "ZZ89370400440532013000", "AB12CDEFGHIJKLMNOP"]),
            (Card, &["4111 1111 1111 1112", "1234567890123", "0000000000000000", "41111111111111111111111"]),
            (Ssn, &["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "1-123-45-6789"]),
            (Ipv4, &["256.1.1.1", "1.2.3", "1.2.3.4.5"]),
            (Ipv6, &["12:30:45", "std::vec", "a::b", "::", "note: this"]),
        ];
        for (kind, texts) in no {
            texts.iter().for_each(|text| assert_eq!(kind.count(text), 0, "{kind:?} in {text}"));
        }
        assert_eq!(PATTERNS.iter().flatten().count(), PersonalKind::ALL.len());
        assert_eq!(Email.count("a@b.org, c@d.org"), 2);
    }
}
