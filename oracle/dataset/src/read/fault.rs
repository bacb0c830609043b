//! What can be wrong with a file and its rows.

use crate::field::{FieldFault, short, short_list};

/// What is wrong with a row of a file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RowFault {
    /// A field is not as the schema says, or their number is not.
    #[error(transparent)]
    Field(#[from] FieldFault),
    /// No UTF-8.
    #[error("{}byte {at} is {byte:#04x}, which is not UTF-8: save the file as UTF-8", named(.field))]
    Encoding {
        /// The field's name; none if it is the line as a whole.
        field: Option<String>,
        /// Which byte of the field or the line, from 1.
        at: usize,
        /// The byte.
        byte: u8,
    },
    /// Longer than a row of the schema can be.
    #[error("longer than the {most} bytes that a row of this schema can have: check line ends and quotes")]
    TooLong {
        /// The most bytes.
        most: usize,
    },
    /// A quote that no other closes before the file ends.
    #[error("a quote is opened and never closed: close it, or copy the file anew if it was cut off")]
    OpenQuote,
    /// No JSON.
    #[error("no JSON object, from column {column} on: {says}")]
    Json {
        /// Where on the line, from 1.
        column: usize,
        /// What the parser says.
        says: String,
    },
    /// A key that the schema lacks.
    #[error("the key `{key}` is none of the schema's columns: rename or remove it")]
    UnknownKey {
        /// The key, shortened.
        key: String,
    },
    /// A field is given more than once.
    #[error("`{field}`: given more than once")]
    Twice {
        /// The field's name.
        field: String,
    },
    /// What stands in a field is of no kind that is read.
    #[error(
        "`{field}`: {found} stands there, and is not read: give a number or text, or a list where there are several"
    )]
    Kind {
        /// The field's name.
        field: String,
        /// What it is.
        found: &'static str,
    },
    /// A list has another shape than an image.
    #[error("`image`: its lists have another shape than the schema's image: {wanted} is needed")]
    Shape {
        /// The shapes that would do.
        wanted: String,
    },
    /// The file ends before the row does.
    #[error("the file ends within it: copy the file anew")]
    CutOff,
}

/// What is wrong with a file as a whole.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FileFault {
    /// Text in another encoding.
    #[error("it is {encoding}: save it as UTF-8")]
    Encoding {
        /// Which.
        encoding: &'static str,
    },
    /// A header, keys or columns that are not the schema's.
    #[error("its columns are not the schema's{}{}{}", listed("missing", .missing), listed("unknown", .unknown), listed("given more than once", .twice))]
    Columns {
        /// The schema's that it lacks.
        missing: Vec<String>,
        /// Those that the schema lacks.
        unknown: Vec<String>,
        /// Those that it has more than once.
        twice: Vec<String>,
    },
    /// No NumPy array where one should be.
    #[error("{array} is no NumPy array with a header that is read: save it with `numpy.save` or `numpy.savez`")]
    NoArray {
        /// Which array.
        array: String,
    },
    /// An array of Python objects, of structures or of another type that is not read.
    #[error("{array} has values of type `{found}`: save it as whole numbers or floats, such as `int64` or `float64`")]
    ArrayType {
        /// Which array.
        array: String,
        /// Its type, as NumPy spells it.
        found: String,
    },
    /// An array whose first index runs fastest.
    #[error("{array} is in Fortran order: save `numpy.ascontiguousarray(…)` of it")]
    ArrayOrder {
        /// Which array.
        array: String,
    },
    /// An array of another shape.
    #[error("{array} has the shape {found:?}: {wanted} is needed")]
    ArrayShape {
        /// Which array.
        array: String,
        /// Its shape.
        found: Vec<u64>,
        /// The shapes that would do.
        wanted: String,
    },
    /// More or fewer bytes than an array's shape needs.
    #[error("{array} has {found} bytes, and by its shape {wanted}: save or copy it anew")]
    ArraySize {
        /// Which array.
        array: String,
        /// Bytes there are.
        found: u64,
        /// Bytes by its header.
        wanted: u128,
    },
    /// Text, which NumPy arrays do not hold.
    #[error("text is not read from NumPy arrays: give .csv, .jsonl or .parquet")]
    ArrayText,
    /// An archive that does not open or is not intact.
    #[error("the archive is broken: {says}: save or copy it anew")]
    Archive {
        /// What is wrong.
        says: String,
    },
    /// An archive whose members are more than plain names.
    #[error("the archive's member `{member}` has a path in its name: save plain arrays with `numpy.savez`")]
    MemberPath {
        /// Its name, shortened.
        member: String,
    },
    /// Other arrays than the schema's.
    #[error("the archive needs the arrays {wanted}, and has {}", or_none(.found))]
    Members {
        /// What it needs.
        wanted: String,
        /// What it has.
        found: Vec<String>,
    },
    /// No Parquet, or of a kind that is not read.
    #[error("as Parquet it does not read: {says}: write or copy it anew, uncompressed or with Snappy")]
    Parquet {
        /// What the parser says.
        says: String,
    },
    /// This program reads no Parquet.
    #[error("this build reads no Parquet: build it with `--features parquet`, or give another kind of file")]
    WithoutParquet,
}

/// A row of a file that is not as the schema says.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultyRow {
    /// Which, from 1.
    pub row: usize,
    /// The line it begins on, from 1, where the file has lines.
    pub line: Option<u64>,
    /// What is wrong.
    pub fault: RowFault,
}

impl std::fmt::Display for FaultyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "row {} on line {line}: {}", self.row, self.fault),
            None => write!(f, "row {}: {}", self.row, self.fault),
        }
    }
}

/// All rows of a file that are not as the schema says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultyRows {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub first: Vec<FaultyRow>,
    /// Whether the file may have more, as it was not read to its end.
    pub stopped: bool,
}

impl std::fmt::Display for FaultyRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows = if self.count == 1 { "row is" } else { "rows are" };
        write!(f, "{} {rows} not as the schema says; correct the file and give it again", self.count)?;
        for row in &self.first {
            write!(f, "\n{row}")?;
        }
        match self.count.saturating_sub(self.first.len()) {
            0 => (),
            more => write!(f, "\n… and {more} more")?,
        }
        if self.stopped { write!(f, "\nthe file was read no further") } else { Ok(()) }
    }
}

fn named(field: &Option<String>) -> String {
    field.as_ref().map_or_else(String::new, |name| format!("`{}`: ", short(name)))
}

fn listed(what: &str, names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; {what}: {}", short_list(names)) }
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { short_list(names) }
}
