//! The imports between the modules of a crate: no circles in any crate, and tables of rows for the largest.

mod graph;
mod imports;
mod table;

pub(crate) use graph::reached_from;

use std::collections::BTreeMap;

use self::imports::Read;
use self::table::ORDERS;
use crate::failure::Failure;
use crate::layers::metadata::Package;
use crate::layers::sources;
use crate::workspace::Workspace;

/// The order of the modules of a package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    /// The name of the package.
    pub(crate) package: &'a str,
    /// The rows, the lowest first.
    pub(crate) rows: &'a [&'a [&'a str]],
}

/// Returns the circles of modules in every package, and the violations of the orders.
pub(crate) fn findings_of(workspace: &Workspace, packages: &[Package]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for package in packages {
        let sources = sources(workspace, &package.directory)?;
        let order = ORDERS.iter().find(|order| order.package == package.name);
        let wrong = order.map(|order| findings(&sources, *order)).unwrap_or_default();
        let wrong = wrong.into_iter().chain(circles(&sources));
        found.extend(wrong.map(|finding| format!("{}: {finding}", package.name)));
    }
    Ok(found)
}

/// Returns the circles of modules in the files below `src/` of a crate, each with the imports that form it.
pub(crate) fn circles(sources: &BTreeMap<String, String>) -> Vec<String> {
    let imports = imports::read(sources).imports;
    let shown = graph::circles(&imports).into_iter().map(|circle| {
        let inside = |module: &String| circle.contains(module.as_str());
        let arrows = imports.iter().filter(|((from, to), _)| inside(from) && inside(to));
        let arrows = arrows.map(|((from, to), places)| format!("{from} -> {to} ({})", places.join(", ")));
        format!("modules import each other in a circle: {}", arrows.collect::<Vec<_>>().join(", "))
    });
    shown.collect()
}

/// Prints the counts of every package: modules, the imports between them, and lines of code in its
/// sources and in its tests, without blank lines and comments.
pub(crate) fn show_counts(workspace: &Workspace, packages: &[Package]) -> Result<(), Failure> {
    let titles = ["package", "modules", "arrows", "mutual", "circles", "largest", "source", "tests"];
    let mut rows = vec![titles.map(str::to_owned)];
    let mut sums = [0; 7];
    for Package { name, directory, .. } in packages {
        let sources = sources(workspace, directory)?;
        let mut lines = [0, 0];
        for (path, text) in workspace.texts(|path| path.starts_with(&format!("{directory}/")))? {
            let is_test = !path.contains("/src/") || path.split(['/', '.']).any(|part| part == "tests");
            if path.ends_with(".rs") {
                lines[usize::from(is_test)] += lines_of_code(&text);
            }
        }
        let read = imports::read(&sources);
        let graph::Counts { arrows, mutual, circles, largest } = graph::counts(&read.imports);
        let counts = [read.modules.len(), arrows, mutual, circles, largest, lines[0], lines[1]];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        rows.push(row(name, counts));
    }
    rows.push(row("total", sums));
    for [name, numbers @ ..] in rows {
        println!("{name:<31}{}", numbers.map(|number| format!("{number:>8}")).concat());
    }
    for order in ORDERS {
        let imports = imports::read(&sources(workspace, &order.directory())?).imports;
        let up = imports.keys().filter(|(from, to)| !order.allows(from, to)).count();
        println!("arrows up in {}: {up}", order.package);
    }
    Ok(())
}

fn row(name: &str, counts: [usize; 7]) -> [String; 8] {
    let mut row = [(); 8].map(|()| name.to_owned());
    row.iter_mut().skip(1).zip(counts).for_each(|(cell, count)| *cell = count.to_string());
    row
}

/// Returns the number of lines that are neither blank nor a comment.
fn lines_of_code(text: &str) -> usize {
    text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// Prints the modules that have an order with their imports, and the counts of them.
pub(crate) fn show(workspace: &Workspace) -> Result<(), Failure> {
    ORDERS.iter().try_for_each(|order| show_order(workspace, *order))
}

fn show_order(workspace: &Workspace, order: Order<'_>) -> Result<(), Failure> {
    println!("{}", order.package);
    let read = imports::read(&sources(workspace, &order.directory())?);
    let mut up = 0;
    for (number, row) in order.rows.iter().enumerate().rev() {
        println!("row {}: {}", number + 1, row.join(", "));
        for module in *row {
            let to = read.imports.keys().filter(|(from, _)| from == module).map(|(_, to)| to.as_str());
            let (above, below): (Vec<&str>, Vec<&str>) = to.partition(|to| !order.allows(module, to));
            println!("  {module} -> {}", below.join(" "));
            if !above.is_empty() {
                println!("  {module} -> UP: {}", above.join(" "));
            }
            up += above.len();
        }
    }
    println!("{} modules, {} arrows, {up} of them up", read.modules.len(), read.imports.len());
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
    /// Returns the directory of the package.
    fn directory(&self) -> String {
        format!("crates/{}", self.package)
    }

    fn row(&self, module: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.contains(&module))
    }

    /// Returns `true` if the second module stands below the first.
    fn allows(&self, from: &str, to: &str) -> bool {
        self.row(to) < self.row(from)
    }
}
