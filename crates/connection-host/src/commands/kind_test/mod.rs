//! `kinds test`: runs the conformance suite over files that describe kinds, or connects the kind of one file with every
//! request sent to a server of its author.

mod against;
mod suite;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use connection_manifest::FileKind;
use connection_testkit::conformance::CheckResult;
use serde::Serialize;

use super::kind_files::{self, RefusedBody};
use crate::{Error, Exit, args::KindTest, program::Program};

/// The result of the conformance checks of all tested kinds, for `--json`.
#[derive(Serialize)]
struct TestedBody {
    tested: usize,
    failed: usize,
    refused: Vec<RefusedBody>,
    kinds: Vec<TestedKindBody>,
}

/// The results of one kind.
#[derive(Serialize)]
struct TestedKindBody {
    id: String,
    checks: Vec<KindCheck>,
}

/// The result of one check.
#[derive(Serialize)]
struct KindCheck {
    name: &'static str,
    rule: &'static str,
    problem: Option<String>,
}

pub(super) async fn run(program: Program, arguments: KindTest) -> Result<Exit, Error> {
    match &arguments.against {
        Some(address) => against::run(program, &arguments, address).await,
        None if arguments.connects() => {
            Err(Error::usage("these options are for a test that connects an account").remedy("add --against URL"))
        }
        None => tested(&program, &arguments).await,
    }
}

/// Runs the suite over each file, or over the catalogue.
async fn tested(program: &Program, arguments: &KindTest) -> Result<Exit, Error> {
    let (set, count) = match arguments.files.as_slice() {
        [] => kind_files::of_catalogue(),
        files => {
            kind_files::one_of_each(files)?;
            (kind_files::set_with_own(program, &files.iter().collect::<Vec<_>>())?, files.len())
        }
    };
    let (mut kinds, mut problems) = set.read();
    if !arguments.files.is_empty() {
        let named: Vec<String> = arguments.files.iter().map(|file| file.display().to_string()).collect();
        kinds.retain(|kind| named.iter().any(|name| name == kind.file()));
        problems.retain(|problem| named.iter().any(|name| name == problem.file.as_str()));
    }
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for problem in &problems {
        refused.entry(problem.file.as_str().to_owned()).or_default().push(problem.to_string());
    }
    let kinds: Vec<FileKind> = kinds.iter().map(connection_manifest::KindFile::definition).collect();
    let crashed = |_| Error::new(Exit::Unexpected, "crashed", "a test crashed");
    // The suite computes for seconds, and must not keep control-C from being noticed.
    let results = tokio::task::spawn_blocking(move || all(&kinds));
    let results = program.output.waiting("the tests", results).await.map_err(crashed)?;
    let failed = results.iter().filter(|kind| kind.checks.iter().any(|check| check.problem.is_some())).count();
    let failed = failed + refused.len();
    let output = &program.output;
    let exit = if failed == 0 { Exit::Fine } else { Exit::Usage };
    if output.json {
        let refused = refused.into_iter().map(|(id, reasons)| RefusedBody { id, reasons }).collect();
        output.shape(&TestedBody { tested: count, failed, refused, kinds: results })?;
        return Ok(exit);
    }
    for kind in &results {
        let is_whole = kind.checks.iter().all(|check| check.problem.is_none());
        // A file that was named is shown in full; of the catalogue, only what fails is of interest.
        if is_whole && arguments.files.is_empty() {
            continue;
        }
        output.line(&kind.id)?;
        for KindCheck { name, rule, problem } in &kind.checks {
            match problem {
                None => output.line(format!("  ok      {name}: {rule}"))?,
                Some(problem) => output.line(format!("  failed  {name}: {problem}"))?,
            }
        }
    }
    for reason in refused.values().flatten() {
        output.line(reason)?;
    }
    output.line(format!("{count} tested, {failed} failed"))?;
    Ok(exit)
}

/// Runs the suite over all kinds, on as many threads as there are processors.
fn all(kinds: &[FileKind]) -> Vec<TestedKindBody> {
    let next = AtomicUsize::new(0);
    let work = || {
        let take = || kinds.get(next.fetch_add(1, Ordering::Relaxed));
        std::iter::from_fn(take).map(one).collect::<Vec<_>>()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut results: Vec<TestedKindBody> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    results.sort_by(|a, b| a.id.cmp(&b.id));
    results
}

fn one(kind: &FileKind) -> TestedKindBody {
    let checks = suite::results(kind).into_iter().map(|CheckResult { name, rule, problem, .. }| {
        let problem = problem.map(|text| connection_contract::DisplayText::from(text).to_string());
        KindCheck { name, rule, problem }
    });
    TestedKindBody {
        id: connection_contract::ConnectionDefinition::descriptor(kind).kind.to_string(),
        checks: checks.collect(),
    }
}
