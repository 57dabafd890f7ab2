//! The search for secrets in text and files, in all forms in which one may appear.

use std::{fs, path::Path};

use connection_contract::encode;
use connection_testkit::canary::{Lists, forms};

/// Every form of every secret, with its name for messages; and the secrets, to find lists of numbers.
pub(crate) struct Search(Vec<(String, Vec<u8>)>, Vec<(String, String)>);

impl Search {
    /// Creates a search for secrets by name.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut all, mut own): (Vec<(String, Vec<u8>)>, Vec<_>) = Default::default();
        for (name, secret) in secrets {
            own.push((name.to_owned(), secret.to_owned()));
            for (form, bytes) in forms(secret.as_bytes()) {
                if !all.iter().any(|(_, known)| *known == bytes) {
                    all.push((format!("{name}, {form}"), bytes));
                }
            }
        }
        Self(all, own)
    }

    /// Returns the name and form of each secret that is found.
    pub(crate) fn bytes(&self, text: &[u8]) -> Vec<String> {
        // Indexed by the first byte, since most texts are long and contain nothing.
        let mut first: [Vec<usize>; 256] = std::array::from_fn(|_| Vec::new());
        for (at, (_, form)) in self.0.iter().enumerate() {
            first[usize::from(form[0])].push(at);
        }
        let mut found: Vec<_> = (0..text.len())
            .flat_map(|at| {
                first[usize::from(text[at])].iter().filter(move |form| text[at..].starts_with(&self.0[**form].1))
            })
            .map(|form| self.0[*form].0.clone())
            .collect();
        let lists = Lists::of(text);
        for (name, secret) in &self.1 {
            found.extend(lists.found(secret.as_bytes()).map(|form| format!("{name}, {form}")));
        }
        found.sort();
        found.dedup();
        found
    }

    /// Returns what is found in and below a directory, in names and contents, and the number of files that were
    /// read.
    pub(crate) fn files(&self, directory: &Path) -> (Vec<String>, usize) {
        let mut found = Vec::new();
        let mut read = 0;
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.display().to_string();
            let mut here = self.bytes(name.as_bytes());
            if path.is_dir() {
                let (below, files) = self.files(&path);
                found.extend(below);
                read += files;
            } else {
                here.extend(self.bytes(&fs::read(&path).unwrap()));
                read += 1;
            }
            found.extend(here.into_iter().map(|what| format!("{name}: {what}")));
        }
        (found, read)
    }
}

#[test]
fn a_secret_is_found_in_every_form_and_nothing_else_is() {
    let search = Search::of([("one", "canary?one>Aa~9+/="), ("two", "canary?two>Bb~8-_&")]);
    let secret = "canary?one>Aa~9+/=";
    for longer in [secret.to_owned(), format!("a{secret}b"), format!("ab{secret}cd"), format!("abc{secret}")] {
        let bytes = longer.as_bytes();
        let utf16: Vec<u8> = longer.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let texts = [
            bytes.to_vec(),
            encode::hex(bytes).into_bytes(),
            encode::base64(bytes).into_bytes(),
            encode::base64url(bytes).into_bytes(),
            encode::percent_encode(&longer).into_bytes(),
            format!("{bytes:?}").into_bytes(),
            format!("{bytes:#?}").into_bytes(),
            format!("{bytes:02x?}").into_bytes(),
            bytes.iter().rev().copied().collect(),
            utf16,
        ];
        for text in texts {
            let found = search.bytes(&[b"before ", &text[..], b" after"].concat());
            assert!(!found.is_empty(), "{}", String::from_utf8_lossy(&text));
            assert!(found.iter().all(|found| found.starts_with("one, ")), "{found:?}");
        }
    }
    assert!(search.bytes(b"canary?onE canary one two").is_empty());
    let directory = tempfile::TempDir::new().unwrap();
    fs::create_dir(directory.path().join("below")).unwrap();
    fs::write(directory.path().join("below/file"), [0, 1].iter().chain(secret.as_bytes()).copied().collect::<Vec<_>>())
        .unwrap();
    let (found, read) = search.files(directory.path());
    assert_eq!((found.len(), read), (1, 1), "{found:?}");
}
