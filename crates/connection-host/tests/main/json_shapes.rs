//! The members of the JSON shapes that the command prints. Those of shapes of the API come from its types.

use connection_api as api;
use connection_host::words::SHAPES;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

/// The name of a shape, and its members.
type OfType = (&'static str, fn() -> Vec<String>);

/// The shapes of the API that the command prints.
pub(crate) const OF_API: &[OfType] = &[
    ("agent", members::<api::Agent>),
    ("shownAgent", members::<api::ShownAgent>),
    ("agentGrant", members::<api::AgentGrant>),
    ("grantBudget", members::<api::GrantBudget>),
    ("agentToken", members::<api::AgentToken>),
    ("issuedAgentToken", members::<api::IssuedAgentToken>),
    ("agentRemoved", members::<api::RemovedAgent>),
    ("rulesDiff", members::<api::RulesDifference>),
    ("connection", members::<api::Connection>),
    ("setupLink", members::<api::SetupLink>),
    ("account", members::<api::Account>),
    ("reason", members::<api::Reason>),
    ("refreshed", members::<api::Refreshed>),
    ("webhook", members::<api::Webhook>),
    ("webhookKey", members::<api::WebhookKey>),
    ("webhookTest", members::<api::WebhookTest>),
    ("delivery", members::<api::Delivery>),
    ("event", members::<api::Event>),
    ("extension", members::<api::Extension>),
    ("grant", members::<api::Grant>),
    ("extensionRemoved", members::<api::RemovedExtension>),
    ("preferences", members::<api::Preferences>),
    ("revisions", members::<api::Revisions>),
    ("openSettings", members::<api::HandOff>),
    ("required", members::<api::Required>),
    ("resolved", members::<api::ResolvedConnection>),
    ("guide", members::<api::Guide>),
    ("field", members::<api::KindField>),
    ("choice", members::<api::FieldChoice>),
    ("accepted", members::<api::KindChanges>),
    ("kindChange", members::<api::KindChange>),
    ("removed", members::<api::Removed>),
    ("answer", members::<api::Answer>),
    ("header", members::<api::Header>),
    ("file", members::<api::File>),
    ("content", members::<api::FileContent>),
    ("profile", members::<api::Profile>),
    ("probe", members::<api::DirectoryProbe>),
    ("profileRemoved", members::<api::RemovedProfile>),
    ("usage", members::<api::Usage>),
    ("setup", members::<api::OpenSetup>),
    ("doctor", members::<api::Doctor>),
    ("check", members::<api::Check>),
    ("redirectUri", members::<api::RedirectUri>),
    ("approval", members::<api::Approval>),
    ("shownApproval", members::<api::ShownApproval>),
    ("shownRequest", members::<api::ShownRequest>),
    ("requestChange", members::<api::RequestChange>),
    ("widening", members::<api::Widening>),
    ("freezes", members::<api::Freezes>),
    ("freeze", members::<api::Freeze>),
    ("freezeChange", members::<api::FreezeChange>),
    ("froze", members::<api::Froze>),
    ("releasedSecret", members::<api::ReleasedSecret>),
    ("thawed", members::<api::Thawed>),
    ("use", members::<api::Use>),
    ("erasedUses", members::<api::ErasedUses>),
    ("explanation", members::<api::Explanation>),
    ("issuedToken", members::<api::IssuedToken>),
    ("token", members::<api::Token>),
    ("error", members::<api::Reason>),
];

/// Returns the members of a shape, in any order; `None` if no shape has this name.
pub(crate) fn members_of(shape: &str) -> Option<Vec<String>> {
    let own = SHAPES.iter().find(|(name, _)| *name == shape);
    match own {
        Some((_, members)) => Some(members.iter().map(|member| (*member).to_owned()).collect()),
        None => OF_API.iter().find(|(name, _)| *name == shape).map(|(_, members)| members()),
    }
}

/// Returns `true` for a member that is absent where there is nothing to say. Of all shapes, one has such members.
pub(crate) fn may_be_absent(shape: &str, member: &str) -> bool {
    shape == "resolved" && matches!(member, "error" | "missingScopes") || member == "providerText"
}

/// Returns the members of a type of the API.
fn members<T: ToSchema>() -> Vec<String> {
    let mut known = Vec::new();
    T::schemas(&mut known);
    let mut members = Vec::new();
    add(&T::schema(), &known, &mut members);
    members
}

/// Adds the members of a schema, with those of the types that are flattened into it.
fn add(schema: &RefOr<Schema>, known: &[(String, RefOr<Schema>)], members: &mut Vec<String>) {
    match schema {
        RefOr::Ref(to) => {
            let name = to.ref_location.rsplit('/').next().unwrap_or_default();
            let (_, schema) = known.iter().find(|(known, _)| known == name).expect("the schema is known");
            add(schema, known, members);
        }
        RefOr::T(Schema::Object(object)) => members.extend(object.properties.keys().cloned()),
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter().for_each(|part| add(part, known, members)),
        RefOr::T(_) => {}
    }
}
