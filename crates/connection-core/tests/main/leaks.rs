//! Where secrets must not be: the forms in which one may show, and the search for them in text and in files.

use std::{fs, path::Path};

use connection_contract::encode;

/// Every form of every secret, with what it is called in a message.
pub(crate) struct Search(Vec<(String, Vec<u8>)>);

impl Search {
    /// For secrets by name.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all: Vec<(String, Vec<u8>)> = Vec::new();
        for (name, secret) in secrets {
            for (form, bytes) in forms(secret) {
                if !all.iter().any(|(_, known)| *known == bytes) {
                    all.push((format!("{name}, {form}"), bytes));
                }
            }
        }
        Self(all)
    }

    /// What is found there, by name and form.
    pub(crate) fn bytes(&self, text: &[u8]) -> Vec<String> {
        // By the first byte, since most texts are long and hold nothing.
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
        found.sort();
        found.dedup();
        found
    }

    /// What is found in and below a directory, in names and contents, and how many files were read.
    pub(crate) fn files(&self, directory: &Path) -> (Vec<String>, usize) {
        let (mut found, mut read) = (Vec::new(), 0);
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

/// A secret as it is, and in each code that a program may put it into.
fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let hex = encode::hex(bytes);
    let mut forms = vec![
        ("raw", bytes.to_vec()),
        ("hex", hex.clone().into_bytes()),
        ("capital hex", hex.to_ascii_uppercase().into_bytes()),
        ("percent-encoded", encode::percent_encode(secret).into_bytes()),
        ("form-encoded", encode::percent_encode(secret).replace("%20", "+").into_bytes()),
        ("escaped", format!("{secret:?}").trim_matches('"').as_bytes().to_vec()),
        ("numbers", format!("{bytes:?}").trim_matches(['[', ']']).as_bytes().to_vec()),
        ("UTF-16, little end first", secret.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16, big end first", secret.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
    // At each of the three places that it may have in a longer text. The first and last digits hold bits of others, too.
    for (shift, skip) in [(0, 0), (1, 2), (2, 3)] {
        let shifted = [&vec![b'x'; shift][..], bytes].concat();
        let inner = |text: String| text.trim_end_matches('=').as_bytes()[skip..].split_last().unwrap().1.to_vec();
        forms.push(("base64", inner(encode::base64(&shifted))));
        forms.push(("base64url", inner(encode::base64url(&shifted))));
    }
    forms
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
