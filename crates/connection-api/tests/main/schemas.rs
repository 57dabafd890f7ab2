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
        AcceptKind Account AddExtension Agent AgentGrant AgentToken Answer Appearance Approval ApprovalResult BeginHandOff BeginSetup ChangeProfile ChangeProfileSlot
        Check CheckReport Choice ConfirmStep Connection ConnectionCounts ConnectionPage ConsentGrant ConsentRequest Decided DeclaredPreference Delivery DirectoryProbe
        Doctor Empty EraseUses ErasedUses Event EventDelivery EventPage Explanation Extension FieldChoice FieldProblem File FileContent FollowedHandOff
        ForgottenClient Freeze FreezeChange Freezes Froze Grant GrantBudget GrantPreview GrantRules Guide HandOff HandOffSetup Header Health HealthDay Host ImportAccount ImportOutcome ImportResult
        ImportRow ImportedRow Imports IssuedAgentToken IssuedToken Kind KindChange KindChanges KindDescription KindField KindSummary LearnedRules ListedConnection
        ListedKind ListedSetup LiveHint Me ModelClient NewAgent NewAgentGrant NewAgentToken NewApproval NewConsent NewRefusal NewFreeze NewGrant NewProfile NewSetupLink NewToken OpenSetup Owner OwnerName PageToken
        Preferences Problem Profile Reason RedirectUri Refreshed ReleasedSecret Removal Removed RemovedAgent RemovedExtension
        RemovedProfile Rename Repaired RequestChange Required ResolvedConnection Revisions RulesDifference SendHeader SendRequest SetDefault
        SetPreferences SetTags Setup SetupField SetupLink SetupNotice SetupState ShownAgent ShownApproval ShownConnection ShownConsent ShownRequest
        ShownPreferences System SystemCertificate SystemKey Thawed Token Usage UsageHistory UsageRequest UsageSeries UsageSession Use UsePage
        Verification Webhook WebhookCheck WebhookKey WebhookTest Widening Withdrawal
    };
    for (_, check) in shapes {
        check();
    }
    // `Answers` reads every value as a text, `Code` is read alone, and `Page` has a parameter.
    let not_here = ["Answers", "Code", "OpenAddress", "Page"];
    let lists = [
        "ApprovalState",
        "Audience",
        "AuthType",
        "Capability",
        "Chain",
        "ChangeKind",
        "DirectoryState",
        "Encoding",
        "EventDeliveryState",
        "FileType",
        "GrantState",
        "Impact",
        "Input",
        "ListState",
        "Liveness",
        "NewAudience",
        "NewRole",
        "Order",
        "RefreshOutcome",
        "RemedyAction",
        "RequiredAction",
        "RequirementStatus",
        "Role",
        "RuleEffect",
        "RulesDecision",
        "SendEncoding",
        "SetupStage",
        "SetupType",
        "SignedBy",
        "Teardown",
        "UseDoor",
        "UseOutcome",
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
