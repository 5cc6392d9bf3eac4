//! Upstream errors to adaptations: the rules to change so that the upstream accepts the request.
//!
//! [`adaptations_for`] compares the error with the request that was refused: its wording (the known ones are a table,
//! `refusals`, each with its source), or a field that it names and that can be left out (`mentions`). An adaptation follows
//! only if it is certain, and if it changes this very request. It applies to later requests to the same upstream and model
//! too, so nothing follows from temporary causes (a key, a quota, a prompt that is too long, one field without its companion),
//! nor from what OpenAI itself refuses: that is the client's to correct.
//!
//! Where nothing is certain, what the shim itself added may be the cause: [`omissions`] leaves all of it out, once.

mod adaptation;
mod additions;
mod apply;
mod auxiliary;
mod decide;
mod error_text;
mod leave_out;
mod mentions;
mod message_pattern;
mod refusals;
mod refused_request;
mod remedy;
mod sent_request;
mod vocabulary;

pub use adaptation::Adaptation;
pub use additions::omissions;
pub use auxiliary::auxiliary_adaptations;
pub use decide::adaptations_for;
pub use refused_request::RefusedRequest;
