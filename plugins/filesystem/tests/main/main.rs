//! The plugin against a fake host. No test touches a real file.

mod conformance;
mod setup;
mod verify;

use connection_plugin_filesystem::Filesystem;
use connection_testkit::{FakeFiles, FakeHost, Input};

fn host(files: FakeFiles) -> FakeHost<Filesystem> {
    FakeHost::new(Filesystem).files(files)
}

fn files() -> FakeFiles {
    FakeFiles::new().root("/home/ada/notes", &[("todo.md", "milk")]).root("/home/ada/work", &[])
}

fn roots(paths: &[&str]) -> Input {
    Input::answers(&paths.iter().map(|path| ("roots", *path)).collect::<Vec<_>>())
}
