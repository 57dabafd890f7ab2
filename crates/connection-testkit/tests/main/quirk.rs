//! What may be wrong with a plugin. Each is caught by one defence.

/// One fault; `None` is a plugin that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quirk {
    None,
    // Of a setup.
    AbandonsAnEffect,
    AsksAnotherFieldInAReplay,
    AsksWithoutEnd,
    AsksTooMuchAtOnce,
    AsksUndeclaredField,
    CannotBeDroppedInSetup,
    DependsOnItsOwnState,
    EndsEarlierInAReplay,
    GrantsItselfADirectory,
    HasEffectsWithoutEnd,
    JoinsTwoEffects,
    LeavesItsAddresses,
    SendsSomethingElseInAReplay,
    ShowsWithoutEnd,
    UsesUndeclaredAddress,
    WaitsForItself,
    WaitsForNothing,
    // Of a descriptor.
    DescribesAnotherThing,
    DescribesAFieldTwice,
    DescribesAnHttpLink,
    DescribesNoSuchSecret,
    // Of a credential.
    DropsPartOfTheCredential,
    ForgetsTheOldForm,
    PanicsOnForeignBytes,
    TakesNoBytes,
    // Of secrets.
    HandsOutAnyName,
    SecretInDebug,
    SecretInFailure,
    SecretInLog,
    SecretInNotice,
    SecretInPublicHeader,
    SecretInUrl,
    // Of a classification.
    CallsALimitALostAuthorization,
    CallsALostAuthorizationABadNetwork,
    CallsNonsenseALostAuthorization,
    EndsASetupForABadNetwork,
    ForgetsThePause,
    MakesABadNetworkAnError,
    // Of repetition.
    AddsHeaders,
    CannotBeDropped,
    CannotGiveBackTwice,
    ReachesAnotherAccount,
    VerifiesOnce,
}
