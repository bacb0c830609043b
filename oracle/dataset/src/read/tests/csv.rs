use super::*;

const TWO: &str = "40,0.5,north,1\n41,1.5,south,2\n";

#[test]
fn a_header_is_one_if_it_names_the_columns_in_any_order() {
    let bare = records("a.csv", TWO, &patients());
    assert_eq!(bare.len(), 2);
    for (headed, line) in [
        (format!("age,dose,ward,label\n{TWO}"), 4),
        (" label , ward,dose,age\n1,north,0.5,40\n2,south,1.5,41\n".to_owned(), 4),
        (format!("\u{feff}age,dose,ward,label\r\n{TWO}"), 4),
        (format!("\u{feff}{TWO}"), 3),
    ] {
        assert_eq!(records("a.csv", &headed, &patients()), bare);
        let faulty = faults("a.csv", format!("{headed}1\n"), &patients());
        assert_eq!(faulty, [format!("row 3 on line {line}: 1 fields, 4 are needed")]);
    }
}

#[test]
fn a_header_of_other_columns_says_which() {
    let start = "FILE cannot be read: its columns are not the schema's";
    let refused = |header: &str| refusal("a.csv", format!("{header}\n{TWO}"), &patients());
    assert_eq!(refused("age,dose,label,name,id"), format!("{start}; missing: ward; unknown: name, id"));
    assert_eq!(refused("age,dose,ward"), format!("{start}; missing: label"));
    assert_eq!(refused("age,dose,ward,label,age"), format!("{start}; given more than once: age"));
    let none_known = faults("a.csv", format!("a,b,c,d\n{TWO}"), &patients());
    assert_eq!(none_known, ["row 1 on line 1: `age`: `a` is not a whole number"]);
}

#[test]
fn line_ends_of_any_kind_end_rows_and_lf_ends_lines() {
    let schema = patients();
    let wanted = records("a.csv", TWO, &schema);
    for end in ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"] {
        assert_eq!(records("a.csv", TWO.replace('\n', end), &schema), wanted);
        assert_eq!(records("a.csv", TWO.trim_end().replace('\n', end), &schema), wanted);
    }
    let good = "1,1,north,1";
    let mixed = format!("\n{good}\r\n{good}\n\r\n\n{good}\rx\n{good}\r\nx\r\n\r\nx");
    let wanted =
        [(4, 6), (6, 8), (7, 10)].map(|(row, line)| format!("row {row} on line {line}: 1 fields, 4 are needed"));
    assert_eq!(faults("a.csv", mixed, &schema), wanted);
}

#[test]
fn quoted_text_holds_commas_quotes_and_line_ends() {
    let schema = texts();
    let read = records("a.csv", "\"a, \"\"b\"\"\r\n\nc\",spam\nplain,ham\n", &schema);
    let said: Vec<_> = read.iter().map(|record| schema.text(record).unwrap()).collect();
    assert_eq!(said, ["a, \"b\"\r\n\nc", "plain"]);
    let faulty = faults("a.csv", "\"a\n\nb\",spam\nx,y\n\"c\nd\",z\n", &schema);
    let what = "is none of the names the schema allows: spam, ham";
    assert_eq!(
        faulty,
        [format!("row 2 on line 4: `label`: `y` {what}"), format!("row 3 on line 5: `label`: `z` {what}")]
    );
}

#[test]
fn a_file_cut_off_within_quotes_or_a_row_is_refused() {
    let open = "a quote is opened and never closed: close it, or copy the file anew if it was cut off";
    let wanted = [format!("row 2 on line 2: {open}"), "the file was read no further".to_owned()];
    for cut in ["a,spam\n\"b", "a,spam\n\"b\n\nc", "a,spam\nb,\"ham"] {
        assert_eq!(faults("a.csv", cut, &texts()), wanted);
    }
    assert_eq!(records("a.csv", "a,spam\nb,\"ham\"", &texts()).len(), 2);
    assert_eq!(faults("a.csv", &TWO[..20], &patients()), ["row 2 on line 2: 2 fields, 4 are needed"]);
}

#[test]
fn other_encodings_are_named_with_row_and_byte() {
    let latin = [b"fine,spam\n".as_slice(), b"caf\xE9,ham\n"].concat();
    let fault = "row 2 on line 2: `text`: byte 4 is 0xe9, which is not UTF-8: save the file as UTF-8";
    assert_eq!(faults("a.csv", latin, &texts()), [fault]);
    let wide = |mark: [u8; 2]| [mark.as_slice(), b"a\0,\0"].concat();
    let says = |order: &str| format!("FILE cannot be read: it is UTF-16 ({order}-endian): save it as UTF-8");
    assert_eq!(refusal("a.csv", wide([0xFF, 0xFE]), &texts()), says("little"));
    assert_eq!(refusal("a.jsonl", wide([0xFE, 0xFF]), &texts()), says("big"));
}

#[test]
fn tokens_stand_between_blanks_and_an_empty_file_has_no_records() {
    assert_eq!(records("a.csv", "1 2  3\n\"4\n5\"\n", &tokens()).len(), 2);
    assert_eq!(faults("a.csv", "1 2\n3 b\n", &tokens()), ["row 2 on line 2: `tokens`: `b` is not a whole number"]);
    for empty in ["", "\n\n", "\u{feff}", "tokens\n"] {
        assert_eq!(records("a.csv", empty, &tokens()), []);
        assert_eq!(records("a.jsonl", empty.replace("tokens", ""), &tokens()), []);
    }
}

#[test]
fn a_row_longer_than_any_of_the_schema_ends_the_reading() {
    let faulty = faults("a.csv", format!("a,spam\n\"{}", "b\n".repeat(1 << 20)), &texts());
    assert!(faulty[0].starts_with("row 2 on line 2: longer than the "), "{faulty:?}");
    assert_eq!(faulty[1..], ["the file was read no further"]);
    let wide = faults("a.csv", ",".repeat(1 << 20), &texts());
    assert!(wide[0].starts_with("row 1 on line 1: longer than the "), "{wide:?}");
    let rather_wide = faults("a.csv", ",".repeat(1_000), &texts());
    assert_eq!(rather_wide, ["row 1 on line 1: 1001 fields, 2 are needed"]);
}
