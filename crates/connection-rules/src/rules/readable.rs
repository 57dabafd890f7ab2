//! Rules about paths that no request of a kind can have.

use crate::{
    path::Path,
    profile::Profile,
    rules::{InvalidRules, Rules},
};

impl Rules {
    /// Checks that a request of a kind can have the path of each rule. A request whose path can be read in two ways is
    /// refused before rules are compared, so a rule about such a path would have no effect.
    ///
    /// # Errors
    ///
    /// [`InvalidRules`] names the first rule about a path that the profile of the kind refuses.
    ///
    /// ```
    /// use connection_rules::{Profile, Rules};
    ///
    /// let rule = serde_json::json!({ "name": "read", "path": "/projects/group%2Fproject", "effect": "allow" });
    /// let rules = Rules::from_value(&serde_json::json!({ "rule": [rule] }))?;
    /// assert_eq!(rules.check_paths(&Profile::strict().encoded_slash_is_data()), Ok(()));
    /// assert_eq!(rules.check_paths(&Profile::strict()).unwrap_err().place(), "rule[0].path");
    /// # Ok::<(), connection_rules::InvalidRules>(())
    /// ```
    pub fn check_paths(&self, profile: &Profile) -> Result<(), InvalidRules> {
        for (index, rule) in self.rules.iter().enumerate() {
            let Some(pattern) = &rule.path else { continue };
            if let Err(ambiguous) = Path::read(&pattern.example(), profile) {
                let problem = format!("matches no request, because a path is refused that {}", ambiguous.problem());
                return Err(InvalidRules::new(format!("rule[{index}].path"), problem));
            }
        }
        Ok(())
    }
}
