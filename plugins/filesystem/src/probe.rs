//! Looks whether the granted directories are there, and names them as an account.

use connection_contract::prelude::*;

/// As long as an account's id can be, which then may have been cut.
const LONGEST: usize = 500;

/// Looks at each; the first that cannot be used decides.
pub(crate) async fn look(roots: &[Root], ctx: &Context<'_>) -> Result<(), NotLive> {
    let Some(files) = ctx.files() else {
        return Err(NotLive::failing(Reason::new(reason::DENIED, "this host gives no access to files")));
    };
    if roots.is_empty() {
        return Err(NotLive::failing(Reason::new(reason::DENIED, "no directory is granted").remedy("connect again")));
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

/// Says which one it is.
fn named(root: &Root, mut not_live: NotLive) -> NotLive {
    not_live.reason.message = format!("{}: {}", root.as_str(), not_live.reason.message).into();
    not_live
}

/// The account of some directories is their sorted paths, with `:` between them, or a hash of them when that is too long
/// to show, has characters that are not shown, or could be read as other paths.
pub(crate) fn identity(roots: &[Root], ctx: &Context<'_>) -> Identity {
    let paths: Vec<_> = roots.iter().map(Root::as_str).collect();
    let joined = paths.join(":");
    let shown = DisplayText::from(joined.clone());
    let ambiguous = paths.len() > 1 && paths.iter().any(|path| path.contains(':'));
    let short = joined.chars().count() < LONGEST;
    let id = if shown.as_str() == joined && short && !ambiguous {
        shown
    } else {
        // No path holds a zero byte.
        format!("sha256:{}", encode::hex(&ctx.crypto().sha256(paths.join("\0").as_bytes()))).into()
    };
    let first = paths.first().copied().unwrap_or_default();
    let label = match paths.len() {
        0 | 1 => last_part(first).to_owned(),
        more => format!("{} and {} more", last_part(first), more - 1),
    };
    Identity::new(id, label)
}

/// `notes` of `/home/ada/notes`; all of `/`.
fn last_part(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
}
