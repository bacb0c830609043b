use super::{Seed, Steps, TargetError};
use crate::graph::{Attribute, Element};

/// Log-likelihood of the tokens, its gradient, and the tokens that were taken.
struct Likelihood {
    value: String,
    /// One-hot tokens minus softmax.
    gain: String,
    tokens: String,
}

fn likelihood(steps: &mut Steps<'_>, labels: Option<&str>) -> Result<Likelihood, TargetError> {
    let sizes = steps.sizes(2, "[batch, positions, tokens]")?;
    let (positions, vocabulary) = (sizes[0], sizes[1]);
    let logits = steps.output.clone();
    let served = steps.largest(&logits)?;
    let tokens = match labels {
        None => served,
        Some(labels) => {
            steps.check(labels, Element::I64, &[positions], "i64 [batch, positions], −1 for none, −2 for served")?;
            let minus_one = steps.integer(-1);
            let asked = steps.op("Less", &[labels, &minus_one])?;
            steps.op("Where", &[&asked, &served, labels])?
        }
    };
    // A position that is left out has no hot token and takes no part.
    let zero = steps.integer(0);
    let left_out = steps.op("Less", &[&tokens, &zero])?;
    let beyond = steps.integer(vocabulary as i64);
    let places = steps.op("Where", &[&left_out, &beyond, &tokens])?;
    let hot = steps.one_hot(&places, vocabulary)?;
    let counted = steps.last("ReduceSum", &hot, 1)?;

    let whole = steps.log_sum_exp(&logits)?;
    let zero = steps.number(0.0);
    let own = steps.op("Greater", &[&hot, &zero])?;
    let of_own = steps.op("Where", &[&own, &logits, &zero])?;
    let of_own = steps.last("ReduceSum", &of_own, 1)?;
    let whole = steps.op("Mul", &[&whole, &counted])?;
    let chances = steps.op("Sub", &[&of_own, &whole])?;
    let axes = steps.integers(&[1, 2]);
    let value = steps.with("ReduceSum", &[&chances, &axes], vec![("keepdims", Attribute::Int(0))])?;
    let shares = steps.with("Softmax", &[&logits], vec![("axis", Attribute::Int(-1))])?;
    let shares = steps.op("Mul", &[&shares, &counted])?;
    let gain = steps.op("Sub", &[&hot, &shares])?;
    Ok(Likelihood { value, gain, tokens })
}

/// `f = Σ_t log p(y_t)`.
pub(super) fn serve(steps: &mut Steps<'_>, labels: Option<&str>) -> Result<Seed, TargetError> {
    let likelihood = likelihood(steps, labels)?;
    Ok(steps.seed(likelihood.value, likelihood.gain, Some(likelihood.tokens)))
}

/// `−f`.
pub(super) fn loss(steps: &mut Steps<'_>, labels: &str) -> Result<Seed, TargetError> {
    let likelihood = likelihood(steps, Some(labels))?;
    let value = steps.op("Neg", &[&likelihood.value])?;
    let cotangent = steps.op("Neg", &[&likelihood.gain])?;
    Ok(steps.seed(value, cotangent, Some(likelihood.tokens)))
}
