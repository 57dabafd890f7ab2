//! The list of the profiles of all kinds.

use connection_contract::Kind;
use uuid::Uuid;

use crate::{
    Cursor, Error, Fields, Page, ProfileError, connection,
    ground::Scope,
    page::one_more,
    profile_rows::{KindProfiles, Profile},
};

/// A profile in the list of all kinds.
///
/// ```
/// use connection_core::ListedProfile;
///
/// fn line(listed: &ListedProfile) -> String {
///     format!("{}: {}", listed.kind, listed.profile.label)
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedProfile {
    /// The kind that has the profile.
    pub kind: Kind,
    /// The profile.
    pub profile: Profile,
}

/// Returns a page of the profiles of all kinds.
pub(crate) async fn list(
    scope: Scope<'_, connection::System>,
    after: Option<Cursor>,
    limit: Option<u32>,
) -> Result<Page<ListedProfile>, Error> {
    let after = after.as_ref().map(Cursor::position::<Fields<(String, Uuid)>>).transpose()?;
    let Fields((last, id)) = after.unwrap_or_default();
    let mut found = Vec::new();
    for kind in scope.system.ground.kinds.all() {
        let (has_profiles, kind) = (kind.capabilities.profiles, kind.descriptor.kind);
        let missing = one_more(limit) - found.len() as i64;
        if !has_profiles || *kind.as_str() < *last || missing == 0 {
            continue;
        }
        let begin = if kind.as_str() == last { id } else { Uuid::nil() };
        match KindProfiles::new(&scope.system.ground, scope.owner, &kind)?.rows_after(begin, missing).await {
            // Only the owner `local` has the directory that a tool uses by itself.
            Err(Error::Profile(ProfileError::NoHome { .. })) => {}
            rows => found.extend(rows?.into_iter().map(|row| (kind.clone(), row))),
        }
    }
    let page = Page::of(found, limit, |(kind, row)| Fields((kind.to_string(), row.id.as_uuid())));
    Ok(page.filter_map(|(kind, row)| Some(ListedProfile { kind, profile: row.into() })))
}
