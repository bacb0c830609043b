//! The same records through every kind of file.

use proptest::prelude::*;

use super::{numpy, *};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_table_is_the_same_in_every_kind_of_file(
        rows in prop::collection::vec((any::<i64>(), 0.0f64..1e300, 0usize..2, -1e300f64..1e300), 0..20),
        order in Just([0usize, 1, 2, 3]).prop_shuffle(),
        end in prop::sample::select(vec!["\n", "\r\n", "\r", "\n\r\n"]),
    ) {
        let schema = patients();
        let names = schema.columns();
        let wards = ["north", "south"];
        let spelled: Vec<[String; 4]> = rows.iter()
            .map(|(age, dose, ward, label)| [age.to_string(), dose.to_string(), wards[*ward].to_owned(), format!("{label:e}")])
            .collect();
        let line = |fields: &[String]| order.map(|place| fields[place].clone()).join(",");
        let lines = std::iter::once(line(&names)).chain(spelled.iter().map(|row| line(row)));
        let csv = records("a.csv", lines.map(|line| line + end).collect::<String>(), &schema);
        prop_assert_eq!(csv.len(), rows.len());
        let bare = records("a.csv", spelled.iter().map(|row| row.join(",") + end).collect::<String>(), &schema);
        prop_assert_eq!(&bare, &csv);

        let object = |row: &[String; 4]| order.map(|place| match place {
            2 => format!("\"ward\": \"{}\"", row[2]),
            place => format!("\"{}\": {}", names[place], row[place]),
        }).join(", ");
        let jsonl = spelled.iter().map(|row| format!("{{{}}}\n", object(row))).collect::<String>();
        prop_assert_eq!(&records("a.jsonl", jsonl, &schema), &csv);

        #[cfg(feature = "parquet")]
        {
            use super::parquet::{Column, parquet};
            let columns = [
                Column::Whole(rows.iter().map(|row| row.0).collect()),
                Column::Number(rows.iter().map(|row| row.1).collect()),
                Column::Text(rows.iter().map(|row| wards[row.2].to_owned()).collect(), None),
                Column::Number(rows.iter().map(|row| row.3).collect()),
            ];
            let named = "required int64 age; required double dose; required binary ward (STRING); required double label;";
            prop_assert_eq!(&records("a.parquet", parquet(named, &[columns.into()]), &schema), &csv);
        }
    }

    #[test]
    fn images_are_the_same_in_every_kind_of_file(rows in prop::collection::vec((any::<[u8; 6]>(), 0u8..2), 1..20)) {
        let schema = pictures();
        let spelled = |row: &[u8]| row.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        let csv = rows.iter().map(|(row, label)| format!("{},{label}\n", spelled(row))).collect::<String>();
        let csv = records("a.csv", csv, &schema);
        let object = |(row, label): &([u8; 6], u8)| {
            format!("{{\"image\": [[[{}]], [[{}]]], \"label\": {label}}}\n", spelled(&row[..3]), spelled(&row[3..]))
        };
        prop_assert_eq!(&records("a.jsonl", rows.iter().map(object).collect::<String>(), &schema), &csv);

        let count = rows.len();
        let values: Vec<f64> = rows.iter().flat_map(|(row, _)| row.map(f64::from)).collect();
        let labels: Vec<f64> = rows.iter().map(|(_, label)| f64::from(*label)).collect();
        let features = numpy::doubles(&format!("({count}, 2, 1, 3)"), &values);
        let archive = numpy::npz(&[("image.npy", features), ("label.npy", numpy::doubles(&format!("({count},)"), &labels))]);
        prop_assert_eq!(&records("a.npz", archive, &schema), &csv);
        let both: Vec<u8> = rows.iter().flat_map(|(row, label)| row.iter().chain([label]).copied()).collect();
        let array = numpy::npy("'|u1'", "False", &format!("({count}, 7)"), &both);
        prop_assert_eq!(&records("a.npy", array, &schema), &csv);

        #[cfg(feature = "parquet")]
        {
            use super::parquet::{Column, list, lists, parquet};
            let images: Vec<Vec<i32>> = rows.iter().map(|(row, _)| row.map(i32::from).to_vec()).collect();
            let labels = Column::Small(rows.iter().map(|(_, label)| i32::from(*label)).collect(), None);
            let columns = format!("{} required int32 label;", list("image"));
            prop_assert_eq!(&records("a.parquet", parquet(&columns, &[vec![lists(&images), labels]]), &schema), &csv);
        }
    }

    #[test]
    fn text_is_the_same_in_every_kind_of_file(rows in prop::collection::vec(("[^\\x00]{1,20}", 0usize..2), 1..10)) {
        let schema = texts();
        let classes = ["spam", "ham"];
        let csv = rows.iter().map(|(text, class)| format!("\"{}\",{}\r\n", text.replace('"', "\"\""), classes[*class]));
        let csv = records("a.csv", csv.collect::<String>(), &schema);
        let said: Vec<&str> = csv.iter().filter_map(|record| schema.text(record)).collect();
        prop_assert_eq!(said, rows.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>());
        let object = |(text, class): &(String, usize)| {
            serde_json::json!({ "label": classes[*class], "text": text }).to_string() + "\n"
        };
        prop_assert_eq!(&records("a.jsonl", rows.iter().map(object).collect::<String>(), &schema), &csv);
    }
}
