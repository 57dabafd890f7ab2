//! A listener of the host learns what this process does, until the listener is dropped.

use std::sync::{Arc, Mutex};

use connection_core::{ConnectionRegistry, Notification, NotificationListener};

use crate::{
    fake::Fake,
    test_host::{World, connected},
};

/// The names of the notifications, in their order. Changes of connections are left out: each write is one. So are
/// probes.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn listen(&self, registry: &ConnectionRegistry) -> NotificationListener {
        let heard = self.0.clone();
        registry.events().listen(move |notification| {
            let name = match notification {
                Notification::ConnectionsChanged | Notification::Probed(_) => return,
                Notification::Closed => "closed".to_owned(),
                Notification::KindsChanged => "kinds".to_owned(),
                Notification::Removed(id) => format!("removed {id}"),
                other => panic!("{other:?}"),
            };
            heard.lock().unwrap().push(name);
        })
    }

    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_listener_hears_of_kinds_connections_and_the_end_until_it_is_dropped() {
    let world = World::new().await;
    let registry = world.acme().await;
    let heard = Heard::default();
    let over = Heard::default();
    let listener = heard.listen(&registry);
    drop(over.listen(&registry));
    // A listener that crashes does not affect the others.
    let _crashes = registry.events().listen(|_| panic!("told so"));
    let changes = Arc::new(Mutex::new(0));
    let counted = changes.clone();
    let _counts = registry.events().listen(move |notification| {
        *counted.lock().unwrap() += usize::from(matches!(notification, Notification::ConnectionsChanged));
    });
    registry.kinds().register(Fake::new()).unwrap();
    let id = connected(&registry, "key-1").await.id();
    assert!(*changes.lock().unwrap() > 0);
    registry.remove(id).await.unwrap();
    registry.close().await;
    assert_eq!(heard.names(), ["kinds".to_owned(), format!("removed {id}"), "closed".to_owned()]);
    assert!(over.names().is_empty());
    drop(listener);
    let late = Heard::default();
    let _late = late.listen(&registry);
    assert_eq!(late.names(), ["closed"]);
}
