//! The shape of a setup in a list.

use connection_core::{SetupInfo, SetupStage};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ReasonBody, words};

/// A setup that has not ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenSetup)]
#[serde(rename_all = "camelCase")]
pub struct OpenSetupBody {
    pub(crate) id: String,
    kind: String,
    #[schema(value_type = words::SetupStage)]
    state: &'static str,
    step: u64,
    /// The reason why the setup waits until it is resumed; `null` if it waits for an answer.
    reason: Option<ReasonBody>,
    reauthorizes: Option<String>,
    extension: Option<String>,
    created_at: String,
    expires_at: String,
}

impl OpenSetupBody {
    /// Returns the word of the API for a stage: `waiting` or `running`.
    pub fn state_word(stage: SetupStage) -> &'static str {
        match stage {
            SetupStage::Waiting => "waiting",
            _ => "running",
        }
    }

    /// Returns the shape of a setup that was cancelled.
    #[must_use]
    pub fn cancelled(mut self) -> Self {
        self.state = "cancelled";
        self.reason = None;
        self
    }
}

impl From<&SetupInfo> for OpenSetupBody {
    fn from(info: &SetupInfo) -> Self {
        Self {
            id: info.id.to_string(),
            kind: info.kind.to_string(),
            state: Self::state_word(info.stage),
            step: info.step,
            reason: info.reason.as_ref().map(ReasonBody::from),
            reauthorizes: info.reauthorizes.map(|id| id.to_string()),
            extension: info.extension.clone(),
            created_at: info.created_at.to_rfc3339(),
            expires_at: info.expires_at.to_rfc3339(),
        }
    }
}
