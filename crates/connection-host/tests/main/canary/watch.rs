//! A machine on which everything that is printed or written is searched for secrets, in every form.

use connection_contract::encode;
use connection_testkit::canary::{self, Lists};

use crate::{
    program::{Machine, contents},
    provider::{KEY_SECRET, NOTION_KEY, SECRETS},
};

/// Secrets that the provider refuses, or that are refused before the provider is asked.
pub(super) const WRONG: [&str; 3] = ["canary+refused/0b7e", "canary+argument/5d21", "canary+malformed/9a3c"];

/// A machine whose output and files are searched for secrets.
pub(super) struct Watch {
    pub(super) machine: Machine,
    pub(super) crashing: String,
    secrets: Forms,
    pub(super) seen: std::cell::RefCell<Vec<Vec<u8>>>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let mut machine = Machine::new();
        for (name, value) in [("CONNECTIONS_LOG", "trace"), ("RUST_BACKTRACE", "full"), ("NOTION", NOTION_KEY)] {
            machine.set(name, value);
        }
        let temporary = machine.path("temporary");
        std::fs::create_dir(&temporary).expect("a home can be written");
        machine.set("TMPDIR", temporary.to_str().expect("its name is text"));
        let crashing = format!(r#"{{"name": "crashing", "token": "{KEY_SECRET}"}}"#);
        let crashing = machine.write("given/acme.json", crashing.as_bytes());
        Self { machine, crashing, secrets: Forms::new(), seen: Default::default() }
    }

    /// Adds a secret to the search.
    pub(super) fn knows(&mut self, secret: &str) {
        self.secrets.add(secret);
    }

    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str], exit: i32) {
        let ran = self.machine.run(arguments).exits(exit);
        self.search(arguments, ran.bytes, ran.err);
    }

    #[track_caller]
    pub(super) fn feed(&self, arguments: &[&str], input: &str, exit: i32) {
        let ran = self.machine.feed(arguments, input).exits(exit);
        self.search(arguments, ran.bytes, ran.err);
    }

    #[track_caller]
    pub(super) fn example(&self, name: &str, arguments: &[&str], exit: i32) {
        let ran = self.machine.run_example(name, arguments).exits(exit);
        self.search(arguments, ran.bytes, ran.err);
    }

    #[track_caller]
    pub(super) fn search(&self, arguments: &[&str], out: Vec<u8>, err: String) {
        for text in [out, err.into_bytes()] {
            let lists = Lists::of(&text);
            let listed = SECRETS.iter().chain(&WRONG).find_map(|secret| lists.found(secret.as_bytes()));
            assert_eq!(listed, None, "{arguments:?} prints a secret:\n{}", String::from_utf8_lossy(&text));
            assert!(!self.leaks(&text), "{arguments:?} prints a secret:\n{}", String::from_utf8_lossy(&text));
            self.seen.borrow_mut().push(text);
        }
        assert!(!self.files_leak(), "after {arguments:?} a file holds a secret");
    }

    /// Returns `true` if the text contains a secret. The root key is a secret everywhere but in its own file.
    pub(super) fn leaks(&self, text: &[u8]) -> bool {
        let key = std::fs::read(self.machine.data().join("key").join("root.key")).unwrap_or_default();
        self.secrets.is_in(text)
            || (!key.is_empty() && (finds(text, &key) || finds(text, encode::hex(&key).as_bytes())))
    }

    /// Returns `true` if a file below the home contains a secret. Files that the user gave are excepted.
    pub(super) fn files_leak(&self) -> bool {
        let given = self.machine.path("given");
        let files = contents(&self.machine.path(""));
        let others = files.iter().filter(|(path, _)| !path.starts_with(&given) && !path.ends_with("root.key"));
        others.into_iter().any(|(_, bytes)| self.leaks(bytes))
    }
}

/// All forms of all secrets, and the two bytes with which they begin. This makes it fast to search long files for many
/// forms.
struct Forms {
    forms: Vec<String>,
    begins: Vec<bool>,
}

impl Forms {
    fn new() -> Self {
        let mut all = Self { forms: Vec::new(), begins: vec![false; 1 << 16] };
        SECRETS.iter().chain(&WRONG).for_each(|secret| all.add(secret));
        all
    }

    fn add(&mut self, secret: &str) {
        for form in forms(secret) {
            self.begins[Self::begin(form.as_bytes())] = true;
            self.forms.push(form);
        }
    }

    fn begin(bytes: &[u8]) -> usize {
        usize::from(bytes[0]) << 8 | usize::from(bytes[1])
    }

    fn is_in(&self, text: &[u8]) -> bool {
        let begins = |at: usize| text.get(at..at + 2).is_some_and(|bytes| self.begins[Self::begin(bytes)]);
        (0..text.len())
            .filter(|at| begins(*at))
            .any(|at| self.forms.iter().any(|form| text[at..].starts_with(form.as_bytes())))
    }
}

pub(super) fn finds(text: &[u8], form: &[u8]) -> bool {
    text.windows(form.len()).any(|part| part == form)
}

/// Returns each form of a secret that is text. Lists of numbers are found separately.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let forms = canary::forms(secret.as_bytes()).into_iter().filter_map(|(_, form)| String::from_utf8(form).ok());
    forms.filter(|form| !form.contains('\0')).collect()
}
