//! What is known of a record.

use serde::{Deserialize, Serialize};

use crate::field::{Fault, Field, number, one_of, whole};

/// No image has more values, and no table more columns.
const MOST_FIELDS: usize = 1 << 24;

/// What is known of each record.
///
/// Canonical bytes: a table's columns one after another (numbers as 8 bytes of IEEE 754, whole numbers as 8 bytes of two's
/// complement, categories as their place in 4 bytes), an image's values a byte each, channel by channel and row by row;
/// text and tokens after their count in 4 bytes, a token in 4. All little-endian.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Features {
    /// Named columns.
    Table {
        /// In order.
        columns: Vec<Column>,
    },
    /// Whole numbers `[channels, height, width]` from 0.
    Image {
        /// Colours, or 1.
        channels: u32,
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// The largest value.
        largest: u8,
    },
    /// UTF-8.
    Text {
        /// Most bytes.
        longest: u32,
    },
    /// A sequence of tokens.
    Tokens {
        /// Tokens are below this.
        vocabulary: u32,
        /// Most tokens.
        longest: u32,
    },
}

/// A table's column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// What it is called.
    pub name: String,
    /// What stands in it.
    #[serde(flatten)]
    pub kind: ColumnKind,
}

/// What stands in a column. Nothing may be missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum ColumnKind {
    /// A finite number.
    Number {
        /// The least there may be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        least: Option<f64>,
        /// The most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<f64>,
    },
    /// A whole number.
    Whole {
        /// The least there may be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        least: Option<i64>,
        /// The most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<i64>,
    },
    /// One of some names.
    Category {
        /// All there are.
        names: Vec<String>,
    },
}

impl Features {
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Table { columns } => check_columns(columns),
            Self::Image { channels, height, width, largest } => {
                let values = [height, width].into_iter().try_fold(*channels as usize, |product, size| {
                    product.checked_mul(*size as usize).filter(|product| *product <= MOST_FIELDS)
                });
                match values {
                    Some(1..) if *largest > 0 => Ok(()),
                    _ => Err(format!("an image has 1 to {MOST_FIELDS} values, from 0 to a largest of 1 or more")),
                }
            }
            Self::Text { longest } | Self::Tokens { longest, vocabulary: 1.. } if *longest > 0 => Ok(()),
            Self::Text { .. } | Self::Tokens { .. } => Err("`longest` and `vocabulary` are 1 or more".to_owned()),
        }
    }

    pub(super) fn columns(&self) -> Vec<String> {
        match self {
            Self::Table { columns } => columns.iter().map(|column| column.name.clone()).collect(),
            Self::Image { .. } => (0..self.fields()).map(|place| format!("value{place}")).collect(),
            Self::Text { .. } => vec!["text".to_owned()],
            Self::Tokens { .. } => vec!["tokens".to_owned()],
        }
    }

    /// How many fields a file has for them.
    pub fn fields(&self) -> usize {
        match self {
            Self::Table { columns } => columns.len(),
            Self::Image { channels, height, width, .. } => *channels as usize * *height as usize * *width as usize,
            Self::Text { .. } | Self::Tokens { .. } => 1,
        }
    }

    /// Bytes to expect of a record.
    pub(super) fn usual_size(&self) -> usize {
        match self {
            Self::Table { columns } => columns.len() * 8,
            Self::Image { .. } => self.fields(),
            Self::Text { .. } | Self::Tokens { .. } => 64,
        }
    }

    pub(super) fn encode(&self, fields: &[Field<'_>], bytes: &mut Vec<u8>) -> Result<(), (usize, Fault)> {
        let at = |place: usize| move |fault: Fault| (place, fault);
        match self {
            Self::Table { columns } => {
                for (place, (column, field)) in columns.iter().zip(fields).enumerate() {
                    column.kind.encode(field, bytes).map_err(at(place))?;
                }
            }
            Self::Image { largest, .. } => {
                for (place, field) in fields.iter().enumerate() {
                    let value = whole(field, Some(0), Some(i64::from(*largest))).map_err(at(place))?;
                    bytes.push(u8::try_from(value).unwrap_or(*largest));
                }
            }
            Self::Text { longest } => {
                let Some(Field::Text(text)) = fields.first() else { return Err((0, Fault::NotText)) };
                fits(text.len(), *longest, bytes).map_err(at(0))?;
                bytes.extend_from_slice(text.as_bytes());
            }
            Self::Tokens { vocabulary, longest } => {
                let spelled: Vec<i64>;
                let tokens = match fields.first() {
                    Some(Field::Tokens(tokens)) => *tokens,
                    Some(Field::Text(text)) => {
                        let token = |word: &str| word.parse().map_err(|_| (0, Fault::not_whole(word)));
                        spelled = text.split_ascii_whitespace().map(token).collect::<Result<_, _>>()?;
                        &spelled
                    }
                    _ => return Err((0, Fault::NotTokens)),
                };
                fits(tokens.len(), *longest, bytes).map_err(at(0))?;
                for token in tokens {
                    let token =
                        whole(&Field::Whole(*token), Some(0), Some(i64::from(*vocabulary) - 1)).map_err(at(0))?;
                    bytes.extend_from_slice(&u32::try_from(token).unwrap_or_default().to_le_bytes());
                }
            }
        }
        Ok(())
    }

    pub(super) fn check_bytes(&self, rest: &mut &[u8]) -> Result<(), (usize, Fault)> {
        match self {
            Self::Table { columns } => {
                for (place, column) in columns.iter().enumerate() {
                    column.kind.check_bytes(rest).map_err(|fault| (place, fault))?;
                }
            }
            Self::Image { largest, .. } => {
                let values = take(rest, self.fields()).map_err(|fault| (0, fault))?;
                if let Some(place) = values.iter().position(|value| value > largest) {
                    let found = f64::from(values[place]).to_string();
                    return Err((place, Fault::Range { found, least: Some(0.0), most: Some(f64::from(*largest)) }));
                }
            }
            Self::Text { longest } => {
                let text = take_counted(rest, *longest, 1).map_err(|fault| (0, fault))?;
                std::str::from_utf8(text).map_err(|_| (0, Fault::NotText))?;
            }
            Self::Tokens { vocabulary, longest } => {
                let tokens = take_counted(rest, *longest, 4).map_err(|fault| (0, fault))?;
                if let Some(token) = four(tokens).find(|token| token >= vocabulary) {
                    let most = Some(f64::from(*vocabulary) - 1.0);
                    return Err((0, Fault::Range { found: token.to_string(), least: Some(0.0), most }));
                }
            }
        }
        Ok(())
    }

    pub(super) fn spell(&self, bytes: &[u8]) -> Vec<String> {
        let numbers = self.numbers(bytes);
        match self {
            Self::Table { columns } => {
                let spelled = columns.iter().zip(&numbers).map(|(column, number)| match &column.kind {
                    ColumnKind::Category { names } => names.get(*number as usize).cloned().unwrap_or_default(),
                    _ => number.to_string(),
                });
                spelled.collect()
            }
            Self::Tokens { .. } => vec![numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")],
            _ => numbers.iter().map(f64::to_string).collect(),
        }
    }

    pub(super) fn numbers(&self, bytes: &[u8]) -> Vec<f64> {
        match self {
            Self::Table { columns } => {
                let mut rest = bytes;
                columns.iter().map_while(|column| column.kind.number(&mut rest)).collect()
            }
            Self::Image { .. } => bytes.iter().take(self.fields()).map(|value| f64::from(*value)).collect(),
            Self::Text { .. } => Vec::new(),
            Self::Tokens { .. } => counted(bytes)
                .map(|_| bytes.get(4..4 + 4 * u32_at(bytes) as usize).unwrap_or_default())
                .map_or_else(Vec::new, |tokens| four(tokens).map(f64::from).collect()),
        }
    }
}

impl ColumnKind {
    fn encode(&self, field: &Field<'_>, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Number { least, most } => bytes.extend(number(field, *least, *most)?.to_le_bytes()),
            Self::Whole { least, most } => bytes.extend(whole(field, *least, *most)?.to_le_bytes()),
            Self::Category { names } => bytes.extend(one_of(field, names)?.to_le_bytes()),
        }
        Ok(())
    }

    fn check_bytes(&self, rest: &mut &[u8]) -> Result<(), Fault> {
        match self {
            Self::Number { least, most } => {
                let value = f64::from_le_bytes(eight(take(rest, 8)?));
                // One spelling of zero.
                let canonical = number(&Field::Number(value), *least, *most)?;
                if canonical.to_bits() == value.to_bits() { Ok(()) } else { Err(Fault::Bytes) }
            }
            Self::Whole { least, most } => {
                whole(&Field::Whole(i64::from_le_bytes(eight(take(rest, 8)?))), *least, *most).map(|_| ())
            }
            Self::Category { names } => {
                let place = u32_at(take(rest, 4)?);
                if (place as usize) < names.len() { Ok(()) } else { Err(Fault::Bytes) }
            }
        }
    }

    fn number(&self, rest: &mut &[u8]) -> Option<f64> {
        Some(match self {
            Self::Number { .. } => f64::from_le_bytes(eight(take(rest, 8).ok()?)),
            Self::Whole { .. } => i64::from_le_bytes(eight(take(rest, 8).ok()?)) as f64,
            Self::Category { .. } => f64::from(u32_at(take(rest, 4).ok()?)),
        })
    }
}

fn check_columns(columns: &[Column]) -> Result<(), String> {
    if columns.is_empty() || columns.len() > MOST_FIELDS {
        return Err("a table needs columns".to_owned());
    }
    let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("two columns are called `{}`: rename one", twice[0]));
    }
    for Column { name, kind } in columns {
        let fits = match kind {
            ColumnKind::Number { least, most } => {
                [least, most].into_iter().flatten().all(|bound| bound.is_finite())
                    && least.zip(*most).is_none_or(|(least, most)| least <= most)
            }
            ColumnKind::Whole { least, most } => least.zip(*most).is_none_or(|(least, most)| least <= most),
            ColumnKind::Category { names } => super::label::distinct(names),
        };
        if name.trim() != name || name.is_empty() || !fits {
            return Err(format!("the column `{name}` makes no sense: check its name, its bounds or its names"));
        }
    }
    Ok(())
}

/// Notes how much there is, if it is not too much.
fn fits(count: usize, longest: u32, bytes: &mut Vec<u8>) -> Result<(), Fault> {
    match u32::try_from(count) {
        Ok(0) => Err(Fault::Missing),
        Ok(fitting) if fitting <= longest => {
            bytes.extend_from_slice(&fitting.to_le_bytes());
            Ok(())
        }
        _ => Err(Fault::TooLong { found: count, longest }),
    }
}

pub(super) fn take<'b>(rest: &mut &'b [u8], count: usize) -> Result<&'b [u8], Fault> {
    let (taken, left) = rest.split_at_checked(count).ok_or(Fault::Bytes)?;
    *rest = left;
    Ok(taken)
}

fn take_counted<'b>(rest: &mut &'b [u8], longest: u32, size: usize) -> Result<&'b [u8], Fault> {
    let count = u32_at(take(rest, 4)?);
    if count == 0 || count > longest {
        return Err(Fault::TooLong { found: count as usize, longest });
    }
    take(rest, count as usize * size)
}

/// The bytes after a count.
pub(super) fn counted(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(4..)?.get(..u32_at(bytes) as usize)
}

fn u32_at(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn eight(bytes: &[u8]) -> [u8; 8] {
    bytes.first_chunk().copied().unwrap_or_default()
}

fn four(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks_exact(4).map(u32_at)
}
