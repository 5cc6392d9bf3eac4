//! Which upstream serves which model, which models there are, and whether an upstream can be reached.

pub(crate) mod health;
pub(crate) mod model_list_cache;
pub(crate) mod model_lists;
pub(crate) mod targets;
