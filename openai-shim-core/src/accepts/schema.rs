//! Which JSON schemas a side accepts.

use crate::overlay::{Rule, SharedList, rules};
use serde::{Deserialize, Serialize};

rules! {
    /// Which JSON schemas an upstream accepts. What is taken out of a schema is stated in its description, where it helps the
    /// model.
    #[derive(Eq)]
    pub struct SchemaRules, SchemaLayer {
        /// The only keywords that are accepted; empty: all.
        pub keywords: SharedList,
        /// Keywords that are dropped.
        pub drop_keywords: SharedList,
        /// The only values of `format` that are accepted, but for numbers; empty: all.
        pub formats: SharedList,
        /// `format` is accepted for numbers.
        pub number_formats: bool = true,
        /// Regular expressions with look-around, back references or word boundaries are dropped.
        pub plain_patterns: bool,
        /// The largest `minItems` that is accepted; absent: any.
        pub max_min_items: Option<u32>,
        /// `true` and `false` are accepted as schemas.
        pub boolean_schemas: bool = true,
        /// Keywords are spelled as in draft 2020-12: `prefixItems` in place of a list of `items`, types in lower case.
        pub current_draft: bool,
        /// Each schema names its type.
        pub typed: bool,
        /// `const` is sent as an `enum` of one value.
        pub const_as_enum: bool,
        /// `oneOf` is sent as `anyOf`.
        pub one_of_as_any_of: bool,
        /// `nullable: true` is sent as the type `null`, and as a value of the `enum`.
        pub nullable_as_null: bool,
        /// Which keywords may stand beside `anyOf`; the others are moved into its branches.
        pub any_of_siblings: AnyOfSiblings,
        /// Which references (`$ref`) are accepted.
        pub refs: RefSupport,
        /// The root must be an object: one without a type gets it.
        pub root_object: bool,
        /// The root must have no `anyOf`, `oneOf`, `allOf`, `enum`, `const` or `not`: its branches are merged into one object.
        pub plain_root: bool,
        /// Object schemas get `properties`, and array schemas `items`, where they have none.
        pub require_members: bool,
        /// Which objects are accepted.
        pub objects: ObjectSupport,
        /// What these rules do not accept is ignored and not refused: a client of the same dialect sends its schemas unchanged.
        pub tolerant: bool,
        /// A root object without properties is not sent: having no schema means the same.
        pub omit_empty: bool,
    }
}

keywords! {
    /// Which keywords may stand beside `anyOf` in a schema.
    AnyOfSiblings {
        Any "All.",
        NoType "All but `type`.",
        Annotations "`title`, `description` and `default`.",
        Nothing = "none" "None.",
    }
}

keywords! {
    /// Which references in a schema are accepted.
    RefSupport {
        Any "All.",
        Alone "Those without other keywords beside them; others are replaced by the schema that they refer to.",
        Acyclic "Those that never lead back to themselves; if one does, all are replaced, down to the repetition.",
        Inline "None: each is replaced by the schema that it refers to.",
    }
}

keywords! {
    /// Which object schemas are accepted.
    ObjectSupport {
        Any "All.",
        Closed "Those with `additionalProperties: false`.",
        Required "Those with `additionalProperties: false` that require all their properties.",
    }
}
