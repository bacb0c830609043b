//! JSON in which a real number has one spelling: rounded to six significant digits.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::evaluate::digits::rounded;

/// Indented, with a closing newline.
pub(super) fn to_bytes(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Rounding(PrettyFormatter::new())))?;
    bytes.push(b'\n');
    Ok(bytes)
}

struct Rounding(PrettyFormatter<'static>);

impl Formatter for Rounding {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        self.0.write_f64(writer, rounded(value))
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_six_digits_and_the_rest_is_pretty() {
        let written = |value: f64| String::from_utf8(to_bytes(&value).unwrap()).unwrap();
        assert_eq!(written(2.0 / 3.0), "0.666667\n");
        assert_eq!(written(-0.0), "0.0\n");
        assert_eq!(written(123_456_789.0), "123457000.0\n");
        assert_eq!(written(1.234_567_89e-12), "1.23457e-12\n");
        let nested = serde_json::json!({ "a": [0.1 + 0.2, 7, null], "b": {}, "c": "x" });
        let ours = String::from_utf8(to_bytes(&nested).unwrap()).unwrap();
        let theirs = serde_json::to_string_pretty(&serde_json::json!({ "a": [0.3, 7, null], "b": {}, "c": "x" }));
        assert_eq!(ours, theirs.unwrap() + "\n");
    }

    proptest! {
        #[test]
        fn what_was_written_is_written_again(value in -1e12f64..1e12, exponent in -20i32..0) {
            let once = to_bytes(&(value * 10f64.powi(exponent))).unwrap();
            let read: f64 = serde_json::from_slice(&once).unwrap();
            prop_assert_eq!(to_bytes(&read).unwrap(), once);
        }
    }
}
