//! Pairs of a floor and our time, and the table in which they are printed.

use std::time::{Duration, Instant};

/// The time of one operation in the fastest round.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) floor: Duration,
    pub(crate) ours: Duration,
}

/// The goal of a line. A line without a goal is for information.
#[derive(Clone, Copy, Default)]
pub(crate) struct Goal {
    pub(crate) ratio: Option<f64>,
    pub(crate) growth: Option<f64>,
}

/// Runs the floor and our operation in turn, and returns the fastest time of each. Both closures return the time of
/// a round of that many operations, so that they can prepare a round without being timed.
pub(crate) async fn pair(
    rounds: usize,
    operations: usize,
    mut floor: impl AsyncFnMut() -> Duration,
    mut ours: impl AsyncFnMut() -> Duration,
) -> Pair {
    let mut fastest = Pair { floor: Duration::MAX, ours: Duration::MAX };
    for _ in 0..rounds {
        fastest.floor = fastest.floor.min(floor().await);
        fastest.ours = fastest.ours.min(ours().await);
    }
    let each = |time: Duration| time.div_f64(operations as f64);
    Pair { floor: each(fastest.floor), ours: each(fastest.ours) }
}

/// Returns the time that `work` takes.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures the time that passes")]
pub(crate) async fn timed<T>(work: impl AsyncFnOnce() -> T) -> Duration {
    let began = Instant::now();
    drop(work().await);
    began.elapsed()
}

/// The requested lines, printed as they are measured.
pub(crate) struct Table {
    words: Vec<String>,
}

impl Table {
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self { words }
    }

    /// Returns `true` if a line is to be measured.
    pub(crate) fn wants(&self, line: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| line.contains(word.as_str()))
    }

    pub(crate) fn head(&self, [small, large]: [usize; 2]) {
        println!("`grows`: from {small} connections to {large}, or as the line says");
        println!("{:58} {:>10} {:>10} {:>7} {:>5} {:>7} {:>5}", "", "floor", "ours", "ratio", "goal", "grows", "goal");
    }

    /// Prints the figures of the last pair, and how our time grew from the first pair to the last.
    pub(crate) fn line(&self, line: &str, pairs: &[Pair], goal: Goal) {
        let (Some(first), Some(last)) = (pairs.first(), pairs.last()) else { return };
        let by = |some: Duration, other: Duration| some.as_secs_f64() / other.as_secs_f64();
        let growth = (pairs.len() > 1).then(|| by(last.ours, first.ours));
        let number = |number: Option<f64>| number.map_or(String::new(), |number| format!("{number:.2}"));
        println!(
            "{line:58} {:>10} {:>10} {:>7.2} {:>5} {:>7} {:>5}",
            time(last.floor),
            time(last.ours),
            by(last.ours, last.floor),
            number(goal.ratio),
            number(growth),
            number(goal.growth),
        );
    }
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        1e-3.. => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{:.2} µs", seconds * 1e6),
    }
}
