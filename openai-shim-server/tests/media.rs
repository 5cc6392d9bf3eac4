//! Speech, transcripts and pictures of OpenAI's clients in front of Google's models.

mod support;

use serde_json::{Value, json};
use support::{Script, ScriptedUpstream, TestResponse, TestServer};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let groups = bytes.chunks(3).map(|group| {
        let number =
            group.iter().fold(0_usize, |all, byte| all << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        let digit = |place: usize| char::from(DIGITS[number >> (18 - 6 * place) & 63]);
        (0..4).map(|place| if place <= group.len() { digit(place) } else { '=' }).collect::<String>()
    });
    groups.collect()
}

fn from_base64(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_usize, 0);
    for digit in text.bytes().filter(|byte| *byte != b'=') {
        bits = bits << 6 | DIGITS.iter().position(|known| *known == digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

fn config(upstream: &ScriptedUpstream, more: &str) -> String {
    format!(
        "{more}\n[retry]\nattempts = 2\nbackoff = \"1ms\"\n[[upstream]]\nname = \"google\"\nbase_url = \"{}\"\nprofile = \"gemini\"\n\
         models = [\"gemini-2.5-flash-image\", \"imagen-4.0-generate-001\", {{ id = \"reader\", upstream = \"gemini-3.8-flash-tts\" }}, \
         {{ id = \"writer\", upstream = \"gemini-3-flash\" }}]\n",
        upstream.url
    )
}

async fn shim_of(scripts: Vec<Script>) -> (ScriptedUpstream, TestServer) {
    let upstream = ScriptedUpstream::start(scripts).await;
    let shim = TestServer::with_config(&config(&upstream, "")).await;
    (upstream, shim)
}

fn answer(parts: &Value, finish: &str) -> Script {
    let body = json!({
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 8, "candidatesTokenCount": 48, "totalTokenCount": 56,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}, {"modality": "AUDIO", "tokenCount": 3}],
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 48}]
        }
    });
    Script::json(&body.to_string())
}

fn speech_answer(samples: &[u8]) -> Script {
    let data = base64(samples);
    answer(&json!([{"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": data}}]), "STOP")
}

async fn post(shim: &TestServer, path: &str, body: &Value) -> TestResponse {
    TestResponse::read(shim.post(path, &body.to_string()).await).await
}

/// The status, content type and bytes of a response.
async fn post_bytes(shim: &TestServer, path: &str, body: &Value) -> (u16, String, Vec<u8>) {
    let response = shim.post(path, &body.to_string()).await;
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.bytes().await.unwrap().to_vec())
}

async fn post_form(
    shim: &TestServer,
    path: &str,
    fields: &[(&str, &str)],
    files: &[(&str, &str, &str)],
) -> TestResponse {
    let texts = fields.iter().map(|(name, value)| {
        format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    let files = files.iter().map(|(name, file, content)| {
        let head = format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n");
        format!("{head}Content-Type: application/octet-stream\r\n\r\n{content}\r\n")
    });
    let form = texts.chain(files).collect::<String>() + "--X--\r\n";
    let path = path.to_owned();
    shim.send(move |client, url| {
        client
            .post(format!("{url}{path}"))
            .header("content-type", "multipart/form-data; boundary=X")
            .body(form)
    })
    .await
}

#[tokio::test]
async fn speech_is_a_wav_file_or_raw_samples() {
    let samples = [1_u8, 2, 3, 4, 5, 6];
    let (upstream, shim) = shim_of(vec![speech_answer(&samples)]).await;
    let request = json!({"model": "reader", "input": "Hello", "voice": "alloy", "response_format": "wav"});
    let (status, kind, wav) = post_bytes(&shim, "/v1/audio/speech", &request).await;
    assert_eq!((status, kind.as_str()), (200, "audio/wav"));
    assert_eq!(
        (&wav[..4], &wav[8..16], &wav[44..]),
        (b"RIFF".as_slice(), b"WAVEfmt ".as_slice(), samples.as_slice())
    );
    let (head, _) = &upstream.requests()[0];
    assert!(head.starts_with("post /v1/models/gemini-3.8-flash-tts:generatecontent http"), "{head}");
    let sent = upstream.body(0);
    assert_eq!(sent["contents"], json!([{"role": "user", "parts": [{"text": "Hello"}]}]));
    assert_eq!(
        sent["generationConfig"],
        json!({"responseModalities": ["AUDIO"], "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}})
    );
    let request = json!({"model": "reader", "input": "Hello", "voice": "zephyr", "response_format": "pcm", "instructions": "Whisper."});
    let (status, kind, pcm) = post_bytes(&shim, "/v1/audio/speech", &request).await;
    assert_eq!((status, kind.as_str(), pcm.as_slice()), (200, "audio/pcm", samples.as_slice()));
    let sent = upstream.body(1);
    let text = sent["contents"][0]["parts"][0]["text"].as_str().unwrap();
    assert!(text.contains("Whisper.") && text.ends_with("### TRANSCRIPT\nHello"), "{text}");
    assert_eq!(
        sent["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"],
        "Zephyr"
    );
}

#[tokio::test]
async fn speech_is_an_event_stream_on_request() {
    let samples: Vec<u8> = (0..60_000_u32).map(|n| (n % 251) as u8).collect();
    let (_upstream, shim) = shim_of(vec![speech_answer(&samples)]).await;
    let request = json!({"model": "reader", "input": "Hello", "voice": "alloy", "response_format": "pcm", "stream_format": "sse"});
    let response = post(&shim, "/v1/audio/speech", &request).await;
    assert_eq!((response.status, response.header("content-type")), (200, "text/event-stream; charset=utf-8"));
    let events: Vec<Value> = response
        .body
        .split("\n\n")
        .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
        .collect();
    let (done, deltas) = events.split_last().unwrap();
    let audio: Vec<u8> = deltas
        .iter()
        .flat_map(|event| {
            assert_eq!(event["type"], "speech.audio.delta");
            from_base64(event["audio"].as_str().unwrap())
        })
        .collect();
    assert!(audio == samples && deltas.len() > 1);
    assert_eq!(
        *done,
        json!({"type": "speech.audio.done", "usage": {"input_tokens": 8, "output_tokens": 48, "total_tokens": 56}})
    );
}

#[tokio::test]
async fn default_format_becomes_wav_with_a_warning_and_others_are_refused() {
    let (upstream, shim) = shim_of(vec![speech_answer(&[1, 2])]).await;
    let mut request = json!({"model": "reader", "input": "Hello", "voice": "alloy", "speed": 1.5});
    let response = shim.post("/v1/audio/speech", &request.to_string()).await;
    assert_eq!(response.headers()["content-type"], "audio/wav");
    let diagnostics = response.headers()["x-openai-shim-diagnostics"].to_str().unwrap().to_owned();
    assert!(diagnostics.contains("param-clamped") && diagnostics.contains("param-dropped"), "{diagnostics}");
    assert!(upstream.body(0)["contents"][0]["parts"][0]["text"].as_str().unwrap().contains("1.5 times"));
    for format in ["mp3", "opus", "aac", "flac"] {
        request["response_format"] = json!(format);
        let response = post(&shim, "/v1/audio/speech", &request).await;
        assert_eq!((response.status, &response.json()["error"]["param"]), (400, &json!("response_format")));
        assert!(response.body.contains("`wav`, `pcm`"), "{}", response.body);
    }
    assert_eq!(upstream.requests().len(), 1);
    let strict = TestServer::with_config(&config(&upstream, "mode = \"strict\"")).await;
    for (request, param) in [
        (json!({"model": "reader", "input": "Hello", "voice": "alloy"}), "response_format"),
        (
            json!({"model": "reader", "input": "Hello", "voice": "alloy", "response_format": "wav", "speed": 2}),
            "speed",
        ),
        (json!({"model": "gemini-2.5-flash-image", "prompt": "x", "size": "1792x1024"}), "size"),
        (json!({"model": "gemini-2.5-flash-image", "prompt": "x", "quality": "high"}), "quality"),
    ] {
        let path = if request["input"].is_null() { "/v1/images/generations" } else { "/v1/audio/speech" };
        let response = post(&strict, path, &request).await;
        assert_eq!(
            (response.status, &response.json()["error"]["param"]),
            (400, &json!(param)),
            "{}",
            response.body
        );
    }
    assert_eq!(upstream.requests().len(), 1);
    let fine =
        json!({"model": "reader", "input": "Hello", "voice": "Kore", "response_format": "wav", "speed": 1.0});
    assert_eq!(shim_status(&strict, "/v1/audio/speech", &fine).await, 200);
}

async fn shim_status(shim: &TestServer, path: &str, body: &Value) -> u16 {
    shim.post(path, &body.to_string()).await.status().as_u16()
}

#[tokio::test]
async fn invalid_requests_name_their_field() {
    let (upstream, shim) = shim_of(vec![speech_answer(&[1, 2])]).await;
    for (path, request, param) in [
        ("speech", json!({"model": "reader", "voice": "alloy"}), "input"),
        ("speech", json!({"model": "reader", "input": "a"}), "voice"),
        ("speech", json!({"model": "reader", "input": "a", "voice": "unheard-of"}), "voice"),
        ("speech", json!({"model": "reader", "input": "a", "voice": {"id": "voice_1"}}), "voice"),
        ("speech", json!({"model": "reader", "input": "a", "voice": "alloy", "speed": 9}), "speed"),
        (
            "speech",
            json!({"model": "reader", "input": "a", "voice": "alloy", "stream_format": "x"}),
            "stream_format",
        ),
        ("speech", json!({"model": "reader", "input": 5, "voice": "alloy"}), "input"),
        ("transcriptions", json!({"model": "writer"}), "file"),
    ] {
        let response = post(&shim, &format!("/v1/audio/{path}"), &request).await;
        assert_eq!(
            (response.status, &response.json()["error"]["param"]),
            (400, &json!(param)),
            "{}",
            response.body
        );
    }
    for (path, request, param) in [
        ("generations", json!({"model": "gemini-2.5-flash-image"}), "prompt"),
        ("generations", json!({"model": "gemini-2.5-flash-image", "prompt": "x", "n": 11}), "n"),
        ("generations", json!({"model": "gemini-2.5-flash-image", "prompt": "x", "size": "big"}), "size"),
        (
            "generations",
            json!({"model": "gemini-2.5-flash-image", "prompt": "x", "output_format": "svg"}),
            "output_format",
        ),
        ("edits", json!({"model": "gemini-2.5-flash-image", "prompt": "x"}), "image"),
        (
            "edits",
            json!({"model": "gemini-2.5-flash-image", "prompt": "x", "images": [{"file_id": "f"}]}),
            "images[0].image_url",
        ),
    ] {
        let response = post(&shim, &format!("/v1/images/{path}"), &request).await;
        assert_eq!(
            (response.status, &response.json()["error"]["param"]),
            (400, &json!(param)),
            "{}",
            response.body
        );
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn transcript_comes_as_json_text_or_events() {
    let parts = json!([{"text": "let me listen", "thought": true}, {"text": "Hello "}, {"text": "world.\n"}]);
    let (upstream, shim) = shim_of(vec![answer(&parts, "STOP")]).await;
    let wav = [("file", "a.bin", "RIFF\0\0\0\0WAVEfmt ")];
    let fields = [("model", "writer"), ("language", "en"), ("prompt", "Ada"), ("temperature", "0.2")];
    let response = post_form(&shim, "/v1/audio/transcriptions", &fields, &wav).await;
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(
        response.json(),
        json!({"text": "Hello world.", "usage": {
            "type": "tokens", "input_tokens": 8, "input_token_details": {"text_tokens": 5, "audio_tokens": 3},
            "output_tokens": 48, "total_tokens": 56
        }})
    );
    let sent = upstream.body(0);
    let parts = &sent["contents"][0]["parts"];
    assert_eq!(
        parts[1]["inlineData"],
        json!({"mimeType": "audio/wav", "data": base64("RIFF\0\0\0\0WAVEfmt ".as_bytes())})
    );
    let text = parts[0]["text"].as_str().unwrap();
    assert!(text.contains("word for word") && text.contains("Ada") && text.contains("spoken: en"), "{text}");
    assert_eq!(sent["generationConfig"], json!({"temperature": 0.2}));

    let mp3 = [("file", "a.mp3", "sound")];
    let fields = [("model", "writer"), ("response_format", "text")];
    let response = post_form(&shim, "/v1/audio/translations", &fields, &mp3).await;
    assert_eq!(
        (response.body.as_str(), response.header("content-type")),
        ("Hello world.\n", "text/plain; charset=utf-8")
    );
    let sent = upstream.body(1);
    assert!(sent["contents"][0]["parts"][0]["text"].as_str().unwrap().contains("into English"));
    assert_eq!(sent["contents"][0]["parts"][1]["inlineData"]["mimeType"], "audio/mpeg");

    let fields = [("model", "writer"), ("stream", "true")];
    let response = post_form(&shim, "/v1/audio/transcriptions", &fields, &mp3).await;
    assert_eq!(response.header("content-type"), "text/event-stream; charset=utf-8");
    let mut events = response.body.split("\n\n");
    assert_eq!(events.next(), Some(r#"data: {"type":"transcript.text.delta","delta":"Hello world."}"#));
    assert!(
        events
            .next()
            .unwrap()
            .starts_with(r#"data: {"type":"transcript.text.done","text":"Hello world.","usage":{"#)
    );

    for format in ["srt", "vtt", "verbose_json", "diarized_json"] {
        let fields = [("model", "writer"), ("response_format", format)];
        let response = post_form(&shim, "/v1/audio/transcriptions", &fields, &mp3).await;
        assert_eq!((response.status, &response.json()["error"]["param"]), (400, &json!("response_format")));
        assert!(response.body.contains("without times"), "{}", response.body);
    }
    assert_eq!(upstream.requests().len(), 3);
}

#[tokio::test]
async fn cut_or_failed_transcript_is_an_error() {
    let parts = json!([{"text": "Hello"}]);
    let mp3 = [("file", "a.mp3", "sound")];
    for (finish, status) in [("MAX_TOKENS", 502), ("OTHER", 502), ("NEW_WORD", 502), ("SAFETY", 400)] {
        let (_upstream, shim) = shim_of(vec![answer(&parts, finish)]).await;
        let response = post_form(&shim, "/v1/audio/transcriptions", &[("model", "writer")], &mp3).await;
        assert_eq!(response.status, status, "{finish}: {}", response.body);
    }
    let sound = json!([{"inlineData": {"mimeType": "audio/L16", "data": "AQI="}}]);
    for (finish, status) in
        [("MAX_TOKENS", 502), ("OTHER", 502), ("NEW_WORD", 502), ("SAFETY", 400), ("STOP", 200)]
    {
        let (_upstream, shim) = shim_of(vec![answer(&sound, finish)]).await;
        let request = json!({"model": "reader", "input": "x", "voice": "Kore", "response_format": "pcm"});
        assert_eq!(shim_status(&shim, "/v1/audio/speech", &request).await, status, "{finish}");
    }
    let (_upstream, shim) = shim_of(vec![answer(&json!([]), "STOP")]).await;
    let response = post_form(&shim, "/v1/audio/transcriptions", &[("model", "writer")], &mp3).await;
    assert_eq!((response.status, &response.json()["text"]), (200, &json!("")), "a recording without speech");
}

const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn picture() -> Value {
    json!([{"inlineData": {"mimeType": "image/png", "data": "dGhvdWdodA=="}, "thought": true},
           {"inlineData": {"mimeType": "image/png", "data": PNG}}])
}

#[tokio::test]
async fn pictures_are_requested_one_by_one_and_joined() {
    let (upstream, shim) = shim_of(vec![answer(&picture(), "STOP")]).await;
    let request = json!({"model": "gemini-2.5-flash-image", "prompt": "A cat", "n": 3, "size": "1024x1024", "quality": "auto"});
    let response = post(&shim, "/v1/images/generations", &request).await;
    assert_eq!(response.status, 200, "{}", response.body);
    let body = response.json();
    assert_eq!(body["data"], json!([{"b64_json": PNG}, {"b64_json": PNG}, {"b64_json": PNG}]));
    assert_eq!((&body["output_format"], &body["usage"]["output_tokens"]), (&json!("png"), &json!(144)));
    assert_eq!(body["usage"]["output_tokens_details"], json!({"text_tokens": 0, "image_tokens": 144}));
    assert!(body["created"].as_u64().unwrap() > 1_600_000_000);
    assert_eq!(upstream.requests().len(), 3);
    assert_eq!(
        upstream.body(2),
        json!({"contents": [{"role": "user", "parts": [{"text": "A cat"}]}],
               "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "1:1"}}})
    );
    assert_eq!(response.header("x-openai-shim-diagnostics"), "1; default-dropped");
    let request = json!({"model": "gemini-2.5-flash-image", "prompt": "A cat", "response_format": "url"});
    let body = post(&shim, "/v1/images/generations", &request).await.json();
    assert_eq!(body["data"], json!([{"url": format!("data:image/png;base64,{PNG}")}]));
    let request = json!({"model": "gemini-2.5-flash-image", "prompt": "A cat", "stream": true});
    let response = post(&shim, "/v1/images/generations", &request).await;
    let event: Value = serde_json::from_str(response.body.trim().strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!((&event["type"], &event["b64_json"]), (&json!("image_generation.completed"), &json!(PNG)));
}

#[tokio::test]
async fn sizes_become_ratios_and_resolutions() {
    let upstream = ScriptedUpstream::start(vec![answer(&picture(), "STOP")]).await;
    let shim = TestServer::with_config(&format!(
        "[[upstream]]\nname = \"google\"\nbase_url = \"{}\"\nprofile = \"gemini\"\nmodels = [\"gemini-3-pro-image\", \"gemini-2.5-flash-image\"]\n",
        upstream.url
    ))
    .await;
    for (i, (model, size, expected, is_exact)) in [
        ("gemini-3-pro-image", "1024x1024", json!({"aspectRatio": "1:1"}), true),
        ("gemini-3-pro-image", "2048x2048", json!({"aspectRatio": "1:1", "imageSize": "2K"}), true),
        ("gemini-3-pro-image", "1536x1024", json!({"aspectRatio": "3:2"}), false),
        ("gemini-3-pro-image", "1792x1024", json!({"aspectRatio": "16:9"}), false),
        ("gemini-3-pro-image", "1024x1792", json!({"aspectRatio": "9:16"}), false),
        ("gemini-3-pro-image", "3840x2160", json!({"aspectRatio": "16:9", "imageSize": "4K"}), false),
        ("gemini-3-pro-image", "256x256", json!({"aspectRatio": "1:1"}), false),
        ("gemini-2.5-flash-image", "2048x2048", json!({"aspectRatio": "1:1"}), false),
        ("gemini-3-pro-image", "auto", Value::Null, true),
    ]
    .into_iter()
    .enumerate()
    {
        let request = json!({"model": model, "prompt": "A cat", "size": size});
        let response = post(&shim, "/v1/images/generations", &request).await;
        assert_eq!(response.status, 200, "{size}: {}", response.body);
        assert_eq!(upstream.body(i)["generationConfig"]["imageConfig"], expected, "{size}");
        let is_reported = response.header("x-openai-shim-diagnostics").contains("param-clamped");
        assert_eq!(is_reported, !is_exact, "{size}");
    }
}

#[tokio::test]
async fn imagen_is_asked_by_its_own_method() {
    let prediction =
        json!({"predictions": [{"mimeType": "image/jpeg", "bytesBase64Encoded": "/9j/4AAQSkZJRg=="}]});
    let filtered = json!({"predictions": [{"raiFilteredReason": "The prompt violates our guidelines. Support codes: 5"}]});
    let (upstream, shim) =
        shim_of(vec![Script::json(&prediction.to_string()), Script::json(&filtered.to_string())]).await;
    let request = json!({
        "model": "imagen-4.0-generate-001", "prompt": "A cat", "n": 2, "size": "2048x2048",
        "output_format": "jpeg", "output_compression": 50
    });
    let response = post(&shim, "/v1/images/generations", &request).await;
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(response.json()["data"], json!([{"b64_json": "/9j/4AAQSkZJRg=="}]));
    assert!(response.header("x-openai-shim-diagnostics").contains("param-ignored"), "one of two");
    assert!(upstream.requests()[0].0.starts_with("post /v1/models/imagen-4.0-generate-001:predict http"));
    assert_eq!(
        upstream.body(0),
        json!({"instances": [{"prompt": "A cat"}], "parameters": {
            "sampleCount": 2, "includeRaiReason": true, "aspectRatio": "1:1", "sampleImageSize": "2K",
            "outputOptions": {"mimeType": "image/jpeg", "compressionQuality": 50}
        }})
    );
    let response = post(&shim, "/v1/images/generations", &request).await;
    let error = &response.json()["error"];
    assert_eq!((response.status, &error["code"]), (400, &json!("moderation_blocked")), "{error}");
    assert!(error["message"].as_str().unwrap().contains("Support codes: 5"));
    let response = post_form(
        &shim,
        "/v1/images/edits",
        &[("model", "imagen-4.0-generate-001"), ("prompt", "Make it blue")],
        &[("image", "a.png", "x")],
    )
    .await;
    assert_eq!(
        (response.status, &response.json()["error"]["param"]),
        (400, &json!("image")),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn pictures_are_edited_and_varied() {
    let (upstream, shim) = shim_of(vec![answer(&picture(), "STOP")]).await;
    let fields =
        [("model", "gemini-2.5-flash-image"), ("prompt", "Make it blue"), ("n", "1"), ("size", "auto")];
    let files = [("image[]", "a.png", "first"), ("image[]", "b.webp", "second")];
    let response = post_form(&shim, "/v1/images/edits", &fields, &files).await;
    assert_eq!(response.status, 200, "{}", response.body);
    let sent = upstream.body(0);
    assert_eq!(
        sent["contents"][0]["parts"],
        json!([{"text": "Make it blue"},
               {"inlineData": {"mimeType": "image/png", "data": base64("first".as_bytes())}},
               {"inlineData": {"mimeType": "image/webp", "data": base64("second".as_bytes())}}])
    );
    let masked = [("image", "a.png", "first"), ("mask", "m.png", "mask")];
    let response = post_form(&shim, "/v1/images/edits", &fields, &masked).await;
    assert_eq!(
        (response.status, &response.json()["error"]["param"]),
        (400, &json!("mask")),
        "{}",
        response.body
    );
    let request = json!({"model": "gemini-2.5-flash-image", "prompt": "Make it blue",
        "images": [{"image_url": format!("data:image/png;base64,{PNG}")}]});
    let response = post(&shim, "/v1/images/edits", &request).await;
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(upstream.body(1)["contents"][0]["parts"][1]["inlineData"]["data"], PNG);
    let fields = [("model", "gemini-2.5-flash-image")];
    let response = post_form(&shim, "/v1/images/variations", &fields, &[("image", "a.png", "first")]).await;
    assert_eq!(response.status, 200, "{}", response.body);
    assert!(upstream.body(2)["contents"][0]["parts"][0]["text"].as_str().unwrap().contains("variation"));
}

#[tokio::test]
async fn withheld_answer_is_an_error_and_never_an_empty_success() {
    let blocked = |body: Value| Script::json(&body.to_string());
    for script in [
        blocked(json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})),
        blocked(
            json!({"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": "Unable to show it.", "index": 0}]}),
        ),
        blocked(
            json!({"candidates": [{"finishReason": "IMAGE_PROHIBITED_CONTENT", "content": {"parts": [{"text": "No."}]}}]}),
        ),
    ] {
        let (upstream, shim) = shim_of(vec![script]).await;
        let request = json!({"model": "gemini-2.5-flash-image", "prompt": "x"});
        let response = post(&shim, "/v1/images/generations", &request).await;
        let error = &response.json()["error"];
        assert_eq!((response.status, &error["code"]), (400, &json!("moderation_blocked")), "{error}");
        assert_eq!(error["type"], "image_generation_user_error");
        let request = json!({"model": "reader", "input": "x", "voice": "alloy", "response_format": "wav"});
        let response = post(&shim, "/v1/audio/speech", &request).await;
        let error = &response.json()["error"];
        assert_eq!((response.status, &error["code"]), (400, &json!("content_policy_violation")), "{error}");
        assert_eq!(upstream.requests().len(), 2, "a filter's word is final");
    }
    for script in [
        answer(&json!([{"text": "I cannot draw that."}]), "STOP"),
        answer(&json!([]), "NO_IMAGE"),
        answer(&json!([]), "STOP"),
        Script::json("{}"),
        Script::json(""),
        Script::json("[1]"),
        Script::response(200, "text/html", "<html></html>"),
        Script::json(r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#),
    ] {
        let (upstream, shim) = shim_of(vec![script]).await;
        let request = json!({"model": "gemini-2.5-flash-image", "prompt": "x"});
        let response = post(&shim, "/v1/images/generations", &request).await;
        assert!([502, 503].contains(&response.status), "{} {}", response.status, response.body);
        assert!(response.json()["error"]["message"].is_string());
        assert_eq!(upstream.requests().len(), 2, "asked again: {}", response.body);
    }
}

#[tokio::test]
async fn failures_are_retried_and_refusals_learned() {
    let unknown = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
        "message": "Invalid JSON payload received. Unknown name \"imageConfig\" at 'generation_config': Cannot find field."}});
    let refused = Script::response(400, "application/json", unknown.to_string());
    let busy = Script::response(
        503,
        "application/json",
        r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#,
    );
    let (upstream, shim) =
        shim_of(vec![busy, answer(&picture(), "STOP"), refused, answer(&picture(), "STOP")]).await;
    let request = json!({"model": "gemini-2.5-flash-image", "prompt": "x", "size": "1024x1024"});
    let response = post(&shim, "/v1/images/generations", &request).await;
    assert_eq!(response.status, 200, "{}", response.body);
    assert!(response.header("x-openai-shim-diagnostics").contains("retried"));
    let response = post(&shim, "/v1/images/generations", &request).await;
    assert_eq!(response.status, 200, "{}", response.body);
    assert!(upstream.body(3)["generationConfig"].get("imageConfig").is_none(), "{}", upstream.body(3));
    assert!(response.header("x-openai-shim-diagnostics").contains("learned"));
    let learned = shim.fetch("/learned").await.body;
    assert!(learned.contains("images.drop"), "{learned}");
}

#[tokio::test]
async fn model_is_named_by_form_json_or_query_and_must_be_named() {
    let (upstream, shim) = shim_of(vec![answer(&picture(), "STOP")]).await;
    let request = json!({"prompt": "x"});
    let response =
        post(&shim, "/v1/images/generations?model=google%2Fgemini-2.5-flash-image", &request).await;
    assert_eq!(response.status, 200, "{}", response.body);
    assert!(
        upstream.requests()[0].0.starts_with("post /v1/models/gemini-2.5-flash-image:generatecontent http")
    );
    let response = post(&shim, "/v1/images/generations", &request).await;
    assert_eq!(
        (response.status, &response.json()["error"]["param"]),
        (400, &json!("model")),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn answers_are_bounded() {
    let samples = vec![0_u8; 200_000];
    let upstream = ScriptedUpstream::start(vec![speech_answer(&samples)]).await;
    let shim = TestServer::with_config(&config(&upstream, "[limits]\nresponse_body = \"100KiB\"")).await;
    let request = json!({"model": "reader", "input": "x", "voice": "alloy", "response_format": "wav"});
    let response = post(&shim, "/v1/audio/speech", &request).await;
    assert_eq!(response.status, 502, "{}", response.body);
    assert!(response.body.contains("limits.response_body"), "{}", response.body);
}

#[tokio::test]
async fn upstreams_of_the_client_s_own_dialect_get_every_byte() {
    let google = ScriptedUpstream::start(vec![answer(&picture(), "STOP")]).await;
    let openai = ScriptedUpstream::start(vec![Script::response(200, "audio/mpeg", b"ID3\0\xff\xfb")]).await;
    let shim = TestServer::with_config(&format!(
        "{}[[upstream]]\nname = \"openai\"\nbase_url = \"{}\"\nmodels = [\"tts-1\"]\n",
        config(&google, ""),
        openai.url
    ))
    .await;
    let body = "{ \"model\":\"tts-1\", \"input\" : \"x\\u00e9\", \"voice\":\"any\", \"speed\":9 }";
    let response = shim.post("/v1/audio/speech", body).await;
    assert_eq!(response.headers()["content-type"], "audio/mpeg");
    assert_eq!(response.bytes().await.unwrap().as_ref(), b"ID3\0\xff\xfb");
    assert_eq!(openai.requests()[0].1, body);
    assert!(google.requests().is_empty());
}
