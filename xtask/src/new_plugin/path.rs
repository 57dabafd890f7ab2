//! Relative paths from one directory to another, as a manifest contains them.

use std::path::{Component, Path};

/// Returns a relative path such as `../../there`. Where the paths have nothing in common, as on two drives, the
/// result is the whole path of the destination.
pub(crate) fn from_to(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from.len() - shared;
    let down = to.iter().skip(shared);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    if shared == 0 {
        return down.collect::<Vec<_>>().join("/");
    }
    let parts: Vec<String> = std::iter::repeat_n("..".to_owned(), up).chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
