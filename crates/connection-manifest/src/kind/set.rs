//! Several files that may extend each other, as in a directory of kinds.

use std::collections::BTreeMap;

use super::{
    Catalogue, KindFile, Power, Problem, Problems,
    read::{self, Bases, Denied, Text},
};

/// Files that are read together: they may extend each other and the files of the [`Catalogue`].
///
/// ```
/// use connection_manifest::KindSet;
///
/// let set = KindSet::new().file("a.toml", "format = 1\nid = \"a\"\nname = \"A\"\nmechanism = \"none\"").file(
///     "b.toml",
///     "id = \"b\"\nextends = \"a\"\nname = \"B\"",
/// );
/// let (kinds, problems) = set.read();
/// assert_eq!(kinds.len(), 2);
/// assert!(problems.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct KindSet {
    files: Vec<(String, String)>,
    denied: Denied,
}

impl KindSet {
    /// Creates an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file by its name and its text.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.push((name.into(), text.into()));
        self
    }

    /// Switches a power off. A file that uses it is refused.
    #[must_use]
    pub fn deny(mut self, power: Power) -> Self {
        self.denied.insert(power);
        self
    }

    /// Reads all files. A file with a problem takes no other with it, unless another extends it.
    pub fn read(&self) -> (Vec<KindFile>, Vec<Problem>) {
        let mut kinds: Vec<KindFile> = Vec::new();
        let mut problems = Vec::new();
        let mut owners: BTreeMap<String, &str> = BTreeMap::new();
        let mut bases = Bases::default();
        for (name, text) in &self.files {
            let text = Text { name, text };
            match self.one(text, &mut bases) {
                Ok(kind) => match owners.get(kind.id().as_str()) {
                    Some(other) => {
                        let sentence = format!("the file {other} has the same id; rename one of the two kinds");
                        problems.push(Problem::new(name, None, "id", sentence));
                    }
                    None => {
                        owners.insert(kind.id().to_string(), name);
                        kinds.push(kind);
                    }
                },
                Err(found) => problems.extend(found.iter().cloned()),
            }
        }
        (kinds, problems)
    }

    fn one(&self, text: Text<'_>, bases: &mut Bases) -> Result<KindFile, Problems> {
        let model = match parent(text) {
            None => read::one(text, &self.denied)?,
            Some((parent, line)) => {
                let find =
                    |id: &str| self.text_of(id).or_else(|| Catalogue::text(id).map(|(name, text)| Text { name, text }));
                let mut above: Vec<String> = text.stem().map(str::to_owned).into_iter().collect();
                let base = bases.merged(&parent, &find, &mut above).map_err(|sentence| {
                    Problems::new(vec![Problem::new(text.name, Some(line), "extends", sentence)])
                })?;
                read::again(text, Some(base), &self.denied)?
            }
        };
        Ok(KindFile::new(text, model))
    }

    fn text_of(&self, id: &str) -> Option<Text<'_>> {
        let texts = self.files.iter().map(|(name, text)| Text { name, text });
        texts.into_iter().find(|text| text.stem() == Some(id))
    }
}

/// Returns the kind that a file extends, and the line. Only a file that may have the key is looked at.
fn parent(text: Text<'_>) -> Option<(String, u32)> {
    if !text.text.contains("extends") {
        return None;
    }
    let node = super::tree::read(text.name, text.text, text.is_json(), &mut Vec::new())?;
    let member = node.member("extends")?;
    match &member.content {
        super::tree::Content::Text(id) => Some((id.clone(), member.place.line)),
        _ => None,
    }
}
