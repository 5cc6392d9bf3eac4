//! Empty answers that are legitimate pass; a page or a document that is no answer is an error that says so.

mod common;

use common::answer::{converted, text};
use openai_shim_core::canonical::Outcome;
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::{ClientRequest, Retry, Settings};
use openai_shim_core::{Context, Exchange, PayloadKind, dialect, profile};

const CLAUDE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#;

const CLAUDE_STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":1}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[test]
fn empty_turn_of_claude_is_an_answer() {
    for to in DIALECTS {
        for (kind, body) in [(PayloadKind::Response, CLAUDE), (PayloadKind::Stream, CLAUDE_STREAM)] {
            let result = converted("anthropic-messages", to.name(), kind, body, None);
            assert!(result.ok, "{}: {}", to.name(), text(&result));
            assert_eq!((result.outcome, result.status), (Some(Outcome::Complete), Some(200)));
        }
    }
    let own = converted("anthropic-messages", "anthropic-messages", PayloadKind::Response, CLAUDE, None);
    assert_eq!(text(&own), CLAUDE);
    let unstated = CLAUDE.replace("\"end_turn\"", "null");
    let result =
        converted("anthropic-messages", "anthropic-messages", PayloadKind::Response, &unstated, None);
    assert_eq!(result.outcome, Some(Outcome::Empty));
}

#[test]
fn empty_turn_behind_the_result_of_a_tool_is_an_answer() {
    let question = r#"{"role":"user","content":"a"}"#;
    let result = r#"{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"ok"}"#;
    let whole = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"stop"}]}"#;
    let stream = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    for (messages, expected) in [(question, Outcome::Empty), (result, Outcome::Complete)] {
        let request = format!(r#"{{"model":"m","messages":[{messages}]}}"#);
        for (kind, body) in [(PayloadKind::Response, whole), (PayloadKind::Stream, stream)] {
            let result = converted("openai-chat", "openai-chat", kind, body, Some(&request));
            assert_eq!(result.outcome, Some(expected), "{}", text(&result));
            assert_eq!(result.ok, expected == Outcome::Complete);
        }
    }
}

#[test]
fn page_is_an_error_that_names_the_base_url() {
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Hello</body></html>";
    for from in DIALECTS {
        for to in DIALECTS {
            for kind in [PayloadKind::Response, PayloadKind::Stream] {
                let result = converted(from.name(), to.name(), kind, page, None);
                let what = format!("{} to {}: {}", from.name(), to.name(), text(&result));
                assert!(!result.ok && result.status == Some(502), "{what}");
                assert!(text(&result).contains("base_url") && text(&result).contains("HTML"), "{what}");
            }
        }
    }
}

#[test]
fn document_that_is_no_answer_has_no_fallback() {
    for body in ["<html>x</html>", "Not found", r#"{"status":"ok"}"#] {
        let request = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
        let request = ClientRequest::read(common::chat(), "", request.to_vec().into()).unwrap();
        let mut settings = Settings::default();
        settings.retry = Retry::none();
        let mut exchange =
            Exchange::start(request, profile("compatible").unwrap(), settings, Context::fixed()).unwrap();
        exchange.next();
        exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
        let mut out = Vec::new();
        exchange.push(body.as_bytes(), &mut out).unwrap();
        exchange.finish(&mut out).unwrap();
        assert_eq!(exchange.report().outcome, Outcome::Errored, "{body}");
        assert_eq!(exchange.response_head().unwrap().status, 502, "{body}");
    }
}

#[test]
fn absent_code_of_an_error_stays_absent_in_the_same_dialect() {
    for status in [400, 401, 429, 500] {
        for name in ["openai-chat", "openai-completions", "openai-responses"] {
            let body =
                r#"{"error":{"message":"No.","type":"invalid_request_error","param":null,"code":null}}"#;
            let mut input = ConversionInput::new(PayloadKind::Error, dialect(name).unwrap(), body.as_bytes())
                .profile(profile("compatible").unwrap())
                .status(status);
            assert_eq!(text(&convert(&input)), body, "{name} {status}");
            input.to = dialect("anthropic-messages").unwrap();
            assert!(!text(&convert(&input)).contains("code"), "{name}");
        }
    }
}

#[test]
fn document_of_another_api_is_an_error_that_names_the_base_url() {
    for document in [r#"{"status":"ok","version":"1.2"}"#, "{\n  \"status\": \"ok\"\n}", "{}"] {
        for from in DIALECTS {
            for to in DIALECTS {
                for kind in [PayloadKind::Response, PayloadKind::Stream] {
                    let result = converted(from.name(), to.name(), kind, document, None);
                    let what = format!("{} to {}: {}", from.name(), to.name(), text(&result));
                    assert!(!result.ok && result.status == Some(502), "{what}");
                    assert!(text(&result).contains("base_url"), "{what}");
                }
            }
        }
    }
    // What could be an answer, with nothing in it, is an empty one.
    for kind in [PayloadKind::Response, PayloadKind::Stream] {
        let body = r#"{"object":"chat.completion","choices":[]}"#;
        assert_eq!(converted("openai-chat", "openai-chat", kind, body, None).outcome, Some(Outcome::Empty));
    }
}
