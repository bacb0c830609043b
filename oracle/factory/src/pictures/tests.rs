use ndarray::{Array1, Array2};
use tributary_attribution::Labels;

use super::*;
use crate::evaluate::{Answers, Evaluation};

fn is_drawn(picture: &str) {
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    let body = picture.split_once("</style>").unwrap().1;
    assert_eq!(body.matches('<').count(), body.matches('>').count(), "{body}");
}

fn of(answers: &Answers) -> Evaluation {
    Evaluation::of(answers).unwrap()
}

#[test]
fn classifiers_are_drawn_however_many_classes_they_have() {
    for classes in [2, 20, 60] {
        let records = 3 * classes;
        let logits = Array2::from_shape_fn((records, classes), |(row, class)| ((row * 7 + class * 3) % 11) as f32);
        let labels = Labels::Classes((0..records).map(|record| record % classes).collect());
        let evaluation = of(&Answers::new(&labels, logits.into_dyn()).unwrap());
        let Evaluation::Classification(found) = evaluation else { panic!("a classifier") };
        let names: Vec<String> = (0..classes).map(|class| format!("<class> & number {class}")).collect();
        let picture = confusion(&found.confusion, &names);
        is_drawn(&picture);
        assert_eq!(picture.contains("&lt;class&gt; &amp; n"), classes <= 20, "{picture}");
        is_drawn(&reliability(&found.calibration));
    }
}

#[test]
fn regressions_are_drawn_however_far_off() {
    for scale in [0.0f32, 1e-6, 1.0, 1e9] {
        let labels: Vec<f32> = (0..40).map(|i| i as f32 * scale).collect();
        let answers = Array1::from_iter(labels.iter().rev().copied()).into_dyn();
        let Evaluation::Regression(found) = of(&Answers::new(&Labels::Values(labels), answers).unwrap()) else {
            panic!("a regression")
        };
        let picture = residuals(&found);
        is_drawn(&picture);
        assert_eq!(picture.matches("<circle").count(), 40);
    }
}

#[test]
fn a_frontier_leaves_out_what_is_no_number() {
    let place = |decay, across| Place { decay, across, upwards: [0.1, 0.2, 0.3] };
    let picture = frontier("accuracy", vec![place(0.1, 0.9), place(0.01, f64::NAN), place(0.001, 0.95)]);
    is_drawn(&picture);
    assert!(
        picture.contains("Accuracy and contributor LDS") && picture.contains(">0.1<") && !picture.contains(">0.01<")
    );
    is_drawn(&frontier("loss", Vec::new()));
}
