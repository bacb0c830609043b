//! What a NumPy array says of itself before its values.
//!
//! A reader of its own, as [the format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html) allows any
//! Python literal there, and the parser of `npyz` takes nested ones as deep and shapes as large as a stranger writes them.

use std::io::{self, Read};

use npyz::{Endianness, TypeChar, TypeStr};

use crate::field::{Field, short};

/// Longer than the header of any array of numbers.
const LONGEST: usize = 4096;

/// What an array's values are.
#[derive(Clone, Copy)]
pub(super) struct Number {
    kind: TypeChar,
    is_big: bool,
    /// Bytes of a value: 1, 2, 4 or 8.
    pub(super) size: usize,
}

pub(super) struct Header {
    /// How long it is itself.
    pub(super) size: u64,
    pub(super) shape: Vec<u64>,
    pub(super) is_fortran: bool,
    /// The type as it is spelled, if it is no type of numbers.
    pub(super) number: Result<Number, String>,
}

impl Header {
    /// None if there is no header.
    pub(super) fn read(from: &mut dyn Read) -> io::Result<Option<Self>> {
        let mut start = Vec::new();
        from.take(10).read_to_end(&mut start)?;
        let (wide, [low, high]) = match *start.as_slice() {
            [0x93, b'N', b'U', b'M', b'P', b'Y', 1, 0, low, high] => (0, [low, high]),
            [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, 0, low, high] => (2, [low, high]),
            _ => return Ok(None),
        };
        // From version 2 on, the length has two bytes more; those of a header that is read are 0.
        let mut more = Vec::new();
        from.take(wide).read_to_end(&mut more)?;
        let length = usize::from(u16::from_le_bytes([low, high]));
        if length > LONGEST || more.iter().any(|byte| *byte != 0) {
            return Ok(None);
        }
        let mut text = Vec::new();
        from.take(length as u64).read_to_end(&mut text)?;
        let size = (start.len() + more.len() + text.len()) as u64;
        Ok(std::str::from_utf8(&text).ok().filter(|text| text.len() == length).and_then(|text| Self::parse(text, size)))
    }

    fn parse(text: &str, size: u64) -> Option<Self> {
        let is_fortran = match value(text, "fortran_order")? {
            order if order.starts_with("False") => false,
            order if order.starts_with("True") => true,
            _ => return None,
        };
        let (shape, _) = value(text, "shape")?.strip_prefix('(')?.split_once(')')?;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
        let shape = sizes.map(|size| size.parse().ok()).collect::<Option<_>>()?;
        let descr = value(text, "descr")?;
        let quoted = descr.strip_prefix('\'').and_then(|descr| descr.split_once('\'')).map(|(descr, _)| descr);
        let number = quoted.and_then(Number::of).ok_or_else(|| short(quoted.unwrap_or(descr)));
        Some(Self { size, shape, is_fortran, number })
    }
}

/// What stands behind a key of a Python dictionary.
fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

impl Number {
    fn of(descr: &str) -> Option<Self> {
        let spelled: TypeStr = descr.parse().ok()?;
        let (kind, size) = (spelled.type_char(), spelled.num_bytes()?);
        let is_number = match kind {
            TypeChar::Bool => size == 1,
            TypeChar::Int | TypeChar::Uint => matches!(size, 1 | 2 | 4 | 8),
            TypeChar::Float => matches!(size, 2 | 4 | 8),
            _ => false,
        };
        is_number.then_some(Self { kind, is_big: spelled.endianness() == Endianness::Big, size })
    }

    /// The number that is spelled by as many bytes as its size.
    pub(super) fn value(self, bytes: &[u8]) -> Field<'static> {
        let mut little = [0; 8];
        for (place, byte) in little.iter_mut().zip(bytes) {
            *place = *byte;
        }
        if self.is_big {
            little[..self.size].reverse();
        }
        let bits = u64::from_le_bytes(little);
        let unused = 64 - 8 * self.size as u32;
        match (self.kind, self.size) {
            (TypeChar::Bool, _) => Field::Text(if bits == 0 { "false" } else { "true" }),
            (TypeChar::Int, _) => Field::Whole((bits << unused).cast_signed() >> unused),
            (TypeChar::Uint, _) => i64::try_from(bits).map_or(Field::Number(bits as f64), Field::Whole),
            (_, 2) => Field::Number(half(bits)),
            (_, 4) => Field::Number(f64::from(f32::from_bits(bits as u32))),
            _ => Field::Number(f64::from_bits(bits)),
        }
    }
}

/// IEEE 754 in 16 bits: a sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u64) -> f64 {
    let (exponent, fraction) = (bits >> 10 & 31, (bits & 1023) as f64);
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent as i32 - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_as_ieee_754_says() {
        for (bits, value) in
            [(0x3C00, 1.0), (0xC000, -2.0), (0x7BFF, 65504.0), (0x0001, 2f64.powi(-24)), (0x3555, 0.333251953125)]
        {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(0x7C00), f64::INFINITY);
        assert!(half(0x7E00).is_nan());
    }
}
