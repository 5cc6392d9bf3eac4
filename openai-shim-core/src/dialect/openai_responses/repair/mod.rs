//! Repairs between a client and an upstream of this dialect: what is well-formed stays byte for byte.
//!
//! | file | what goes in and what comes out |
//! |---|---|
//! | `stream` | an upstream's frames to a stream that OpenAI could have sent |
//! | `response` | a non-streaming response to one that OpenAI could have sent |
//! | `event_order` | an event to the events that are missing before it, and to its item's index and id |
//! | `required_fields` | responses, items and parts to ones with every required field |
//! | `finished_items` | the items that streamed, in the order of the output |
//! | `streamed_arguments` | the arguments of calls, encoded twice, to the object in them |
//! | `uncertain_names` | the events of a call that begins without its whole name, to the same with the name |
//! | `sequence_numbers` | an event's `sequence_number` to one without gaps |

mod cut_item;
mod event_order;
mod finished_items;
mod required_fields;
mod response;
mod sequence_numbers;
mod stream;
mod streamed_arguments;
mod uncertain_names;

pub(super) use response::repair;
pub(super) use stream::ResponsesRepairer;
