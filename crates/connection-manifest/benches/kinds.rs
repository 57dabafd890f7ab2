//! Measures the cost of reading and checking 1,000 kind files, beside parsing the same text with `serde` alone, and the
//! memory of kinds that nobody uses: `cargo bench -p connection-manifest --bench kinds`.
//!
//! A time is meaningful only as a ratio to the floor beside it. The runs alternate, so that both meet the same load.
//! Memory is counted by the allocator: what a kind holds is the sum of `alloc` and `grow` less `dealloc` and `shrink`.

#![expect(clippy::print_stdout, reason = "this is the output")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use connection_contract::ConnectionDefinition;
use connection_manifest::{Catalogue, FileKind, KindFile};
use divan::AllocProfiler;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

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
    divan::main();
}

/// A kind that is registered and that nobody uses, for a small file, a large one and one with OAuth.
#[divan::bench(args = ["resend", "aws", "slack"])]
fn idle_kind(id: &str) -> FileKind {
    Catalogue::kind(id).unwrap().unwrap().definition()
}

/// The catalogue at the start of a program that names none of its kinds. No file is read.
#[divan::bench]
fn start_with_an_unused_catalogue() -> usize {
    black_box(Catalogue::text("absent"));
    Catalogue::ids().count()
}

/// 1,000 files of a user at the start of a program: all of them are read, so that their problems are reported.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn start_with_1000_unused_files() -> Vec<FileKind> {
    let texts: Vec<(&str, &str)> = Catalogue::ids().filter_map(Catalogue::text).collect();
    let read = |(name, text): &(&str, &str)| KindFile::parse(name, text).ok().map(|file| file.definition());
    texts.iter().cycle().filter_map(read).inspect(|kind| drop(black_box(kind.descriptor()))).take(COUNT).collect()
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
