//! A template as a file writes it.

use std::fmt;

use super::{Argument, Part, Template, Variable};

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Base64(arguments) => {
                    f.write_str("${base64(")?;
                    for (place, argument) in arguments.iter().enumerate() {
                        f.write_str(if place == 0 { "" } else { ", " })?;
                        match argument {
                            Argument::Text(text) => write!(f, "\"{text}\"")?,
                            Argument::Variable(variable) => write!(f, "{variable}")?,
                        }
                    }
                    f.write_str(")}")?;
                }
                Part::Now => f.write_str("${now()}")?,
                Part::Text(text) => f.write_str(&text.replace("${", "$${"))?,
                Part::Uuid => f.write_str("${uuid()}")?,
                Part::Variable(variable) => write!(f, "${{{variable}}}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.scope.name(), self.name)
    }
}
