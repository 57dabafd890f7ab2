//! Checks that the granted directories exist, and derives an account from them.

use connection_contract::prelude::*;

/// Maximum length of an account id in characters. An id of this length may have been cut.
const MAX_LENGTH: usize = 500;

/// Checks the directories in order, and returns the first problem.
pub(crate) async fn check_directories(roots: &[GrantedDirectory], ctx: &Context<'_>) -> Result<(), NotLive> {
    let Some(files) = ctx.files() else {
        return Err(NotLive::failing(Reason::new(reason::DENIED, "this host gives no access to files")));
    };
    if roots.is_empty() {
        return Err(NotLive::failing(
            Reason::new(reason::DENIED, "no directory is granted").remedy(reason::AUTHORIZE_AGAIN),
        ));
    }
    for root in roots {
        let stat = files.stat(root, "").await.map_err(|error| named(root, error.into()))?;
        if stat.file_type != FileType::Directory {
            let reason = Reason::new("filesystem_no_directory", "this is not a directory").remedy("name a directory");
            return Err(named(root, NotLive::failing(reason)));
        }
    }
    Ok(())
}

/// Adds the path of the directory to the message of the reason.
fn named(root: &GrantedDirectory, mut not_live: NotLive) -> NotLive {
    not_live.reason.message = format!("{}: {}", root.as_str(), not_live.reason.message).into();
    not_live
}

/// Returns the account of the directories.
///
/// The id consists of the sorted paths, joined by `:`. It is a hash of the paths instead if the joined text is too
/// long, contains characters that are not shown, or could be read as other paths.
pub(crate) fn identity(roots: &[GrantedDirectory], ctx: &Context<'_>) -> Identity {
    let paths: Vec<_> = roots.iter().map(GrantedDirectory::as_str).collect();
    let joined = paths.join(":");
    let shown = DisplayText::from(joined.clone());
    let ambiguous = paths.len() > 1 && paths.iter().any(|path| path.contains(':'));
    let short = joined.chars().count() < MAX_LENGTH;
    let id = if shown.as_str() == joined && short && !ambiguous {
        shown
    } else {
        // A zero byte separates the paths, because no path contains one.
        format!("sha256:{}", encode::hex(&ctx.crypto().sha256(paths.join("\0").as_bytes()))).into()
    };
    let first = paths.first().copied().unwrap_or_default();
    let label = match paths.len() {
        0 | 1 => last_part(first).to_owned(),
        more => format!("{} and {} more", last_part(first), more - 1),
    };
    Identity::new(id, label)
}

/// Returns the last part of a path: `notes` for `/home/ada/notes`, and `/` for `/`.
fn last_part(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
}
