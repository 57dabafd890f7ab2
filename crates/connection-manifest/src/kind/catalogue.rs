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
        FILES.iter().map(|(name, _)| name.trim_end_matches(".toml"))
    }

    /// Returns the name and the text of the file of a kind.
    pub fn text(id: &str) -> Option<(&'static str, &'static str)> {
        let found = FILES.binary_search_by(|(name, _)| name.trim_end_matches(".toml").cmp(id)).ok()?;
        FILES.get(found).copied()
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
