//! A key is on the disk before anything is sealed with it.

use crate::{KeyFile, KeySource as _, platform::recorded::below};

#[tokio::test]
async fn a_key_file_and_the_directories_above_it_are_on_the_disk_when_the_key_is_made() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::at(home.path().join("data/key/root.key"));
    file.create().await.unwrap();
    let steps = [
        "make directory data",
        "sync directory .",
        "make directory data/key",
        "sync directory data",
        "write data/key/root.key.new-*",
        "sync data/key/root.key.new-*",
        "link data/key/root.key",
        "sync directory data/key",
    ];
    assert_eq!(below(home.path()), steps);
    assert!(file.load().await.unwrap().is_some());
    assert!(below(home.path()).is_empty(), "the control: reading writes nothing");
}
