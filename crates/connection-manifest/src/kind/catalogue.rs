//! The kinds that are embedded in the program.
//!
//! Nothing is parsed until a kind is asked for.

use super::{KindFile, KindSet, Problem, Problems, catalogue_files::FILES};

/// The kinds that are embedded in the program, as files.
///
/// A kind that nobody asks for costs nothing: its text is part of the program, and is parsed when it is used.
///
/// ```
/// use connection_manifest::Catalogue;
///
/// for id in Catalogue::ids() {
///     assert!(Catalogue::kind(id).is_some_and(|kind| kind.is_ok()), "{id}");
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Catalogue;

impl Catalogue {
    /// Returns the ids of all kinds, in alphabetical order.
    pub fn ids() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, ..)| id(name))
    }

    /// Returns the ids of all kinds, each with its provider, in alphabetical order. No file is parsed.
    pub fn providers() -> impl Iterator<Item = (&'static str, &'static str)> {
        FILES.iter().map(|(name, provider, _)| (id(name), *provider))
    }

    /// Returns the name and the text of the file of a kind.
    pub fn text(id: &str) -> Option<(&'static str, &'static str)> {
        let found = FILES.binary_search_by(|(name, ..)| self::id(name).cmp(id)).ok()?;
        FILES.get(found).map(|(name, _, text)| (*name, *text))
    }

    /// Reads the file of a kind. `None` if there is no such kind.
    ///
    /// # Errors
    ///
    /// Every problem of the file. A test of this crate reads all of them, so there should be none.
    pub fn kind(id: &str) -> Option<Result<KindFile, Problems>> {
        let (name, text) = Self::text(id)?;
        let (mut kinds, problems): (Vec<KindFile>, Vec<Problem>) = KindSet::new().file(name, text).read();
        Some(kinds.pop().ok_or_else(|| Problems::new(problems)))
    }
}

/// Returns the id of the kind in the file with this name.
fn id(file: &'static str) -> &'static str {
    file.trim_end_matches(".toml")
}
