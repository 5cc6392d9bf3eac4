//! Which JSON schemas a side accepts.

use crate::overlay::{Rule, SharedList, rules};
use serde::{Deserialize, Serialize};

rules! {
    /// Which JSON schemas an upstream accepts. What is taken out of a schema is stated in its description, where it helps the
    /// model.
    #[derive(Eq)]
    pub struct SchemaRules,
    ///
    /// ```
    /// use openai_shim_core::accepts::{RefSupport, SchemaLayer};
    /// let schema = SchemaLayer::default().with_drop_keywords(["pattern", "format"]).with_refs(RefSupport::Inline);
    /// assert_eq!(schema.drop_keywords.unwrap().len(), 2);
    /// ```
    SchemaLayer {
        /// The only keywords that are accepted; empty: all.
        pub keywords: SharedList as with_keywords(list),
        /// Keywords that are dropped.
        pub drop_keywords: SharedList as with_drop_keywords(list),
        /// The only values of `format` that are accepted, but for numbers; empty: all.
        pub formats: SharedList as with_formats(list),
        /// `format` is accepted for numbers.
        pub number_formats: bool as with_number_formats = true,
        /// Regular expressions with look-around, back references or word boundaries are dropped.
        pub plain_patterns: bool as with_plain_patterns,
        /// The largest `minItems` that is accepted; absent: any.
        pub max_min_items: Option<u32> as with_max_min_items(into),
        /// `true` and `false` are accepted as schemas.
        pub boolean_schemas: bool as with_boolean_schemas = true,
        /// Keywords are spelled as in draft 2020-12: `prefixItems` in place of a list of `items`, types in lower case.
        pub current_draft: bool as with_current_draft,
        /// Each schema names its type.
        pub typed: bool as with_typed,
        /// `const` is sent as an `enum` of one value.
        pub const_as_enum: bool as with_const_as_enum,
        /// `oneOf` is sent as `anyOf`.
        pub one_of_as_any_of: bool as with_one_of_as_any_of,
        /// `nullable: true` is sent as the type `null`, and as a value of the `enum`.
        pub nullable_as_null: bool as with_nullable_as_null,
        /// Which keywords may stand beside `anyOf`; the others are moved into its branches.
        pub any_of_siblings: AnyOfSiblings as with_any_of_siblings,
        /// Which references (`$ref`) are accepted.
        pub refs: RefSupport as with_refs,
        /// The root must be an object: one without a type gets it.
        pub root_object: bool as with_root_object,
        /// The root must have no `anyOf`, `oneOf`, `allOf`, `enum`, `const` or `not`: its branches are merged into one object.
        pub plain_root: bool as with_plain_root,
        /// Object schemas get `properties`, and array schemas `items`, where they have none.
        pub require_members: bool as with_require_members,
        /// Which objects are accepted.
        pub objects: ObjectSupport as with_objects,
        /// What these rules do not accept is ignored and not refused: a client of the same dialect sends its schemas unchanged.
        pub tolerant: bool as with_tolerant,
        /// A root object without properties is not sent: having no schema means the same.
        pub omit_empty: bool as with_omit_empty,
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
