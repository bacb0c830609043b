use super::*;

const GOOD: &str = r#"{"age": 1, "dose": 1, "ward": "north", "label": 1}"#;

fn fault_of(line: &str, schema: &Schema) -> String {
    let said = faults("a.jsonl", format!("\n{line}\r\n"), schema).join("\n");
    said.strip_prefix("row 1 on line 2: ").unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn keys_come_in_any_order_and_numbers_are_exact() {
    let schema = patients();
    let json = r#"{"label": -0.0, "ward": "south", "age": 9007199254740993, "dose": 123456789.12345678e-30}"#;
    let csv = "9007199254740993,123456789.12345678e-30,south,0";
    assert_eq!(records("a.jsonl", json, &schema), records("a.csv", csv, &schema));
    assert_eq!(records("a.ndjson", format!("\u{feff}{GOOD}\r\n\n {GOOD} \n"), &schema).len(), 2);
}

#[test]
fn every_fault_of_a_line_is_told() {
    let schema = patients();
    let missing = ": nothing is given: every field needs a value";
    assert_eq!(fault_of(r#"{"age": 1, "dose": 1, "label": 1}"#, &schema), format!("`ward`{missing}"));
    assert_eq!(fault_of(&GOOD.replace("\"north\"", "null"), &schema), format!("`ward`{missing}"));
    let unknown = "the key `name` is none of the schema's columns: rename or remove it";
    assert_eq!(fault_of(&GOOD.replace('{', "{\"name\": [1], "), &schema), unknown);
    assert_eq!(fault_of(&GOOD.replace('{', "{\"label\": 1, "), &schema), "`label`: given more than once");
    assert_eq!(fault_of(&GOOD.replace(": 1,", ": 1.5,"), &schema), "`age`: `1.5` is not a whole number");
    assert_eq!(fault_of(&GOOD.replace(": 1,", ": [1],"), &schema), "`age`: `a list` is not a whole number");
    assert_eq!(fault_of(&GOOD.replace(": 1,", ": true,"), &schema), "`age`: `true` is not a whole number");
    let object =
        "`age`: an object stands there, and is not read: give a number or text, or a list where there are several";
    assert_eq!(fault_of(&GOOD.replace(": 1,", ": {},"), &schema), object);
    assert!(fault_of(&GOOD.replace(": 1,", ": 1e999,"), &schema).contains("`inf` is not a whole number"));
    assert!(fault_of("[1]", &schema).contains("expected an object with the schema's columns as keys"));
    assert!(fault_of(&GOOD[..20], &schema).starts_with("no JSON object, from column 20 on: EOF"));
    assert!(fault_of(&format!("{GOOD}{GOOD}"), &schema).contains("trailing characters"));
    assert!(fault_of(&"[".repeat(10_000), &schema).starts_with("no JSON object"));
    assert_eq!(fault_of(r#"{"text": 5, "label": "spam"}"#, &texts()), "`text`: text is needed");
    let latin = faults("a.jsonl", b"{\"text\": \"caf\xE9\"}", &texts());
    assert_eq!(latin, ["row 1 on line 1: byte 14 is 0xe9, which is not UTF-8: save the file as UTF-8"]);
}

#[test]
fn an_image_is_nested_flat_or_in_values() {
    let schema = pictures();
    let wanted = records("a.csv", "1,2,3,4,5,6,1\n", &schema);
    for image in ["[[[1,2,3]],[[4,5,6]]]", "[1,2,3,4,5,6]"] {
        assert_eq!(records("a.jsonl", format!("{{\"image\": {image}, \"label\": 1}}"), &schema), wanted);
    }
    let values = r#"{"value0":1,"value1":2,"value2":3,"label":"1","value3":4,"value4":5,"value5":6.0}"#;
    assert_eq!(records("a.jsonl", values, &schema), wanted);
    let plane = format!(r#"{{"image": [{}], "label": 3}}"#, ["[0,1,2,3,4,5,6,7]"; 8].join(","));
    assert_eq!(records("a.jsonl", plane, &Schema::digits()).len(), 1);

    let shape = "`image`: its lists have another shape than the schema's image: [2][1][3], or [6] is needed";
    for image in
        ["[[1,2,3],[4,5,6]]", "[[[1,2,3]],[[4,5]]]", "[1,2,3]", "[]", "7", "\"a\"", "[[[[1]]]]", "[1,2,3,4,5,[6]]"]
    {
        assert_eq!(fault_of(&format!(r#"{{"image": {image}, "label": 1}}"#), &schema), shape);
    }
    let value = fault_of(r#"{"image": [1,2,3,4,5,256], "label": 1}"#, &schema);
    assert_eq!(value, "`value5`: 256 is not from 0 to 255");
    let twice = fault_of(r#"{"image": [1,2,3,4,5,6], "value0": 1, "label": 1}"#, &schema);
    assert_eq!(twice, "`image`: given more than once");
    let missing = "nothing is given: every field needs a value";
    assert_eq!(fault_of(r#"{"label": 1}"#, &schema), format!("`image`: {missing}"));
    assert_eq!(fault_of(r#"{"label": 1, "value0": 1}"#, &schema), format!("`value1`: {missing}"));
    assert_eq!(fault_of(r#"{"image": [1,2,3,4,5,null], "label": 1}"#, &schema), format!("`value5`: {missing}"));
}

#[test]
fn tokens_are_a_list_or_as_in_csv() {
    let schema = tokens();
    let wanted = records("a.csv", "1 99 3", &schema);
    assert_eq!(records("a.jsonl", r#"{"tokens": [1, 99, 3.0]}"#, &schema), wanted);
    assert_eq!(records("a.jsonl", r#"{"tokens": "1 99 3"}"#, &schema), wanted);
    assert_eq!(fault_of(r#"{"tokens": [1, 0.5]}"#, &schema), "`tokens`: `0.5` is not a whole number");
    assert_eq!(fault_of(r#"{"tokens": [1, -1]}"#, &schema), "`tokens`: -1 is not from 0 to 99");
    assert_eq!(fault_of(r#"{"tokens": [[1]]}"#, &schema), "`tokens`: `a list` is not a whole number");
    assert_eq!(fault_of(r#"{"tokens": [{}]}"#, &schema), "`tokens`: nothing is given: every field needs a value");
    assert!(fault_of(r#"{"tokens": 5}"#, &schema).contains("tokens are needed"));
}

#[test]
fn a_line_longer_than_any_of_the_schema_ends_the_reading() {
    let faulty = faults("a.jsonl", format!("{GOOD}\n{}", " ".repeat(1 << 20)), &patients());
    assert!(faulty[0].starts_with("row 2 on line 2: longer than the "), "{faulty:?}");
    assert_eq!(faulty[1..], ["the file was read no further"]);
}
