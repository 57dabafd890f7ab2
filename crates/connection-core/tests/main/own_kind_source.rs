//! A source of the kinds that extensions bring, which counts what it makes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use connection_contract::{AuthType, Descriptor, ExtensionDeclaration, Field, Kind, Prompt, Reason};
use connection_core::{ConnectionRegistry, OwnKind, OwnKinds, RegistryBuilder};
use connection_faults::scripted::{self, Scripted};

use crate::{
    extension_kit::{TWIN, needs, of},
    test_host::World,
};

type Make = Box<dyn Fn(&str, &str) -> Option<OwnKind> + Send + Sync>;

/// Makes a kind from the name of an extension and the text that its owner stored.
pub(crate) struct Source {
    make: Make,
    made: AtomicUsize,
}

impl Source {
    pub(crate) fn new(make: impl Fn(&str, &str) -> Option<OwnKind> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { make: Box::new(make), made: AtomicUsize::new(0) })
    }

    /// Makes kinds whose title and terms are the stored text.
    pub(crate) fn of_text() -> Arc<Self> {
        Self::new(|extension, source| Some(OwnKind::new(of_text(extension, source)?)))
    }

    /// Returns how many kinds were made.
    pub(crate) fn made(&self) -> usize {
        self.made.load(SeqCst)
    }
}

impl OwnKinds for Source {
    fn stored(&self, _: &str, extension: &str, source: &str) -> Option<OwnKind> {
        self.made.fetch_add(1, SeqCst);
        (self.make)(extension, source)
    }

    fn declared(&self, declaration: &ExtensionDeclaration) -> Result<OwnKind, Reason> {
        (self.make)(&declaration.name, "declared").ok_or_else(|| Reason::new("no_kind", "it makes no kind"))
    }
}

/// A kind whose title and terms are this text. It sends requests, and hands out one secret.
pub(crate) fn of_text(extension: &str, text: &str) -> Option<Scripted> {
    let kind = Kind::of_extension(extension, &TWIN)?;
    let descriptor = Descriptor::new(kind, text.to_owned(), AuthType::ApiKey)
        .provider(TWIN)
        .extension(extension.to_owned())
        .terms(text.to_owned())
        .origin("https://api.twin.example")
        .field(Field::secret("apiKey", text.to_owned()))
        .secret_name("apiKey");
    let scripted = Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let mut answers = ctx.prompt(Prompt::new("Twin").field("apiKey")).await;
            Ok(scripted::live(answers.secret("apiKey")?, scripted::identity("one")))
        })
    });
    Some(scripted.bearer().hands_out(|_, key, _| Some(key.duplicate())))
}

/// Adds an extension with this text for the owner of the registry, and returns the kind that it brings.
pub(crate) async fn added(registry: &ConnectionRegistry, name: &str, text: &str) -> Kind {
    let declaration = of(name, needs(TWIN, AuthType::ApiKey, &["apiKey"]));
    registry.extensions().add(&declaration, text).await.unwrap();
    Kind::of_extension(name, &TWIN).unwrap()
}

pub(crate) fn builder(world: &World, source: &Arc<Source>) -> RegistryBuilder {
    world.builder().own_kinds(source.clone())
}
