use std::io::Write;

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

/// A `.npy` file, as NumPy writes it.
pub(super) fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data].concat()
}

pub(super) fn doubles(shape: &str, values: &[f64]) -> Vec<u8> {
    npy("'<f8'", "False", shape, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

pub(super) fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (place, (name, bytes)) in members.iter().enumerate() {
        let method = [CompressionMethod::Deflated, CompressionMethod::Stored][place % 2];
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn bytes(shape: &str, values: &[u8]) -> Vec<u8> {
    npy("'|u1'", "False", shape, values)
}

const CSV: &str = "1,2,3,4,5,6,1\n6,5,4,3,2,1,0\n";
const VALUES: [u8; 12] = [1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1];

#[test]
fn arrays_of_every_type_of_number_read_alike() {
    let schema = pictures();
    let wanted = records("a.csv", CSV, &schema);
    let values = [1, 2, 3, 4, 5, 6, 1, 6, 5, 4, 3, 2, 1, 0u8];
    let of = |descr: &str, spelled: Vec<u8>| {
        let array = npy(descr, "False", "(2, 7)", &spelled);
        assert_eq!(records("a.npy", array, &schema), wanted, "{descr}");
    };
    macro_rules! types {
        ($($kind:ty = $name:literal),*) => {$(
            of(concat!("'<", $name, "'"), values.iter().flat_map(|value| <$kind>::from(*value).to_le_bytes()).collect());
            of(concat!("'>", $name, "'"), values.iter().flat_map(|value| <$kind>::from(*value).to_be_bytes()).collect());
        )*};
    }
    types!(i16 = "i2", u16 = "u2", i32 = "i4", u32 = "u4", i64 = "i8", u64 = "u8", f32 = "f4", f64 = "f8");
    of("'|u1'", values.to_vec());
    of("'|i1'", values.to_vec());
    let negative = faults("a.npy", npy("'>i2'", "False", "(1, 7)", &[0xFF; 14]), &schema);
    assert_eq!(negative, ["row 1: `value0`: -1 is not from 0 to 255"]);
    let large = faults("a.npy", npy("'<u8'", "False", "(1, 7)", &[0xFF; 56]), &schema);
    assert_eq!(large, ["row 1: `value0`: `18446744073709552000` is not a whole number"]);
}

#[test]
fn an_archive_has_features_of_several_shapes_and_a_label() {
    let schema = pictures();
    let wanted = records("a.csv", CSV, &schema);
    for name in ["features.npy", "image.npy"] {
        for shape in ["(2, 2, 1, 3)", "(2, 6)"] {
            for labels in ["(2,)", "(2, 1)"] {
                let archive = npz(&[(name, bytes(shape, &VALUES)), ("label.npy", bytes(labels, &[1, 0]))]);
                assert_eq!(records("a.npz", archive, &schema), wanted);
            }
        }
    }
    let plane = npz(&[("label.npy", doubles("(1,)", &[3.0])), ("features.npy", bytes("(1, 8, 8)", &[9; 64]))]);
    assert_eq!(records("a.npz", plane, &Schema::digits()).len(), 1);
    let sequences = npz(&[("tokens.npy", bytes("(2, 3)", &VALUES[..6]))]);
    let wanted = records("a.csv", "1 2 3\n4 5 6\n", &tokens());
    assert_eq!(records("a.npz", sequences, &tokens()), wanted);
    assert_eq!(records("a.npy", bytes("(2, 3)", &VALUES[..6]), &tokens()), wanted);
    assert_eq!(records("a.npy", bytes("(0, 3)", &[]), &tokens()), []);
}

#[test]
fn rows_that_are_not_as_the_schema_says_are_counted() {
    let array = bytes("(3, 7)", &[[1, 2, 3, 4, 5, 6, 1], [1, 2, 3, 4, 5, 6, 7], [0; 7]].concat());
    let fault = "row 2: `label`: `7` is none of the names the schema allows: 0, 1";
    assert_eq!(faults("a.npy", array, &pictures()), [fault]);
    let nan =
        npz(&[("features.npy", doubles("(1, 3)", &[1.0, f64::NAN, 0.0])), ("label.npy", doubles("(1,)", &[1.0]))]);
    assert_eq!(faults("a.npz", nan, &patients()), ["row 1: `dose`: `NaN` is not a finite number"]);
    let token = faults("a.npy", doubles("(1, 2)", &[1.0, 0.5]), &tokens());
    assert_eq!(token, ["row 1: `tokens`: `0.5` is not a whole number"]);
}

#[test]
fn arrays_that_are_not_read_say_what_to_do() {
    let schema = pictures();
    let refused = |array: Vec<u8>| refusal("a.npy", array, &schema).replace("FILE cannot be read: ", "");
    let save = "save it as whole numbers or floats, such as `int64` or `float64`";
    for (descr, found) in
        [("'|O'", "|O"), ("'<U5'", "<U5"), ("'<c16'", "<c16"), ("'<M8[s]'", "<M8[s]"), ("'<f16'", "<f16")]
    {
        let says = refused(npy(descr, "False", "(2, 7)", &[]));
        assert_eq!(says, format!("the file has values of type `{found}`: {save}"));
    }
    assert!(refused(npy("[('a', '<f8')]", "False", "(2,)", &[])).contains("has values of type `[('a', '<f8')], 'for`"));
    let order = "the file is in Fortran order: save `numpy.ascontiguousarray(…)` of it";
    assert_eq!(refused(npy("'|u1'", "True", "(2, 7)", &[0; 14])), order);
    let shape = |found: &str| format!("the file has the shape {found}: [rows, 7] is needed");
    assert_eq!(refused(bytes("(7, 2)", &[0; 14])), shape("[7, 2]"));
    assert_eq!(refused(bytes("()", &[0; 14])), shape("[]"));
    assert_eq!(refused(bytes("(14,)", &[0; 14])), shape("[14]"));
    assert_eq!(refused(bytes("(2, 18446744073709551615)", &[])), shape("[2, 18446744073709551615]"));
    let size = |found: u64, wanted: u128| {
        format!("the file has {found} bytes, and by its shape {wanted}: save or copy it anew")
    };
    assert_eq!(refused(bytes("(2, 7)", &[0; 13])), size(13, 14));
    assert_eq!(refused(bytes("(2, 7)", &[0; 15])), size(15, 14));
    let endless = refused(npy("'<f8'", "False", "(18446744073709551615, 7)", &[]));
    assert_eq!(endless, size(0, u128::from(u64::MAX) * 56));
    let none = "the file is no NumPy array with a header that is read: save it with `numpy.save` or `numpy.savez`";
    assert_eq!(refused(b"1,2,3".to_vec()), none);
    assert_eq!(refused(bytes("(-1, 7)", &[])), none);
    assert_eq!(refused(bytes("(2, 7)", &[])[..30].to_vec()), none);
    assert_eq!(refused([b"\x93NUMPY\x02\x00\xff\xff\xff\xff".as_slice(), &[b'('; 1000]].concat()), none);
    let text = "FILE cannot be read: text is not read from NumPy arrays: give .csv, .jsonl or .parquet";
    assert_eq!(refusal("a.npy", bytes("(2, 7)", &[0; 14]), &texts()), text);
}

#[test]
fn archives_of_other_members_or_of_tricks_are_refused() {
    let schema = pictures();
    let features = ("features.npy", bytes("(2, 6)", &VALUES));
    let labels = bytes("(2,)", &[1, 0]);
    let refused =
        |members: &[(&str, Vec<u8>)]| refusal("a.npz", npz(members), &schema).replace("FILE cannot be read: ", "");
    for path in ["../label.npy", "/label.npy", "a/label.npy", "..\\label.npy", "C:label.npy"] {
        let says = refused(&[features.clone(), (path, labels.clone())]);
        assert!(says.contains("has a path in its name: save plain arrays"), "{says}");
    }
    let needs = "the archive needs the arrays `features` (or `image`) and `label` alone, and has";
    assert_eq!(refused(std::slice::from_ref(&features)), format!("{needs} features"));
    assert_eq!(refused(&[]), format!("{needs} none"));
    let three = [features.clone(), ("label.npy", labels.clone()), ("id.npy", labels.clone())];
    assert_eq!(refused(&three), format!("{needs} features, label, id"));
    let fewer = refused(&[features.clone(), ("label.npy", bytes("(1,)", &[1]))]);
    assert_eq!(fewer, "the array `label` has the shape [1]: a label for each of 2 rows is needed");
    let flat = refused(&[features.clone(), ("label.npy", bytes("(2, 2)", &[1; 4]))]);
    assert_eq!(flat, "the array `label` has the shape [2, 2]: [rows] is needed");
    let bomb = refused(&[("features.npy", bytes("(2, 6)", &vec![0; 1 << 24])), ("label.npy", labels.clone())]);
    assert!(bomb.starts_with("the array `features` has 16777216 bytes, and by its shape 12"), "{bomb}");
    let object = refused(&[features, ("label.npy", npy("'|O'", "False", "(2,)", b"pickle"))]);
    assert!(object.starts_with("the array `label` has values of type `|O`"), "{object}");
}

#[test]
fn an_archive_that_is_cut_off_or_changed_is_refused() {
    let whole = npz(&[("features.npy", bytes("(2, 6)", &VALUES)), ("label.npy", bytes("(2,)", &[1, 0]))]);
    for cut in 0..whole.len() {
        let says = refusal("a.npz", &whole[..cut], &pictures());
        assert!(says.contains("cannot be read: "), "{cut}: {says}");
    }
    // The last label, stored as it is: only the archive's sum tells.
    let place = whole.windows(8).position(|window| window == b"\x93NUMPY\x01\x00").unwrap() + 128;
    let mut changed = whole;
    assert_eq!(changed[place..place + 2], [1, 0]);
    changed[place] = 0;
    let says = refusal("a.npz", changed, &pictures());
    assert!(says.contains("the archive is broken: "), "{says}");
}
