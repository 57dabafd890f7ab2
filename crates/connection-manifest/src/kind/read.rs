//! Reading of files: from text to a model that was checked.
//!
//! A file without problems is read once, straight into the model. Only a file with a problem is read again as a tree,
//! to find the lines; then everything is reported at once.

use std::collections::BTreeMap;

use serde::Deserialize as _;

use super::{
    check::{self, Finding},
    in_json::in_json,
    model::{KindModel, Power},
    problem::{Problem, Problems},
    strict::Strict,
    text::Text,
    tree::{self, Content, Node},
};

/// The version of the format that this program reads.
pub(crate) const FORMAT: u32 = 1;

/// The powers that a host has switched off.
pub(crate) type Denied = std::collections::BTreeSet<Power>;

/// Reads a file that extends no other.
pub(crate) fn one(text: Text<'_>, denied: &Denied) -> Result<KindModel, Problems> {
    text.sized().map_err(|problem| Problems::new(vec![problem]))?;
    let read = match text.is_json() {
        true => from_json(text.text),
        false => toml::Deserializer::parse(text.text).ok().and_then(|file| KindModel::deserialize(Strict(file)).ok()),
    };
    if let Some(model) = read {
        if model.extends.is_none() && check::all(&model, text.stem(), denied).is_empty() {
            return Ok(model);
        }
        if model.extends.is_some() {
            let rule = "the kind that this file extends is not here; read both files together";
            let mut problems = Vec::new();
            let node = tree::read(text, &mut problems);
            let line = node.as_ref().and_then(|node| node.member("extends")).map(|node| node.place.line);
            return Err(Problems::new(vec![Problem::new(text.name, line, "extends", rule)]));
        }
    }
    again(text, None, denied)
}

fn from_json(text: &str) -> Option<KindModel> {
    let mut file = serde_json::Deserializer::from_str(text);
    let model = KindModel::deserialize(Strict(&mut file)).ok()?;
    file.end().ok()?;
    Some(model)
}

/// Reads a file as a tree, on top of the tree that it extends.
pub(crate) fn again(text: Text<'_>, base: Option<&Node>, denied: &Denied) -> Result<KindModel, Problems> {
    let mut problems = Vec::new();
    let node = tree::read(text, &mut problems);
    let Some(mut node) = node.filter(|_| problems.is_empty() || text.is_json()) else {
        return Err(Problems::new(problems));
    };
    if let Some((format, line)) = node.member("format").and_then(format_of)
        && let Some(finding) = check::newer_format(Some(format))
    {
        return Err(Problems::new(vec![Problem::new(text.name, Some(line), "format", finding.sentence)]));
    }
    if let Some(base) = base {
        node.inherit(base);
    }
    // The places are looked up in the tree as it was, because what does not fit is taken out of the other.
    let whole = node.clone();
    let model: KindModel = tree::model(&mut node, &mut problems);
    let shape: Vec<String> = problems.iter().map(|problem| problem.field.as_str().to_owned()).collect();
    let is_table = matches!(whole.content, Content::Map(_));
    let findings = if is_table { check::all(&model, text.stem(), denied) } else { Vec::new() };
    for Finding { path, sentence, about_fields } in findings {
        // A key that did not fit was reported already, and is missing from the model only therefore.
        let field = path.to_string();
        let is_known = shape.iter().any(|reported| {
            let unit = unit(reported);
            field.starts_with(unit) || unit.starts_with(&field) || about_fields && unit.starts_with("fields")
        });
        if !is_known {
            let place = whole.place_of(&path.0);
            let is_there = path.0.first().is_some_and(|first| whole.has(first));
            let line = is_there.then_some(place.line).or(text.first_line);
            problems.push(Problem::new(&place.file, line, field, sentence));
        }
    }
    if problems.is_empty() {
        return Ok(model);
    }
    for problem in &mut problems {
        let file = problem.file.as_str();
        // A problem in the file that is extended is mended there.
        let is_json = if file == text.name { text.is_json() } else { Text::named(file, "").is_json() };
        if is_json {
            problem.sentence = in_json(&problem.sentence).into();
        }
    }
    Err(Problems::new(problems))
}

/// Returns the version of the format that a file states, and its line.
fn format_of(node: &Node) -> Option<(u32, u32)> {
    match node.content {
        Content::Integer(format) => Some((u32::try_from(format).ok()?, node.place.line)),
        _ => None,
    }
}

/// Returns the part of a file whose other problems may follow from a key that did not fit: a field as a whole.
fn unit(field: &str) -> &str {
    let end = field.find(']').filter(|_| field.starts_with("fields["));
    end.and_then(|end| field.get(..=end)).unwrap_or(field)
}

/// The name of a kind that a file extends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BaseName {
    /// A kind of the files that are read together, or else of the catalogue.
    Any(String),
    /// A kind of the catalogue alone.
    Catalogue(String),
}

impl BaseName {
    pub(crate) fn id(&self) -> &str {
        let (Self::Any(id) | Self::Catalogue(id)) = self;
        id
    }

    /// Returns why a kind that does not exist cannot be extended.
    fn unknown(&self) -> String {
        let sentence = match self {
            Self::Any(_) => "this extends a kind that does not exist; correct its id, or name its file as well",
            Self::Catalogue(_) => {
                "a file can extend a kind of its own name only if the catalogue has that kind, and it has none; extend \
                 another kind"
            }
        };
        sentence.to_owned()
    }

    /// Returns what a file means by `parent`, if this is the name of the file itself.
    ///
    /// A file that extends its own id extends the kind of the catalogue that it is used instead of. A file of the
    /// catalogue extends the catalogue alone, so that its kind is the same in every set of files.
    pub(crate) fn parent(&self, parent: String) -> Self {
        match self {
            Self::Any(id) if *id != parent => Self::Any(parent),
            Self::Any(_) | Self::Catalogue(_) => Self::Catalogue(parent),
        }
    }
}

/// The trees of files that others extend, each with everything that it extends itself.
#[derive(Debug, Default)]
pub(crate) struct Bases(BTreeMap<BaseName, Node>);

impl Bases {
    /// Returns the tree of the kind `name`, merged with what it extends.
    ///
    /// `find` returns the text of a kind, and says if it is that of the catalogue.
    ///
    /// # Errors
    ///
    /// A sentence that says why the kind cannot be extended.
    pub(crate) fn merged<'t>(
        &mut self,
        name: &BaseName,
        find: &dyn Fn(&BaseName) -> Option<(BaseName, Text<'t>)>,
        above: &mut Vec<BaseName>,
    ) -> Result<&Node, String> {
        if !self.0.contains_key(name) {
            if above.contains(name) {
                let circle: Vec<&str> = above.iter().map(BaseName::id).collect();
                return Err(format!("the files extend each other in a circle ({}); break it", circle.join(", ")));
            }
            let (found, text) = find(name).ok_or_else(|| name.unknown())?;
            text.sized()
                .map_err(|problem| format!("the kind that this extends cannot be read: {}", problem.sentence))?;
            let mut problems = Vec::new();
            let node = tree::read(text, &mut problems);
            let Some(mut node) = node.filter(|_| problems.is_empty()) else {
                return Err("the kind that this extends cannot be read; correct that file first".to_owned());
            };
            let parent = node.member("extends").and_then(|node| match &node.content {
                Content::Text(text) => Some(found.parent(text.clone())),
                _ => None,
            });
            if let Some(parent) = parent {
                above.push(name.clone());
                let base = self.merged(&parent, find, above)?.clone();
                node.inherit(&base);
            }
            self.0.insert(name.clone(), node);
        }
        self.0.get(name).ok_or_else(|| name.unknown())
    }
}
