//! The order of the modules inside a crate, in which each module imports only from lower rows.

mod graph;
mod imports;
mod table;

pub(crate) use table::ROWS;

use std::collections::BTreeMap;

use self::imports::Read;
use crate::failure::Failure;
use crate::layers::sources;
use crate::workspace::Workspace;

/// The order of a crate's modules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    /// The rows, the lowest first.
    pub(crate) rows: &'a [&'a [&'a str]],
}

const CORE: Order<'_> = Order { rows: ROWS };

/// Returns the violations of the order in the workspace.
pub(crate) fn findings_of(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    Ok(findings(&sources(workspace, table::CRATE)?, CORE))
}

/// Returns the pairs of modules of the core of which the first imports the second.
pub(crate) fn imports(workspace: &Workspace) -> Result<Vec<(String, String)>, Failure> {
    Ok(imports::read(&sources(workspace, table::CRATE)?).imports.into_keys().collect())
}

/// Prints the modules with their imports and the counts of them.
pub(crate) fn show(workspace: &Workspace) -> Result<(), Failure> {
    let read = imports::read(&sources(workspace, table::CRATE)?);
    let mut up = 0;
    for (number, row) in CORE.rows.iter().enumerate().rev() {
        println!("row {}: {}", number + 1, row.join(", "));
        for module in *row {
            let to = read.imports.keys().filter(|(from, _)| from == module).map(|(_, to)| to.as_str());
            let (above, below): (Vec<&str>, Vec<&str>) = to.partition(|to| !CORE.allows(module, to));
            println!("  {module} -> {}", below.join(" "));
            if !above.is_empty() {
                println!("  {module} -> UP: {}", above.join(" "));
            }
            up += above.len();
        }
    }
    let graph::Counts { arrows, mutual, circle } = graph::counts(&read.imports);
    let modules = read.modules.len();
    println!(
        "{modules} modules, {arrows} arrows, {up} of them up, {mutual} mutual pairs, {circle} in the largest circle"
    );
    Ok(())
}

/// Returns the violations in the files below `src/` of a crate, by their paths.
pub(crate) fn findings(sources: &BTreeMap<String, String>, order: Order<'_>) -> Vec<String> {
    let Read { modules, imports, unknown } = imports::read(sources);
    let mut findings = unknown;
    for module in &modules {
        if order.row(module).is_none() {
            findings.push(format!("the module {module} has no row in xtask/src/layers/modules/table.rs"));
        }
    }
    for module in order.rows.iter().copied().flatten() {
        if !modules.iter().any(|known| known == module) {
            findings.push(format!("xtask/src/layers/modules/table.rs has a row for {module}, which does not exist"));
        }
    }
    for ((from, to), places) in &imports {
        if !order.allows(from, to) {
            findings.push(format!("{from} must not import {to}, which is not below it: {}", places.join(", ")));
        }
    }
    findings
}

impl Order<'_> {
    fn row(&self, module: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.contains(&module))
    }

    /// Returns `true` if the second module stands below the first.
    fn allows(&self, from: &str, to: &str) -> bool {
        self.row(to) < self.row(from)
    }
}
