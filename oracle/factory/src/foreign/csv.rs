//! Records, owners and suppliers as text: one a line, numbers separated by commas, no headings.

use std::{fs, io, path::Path};

use ndarray::{Array2, ArrayD};
use tributary_attribution::{Column, Labels, Records, graph::Element};
use tributary_sdk::{Address, B256, keccak256};

use super::{
    ForeignError,
    form::{InputForm, LabelForm, RecordForm},
};

/// A file that was read, and what it was.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// What it says.
    pub content: T,
    /// keccak-256 of its bytes.
    pub hash: B256,
}

/// Records of a file.
///
/// # Errors
/// [`ForeignError::File`], and as [`parse`].
pub fn records(path: &Path, form: &RecordForm) -> Result<Read<Records>, ForeignError> {
    let Read { content, hash } = text(path)?;
    Ok(Read { content: parse(&name(path), &content, form)?, hash })
}

/// One account a line, as many as there are records.
///
/// # Errors
/// [`ForeignError::File`], [`ForeignError::Account`], [`ForeignError::Count`].
pub fn owners(path: &Path, records: usize) -> Result<Read<Vec<Address>>, ForeignError> {
    accounts(path, records, "an address of 0x and 40 hexadecimal digits", |field| field.parse().ok())
}

/// One account a line, or `-` for a record that no contributor supplied.
///
/// # Errors
/// As [`owners`].
pub fn suppliers(path: &Path, records: usize) -> Result<Read<Vec<Option<Address>>>, ForeignError> {
    accounts(path, records, "an address, or - for nobody", |field| match field {
        "-" => Some(None),
        _ => field.parse().ok().map(Some),
    })
}

/// Records of a text; `file` is what errors call it.
///
/// # Errors
/// [`ForeignError::Empty`], [`ForeignError::Width`], [`ForeignError::Number`]; the first fault in the text.
pub fn parse(file: &str, text: &str, form: &RecordForm) -> Result<Records, ForeignError> {
    let mut inputs: Vec<Numbers> = form.inputs.iter().map(|input| Numbers::new(input.element)).collect();
    let mut labels = match form.label {
        LabelForm::None | LabelForm::Class | LabelForm::Tokens(_) => Numbers::new(Element::I64),
        LabelForm::Value | LabelForm::Several(_) => Numbers::new(Element::F32),
    };
    let mut count = 0;
    for (line, text) in (1..).zip(text.lines()) {
        let found = text.split(',').count();
        if found != form.width() {
            let (inputs, labels) = (form.inputs_width(), form.label.width());
            return Err(ForeignError::Width { file: file.to_owned(), line, found, inputs, labels });
        }
        let mut fields = (1..).zip(text.split(',').map(str::trim));
        let wrong = |field, found: &str, needs| ForeignError::Number {
            file: file.to_owned(),
            line,
            field,
            found: found.chars().take(20).collect(),
            needs,
        };
        for (input, numbers) in form.inputs.iter().zip(&mut inputs) {
            for (field, found) in fields.by_ref().take(input.width()) {
                numbers.push(found).map_err(|needs| wrong(field, found, needs))?;
            }
        }
        for (field, found) in fields {
            labels.push(found).map_err(|needs| wrong(field, found, needs))?;
            let is_class = form.label != LabelForm::Class || !found.starts_with('-');
            if !is_class {
                return Err(wrong(field, found, "a class: a whole number from 0"));
            }
        }
        count += 1;
    }
    if count == 0 {
        return Err(ForeignError::Empty { file: file.to_owned() });
    }
    let columns = form.inputs.iter().zip(inputs).filter_map(|(input, numbers)| numbers.column(count, input));
    Ok(Records::new(columns.collect(), labels.labels(count, form.label))?)
}

fn accounts<T>(
    path: &Path,
    records: usize,
    needs: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Read<Vec<T>>, ForeignError> {
    let Read { content, hash } = text(path)?;
    let account = |(line, found): (usize, &str)| {
        let found = found.trim();
        let account = read(found);
        account.ok_or_else(|| ForeignError::Account {
            file: name(path),
            line,
            found: found.chars().take(50).collect(),
            needs,
        })
    };
    let content = (1..).zip(content.lines()).map(account).collect::<Result<Vec<_>, _>>()?;
    match content.len() {
        found if found == records => Ok(Read { content, hash }),
        found => Err(ForeignError::Count { file: name(path), found, records }),
    }
}

fn text(path: &Path) -> Result<Read<String>, ForeignError> {
    let file = |source| ForeignError::File { path: path.to_owned(), source };
    let bytes = fs::read(path).map_err(file)?;
    let hash = keccak256(&bytes);
    let content = String::from_utf8(bytes).map_err(|error| file(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(Read { content, hash })
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

/// Numbers of all records, one after another.
enum Numbers {
    F32(Vec<f32>),
    I64(Vec<i64>),
}

impl Numbers {
    fn new(element: Element) -> Self {
        if element == Element::I64 { Self::I64(Vec::new()) } else { Self::F32(Vec::new()) }
    }

    /// What it should have been, if it is not.
    fn push(&mut self, field: &str) -> Result<(), &'static str> {
        match self {
            Self::F32(numbers) => {
                let number = field.parse::<f32>().ok().filter(|number| number.is_finite());
                numbers.push(number.ok_or("a finite number")?);
            }
            Self::I64(numbers) => numbers.push(field.parse().map_err(|_| "a whole number")?),
        }
        Ok(())
    }

    fn column(self, count: usize, input: &InputForm) -> Option<(String, Column)> {
        let dims = [&[count], input.sizes.as_slice()].concat();
        let column = match self {
            Self::F32(numbers) => Column::F32(ArrayD::from_shape_vec(dims, numbers).ok()?),
            Self::I64(numbers) => Column::I64(ArrayD::from_shape_vec(dims, numbers).ok()?),
        };
        Some((input.name.clone(), column))
    }

    fn labels(self, count: usize, form: LabelForm) -> Labels {
        let width = form.width();
        match (self, form) {
            (Self::F32(numbers), LabelForm::Several(_)) => {
                Labels::Several(Array2::from_shape_vec((count, width), numbers).unwrap_or_default())
            }
            (Self::F32(numbers), _) => Labels::Values(numbers),
            (Self::I64(numbers), LabelForm::Tokens(_)) => {
                Labels::Tokens(Array2::from_shape_vec((count, width), numbers).unwrap_or_default())
            }
            // Of what is only asked about, nobody reads the class.
            (Self::I64(_), LabelForm::None) => Labels::Classes(vec![0; count]),
            (Self::I64(numbers), _) => {
                Labels::Classes(numbers.into_iter().map(|class| usize::try_from(class).unwrap_or_default()).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(label: LabelForm) -> RecordForm {
        let input =
            |name: &str, element, sizes: &[usize]| InputForm { name: name.into(), element, sizes: sizes.into() };
        RecordForm { inputs: vec![input("x", Element::F32, &[1, 2]), input("t", Element::I64, &[1])], label }
    }

    #[test]
    fn a_line_is_the_inputs_one_after_another_and_then_the_label() {
        let records = parse("a", "0.5,-2,7,1\r\n 3 ,4e-1,-1,0\r\n", &form(LabelForm::Class)).unwrap();
        assert_eq!(records.labels(), &Labels::Classes(vec![1, 0]));
        let [(_, Column::F32(x)), (_, Column::I64(t))] = records.inputs() else { panic!("two inputs") };
        assert_eq!((x.shape(), x.as_slice().unwrap()), (&[2, 1, 2][..], &[0.5, -2.0, 3.0, 0.4][..]));
        assert_eq!((t.shape(), t.as_slice().unwrap()), (&[2, 1][..], &[7, -1][..]));

        let labels = |text, label| parse("a", text, &form(label)).unwrap().labels().clone();
        assert_eq!(labels("1,2,3,0.25", LabelForm::Value), Labels::Values(vec![0.25]));
        assert_eq!(labels("1,2,3,1,0", LabelForm::Several(2)), Labels::Several(ndarray::array![[1.0, 0.0]]));
        assert_eq!(labels("1,2,3,5,-1", LabelForm::Tokens(2)), Labels::Tokens(ndarray::array![[5, -1]]));
        assert_eq!(labels("1,2,3", LabelForm::None), Labels::Classes(vec![0]));
    }

    #[test]
    fn every_fault_names_its_line_and_field() {
        let fault = |text: &str| parse("a.csv", text, &form(LabelForm::Class)).unwrap_err().to_string();
        assert_eq!(fault(""), "a.csv is empty: give one record a line");
        let wide = "a.csv, line 2: 3 numbers, 3 for the model's inputs and 1 for the label are needed";
        assert_eq!(fault("1,2,3,0\n1,2,3"), wide);
        assert!(fault("x,y,t,label\n").starts_with("a.csv, line 1, field 1: `x` is not a finite number"));
        assert!(fault("1,NaN,3,0").starts_with("a.csv, line 1, field 2: `NaN` is not a finite number"));
        assert!(fault("1,1e99,3,0").contains("field 2"), "too large for f32");
        assert!(fault("1,2,0.5,0").contains("field 3: `0.5` is not a whole number"));
        assert!(fault("1,2,3,1.5").contains("field 4: `1.5` is not a whole number"));
        assert!(fault("1,2,3,-1").contains("field 4: `-1` is not a class"));
    }

    #[test]
    fn accounts_are_counted_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("owners.csv");
        let one = Address::repeat_byte(1);
        fs::write(&path, format!("{one}\n-\n")).unwrap();
        assert_eq!(suppliers(&path, 2).unwrap().content, [Some(one), None]);
        assert!(owners(&path, 2).unwrap_err().to_string().contains("line 2: `-` is no account: write an address"));
        fs::write(&path, format!("{one}\n")).unwrap();
        let refused = owners(&path, 2).unwrap_err().to_string();
        assert!(refused.contains("names 1 accounts for 2 records"), "{refused}");
        assert!(owners(&folder.path().join("nowhere.csv"), 1).is_err());
    }
}
