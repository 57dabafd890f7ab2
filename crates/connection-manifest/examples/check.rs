//! Checks kind files: `cargo run -p connection-manifest --example check -- FILE…`. Files may extend each other.

#![expect(clippy::print_stdout, reason = "this is the output")]

use std::{fs, io, process::ExitCode};

use connection_manifest::KindSet;

fn main() -> io::Result<ExitCode> {
    let mut set = KindSet::new();
    for name in std::env::args().skip(1) {
        let text = fs::read_to_string(&name)?;
        set = set.file(name, text);
    }
    let (kinds, problems) = set.read();
    for problem in &problems {
        println!("{problem}");
    }
    for kind in &kinds {
        match kind.definition().rendering() {
            Ok(rendering) => println!("== {}\n{rendering}", kind.id()),
            Err(failure) => println!("== {}: it cannot be connected: {}: {failure}", kind.id(), failure.code),
        }
    }
    println!("{} kinds, {} problems", kinds.len(), problems.len());
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
