//! Twenty turns as Gemini CLI sends them: calls and results without ids, signatures of thoughts, pictures inline and in results,
//! and tool names with dots, longer than other vendors take.

use crate::script::{Author, Conversation, Item, picture, schema};
use serde_json::{Value, json};

const LONG: &str = "mcp.workspace-files.server_for_documents.read_many_files_at_once_from_the_workspace";
const TOOLS: [(&str, &str); 4] =
    [("run_shell_command", "command"), ("read_file", "path"), (LONG, "paths"), ("docs.search", "query")];

#[derive(Default)]
struct Writer {
    contents: Vec<Value>,
    items: Vec<Item>,
    calls: usize,
}

impl Writer {
    fn text(&mut self, author: Author, text: &str) -> Value {
        self.items.push(Item::Text { author, text: text.to_owned() });
        json!({"text": text})
    }

    fn call(&mut self, tool: usize, value: &str, signed: bool) -> Value {
        let (name, member) = TOOLS[tool];
        let args = json!({member: value});
        let mut part = json!({"functionCall": {"name": name, "args": args}});
        self.items.push(Item::Call { name: name.to_owned(), arguments: args });
        if signed {
            let data = format!("c2lnbmVkY2FsbA{:04}", self.calls);
            self.items.push(Item::Sealed { data: data.clone() });
            part["thoughtSignature"] = json!(data);
        }
        self.calls += 1;
        part
    }

    fn result(&mut self, call: usize, tool: usize, text: &str) -> Value {
        self.items.push(Item::Result { call, text: text.to_owned(), failed: false });
        json!({"functionResponse": {"name": TOOLS[tool].0, "response": {"output": text}}})
    }

    fn push(&mut self, role: &str, parts: Vec<Value>) {
        self.contents.push(json!({"role": role, "parts": parts}));
    }
}

pub fn conversation() -> Conversation {
    let mut w = Writer::default();
    let system = w.text(Author::System, "You are an agent in a terminal.");
    let opening = vec![w.text(Author::User, "Repair the failing test.")];
    w.push("user", opening);
    for turn in 0..20 {
        step(&mut w, turn);
    }
    let last = vec![w.text(Author::User, "Look it up once more.")];
    w.push("user", last);
    let declared: Vec<Value> = TOOLS.iter().map(|(name, member)| json!({"name": name, "description": format!("Takes a {member}."), "parametersJsonSchema": schema(member)})).collect();
    let body = json!({
        "systemInstruction": {"role": "user", "parts": [system]},
        "contents": w.contents,
        "tools": [{"functionDeclarations": declared}],
        "generationConfig": {"temperature": 1, "topP": 0.95, "topK": 64, "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "HIGH"}},
    });
    Conversation {
        name: "gemini-cli",
        client: "gemini",
        path: "/v1beta/models/gemini-3-pro-preview:streamGenerateContent?alt=sse",
        body,
        items: w.items,
        tools: TOOLS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        answer: vec![(2, json!({"paths": "*.md"})), (3, json!({"query": "traits"}))],
    }
}

fn step(w: &mut Writer, turn: usize) {
    match turn % 4 {
        0 => {
            w.items.push(Item::Reasoning { text: format!("Thinking of step {turn}.") });
            let thought = json!({"text": format!("Thinking of step {turn}."), "thought": true});
            let content = vec![
                thought,
                w.text(Author::Assistant, &format!("I read file {turn}.")),
                w.call(1, &format!("{turn}.rs"), true),
            ];
            w.push("model", content);
            let answered = vec![w.result(w.calls - 1, 1, &format!("fn f{turn}() {{}}"))];
            w.push("user", answered);
        }
        1 => {
            let first = w.calls;
            let calls = vec![
                w.call(2, &format!("a{turn}"), true),
                w.call(2, &format!("b{turn}"), false),
                w.call(3, &format!("c{turn}"), false),
            ];
            w.push("model", calls);
            let answered = vec![
                w.result(first, 2, &format!("one {turn}")),
                w.result(first + 1, 2, &format!("two {turn}")),
                w.result(first + 2, 3, &format!("three {turn}")),
            ];
            w.push("user", answered);
        }
        2 => {
            let content = vec![w.call(3, &format!("screenshot {turn}"), true)];
            w.push("model", content);
            let (number, data) = (w.calls - 1, picture(turn));
            let mut part = w.result(number, 3, &format!("drawn {turn}"));
            w.items.push(Item::Picture { data: data.clone(), of: Some(number) });
            part["functionResponse"]["parts"] =
                json!([{"inlineData": {"mimeType": "image/png", "data": data}}]);
            w.push("user", vec![part]);
        }
        _ => {
            let content = vec![w.text(Author::Assistant, &format!("Step {turn} is done."))];
            w.push("model", content);
            let data = picture(turn + 8);
            let instruction =
                w.text(Author::User, &format!("Go on with step {}, as in this picture.", turn + 1));
            w.items.push(Item::Picture { data: data.clone(), of: None });
            w.push("user", vec![instruction, json!({"inlineData": {"mimeType": "image/png", "data": data}})]);
        }
    }
}
