use std::sync::Arc;

use ::parquet::{
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::*;

/// A column's values, with the levels that lists and nulls need.
pub(super) enum Column {
    Whole(Vec<i64>),
    Small(Vec<i32>, Option<(Vec<i16>, Vec<i16>)>),
    Number(Vec<f64>),
    Text(Vec<String>, Option<Vec<i16>>),
}

/// A file of groups of rows, each of them columns.
pub(super) fn parquet(columns: &str, groups: &[Vec<Column>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {columns} }}")).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for columns in groups {
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            let mut to = group.next_column().unwrap().unwrap();
            match column {
                Column::Whole(values) => drop(to.typed::<Int64Type>().write_batch(values, None, None).unwrap()),
                Column::Small(values, levels) => {
                    let (present, repeated) = levels.as_ref().map(|(a, b)| (a.as_slice(), b.as_slice())).unzip();
                    to.typed::<Int32Type>().write_batch(values, present, repeated).unwrap();
                }
                Column::Number(values) => drop(to.typed::<DoubleType>().write_batch(values, None, None).unwrap()),
                Column::Text(values, present) => {
                    let values: Vec<<ByteArrayType as DataType>::T> =
                        values.iter().map(|text| ByteArray::from(text.as_bytes().to_vec())).collect();
                    to.typed::<ByteArrayType>().write_batch(&values, present.as_deref(), None).unwrap();
                }
            }
            to.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// A list column, as other programs write it.
pub(super) fn list(name: &str) -> String {
    format!("required group {name} (LIST) {{ repeated group list {{ required int32 element; }} }}")
}

/// Its values and levels.
pub(super) fn lists(rows: &[Vec<i32>]) -> Column {
    let values: Vec<i32> = rows.concat();
    let present = vec![1; values.len()];
    let repeated = rows.iter().flat_map(|row| (0..row.len()).map(|place| i16::from(place > 0))).collect();
    Column::Small(values, Some((present, repeated)))
}

fn text(values: &[&str]) -> Column {
    Column::Text(values.iter().map(|value| (*value).to_owned()).collect(), None)
}

const TABLE: &str = "required binary ward (STRING); required double dose; required int64 age; required double label;";

#[test]
fn columns_go_by_name_through_all_groups() {
    let group = |ward: &str, age| {
        vec![text(&[ward]), Column::Number(vec![0.5]), Column::Whole(vec![age]), Column::Number(vec![1.0])]
    };
    let file = parquet(TABLE, &[group("north", 40), group("south", 1 << 60)]);
    let csv = "40,0.5,north,1\n1152921504606846976,0.5,south,1\n";
    assert_eq!(records("a.parquet", &file, &patients()), records("a.csv", csv, &patients()));
    let faulty = parquet(TABLE, &[group("north", 40), group("west", 1)]);
    let fault = "row 2: `ward`: `west` is none of the names the schema allows: north, south";
    assert_eq!(faults("a.parquet", faulty, &patients()), [fault]);
    let other = "required double dose; required int64 age; required double name;";
    let columns = vec![Column::Number(vec![1.0]), Column::Whole(vec![1]), Column::Number(vec![1.0])];
    let says = refusal("a.parquet", parquet(other, &[columns]), &patients());
    assert_eq!(says, "FILE cannot be read: its columns are not the schema's; missing: ward, label; unknown: name");
}

#[test]
fn images_and_tokens_are_lists() {
    let columns = format!("{} required int32 label;", list("image"));
    let labels = Column::Small(vec![1, 0], None);
    let file = parquet(&columns, &[vec![lists(&[vec![1, 2, 3, 4, 5, 6], vec![6, 5, 4, 3, 2, 1]]), labels]]);
    let wanted = records("a.csv", "1,2,3,4,5,6,1\n6,5,4,3,2,1,0\n", &pictures());
    assert_eq!(records("a.parquet", file, &pictures()), wanted);
    let file = parquet(&list("tokens"), &[vec![lists(&[vec![1, 2], vec![3]])]]);
    assert_eq!(records("a.parquet", file, &tokens()), records("a.csv", "1 2\n3\n", &tokens()));
    let short = parquet(&columns, &[vec![lists(&[vec![1, 2]]), Column::Small(vec![1], None)]]);
    assert!(faults("a.parquet", short, &pictures())[0].starts_with("row 1: `image`: its lists have another shape"));
}

#[test]
fn nulls_and_columns_that_are_not_read_are_faults() {
    let columns = "required binary text (STRING); optional binary label (STRING);";
    let file = parquet(columns, &[vec![text(&["a", "b"]), Column::Text(vec!["ham".to_owned()], Some(vec![1, 0]))]]);
    let fault = "row 2: `label`: nothing is given: every field needs a value";
    assert_eq!(faults("a.parquet", file, &texts()), [fault]);
    let file = parquet("required binary text; required binary label (STRING);", &[vec![text(&["a"]), text(&["ham"])]]);
    assert!(faults("a.parquet", file, &texts())[0].contains("`text`: binary data without a string type stands there"));
}

#[test]
fn files_that_are_cut_off_are_refused() {
    let file = parquet(&list("tokens"), &[vec![lists(&[vec![1, 2], vec![3]])]]);
    for cut in 0..file.len() {
        let says = refusal("a.parquet", &file[..cut], &tokens());
        assert!(says.starts_with("FILE cannot be read: as Parquet it does not read: "), "{says}");
    }
}
