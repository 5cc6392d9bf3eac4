//! Rankings of documents, in the forms of several vendors: they are requested from clients of any dialect's `/rerank` route, and
//! from upstreams in the form that their profile names.
//!
//! | file | what goes in and what comes out |
//! |---|---|
//! | `form` | the table of forms |
//! | `request` | a client's request → our model → an upstream's request |
//! | `results` | an upstream's results, in any form → documents with positions and scores |
//! | `other_forms` | a ranking in a form that no client requests → a list of results |
//! | `response` | an upstream's response → our model, or the same response repaired; our model → a client's response |
//! | `error` | an error → the envelope of a form |

mod error;
mod form;
mod other_forms;
mod request;
mod response;
mod results;

pub use form::{RerankForm, rerank_form};
pub use request::client_form;
pub use response::decode_ranking;
