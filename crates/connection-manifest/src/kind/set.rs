//! Several files that may extend each other, as in a directory of kinds.

use std::collections::BTreeMap;

use super::{
    Catalogue, KindFile, Power, Problem, Problems,
    read::{self, BaseName, Bases, Denied},
    text::{self, Text},
    tree::{self, Content, Node},
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
    /// The problems of files that are no text.
    unread: Vec<Problem>,
    denied: Denied,
    is_of_catalogue: bool,
}

impl KindSet {
    /// Creates a set without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file by its name and its text.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.push((name.into(), text.into()));
        self
    }

    /// Adds a file by its name and its bytes. A file that is too large, or no text in UTF-8, is a problem of the set.
    #[must_use]
    pub fn bytes(mut self, name: impl Into<String>, bytes: &[u8]) -> Self {
        let name = name.into();
        match text::decode(&name, None, bytes) {
            Ok(text) => self.files.push((name, text.to_owned())),
            Err(problem) => self.unread.push(problem),
        }
        self
    }

    /// Switches a power off. A file that uses it is refused.
    #[must_use]
    pub fn deny(mut self, power: Power) -> Self {
        self.denied.insert(power);
        self
    }

    /// Demands of each file what a file of the catalogue must say in addition: a kind with OAuth names the page that says
    /// how the provider refuses a refresh, or that it issues no refresh tokens, or the day on which there was none.
    ///
    /// ```
    /// use connection_manifest::KindSet;
    ///
    /// let file = "format = 1\nid = \"a\"\nname = \"A\"\nmechanism = \"oauth2\"\n[request]\nbase = \"https://api.a.example\"\n\
    ///             [verify]\npath = \"/me\"\n[account]\nid = \"/id\"\n[oauth2]\nauthorize = \"https://a.example/authorize\"\n\
    ///             token = \"https://a.example/token\"\n";
    /// assert!(KindSet::new().file("a.toml", file).read().1.is_empty());
    /// let problems = KindSet::new().file("a.toml", file).of_catalogue().read().1;
    /// assert_eq!(problems[0].field.as_str(), "oauth2.response");
    /// ```
    #[must_use]
    pub fn of_catalogue(mut self) -> Self {
        self.is_of_catalogue = true;
        self
    }

    /// Reads one more file, which may have any name. It may extend the files of the set and of the [`Catalogue`], and
    /// does not become part of the set.
    ///
    /// `line` is the number of the line for one line of a file that has a kind in JSON on each line.
    ///
    /// ```
    /// use connection_manifest::KindSet;
    ///
    /// let line = br#"{"format": 1, "id": "a", "name": "A", "mechanism": "none"}"#;
    /// assert_eq!(KindSet::new().read_one("kinds.jsonl", Some(1), line)?.id().as_str(), "a");
    /// let problems = KindSet::new().read_one("kinds.jsonl", Some(2), b"{}").unwrap_err();
    /// assert!(problems.iter().all(|problem| problem.line == Some(2)));
    /// # Ok::<(), connection_manifest::Problems>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Every problem of the file.
    pub fn read_one(&self, name: &str, line: Option<u32>, bytes: &[u8]) -> Result<KindFile, Problems> {
        let text = text::decode(name, line, bytes).map_err(|problem| Problems::new(vec![problem]))?;
        self.one(Text::loose(name, text, line), &mut Bases::default())
    }

    /// Reads all files. A file with a problem takes no other with it, unless another extends it.
    pub fn read(&self) -> (Vec<KindFile>, Vec<Problem>) {
        let mut kinds: Vec<KindFile> = Vec::new();
        let mut problems = self.unread.clone();
        let mut owners: BTreeMap<String, &str> = BTreeMap::new();
        let mut bases = Bases::default();
        for (name, text) in &self.files {
            let text = Text::named(name, text);
            match self.one(text, &mut bases) {
                Ok(kind) if self.is_of_catalogue && !kind.says_how_refused() => {
                    let sentence = "nothing shows how the provider refuses a refresh; add source = \"https://…\" with its \
                                    page, or undocumented = \"YYYY-MM-DD\" if there is none";
                    problems.push(Problem::new(name, line_of(text, "oauth2"), "oauth2.response", sentence));
                }
                Ok(kind) => match owners.get(kind.id().as_str()) {
                    Some(other) => {
                        let sentence = format!("the file {other} has the same id; rename one of the two kinds");
                        problems.push(Problem::new(name, line_of(text, "id"), "id", sentence));
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
            Some(Parent { id, line, child }) => {
                let find = |name: &BaseName| {
                    let own = match name {
                        BaseName::Any(id) => self.text_of(id).map(|text| (name.clone(), text)),
                        BaseName::Catalogue(_) => None,
                    };
                    own.or_else(|| embedded(name.id()))
                };
                let own = text.stem().map(str::to_owned).or(child).map(BaseName::Any);
                let name = own.as_ref().map_or_else(|| BaseName::Any(id.clone()), |own| own.parent(id.clone()));
                let mut above: Vec<BaseName> = own.into_iter().collect();
                let base = bases.merged(&name, &find, &mut above).map_err(|sentence| {
                    Problems::new(vec![Problem::new(text.name, Some(line), "extends", sentence)])
                })?;
                read::again(text, Some(base), &self.denied)?
            }
        };
        Ok(KindFile::new(text, model))
    }

    /// Returns the text of a file of the set.
    fn text_of(&self, id: &str) -> Option<Text<'_>> {
        let texts = self.files.iter().map(|(name, text)| Text::named(name, text));
        texts.into_iter().find(|text| text.stem() == Some(id))
    }
}

/// Returns the text of a kind of the catalogue.
fn embedded(id: &str) -> Option<(BaseName, Text<'static>)> {
    let (name, text) = Catalogue::text(id)?;
    Some((BaseName::Catalogue(id.to_owned()), Text::named(name, text)))
}

/// The kind that a file extends.
struct Parent {
    id: String,
    line: u32,
    /// The id of the file itself, if it has one.
    child: Option<String>,
}

/// Returns the line of a key at the top of a file.
fn line_of(text: Text<'_>, name: &str) -> Option<u32> {
    let node = tree::read(text, &mut Vec::new())?;
    node.member(name).map(|node| node.place.line)
}

/// Returns the kind that a file extends. Only a file that may have the key is looked at.
fn parent(text: Text<'_>) -> Option<Parent> {
    if !text.text.contains("extends") || text.sized().is_err() {
        return None;
    }
    let node = tree::read(text, &mut Vec::new())?;
    let id_in = |name: &str| match node.member(name) {
        Some(Node { content: Content::Text(id), place }) => Some((id.clone(), place.line)),
        _ => None,
    };
    let (id, line) = id_in("extends")?;
    Some(Parent { id, line, child: id_in("id").map(|(id, _)| id) })
}
