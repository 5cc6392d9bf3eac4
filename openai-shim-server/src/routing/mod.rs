//! Which upstream serves which model, and whether it can be reached.

pub(crate) mod health;
pub(crate) mod targets;
