//! A table of an entry, whose members are taken one by one. A member that is not taken is reported as lost.

use connection_contract::Value;

use super::yaml::plain;

/// A table, and its path in the entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    path: String,
    members: Vec<(String, Value)>,
}

impl Table {
    /// Returns the members of a value; a value that is no mapping has none.
    pub(super) fn new(path: &str, value: Value) -> Self {
        let members = if let Value::Map(members) = value { members } else { Vec::new() };
        Self { path: path.to_owned(), members }
    }

    /// Returns the path of a member.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(known, _)| known == name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.members.iter().position(|(known, _)| known == name)?;
        Some(self.members.remove(index).1)
    }

    /// Takes a scalar as text. Another value stays, and so is reported.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let (_, value) = self.members.iter().find(|(known, _)| known == name)?;
        let text = plain(value)?;
        self.take(name);
        Some(text)
    }

    /// Takes one text, or a list of texts.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        match self.take(name) {
            Some(Value::List(items)) => items.iter().filter_map(plain).collect(),
            Some(value) => plain(&value).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Takes a truth value. A missing one is `false`.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text == "true")
    }

    /// Takes a table; a missing one is empty.
    pub(super) fn table(&mut self, name: &str) -> Self {
        let path = self.at(name);
        Self::new(&path, self.take(name).unwrap_or(Value::Null))
    }

    /// Takes the members that are left, as names and texts. Members that are no text are reported.
    pub(super) fn pairs(&mut self, lost: &mut Vec<String>) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, value) in std::mem::take(&mut self.members) {
            match plain(&value) {
                Some(text) => pairs.push((name, text)),
                None if value == Value::Null => {}
                None => lost.push(self.at(&name)),
            }
        }
        pairs
    }

    /// Leaves out members that say nothing about how an account is connected.
    pub(super) fn leave_out(&mut self, names: &[&str]) {
        self.members.retain(|(name, _)| !names.contains(&name.as_str()));
    }

    /// Returns the members that are left.
    pub(super) fn into_members(self) -> Vec<(String, Value)> {
        self.members
    }

    /// Reports the members that nobody has taken.
    pub(super) fn lose(self, lost: &mut Vec<String>) {
        lost.extend(self.members.iter().map(|(name, _)| self.at(name)));
    }
}
