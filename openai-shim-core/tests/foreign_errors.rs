//! Errors inside a success, in the form of any API: for every upstream dialect, every client, before the answer, in it, and in its place.

mod common;

use common::answer::{converted, streamed_text, text};
use openai_shim_core::PayloadKind;
use openai_shim_core::canonical::{DiagnosticCode, FinishReason, Outcome};
use openai_shim_core::convert::Conversion;
use openai_shim_core::dialect::{DIALECTS, Dialect};

/// The dialects that read every API's errors.
const UPSTREAMS: [&str; 7] = [
    "openai-chat",
    "openai-completions",
    "openai-responses",
    "anthropic-messages",
    "ollama-chat",
    "ollama-generate",
    "gemini",
];

fn upstreams() -> impl Iterator<Item = &'static Dialect> {
    DIALECTS.iter().filter(|dialect| UPSTREAMS.contains(&dialect.name()))
}

/// Errors of APIs and gateways, and the status that each should have had.
const ERRORS: [(&str, u16); 29] = [
    (
        r#"{"error":{"message":"It broke.","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}"#,
        429,
    ),
    (r#"{"error":{"message":"It broke.","type":"insufficient_quota","code":"insufficient_quota"}}"#, 429),
    (r#"{"error":{"error":{"message":"It broke.","type":"server_error"}}}"#, 502),
    (r#"{"error":"It broke."}"#, 502),
    (r#"{"error":"It broke.","status_code":500}"#, 500),
    (r#"{"error":"It broke.","error_type":"overloaded"}"#, 503),
    (r#"{"error":{"code":"InternalError","msg":"It broke."}}"#, 502),
    (r#"{"error":{"code":503,"message":"It broke.","status":"UNAVAILABLE"}}"#, 503),
    (r#"[{"error":{"code":429,"message":"It broke.","status":"RESOURCE_EXHAUSTED"}}]"#, 429),
    (r#"{"type":"error","error":{"type":"rate_limit_error","message":"It broke."},"request_id":"r"}"#, 429),
    (r#"{"type":"error","error":{"type":"invalid_request_error","code":"x","message":"It broke."}}"#, 400),
    (
        r#"{"type":"error","code":"rate_limit_exceeded","message":"It broke.","param":null,"sequence_number":9}"#,
        429,
    ),
    (
        r#"{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":{"code":"server_error","message":"It broke."}}}"#,
        502,
    ),
    (r#"{"object":"error","message":"It broke.","type":"BadRequestError","param":null,"code":400}"#, 400),
    (r#"{"detail":"It broke."}"#, 502),
    (r#"{"detail":[{"loc":["body"],"msg":"It broke.","type":"value_error"}]}"#, 502),
    (r#"{"detail":{"message":"It broke.","code":404}}"#, 404),
    (r#"{"code":429,"message":"It broke.","data":null}"#, 429),
    (r#"{"code":"Throttling.RateQuota","message":"It broke.","request_id":"r"}"#, 429),
    (r#"{"code":1301,"msg":"It broke.","success":false}"#, 502),
    (r#"{"base_resp":{"status_code":1002,"status_msg":"It broke."}}"#, 502),
    (r#"{"success":false,"errors":[{"code":3040,"message":"It broke."}],"result":null}"#, 502),
    (r#"{"message":"It broke."}"#, 502),
    (r#"{"message":"It broke.","status_code":403}"#, 403),
    (r#"{"throttlingException":{"message":"It broke."}}"#, 429),
    (r#"{"__type":"com.amazon.coral.service#ValidationException","message":"It broke."}"#, 400),
    (r#"{"internalServerException":{"message":"It broke."}}"#, 500),
    (r#"{"error_code":17,"error_msg":"It broke."}"#, 502),
    (r#"{"errorCode":"X","errorMessage":"It broke."}"#, 502),
];

/// The beginning of an answer with the text `Hel`, then this error.
fn cut(from: Dialect, error: &str) -> String {
    let answer = streamed_text(from, &["Hel", "lo"], &FinishReason::Stop);
    let answer = String::from_utf8(answer).unwrap();
    let is_stream_of_events = answer.contains("data:");
    let (unit, prefix) = if is_stream_of_events { ("\n\n", "data: ") } else { ("\n", "") };
    let at = answer.find("Hel").unwrap();
    let end = at + answer[at..].find(unit).unwrap() + unit.len();
    format!("{}{prefix}{error}{unit}", &answer[..end])
}

fn has_message(conversion: &Conversion) -> bool {
    text(conversion).contains("It broke.") && conversion.outcome == Some(Outcome::Errored)
}

#[test]
fn error_of_any_api_in_a_stream_is_told_as_it_is() {
    for from in upstreams() {
        for to in DIALECTS {
            for (error, _) in ERRORS {
                let body = cut(*from, error);
                let result = converted(from.name(), to.name(), PayloadKind::Stream, &body, None);
                let case = format!("{error} from {} to {}: {result}", from.name(), to.name());
                assert!(has_message(&result) && text(&result).contains("Hel"), "{case}");
                assert!(result.diagnostics.has(DiagnosticCode::ErrorInStream), "{case}");
            }
        }
    }
}

#[test]
fn error_of_any_api_in_place_of_an_answer_has_its_status() {
    for from in upstreams() {
        for (error, status) in ERRORS {
            let event = if from.name().starts_with("ollama") {
                format!("{error}\n")
            } else {
                format!("data: {error}\n\n")
            };
            for (kind, body) in [(PayloadKind::Stream, &*event), (PayloadKind::Response, error)] {
                let result = converted(from.name(), "gemini", kind, body, None);
                let case = format!("{error} from {}: {result}", from.name());
                assert!(has_message(&result), "{case}");
                assert_eq!(result.status, Some(status), "{case}");
            }
        }
    }
}

#[test]
fn event_that_is_named_error_is_one_whatever_its_data() {
    for from in upstreams() {
        if from.name().starts_with("ollama") {
            continue;
        }
        for data in ["It broke.", "\"It broke.\"", r#"{"status":503,"title":"It broke."}"#] {
            let body = cut(*from, "X").replace("data: X", &format!("event: error\ndata: {data}"));
            for to in DIALECTS {
                let result = converted(from.name(), to.name(), PayloadKind::Stream, &body, None);
                assert!(has_message(&result), "{body} to {}: {result}", to.name());
            }
        }
    }
}

#[test]
fn object_with_a_message_that_is_no_error_is_none() {
    let objects = [
        r#"{"code":0,"message":"success"}"#,
        r#"{"code":200,"msg":"ok","success":true}"#,
        r#"{"type":"status","message":"The model is loading."}"#,
        r#"{"error":null,"status":"ok"}"#,
    ];
    for from in upstreams() {
        let answer = String::from_utf8(streamed_text(*from, &["Hel", "lo"], &FinishReason::Stop)).unwrap();
        let (unit, prefix) = if answer.contains("data:") { ("\n\n", "data: ") } else { ("\n", "") };
        let at = answer.find("Hel").unwrap();
        let end = at + answer[at..].find(unit).unwrap() + unit.len();
        for object in objects {
            let body = format!("{}{prefix}{object}{unit}{}", &answer[..end], &answer[end..]);
            for to in DIALECTS {
                let result = converted(from.name(), to.name(), PayloadKind::Stream, &body, None);
                let case = format!("{object} from {} to {}: {result}", from.name(), to.name());
                assert_eq!(result.outcome, Some(Outcome::Complete), "{case}");
            }
        }
    }
}

#[test]
fn error_of_a_choice_is_told_with_its_message() {
    let choice = |content: &str| {
        format!(r#""index":0,{content},"finish_reason":"error","error":{{"code":503,"message":"It broke."}}"#)
    };
    let chat = [
        (
            PayloadKind::Response,
            r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{$}]}"#,
            r#""message":{"role":"assistant","content":"Hel"}"#,
        ),
        (
            PayloadKind::Stream,
            "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{$}]}\n\ndata: [DONE]\n\n",
            r#""delta":{"role":"assistant","content":"Hel"}"#,
        ),
    ];
    let text = |(kind, template, _): (PayloadKind, &str, &str)| {
        (
            kind,
            template
                .replace("chat.completion.chunk", "text_completion")
                .replace("chat.completion", "text_completion"),
            r#""text":"Hel""#,
        )
    };
    for to in DIALECTS {
        for (from, (kind, template, content)) in [
            ("openai-chat", (chat[0].0, chat[0].1.to_owned(), chat[0].2)),
            ("openai-chat", (chat[1].0, chat[1].1.to_owned(), chat[1].2)),
            ("openai-completions", text(chat[0])),
            ("openai-completions", text(chat[1])),
        ] {
            let result = converted(from, to.name(), kind, template.replace('$', &choice(content)), None);
            assert!(has_message(&result), "{from} to {}: {result}", to.name());
        }
    }
}

#[test]
fn response_that_is_completed_as_failed_has_failed() {
    for status in ["failed", "cancelled"] {
        let end = format!(
            "event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{{\"id\":\"answer\",\"status\":\"{status}\",\"error\":{{\"code\":\"server_error\",\"message\":\"It broke.\"}},\"output\":[]}}}}\n\n"
        );
        let from = DIALECTS.iter().find(|dialect| dialect.name() == "openai-responses").unwrap();
        let answer = String::from_utf8(streamed_text(*from, &["Hel", "lo"], &FinishReason::Stop)).unwrap();
        let at = answer.find("event: response.output_text.done").unwrap();
        for to in DIALECTS {
            let body = format!("{}{end}", &answer[..at]);
            let result = converted(from.name(), to.name(), PayloadKind::Stream, body, None);
            assert!(has_message(&result), "{}: {result}", to.name());
        }
    }
}
