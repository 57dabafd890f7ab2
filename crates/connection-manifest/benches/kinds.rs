//! Measures the cost of reading and checking 1,000 kind files, beside parsing the same text with `serde` alone:
//! `cargo bench -p connection-manifest --bench kinds`.
//!
//! A figure is meaningful only as a ratio to the floor beside it. The runs alternate, so that both meet the same load.

#![expect(clippy::print_stdout, reason = "this is the output")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use connection_manifest::{Catalogue, KindFile};

const COUNT: usize = 1000;
const ROUNDS: usize = 15;

/// A file for a catalogue that is empty.
const ACME: &str = r#"format = 1
id = "acme"
name = "Acme"
mechanism = "api_key"
[[fields]]
name = "apiKey"
label = "API key"
secret = true
pattern = "[A-Za-z0-9_-]{20,}"
[request]
base = "https://api.acme.com"
headers = { Authorization = "Bearer ${secret.apiKey}" }
[verify]
path = "/me"
[account]
id = "/id"
label = "/name"
"#;

fn main() {
    // A file that extends another is read together with it, which is not measured here.
    let alone = |(name, text): &(&str, &str)| KindFile::parse(name, text).is_ok();
    let mut texts: Vec<(&str, &str)> = Catalogue::ids().filter_map(Catalogue::text).filter(alone).collect();
    if texts.is_empty() {
        texts.push(("acme.toml", ACME));
    }
    let files: Vec<(&str, &str)> = texts.iter().copied().cycle().take(COUNT).collect();
    let mut floors = Vec::new();
    let mut figures = Vec::new();
    for _ in 0..ROUNDS {
        floors.push(timed(|| {
            for (_, text) in &files {
                black_box(toml::from_str::<toml::Table>(text).unwrap());
            }
        }));
        figures.push(timed(|| {
            for (name, text) in &files {
                black_box(KindFile::parse(name, text).unwrap());
            }
        }));
    }
    let definitions = timed(|| {
        for (name, text) in &files {
            black_box(KindFile::parse(name, text).unwrap().definition());
        }
    });
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let (floor, figure) = (median(floors), median(figures));
    println!("{COUNT} files, {bytes} bytes");
    println!("parse with serde alone: {floor:?}");
    println!("read and check:         {figure:?}, {:.2} times the floor", figure.as_secs_f64() / floor.as_secs_f64());
    println!("and prepare to use:     {definitions:?}");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the time that passes")]
fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
