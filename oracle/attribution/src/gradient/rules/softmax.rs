use super::{Call, Cotangent, Emit, GradientError};

pub(super) fn softmax(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?;
    let y = call.output(emit)?;
    let along = [call.own_axis(emit, y, -1)? + call.lifted.shift()];
    let gradient = if call.node.op == "Softmax" {
        let weighted = emit.mul(c, y)?;
        let total = emit.sum(&weighted, &along)?;
        let rest = emit.op("Sub", &[c, &total])?;
        emit.mul(y, &rest)?
    } else {
        let total = emit.sum(c, &along)?;
        let probabilities = emit.op("Exp", &[y])?;
        let share = emit.mul(&probabilities, &total)?;
        emit.op("Sub", &[c, &share])?
    };
    call.whole(emit, &gradient, place)
}
