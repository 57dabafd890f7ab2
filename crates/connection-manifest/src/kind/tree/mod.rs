//! A file as a tree of values with their lines. Only a file with a problem, or one that extends another, is read so.

mod json;
mod shape;
mod toml;

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;

use super::{problem::Problem, text::Text};

/// The number of problems after which the rest of a file is not looked at.
const MAX_PROBLEMS: usize = 50;

/// A value and the line where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// The file and the line of a node.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) file: Arc<str>,
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bool(bool),
    Float(f64),
    Integer(i64),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    Null,
    Text(String),
    /// A value of TOML that JSON does not have, and its name.
    Other(&'static str),
}

/// One step of a path: the index in a list, or the name in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Index(usize),
    Name(String),
}

/// A path to a value, such as `fields[0].name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<Key>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.0.iter().enumerate() {
            match key {
                Key::Index(index) => write!(f, "[{index}]")?,
                Key::Name(name) if at == 0 => f.write_str(name)?,
                Key::Name(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// Reads a file as a tree. Problems of its syntax and repeated keys are added to `problems`.
pub(crate) fn read(text: Text<'_>, problems: &mut Vec<Problem>) -> Option<Node> {
    let lines = Lines::new(text);
    let read = if text.is_json() { json::read } else { toml::read };
    read(&lines, text.text, problems)
}

/// Deserializes a tree. A part that does not fit is reported and taken out, so that every problem is reported at once.
pub(crate) fn model<T: DeserializeOwned + Default>(node: &mut Node, problems: &mut Vec<Problem>) -> T {
    for _ in 0..MAX_PROBLEMS {
        let error = match T::deserialize(shape::Reader(node)) {
            Ok(model) => return model,
            Err(error) => error,
        };
        let path = error.path();
        let place = node.place_of(&path.0).clone();
        problems.push(Problem::new(&place.file, Some(place.line), path.to_string(), error.sentence));
        if !node.remove(&path.0) {
            break;
        }
    }
    T::default()
}

impl Node {
    fn child(&self, key: &Key) -> Option<&Self> {
        match (&self.content, key) {
            (Content::Map(members), Key::Name(name)) => {
                members.iter().find(|(known, _)| known == name).map(|(_, node)| node)
            }
            (Content::List(items), Key::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    /// Returns `true` if the tree has a value at this key.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.child(key).is_some()
    }

    /// Returns the member of a table with this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Content::Map(members) = &self.content else { return None };
        members.iter().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    /// Returns where a path leads, or how far it leads.
    pub(crate) fn place_of(&self, path: &[Key]) -> &Place {
        let mut node = self;
        for key in path {
            let Some(next) = node.child(key) else { break };
            node = next;
        }
        &node.place
    }

    /// Takes out the value at a path.
    fn remove(&mut self, path: &[Key]) -> bool {
        let Some((last, parents)) = path.split_last() else { return false };
        let mut node = self;
        for key in parents {
            let next = match (&mut node.content, key) {
                (Content::Map(members), Key::Name(name)) => {
                    members.iter_mut().find(|(known, _)| known == name).map(|(_, node)| node)
                }
                (Content::List(items), Key::Index(index)) => items.get_mut(*index),
                _ => None,
            };
            let Some(next) = next else { return false };
            node = next;
        }
        match (&mut node.content, last) {
            (Content::Map(members), Key::Name(name)) => {
                let before = members.len();
                members.retain(|(known, _)| known != name);
                members.len() < before
            }
            (Content::List(items), Key::Index(index)) if *index < items.len() => {
                items.remove(*index);
                true
            }
            _ => false,
        }
    }

    /// Takes over from `base` what this tree does not have: tables are merged key by key, everything else is kept.
    pub(crate) fn inherit(&mut self, base: &Self) {
        let (Content::Map(own), Content::Map(others)) = (&mut self.content, &base.content) else { return };
        for (name, other) in others {
            match own.iter_mut().find(|(known, _)| known == name) {
                Some((_, node)) => node.inherit(other),
                None => own.push((name.clone(), other.clone())),
            }
        }
    }
}

/// The lines of a file, by the positions of its bytes.
pub(crate) struct Lines {
    file: Arc<str>,
    /// The number of the first line.
    first: u32,
    /// The position of each line's end.
    ends: Vec<usize>,
}

impl Lines {
    fn new(text: Text<'_>) -> Self {
        let ends = text.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        Self { file: text.name.into(), first: text.first_line.unwrap_or(1), ends }
    }

    fn place(&self, position: usize) -> Place {
        let before = u32::try_from(self.ends.partition_point(|end| *end < position)).unwrap_or(u32::MAX);
        Place { file: Arc::clone(&self.file), line: self.first.saturating_add(before) }
    }

    fn problem(&self, position: usize, field: &str, sentence: impl Into<connection_contract::Text>) -> Problem {
        Problem::new(&self.file, Some(self.place(position).line), field.to_owned(), sentence)
    }
}
