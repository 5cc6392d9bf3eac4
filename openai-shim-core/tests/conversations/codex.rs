//! Thirty turns as Codex sends them: encrypted reasoning, function calls alone and in parallel, custom calls of `apply_patch`,
//! calls of the local shell, pictures in outputs, and tools in a namespace.

use crate::script::{Author, Conversation, Item, picture, schema};
use serde_json::{Value, json};

#[derive(Default)]
struct Writer {
    input: Vec<Value>,
    items: Vec<Item>,
    calls: usize,
}

impl Writer {
    fn message(&mut self, role: &str, text: &str) {
        let author = match role {
            "user" => Author::User,
            "assistant" => Author::Assistant,
            _ => Author::System,
        };
        self.items.push(Item::Text { author, text: text.to_owned() });
        let part = if role == "assistant" { "output_text" } else { "input_text" };
        let mut item = json!({"type": "message", "role": role, "content": [{"type": part, "text": text}]});
        if role == "assistant" {
            item["content"][0]["annotations"] = json!([]);
            item["id"] = json!(format!("msg_{:04}", self.input.len()));
            item["status"] = json!("completed");
        }
        self.input.push(item);
    }

    fn reason(&mut self, turn: usize) {
        let (text, data) = (
            format!("**Step {turn}**\n\nThe test needs a look."),
            format!("gAAAAABsealedreasoning{turn:03}"),
        );
        self.items.push(Item::Reasoning { text: text.clone() });
        self.items.push(Item::Sealed { data: data.clone() });
        let summary = json!([{"type": "summary_text", "text": text}]);
        self.input.push(json!({"type": "reasoning", "id": format!("rs_{turn:04}"), "summary": summary, "encrypted_content": data}));
    }

    fn number(&mut self, name: &str, arguments: Value) -> usize {
        self.items.push(Item::Call { name: name.to_owned(), arguments });
        self.calls += 1;
        self.calls - 1
    }

    fn call(&mut self, name: &str, namespace: Option<&str>, arguments: Value) -> usize {
        let full = namespace.map_or_else(|| name.to_owned(), |space| format!("{space}__{name}"));
        let number = self.number(&full, arguments.clone());
        let mut item = json!({"type": "function_call", "id": format!("fc_{number:04}"), "call_id": id(number), "name": name, "arguments": arguments.to_string(), "status": "completed"});
        if let Some(space) = namespace {
            item["namespace"] = json!(space);
        }
        self.input.push(item);
        number
    }

    fn output(&mut self, kind: &str, call: usize, text: &str) {
        self.items.push(Item::Result { call, text: text.to_owned(), failed: false });
        self.input.push(json!({"type": kind, "call_id": id(call), "output": text}));
    }
}

fn id(call: usize) -> String {
    format!("call_{call:024}")
}

pub fn conversation() -> Conversation {
    let mut w = Writer::default();
    w.items.push(Item::Text { author: Author::System, text: "You are a coding agent in a terminal.".into() });
    w.message("developer", "<permissions>Files may be written.</permissions>");
    w.message("user", "<environment_context><cwd>/src</cwd></environment_context>");
    w.message("user", "Repair the failing test.");
    for turn in 0..30 {
        step(&mut w, turn);
    }
    w.message("user", "Look it up once more.");
    let tools = json!([
        {"type": "function", "name": "exec_command", "description": "Runs a command.", "strict": false, "parameters": schema("cmd")},
        {"type": "custom", "name": "apply_patch", "description": "Edits files.", "format": {"type": "text"}},
        {"type": "local_shell"},
        {"type": "namespace", "name": "mcp__docs", "description": "Documents.", "tools": [
            {"type": "function", "name": "search", "description": "Finds a page.", "strict": false, "parameters": schema("query")},
            {"type": "function", "name": "read_page", "description": "Reads a page.", "strict": false, "parameters": schema("page")},
        ]},
    ]);
    let body = json!({
        "model": "gpt-5.5",
        "instructions": "You are a coding agent in a terminal.",
        "input": w.input,
        "tools": tools,
        "tool_choice": "auto",
        "parallel_tool_calls": true,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": false,
        "stream": true,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "01a20719",
    });
    Conversation {
        name: "codex",
        client: "openai-responses",
        path: "/v1/responses",
        body,
        items: w.items,
        tools: ["exec_command", "apply_patch", "local_shell", "mcp__docs__search", "mcp__docs__read_page"]
            .map(String::from)
            .into(),
        answer: vec![
            (3, json!({"query": "traits"})),
            (0, json!({"cmd": "ls"})),
            (1, json!({"input": "*** Begin Patch\n*** End Patch"})),
        ],
    }
}

fn step(w: &mut Writer, turn: usize) {
    match turn % 6 {
        0 => {
            w.reason(turn);
            let number = w.call("exec_command", None, json!({"cmd": format!("cat {turn}.rs")}));
            w.output("function_call_output", number, &format!("fn f{turn}() {{}}"));
        }
        1 => {
            w.reason(turn);
            let patch = format!("*** Begin Patch\n*** Update File: {turn}.rs\n+// {turn}\n*** End Patch");
            let number = w.number("apply_patch", json!({"input": patch}));
            w.input.push(json!({"type": "custom_tool_call", "id": format!("ctc_{number:04}"), "call_id": id(number), "name": "apply_patch", "input": patch, "status": "completed"}));
            w.output("custom_tool_call_output", number, &format!("Done {turn}."));
        }
        2 => {
            w.reason(turn);
            let calls = ["one", "two", "three"]
                .map(|word| w.call("exec_command", None, json!({"cmd": format!("echo {word} {turn}")})));
            for (number, word) in calls.into_iter().zip(["one", "two", "three"]) {
                w.output("function_call_output", number, &format!("{word} {turn}"));
            }
        }
        3 => {
            let command = json!(["ls", format!("/src/{turn}")]);
            let number = w.number("local_shell", json!({"command": command}));
            let action = json!({"type": "exec", "command": command, "env": {}});
            w.input.push(json!({"type": "local_shell_call", "id": format!("lsh_{number:04}"), "call_id": id(number), "action": action, "status": "completed"}));
            w.items.push(Item::Result { call: number, text: format!("files of {turn}"), failed: false });
            w.input.push(json!({"type": "local_shell_call_output", "id": id(number), "call_id": id(number), "output": format!("files of {turn}")}));
        }
        4 => {
            let number = w.call("search", Some("mcp__docs"), json!({"query": format!("step {turn}")}));
            let (text, data) = (format!("page {turn}"), picture(number));
            w.items.push(Item::Result { call: number, text: text.clone(), failed: false });
            w.items.push(Item::Picture { data: data.clone(), of: Some(number) });
            let output = json!([{"type": "input_text", "text": text}, {"type": "input_image", "image_url": format!("data:image/png;base64,{data}"), "detail": "auto"}]);
            w.input.push(json!({"type": "function_call_output", "call_id": id(number), "output": output}));
        }
        _ => {
            w.reason(turn);
            w.message("assistant", &format!("Step {turn} is done."));
            w.message("user", &format!("Go on with step {}.", turn + 1));
        }
    }
}
