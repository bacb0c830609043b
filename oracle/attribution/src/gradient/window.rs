use crate::graph::Node;

/// Where the windows of a convolution or pooling stand on its spatial axes, one entry an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    /// The input's sizes.
    pub(crate) size: Vec<usize>,
    /// The window's sizes.
    pub(crate) kernel: Vec<usize>,
    /// From one window to the next.
    pub(crate) strides: Vec<usize>,
    /// From one element of a window to the next.
    pub(crate) dilations: Vec<usize>,
    /// Padding before the input.
    pub(crate) before: Vec<usize>,
    /// Padding after it.
    pub(crate) after: Vec<usize>,
    /// How many windows there are.
    pub(crate) count: Vec<usize>,
}

impl Window {
    /// Reads the attributes of `Conv`, `MaxPool` or `AveragePool` for an input of these spatial sizes. The kernel is
    /// the weights', or else that of the attribute `kernel_shape`.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn read(node: &Node, size: &[usize], kernel: Option<&[usize]>) -> Result<Self, String> {
        let axes = size.len();
        let list = |name: &str, count: usize, otherwise: usize| match node.ints(name) {
            None => Ok(vec![otherwise; count]),
            Some(values) => {
                let list: Option<Vec<usize>> = values.iter().map(|value| usize::try_from(*value).ok()).collect();
                list.filter(|list| list.len() == count).ok_or_else(|| format!("`{name}` must be {count} sizes"))
            }
        };
        let kernel = match kernel {
            Some(kernel) => kernel.to_vec(),
            None => list("kernel_shape", axes, 0)?,
        };
        let (strides, dilations) = (list("strides", axes, 1)?, list("dilations", axes, 1)?);
        if kernel.len() != axes || [&kernel, &strides, &dilations].iter().any(|list| list.contains(&0)) {
            return Err("kernel, strides and dilations must be at least 1 on every spatial axis".to_owned());
        }
        let (mut before, mut after) = (vec![0; axes], vec![0; axes]);
        let same = node.word("auto_pad").unwrap_or("NOTSET");
        if same == "NOTSET" {
            let pads = list("pads", 2 * axes, 0)?;
            (before, after) = (pads[..axes].to_vec(), pads[axes..].to_vec());
        }
        let mut count = Vec::with_capacity(axes);
        for axis in 0..axes {
            let span = dilations[axis] * (kernel[axis] - 1) + 1;
            if same.starts_with("SAME") {
                let windows = size[axis].div_ceil(strides[axis]).max(1);
                let total = ((windows - 1) * strides[axis] + span).saturating_sub(size[axis]);
                let larger = total.div_ceil(2);
                (before[axis], after[axis]) =
                    if same == "SAME_UPPER" { (total - larger, larger) } else { (larger, total - larger) };
            }
            let padded = size[axis] + before[axis] + after[axis];
            let Some(room) = padded.checked_sub(span) else {
                return Err(format!("a window of {span} is larger than the padded input of {padded}"));
            };
            let mut windows = room / strides[axis] + 1;
            // With `ceil_mode` a window may hang over the end, as long as it begins before it.
            if node.int("ceil_mode", 0) != 0
                && room % strides[axis] != 0
                && windows * strides[axis] < size[axis] + before[axis]
            {
                windows += 1;
            }
            count.push(windows);
        }
        Ok(Self { size: size.to_vec(), kernel, strides, dilations, before, after, count })
    }

    /// How many elements a window has.
    pub(crate) fn len(&self) -> usize {
        self.kernel.iter().product()
    }

    /// How many windows there are on all axes.
    pub(crate) fn windows(&self) -> usize {
        self.count.iter().product()
    }

    /// How many elements of the padded input one axis has under its windows.
    pub(crate) fn reach(&self, axis: usize) -> usize {
        (self.count[axis] - 1) * self.strides[axis] + self.dilations[axis] * (self.kernel[axis] - 1) + 1
    }

    /// One axis of the input with its padding.
    pub(crate) fn whole(&self, axis: usize) -> usize {
        self.size[axis] + self.before[axis] + self.after[axis]
    }

    /// The same, with what windows hang over it.
    pub(crate) fn padded(&self, axis: usize) -> usize {
        self.whole(axis).max(self.reach(axis))
    }

    /// The input's place on one axis of a window's element, if it is not padding.
    pub(crate) fn place(&self, axis: usize, window: usize, element: usize) -> Option<usize> {
        let padded = window * self.strides[axis] + element * self.dilations[axis];
        padded.checked_sub(self.before[axis]).filter(|place| *place < self.size[axis])
    }

    /// How many elements of each window an average divides by, row-major.
    pub(crate) fn divisors(&self, counts_padding: bool) -> Vec<usize> {
        let mut divisors = vec![1];
        for axis in 0..self.size.len() {
            let end = if counts_padding { self.whole(axis) } else { 0 };
            let counted = (0..self.count[axis]).map(|window| {
                let elements = 0..self.kernel[axis];
                elements
                    .filter(|element| {
                        let padded = window * self.strides[axis] + element * self.dilations[axis];
                        padded < end || self.place(axis, window, *element).is_some()
                    })
                    .count()
            });
            let counted: Vec<usize> = counted.collect();
            divisors = divisors.iter().flat_map(|outer| counted.iter().map(move |inner| outer * inner)).collect();
        }
        divisors
    }
}
