//! The imports between the top-level modules of a crate, read from its sources.
//!
//! Paths that start with `crate`, `super` or `self` are followed wherever they appear, in a `use` or inside an
//! expression. A name that the root of the crate re-exports counts as an import of the module in which it is
//! declared. Code that is built only for tests does not count.

use std::collections::BTreeMap;

use crate::rust_source::{SplitTokens, Token, is_in_module, starts_with, test_modules, tokens, without_test_items};

/// The positions of all imports, by the importing and the imported top-level module.
pub(crate) type Imports = BTreeMap<(String, String), Vec<String>>;

/// The modules and imports that were read from a crate's sources.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) modules: Vec<String>,
    pub(crate) imports: Imports,
    /// Paths that lead to no known module or name.
    pub(crate) unknown: Vec<String>,
}

/// Reads the files below `src/` of a crate, by their paths.
pub(crate) fn read(sources: &BTreeMap<String, String>) -> Read {
    let files: BTreeMap<&str, SplitTokens> =
        sources.iter().map(|(path, text)| (path.as_str(), without_test_items(&tokens(text)))).collect();
    let tests = test_modules(&files);
    let files: BTreeMap<&str, Vec<Token>> = files
        .into_iter()
        // A program in `bin/` is a crate of its own.
        .filter(|(path, _)| !path.starts_with("bin/") && !tests.iter().any(|module| is_in_module(path, module)))
        .map(|(path, cut)| (path, cut.code))
        .collect();

    let mut modules: Vec<String> = files.keys().filter_map(|path| module_path(path).into_iter().next()).collect();
    modules.dedup();
    let root =
        files.get("lib.rs").or(files.get("main.rs")).map(|tokens| reexports(tokens, &modules)).unwrap_or_default();
    let mut read = Read { modules, ..Read::default() };
    for (path, tokens) in &files {
        let position = module_path(path);
        let Some(from) = position.first() else { continue };
        for found in paths(tokens, &position) {
            let place = format!("{path}:{}", found.line);
            let Some(name) = found.path.first() else {
                read.unknown.push(format!("{place}: imports all of the root"));
                continue;
            };
            let to = if read.modules.contains(name) { Some(name) } else { root.get(name).and_then(Option::as_ref) };
            match to {
                Some(to) if to == from => {}
                Some(to) => read.imports.entry((from.clone(), to.clone())).or_default().push(place),
                None if root.contains_key(name) => {}
                None => read.unknown.push(format!("{place}: `crate::{name}` is no module and no name of the root")),
            }
        }
    }
    read
}

/// Returns the path of the module that a file holds, which is empty for the root.
fn module_path(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| matches!(last.as_str(), "lib" | "main" | "mod")) {
        parts.pop();
    }
    parts
}

/// A path from the root of the crate, as far as it is written in the source.
#[derive(Debug, PartialEq, Eq)]
struct Path {
    line: usize,
    path: Vec<String>,
    /// The name that `as` gives it in a `use`.
    alias: Option<String>,
}

/// Returns the names that the root re-exports, each with its top-level module, or `None` for a name of another crate.
fn reexports(tokens: &[Token], modules: &[String]) -> BTreeMap<String, Option<String>> {
    let mut names = BTreeMap::new();
    for (index, token) in tokens.iter().enumerate() {
        if !token.is_name("use") {
            continue;
        }
        let mut found = Vec::new();
        tree(tokens.get(index + 1..).unwrap_or_default(), &[], &mut found);
        for Path { path, alias, .. } in found {
            let module = path.first().filter(|first| modules.contains(first)).cloned();
            if let Some(name) = alias.or_else(|| path.last().cloned()) {
                // The root's own modules, such as a prelude, repeat names without their modules.
                let known = names.entry(name).or_insert(None);
                *known = known.take().or(module);
            }
        }
    }
    names
}

/// Returns every path that starts with `crate`, `super` or `self`, resolved from the root of the crate.
fn paths(tokens: &[Token], position: &[String]) -> Vec<Path> {
    let mut found = Vec::new();
    // The inline modules that enclose the current token, with the depth at which each began.
    let mut inline: Vec<(usize, String)> = Vec::new();
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        let rest = tokens.get(index..).unwrap_or_default();
        if token.is_sign('{') {
            depth += 1;
        } else if token.is_sign('}') {
            depth = depth.saturating_sub(1);
            inline.retain(|(opened, _)| *opened < depth);
        } else if let [word, name, open, ..] = rest
            && word.is_name("mod")
            && open.is_sign('{')
        {
            inline.extend(name.name().map(|name| (depth, name.to_owned())));
        }
        let starts = ["crate", "super", "self"].iter().any(|word| token.is_name(word));
        let continues = matches!(tokens.get(..index), Some([.., colon]) if colon.is_sign(':'))
            && tokens.get(index.wrapping_sub(2)).is_some_and(|token| token.is_sign(':'));
        if !starts || continues || !starts_with(rest.get(1..).unwrap_or_default(), &[":", ":"]) {
            continue;
        }
        let mut here = position.to_vec();
        here.extend(inline.iter().map(|(_, name)| name.clone()));
        tree(rest, &here, &mut found);
    }
    found
}

/// Reads one path, or a tree of paths, relative to a module, and returns the number of its tokens.
fn tree(tokens: &[Token], from: &[String], found: &mut Vec<Path>) -> usize {
    let mut path = from.to_vec();
    let mut index = 0;
    let mut line = tokens.first().map_or(0, |token| token.line);
    while let Some(token) = tokens.get(index) {
        if token.is_sign('{') {
            return index + group(tokens.get(index..).unwrap_or_default(), &path, found);
        }
        line = token.line;
        match token.name() {
            Some("crate") => path.clear(),
            Some("self") => {}
            Some("super") => drop(path.pop()),
            Some(name) => path.push(name.to_owned()),
            // The path ends at an asterisk or at the arguments of a generic function.
            None => break,
        }
        index += 1;
        if !starts_with(tokens.get(index..).unwrap_or_default(), &[":", ":"]) {
            break;
        }
        index += 2;
    }
    let alias = match tokens.get(index..) {
        Some([word, name, ..]) if word.is_name("as") => name.name().map(str::to_owned),
        _ => None,
    };
    found.push(Path { line, path, alias });
    index
}

/// Reads the trees between braces and returns the number of tokens up to and including the closing brace.
fn group(tokens: &[Token], from: &[String], found: &mut Vec<Path>) -> usize {
    let mut index = 1;
    while let Some(token) = tokens.get(index).filter(|token| !token.is_sign('}')) {
        // At least one token is consumed, so that the loop ends for any input.
        let is_path = token.name().is_some() || token.is_sign('{') || token.is_sign('*');
        let length = if is_path { tree(tokens.get(index..).unwrap_or_default(), from, found).max(1) } else { 1 };
        index += length;
        if starts_with(tokens.get(index..).unwrap_or_default(), &["as"]) {
            index += 2;
        }
    }
    index + 1
}
