use ndarray::Array2;

use super::*;

fn records() -> LabelledRecords {
    let features = Array2::from_shape_fn((60, 3), |(i, j)| ((i * 7 + j * 5 + i % 3 * j) % 17) as f64);
    LabelledRecords::new(features, (0..60).map(|i| i % 3).collect()).unwrap()
}

fn run(recipe: &TrainingRecipe) -> Result<Trained, FactoryError> {
    let widths = recipe.widths(3, 3);
    fit(&records(), 60, &widths, InputScaling::centred(0.0, 16.0), recipe, None, |_| ())
}

#[test]
fn training_converges_and_repeats_itself() {
    for hidden in [vec![], vec![4], vec![5, 4]] {
        let recipe = TrainingRecipe { hidden, ..TrainingRecipe::default() };
        let (once, twice) = (run(&recipe).unwrap(), run(&recipe).unwrap());
        assert_eq!(once.network, twice.network);
        assert!(once.gradient_norm <= recipe.tolerance);
        assert!(once.loss < 3f64.ln());
    }
}

#[test]
fn a_recipe_that_cannot_be_followed_is_refused() {
    let refused = |recipe: TrainingRecipe| matches!(run(&recipe), Err(FactoryError::Recipe { .. }));
    let sound = TrainingRecipe { hidden: vec![4], ..TrainingRecipe::default() };
    assert!(refused(TrainingRecipe { weight_decay: 0.0, ..sound.clone() }));
    assert!(refused(TrainingRecipe { weight_decay: f64::NAN, ..sound.clone() }));
    assert!(refused(TrainingRecipe { tolerance: -1.0, ..sound.clone() }));
    assert!(refused(TrainingRecipe { hidden: vec![0], ..sound.clone() }));
    let hasty = run(&TrainingRecipe { most_steps: 2, ..sound });
    assert!(matches!(hasty, Err(FactoryError::NotConverged { iterations: 2, .. })));
}
