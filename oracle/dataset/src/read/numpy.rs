//! NumPy arrays, alone or in an archive. Nothing is unpacked to disk: members are looked up by name and read as they
//! inflate.

mod array;
mod header;

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use zip::{ZipArchive, result::ZipError};

use super::{
    fault::{FileFault, RowFault},
    rows::{Rows, Stop},
};
use crate::{
    Record, Schema,
    field::{Field, FieldFault, short, whole},
    schema::{Features, Label},
};
use array::{Array, Broken};

/// The label's array.
const LABEL: &str = "label";

/// More members than any archive of ours has: others need not be listed.
const MOST_MEMBERS: usize = 64;

pub(super) fn read(path: &Path, mut file: File, rows: &mut Rows<'_>) -> Result<(), Stop> {
    if matches!(rows.schema.features, Features::Text { .. }) {
        return Err(FileFault::ArrayText.into());
    }
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    if magic == b"PK" {
        return archive(path, file, rows);
    }
    let size = file.metadata()?.len();
    let array = Array::open("the file".to_owned(), size, Box::new(BufReader::new(file)), rows.schema, columns)?;
    read_rows(&mut [array], rows)
}

/// Two readers, as the archive's members are read side by side.
fn archive(path: &Path, file: File, rows: &mut Rows<'_>) -> Result<(), Stop> {
    let mut first = open(file)?;
    let mut second = open(File::open(path)?)?;
    let has_label = rows.schema.label != Label::None;
    let name = features_name(&first, rows.schema, has_label)?;
    let mut arrays = vec![member(&mut first, &name, rows.schema, features)?];
    if has_label {
        arrays.push(member(&mut second, LABEL, rows.schema, label)?);
    }
    read_rows(&mut arrays, rows)
}

fn open(file: File) -> Result<ZipArchive<BufReader<File>>, Stop> {
    ZipArchive::new(BufReader::new(file)).map_err(broken)
}

fn broken(error: ZipError) -> Stop {
    match error {
        ZipError::Io(error) => Broken::of(error).in_file(),
        other => FileFault::Archive { says: other.to_string() }.into(),
    }
}

/// What the archive calls the features. It has them, the label and nothing else.
fn features_name(archive: &ZipArchive<BufReader<File>>, schema: &Schema, has_label: bool) -> Result<String, Stop> {
    let other = match schema.features {
        Features::Image { .. } => Some("image"),
        Features::Tokens { .. } => Some("tokens"),
        Features::Table { .. } | Features::Text { .. } => None,
    };
    let mut found = Vec::new();
    for member in archive.file_names_raw().take(MOST_MEMBERS) {
        let member = String::from_utf8_lossy(member);
        if member.contains(['/', '\\', ':', '\0']) || member.contains("..") {
            return Err(FileFault::MemberPath { member: short(&member) }.into());
        }
        found.push(npyz::npz::array_name_from_file_name(&member).unwrap_or(&member).to_owned());
    }
    let is_features = |name: &&String| *name == "features" || other == Some(name.as_str());
    let features: Vec<&String> = found.iter().filter(is_features).collect();
    let others: Vec<&String> = found.iter().filter(|name| !is_features(name)).collect();
    match (features.as_slice(), others.as_slice(), has_label) {
        ([features], [], false) => Ok((*features).clone()),
        ([features], [label], true) if *label == LABEL => Ok((*features).clone()),
        _ => {
            let either = other.map_or_else(String::new, |other| format!(" (or `{other}`)"));
            let label = if has_label { " and `label`" } else { "" };
            Err(FileFault::Members { wanted: format!("`features`{either}{label} alone"), found }.into())
        }
    }
}

fn member<'a>(
    archive: &'a mut ZipArchive<BufReader<File>>,
    name: &str,
    schema: &Schema,
    fits: fn(&Schema, &[u64]) -> Result<usize, String>,
) -> Result<Array<'a>, Stop> {
    let member = archive.by_name(&npyz::npz::file_name_from_array_name(name)).map_err(broken)?;
    let size = member.size();
    Array::open(format!("the array `{name}`"), size, Box::new(BufReader::new(member)), schema, fits)
}

/// Gives on a record of each row of the arrays, which have as many.
fn read_rows(arrays: &mut [Array<'_>], rows: &mut Rows<'_>) -> Result<(), Stop> {
    let count = arrays.first().map_or(0, |first| first.rows);
    if let Some(other) = arrays.iter().find(|array| array.rows != count) {
        let (array, found) = (other.name.clone(), vec![other.rows]);
        return Err(FileFault::ArrayShape { array, found, wanted: format!("a label for each of {count} rows") }.into());
    }
    let mut fields = Vec::new();
    for _ in 0..count {
        fields.clear();
        for array in &mut *arrays {
            match array.row(&mut fields) {
                Ok(()) => (),
                Err(Broken::CutOff) => return Err(rows.last(None, RowFault::CutOff)),
                Err(broken) => return Err(broken.in_file()),
            }
        }
        rows.push(None, record(rows.schema, &fields))?;
    }
    arrays.iter_mut().try_for_each(Array::end)
}

fn record(schema: &Schema, values: &[Field<'static>]) -> Result<Record, RowFault> {
    if !matches!(schema.features, Features::Tokens { .. }) {
        return Ok(schema.record(values)?);
    }
    let (tokens, label) = values.split_at(values.len() - usize::from(schema.label != Label::None));
    let tokens: Vec<i64> = tokens
        .iter()
        .map(|token| whole(token, None, None))
        .collect::<Result<_, _>>()
        .map_err(|fault| FieldFault { field: schema.columns().into_iter().next(), fault })?;
    let fields: Vec<Field<'_>> = std::iter::once(Field::Tokens(&tokens)).chain(label.iter().copied()).collect();
    Ok(schema.record(&fields)?)
}

/// How many values a row of features has in an array of this shape, or which shapes would do.
fn features(schema: &Schema, shape: &[u64]) -> Result<usize, String> {
    let fields = schema.features.fields();
    let (fits, wanted) = match (&schema.features, shape) {
        (Features::Image { channels, height, width, .. }, [_, row @ ..]) => {
            let [channels, height, width] = [channels, height, width].map(|size| u64::from(*size));
            let is_image = row == [channels, height, width] || row == [fields as u64];
            let is_plane = channels == 1 && row == [height, width];
            (is_image || is_plane, format!("[rows, {channels}, {height}, {width}] or [rows, {fields}]"))
        }
        (Features::Tokens { longest, .. }, [_, row @ ..]) => {
            if let [tokens] = row
                && (1..=u64::from(*longest)).contains(tokens)
            {
                return usize::try_from(*tokens).map_err(|error| error.to_string());
            }
            (false, format!("[rows, tokens] with 1 to {longest} tokens"))
        }
        (_, [_, row @ ..]) => {
            let is_one = fields == 1 && row.is_empty();
            (is_one || row == [fields as u64], format!("[rows, {fields}]"))
        }
        (_, []) => (false, format!("[rows, {fields}]")),
    };
    if fits { Ok(fields) } else { Err(wanted) }
}

/// The same of labels.
fn label(_: &Schema, shape: &[u64]) -> Result<usize, String> {
    if matches!(shape, [_] | [_, 1]) { Ok(1) } else { Err("[rows]".to_owned()) }
}

/// The same of features and label in one array.
fn columns(schema: &Schema, shape: &[u64]) -> Result<usize, String> {
    let labels = usize::from(schema.label != Label::None);
    if let Features::Tokens { longest, .. } = schema.features {
        let most = u64::from(longest) + labels as u64;
        return match shape {
            [_, columns] if *columns > labels as u64 && *columns <= most => {
                usize::try_from(*columns).map_err(|error| error.to_string())
            }
            _ => Err(format!("[rows, columns] with {} to {most} columns", labels + 1)),
        };
    }
    let fields = schema.features.fields() + labels;
    if matches!(shape, [_, columns] if *columns == fields as u64) {
        Ok(fields)
    } else {
        Err(format!("[rows, {fields}]"))
    }
}
