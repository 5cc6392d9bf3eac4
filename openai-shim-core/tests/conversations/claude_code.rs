//! Thirty turns as Claude Code sends them: signed thinking, parallel calls, pictures in results, failed and interrupted calls,
//! reminders beside results, marks for the cache, and a system message inside the conversation.

use crate::script::{Author, Conversation, Item, picture, schema};
use serde_json::{Value, json};

const LONG: &str = "mcp__plugin_browser-devtools-server_browser-devtools__list_console_messages";
const TOOLS: [(&str, &str); 4] =
    [("Bash", "command"), ("Read", "file_path"), ("Edit", "file_path"), (LONG, "page")];

#[derive(Default)]
struct Writer {
    messages: Vec<Value>,
    items: Vec<Item>,
    calls: usize,
}

impl Writer {
    fn say(&mut self, author: Author, text: &str) -> Value {
        self.items.push(Item::Text { author, text: text.to_owned() });
        json!({"type": "text", "text": text})
    }

    fn think(&mut self, turn: usize) -> Value {
        let (text, data) =
            (format!("Turn {turn}: what is the next step?"), format!("c2lnbmF0dXJlLW9mLXR1cm4{turn:03}"));
        self.items.push(Item::Reasoning { text: text.clone() });
        self.items.push(Item::Sealed { data: data.clone() });
        json!({"type": "thinking", "thinking": text, "signature": data})
    }

    /// A call, and its number.
    fn call(&mut self, tool: usize, value: &str) -> (usize, Value) {
        let (name, member) = TOOLS[tool];
        let (number, input) = (self.calls, json!({member: value}));
        self.calls += 1;
        self.items.push(Item::Call { name: name.to_owned(), arguments: input.clone() });
        (number, json!({"type": "tool_use", "id": id(number), "name": name, "input": input}))
    }

    fn result(&mut self, call: usize, text: &str, failed: bool) -> Value {
        self.items.push(Item::Result { call, text: text.to_owned(), failed });
        let mut block = json!({"type": "tool_result", "tool_use_id": id(call), "content": text});
        if failed {
            block["is_error"] = json!(true);
        }
        block
    }

    fn screenshot(&mut self, call: usize, text: &str) -> Value {
        let mut block = self.result(call, text, false);
        let data = picture(call);
        self.items.push(Item::Picture { data: data.clone(), of: Some(call) });
        let source = json!({"type": "base64", "media_type": "image/png", "data": data});
        block["content"] = json!([{"type": "text", "text": text}, {"type": "image", "source": source}]);
        block
    }

    fn push(&mut self, role: &str, content: Vec<Value>) {
        self.messages.push(json!({"role": role, "content": content}));
    }
}

fn id(call: usize) -> String {
    format!("toolu_01{call:022}")
}

fn cached(mut block: Value) -> Value {
    block["cache_control"] = json!({"type": "ephemeral"});
    block
}

pub fn conversation() -> Conversation {
    let mut w = Writer::default();
    let system = ["You are an agent at a terminal.", "Be exact and brief."];
    let system: Vec<Value> = system.iter().map(|text| cached(w.say(Author::System, text))).collect();
    let opening = vec![
        w.say(Author::User, "<system-reminder>\nToday is a Monday.\n</system-reminder>"),
        w.say(Author::User, "Repair the failing test."),
    ];
    w.push("user", opening);
    w.items.push(Item::Text {
        author: Author::System,
        text: "# Environment\nThe working directory is a repository.".into(),
    });
    w.messages
        .push(json!({"role": "system", "content": "# Environment\nThe working directory is a repository."}));
    for turn in 0..30 {
        step(&mut w, turn);
    }
    let last = w.say(Author::User, "Now look at the console once more.");
    w.push("user", vec![cached(last)]);
    let tools: Vec<Value> = TOOLS.iter().map(|(name, member)| json!({"name": name, "description": format!("Runs {member}."), "input_schema": schema(member)})).collect();
    let body = json!({
        "model": "claude-opus-4-6",
        "max_tokens": 32000,
        "stream": true,
        "system": system,
        "messages": w.messages,
        "tools": tools,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
        "metadata": {"user_id": "user_1"},
    });
    Conversation {
        name: "claude-code",
        client: "anthropic-messages",
        path: "/v1/messages",
        body,
        items: w.items,
        tools: TOOLS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        answer: vec![(3, json!({"page": "first"})), (0, json!({"command": "cargo test"}))],
    }
}

fn step(w: &mut Writer, turn: usize) {
    match turn % 6 {
        0 => {
            let content = vec![
                w.think(turn),
                w.say(Author::Assistant, &format!("I read file {turn}.")),
                w.call(1, &format!("/src/{turn}.rs")).1,
            ];
            w.push("assistant", content);
            let answered = vec![
                w.result(w.calls - 1, &format!("fn f{turn}() {{}}"), false),
                w.say(Author::User, "<system-reminder>The file has no tests.</system-reminder>"),
            ];
            w.push("user", answered);
        }
        1 => {
            let thought = w.think(turn);
            let calls: Vec<(usize, Value)> = [(0, "ls"), (3, "second"), (0, "pwd")]
                .into_iter()
                .map(|(tool, value)| w.call(tool, &format!("{value} {turn}")))
                .collect();
            w.push(
                "assistant",
                [vec![thought], calls.iter().map(|(_, block)| block.clone()).collect()].concat(),
            );
            let answered = vec![
                w.result(calls[0].0, &format!("a.rs b.rs {turn}"), false),
                w.screenshot(calls[1].0, &format!("screenshot {turn}")),
                w.result(calls[2].0, "/src", false),
            ];
            w.push("user", answered);
        }
        2 => {
            let content = vec![w.call(2, &format!("/src/{turn}.rs")).1];
            w.push("assistant", content);
            let failed = vec![w.result(w.calls - 1, &format!("No match in line {turn}."), true)];
            w.push("user", failed);
        }
        3 => {
            let content = vec![w.think(turn), w.say(Author::Assistant, &format!("Step {turn} is done."))];
            w.push("assistant", content);
            let instruction = vec![w.say(Author::User, &format!("Go on with step {}.", turn + 1))];
            w.push("user", instruction);
        }
        4 => {
            let content = vec![
                w.say(Author::Assistant, &format!("I look at page {turn}.")),
                w.call(3, &format!("page {turn}")).1,
            ];
            w.push("assistant", content);
            let number = w.calls - 1;
            let mut block = w.result(number, &format!("line one {turn} line two {turn}"), false);
            block["content"] = json!([{"type": "text", "text": format!("line one {turn}")}, {"type": "text", "text": format!("line two {turn}")}]);
            w.push("user", vec![block]);
        }
        _ => {
            // The user interrupts: the call gets no result of its own.
            let content = vec![
                w.say(Author::Assistant, &format!("I run check {turn}.")),
                w.call(0, &format!("check {turn}")).1,
            ];
            w.push("assistant", content);
            let instruction =
                vec![w.say(Author::User, &format!("[Request interrupted by user] Stop, try {turn} again."))];
            w.push("user", instruction);
        }
    }
}
