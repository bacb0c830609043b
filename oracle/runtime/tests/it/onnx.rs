//! Just enough of the ONNX protobuf format to write the models under test, byte by byte.

/// Length-delimited field.
fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    let mut out = varint(field << 3 | 2);
    out.extend(varint(content.len() as u64));
    out.extend_from_slice(content);
    out
}

/// Integer field.
fn int(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// `ValueInfoProto`: element type (1 = f32, 7 = i64) and dimensions, `None` = dynamic.
pub(crate) fn value(name: &str, element: u64, dimensions: &[Option<u64>]) -> Vec<u8> {
    let shape: Vec<u8> = dimensions
        .iter()
        .map(|dimension| match dimension {
            Some(size) => bytes(1, &int(1, *size)),
            None => bytes(1, &bytes(2, b"batch")),
        })
        .collect::<Vec<_>>()
        .concat();
    let tensor = [int(1, element), bytes(2, &shape)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}

/// `NodeProto`.
pub(crate) fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs = inputs.iter().map(|name| bytes(1, name.as_bytes())).collect::<Vec<_>>().concat();
    [inputs, bytes(2, output.as_bytes()), bytes(4, operator.as_bytes())].concat()
}

/// `TensorProto` of f32 values.
pub(crate) fn tensor(name: &str, dimensions: &[u64], values: &[f32]) -> Vec<u8> {
    let dimensions = dimensions.iter().map(|size| int(1, *size)).collect::<Vec<_>>().concat();
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [dimensions, int(2, 1), bytes(8, name.as_bytes()), bytes(9, &raw)].concat()
}

/// `ModelProto` with one graph, opset 17.
pub(crate) fn model(nodes: &[Vec<u8>], weights: &[Vec<u8>], inputs: &[Vec<u8>], outputs: &[Vec<u8>]) -> Vec<u8> {
    let fields = |field, parts: &[Vec<u8>]| parts.iter().map(|part| bytes(field, part)).collect::<Vec<_>>().concat();
    let graph =
        [fields(1, nodes), bytes(2, b"test"), fields(5, weights), fields(11, inputs), fields(12, outputs)].concat();
    [int(1, 8), bytes(7, &graph), bytes(8, &int(2, 17))].concat()
}

/// `logits = x·W + b` and `sketch = x·P`: 3 numbers in, 2 and 4 out.
pub(crate) fn linear() -> Vec<u8> {
    model(
        &[node("Gemm", &["x", "w", "b"], "logits"), node("MatMul", &["x", "p"], "sketch")],
        &[
            tensor("w", &[3, 2], &[1.0, -1.0, 2.0, 0.5, 0.0, 3.0]),
            tensor("b", &[2], &[10.0, 20.0]),
            tensor("p", &[3, 4], &[1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]),
        ],
        &[value("x", 1, &[None, Some(3)])],
        &[value("logits", 1, &[None, Some(2)]), value("sketch", 1, &[None, Some(4)])],
    )
}

/// `y = x·w`, `z = y + b` and `whole = Cast(y)`, where `b` may be left out and is 10 then, and `w` is given: 2 numbers in, 1 out.
pub(crate) fn weighted() -> Vec<u8> {
    let cast = [node("Cast", &["y"], "whole"), bytes(5, &[bytes(1, b"to"), int(3, 7), int(20, 2)].concat())].concat();
    model(
        &[node("MatMul", &["x", "w"], "y"), node("Add", &["y", "b"], "z"), cast],
        &[tensor("b", &[1], &[10.0])],
        &[value("x", 1, &[None, Some(2)]), value("w", 1, &[Some(2), Some(1)]), value("b", 1, &[Some(1)])],
        &[value("y", 1, &[None, Some(1)]), value("z", 1, &[None, Some(1)]), value("whole", 7, &[None, Some(1)])],
    )
}

/// `sum' = sum + x`, `seen' = sum`, `double = 2·sum'`: what comes in adds up.
pub(crate) fn adding_up() -> Vec<u8> {
    let pair = |name| value(name, 1, &[Some(2)]);
    model(
        &[
            node("Add", &["sum", "x"], "new sum"),
            node("Identity", &["sum"], "new seen"),
            node("Add", &["new sum", "new sum"], "double"),
            node("Add", &["seen", "x"], "both"),
        ],
        &[],
        &[pair("x"), pair("sum"), pair("seen")],
        &[pair("new sum"), pair("new seen"), pair("double"), pair("both")],
    )
}

/// `y = x + shift`, where `shift` may be left out and is 1 then.
pub(crate) fn shifted() -> Vec<u8> {
    model(
        &[node("Add", &["x", "shift"], "y")],
        &[tensor("shift", &[1], &[1.0])],
        &[value("x", 1, &[None, Some(2)]), value("shift", 1, &[Some(1)])],
        &[value("y", 1, &[None, Some(2)])],
    )
}

/// `y = x + shift`, a shift for each record, which may be left out and is 1 for all then.
pub(crate) fn shifted_each() -> Vec<u8> {
    model(
        &[node("Add", &["x", "shift"], "y")],
        &[tensor("shift", &[1, 1], &[1.0])],
        &[value("x", 1, &[None, Some(2)]), value("shift", 1, &[None, Some(1)])],
        &[value("y", 1, &[None, Some(2)])],
    )
}

/// `y = table[label]`: integers in.
pub(crate) fn lookup() -> Vec<u8> {
    model(
        &[node("Gather", &["table", "label"], "y")],
        &[tensor("table", &[3], &[5.0, 6.0, 7.0])],
        &[value("label", 7, &[None])],
        &[value("y", 1, &[None])],
    )
}

/// What [`linear`] answers for `x`.
pub(crate) fn linear_answer(x: [f32; 3]) -> ([f32; 2], [f32; 4]) {
    let [a, b, c] = x;
    ([a + 2.0 * b + 10.0, -a + 0.5 * b + 3.0 * c + 20.0], [a, b, c, a + b + c])
}

/// `y = log(x)`: not finite for 0 and below.
pub(crate) fn logarithm() -> Vec<u8> {
    model(&[node("Log", &["x"], "y")], &[], &[value("x", 1, &[None, Some(1)])], &[value("y", 1, &[None, Some(1)])])
}

/// Multiplies a `size` × `size` matrix of ones many times, so that a pass takes a while: y = x·1ⁿ / sizeⁿ, the record's
/// mean in every place, called `h` and the number of layers.
pub(crate) fn slow(size: u64, layers: usize) -> Vec<u8> {
    let (nodes, output) = means(layers);
    model(&nodes, &[averaging(size)], &[value("h0", 1, &[None, Some(size)])], &[value(&output, 1, &[None, Some(size)])])
}

/// As slow, then `y = [5, 6, 7][mean]`: a record whose mean is 3 or more fails its pass.
pub(crate) fn slow_lookup(size: u64, layers: usize) -> Vec<u8> {
    let (mut nodes, mean) = means(layers);
    nodes
        .push([node("Cast", &[&mean], "index"), bytes(5, &[bytes(1, b"to"), int(3, 7), int(20, 2)].concat())].concat());
    nodes.push(node("Gather", &["table", "index"], "y"));
    model(
        &nodes,
        &[averaging(size), tensor("table", &[3], &[5.0, 6.0, 7.0])],
        &[value("h0", 1, &[None, Some(size)])],
        &[value("y", 1, &[None, Some(size)])],
    )
}

fn averaging(size: u64) -> Vec<u8> {
    tensor("w", &[size, size], &vec![1.0 / size as f32; (size * size) as usize])
}

fn means(layers: usize) -> (Vec<Vec<u8>>, String) {
    let names: Vec<String> = (0..=layers).map(|layer| format!("h{layer}")).collect();
    let nodes = names.windows(2).map(|pair| node("MatMul", &[&pair[0], "w"], &pair[1])).collect();
    (nodes, names[layers].clone())
}
