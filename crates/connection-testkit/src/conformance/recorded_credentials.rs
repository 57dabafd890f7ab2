//! Credentials that earlier versions of the plugin stored, each of which must stay readable.

use std::{
    any::Any,
    fmt::Debug,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use connection_contract::{ConnectionDefinition, Liveness};

use super::Suite;
use crate::fault::fail;

/// The environment variable that makes the suite write the form that the plugin stores today.
const RECORD: &str = "CONNECTION_TESTKIT_RECORD";

/// The value that deletes all recorded forms first.
const ANEW: &str = "anew";

/// The file that the suite writes if today's form is not recorded.
#[derive(Clone, Copy)]
pub(super) enum Record {
    /// The suite writes no file. The test fails and explains how to record the form.
    Nothing,
    /// The file after the last recorded one.
    Next,
    /// The first file, which replaces all recorded ones.
    Anew,
}

impl Record {
    /// Reads the choice of the author from the environment.
    #[expect(clippy::disallowed_methods, reason = "a switch of the author's shell; no plugin and no host reads it")]
    pub(super) fn from_environment() -> Self {
        match std::env::var_os(RECORD) {
            None => Self::Nothing,
            Some(value) if value == ANEW => Self::Anew,
            Some(_) => Self::Next,
        }
    }
}

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    /// "Parses bytes that `serialize_credential` of this or an earlier version of the plugin returned."
    #[track_caller]
    pub(super) fn recorded_before(&self, record: Record) {
        let Some(stem) = &self.recorded else { return };
        let made = self.made();
        let today = self.fake(&[]).serialized(&made.credential).expose().to_vec();
        let mut recorded = Vec::new();
        while let Ok(bytes) = fs::read(file(stem, recorded.len() + 1)) {
            recorded.push(bytes);
        }
        if matches!(record, Record::Anew) {
            for number in (1..=recorded.len()).rev() {
                written(fs::remove_file(file(stem, number)), stem, number);
            }
            recorded.clear();
        }
        for (number, bytes) in (1..).zip(&recorded) {
            self.reads(bytes, &file(stem, number).display().to_string());
        }
        if recorded.last().is_none_or(|newest| *newest != today) {
            let number = recorded.len() + 1;
            if matches!(record, Record::Nothing) {
                fail(&unrecorded(stem, number));
            }
            let place = file(stem, number);
            let made = place.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&place, &today));
            written(made, stem, number);
            self.reads(&today, &place.display().to_string());
        }
    }

    /// Fails if the plugin cannot read a recorded credential and verify it as live. The message begins with `name`.
    #[track_caller]
    fn reads(&self, bytes: &[u8], name: &str) {
        let read = catch_unwind(AssertUnwindSafe(|| {
            let host = self.connected(&self.verify);
            let made = self.made();
            let credential = match host.definition.parse_credential(bytes) {
                Ok(credential) => credential,
                Err(error) => fail(&format!("it can no longer be read: {error}")),
            };
            match host.verify(&credential, &host.connection(&made)) {
                Ok(found) if found.liveness == Liveness::Live => {}
                Ok(found) => fail(&format!("it is read as something that is {:?}", found.liveness)),
                Err(error) => fail(&format!("it is read as something that cannot be verified: {error}")),
            }
            host.finish();
        }));
        if let Err(panic) = read {
            fail(&format!(
                "{name}: {}. The file holds what the plugin stored when it was recorded, with the answers that the test \
                 gave then. Before the first release, record anew with `{RECORD}={ANEW} cargo test`; after it, read the \
                 form that the file has, and give the test the answers of then",
                panic_message(&*panic)
            ));
        }
    }
}

/// Returns the message of a failed test.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the plugin panics").to_owned()
}

/// Returns the path of the recorded form with this number, which begins at 1.
fn file(stem: &str, number: usize) -> PathBuf {
    format!("{stem}-{number}.bin").into()
}

fn unrecorded(stem: &str, number: usize) -> String {
    let name = file(stem, number).display().to_string();
    match number.checked_sub(1).filter(|last| *last > 0) {
        None => format!(
            "{name} does not exist: record what the plugin stores with `{RECORD}=1 cargo test`, and commit the file"
        ),
        Some(last) => format!(
            "{} is not what the plugin stores today. Before the first release, record anew with \
             `{RECORD}={ANEW} cargo test`; after it, keep that file, read both forms, run `{RECORD}=1 cargo test`, and \
             commit {name}",
            file(stem, last).display()
        ),
    }
}

#[track_caller]
fn written(result: std::io::Result<()>, stem: &str, number: usize) {
    if let Err(error) = result {
        fail(&format!("{} cannot be written: {error}", file(stem, number).display()));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env, fs,
        panic::{AssertUnwindSafe, catch_unwind},
        path::PathBuf,
        process,
    };

    use super::{Record, panic_message};
    use crate::{Expected, Input, Reply, conformance::Suite, fixtures::Node};

    /// A directory that is deleted at the end of the test.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let place = env::temp_dir().join(format!("connection-testkit-{name}-{}", process::id()));
            fs::create_dir_all(&place).unwrap();
            Self(place)
        }

        fn stem(&self) -> String {
            self.0.join("credential").display().to_string()
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).unwrap().count()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap_or_default();
        }
    }

    /// Returns the suite of an author whose test uses this token.
    fn suite(token: &str, place: &Place) -> Suite<Node> {
        let node = Expected::get("https://node.example/node")
            .header("authorization", &format!("Bearer {token}"))
            .answer(Reply::json(200, r#"{"id": "n-1", "name": "Attic"}"#));
        let linked = Input::answers(&[("address", "https://node.example"), ("token", token)]);
        let suite = Suite::new(Node::default).setup([linked], [node.duplicate()]).verify([node]);
        suite.recorded(&place.stem())
    }

    fn refused(suite: &Suite<Node>) -> String {
        panic_message(&*catch_unwind(AssertUnwindSafe(|| suite.recorded_before(Record::Nothing))).unwrap_err())
    }

    #[test]
    fn a_test_key_that_changed_before_the_first_release_is_recorded_anew_by_one_command() {
        let place = Place::new("anew");
        let before = suite("canary-token-of-before", &place);
        assert!(refused(&before).contains("credential-1.bin does not exist: record"), "{}", refused(&before));
        before.recorded_before(Record::Next);
        before.recorded_before(Record::Nothing);

        let now = suite("canary-token-of-now", &place);
        let message = refused(&now);
        assert!(message.contains("credential-1.bin: the request GET https://node.example/node"), "{message}");
        assert!(message.contains("CONNECTION_TESTKIT_RECORD=anew cargo test"), "{message}");
        now.recorded_before(Record::Anew);
        now.recorded_before(Record::Nothing);
        assert_eq!(place.files(), 1, "what was recorded before is gone");
    }

    /// A file can only be verified with the answers with which it was recorded.
    #[test]
    fn a_further_form_is_not_recorded_while_an_older_one_is_not_read() {
        let place = Place::new("next");
        suite("canary-token-of-before", &place).recorded_before(Record::Next);
        let now = suite("canary-token-of-now", &place);
        let kept = catch_unwind(AssertUnwindSafe(|| now.recorded_before(Record::Next)));
        assert!(panic_message(&*kept.unwrap_err()).contains("credential-1.bin: "));
        assert_eq!(place.files(), 1, "nothing was recorded beside it");
    }
}
