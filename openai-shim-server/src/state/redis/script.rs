//! Scripts that a server runs as one step: sent by their digest, in full only where the server does not have them.

use super::failure::Failure;
use ::redis::{Pipeline, Value, pipe};
use ring::digest;
use std::fmt::Write as _;

/// A script in Lua.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    digest: String,
}

impl Script {
    #[cfg_attr(not(test), allow(dead_code))] // the limits are to use it
    pub(crate) fn new(text: &'static str) -> Self {
        // Redis' own name for a script: nothing depends on its strength.
        let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        let mut digest = String::with_capacity(2 * sha1.as_ref().len());
        for byte in sha1.as_ref() {
            // Writing into a string cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        Self { text, digest }
    }

    pub(super) fn call_by_digest(&self, keys: &[String], arguments: &[i64]) -> Pipeline {
        call("EVALSHA", &self.digest, keys, arguments)
    }

    pub(super) fn call_in_full(&self, keys: &[String], arguments: &[i64]) -> Pipeline {
        call("EVAL", self.text, keys, arguments)
    }
}

fn call(command: &str, script: &str, keys: &[String], arguments: &[i64]) -> Pipeline {
    let mut commands = pipe();
    commands.cmd(command).arg(script).arg(keys.len()).arg(keys).arg(arguments);
    commands
}

/// The integers that a script returned.
pub(super) fn integers(replies: Vec<Value>) -> Result<Vec<i64>, Failure> {
    let integer = |value: Value| match value {
        Value::Int(integer) => Ok(integer),
        _ => Err(Failure::unreadable()),
    };
    match replies.into_iter().next() {
        Some(Value::Array(values)) => values.into_iter().map(integer).collect(),
        Some(value) => integer(value).map(|integer| vec![integer]),
        None => Err(Failure::unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_has_the_name_that_redis_gives_it() {
        // SCRIPT LOAD "return 1"
        assert_eq!(Script::new("return 1").digest, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    }
}
