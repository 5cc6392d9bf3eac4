//! Images, audio and files in requests: every place, every spelling, from every client's dialect to every upstream's.

use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect;
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::profile::{Profile, profile};
use serde_json::{Value, json};

const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF: &str = "JVBERi0xLjcKJcOkw7zDtsOfCjIgMCBvYmoK";
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// Where media stand in a conversation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    User,
    Result,
    Assistant,
    System,
}

const PLACES: [Place; 4] = [Place::User, Place::Result, Place::Assistant, Place::System];
const CLIENTS: [&str; 5] = ["openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama-chat"];

fn to_upstream(client: &str, upstream: Dialect, profile_name: Option<&str>, body: &Value) -> Conversion {
    let named = profile_name.map(|name| profile(name).unwrap());
    let native = || Profile::native(upstream);
    convert(
        &ConversionInput::request(dialect(client).unwrap(), body.to_string().as_bytes())
            .to(dialect(upstream.name()).unwrap())
            .profile(named.or_else(native).unwrap_or_else(|| profile("compatible").unwrap())),
    )
}

fn converted(client: &str, upstream: &str, body: &Value) -> Value {
    let conversion = to_upstream(client, dialect(upstream).unwrap(), None, body);
    assert!(conversion.ok, "{client} to {upstream}: {conversion}");
    serde_json::from_slice(&conversion.body).unwrap()
}

fn warnings(conversion: &Conversion) -> Vec<String> {
    let is_about_messages = |path: &str| path.starts_with("messages");
    let warnings = conversion.diagnostics.iter();
    let warnings = warnings.filter(|d| d.severity().as_str() != "info" && is_about_messages(&d.path));
    warnings.map(|d| format!("{} {}", d.path, d.detail)).collect()
}

/// A part with a text, and one with media of a type, as a client of the dialect writes them.
fn parts(client: &str, text: &str, media_type: &str, data: &str) -> Vec<Value> {
    let kind = media_type.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let url = format!("data:{media_type};base64,{data}");
    let media = match (client, kind.as_str()) {
        ("openai-chat", "image") => json!({"type": "image_url", "image_url": {"url": url}}),
        ("openai-chat" | "openai-responses", "audio") => {
            json!({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}})
        }
        ("openai-chat", _) => json!({"type": "file", "file": {"filename": "report.pdf", "file_data": url}}),
        ("openai-responses", "image") => json!({"type": "input_image", "image_url": url, "detail": "auto"}),
        ("openai-responses", _) => json!({"type": "input_file", "filename": "report.pdf", "file_data": url}),
        ("anthropic-messages", "image") => {
            json!({"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}})
        }
        ("anthropic-messages", _) => {
            json!({"type": "document", "title": "report.pdf", "source": {"type": "base64", "media_type": media_type, "data": data}})
        }
        _ => json!({"inlineData": {"mimeType": media_type, "data": data}}),
    };
    let text = match client {
        "openai-responses" => json!({"type": "input_text", "text": text}),
        "gemini" => json!({"text": text}),
        _ => json!({"type": "text", "text": text}),
    };
    vec![text, media]
}

/// A conversation with a call of `shot` and one of `f`, and with media in one place.
fn conversation(client: &str, place: Place, media_type: &str, data: &str) -> Value {
    let content = |here: Place, text: &str| {
        let mut parts = parts(client, text, media_type, data);
        if here != place {
            parts.truncate(1);
        }
        parts
    };
    let assistant = |text: &str| {
        let mut parts = content(Place::Assistant, text);
        if client == "openai-responses" {
            parts[0]["type"] = json!("output_text");
        }
        parts
    };
    let [system, user, shot, answer] = [
        content(Place::System, "be brief"),
        content(Place::User, "look"),
        content(Place::Result, "shot"),
        assistant("done"),
    ];
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}});
    match client {
        "openai-chat" => {
            let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
            json!({"model": "m", "tools": [tool("shot"), tool("f")], "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
                {"role": "assistant", "content": null, "tool_calls": [call("c1", "shot"), call("c2", "f")]},
                {"role": "tool", "tool_call_id": "c1", "content": shot},
                {"role": "tool", "tool_call_id": "c2", "content": "plain"},
                {"role": "assistant", "content": answer},
                {"role": "user", "content": "go on"},
            ]})
        }
        "openai-responses" => json!({"model": "m", "input": [
            {"role": "system", "content": system},
            {"role": "user", "content": user},
            {"type": "function_call", "call_id": "c1", "name": "shot", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": shot},
            {"type": "function_call_output", "call_id": "c2", "output": "plain"},
            {"type": "message", "role": "assistant", "content": answer},
            {"role": "user", "content": "go on"},
        ], "tools": [
            {"type": "function", "name": "shot", "parameters": {"type": "object", "properties": {}}, "strict": false},
            {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": false},
        ]}),
        "anthropic-messages" => {
            let call =
                |id: &str, name: &str| json!({"type": "tool_use", "id": id, "name": name, "input": {}});
            json!({"model": "m", "max_tokens": 100, "system": system, "messages": [
                {"role": "user", "content": user},
                {"role": "assistant", "content": [call("c1", "shot"), call("c2", "f")]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": shot},
                    {"type": "tool_result", "tool_use_id": "c2", "content": "plain"},
                ]},
                {"role": "assistant", "content": answer},
                {"role": "user", "content": "go on"},
            ], "tools": [
                {"name": "shot", "input_schema": {"type": "object", "properties": {}}},
                {"name": "f", "input_schema": {"type": "object", "properties": {}}},
            ]})
        }
        "gemini" => {
            let mut response = json!({"id": "c1", "name": "shot", "response": {"output": "shot"}});
            if place == Place::Result {
                response["parts"] = json!([shot[1]]);
            }
            json!({"model": "m", "systemInstruction": {"parts": system}, "contents": [
                {"role": "user", "parts": user},
                {"role": "model", "parts": [
                    {"functionCall": {"id": "c1", "name": "shot", "args": {}}},
                    {"functionCall": {"id": "c2", "name": "f", "args": {}}},
                ]},
                {"role": "user", "parts": [
                    {"functionResponse": response},
                    {"functionResponse": {"id": "c2", "name": "f", "response": {"output": "plain"}}},
                ]},
                {"role": "model", "parts": answer},
                {"role": "user", "parts": [{"text": "go on"}]},
            ]})
        }
        _ => {
            let message = |here: Place, role: &str, text: &str| {
                let mut message = json!({"role": role, "content": text});
                if here == place {
                    message["images"] = json!([data]);
                }
                message
            };
            let call = |id: &str, name: &str| json!({"id": id, "function": {"name": name, "arguments": {}}});
            let mut result = message(Place::Result, "tool", "shot");
            (result["tool_name"], result["tool_call_id"]) = (json!("shot"), json!("c1"));
            json!({"model": "m", "messages": [
                message(Place::System, "system", "be brief"),
                message(Place::User, "user", "look"),
                {"role": "assistant", "content": "", "tool_calls": [call("c1", "shot"), call("c2", "f")]},
                result,
                {"role": "tool", "content": "plain", "tool_name": "f", "tool_call_id": "c2"},
                message(Place::Assistant, "assistant", "done"),
                {"role": "user", "content": "go on"},
            ], "tools": [tool("shot"), tool("f")]})
        }
    }
}

/// The turns of a request: their role, and their JSON. What a tool returned has the role `tool`.
fn turns(upstream: &str, body: &Value) -> Vec<(String, String)> {
    let list = ["messages", "input", "contents"].iter().find_map(|key| body[key].as_array());
    let mut turns = Vec::new();
    for key in ["system", "systemInstruction", "instructions"] {
        turns.extend(body.get(key).map(|system| ("system".to_owned(), system.to_string())));
    }
    for item in list.into_iter().flatten() {
        let role = item["role"].as_str().unwrap_or("tool").replace("model", "assistant");
        let key = if upstream == "gemini" { "parts" } else { "content" };
        let is_result =
            |part: &Value| part["type"] == "tool_result" || part.get("functionResponse").is_some();
        match item[key].as_array() {
            Some(parts) if parts.iter().any(is_result) => {
                let of = |part: &Value| if is_result(part) { "tool".to_owned() } else { role.clone() };
                turns.extend(parts.iter().map(|part| (of(part), part.to_string())));
            }
            _ => turns.push((role, item.to_string())),
        }
    }
    turns
}

#[test]
fn an_image_of_any_place_arrives_once_where_the_upstream_takes_it() {
    for client in CLIENTS {
        for upstream in DIALECTS {
            for place in PLACES {
                let body = conversation(client, place, "image/png", PNG);
                let conversion = to_upstream(client, *upstream, None, &body);
                let what = format!("{client} to {} in {place:?}: {conversion}", upstream.name());
                assert!(conversion.ok, "{what}");
                let sent = String::from_utf8(conversion.body.clone()).unwrap();
                if upstream.name() == "openai-completions" {
                    assert!(!sent.contains(PNG) && !warnings(&conversion).is_empty(), "{what}");
                    continue;
                }
                assert_eq!(sent.matches(PNG).count(), 1, "{what}");
                assert_eq!(warnings(&conversion), Vec::<String>::new(), "{what}");
                let body: Value = serde_json::from_str(&sent).unwrap();
                let places: &[&str] = match upstream.name() {
                    "openai-chat" => &["user"],
                    "openai-responses" => &["user", "tool", "system"],
                    "anthropic-messages" | "ollama-chat" => &["user", "tool"],
                    "gemini" => &["user", "assistant"],
                    // A prompt with images has no turns.
                    _ => continue,
                };
                let found = turns(upstream.name(), &body);
                let (role, _) = found.iter().find(|(_, turn)| turn.contains(PNG)).unwrap();
                assert!(places.contains(&role.as_str()), "{role}: {what}");
            }
        }
    }
}

#[test]
fn media_of_results_go_behind_all_results_and_tell_where_they_are_from() {
    for client in CLIENTS {
        let sent = converted(client, "openai-chat", &conversation(client, Place::Result, "image/png", PNG));
        let messages = sent["messages"].as_array().unwrap();
        let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
        let expected = ["system", "user", "assistant", "tool", "tool", "user", "assistant", "user"];
        assert_eq!(roles, expected, "{client}: {sent}");
        assert!(
            messages[5].to_string().contains(PNG) && messages[5].to_string().contains("shot (c1)"),
            "{sent}"
        );
        assert!(
            messages[3].to_string().contains("shot") && messages[4].to_string().contains("plain"),
            "{sent}"
        );
    }
}

#[test]
fn media_of_one_result_join_the_users_next_message() {
    let mut body = conversation("openai-chat", Place::Result, "image/png", PNG);
    let messages = body["messages"].as_array_mut().unwrap();
    messages[2]["tool_calls"].as_array_mut().unwrap().truncate(1);
    messages.remove(4);
    messages.remove(4);
    let sent = converted("openai-chat", "openai-chat", &body);
    let image = json!({"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PNG}")}});
    assert_eq!(
        sent["messages"][4],
        json!({"role": "user", "content": [image, {"type": "text", "text": "go on"}]})
    );
    assert_eq!(sent["messages"].as_array().unwrap().len(), 5, "{sent}");
}

#[test]
fn media_at_the_end_of_a_begun_answer_are_reported() {
    let mut body = conversation("openai-chat", Place::Assistant, "image/png", PNG);
    body["messages"].as_array_mut().unwrap().pop();
    let conversion = to_upstream("openai-chat", dialect("anthropic-messages").unwrap(), None, &body);
    assert!(warnings(&conversion).iter().any(|warning| warning.contains("begun answer")), "{conversion}");
    let sent: Value = serde_json::from_slice(&conversion.body).unwrap();
    assert_eq!(sent["messages"].as_array().unwrap().last().unwrap()["role"], "user");
}

#[test]
fn a_document_or_a_sound_arrives_or_a_warning_says_that_it_is_lost() {
    for client in CLIENTS.into_iter().filter(|client| *client != "ollama-chat") {
        for upstream in DIALECTS {
            for place in PLACES {
                for (media_type, data) in [("application/pdf", PDF), ("audio/wav", WAV)] {
                    if media_type == "audio/wav" && client == "anthropic-messages" {
                        continue;
                    }
                    let body = conversation(client, place, media_type, data);
                    let conversion = to_upstream(client, *upstream, None, &body);
                    let what = format!("{client} to {} in {place:?}: {conversion}", upstream.name());
                    assert!(conversion.ok, "{what}");
                    let sent = String::from_utf8(conversion.body.clone()).unwrap();
                    let is_lost =
                        warnings(&conversion).iter().any(|w| w.contains("file") || w.contains("audio"));
                    assert!(sent.matches(data).count() <= 1, "{what}");
                    assert!(sent.contains(data) || is_lost, "{what}");
                    let takes = match upstream.name() {
                        "openai-chat" | "gemini" => true,
                        "openai-responses" | "anthropic-messages" => media_type == "application/pdf",
                        _ => false,
                    };
                    assert_eq!(sent.contains(data), takes, "{what}");
                }
            }
        }
    }
}

#[test]
fn every_spelling_of_a_type_is_one() {
    for media_type in [
        "image/png",
        "IMAGE/PNG",
        "image/png;charset=utf-8",
        "image/x-png",
        "image/jpg",
        "image/*",
        "application/octet-stream",
        "",
    ] {
        for client in ["openai-chat", "openai-responses", "anthropic-messages", "gemini"] {
            let mut body = conversation(client, Place::User, "image/png", PNG);
            let text = body.to_string().replace("data:image/png;", &format!("data:{media_type};"));
            body =
                serde_json::from_str(&text.replace("\"image/png\"", &format!("\"{media_type}\""))).unwrap();
            for upstream in ["openai-chat", "openai-responses", "anthropic-messages", "gemini"] {
                let sent = converted(client, upstream, &body).to_string();
                let right = match upstream {
                    "anthropic-messages" => r#""media_type":"image/png""#,
                    "gemini" => r#""mimeType":"image/png""#,
                    _ => "data:image/png;base64,iVBOR",
                };
                assert!(sent.contains(right), "{media_type} {client} to {upstream}: {sent}");
            }
        }
    }
}

#[test]
fn every_spelling_of_a_data_url_is_one() {
    let mut broken = PNG.to_owned();
    broken.insert_str(40, "\r\n ");
    let unpadded = PNG.trim_end_matches('=');
    let escaped = PNG.replace('=', "%3D").replace('+', "%2B");
    for url in [
        format!("DATA:image/PNG;BASE64,{PNG}"),
        format!("data:image/png;base64,{broken}"),
        format!("data:image/png;base64,{unpadded}"),
        format!("data:image/png;base64,{escaped}"),
        format!("data:image/png;base64,{}", PNG.replace('+', "-").replace('/', "_")),
        format!("data:;base64,{PNG}"),
        format!("data:image/jpeg;name=a.jpg;base64,{PNG}"),
        PNG.to_owned(),
    ] {
        for client in ["openai-chat", "openai-responses"] {
            let body = conversation(client, Place::User, "image/png", PNG);
            let text = body.to_string().replace(
                &format!("\"data:image/png;base64,{PNG}\""),
                &Value::String(url.clone()).to_string(),
            );
            let body: Value = serde_json::from_str(&text).unwrap();
            for upstream in ["openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama-chat"]
            {
                let sent = converted(client, upstream, &body).to_string();
                assert_eq!(sent.matches(PNG).count(), 1, "{url} {client} to {upstream}: {sent}");
                assert!(upstream == "ollama-chat" || sent.contains("image/png"), "{upstream}: {sent}");
            }
        }
    }
}

#[test]
fn a_data_url_that_is_not_base64_is_read() {
    let part = json!({"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain,a%20b"}});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [part]}]});
    let sent = converted("openai-chat", "anthropic-messages", &body);
    assert_eq!(
        sent["messages"][0]["content"][0]["source"],
        json!({"type": "text", "media_type": "text/plain", "data": "a b"})
    );
    let sent = converted("openai-chat", "gemini", &body);
    assert_eq!(
        sent["contents"][0]["parts"][0]["inlineData"],
        json!({"mimeType": "text/plain", "data": "YSBi"})
    );
}

#[test]
fn the_member_images_of_a_chat_message_is_read() {
    let image_part =
        json!({"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PNG}")}});
    for images in [json!([PNG]), json!([format!("data:image/png;base64,{PNG}")]), json!([image_part])] {
        for role in ["user", "assistant"] {
            for upstream in DIALECTS {
                let body = json!({"model": "m", "messages": [
                    {"role": "user", "content": "draw"},
                    {"role": role, "content": "what is it?", "images": images},
                    {"role": "user", "content": "go on"},
                ]});
                let conversion = to_upstream("openai-chat", *upstream, None, &body);
                let sent = String::from_utf8(conversion.body.clone()).unwrap();
                let is_lost = upstream.name() == "openai-completions";
                assert_eq!(sent.matches(PNG).count(), usize::from(!is_lost), "{role} {images}: {conversion}");
                assert_eq!(is_lost, !warnings(&conversion).is_empty(), "{conversion}");
            }
        }
    }
}

#[test]
fn an_acceptable_request_passes_byte_for_byte() {
    for (client, place, kind, data) in [
        ("openai-chat", Place::User, "image/png", PNG),
        ("openai-chat", Place::User, "application/pdf", PDF),
        ("openai-chat", Place::User, "audio/wav", WAV),
        ("openai-responses", Place::User, "image/png", PNG),
        ("openai-responses", Place::Result, "image/png", PNG),
        ("anthropic-messages", Place::User, "image/png", PNG),
        ("anthropic-messages", Place::Result, "image/png", PNG),
        ("anthropic-messages", Place::Result, "application/pdf", PDF),
        ("gemini", Place::User, "image/png", PNG),
        ("gemini", Place::Assistant, "image/png", PNG),
        ("ollama-chat", Place::User, "image/png", PNG),
        ("ollama-chat", Place::Result, "image/png", PNG),
    ] {
        let mut body = conversation(client, place, kind, data);
        if client.starts_with("ollama") {
            body["stream"] = json!(false);
        }
        let conversion = to_upstream(client, dialect(client).unwrap(), Some("compatible"), &body);
        assert_eq!(String::from_utf8(conversion.body).unwrap(), body.to_string(), "{client} {place:?}");
    }
}

#[test]
fn gemini_3_gets_media_inside_of_the_result() {
    let body = conversation("anthropic-messages", Place::Result, "image/png", PNG);
    let mut body = body;
    body["model"] = json!("gemini-3-pro");
    let sent = converted("anthropic-messages", "gemini", &body);
    let response = &sent["contents"][2]["parts"][0]["functionResponse"];
    assert_eq!(response["parts"], json!([{"inlineData": {"mimeType": "image/png", "data": PNG}}]), "{sent}");
}

#[test]
fn what_no_place_or_form_takes_is_left_out_with_a_warning() {
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url, "detail": "high"}});
    for (upstream, part, detail) in [
        ("gemini", image("data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP=="), "image of the type image/gif"),
        (
            "anthropic-messages",
            image("data:image/bmp;base64,Qk1GAAAAAAAAAA=="),
            "image of the type image/bmp",
        ),
        ("anthropic-messages", image("gs://bucket/a.png"), "not fetched"),
        ("anthropic-messages", json!({"type": "file", "file": {"file_id": "file-1"}}), "another vendor"),
        (
            "ollama-chat",
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}),
            "file",
        ),
        ("anthropic-messages", image("https://e.example/a.png"), "the detail of an image"),
    ] {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, part]}]});
        let conversion = to_upstream("openai-chat", dialect(upstream).unwrap(), None, &body);
        assert!(
            warnings(&conversion).iter().any(|warning| warning.contains(detail)),
            "{detail}: {conversion}"
        );
    }
}

#[test]
fn an_image_by_its_address_is_refused_where_none_is_fetched() {
    let part = json!({"type": "image_url", "image_url": {"url": "https://e.example/a.png"}});
    for role in ["user", "tool"] {
        let body = json!({"model": "m", "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": if role == "tool" { json!([part]) } else { json!("r") }},
            {"role": "user", "content": if role == "user" { json!([part]) } else { json!("r") }},
        ]});
        for upstream in ["ollama-chat", "ollama-generate"] {
            let conversion = to_upstream("openai-chat", dialect(upstream).unwrap(), None, &body);
            assert!(!conversion.ok, "{role} {upstream}: {conversion}");
        }
    }
}

#[test]
fn kinds_follow_the_type_of_the_data() {
    let pdf_as_image =
        json!({"type": "image_url", "image_url": {"url": format!("data:application/pdf;base64,{PDF}")}});
    let image_as_file = json!({"type": "file", "file": {"filename": "a.png", "file_data": PNG}});
    let body =
        json!({"model": "m", "messages": [{"role": "user", "content": [pdf_as_image, image_as_file]}]});
    let sent = converted("openai-chat", "anthropic-messages", &body);
    let types: Vec<_> =
        sent["messages"][0]["content"].as_array().unwrap().iter().map(|b| &b["type"]).collect();
    assert_eq!(types, ["document", "image"], "{sent}");
}

#[test]
fn a_text_file_of_any_type_is_a_document_of_text() {
    let file = json!({"type": "input_file", "filename": "a.json", "file_data": "data:application/json;base64,eyJhIjoxfQ=="});
    let body = json!({"model": "m", "input": [{"role": "user", "content": [file]}]});
    let sent = converted("openai-responses", "anthropic-messages", &body);
    assert_eq!(sent["messages"][0]["content"][0]["source"]["data"], "{\"a\":1}", "{sent}");
}

#[test]
fn sound_has_openais_name_of_its_format() {
    let body = json!({"model": "m", "contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "audio/mpeg", "data": "SUQzBAAAAAAA"}}]}]});
    let sent = converted("gemini", "openai-chat", &body);
    assert_eq!(sent["messages"][0]["content"][0]["input_audio"]["format"], "mp3", "{sent}");
    let audio = json!({"type": "input_audio", "input_audio": {"data": WAV, "format": "x-wav"}});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [audio]}]});
    let sent = converted("openai-chat", "openai-chat", &body);
    assert_eq!(sent["messages"][0]["content"][0]["input_audio"]["format"], "wav", "{sent}");
}

#[test]
fn media_of_a_type_that_a_vendor_does_not_read_are_left_out_with_a_warning() {
    let inline = |kind: &str, data: &str| json!({"inlineData": {"mimeType": kind, "data": data}});
    let address = |kind: &str, uri: &str| json!({"fileData": {"mimeType": kind, "fileUri": uri}});
    let converted_part = |to: &str, part: &Value| {
        let parts = [json!({"text": "look"}), part.clone()];
        let body = json!({"model": "m", "contents": [{"role": "user", "parts": parts}]});
        let profile = (to == "openai-chat").then_some("openai");
        let conversion = to_upstream("gemini", dialect(to).unwrap(), profile, &body);
        assert!(conversion.ok, "{to}: {part}: {conversion}");
        conversion
    };
    let stored = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    let others = ["openai-chat", "openai-responses", "anthropic-messages"];
    let all = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"];
    let cases = [
        (inline("video/mp4", "AAAA"), &others[..]),
        (address("video/mp4", "https://e.example/v"), &others),
        (inline("audio/flac", "ZkxhQw=="), &others),
        (inline("audio/ogg", "T2dnUw=="), &others),
        (inline("image/svg+xml", "PHN2Zy8+"), &all),
        (inline("image/heic", "AAAAGGZ0eXBoZWlj"), &others),
        (address("image/heic", "https://e.example/a"), &others),
        (address("image/png", stored), &others),
    ];
    for (part, upstreams) in &cases {
        for to in *upstreams {
            let conversion = converted_part(to, part);
            let body = String::from_utf8_lossy(&conversion.body);
            let members =
                ["image", "input_image", "file", "input_file", "input_audio", "document", "inlineData"];
            let is_sent = members.iter().any(|member| body.contains(&format!("\"{member}")));
            assert!(body.contains("look") && !is_sent, "{to}: {part}: {body}");
            assert!(!warnings(&conversion).is_empty(), "{to}: {part}");
        }
    }
    for part in [inline("audio/x-wav", WAV), inline("audio/mp3", "SUQz")] {
        let body = converted_part("openai-chat", &part).body;
        assert!(String::from_utf8_lossy(&body).contains("input_audio"), "{part}");
    }
    for part in [address("image/heic", "https://e.example/a"), address("image/png", stored)] {
        let conversion = converted_part("gemini", &part);
        assert!(String::from_utf8_lossy(&conversion.body).contains("fileUri"), "{part}");
        assert!(warnings(&conversion).is_empty(), "{part}: {conversion}");
    }
}
