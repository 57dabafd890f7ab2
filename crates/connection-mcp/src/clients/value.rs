//! The values of a configuration, without its format.

/// A value of JSON or TOML. It has no `Debug`, because it may contain secrets.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    List(Vec<Self>),
    /// A value that no entry needs, such as a number, as it is written.
    Other(String),
    Table(Table),
    Text(String),
}

/// Named values. If a name occurs twice, the last one counts, as in every client.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Table(pub(super) Vec<(String, Value)>);

impl Table {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.0.iter_mut().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    pub(super) fn table(&self, name: &str) -> Option<&Self> {
        self.get(name)?.as_table()
    }

    /// Returns the texts in a list. Other values in it are left out.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<&str>> {
        match self.get(name)? {
            Value::List(items) => Some(items.iter().filter_map(Value::as_text).collect()),
            _ => None,
        }
    }

    /// Returns the named values, each name once, in the order of the last occurrences.
    pub(super) fn effective(&self) -> impl Iterator<Item = (&str, &Value)> {
        let last = |index: usize, name: &str| self.0.iter().skip(index + 1).all(|(other, _)| other != name);
        let named = self.0.iter().enumerate().filter(move |(index, (name, _))| last(*index, name));
        named.map(|(_, (name, value))| (name.as_str(), value))
    }
}

impl Value {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Returns the value at a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, name| value.as_table()?.get(name))
    }

    /// Returns the value at a path of names, to change it.
    pub(super) fn at_mut(&mut self, path: &[&str]) -> Option<&mut Self> {
        path.iter().try_fold(self, |value, name| match value {
            Self::Table(table) => table.get_mut(name),
            _ => None,
        })
    }

    /// Returns the value with its tables in the order of their names, to compare it without regard to order.
    pub(super) fn sorted(self) -> Self {
        match self {
            Self::List(items) => Self::List(items.into_iter().map(Self::sorted).collect()),
            Self::Table(Table(named)) => {
                let mut named: Vec<_> = named.into_iter().map(|(name, value)| (name, value.sorted())).collect();
                named.sort_by(|(one, _), (other, _)| one.cmp(other));
                Self::Table(Table(named))
            }
            other => other,
        }
    }
}
