//! Every operator with a rule.

use tributary_attribution::graph::Attribute::{Float, Int, Ints, String as Word};

use crate::gradients::Case;

/// Inputs through a dense layer, so that operators behind it have something to be differentiated by.
fn behind(seed: u64, dims: &[usize]) -> (Case, String) {
    let mut case = Case::new(seed);
    let x = case.input("x", &[4]);
    let wide: usize = dims.iter().product();
    let y = case.dense(&x, 4, wide);
    let dims: Vec<i64> = dims.iter().map(|dim| *dim as i64).collect();
    let y = case.reshape(&y, &dims);
    (case, y)
}

#[test]
fn dense_layers_in_all_forms() {
    for (trans_a, trans_b, shared) in [(0, 0, false), (0, 1, false), (1, 1, false), (0, 1, true)] {
        let mut case = Case::new(1);
        let mut x = case.input("x", &[4]);
        let weight = if trans_b == 1 { case.weight(&[5, 4]) } else { case.weight(&[4, 5]) };
        let bias = case.weight(if shared { &[1, 1] } else { &[5] });
        if trans_a == 1 {
            x = case.transpose(&x, &[1, 0]);
        }
        let attributes =
            vec![("transA", Int(trans_a)), ("transB", Int(trans_b)), ("alpha", Float(0.5)), ("beta", Float(1.5))];
        let y = case.with("Gemm", &[&x, &weight, &bias], attributes);
        case.check(&y);
    }
}

#[test]
fn products_of_stacks_lists_and_weights_on_either_side() {
    // Weights of one matrix, of one for each place of a stack, of a list; stacks of which one side lacks some.
    let shapes: [(&[i64], &[usize]); 7] = [
        (&[3, 4], &[4, 2]),
        (&[3, 4], &[1, 4, 2]),
        (&[3, 4], &[4]),
        (&[3, 1, 4], &[3, 4, 2]),
        (&[1, 3, 4], &[2, 4, 5]),
        (&[1, 3, 4], &[1, 2, 4, 2]),
        (&[3, 1, 1, 4], &[3, 2, 4, 2]),
    ];
    for (left, right) in shapes {
        let mut case = Case::new(2);
        let x = case.input("x", &[3, 4]);
        let x = case.reshape(&x, left);
        let weight = case.weight(right);
        let y = case.op("MatMul", &[&x, &weight]);
        case.check(&y);
    }
    for dims in [&[2, 4][..], &[4], &[3, 2, 4], &[1, 2, 4]] {
        let mut case = Case::new(3);
        let x = case.input("x", &[3, 4, 5]);
        let weight = case.weight(dims);
        let y = case.op("MatMul", &[&weight, &x]);
        case.check(&y);
    }
    // Two values of the record, one of them repeated.
    let mut case = Case::new(4);
    let x = case.input("x", &[3, 4]);
    let (a, b) = (case.dense(&x, 4, 6), case.dense(&x, 4, 6));
    let b = case.transpose(&b, &[0, 2, 1]);
    let product = case.op("MatMul", &[&a, &b]);
    let (a, product) = (case.reshape(&a, &[1, 3, 6]), case.reshape(&product, &[1, 3, 3]));
    let stack = case.weight(&[2, 3, 3]);
    let product = case.op("Mul", &[&product, &stack]);
    let y = case.op("MatMul", &[&product, &a]);
    case.check(&y);
    // Weights of weights.
    let mut case = Case::new(5);
    let x = case.input("x", &[4]);
    let (a, b, whole) = (case.weight(&[4, 2]), case.weight(&[2, 3]), case.weight(&[4, 3]));
    let low = case.op("MatMul", &[&a, &b]);
    let merged = case.op("Add", &[&whole, &low]);
    let y = case.op("MatMul", &[&x, &merged]);
    case.check(&y);
}

#[test]
fn arithmetic_with_broadcasting_both_ways() {
    for op in ["Add", "Sub", "Mul", "Div", "Min", "Max"] {
        for dims in [&[2, 3][..], &[3], &[1], &[], &[2, 1], &[1, 1, 3]] {
            let (mut case, y) = behind(6, &[2, 3]);
            let other = case.weight(dims);
            let one = case.op(op, &[&y, &other]);
            let two = case.op(op, &[&other, &one]);
            case.check(&two);
        }
        let (mut case, y) = behind(7, &[2, 3]);
        let x = case.input("z", &[1, 3]);
        let scale = case.weight(&[3]);
        let z = case.op("Mul", &[&x, &scale]);
        let made = case.op(op, &[&z, &y]);
        case.check(&made);
    }
}

#[test]
fn powers_of_bases_and_exponents() {
    for exponent in [2.0, 3.0, 0.5, -1.5] {
        let (mut case, y) = behind(8, &[5]);
        let positive = case.op("Exp", &[&y]);
        let exponent = case.builder.scalar(exponent);
        let made = case.op("Pow", &[&positive, &exponent]);
        case.check(&made);
    }
    let (mut case, y) = behind(9, &[5]);
    let (base, exponent) = (case.positive_weight(&[5]), case.weight(&[5]));
    let whole = case.op("Pow", &[&base, &y]);
    let positive = case.op("Exp", &[&y]);
    let other = case.op("Pow", &[&positive, &exponent]);
    let made = case.op("Add", &[&whole, &other]);
    case.check(&made);
}

#[test]
fn functions_of_one_number() {
    let plain = |op: &str| (op.to_owned(), vec![]);
    let ops = ["Neg", "Exp", "Abs", "Sin", "Cos", "Relu", "Sigmoid", "Tanh", "Erf", "Gelu", "Identity", "Dropout"];
    let mut ops: Vec<_> = ops.iter().map(|op| plain(op)).collect();
    ops.push(("LeakyRelu".to_owned(), vec![("alpha", Float(0.2))]));
    ops.push(("Gelu".to_owned(), vec![("approximate", Word("tanh".to_owned()))]));
    ops.push(("Cast".to_owned(), vec![("to", Int(1))]));
    for (op, attributes) in ops {
        let (mut case, y) = behind(10, &[6]);
        let made = case.with(&op, &[&y], attributes.clone());
        // The same of a weight alone.
        let weight = case.weight(&[6]);
        let alone = case.with(&op, &[&weight], attributes);
        let made = case.op("Mul", &[&made, &alone]);
        case.check(&made);
    }
    for op in ["Sqrt", "Log", "Reciprocal"] {
        let (mut case, y) = behind(11, &[6]);
        let positive = case.op("Exp", &[&y]);
        let made = case.op(op, &[&positive]);
        case.check(&made);
    }
}

#[test]
fn clip_and_choice() {
    let (mut case, y) = behind(12, &[6]);
    let (low, high) = (case.builder.scalar(-0.4), case.builder.scalar(0.5));
    let both = case.op("Clip", &[&y, &low, &high]);
    let above = case.op("Clip", &[&y, "", &high]);
    let more = case.op("Greater", &[&y, &low]);
    let choice = case.op("Where", &[&more, &both, &above]);
    let weight = case.weight(&[6]);
    let choice = case.op("Where", &[&more, &weight, &choice]);
    case.check(&choice);
}

#[test]
fn softmax_and_reductions_over_any_axes() {
    for op in ["Softmax", "LogSoftmax"] {
        for axis in [-1, 1] {
            let (mut case, y) = behind(13, &[3, 4]);
            let weight = case.weight(&[3, 4]);
            let made = case.with(op, &[&y], vec![("axis", Int(axis))]);
            let alone = case.with(op, &[&weight], vec![("axis", Int(axis - 1))]);
            let made = case.op("Mul", &[&made, if axis == 1 { &alone } else { &weight }]);
            case.check(&made);
        }
    }
    for op in ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceLogSumExp"] {
        for (axes, keepdims) in [(&[1][..], 0), (&[2], 1), (&[-1, 1], 0), (&[1, 2], 1)] {
            let (mut case, y) = behind(14, &[3, 4]);
            let axes = case.integers(axes);
            let made = case.with(op, &[&y, &axes], vec![("keepdims", Int(keepdims))]);
            let weight = case.weight(&[2, 3]);
            let behind = case.integers(&[1]);
            let alone = case.with(op, &[&weight, &behind], vec![("keepdims", Int(1))]);
            let alone = case.with("ReduceSum", &[&alone], vec![("keepdims", Int(0))]);
            let made = case.op("Mul", &[&made, &alone]);
            case.check(&made);
        }
    }
}

#[test]
fn layouts_of_values_and_of_weights() {
    let (mut case, y) = behind(15, &[2, 3, 2]);
    let turned = case.transpose(&y, &[2, 0, 3, 1]);
    let back = case.transpose(&turned, &[1, 3, 0, 2]);
    let flat = case.with("Flatten", &[&back], vec![("axis", Int(2))]);
    let merged = case.reshape(&flat, &[12]);
    let axes = case.integers(&[1, 3]);
    let wide = case.op("Unsqueeze", &[&merged, &axes]);
    let narrow = case.op("Squeeze", &[&wide, &axes]);
    let weight = case.weight(&[3, 4]);
    let turned = case.transpose(&weight, &[1, 0]);
    let dims = case.integers(&[12]);
    let list = case.op("Reshape", &[&turned, &dims]);
    let made = case.op("Mul", &[&narrow, &list]);
    case.check(&made);

    // Weights turned before the product, and a weight of three axes.
    let mut case = Case::new(16);
    let x = case.input("x", &[3, 4]);
    let (weight, deep) = (case.weight(&[5, 4]), case.weight(&[2, 5, 3]));
    let turned = case.transpose(&weight, &[1, 0]);
    let y = case.op("MatMul", &[&x, &turned]);
    let deep = case.transpose(&deep, &[2, 1, 0]);
    let y = case.reshape(&y, &[3, 1, 5]);
    let y = case.op("MatMul", &[&y, &deep]);
    case.check(&y);
}

#[test]
fn parts_of_values_and_of_weights() {
    let (mut case, y) = behind(17, &[5, 4]);
    let lists: Vec<String> = [&[1, 0][..], &[i64::MAX, 4], &[1, 2], &[2, 1]].map(|list| case.integers(list)).into();
    let every_other = case.op("Slice", &[&y, &lists[0], &lists[1], &lists[2], &lists[3]]);
    let backwards: Vec<String> = [&[-1][..], &[-4], &[1], &[-2]].map(|list| case.integers(list)).into();
    let turned = case.op("Slice", &[&y, &backwards[0], &backwards[1], &backwards[2], &backwards[3]]);
    let joined = case.with("Concat", &[&every_other, &turned, &y], vec![("axis", Int(1))]);
    let sizes = case.integers(&[2, 4, 3]);
    let parts = case.many("Split", &[&joined, &sizes], 1, 3);
    let made = case.with("Concat", &[&parts[2], &parts[0]], vec![("axis", Int(-2))]);
    let weight = case.weight(&[10, 4]);
    let halves = case.integers(&[5, 5]);
    let halves = case.many("Split", &[&weight, &halves], 0, 2);
    let ends: Vec<String> = [&[0][..], &[2], &[1]].map(|list| case.integers(list)).into();
    let left = case.op("Slice", &[&halves[1], &ends[0], &ends[1], &ends[2]]);
    let bounds: Vec<String> = [&[1][..], &[5], &[0]].map(|list| case.integers(list)).into();
    let square = case.op("Slice", &[&left, &bounds[0], &bounds[1], &bounds[2]]);
    let made = case.op("MatMul", &[&made, &square]);
    case.check(&made);
}

#[test]
fn padding_repeats_and_triangles() {
    let (mut case, y) = behind(18, &[3, 4]);
    let pads = case.integers(&[0, 1, 2, 0, 0, 1]);
    let padded = case.op("Pad", &[&y, &pads]);
    let repeats = case.integers(&[1, 1, 3]);
    let tiled = case.op("Tile", &[&padded, &repeats]);
    let lower = case.with("Trilu", &[&tiled], vec![("upper", Int(0))]);
    let weight = case.weight(&[2, 7]);
    let repeats = case.integers(&[2, 3]);
    let tiled = case.op("Tile", &[&weight, &repeats]);
    let one = case.builder.constant("one", tributary_attribution::graph::Tensor::integers(&[1]));
    let one = case.op("Squeeze", &[&one]);
    let upper = case.op("Trilu", &[&tiled, &one]);
    let made = case.op("Mul", &[&lower, &upper]);
    case.check(&made);

    let (mut case, y) = behind(19, &[1, 4]);
    let weight = case.weight(&[2, 1, 4]);
    let dims = case.integers(&[1, 2, 4]);
    let wide = case.op("Expand", &[&y, &dims]);
    let dims = case.integers(&[1, 2, 3, 4]);
    let weights = case.op("Expand", &[&weight, &dims]);
    let wide = case.reshape(&wide, &[2, 1, 4]);
    let made = case.op("Mul", &[&wide, &weights]);
    case.check(&made);
}

#[test]
fn gathers_by_constants_and_by_the_record() {
    // Tables along each axis, by indices of the record.
    for (axis, dims) in [(0, [6, 4]), (1, [4, 6])] {
        let mut case = Case::new(20);
        let ids = case.indices("ids", &[3], 6);
        let table = case.weight(&dims);
        let mut made = case.with("Gather", &[&table, &ids], vec![("axis", Int(axis))]);
        if axis == 1 {
            made = case.transpose(&made, &[1, 0, 2]);
        }
        case.check(&made);
    }
    // Places of a value: one, neighbours, any, from the end.
    for indices in [&[2][..], &[1, 2, 3], &[4, 0, 0], &[-1, 1]] {
        let (mut case, y) = behind(21, &[5, 2]);
        let indices = case.integers(indices);
        let made = case.with("Gather", &[&y, &indices], vec![("axis", Int(1))]);
        let weight = case.weight(&[2, 5]);
        let alone = case.with("Gather", &[&weight, &indices], vec![("axis", Int(1))]);
        let alone = case.transpose(&alone, &[1, 0]);
        let made = case.op("Mul", &[&made, &alone]);
        case.check(&made);
    }
    let (mut case, y) = behind(22, &[5, 2]);
    let first = case.integers(&[0]);
    let first = case.op("Squeeze", &[&first]);
    let made = case.with("Gather", &[&y, &first], vec![("axis", Int(1))]);
    case.check(&made);
    for axis in [1, 2] {
        let (mut case, y) = behind(23, &[3, 4]);
        let dims = if axis == 1 { [5, 4] } else { [3, 1] };
        let ids = case.indices("ids", &dims, 3);
        let made = case.with("GatherElements", &[&y, &ids], vec![("axis", Int(axis))]);
        case.check(&made);
    }
}

#[test]
fn einsums_of_values_and_weights() {
    let equations = [
        ("bij,jk->bik", &[4, 2][..]),
        ("bij,ijk->bk", &[3, 4, 2]),
        ("kj,bij->bki", &[2, 4]),
        ("bij,bkj,l->bikl", &[5]),
    ];
    for (equation, dims) in equations {
        let (mut case, y) = behind(24, &[3, 4]);
        let weight = case.weight(dims);
        let operands: Vec<&str> = match equation {
            "kj,bij->bki" => vec![&weight, &y],
            "bij,bkj,l->bikl" => vec![&y, &y, &weight],
            _ => vec![&y, &weight],
        };
        let made = case.with("Einsum", &operands, vec![("equation", Word(equation.to_owned()))]);
        case.check(&made);
    }
    let (mut case, y) = behind(25, &[3, 4]);
    let (a, b) = (case.weight(&[4, 2]), case.weight(&[2, 5]));
    let weights = case.with("Einsum", &[&a, &b], vec![("equation", Word("ij,jk->ik".to_owned()))]);
    let made = case.op("MatMul", &[&y, &weights]);
    case.check(&made);
}

#[test]
fn normalisations() {
    for axis in [-1, 1] {
        let (mut case, y) = behind(26, &[3, 4]);
        let dims: &[usize] = if axis == 1 { &[3, 4] } else { &[4] };
        let (scale, bias) = (case.weight(dims), case.weight(dims));
        let made = case.with("LayerNormalization", &[&y, &scale, &bias], vec![("axis", Int(axis))]);
        case.check(&made);
    }
    let (mut case, y) = behind(27, &[3, 4]);
    let (rows, scale) = (case.weight(&[3, 4]), case.weight(&[4]));
    let alone = case.op("LayerNormalization", &[&rows, &scale]);
    let made = case.op("Mul", &[&y, &alone]);
    case.check(&made);
    for dims in [&[3][..], &[3, 5], &[3, 2, 2]] {
        let (mut case, y) = behind(28, dims);
        let (scale, bias, mean, spread) =
            (case.weight(&[3]), case.weight(&[3]), case.constant(&[3]), case.constant(&[3]));
        let variance = case.op("Exp", &[&spread]);
        let made = case.op("BatchNormalization", &[&y, &scale, &bias, &mean, &variance]);
        case.check(&made);
    }
}

#[test]
fn convolutions_of_one_and_two_axes() {
    // channels in and out, sizes, kernel, groups, and further settings.
    type Setting = (usize, usize, &'static [usize], &'static [usize], i64, Vec<(&'static str, Vec<i64>)>);
    let settings: Vec<Setting> = vec![
        (2, 3, &[6], &[3], 1, vec![]),
        (2, 4, &[7], &[3], 2, vec![("strides", vec![2]), ("pads", vec![1, 0]), ("dilations", vec![2])]),
        (2, 3, &[4, 5], &[2, 3], 1, vec![("pads", vec![0, 1, 1, 2])]),
        (4, 6, &[5, 6], &[3, 2], 2, vec![("strides", vec![2, 3])]),
        (3, 3, &[4, 4], &[3, 3], 3, vec![("pads", vec![1, 1, 1, 1])]),
        (2, 2, &[6, 6], &[1, 1], 1, vec![("strides", vec![2, 2])]),
    ];
    for (inputs, outputs, size, kernel, group, lists) in settings {
        for op in ["Conv", "ConvTranspose"] {
            let (mut case, y) = behind(29, &[&[inputs], size].concat());
            let dims = match op {
                "Conv" => [&[outputs, inputs / group as usize], kernel].concat(),
                _ => [&[inputs, outputs / group as usize], kernel].concat(),
            };
            let (weight, bias) = (case.weight(&dims), case.weight(&[outputs]));
            let mut attributes = vec![("group", Int(group))];
            attributes.extend(lists.iter().map(|(name, list)| (*name, Ints(list.clone()))));
            let made = case.with(op, &[&y, &weight, &bias], attributes);
            case.check(&made);
        }
    }
    for auto in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        let (mut case, y) = behind(30, &[2, 5, 6]);
        let weight = case.weight(&[3, 2, 2, 3]);
        let attributes = vec![("auto_pad", Word(auto.to_owned())), ("strides", Ints(vec![2, 2]))];
        let made = case.with("Conv", &[&y, &weight], attributes);
        case.check(&made);
    }
    // Several images a record.
    let (mut case, y) = behind(31, &[2, 2, 6]);
    let y = case.reshape(&y, &[2, 6]);
    let weight = case.weight(&[3, 1, 3]);
    let weight_of_two = case.with("Concat", &[&weight, &weight], vec![("axis", Int(1))]);
    let made = case.op("Conv", &[&y, &weight_of_two]);
    let made = case.reshape(&made, &[2, 3, 4]);
    case.check(&made);
}

#[test]
fn pools_of_one_and_two_axes() {
    type Setting = (&'static [usize], Vec<(&'static str, Vec<i64>)>, i64);
    let settings: Vec<Setting> = vec![
        (&[6], vec![("kernel_shape", vec![2]), ("strides", vec![2])], 0),
        (&[7], vec![("kernel_shape", vec![3]), ("strides", vec![2]), ("pads", vec![1, 1])], 0),
        (&[5, 6], vec![("kernel_shape", vec![3, 2]), ("pads", vec![1, 0, 0, 1])], 0),
        (&[5, 6], vec![("kernel_shape", vec![2, 3]), ("strides", vec![2, 2])], 1),
        (&[7, 7], vec![("kernel_shape", vec![2, 2]), ("strides", vec![3, 3])], 0),
        (&[4, 6], vec![("kernel_shape", vec![2, 3]), ("strides", vec![2, 3])], 0),
        (&[2, 18], vec![("kernel_shape", vec![1, 2]), ("strides", vec![1, 2])], 0),
    ];
    for (size, lists, ceil) in settings {
        for (op, counts) in [("MaxPool", 0), ("AveragePool", 0), ("AveragePool", 1)] {
            let (mut case, y) = behind(32, &[&[2], size].concat());
            let mut attributes: Vec<_> = lists.iter().map(|(name, list)| (*name, Ints(list.clone()))).collect();
            attributes.push(("ceil_mode", Int(ceil)));
            if op == "AveragePool" {
                attributes.push(("count_include_pad", Int(counts)));
            }
            let made = case.with(op, &[&y], attributes);
            case.check(&made);
        }
        let (mut case, y) = behind(33, &[&[2], size].concat());
        let made = case.op("GlobalAveragePool", &[&y]);
        case.check(&made);
    }
}
