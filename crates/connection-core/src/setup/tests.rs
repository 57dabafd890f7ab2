//! The stored forms of a session: each value is read back as it was written, and anything else is refused without a
//! panic.

use connection_contract::{
    Answer, CertificateFault, FileStat, FileType, HttpError, HttpResponse, Reason, Record, Secret, ServiceError,
    SetupFailure, Text, Timestamp, encode, host,
};
use connection_replay::{Effect, Entry};
use proptest::{collection::vec, option, prelude::*};

use super::ForExtension;
use super::answerer::Answerer;
use super::codec::{self, Header, Paused, Purpose, Waiting};
use crate::{Tags, profile_rows::UsedProfile};

fn secret() -> impl Strategy<Value = Secret> {
    vec(any::<u8>(), 0..40).prop_map(Secret::new)
}

fn times() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_seconds)
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        any::<bool>().prop_map(Answer::Bool),
        any::<i64>().prop_map(Answer::Number),
        ".*".prop_map(|text| Answer::Secret(text.into())),
        ".*".prop_map(Answer::Text),
        ".*".prop_map(|path| Answer::Directory(host::granted_directory(path))),
        "https://[a-z]{1,9}\\.example(:[1-9][0-9]{1,3})?(/[a-z]{1,5}){0,2}"
            .prop_map(|url| Answer::Url(host::base_url(&url).unwrap())),
    ]
}

fn service_error() -> impl Strategy<Value = ServiceError> {
    use ServiceError::{Denied, NotFound, TooLarge, Unavailable};
    prop_oneof![Just(Denied), Just(NotFound), Just(TooLarge), Just(Unavailable)]
}

fn http_error() -> impl Strategy<Value = HttpError> {
    use CertificateFault::{Expired, NotYetValid, OtherName, SelfSigned, UnknownAuthority};
    use HttpError::{
        Certificate, Closed, Connect, Credential, Denied, Dns, NotTls, Protocol, Redirects, Timeout, Tls, TooLarge,
        Uncertain,
    };
    let all = [Closed, Connect, Credential, Denied, Dns, NotTls, Protocol, Timeout, Tls, TooLarge, Uncertain];
    let named = [OtherName, SelfSigned, UnknownAuthority].map(Certificate);
    prop_oneof![
        proptest::sample::select([&all[..], &named].concat()),
        times().prop_map(|clock| Certificate(Expired { clock })),
        times().prop_map(|clock| Certificate(NotYetValid { clock })),
        any::<u16>().prop_map(Redirects),
    ]
}

fn stat() -> impl Strategy<Value = FileStat> {
    let kinds = proptest::sample::select(vec![FileType::Directory, FileType::File, FileType::Other]);
    (".*", kinds, any::<u64>(), option::of(times()))
        .prop_map(|(name, kind, size, at)| FileStat::new(name, kind).size(size).modified(at))
}

fn response() -> impl Strategy<Value = HttpResponse> {
    (any::<u16>(), vec((".*", ".*"), 0..4), secret(), times())
        .prop_map(|(status, headers, body, at)| HttpResponse::new(status, headers, body, at))
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        option::of(".*").prop_map(Effect::Allocated),
        vec((".*".prop_map(Text::from), answer()), 0..4).prop_map(Effect::Answered),
        vec((".*", secret()), 0..4).prop_map(Effect::Callback),
        Just(()).prop_map(|()| Effect::Elapsed),
        vec(stat(), 0..4).prop_map(|stats| Effect::Files(Ok(stats))),
        service_error().prop_map(|error| Effect::Files(Err(error))),
        response().prop_map(|response| Effect::Http(Ok(response))),
        http_error().prop_map(|error| Effect::Http(Err(error))),
        secret().prop_map(|content| Effect::Read(Ok(content))),
        service_error().prop_map(|error| Effect::Read(Err(error))),
    ]
}

fn text_of(answer: &Answer) -> String {
    match answer {
        Answer::Secret(secret) => format!("secret {:?}", secret.expose()),
        other => format!("{other:?}"),
    }
}

/// Formats a whole effect, including the secrets that `Debug` does not show.
fn whole(effect: &Effect) -> String {
    let parameters = |pairs: &[(String, Secret)]| {
        pairs.iter().map(|(name, value)| format!("{name:?}={:?};", value.expose())).collect::<String>()
    };
    match effect {
        Effect::Answered(answers) => answers.iter().map(|(name, a)| format!("{name:?}={};", text_of(a))).collect(),
        Effect::Callback(pairs) => format!("callback {}", parameters(pairs)),
        Effect::Http(Ok(r)) => {
            format!("{} {:?} {:?} {}", r.status(), r.headers(), r.body().expose(), r.received_at().seconds())
        }
        Effect::Read(Ok(content)) => format!("read {:?}", content.expose()),
        other => format!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn every_effect_is_read_back_as_it_was_written(what in ".*", at in times(), effect in effect()) {
        let entry = Entry::new(what, at, effect);
        let read = Entry::decode(entry.encode().expose()).unwrap();
        prop_assert_eq!(&read.what, &entry.what);
        prop_assert_eq!(read.at, entry.at);
        prop_assert_eq!(whole(&read.effect), whole(&entry.effect));
    }

    #[test]
    fn a_wait_and_a_header_are_read_back_as_they_were_written(
        no in any::<u64>(),
        seq in option::of(any::<i64>()),
        what in ".*",
        fields in option::of(vec(".*", 0..4)),
        state in option::of(any::<[u8; 32]>()),
        until in option::of(times()),
        label in option::of(".*"),
        again in any::<bool>(),
        seed in any::<[u8; 32]>(),
        browser in option::of(any::<[u8; 32]>()),
        extension in option::of((".*", any::<[u8; 32]>(), vec(".*", 0..3), any::<bool>())),
    ) {
        let reason = Reason::new("connect", what.clone()).remedy(what.clone());
        let paused = seq.map(|failed| Paused { failed: Some(failed), reason });
        let account = seq.map(|_| (what.clone(), what.clone()));
        let waiting = Waiting { no, seq, what, fields, state, until, paused, account };
        let read = Waiting::decode(waiting.encode().expose()).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{waiting:?}"));
        let extension = extension.map(|(name, print, names, added)| ForExtension { name, print, names, added });
        let tags = Tags::new(again.then_some(("plan", "a=b"))).unwrap();
        let connect = Purpose::Connect { label, again, alone: again, extension: extension.clone(), tags };
        for purpose in [connect, Purpose::Reauthorize { another_account: again, extension, scopes: vec!["read".to_owned(), "write".to_owned()] }] {
            let root = browser.map(|hash| host::granted_directory(encode::hex(&hash)));
            let profile = again.then(|| UsedProfile { id: uuid::Uuid::from_u128(no.into()).into(), root });
            let led = again;
            let confirm = !again;
            let seed_of = Secret::new(seed);
            let connection = again.then(|| uuid::Uuid::from_u128(no.into()).into());
            let opened = || host::origin("https://git.internal:8443").unwrap();
            let answerer = if led { Answerer::Visitor(vec![opened(); usize::from(profile.is_some())]) } else { Answerer::Owner };
            let kind_terms = profile.as_ref().map(|_| vec![7; 32]);
            let header = Header {
                seed: seed_of,
                purpose: purpose.clone(),
                connection,
                browser,
                led,
                confirm,
                profile: profile.clone(),
                kind_terms: kind_terms.clone(),
                answerer: answerer.clone(),
            };
            let read = Header::decode(header.encode().expose()).unwrap();
            prop_assert_eq!((read.profile, read.led, read.confirm), (profile, led, confirm));
            prop_assert_eq!((read.kind_terms, read.connection, read.answerer), (kind_terms, connection, answerer));
            prop_assert_eq!((read.seed.expose(), read.purpose, read.browser), (&seed[..], purpose, browser));
        }
    }

    #[test]
    fn foreign_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        drop((Entry::decode(&bytes), Waiting::decode(&bytes), Header::decode(&bytes), codec::to_failure(&bytes)));
    }

    #[test]
    fn truncated_or_changed_bytes_are_refused_without_a_panic(
        effect in effect(),
        cut in any::<proptest::sample::Index>(),
        at in any::<proptest::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let entry = Entry::new("1 x", Timestamp::from_seconds(0), effect);
        let mut bytes = entry.encode().expose().to_vec();
        drop(Entry::decode(&bytes[..cut.index(bytes.len())]));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        drop(Entry::decode(&bytes));
    }

    #[test]
    fn a_failure_is_read_back_as_it_was_written(code in "[a-z_]*", message in ".*", remedy in option::of(".*")) {
        let failure = SetupFailure::new(code, message);
        let failure = match remedy {
            Some(remedy) => failure.remedy(remedy),
            None => failure,
        };
        let read = codec::to_failure(codec::failure(&failure).expose()).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{failure:?}"));
    }
}

/// The header is in the form of earlier versions, in which a setup always made a new connection.
#[test]
fn a_header_from_before_is_of_a_new_connection() {
    let record = Record::new().with("seed", "s").with("again", "true").with("label", "work");
    let read = Header::decode(record.encode().expose()).unwrap();
    assert_eq!(
        read.purpose,
        Purpose::Connect {
            label: Some("work".into()),
            again: true,
            alone: false,
            extension: None,
            tags: Tags::default()
        }
    );
    assert_eq!((read.browser, read.led, read.confirm), (None, false, false));
    let record = Record::new().with("seed", "s").with("another", "true");
    let read = Header::decode(record.encode().expose()).unwrap();
    assert_eq!(read.purpose, Purpose::Reauthorize { another_account: true, extension: None, scopes: Vec::new() });
}
