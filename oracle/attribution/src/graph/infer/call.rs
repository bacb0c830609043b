use crate::graph::{Attribute, Dim, Element, Known, Node, Shape, Size};

/// The longest list of integers that is computed before the model runs.
pub(super) const FOLD_LIMIT: usize = 1_024;
/// More dimensions than any runtime takes.
const RANK_LIMIT: usize = 32;
/// No dimension and no value is larger; products of two sizes stay far below what `usize` holds.
const SIZE_LIMIT: usize = 1 << 40;

/// Why an operator's outputs are not known.
#[derive(Debug)]
pub(super) enum Trouble {
    /// They cannot be told from here; the file may declare them.
    Unknown,
    /// They cannot be right.
    Refused(String),
}

/// What is known of an operator's outputs, in their order.
pub(super) type Made = Result<Vec<Known>, Trouble>;

pub(super) fn refused<T>(reason: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Refused(reason.into()))
}

/// One operator and what is known of its inputs.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) node: &'a Node,
    inputs: Vec<Option<&'a Known>>,
}

impl<'a> Call<'a> {
    pub(super) fn new(node: &'a Node, inputs: Vec<Option<&'a Known>>) -> Self {
        Self { node, inputs }
    }

    /// An input the operator cannot do without.
    pub(super) fn input(&self, place: usize) -> Result<&'a Known, Trouble> {
        match self.optional(place) {
            Some(known) => Ok(known),
            None => refused(format!("input {place} is left out: export the model again")),
        }
    }

    pub(super) fn optional(&self, place: usize) -> Option<&'a Known> {
        self.inputs.get(place).copied().flatten()
    }

    /// All inputs that are there.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &'a Known> + '_ {
        self.inputs.iter().copied().flatten()
    }

    /// An input of real numbers.
    pub(super) fn real(&self, place: usize) -> Result<&'a Known, Trouble> {
        let known = self.input(place)?;
        if !matches!(known.element, Element::F32 | Element::F64) {
            return refused(format!(
                "input {place} is {}, real numbers belong there: export the model again",
                known.element
            ));
        }
        Ok(known)
    }

    /// An input of integers.
    pub(super) fn indices(&self, place: usize) -> Result<&'a Known, Trouble> {
        let known = self.input(place)?;
        if !matches!(known.element, Element::I64 | Element::I32) {
            return refused(format!(
                "input {place} is {}, integers belong there: export the model again",
                known.element
            ));
        }
        Ok(known)
    }

    /// Refuses inputs of different types.
    pub(super) fn same_elements(&self, known: &[&Known]) -> Result<Element, Trouble> {
        let mut elements = known.iter().map(|known| known.element);
        let Some(first) = elements.next() else { return refused("it has no inputs: export the model again") };
        match elements.find(|element| *element != first) {
            Some(other) => refused(format!("it takes {first} and {other} together: export the model again")),
            None => Ok(first),
        }
    }

    /// Integers in terms of the batch, if they follow from constants and its size.
    pub(super) fn sizes(&self, place: usize) -> Option<Vec<Size>> {
        sizes(self.optional(place)?)
    }

    /// As [`Call::sizes`] where nothing follows without them.
    pub(super) fn needed_sizes(&self, place: usize) -> Result<Vec<Size>, Trouble> {
        self.indices(place)?;
        self.sizes(place).ok_or(Trouble::Unknown)
    }

    /// Constant integers; nothing follows without them.
    pub(super) fn integers(&self, place: usize) -> Result<Vec<i64>, Trouble> {
        let sizes = self.needed_sizes(place)?;
        sizes.into_iter().map(Size::to_fixed).collect::<Option<_>>().ok_or(Trouble::Unknown)
    }

    pub(super) fn optional_integers(&self, place: usize) -> Result<Option<Vec<i64>>, Trouble> {
        self.optional(place).map(|_| self.integers(place)).transpose()
    }

    /// A value made from the inputs: its rows go through the batch as theirs do.
    pub(super) fn make(&self, element: Element, shape: Shape) -> Result<Known, Trouble> {
        let rounds = if shape.batch_axis().is_some() { common_rounds(self.inputs())? } else { 1 };
        Ok(Known { rounds, ..Known::of(element, shape) })
    }

    /// Refuses settings of another kind than ONNX gives them.
    pub(super) fn check_attributes(&self) -> Result<(), Trouble> {
        for (name, value) in &self.node.attributes {
            let fits = match name.as_str() {
                "axis"
                | "keepdims"
                | "to"
                | "group"
                | "transA"
                | "transB"
                | "ceil_mode"
                | "count_include_pad"
                | "storage_order"
                | "num_outputs"
                | "exclusive"
                | "reverse"
                | "upper"
                | "select_last_index"
                | "noop_with_empty_axes"
                | "allowzero"
                | "training_mode"
                | "largest"
                | "sorted"
                | "start"
                | "end"
                | "value_int"
                | "fmod"
                | "saturate"
                | "stash_type"
                | "batch_dims" => matches!(value, Attribute::Int(_)),
                "epsilon" | "alpha" | "beta" | "gamma" | "momentum" | "value_float" => {
                    matches!(value, Attribute::Float(_))
                }
                "perm" | "pads" | "strides" | "dilations" | "kernel_shape" | "output_shape" | "output_padding"
                | "value_ints" => matches!(value, Attribute::Ints(_)),
                "auto_pad" | "mode" | "approximate" | "equation" => matches!(value, Attribute::String(_)),
                _ => true,
            };
            if !fits {
                return refused(format!("setting `{name}` has the wrong type: export the model again"));
            }
        }
        Ok(())
    }
}

/// The integers of a small value in terms of the batch.
pub(super) fn sizes(known: &Known) -> Option<Vec<Size>> {
    if let Some(sizes) = &known.sizes {
        return Some(sizes.clone());
    }
    let tensor = known.value.as_ref().filter(|tensor| tensor.len() <= FOLD_LIMIT)?;
    match tensor.data() {
        crate::graph::Data::Bool(values) => Some(values.iter().map(|value| Size::fixed((*value).into())).collect()),
        _ => Some(tensor.to_integers()?.into_iter().map(Size::fixed).collect()),
    }
}

/// How the inputs' rows go through the batch; they must agree.
pub(super) fn common_rounds<'a>(inputs: impl Iterator<Item = &'a Known>) -> Result<usize, Trouble> {
    let mut rounds = inputs.filter(|known| known.shape.batch_axis().is_some()).map(|known| known.rounds);
    let Some(first) = rounds.next() else { return Ok(1) };
    if rounds.all(|other| other == first) {
        Ok(first)
    } else {
        refused("it pairs rows of different records: merge the batch with the dimensions after it only")
    }
}

/// A place among `rank` dimensions, counted from the end where negative.
pub(super) fn axis(value: i64, rank: usize) -> Result<usize, Trouble> {
    let from = if value < 0 { value.checked_add_unsigned(rank as u64) } else { Some(value) };
    match from.and_then(|place| usize::try_from(place).ok()).filter(|place| *place < rank) {
        Some(place) => Ok(place),
        None => refused(format!("axis {value} is not among {rank} dimensions: export the model again")),
    }
}

/// Several places among `rank` dimensions, each once, in order.
pub(super) fn axes(values: &[i64], rank: usize) -> Result<Vec<usize>, Trouble> {
    let mut places = values.iter().map(|value| axis(*value, rank)).collect::<Result<Vec<_>, _>>()?;
    places.sort_unstable();
    if places.windows(2).any(|pair| pair.first() == pair.last()) {
        return refused("an axis is given twice: export the model again");
    }
    Ok(places)
}

/// The product of sizes, which hostile files may choose.
pub(super) fn product(sizes: impl IntoIterator<Item = usize>) -> Result<usize, Trouble> {
    let product = sizes.into_iter().try_fold(1usize, |product, size| product.checked_mul(size));
    match product.filter(|product| *product <= SIZE_LIMIT) {
        Some(product) => Ok(product),
        None => refused("a value would be absurdly large: export the model again"),
    }
}

/// How many numbers of a record, or in all, stand in these dimensions.
pub(super) fn numbers(dims: &[Dim]) -> Result<usize, Trouble> {
    product(dims.iter().map(|dim| match dim {
        Dim::Fixed(size) | Dim::Batch(size) => *size,
    }))
}

/// A dimension from a number; the batch may be in it as a factor alone.
pub(super) fn dim(size: Size) -> Result<Dim, Trouble> {
    let dim = match size {
        Size { fixed, batch: 0 } => usize::try_from(fixed).ok().map(Dim::Fixed),
        Size { fixed: 0, batch } => usize::try_from(batch).ok().map(Dim::Batch),
        _ => return Err(Trouble::Unknown),
    };
    match dim {
        Some(dim) => Ok(dim),
        None => refused(format!("a dimension would be {size}: export the model again")),
    }
}

/// What every made value must keep to.
pub(super) fn check(known: &mut Known) -> Result<(), Trouble> {
    let dims = &known.shape.0;
    if dims.len() > RANK_LIMIT {
        return refused(format!("a value would have {} dimensions: export the model again", dims.len()));
    }
    numbers(dims)?;
    if dims.iter().filter(|dim| matches!(dim, Dim::Batch(_))).count() > 1 {
        return refused(
            "it compares the records of a batch with each other: only models whose records are independent are attributed",
        );
    }
    Ok(())
}

/// Dimensions of inputs spread over each other, aligned at the last.
pub(super) fn broadcast(inputs: &[&Known]) -> Result<Shape, Trouble> {
    spread(&inputs.iter().map(|known| known.shape.0.as_slice()).collect::<Vec<_>>())
}

/// As [`broadcast`], of dimensions alone.
pub(super) fn spread(shapes: &[&[Dim]]) -> Result<Shape, Trouble> {
    let rank = shapes.iter().map(|dims| dims.len()).max().unwrap_or_default();
    let mut dims = vec![Dim::Fixed(1); rank];
    for shape in shapes {
        for (dim, other) in dims.iter_mut().rev().zip(shape.iter().rev()) {
            match (*dim, *other) {
                (_, Dim::Fixed(1)) => {}
                (Dim::Fixed(1), _) => *dim = *other,
                (one, other) if one == other => {}
                (one, other) => return refused(mismatch(one, other)),
            }
        }
    }
    Ok(Shape(dims))
}

/// Why two dimensions do not go together.
pub(super) fn mismatch(one: Dim, other: Dim) -> String {
    let advice = if matches!((one, other), (Dim::Batch(_), _) | (_, Dim::Batch(_))) {
        "export with a dynamic batch"
    } else {
        "export the model again"
    };
    format!("dimension {one} meets {other}: {advice}")
}
