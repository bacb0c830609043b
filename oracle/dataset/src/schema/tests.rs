use proptest::prelude::*;

use super::*;
use crate::screening::ScreeningRules;

fn patients() -> Schema {
    Schema::from_toml(
        r#"
        task = "regression"
        [features]
        kind = "table"
        columns = [
          { name = "age", kind = "whole", least = 0, most = 130 },
          { name = "dose", kind = "number", least = 0.0 },
          { name = "ward", kind = "category", names = ["north", "south"] },
        ]
        [label]
        kind = "number"
        most = 100.0
        "#,
    )
    .unwrap()
}

fn fault(schema: &Schema, fields: &[&str]) -> String {
    let fields: Vec<Field<'_>> = fields.iter().map(|text| Field::Text(text)).collect();
    schema.record(&fields).unwrap_err().to_string()
}

#[test]
fn every_fault_names_its_field_and_what_would_do() {
    let schema = patients();
    assert_eq!(fault(&schema, &["40", "1", "north"]), "3 fields, 4 are needed");
    assert_eq!(fault(&schema, &["", "1", "north", "2"]), "`age`: nothing is given: every field needs a value");
    assert_eq!(fault(&schema, &["old", "1", "north", "2"]), "`age`: `old` is not a whole number");
    assert_eq!(fault(&schema, &["1.5", "1", "north", "2"]), "`age`: `1.5` is not a whole number");
    assert_eq!(fault(&schema, &["131", "1", "north", "2"]), "`age`: 131 is not from 0 to 130");
    assert_eq!(fault(&schema, &["40", "NaN", "north", "2"]), "`dose`: `NaN` is not a finite number");
    assert_eq!(fault(&schema, &["40", "1e999", "north", "2"]), "`dose`: `inf` is not a finite number");
    assert_eq!(fault(&schema, &["40", "-1", "north", "2"]), "`dose`: -1 is not at least 0");
    let unknown = "`ward`: `west` is none of the names the schema allows: north, south";
    assert_eq!(fault(&schema, &["40", "1", "west", "2"]), unknown);
    assert_eq!(fault(&schema, &["40", "1", "north", "200"]), "`label`: 200 is not at most 100");

    let tokens = Schema {
        task: Task::Continuation,
        features: Features::Tokens { vocabulary: 10, longest: 3 },
        label: Label::None,
    };
    assert_eq!(fault(&tokens, &["1 2 3 4"]), "`tokens`: 4 long, 1 to 3 are allowed");
    assert_eq!(fault(&tokens, &["1 10"]), "`tokens`: 10 is not from 0 to 9");
    assert_eq!(fault(&tokens, &["1 x"]), "`tokens`: `x` is not a whole number");
    assert_eq!(fault(&tokens, &[""]), "`tokens`: nothing is given: every field needs a value");
}

#[test]
fn schemas_that_make_no_sense_are_refused() {
    let refused = |text: &str| Schema::from_toml(text).unwrap_err().to_string();
    let image = "[features]\nkind = \"image\"\nchannels = 1\nheight = 8\nwidth = 8\nlargest = 16\n";
    assert!(refused(&format!("task = \"classification\"\n{image}[label]\nkind = \"none\"")).contains("kind `class`"));
    assert!(refused(&format!("task = \"continuation\"\n{image}[label]\nkind = \"none\"")).contains("only text"));
    let classes = |names: &str| format!("task = \"classification\"\n{image}[label]\nkind = \"class\"\nnames = {names}");
    assert!(refused(&classes("[\"a\", \"a\"]")).contains("each its own"));
    assert!(refused(&classes("[]")).contains("each its own"));
    assert!(refused(&classes("[\"a\"]\nunknown = 1")).contains("unknown"));
    let table = |columns: &str| {
        format!(
            "task = \"regression\"\n[features]\nkind = \"table\"\ncolumns = [{columns}]\n[label]\nkind = \"number\""
        )
    };
    assert!(refused(&table("")).contains("needs columns"));
    let twice = "{ name = \"a\", kind = \"number\" }, { name = \"a\", kind = \"whole\" }";
    assert!(refused(&table(twice)).contains("two columns are called `a`"));
    assert!(refused(&table("{ name = \"label\", kind = \"number\" }")).contains("rename it"));
    assert!(refused(&table("{ name = \"a\", kind = \"whole\", least = 2, most = 1 }")).contains("makes no sense"));
}

#[test]
fn what_the_guide_and_the_demo_show_is_what_is_read() {
    assert_eq!(Schema::from_toml(include_str!("../../../../demo/digits.toml")).unwrap(), Schema::digits());
    let guide = include_str!("../../../../docs/factory.md");
    let blocks: Vec<&str> = guide.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let [schema, rules, ..] = blocks.as_slice() else { panic!("{} blocks of TOML", blocks.len()) };
    Schema::from_toml(schema).unwrap();
    assert_eq!(toml::from_str::<ScreeningRules>(rules).unwrap(), ScreeningRules::default());
    let demo: ScreeningRules = toml::from_str(include_str!("../../../../demo/digits-screening.toml")).unwrap();
    assert_eq!(demo.radius, Some(5.0));
}

#[test]
fn a_record_is_the_same_however_its_fields_are_spelled() {
    let schema = patients();
    let text = schema.record(&["40", " -0.0", "south", "1e1"].map(Field::Text)).unwrap();
    let values = [Field::Number(40.0), Field::Whole(0), Field::Text("south"), Field::Number(10.0)];
    assert_eq!(text, schema.record(&values).unwrap());
    assert_eq!(schema.numbers(&text), [40.0, 0.0, 1.0]);
    assert_eq!(schema.spell(&text), ["40", "0", "south", "10"]);
    assert_eq!(schema.label(&text), Some(LabelValue::Number(10.0)));
    assert_eq!(Schema::digits().columns().len(), 65);
}

proptest! {
    #[test]
    fn what_was_encoded_is_checked_and_read_back(
        age in 0i64..=130, dose in 0.0f64..1e300, ward in 0usize..2, label in -1e300f64..100.0, cut: prop::sample::Index, flip: u8,
    ) {
        let schema = patients();
        let ward_name = ["north", "south"][ward];
        let fields = [Field::Whole(age), Field::Number(dose), Field::Text(ward_name), Field::Number(label)];
        let record = schema.record(&fields).unwrap();
        prop_assert_eq!(&schema.check(record.bytes()).unwrap(), &record);
        prop_assert_eq!(schema.numbers(&record), vec![age as f64, dose, ward as f64]);
        prop_assert!(schema.check(&record.bytes()[..cut.index(record.bytes().len())]).is_err());
        prop_assert!(schema.check(&[record.bytes(), &[flip]].concat()).is_err());
    }

    #[test]
    fn text_and_tokens_come_back(text in ".{1,40}", tokens in prop::collection::vec(0i64..50, 1..20)) {
        let of = |features, label| Schema { task: Task::Continuation, features, label };
        let texts = of(Features::Text { longest: 400 }, Label::None);
        let record = texts.record(&[Field::Text(&text)]).unwrap();
        let read = texts.check(record.bytes()).unwrap();
        prop_assert_eq!(texts.text(&read), Some(text.as_str()));
        let sequences = of(Features::Tokens { vocabulary: 50, longest: 20 }, Label::None);
        let record = sequences.record(&[Field::Tokens(&tokens)]).unwrap();
        let back: Vec<f64> = tokens.iter().map(|token| *token as f64).collect();
        prop_assert_eq!(sequences.numbers(&sequences.check(record.bytes()).unwrap()), back);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        for schema in [patients(), Schema::digits()] {
            let _ = schema.check(&bytes);
        }
    }
}
