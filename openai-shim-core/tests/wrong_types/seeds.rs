//! Requests of each dialect that together have every known member.

/// Dialect, path, and requests.
pub(crate) const SEEDS: [(&str, &str, &[&str]); 7] = [
    ("openai-chat", "", &[CHAT, CHAT_PROMPT]),
    ("openai-completions", "", &[COMPLETIONS]),
    ("openai-responses", "", &[RESPONSES, RESPONSES_FORM, RESPONSES_CUSTOM_CHOICE]),
    ("anthropic-messages", "", &[ANTHROPIC, ANTHROPIC_OLDER]),
    ("ollama-chat", "", &[OLLAMA_CHAT]),
    ("ollama-generate", "", &[OLLAMA_GENERATE]),
    ("gemini", "/models/m:generateContent", &[GEMINI]),
];

/// Dialect and path of an auxiliary route, and its requests.
pub(crate) const AUXILIARY: [(&str, &str, &[&str]); 5] = [
    (
        "openai-chat",
        "/embeddings",
        &[
            r#"{"model":"m","input":["a"],"dimensions":3,"encoding_format":"float","user":"u","input_type":"query","task":"retrieval.query","task_type":"RETRIEVAL_QUERY"}"#,
            r#"{"model":"m","input":[[1,2]]}"#,
        ],
    ),
    (
        "ollama-chat",
        "/embed",
        &[r#"{"model":"m","input":["a","b"],"dimensions":3,"truncate":true,"options":{},"keep_alive":"5m"}"#],
    ),
    (
        "ollama-chat",
        "/embeddings",
        &[r#"{"model":"m","prompt":"a","dimensions":3,"options":{},"keep_alive":"5m"}"#],
    ),
    (
        "gemini",
        "/models/{model}:embedContent",
        &[
            r#"{"model":"models/m","content":{"role":"user","parts":[{"text":"a"}]},"taskType":"T","title":"t","outputDimensionality":3,"embedContentConfig":{"taskType":"T","title":"t","outputDimensionality":3,"autoTruncate":true,"documentOcr":true,"audioTrackExtraction":true}}"#,
        ],
    ),
    (
        "gemini",
        "/models/{model}:batchEmbedContents",
        &[
            r#"{"requests":[{"content":{"parts":[{"text":"a"}]}},{"model":"models/m","content":{"role":"user","parts":[{"text":"a"}]},"taskType":"T","title":"t","outputDimensionality":3,"embedContentConfig":{"taskType":"T","title":"t","outputDimensionality":3,"autoTruncate":true,"documentOcr":true,"audioTrackExtraction":true}}]}"#,
        ],
    ),
];

const CHAT: &str = r#"{
 "model":"m","stream":true,"temperature":0.5,"top_p":0.5,"max_tokens":9,"max_completion_tokens":9,"n":1,"stop":["a","b"],
 "top_k":1,"min_p":0.5,"repetition_penalty":1,"frequency_penalty":1,"presence_penalty":1,"seed":1,"user":"u",
 "reasoning_effort":"low","parallel_tool_calls":true,"logprobs":true,"top_logprobs":1,"logit_bias":{"1":1},
 "stream_options":{"include_usage":true,"include_obfuscation":true},
 "tool_choice":{"type":"function","function":{"name":"f"},"custom":{"name":"f"},"mode":"auto","tools":[{}],
  "allowed_tools":{"mode":"auto","tools":[{}]}},
 "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false},"strict":true}},
  {"type":"custom","custom":{"name":"c","description":"d","format":{}}}],
 "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{},"required":[],"additionalProperties":false},"strict":true,"description":"d"}},
 "functions":[{"name":"f","description":"d","parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false},"strict":true}],"function_call":{"name":"f"},
 "verbosity":"low","modalities":["text"],"audio":{},"prediction":{},"web_search_options":{},"store":true,"metadata":{},
 "service_tier":"auto","safety_identifier":"s","prompt_cache_key":"k","prompt_cache_retention":"24h","prompt_cache_options":{},
 "messages":[
  {"role":"user","content":["bare"]},{"role":"user","name":"n","content":[{"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"https://a/b.png","detail":"low"}},
   {"type":"input_audio","input_audio":{"data":"aGk=","format":"wav"}},
   {"type":"file","file":{"file_data":"data:application/pdf;base64,aGk=","file_id":"f","filename":"n"}},
   {"type":"document_url","document_url":"https://a/b.pdf","document_name":"n"},
   {"type":"document_url","document_url":{"url":"https://a/b.pdf"}}]},
  {"role":"assistant","content":"x","refusal":"r","reasoning_content":"r","reasoning_details":[{}],"annotations":[{}],"audio":{},
   "function_call":{"name":"f","arguments":"{}"},
   "tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},
    {"id":"c2","type":"custom","custom":{"name":"c","input":"i"}}]},
  {"role":"tool","tool_call_id":"c1","content":"r"},{"role":"tool","tool_call_id":"c2","content":"r"},
  {"role":"assistant","content":[{"type":"refusal","refusal":"r"}]},{"role":"user","content":"go on"}]}"#;

const CHAT_PROMPT: &str = r#"{"model":"m","prompt":["x"]}"#;

const COMPLETIONS: &str = r#"{
 "model":"m","prompt":"x","stream":true,"max_tokens":9,"temperature":0.5,"top_p":0.5,"top_k":1,"n":1,"stop":["a","b"],
 "stream_options":{"include_usage":true,"include_obfuscation":true},"frequency_penalty":1,"presence_penalty":1,"seed":1,
 "user":"u","echo":true,"logprobs":1,"logit_bias":{},"best_of":1,"suffix":"s"}"#;

const RESPONSES: &str = r#"{
 "model":"m","instructions":"i","stream":true,"parallel_tool_calls":true,"max_output_tokens":9,"temperature":0.5,"top_p":0.5,
 "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object","properties":{},"required":[],"additionalProperties":false},"strict":true,"description":"d"},"verbosity":"low"},
 "reasoning":{"effort":"low","summary":"auto","generate_summary":"auto"},"store":true,"include":["reasoning.encrypted_content"],
 "prompt_cache_key":"k","prompt_cache_retention":"24h","prompt_cache_options":{},"metadata":{},"user":"u","service_tier":"auto",
 "safety_identifier":"s","truncation":"auto","background":false,"max_tool_calls":1,"top_logprobs":1,
 "stream_options":{"include_obfuscation":true},"context_management":[{}],"client_metadata":{},
 "tool_choice":{"type":"function","name":"f","mode":"auto","tools":[{"type":"mcp","name":"f","server_label":"s"}]},
 "tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false},"strict":true},
  {"type":"function","function":{"name":"g","description":"d","parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false},"strict":true}},
  {"type":"custom","name":"c","description":"d","format":{"type":"grammar","syntax":"lark","definition":"d","grammar":{}}},
  {"type":"shell","environment":{"type":"local"}},{"type":"tool_search","execution":"client","description":"d","parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false}},
  {"type":"namespace","name":"s","description":"d","tools":[{"type":"function","name":"h","parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false}}]}],
 "input":[
  {"type":"message","id":"m1","status":"completed","role":"user","content":[{"type":"input_text","text":"t"},
   {"type":"input_image","image_url":"https://a/b.png","detail":"low"},{"type":"input_image","image_url":{"url":"https://a/b.png","detail":"low"}},
   {"type":"input_image","file_id":"f"},{"type":"input_file","file_data":"aGk=","filename":"n"},
   {"type":"input_file","file_url":"https://a/b.pdf"},{"type":"input_file","file_id":"f"},
   {"type":"input_audio","input_audio":{"data":"aGk=","format":"wav"}}]},
  {"role":"assistant","content":[{"type":"output_text","text":"t","annotations":[{}],"logprobs":[{}]},{"type":"refusal","refusal":"r"}]},
  {"type":"reasoning","summary":[{"type":"summary_text","text":"t"}],"content":[{"type":"reasoning_text","text":"t"}],"encrypted_content":"e"},
  {"type":"function_call","call_id":"c1","name":"f","namespace":"s","arguments":"{}"},
  {"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"t"}]},
  {"type":"custom_tool_call","call_id":"c2","name":"c","namespace":"s","input":"i"},
  {"type":"custom_tool_call_output","call_id":"c2","output":"o"},
  {"type":"shell_call","call_id":"c3","action":{"commands":["ls"]},"environment":{"type":"local"}},
  {"type":"shell_call_output","call_id":"c3","output":[]},
  {"type":"computer_call","call_id":"c4","actions":[{"type":"wait"}]},
  {"type":"computer_call_output","call_id":"c4","output":{"type":"computer_screenshot","image_url":"https://a/b.png"}},
  {"type":"apply_patch_call","call_id":"c5","operation":{"type":"delete_file","path":"p"}},
  {"type":"apply_patch_call_output","call_id":"c5","output":"o"},
  {"type":"tool_search_call","call_id":"c6","execution":"client","arguments":{}},
  {"type":"tool_search_output","call_id":"c6","execution":"client","tools":[{"type":"function","name":"l"}]},
  {"type":"item_reference","id":"i1"},
  {"type":"additional_tools","tools":[{"type":"function","name":"k"}]},
  {"role":"user","content":["bare"]}]}"#;

const RESPONSES_FORM: &str =
    r#"{"model":"m","input":"x","previous_response_id":"r","conversation":"c","prompt":{}}"#;
const RESPONSES_CUSTOM_CHOICE: &str = r#"{"model":"m","input":"x","tool_choice":"auto"}"#;

const ANTHROPIC: &str = r#"{
 "model":"m","max_tokens":4096,"stream":true,"temperature":1,"top_p":1,"top_k":1,"stop_sequences":["a","b"],
 "system":["bare",{"type":"text","text":"t","cache_control":{"type":"ephemeral"}}],"service_tier":"auto","container":"c",
 "metadata":{"user_id":"u"},"thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted"},"context_management":{"edits":[{}]},
 "mcp_servers":[{}],"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object","properties":{},"required":[],"additionalProperties":false},"name":"n","strict":true}},
 "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
 "tools":[{"type":"custom","name":"f","description":"d","input_schema":{"type":"object","properties":{},"required":[],"additionalProperties":false},"strict":true,"cache_control":{"type":"ephemeral"}}],
 "messages":[
  {"role":"user","content":["bare"]},{"role":"user","content":[{"type":"text","text":"t","citations":[{}]},
   {"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}},
   {"type":"image","source":{"type":"url","url":"https://a/b.png"}},{"type":"image","source":{"type":"file","file_id":"f"}},
   {"type":"document","title":"t","context":"c","citations":{"enabled":true},"source":{"type":"content","content":[{"type":"text","text":"t"}]}},
   {"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"t"}],"citations":{"enabled":true}}]},
  {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"d"},
   {"type":"text","text":"t"},{"type":"tool_use","id":"c1","name":"f","input":{}}]},
  {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","is_error":true,"content":[{"type":"text","text":"t"}]}]}]}"#;

const ANTHROPIC_OLDER: &str = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],
 "output_format":{"type":"json_schema","schema":{"type":"object","properties":{},"required":[],"additionalProperties":false},"name":"n","strict":true}}"#;

const OLLAMA_CHAT: &str = r#"{
 "model":"m","stream":true,"format":"json","think":true,"keep_alive":"5m","logprobs":true,"top_logprobs":1,"truncate":true,"shift":true,
 "options":{"temperature":0.5,"num_predict":9,"num_ctx":9,"num_keep":9,"top_p":0.5,"top_k":1,"min_p":0.5,"seed":1,"stop":["a","b"],
  "repeat_penalty":1,"presence_penalty":1,"frequency_penalty":1},
 "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false}}}],
 "messages":[{"role":"user","name":"n","content":"x","images":["aGk="]},
  {"role":"user","content":["bare"]},{"role":"user","content":[{"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk=","detail":"low"}}]},
  {"role":"assistant","content":"","thinking":"t","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":{}}}]},
  {"role":"tool","tool_name":"f","tool_call_id":"c1","content":"r"}]}"#;

const OLLAMA_GENERATE: &str = r#"{
 "model":"m","prompt":"x","system":"s","stream":true,"images":["aGk="],"format":"json","think":true,"keep_alive":"5m","suffix":"s",
 "template":"t","context":[1],"raw":true,"logprobs":true,"top_logprobs":1,"truncate":true,"shift":true,
 "options":{"temperature":0.5,"num_predict":9,"num_ctx":9,"num_keep":9,"top_p":0.5,"top_k":1,"min_p":0.5,"seed":1,"stop":["a","b"],
  "repeat_penalty":1,"presence_penalty":1,"frequency_penalty":1}}"#;

const GEMINI: &str = r#"{
 "model":"models/m","systemInstruction":{"role":"user","parts":[{"text":"s"}]},"safetySettings":[{}],"cachedContent":"c","labels":{},
 "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]},"retrievalConfig":{}},
 "tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"object","properties":{}},"parametersJsonSchema":{},"response":{},"responseJsonSchema":{},"behavior":"B"}],
  "googleSearch":{},"codeExecution":{},"urlContext":{}}],
 "generationConfig":{"maxOutputTokens":9,"temperature":0.5,"thinkingConfig":{"thinkingBudget":1,"thinkingLevel":"low","includeThoughts":true},
  "topP":0.5,"topK":1,"candidateCount":1,"seed":1,"presencePenalty":1,"frequencyPenalty":1,"stopSequences":["a","b"],
  "responseMimeType":"application/json","responseSchema":{},"responseJsonSchema":{},"responseModalities":["TEXT"],"responseLogprobs":true,
  "logprobs":1,"mediaResolution":"M","speechConfig":{},"imageConfig":{}},
 "contents":[
  {"role":"user","parts":[{"text":"t"},{"inlineData":{"mimeType":"image/png","data":"aGk=","displayName":"n"},"videoMetadata":{}},
   {"fileData":{"mimeType":"image/png","fileUri":"https://a/b","displayName":"n"}}]},
  {"role":"model","parts":[{"text":"t","thought":true,"thoughtSignature":"aGk="},{"executableCode":{}},{"codeExecutionResult":{}},
   {"functionCall":{"id":"c1","name":"f","args":{},"partialArgs":[{}],"willContinue":false}}]},
  {"role":"user","parts":[{"functionResponse":{"id":"c1","name":"f","response":{"output":"o"},"parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}}],"willContinue":false,"scheduling":"S"}}]}]}"#;
