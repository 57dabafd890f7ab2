//! The list of the files of the directory `catalogue`, written by the test `the_list_of_embedded_files_is_complete`.

/// The files, by the order of their ids: the name of the file, and its text.
pub(super) const FILES: &[(&str, &str)] = &[];
