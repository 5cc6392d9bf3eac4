//! The routes of all dialects to the table of `docs/operations.md`.

use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, AuxiliaryRoute};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use std::fmt::Write as _;

/// What is done on a route, what is learned from errors there, and what is refused.
struct Description {
    done: &'static str,
    learned: &'static str,
    refused: String,
}

const NOTHING: &str = "–";

/// The table: one line for each dialect and kind of route.
pub fn table() -> String {
    let mut text = String::from(
        "| client dialect | routes | what is done | what is learned | what is refused |\n|---|---|---|---|---|\n",
    );
    let mut known = Vec::new();
    for dialect in DIALECTS {
        let endpoints: Vec<_> = dialect
            .endpoints()
            .iter()
            .map(|endpoint| format!("`{} {}`", endpoint.method, endpoint.path))
            .collect();
        let generate = Description {
            done: "translated, repaired, retried, with fallback and reports",
            learned: "every refusal that can be repaired",
            refused: String::from("what would mean something else; in strict mode every loss"),
        };
        add_line(&mut text, *dialect, &endpoints, &generate);
        // Dialects of one API share their routes.
        let routes = dialect.auxiliary_routes();
        if known.contains(&routes.as_ptr()) {
            continue;
        }
        known.push(routes.as_ptr());
        let mut groups: Vec<(Description, Vec<String>)> = Vec::new();
        for route in routes {
            let (description, name) = (describe(route), name(route));
            match groups
                .iter_mut()
                .find(|(known, _)| known.done == description.done && known.refused == description.refused)
            {
                Some((_, names)) => names.push(name),
                None => groups.push((description, vec![name])),
            }
        }
        for (description, names) in groups {
            add_line(&mut text, *dialect, &names, &description);
        }
    }
    text
}

fn add_line(text: &mut String, dialect: Dialect, routes: &[String], description: &Description) {
    let Description { done, learned, refused } = description;
    writeln!(text, "| `{}` | {} | {done} | {learned} | {refused} |", dialect.name(), routes.join(", "))
        .unwrap();
}

/// The route with its methods, under its first prefix; what is forwarded whatever the method has none.
fn name(route: &AuxiliaryRoute) -> String {
    let path = format!("{}{}", route.prefixes[0], route.path.replace("{/rest}", "/…"));
    match route.kind {
        AuxiliaryKind::ForwardIfServed(_) => format!("`{path}`"),
        _ => format!("`{} {path}`", route.methods.replace(", HEAD", "").replace(", ", "\\|")),
    }
}

fn describe(route: &AuxiliaryRoute) -> Description {
    let of = |done, learned, refused: &str| Description { done, learned, refused: refused.to_owned() };
    match route.kind {
        AuxiliaryKind::ModelList(_) => of(
            "the lists of all upstreams, in any form, merged and written in this one, with what each model is for and can do",
            NOTHING,
            "a page that does not exist; a list that is none",
        ),
        AuxiliaryKind::Model(_) => {
            of("one model of the merged list, with and without `:latest`", NOTHING, "a name that no list has")
        }
        AuxiliaryKind::TokenCount(_) => of(
            "counted by the upstream if it can, else estimated",
            "what chats have learned is applied",
            "what the chat itself would refuse",
        ),
        AuxiliaryKind::Embeddings(_) => of(
            "translated, repaired and retried; vectors are checked, put in order and encoded as requested; long lists are split",
            "parameters that are refused (`encoding_format`, `dimensions`, `input_type`, …), and the most inputs of one request",
            "inputs that the upstream's form has no place for; in strict mode every loss",
        ),
        AuxiliaryKind::Rerank => of(
            "the forms of Cohere, Jina, TEI and Voyage, translated, repaired and retried; results are checked, sorted and cut, \
             with the documents as requested; long lists are split",
            "parameters that are refused (`return_documents`, `top_n`, `truncate`, …), and the most documents of one request",
            "what is no text, for upstreams that rank texts only; in strict mode every loss",
        ),
        AuxiliaryKind::Media(_) => of(
            "forwarded, with the model's name replaced; for an upstream of the dialect `gemini` translated, retried, and requested picture by picture",
            "parameters that such an upstream refuses",
            "what cannot be made of the upstream's answer (formats, masks, times), in one sentence; in strict mode every loss",
        ),
        AuxiliaryKind::StoredResponse(..) => of(
            "from the store, or forwarded to the upstream that stores its own",
            NOTHING,
            "another key's responses, and unknown ids",
        ),
        AuxiliaryKind::Constant(_) | AuxiliaryKind::Greeting(_) => of("a constant", NOTHING, NOTHING),
        AuxiliaryKind::Unsupported(_) => of(NOTHING, NOTHING, "always, in one sentence"),
        AuxiliaryKind::Forward => of(
            "forwarded, large forms while they arrive; the model's name is replaced and the response checked",
            "that a form needs its length (411)",
            "a response that is a page, empty, cut or an error",
        ),
        AuxiliaryKind::ForwardIfServed(_) => of(
            "forwarded where `paths.forward` of an upstream names the path",
            NOTHING,
            "everywhere else, in one sentence",
        ),
        AuxiliaryKind::ForwardChecked(_) => of(
            "forwarded; the model's name is replaced and the form of the response checked",
            NOTHING,
            "a response that is not of the route's form",
        ),
    }
}
