//! A field as a file gives it, and what can be wrong with it.

/// A field of a record as a file gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// As text: CSV knows nothing else.
    Text(&'a str),
    /// As a number.
    Number(f64),
    /// As a whole number.
    Whole(i64),
    /// As several whole numbers.
    Tokens(&'a [i64]),
    /// Not at all.
    Missing,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Too few or too many of them.
    #[error("{found} fields, {wanted} are needed")]
    Count {
        /// On the row.
        found: usize,
        /// By the schema.
        wanted: usize,
    },
    /// Nothing is there.
    #[error("nothing is given: every field needs a value")]
    Missing,
    /// No finite number.
    #[error("`{found}` is not a finite number")]
    NotANumber {
        /// What stands there, shortened.
        found: String,
    },
    /// No whole number.
    #[error("`{found}` is not a whole number")]
    NotWhole {
        /// What stands there, shortened.
        found: String,
    },
    /// Outside the schema's bounds.
    #[error("{found} is not {}", bounds(*least, *most))]
    Range {
        /// What stands there.
        found: String,
        /// The schema's least.
        least: Option<f64>,
        /// The schema's most.
        most: Option<f64>,
    },
    /// None of the schema's names.
    #[error("`{found}` is none of the names the schema allows: {allowed}")]
    Unknown {
        /// What stands there, shortened.
        found: String,
        /// The names, or the first of them.
        allowed: String,
    },
    /// More than the schema allows.
    #[error("{found} long, 1 to {longest} are allowed")]
    TooLong {
        /// How long it is.
        found: usize,
        /// The schema's longest.
        longest: u32,
    },
    /// No text.
    #[error("text is needed")]
    NotText,
    /// No sequence of tokens.
    #[error("tokens are needed: whole numbers, in CSV separated by blanks")]
    NotTokens,
    /// Bytes that no record of the schema has.
    #[error("the bytes are not those of a record of this schema")]
    Bytes,
}

impl Fault {
    pub(crate) fn not_whole(found: &str) -> Self {
        Self::NotWhole { found: short(found) }
    }
}

/// What is wrong with a record, and where in it.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldFault {
    /// The field's name; none if it is the record as a whole.
    pub field: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

impl std::error::Error for FieldFault {}

impl std::fmt::Display for FieldFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(name) => write!(f, "`{name}`: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

/// A finite number within bounds; zero has no sign.
pub(crate) fn number(field: &Field<'_>, least: Option<f64>, most: Option<f64>) -> Result<f64, Fault> {
    let value = match field {
        Field::Text(text) if text.trim().is_empty() => return Err(Fault::Missing),
        Field::Text(text) => text.trim().parse().map_err(|_| Fault::NotANumber { found: short(text) })?,
        Field::Number(value) => *value,
        Field::Whole(value) => *value as f64,
        Field::Tokens(_) => return Err(Fault::NotANumber { found: "a list".to_owned() }),
        Field::Missing => return Err(Fault::Missing),
    };
    if !value.is_finite() {
        return Err(Fault::NotANumber { found: value.to_string() });
    }
    if least.is_some_and(|least| value < least) || most.is_some_and(|most| value > most) {
        return Err(Fault::Range { found: value.to_string(), least, most });
    }
    Ok(if value == 0.0 { 0.0 } else { value })
}

/// A whole number within bounds. One that a file spells as a fraction counts if nothing is lost.
pub(crate) fn whole(field: &Field<'_>, least: Option<i64>, most: Option<i64>) -> Result<i64, Fault> {
    /// Whole numbers up to here are exact as `f64`.
    const EXACT: f64 = (1u64 << 53) as f64;
    let value = match field {
        Field::Text(text) if text.trim().is_empty() => return Err(Fault::Missing),
        Field::Text(text) => text.trim().parse().map_err(|_| Fault::not_whole(text))?,
        Field::Number(value) if value.fract() == 0.0 && value.abs() <= EXACT => *value as i64,
        Field::Number(value) => return Err(Fault::NotWhole { found: value.to_string() }),
        Field::Whole(value) => *value,
        Field::Tokens(_) => return Err(Fault::NotWhole { found: "a list".to_owned() }),
        Field::Missing => return Err(Fault::Missing),
    };
    if least.is_some_and(|least| value < least) || most.is_some_and(|most| value > most) {
        let (least, most) = (least.map(|least| least as f64), most.map(|most| most as f64));
        return Err(Fault::Range { found: value.to_string(), least, most });
    }
    Ok(value)
}

/// The place of a name. Numbers are names by their shortest spelling.
pub(crate) fn one_of(field: &Field<'_>, names: &[String]) -> Result<u32, Fault> {
    let spelled;
    let found = match field {
        Field::Text(text) => text.trim(),
        Field::Number(value) => {
            spelled = value.to_string();
            &spelled
        }
        Field::Whole(value) => {
            spelled = value.to_string();
            &spelled
        }
        Field::Tokens(_) => "a list",
        Field::Missing => "",
    };
    if found.is_empty() {
        return Err(Fault::Missing);
    }
    let place = names.iter().position(|name| name == found);
    place
        .and_then(|place| u32::try_from(place).ok())
        .ok_or_else(|| Fault::Unknown { found: short(found), allowed: short_list(names) })
}

pub(crate) fn short(text: &str) -> String {
    text.trim().chars().take(20).collect()
}

pub(crate) fn short_list(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| short(name)).collect();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn bounds(least: Option<f64>, most: Option<f64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "allowed".to_owned(),
    }
}
