//! What the numerics cost on this machine, one thread unless said: `cargo run --release -p tributary-attribution
//! --example numerics [features] [records]` (default 1,024 features, 1,000,000 index records of 256 numbers).

use std::{env, num::NonZeroUsize, time::Instant};

use ndarray::{Array1, Array2};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    AttributionError,
    basis::{Basis, Ranks},
    curvature::{Accumulator, DampedCurvature},
    explain::RecordIndex,
    gate,
    rows::{RecordRows, Ridge, distil},
};
use tributary_sdk::sketch::Sketch;

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs_f64();
    println!("{what:<60} {:>10.1} ms", seconds * 1e3);
    (result, seconds)
}

fn main() -> Result<(), AttributionError> {
    let argument =
        |place: usize, default: usize| env::args().nth(place).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (p, records) = (argument(1, 1_024), argument(2, 1_000_000));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut noise = |rows, columns| Array2::from_shape_simple_fn((rows, columns), || rng.random_range(-1.0f32..1.0));

    let chunk = noise(4_096, p);
    let weights = Array1::from_elem(4_096, 1.0 / 4_096.0);
    let mut accumulator = Accumulator::new(p)?;
    let (added, seconds) =
        timed(&format!("curvature: 4,096 rows of {p}"), || accumulator.add(chunk.view(), weights.view()));
    added?;
    println!("{:<60} {:>10.1} GFLOP/s of the half that is needed", "", 4_096.0 * (p * p) as f64 / seconds / 1e9);
    let g = accumulator.finish();
    let curvature = timed(&format!("factorise {p}"), || DampedCurvature::new(&g, 0.01)).0?;
    let effects = noise(40, p).mapv(f64::from);
    timed("owner basis, 40 contributors", || Basis::owner(&effects, &curvature)).0?;
    let crowd = noise(1_000, p).mapv(f64::from);
    timed("eigenbasis, k = 256, 1,000 contributors", || Basis::eigen(&g, &crowd, &curvature, Ranks::split(256))).0?;

    let influence = noise(300, 10_000).mapv(f64::from);
    timed("gate: 300 held-out records, 10,000 contributors", || gate::judge(&influence, &[None; 300], 1)).0?;
    let (sketches, scores, prior) = (noise(1_200, 256), noise(1_200, 40), noise(40, 256));
    let wide = |array: Array2<f32>| array.mapv(f64::from);
    let (sketches, scores, prior) = (wide(sketches), wide(scores), wide(prior));
    timed("distilled rows: 1,200 probes × 256, 40 contributors", || {
        distil(sketches.view(), scores.view(), prior.view(), Ridge::Validated)
    })
    .0?;

    let owners: Vec<usize> = (0..records).map(|record| record % 1_000).collect();
    let rows = noise(records, 256);
    let quantised = timed(&format!("quantise {records} record rows × 256"), || {
        RecordRows::quantise(rows.view(), &owners, 1_000, i32::MAX)
    })
    .0?;
    drop(rows);
    let index = timed("index with its check of every sum", || RecordIndex::new(quantised.records, &owners, 1_000)).0?;
    let sketch = Sketch::new((0..256i16).map(|value| (value - 128) * 250).collect());
    for threads in [1, 2].into_iter().filter_map(NonZeroUsize::new) {
        let what = format!("explain over {records} records × 256, threads: {threads}");
        let (explained, seconds) = timed(&what, || index.explain(&sketch, 10, threads));
        explained?;
        println!("{:<60} {:>10.1} GB/s", "", (records * 256) as f64 / seconds / 1e9);
    }
    let bytes = timed("encode and hash", || (index.hash(), index.encode().len())).0.1;
    println!("{:<60} {:>10.1} MB", "index", bytes as f64 / 1e6);
    Ok(())
}
