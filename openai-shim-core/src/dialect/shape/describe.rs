//! Types to nouns for error messages.

use super::table::Type;

/// Describes types for an error message, with the example of a shape.
pub(super) fn describe_types(types: &[Type]) -> String {
    let nouns: Vec<_> = types.iter().map(|one| describe(one, GrammaticalNumber::Singular)).collect();
    let nouns = nouns.join(" or ");
    match types.first() {
        Some(Type::List([Type::Object(shape)])) if !shape.example.is_empty() => {
            format!("{nouns}, such as [{}]", shape.example)
        }
        Some(Type::Object(shape)) if !shape.example.is_empty() => {
            format!("{nouns}, such as {}", shape.example)
        }
        _ => nouns,
    }
}

/// The grammatical number of a noun.
#[derive(Clone, Copy)]
enum GrammaticalNumber {
    Singular,
    Plural,
}

/// Returns a noun for a type.
fn describe(one: &Type, number: GrammaticalNumber) -> String {
    let noun = match (one, number) {
        (Type::Any, GrammaticalNumber::Singular) => "a value",
        (Type::Any, GrammaticalNumber::Plural) => "values",
        (Type::Bool, GrammaticalNumber::Singular) => "true or false",
        (Type::Bool, GrammaticalNumber::Plural) => "truth values",
        (Type::Number, GrammaticalNumber::Singular) => "a number",
        (Type::Integer, GrammaticalNumber::Singular) => "a whole number",
        (Type::Natural | Type::Count, GrammaticalNumber::Singular) => "a whole number of 0 or more",
        (Type::Number | Type::Integer | Type::Natural | Type::Count, GrammaticalNumber::Plural) => "numbers",
        (Type::Text, GrammaticalNumber::Singular) => "a text",
        (Type::Text, GrammaticalNumber::Plural) => "texts",
        (Type::Map | Type::Object(_), GrammaticalNumber::Singular) => "an object",
        (Type::Map, GrammaticalNumber::Plural) => "objects",
        (Type::Object(shape), GrammaticalNumber::Plural) => shape.plural,
        (Type::List(_), GrammaticalNumber::Plural) => "lists",
        (Type::List(types), GrammaticalNumber::Singular) => {
            // A string in place of an object is tolerated, but not proposed.
            let is_proposed = |item: &&Type| types.len() == 1 || !matches!(item, Type::Text);
            let items: Vec<_> = types
                .iter()
                .filter(is_proposed)
                .map(|item| describe(item, GrammaticalNumber::Plural))
                .collect();
            return format!("a list of {}", items.join(" or "));
        }
    };
    noun.to_owned()
}
