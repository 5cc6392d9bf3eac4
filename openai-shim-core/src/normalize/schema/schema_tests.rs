//! Laws of reduced schemas: nothing is refused that was accepted before, unless that is reported; a second time nothing changes.

use super::{MAX_ADDED_BYTES, ReducedSchema, reduce};
use crate::accepts::{AnyOfSiblings, ObjectSupport, RefSupport, SchemaRules, SharedList};
use proptest::prelude::*;
use serde_json::{Value, json};

fn rules(change: impl FnOnce(&mut SchemaRules)) -> SchemaRules {
    let mut rules = SchemaRules::default();
    change(&mut rules);
    rules
}

fn reduced(schema: &Value, rules: &SchemaRules) -> (Value, Vec<String>) {
    match reduce(&schema.to_string(), rules, &mut MAX_ADDED_BYTES.clone()) {
        Some(ReducedSchema { json, lost }) => {
            (json.map_or(Value::Null, |json| serde_json::from_str(&json).unwrap()), lost)
        }
        None => (schema.clone(), Vec::new()),
    }
}

/// Whether a schema accepts a value, for the keywords that the strategies below write.
fn accepts(root: &Value, schema: &Value, value: &Value) -> bool {
    let Some(object) = schema.as_object() else { return schema != &json!(false) };
    let is_type = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    };
    object.iter().all(|(keyword, rule)| match keyword.as_str() {
        "type" => match rule.as_array() {
            _ if object.get("nullable") == Some(&json!(true)) && value.is_null() => true,
            Some(names) => names.iter().any(is_type),
            None => is_type(rule),
        },
        "enum" => {
            rule.as_array().unwrap().contains(value)
                || object.get("nullable") == Some(&json!(true)) && value.is_null()
        }
        "const" => rule == value,
        "minimum" => value.as_i64().is_none_or(|n| n >= rule.as_i64().unwrap()),
        "maxLength" => value.as_str().is_none_or(|s| s.len() as u64 <= rule.as_u64().unwrap()),
        "properties" => {
            let members = rule.as_object().unwrap();
            value.as_object().is_none_or(|v| {
                members.iter().all(|(name, s)| v.get(name).is_none_or(|v| accepts(root, s, v)))
            })
        }
        "required" => {
            let names = rule.as_array().unwrap();
            value.as_object().is_none_or(|v| names.iter().all(|name| v.contains_key(name.as_str().unwrap())))
        }
        "additionalProperties" => value.as_object().is_none_or(|v| {
            let known = object.get("properties").and_then(Value::as_object);
            v.iter().all(|(name, v)| {
                known.is_some_and(|known| known.contains_key(name)) || accepts(root, rule, v)
            })
        }),
        "items" => value.as_array().is_none_or(|list| list.iter().all(|item| accepts(root, rule, item))),
        "anyOf" => rule.as_array().unwrap().iter().any(|s| accepts(root, s, value)),
        "oneOf" => rule.as_array().unwrap().iter().filter(|s| accepts(root, s, value)).count() == 1,
        "allOf" => rule.as_array().unwrap().iter().all(|s| accepts(root, s, value)),
        "$ref" => accepts(root, &root["$defs"][rule.as_str().unwrap().rsplit('/').next().unwrap()], value),
        _ => true,
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..9).prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn schema() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("object"),
        Just("array"),
        Just("string"),
        Just("integer"),
        Just("boolean"),
        Just("null")
    ];
    let leaf = prop_oneof![
        name.clone().prop_map(|name| json!({"type": name})),
        (name.clone(), name.clone()).prop_map(|(a, b)| json!({"type": [a, b]})),
        name.prop_map(|name| json!({"type": name, "nullable": true, "description": "d"})),
        (-1_i64..4).prop_map(|n| json!({"type": "integer", "minimum": n})),
        (0_u64..3).prop_map(|n| json!({"type": "string", "maxLength": n, "$comment": "c"})),
        value().prop_map(|v| json!({"const": v})),
        prop::collection::vec(value(), 1..3).prop_map(|v| json!({"enum": v, "nullable": true})),
        Just(json!({"type": "string", "enum": ["a", "b"], "nullable": true})),
        Just(json!({"$ref": "#/$defs/one"})),
        Just(json!({"$ref": "#/$defs/two", "description": "x"})),
        any::<bool>().prop_map(Value::from),
        Just(json!({})),
    ];
    leaf.prop_recursive(3, 24, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..3);
        let members = prop::collection::btree_map("[abc]", inner.clone(), 0..3);
        let object = (members, prop::collection::vec("[abc]", 0..2), prop::option::of(inner.clone()))
            .prop_map(|(members, required, others)| {
                let mut schema = json!({"type": "object", "properties": members, "required": required});
                if let Some(others) = others {
                    schema["additionalProperties"] = others;
                }
                schema
            });
        let keyword = prop_oneof![Just("anyOf"), Just("oneOf"), Just("allOf")];
        let branches = (keyword, list, prop::option::of(object.clone())).prop_map(|(keyword, list, base)| {
            let mut schema = base.unwrap_or_else(|| json!({}));
            schema[keyword] = list.into();
            schema
        });
        let items = inner.prop_map(|items| json!({"type": "array", "items": items, "minItems": 0}));
        prop_oneof![object, branches, items]
    })
}

fn rooted(mut schema: Value) -> Value {
    if schema.is_object() {
        schema["$defs"] = json!({"one": {"type": "integer"}, "two": {"type": "object", "properties": {"a": {"$ref": "#/$defs/one"}}}});
    }
    schema
}

fn all_rules() -> Vec<SchemaRules> {
    vec![
        rules(|r| r.require_members = true),
        rules(|r| r.refs = RefSupport::Inline),
        rules(|r| r.refs = RefSupport::Alone),
        rules(|r| (r.nullable_as_null, r.const_as_enum, r.one_of_as_any_of) = (true, true, true)),
        rules(|r| r.any_of_siblings = AnyOfSiblings::NoType),
        rules(|r| {
            r.any_of_siblings = AnyOfSiblings::Nothing;
            r.drop_keywords = SharedList::new(&["allOf", "minimum", "$comment"]);
            r.boolean_schemas = false;
        }),
        rules(|r| (r.root_object, r.plain_root) = (true, true)),
    ]
}

proptest! {
    #[test]
    fn what_was_accepted_still_is_unless_a_loss_is_reported(schema in schema(), value in value()) {
        let schema = rooted(schema);
        for rules in all_rules().iter().take(6) {
            let (after, lost) = reduced(&schema, rules);
            if lost.is_empty() && accepts(&schema, &schema, &value) {
                prop_assert!(accepts(&after, &after, &value), "{rules:?}\n{schema}\n{after}");
            }
        }
    }

    #[test]
    fn a_reduced_schema_is_not_reduced_again(schema in schema()) {
        let schema = rooted(schema);
        for rules in all_rules() {
            let (once, _) = reduced(&schema, &rules);
            let (twice, lost) = reduced(&once, &rules);
            prop_assert_eq!(&once, &twice, "{:?}", schema);
            prop_assert!(lost.is_empty(), "{lost:?} of {once}");
        }
    }

    #[test]
    fn closed_schemas_accept_nothing_new(schema in schema(), value in value()) {
        let schema = rooted(schema);
        let (after, lost) = reduced(&schema, &rules(|r| r.objects = ObjectSupport::Closed));
        if lost.is_empty() && accepts(&after, &after, &value) && !schema.to_string().contains("oneOf") {
            prop_assert!(accepts(&schema, &schema, &value), "{schema}\n{after}");
        }
    }
}

#[test]
fn type_moves_into_the_branches_of_any_of() {
    let rules = rules(|r| r.any_of_siblings = AnyOfSiblings::NoType);
    let schema =
        json!({"description": "d", "type": "object", "anyOf": [{"required": ["a"]}, {"type": "null"}]});
    let expected =
        json!({"description": "d", "anyOf": [{"type": "object", "required": ["a"]}, {"type": "null"}]});
    assert_eq!(reduced(&schema, &rules), (expected, Vec::new()));
}

#[test]
fn nothing_stays_beside_any_of_where_nothing_may() {
    let rules = rules(|r| r.any_of_siblings = AnyOfSiblings::Nothing);
    let schema = json!({"type": "object", "description": "d", "properties": {"a": {"type": "string"}}, "required": ["a"],
        "anyOf": [{"properties": {"b": {"type": "string"}}, "required": ["b"]}, {"required": ["a"]}]});
    let (after, lost) = reduced(&schema, &rules);
    assert_eq!(
        after,
        json!({"anyOf": [
            {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}, "required": ["b", "a"], "description": "d"},
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}]})
    );
    assert!(lost.is_empty());
}

#[test]
fn branches_of_the_root_become_one_object() {
    let rules = rules(|r| (r.root_object, r.plain_root) = (true, true));
    let schema = json!({"anyOf": [
        {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "string"}}, "required": ["kind", "x"]},
        {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]}]});
    let (after, lost) = reduced(&schema, &rules);
    assert_eq!(
        after["properties"],
        json!({"kind": {"anyOf": [{"const": "a"}, {"const": "b"}]}, "x": {"type": "string"}})
    );
    assert_eq!((&after["type"], &after["required"]), (&json!("object"), &json!(["kind"])));
    assert_eq!(lost, ["anyOf"]);
    let all = json!({"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"$ref": "#/$defs/b"}], "$defs": {"b": {"type": "object", "properties": {"b": {}}}}});
    let (after, lost) = reduced(&all, &rules);
    assert_eq!((&after["properties"], lost.len()), (&json!({"a": {}, "b": {}}), 0));
}

#[test]
fn what_is_taken_out_is_stated_in_the_description() {
    let rules = rules(|r| {
        r.drop_keywords = SharedList::new(&["minimum", "$schema", "default"]);
        r.formats = SharedList::new(&["date"]);
        r.max_min_items = Some(1);
        r.plain_patterns = true;
    });
    let schema = json!({"$schema": "s", "properties": {
        "n": {"type": "integer", "minimum": 1, "description": "count", "default": 2},
        "u": {"type": "string", "format": "uri-reference", "pattern": "^(?!x)"},
        "d": {"type": "string", "format": "date", "pattern": "^a$"},
        "l": {"type": "array", "minItems": 3}}});
    let (after, lost) = reduced(&schema, &rules);
    assert_eq!(
        after,
        json!({"properties": {
            "n": {"type": "integer", "description": "count (default: 2; minimum: 1)"},
            "u": {"type": "string", "description": "format: \"uri-reference\"; pattern: \"^(?!x)\""},
            "d": {"type": "string", "format": "date", "pattern": "^a$"},
            "l": {"type": "array", "minItems": 1, "description": "minItems: 3"}}})
    );
    assert_eq!(lost, ["minItems", "minimum", "format", "pattern"]);
}

#[test]
fn cycles_end_and_pathological_references_are_bounded() {
    let cyclic = json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}}});
    for refs in [RefSupport::Inline, RefSupport::Acyclic] {
        let (after, lost) = reduced(&cyclic, &rules(|r| r.refs = refs));
        assert_eq!(
            after,
            json!({"type": "object", "properties": {"next": {"type": "object", "properties": {"next": {"type": "object"}}}}})
        );
        assert_eq!(lost, ["$ref"]);
    }
    assert_eq!(reduced(&cyclic, &rules(|r| r.refs = RefSupport::Alone)).0, cyclic);
    let mut definitions = serde_json::Map::new();
    for i in 0..30 {
        let next = json!({"$ref": format!("#/$defs/d{}", i + 1)});
        definitions.insert(format!("d{i}"), json!({"type": "object", "properties": {"a": next, "b": next}}));
    }
    definitions.insert("d30".to_owned(), json!({"type": "string"}));
    let bomb = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    let (after, lost) = reduced(&bomb, &rules(|r| r.refs = RefSupport::Inline));
    assert!(after.to_string().len() < 1 << 19 && lost == ["$ref"]);
    let (same, lost) = reduced(&bomb["$defs"]["d29"], &rules(|r| r.refs = RefSupport::Acyclic));
    assert_eq!((same, lost.len()), (bomb["$defs"]["d29"].clone(), 0));
    let siblings = json!({"type": "object", "description": "x".repeat(40_000), "properties": {"a": {"description": "y".repeat(40_000)}}, "anyOf": vec![json!({}); 1000]});
    let (after, lost) = reduced(&siblings, &rules(|r| r.any_of_siblings = AnyOfSiblings::Nothing));
    assert!(after.to_string().len() < 1 << 20 && !lost.is_empty());
}

#[test]
fn an_accepted_schema_is_not_even_parsed() {
    let openai = rules(|r| (r.require_members, r.root_object, r.plain_root) = (true, true, true));
    for schema in [
        r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"}}}}"#,
        r#"{ "properties": {"enum": {"enum": ["object", "array"], "type": "string"}}, "type": "object" }"#,
    ] {
        assert!(!super::scan::may_change(schema, &openai), "{schema}");
        assert_eq!(reduce(schema, &openai, &mut MAX_ADDED_BYTES.clone()), None);
    }
    for schema in
        [r#"{"type":"object"}"#, r#"{"properties":{}}"#, r#"{"type":"object","properties":{},"enum":[]}"#]
    {
        assert!(super::scan::may_change(schema, &openai), "{schema}");
    }
}

#[test]
fn deep_schemas_are_reduced_down_to_a_limit_and_kept_below_it() {
    let mut schema = json!({"type": "string", "x": 1});
    for _ in 0..200 {
        schema = json!({"type": "array", "items": schema});
    }
    let (after, _) = reduced(&schema, &rules(|r| r.drop_keywords = SharedList::new(&["x"])));
    assert_eq!(after, schema);
}
