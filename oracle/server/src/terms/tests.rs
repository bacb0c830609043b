use alloy::{
    primitives::{Address, B256, U256, address, keccak256},
    sol_types::SolValue,
};
use proptest::prelude::*;
use tributary_chain::{
    licenses::{obligations, rights},
    tokens::{NATIVE, Token},
};
use tributary_sdk::AssetId;

use super::{
    words::{DAY, Obligation, Right, earning, percent, time},
    *,
};

const DOLLAR: Address = address!("0x5FbDB2315678afecb367f032d93F642f64180aa3");

fn dollar() -> Token {
    Token { address: DOLLAR, decimals: 6, symbol: Some("DEMO".into()) }
}

fn subject() -> Subject {
    Subject { chain: 31_337, asset: AssetId(0xfd16) }
}

fn file(offers: &str) -> Result<TermsFile, TermsError> {
    format!("token = \"{DOLLAR}\"\n{offers}").parse()
}

fn offers(text: &str) -> Vec<Prepared> {
    file(text).unwrap().priced(dollar()).unwrap().offers(subject())
}

/// The one offer of a file, which says so much more than its preset.
fn one(more: &str) -> NewOffer {
    let mut all = offers(&format!("[[offer]]\n{more}"));
    assert_eq!(all.len(), 1);
    all.remove(0).offer
}

/// What is said of a file that is refused, at whichever moment.
#[track_caller]
fn refused(offers: &str) -> String {
    let error = match file(offers) {
        Ok(file) => file.priced(dollar()).unwrap_err(),
        Err(error) => error,
    };
    error.to_string()
}

#[test]
fn presets_say_what_the_file_does_not() {
    let research = one("preset = \"research\"\nprice = \"100\"");
    assert_eq!(
        (research.rights, research.obligations, research.price),
        (rights::INFER, obligations::ATTRIBUTE, 100_000_000)
    );
    assert_eq!((research.transferable, research.delegable, research.calls_per_minute), (false, false, 60));
    assert_eq!((research.duration, research.earn_period, research.upfront_bps), (365 * DAY, 365 * DAY, 0));

    let commercial = one("preset = \"commercial\"\nprice = \"0.5\"");
    assert_eq!((commercial.rights, commercial.price), (rights::INFER | rights::COMMERCIAL, 500_000));
    assert_eq!((commercial.transferable, commercial.delegable, commercial.upfront_bps), (true, true, 2_000));

    let seat = one("preset = \"seat\"\nprice = \"0\"");
    assert_eq!((seat.duration, seat.earn_period, seat.calls_per_minute), (30 * DAY, 30 * DAY, 60));
    assert_eq!((seat.delegable, seat.price), (true, 0));

    let metered = one("preset = \"metered\"\nprice-per-call = \"0.000003\"\ncalls = 1000001");
    assert_eq!((metered.price, metered.max_calls), (3_000_003, 1_000_001));
    assert_eq!((metered.duration, metered.earn_period, metered.upfront_bps), (0, 0, 10_000));

    for preset in Preset::ALL {
        assert!(!preset.defaults().delegable || preset.defaults().transferable, "{preset}");
        assert_eq!(toml::Value::from(preset.to_string()).try_into::<Preset>().unwrap(), preset);
    }
}

#[test]
fn whatever_a_preset_says_can_be_said_otherwise() {
    let offer = one(
        "preset = \"research\"\nname = \"Clinic\"\nprice = \"12.345678\"\ndays = 0\ncalls = 10\ncalls-per-minute = 2\n\
         rights = [\"infer\", \"sublicense\"]\nobligations = [\"disclose\", \"share-alike\"]\nterritory = \"EU and EEA\"\n\
         field-of-use = \"diagnosis\"\ndelegable = true\nrevocable = true\nupfront = 1\nearn-days = 7\nsupply = 3\n\
         clauses = \"Sentences.\"",
    );
    assert_eq!((offer.price, offer.duration, offer.earn_period, offer.upfront_bps), (12_345_678, 0, 7 * DAY, 1));
    assert_eq!((offer.max_calls, offer.calls_per_minute, offer.supply), (10, 2, 3));
    assert_eq!((offer.rights, offer.obligations), (rights::INFER | rights::SUBLICENSE, 0b110));
    assert_eq!((offer.transferable, offer.delegable, offer.revocation), (false, true, Revocation::ByOwner));
    let terms = offer.terms();
    assert_eq!((terms.territory, terms.fieldOfUse), (keccak256("EU and EEA"), keccak256("diagnosis")));
    assert_eq!(offer.offer().termsId, keccak256(terms.abi_encode()));
    let anywhere = one("preset = \"seat\"\nprice = \"1\"").terms();
    assert_eq!((anywhere.territory, anywhere.fieldOfUse), (B256::ZERO, B256::ZERO));
}

#[test]
fn names_of_rights_and_obligations_are_the_contracts_bits() {
    let all = [
        (Right::Infer, "ask the model"),
        (Right::FineTune, "fine-tune it"),
        (Right::Distil, "distil it"),
        (Right::Merge, "merge it"),
        (Right::Redistribute, "redistribute its weights"),
        (Right::TrainOnOutputs, "train on its answers"),
        (Right::Commercial, "use it commercially"),
        (Right::Sublicense, "sublicense it"),
        (Right::Resell, "resell the license"),
        (Right::Train, "train on the data"),
    ];
    for (place, (right, words)) in all.into_iter().enumerate() {
        assert_eq!(right.bit(), 1 << place);
        assert_eq!(rights::words(U256::from(right.bit())).0, [words]);
    }
    assert_eq!(rights::ALL, 0b11_1111_1111);
    let all = [Obligation::NameContributors, Obligation::ShareAlike, Obligation::Disclose];
    assert_eq!(all.map(Obligation::bit), [1, 2, 4]);
    assert_eq!(obligations::ALL, 7);
}

#[test]
fn what_the_contracts_would_refuse_is_refused_with_the_offers_name() {
    let research = "preset = \"research\"\nprice = \"1\"\n";
    for (more, words) in [
        ("rights = []", "gives no rights"),
        ("delegable = true", "can be lent and cannot be transferred"),
        ("rights = [\"infer\", \"resell\"]", "may be resold and cannot be transferred"),
        ("upfront = 10001", "10001 basis points"),
        ("days = 36526", "`days` is longer than 100 years"),
        ("days = 0\nearn-days = 36526", "`earn-days` is longer than 100 years"),
        ("days = 9223372036854775807", "`days` is longer than 100 years"),
        ("supply = 281474976710656", "`supply` is 281474976710656"),
        ("territory = \"\"", "`territory` is empty"),
        ("territory = \" EU\"", "begins or ends with a space"),
        ("field-of-use = \"a\\nb\"", "line breaks"),
        ("clauses = \" \"", "`clauses` is empty"),
        ("clauses = \"not\\u202Eton\"", "cannot be seen"),
        ("price-per-call = \"1\"", "only what is metered"),
    ] {
        let said = refused(&format!("[[offer]]\npreset = \"seat\"\nprice = \"1\"\n[[offer]]\n{research}{more}\n"));
        assert!(said.contains(words) && said.contains("offer 2 of the terms file (\"Research\")"), "{more}: {said}");
    }
    let said = refused(&format!("[[offer]]\n{research}name = \"\"\n"));
    assert!(said.contains("`name` is empty"), "{said}");
    for (offer, words) in [
        ("preset = \"research\"", "has no price: say `price`"),
        ("preset = \"metered\"\nprice = \"1\"", "say `price-per-call` and `calls`"),
        ("preset = \"metered\"\ncalls = 1", "has no price: say `price-per-call`"),
        ("preset = \"metered\"\nprice-per-call = \"1\"", "so many calls: say `calls`"),
        ("preset = \"metered\"\nprice-per-call = \"1\"\ncalls = 0", "so many calls: say `calls`"),
        (
            "preset = \"metered\"\nprice-per-call = \"300000000000000000000000000000\"\ncalls = 9223372036854775807",
            "more base units together",
        ),
        ("preset = \"seat\"\nprice = \"0.0000001\"", "has 7 decimals and the token has 6"),
        ("preset = \"seat\"\nprice = \"340282366920938463463374607431769\"", "more base units than a price can have"),
    ] {
        let said = refused(&format!("[[offer]]\n{offer}\n"));
        assert!(said.contains(words) && said.contains("offer 1 of the terms file"), "{offer}: {said}");
    }
    // The last that is not too long, not too much.
    let most = one("preset = \"seat\"\nprice = \"0.000001\"\ndays = 36525\nsupply = 281474976710655\nupfront = 10000");
    assert_eq!((most.duration, most.supply, most.price), (3_155_760_000, (1 << 48) - 1, 1));
}

#[test]
fn files_that_say_something_else_are_refused() {
    for (text, words) in [
        ("", "missing field `token`"),
        ("token = \"0x00\"\n", "is no address"),
        ("token = \"0x5fbDB2315678afecb367f032d93F642f64180aa3\"\n", "is no address, or one letter of it is wrong"),
        ("token = \"0x5fbdb2315678afecb367f032d93f642f64180aa3\"\n", "offers nothing"),
        ("token = \"0x5fbdb2315678afecb367f032d93f642f64180aa3\"\ncolour = 1", "unknown field `colour`"),
    ] {
        let said = text.parse::<TermsFile>().unwrap_err().to_string();
        assert!(said.contains(words), "{text}: {said}");
    }
    for (offer, words) in [
        ("price = \"1\"", "missing field `preset`"),
        ("preset = \"seats\"\nprice = \"1\"", "expected one of `research`, `commercial`, `seat`, `metered`"),
        ("preset = \"seat\"\nprice = \"1\"\nprices = \"1\"", "unknown field `prices`"),
        ("preset = \"seat\"\nprice = 1.5", "expected an amount in quotes"),
        ("preset = \"seat\"\nprice = \"1,000\"", "`1,000` is not an amount"),
        ("preset = \"seat\"\nprice = \"1\"\nrights = [\"fly\"]", "unknown variant `fly`"),
        ("preset = \"seat\"\nprice = \"1\"\ncalls-per-minute = 4294967296", "calls-per-minute"),
        ("preset = \"seat\"\nprice = \"1\"\ndays = -1", "days"),
    ] {
        let said = refused(&format!("[[offer]]\n{offer}\n"));
        assert!(said.contains(words), "{offer}: {said}");
    }
    let zero = format!("token = \"{}\"\n[[offer]]\npreset = \"seat\"\nprice = \"1\"", Address::ZERO);
    let zero: TermsFile = zero.parse().unwrap();
    let nothing = Token { address: Address::ZERO, ..dollar() };
    assert!(zero.priced(nothing).unwrap_err().to_string().contains("zero address"));
    assert!(matches!(zero.priced(dollar()), Err(TermsError::OtherToken { .. })));
}

#[test]
fn two_offers_of_the_same_are_refused_however_they_are_written() {
    let twice = "[[offer]]\npreset = \"seat\"\nprice = \"1\"\n[[offer]]\npreset = \"research\"\nprice = \"1\"\n\
                 [[offer]]\npreset = \"seat\"\nprice = \"1.00\"\ndays = 30\n";
    assert!(refused(twice).contains("offers 1 and 3 of the terms file are the same"));
    assert_eq!(offers(&twice.replace("1.00", "1.01")).len(), 3);
}

#[test]
fn the_text_says_all_of_the_terms_and_nothing_is_left_to_the_day() {
    let metered = "[[offer]]\npreset = \"metered\"\nname = \"Clinic\"\nprice-per-call = \"0.0125\"\ncalls = 4000\ndays = 90\n\
                   territory = \"EU and EEA\"\nrevocable = true\nsupply = 5\nclauses = \"\"\"\nNo answer decides alone.\r\n\
                   A physician does.  \"\"\"\n";
    let [ref clinic] = offers(metered)[..] else { panic!("one offer") };
    let expected = "\
# Clinic: a license to model 0x0000000000000000000000000000fd16

This license is to asset 0x0000000000000000000000000000fd16 of the Tributary registry on the chain with the id 31337, in all \
of its versions. It is a token of that chain's license market, which has the keccak-256 of this text among the license's \
terms. Whoever holds the token holds the license. One license is one seat: for one person or one service at a time.

## What you may do

- ask the model
- use it commercially

## What you may not do

- fine-tune it
- distil it
- merge it
- redistribute its weights
- train on its answers
- sublicense it
- resell the license
- train on the data

## Limits

- Calls: at most 4000 over the license's whole life; each record asked about is a call.
- Calls in any minute: any number.
- Territory: EU and EEA
- Field of use: any
- Transfer: the holder may give the license to somebody else, and may not sell it.
- Lending: the holder may name one user at a time (ERC-4907); holder and user share the limits.

## Price and time

- Price: 50 DEMO for one license, paid in the token 0x5FbDB2315678afecb367f032d93F642f64180aa3 before the first call: \
0.0125 DEMO for each of its 4000 calls.
- Time: good for 90 days from its purchase. Anyone may renew it as long as this is on sale, for the price and the time that \
are said here; that adds time, and no calls.
- Earned: all at once.
- Early end: the model's owner may end the license at any time. What of its fees is not earned by then is the holder's.
- Number: 5 such licenses are sold, no more.

## What you owe in return

- nothing but the price

## Further clauses

No answer decides alone.
A physician does.
";
    assert_eq!(clinic.offer.legal_text, expected);
    assert_eq!(clinic.offer.terms().legalTextHash, keccak256(expected));
    assert_eq!(offers(metered)[0].offer.legal_text, expected);
    assert_eq!(named(expected, keccak256("EU and EEA")), Some("EU and EEA"));
    assert_eq!(named(expected, keccak256("US")), None);
    assert_eq!(title(expected), Some("Clinic"));
    // Whatever is told of it makes another text.
    let elsewhere = Subject { chain: 1, ..subject() };
    let priced = file(metered).unwrap().priced(dollar()).unwrap();
    assert_ne!(priced.offers(elsewhere)[0].offer.text_hash(), clinic.offer.text_hash());
    let other = offers(&metered.replace("EU and EEA", "EU"));
    assert_ne!(other[0].offer.text_hash(), clinic.offer.text_hash());
}

#[test]
fn the_text_of_a_gift_for_ever_names_no_price_and_no_end() {
    let gift = one("preset = \"research\"\nprice = \"0\"\ndays = 0\nrevocable = true");
    let text = &gift.legal_text;
    for words in [
        "- Price: nothing; the license is a gift",
        "- Time: good for ever",
        "- Early end: the model's owner may end the license at any time.\n",
        "- name the model and its contributors\n",
        "- Transfer: none",
        "- Lending: none",
        "- Calls in any minute: at most 60.",
        "- Territory: worldwide\n- Field of use: any\n",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(!text.contains("Earned") && !text.contains("Further clauses") && !text.contains("Number"), "{text}");
    let sold_on = one("preset = \"seat\"\nprice = \"1\"\nrights = [\"infer\", \"resell\"]").legal_text;
    assert!(sold_on.contains("- Transfer: the holder may give or sell the license to somebody else."), "{sold_on}");
    assert!(text.ends_with("contributors\n") && !text.contains("\n\n\n"), "{text}");
}

#[test]
fn times_shares_and_money_read_as_people_write_them() {
    let times = [DAY, 30 * DAY, DAY + 3_600, 120, 90].map(time);
    assert_eq!(times, ["1 day", "30 days", "25 hours", "2 minutes", "90 seconds"]);
    assert_eq!([0, 5, 1_250, 2_000, 10_000].map(percent), ["0 %", "0.05 %", "12.5 %", "20 %", "100 %"]);
    assert_eq!(earning(2_000, 365 * DAY), "20 % at once, the rest evenly over 365 days");
    assert_eq!(earning(0, 30 * DAY), "evenly over 30 days");
    assert_eq!([earning(10_000, 30 * DAY), earning(2_000, 0)], ["all at once", "all at once"]);
    let nameless = Token { symbol: None, ..dollar() };
    assert_eq!(words::money(1_500_000, &dollar()), "1.5 DEMO");
    assert_eq!(words::money(1, &nameless), format!("0.000001 of token {DOLLAR}"));
    let coin = Token { address: NATIVE, decimals: 18, symbol: None };
    assert_eq!(words::money(10u128.pow(18), &coin), "1 of the chain's coin");
}

#[test]
fn what_could_be_read_in_two_ways_is_no_amount() {
    for text in ["", ".", "1.", ".5", "01", "00", "-1", "+1", "1e3", "1_000", "1 000", "1,5", "0x1", "1.2.3", "١"] {
        assert!(matches!(text.parse::<Amount>(), Err(AmountError::Spelling(_))), "{text}");
    }
    let most = u128::MAX.to_string();
    assert_eq!(most.parse::<Amount>().unwrap().base_units(0), Ok(u128::MAX));
    assert!(matches!(most.parse::<Amount>().unwrap().base_units(1), Err(AmountError::TooMuch(_))));
    assert_eq!("0".parse::<Amount>().unwrap().base_units(u8::MAX), Ok(0));
}

proptest! {
    #[test]
    fn base_units_are_exact_and_come_back(amount: u128, decimals in 0u8..=80) {
        let text = whole_units(amount, decimals);
        let read: Amount = text.parse().unwrap();
        prop_assert_eq!(read.base_units(decimals), Ok(amount));
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn an_amount_is_its_whole_and_its_decimals(whole in 0..10u128.pow(20), part: u32, zeros in 0usize..6, more in 0u8..6) {
        // Nine decimals, of which some may be zeros, and a token that has as many or more.
        let part = part % 1_000_000_000;
        let text = format!("{whole}.{part:09}{}", "0".repeat(zeros));
        let decimals = 9 + zeros as u8 + more;
        let scale = 10u128.pow(decimals.into());
        let expected = whole.checked_mul(scale).map(|units| units + u128::from(part) * (scale / 1_000_000_000));
        prop_assert_eq!(text.parse::<Amount>().unwrap().base_units(decimals).ok(), expected);
        let fewer = text.parse::<Amount>().unwrap().base_units(decimals - more - 1);
        let refused = matches!(fewer, Err(AmountError::Decimals { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn nothing_that_is_written_makes_it_fall_over(text in ".{0,40}", decimals: u8) {
        if let Ok(amount) = text.parse::<Amount>() {
            let _ = amount.base_units(decimals);
            prop_assert_eq!(amount.to_string(), text);
        }
    }

    #[test]
    fn a_license_of_metered_calls_costs_exactly_their_product(price in 0u128..10u128.pow(24), calls in 1u64..u64::MAX >> 1) {
        let text = format!(
            "[[offer]]\npreset = \"metered\"\nprice-per-call = \"{}\"\ncalls = {calls}",
            whole_units(price, 6)
        );
        match price.checked_mul(calls.into()) {
            Some(product) => prop_assert_eq!(one(&text["[[offer]]\n".len()..]).price, product),
            None => prop_assert!(refused(&text).contains("more base units")),
        }
    }
}
