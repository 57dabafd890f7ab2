//! The commands for working on this project: `cargo xtask <command>`.
//!
//! Continuous integration runs `cargo xtask ci` and nothing else, so that its result can be repeated on any machine.
#![expect(clippy::print_stdout, reason = "the output of these commands is for a person or a log")]
#![expect(clippy::print_stderr, reason = "failures go where a shell expects them")]
#![expect(clippy::disallowed_methods, reason = "no clock or environment is injected into a build tool")]

mod api;
mod book;
mod ci;
mod client;
mod conformance;
mod drills;
mod failure;
mod fuzz;
mod layers;
mod markdown;
mod mutants;
mod new_plugin;
mod process;
mod readme;
mod release;
mod report;
mod rust_source;
mod setup;
mod suite;
mod third_party;
mod tidy;
mod workspace;

use std::process::ExitCode;

use crate::failure::Failure;
use crate::suite::{Extent, Part};
use crate::workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <command>

  setup [--release]
                   install missing tools, and name them; with --release, those that
                   only a release and its rehearsal need
  test [FILTER...] run the whole suite, and set up what it needs; with filters, only
                   the tests whose names contain one of them
  test --quick     run a short suite: only SQLite, no servers and no browser
  test --long      run the whole suite, with many more random repetitions
  layers [--graph|--counts]
                   check which package may depend on which, that no modules import
                   each other in a circle, the orders of modules, and the
                   containment of plugins; with --graph, print what the modules of
                   the core and of the host import; with --counts, print circles and
                   lines of code for each package
  client           check and test the TypeScript client against the command
  conformance [--long]
                   send requests that are made from the API's own document to the
                   command, and compare the answers with it
  conformance mcp [--auth|SCENARIO...]
                   connect the servers of the conformance suite of MCP with the
                   command, and use them with the official client
  conformance mcp server
                   test the door for models with the same suite
  costs [file|passphrase]
                   build the program of a release, and time refreshes with couriers and without
  failover [synchronous|asynchronous|control]
                   promote a standby of PostgreSQL while the command works on it
  kills [all|proxy|group|send|serve|control] [--kills N]
                   end processes that renew one account by signals, and count what is lost,
                   with couriers and, as the control, without
  moves [kills|size]
                   kill the move of a database to PostgreSQL, and complete it or take it back
  outages [vanished|killed|stopped|late|partition]
                   take PostgreSQL away from the command under load, and print the seconds
                   until it writes and renews again
  upgrades         replace processes of two versions under load, one by one and back, and
                   count what fails or is lost
  windows [sqlite|postgres]
                   take grants of a hundred writers back, and count the uses that still pass
  fuzz [SECONDS]   give random kind files to their reader, for 60 seconds by default
  mutants FILE...  change the code of these files in small ways, and list the changes
                   that no quick test of their package notices
  tidy             check what the compiler does not check: files, names, links
  api              list what the contract promises
  docs             update the code that the documents include
  book             make a book of the documents
  readme           run the commands that README.md and docs/guide show
  third-party      pack our crates; build an outside plugin and host from them
  release rehearse [--binary PROGRAM]
                   build everything that a release consists of from a clean clone
                   without a network, and install and try each part
  release build|archive|deb|image|index|publish
                   do one step of a release; without further words, print the usage
  ci [--step NAME] run the checks of each change, with seconds per step
  nightly [--step NAME]
                   run everything that `ci` does not: slow tests, long forms, drills,
                   outside plugins, the oldest Rust, and the rehearsal of a release

  new-plugin NAME [--oauth2] [--at DIR]
                   create a plugin that builds, beside this checkout or at DIR";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Failure> {
    #[cfg(unix)]
    process::signals::reset()?;
    let workspace = Workspace::find()?;
    match words {
        ["setup"] => setup::run(&workspace, setup::Scope::Everything),
        ["setup", "--release"] => setup::run(&workspace, setup::Scope::Release),
        ["test", "--quick", filters @ ..] => suite::run(&workspace, Extent::Quick, Part::All, filters),
        ["test", "--long", filters @ ..] => suite::run(&workspace, Extent::Long, Part::All, filters),
        ["test", filters @ ..] => suite::run(&workspace, Extent::Whole, Part::All, filters),
        ["layers"] => layers::run(&workspace),
        ["layers", "--counts"] => layers::show_counts(&workspace),
        ["layers", "--graph"] => layers::show_modules(&workspace),
        ["client"] => client::run(&workspace),
        ["conformance", arguments @ ..] => conformance::run(&workspace, arguments),
        [name, arguments @ ..] if drills::NAMES.contains(name) => drills::run(&workspace, name, arguments),
        ["upgrades"] => suite::run_upgrades(&workspace),
        ["fuzz"] => fuzz::run(&workspace, "60"),
        ["fuzz", seconds] => fuzz::run(&workspace, seconds),
        ["mutants", files @ ..] => mutants::run(&workspace, files),
        ["tidy"] => tidy::run(&workspace),
        ["api"] => api::write(&workspace),
        ["docs"] => tidy::write_documents(&workspace),
        ["book"] => book::run(&workspace),
        ["readme"] => readme::run(&workspace).and_then(|()| readme::run_on_postgres(&workspace)),
        ["third-party"] => third_party::run(&workspace),
        ["release", rest @ ..] => release::run(&workspace, rest),
        ["new-plugin", rest @ ..] => new_plugin::run(&workspace, rest),
        ["ci"] => ci::run(&workspace, None),
        ["ci", "--step", name] => ci::run(&workspace, Some(name)),
        ["nightly"] => ci::run_nightly(&workspace, None),
        ["nightly", "--step", name] => ci::run_nightly(&workspace, Some(name)),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(Failure::new(format!("unknown command `{}`\n\n{USAGE}", words.join(" ")))),
    }
}
