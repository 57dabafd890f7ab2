//! The schema of each shape is what serde reads and writes.

use connection_api as api;
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::examples::{ALTERNATIVES, example_of};

/// Checks that serde reads what the schema describes, and writes the same again.
fn check<T: ToSchema + Serialize + DeserializeOwned>() {
    let name = T::name();
    for alternative in 0..ALTERNATIVES {
        let example = example_of::<T>(alternative);
        let read = serde_json::from_value::<T>(example.clone());
        let read = read.unwrap_or_else(|error| panic!("{name}: {error}: {example}"));
        assert_eq!(serde_json::to_value(&read).unwrap(), example, "{name}");
    }
}

macro_rules! each {
    ($($name:ident)+) => {
        [$((stringify!($name), check::<api::$name> as fn())),+]
    };
}

#[test]
fn the_schema_of_each_shape_is_what_serde_reads_and_writes() {
    let shapes = each! {
        AcceptKind Account AddExtension Answer Appearance BeginHandOff BeginSetup ChangeProfile ChangeProfileSlot
        Check Choice ConfirmStep Connection ConnectionCounts ConnectionPage DeclaredPreference Delivery DirectoryProbe
        Doctor Empty Event EventDelivery EventPage Extension FieldProblem File FileContent FollowedHandOff
        ForgottenClient Grant Guide HandOff HandOffSetup Header Health HealthDay Host ImportAccount ImportResult
        ImportRow ImportedRow Imports IssuedToken Kind KindChange KindChanges KindChoice KindField ListedConnection
        ListedKind ListedSetup Me NewGrant NewProfile NewSetupLink NewToken OpenSetup Owner OwnerName PageToken
        PreferenceChoice Preferences Problem Profile Reason RedirectUri Refreshed Removal Removed RemovedExtension
        RemovedProfile Rename Repaired Required ResolvedConnection Revisions SendHeader SendRequest SetDefault
        SetPreferences SetTags Setup SetupChoice SetupField SetupLink SetupNotice SetupState ShownConnection
        ShownPreferences System SystemCertificate SystemKey Token Usage UsageHistory UsageRequest UsageSeries UsageSession
        Verification Webhook WebhookCheck WebhookKey WebhookTest
    };
    for (_, check) in shapes {
        check();
    }
    // `Answers` reads every value as a text, `Code` is read alone, and `Page` has a parameter.
    let not_here = ["Answers", "Code", "OpenAddress", "Page"];
    let lists = [
        "AuthType",
        "Capability",
        "Chain",
        "DirectoryState",
        "Encoding",
        "EventDeliveryState",
        "FileType",
        "Input",
        "ListState",
        "Liveness",
        "NewRole",
        "Order",
        "RefreshOutcome",
        "RemedyAction",
        "RequiredAction",
        "RequirementStatus",
        "Role",
        "SendEncoding",
        "SetupStage",
        "SetupType",
        "SignedBy",
        "Teardown",
        "Way",
    ];
    let exported = include_str!("../../src/lib.rs").split("pub use ").skip(1);
    let exported = exported.flat_map(|line| {
        let names = line.split_once("::").unwrap().1.split_once(';').unwrap().0;
        names.split(|c: char| !c.is_ascii_alphanumeric()).filter(|name| !name.is_empty())
    });
    for name in exported {
        let is_known = shapes.iter().any(|(known, _)| *known == name);
        assert!(is_known || not_here.contains(&name) || lists.contains(&name), "{name} is not checked");
    }
}
