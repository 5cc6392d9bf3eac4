//! OpenAI's own objects as types, for building and reading payloads by hand.
//!
//! Members without a field are kept raw in `extra`, so that reading and writing loses nothing. The translation itself
//! works on the raw members (see `mend`), because real servers do not keep to these types.
