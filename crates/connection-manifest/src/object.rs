//! Objects whose members are taken one by one. Members that are not taken are kept and noted, and are not an error.

use connection_contract::{DisplayText, Text, Value};

use crate::{error::Fault, json::below, note::Note};

/// The unread members and the notes, collected while reading.
#[derive(Debug, Default)]
pub(crate) struct ReadNotes {
    pub(crate) unknown: Vec<(String, Value)>,
    pub(crate) notes: Vec<Note>,
}

impl ReadNotes {
    pub(crate) fn note(&mut self, field: impl Into<String>, text: impl Into<Text>) {
        self.notes.push(Note::new(field, text));
    }
}

/// A value and its position.
#[derive(Clone, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) at: String,
    pub(crate) value: &'a Value,
}

/// The members of an object that have not been taken yet.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    pub(crate) at: String,
    members: Vec<(&'a str, &'a Value)>,
}

impl<'a> Object<'a> {
    /// Takes the member with this name.
    pub(crate) fn take(&mut self, name: &str) -> Option<Member<'a>> {
        let index = self.members.iter().position(|(member, _)| *member == name)?;
        let (_, value) = self.members.remove(index);
        Some(Member { at: below(&self.at, name), value })
    }

    /// Takes the member with this name, which is required.
    pub(crate) fn need(&mut self, name: &str, rule: &'static str) -> Result<Member<'a>, Fault> {
        self.take(name).ok_or_else(|| Fault::at(below(&self.at, name), rule))
    }

    /// Takes a member that has two names. If both exist, the second one stays.
    pub(crate) fn either(&mut self, name: &str, other: &str) -> Option<Member<'a>> {
        self.take(name).or_else(|| self.take(other))
    }

    /// Takes a list of texts; a missing list is empty.
    pub(crate) fn texts(&mut self, name: &str, rule: &'static str) -> Result<Vec<Member<'a>>, Fault> {
        let items = self.take(name).map_or(Ok(Vec::new()), |member| member.items(rule))?;
        items.iter().try_for_each(|item| item.text(rule).map(|_| ()))?;
        Ok(items)
    }

    /// Keeps and notes the remaining members, in the order of the file.
    pub(crate) fn rest(self, beside: &mut ReadNotes) {
        for (name, value) in self.members {
            let at = below(&self.at, name);
            beside.note(at.as_str(), "this program does not read this; it is kept");
            beside.unknown.push((at, value.clone()));
        }
    }
}

impl<'a> Member<'a> {
    pub(crate) fn object(self, rule: &'static str) -> Result<Object<'a>, Fault> {
        match self.value {
            Value::Map(fields) => {
                Ok(Object { at: self.at, members: fields.iter().map(|(name, value)| (name.as_str(), value)).collect() })
            }
            _ => Err(Fault::at(self.at, rule)),
        }
    }

    pub(crate) fn items(self, rule: &'static str) -> Result<Vec<Self>, Fault> {
        let Value::List(items) = self.value else { return Err(Fault::at(self.at, rule)) };
        let item = |(index, value)| Member { at: format!("{}/{index}", self.at), value };
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(crate) fn text(&self, rule: &'static str) -> Result<&'a str, Fault> {
        self.value.as_str().ok_or_else(|| Fault::at(self.at.as_str(), rule))
    }

    pub(crate) fn truth(&self, rule: &'static str) -> Result<bool, Fault> {
        self.value.as_bool().ok_or_else(|| Fault::at(self.at.as_str(), rule))
    }

    /// Returns the text for people in each given language, English first. The language of plain text is `None`.
    pub(crate) fn display_texts(&self, beside: &mut ReadNotes) -> Result<Vec<(Option<&'a str>, DisplayText)>, Fault> {
        const RULE: &str = "this is shown to people; write a text, or an object with a text for each language";
        let words = match self.value {
            Value::Text(text) => vec![(None, self.shown(text, beside))],
            Value::Map(languages) => {
                let mut words = Vec::new();
                for (language, value) in languages {
                    let text = value.as_str().ok_or_else(|| Fault::at(below(&self.at, language), RULE))?;
                    words.push((Some(language.as_str()), self.shown(text, beside)));
                }
                words.sort_by_key(|(language, _)| *language != Some(ENGLISH));
                words
            }
            _ => return Err(Fault::at(self.at.as_str(), RULE)),
        };
        Ok(words)
    }

    /// Returns the text for people in the one language that is shown: English, or else the first that is not empty.
    pub(crate) fn one_language(&self, beside: &mut ReadNotes) -> Result<DisplayText, Fault> {
        let words = self.display_texts(beside)?;
        if words.len() > 1 {
            beside
                .note(self.at.as_str(), "only one of these languages is shown, English if it is present; all are kept");
        }
        Ok(first_given(&words))
    }

    fn shown(&self, text: &str, beside: &mut ReadNotes) -> DisplayText {
        let shown = DisplayText::from(text.to_owned());
        if shown.as_str() != text {
            beside.note(
                self.at.as_str(),
                "this is shown without invisible characters, and only up to its 500th character",
            );
        }
        shown
    }
}

/// The language of a title without a language.
pub(crate) const ENGLISH: &str = "en_US";

/// Returns the first text that is not empty, or an empty one.
pub(crate) fn first_given(words: &[(Option<&str>, DisplayText)]) -> DisplayText {
    let said = words.iter().find(|(_, text)| !text.as_str().trim().is_empty());
    said.map(|(_, text)| text.clone()).unwrap_or_default()
}
