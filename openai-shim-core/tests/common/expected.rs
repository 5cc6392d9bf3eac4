//! The expected result for each fixture: outcome and status, diagnostic codes, and content.
//!
//! `name | outcome status | codes in alphabetical order | content`. Reasoning is in angle brackets, text in quotes, calls are
//! `name(arguments)`; the finish reason follows, and the code of an error is last.

/// For a streaming client.
#[allow(clippy::unicode_not_nfc, reason = "the combining accent of a fixture must stay one")]
pub const STREAMS: &str = r#"
azure_prelude | complete 200 | frame-foreign | "Hello" stop
bare_chunks | complete 200 | created-filled field-filled id-synthesized model-filled object-filled role-filled | "Hello" stop
bare_cr | complete 200 | framing-repaired | "Hello" stop
base_resp_error_with_200 | errored 502 | error-reshaped status-promoted stream-simulated | error 1004
byte_order_mark | complete 200 | framing-repaired | "Hello" stop
carriage_return_and_line_feeds_mixed | complete 200 | created-filled field-filled framing-repaired id-synthesized model-filled object-filled role-filled | "Hello" stop
changing_identity | complete 200 | id-pinned | "Hello" stop
choices_null | empty 502 | frame-foreign | error empty_completion
choices_split_by_kind | complete 200 | choices-merged finish-reason-derived finish-reason-repeated frame-foreign role-repeated | "Let me see." add({"a":1}) tool_calls
chunks_called_completion | complete 200 | object-filled | "Hello" stop
chunks_called_completion_cut | truncated 200 | object-filled stream-truncated | "Hello" / error stream_truncated
comments | complete 200 | - | "Hello" stop
content_as_parts | complete 200 | content-joined reasoning-renamed | <Hm.> "Hello" stop
content_filter | filtered 200 | - | content_filter
content_filter_after_text | filtered 200 | - | "Hel" content_filter
content_long_after_finish | complete 200 | content-after-finish frame-foreign | "A" stop / "B" stop
content_null | complete 200 | - | "Hello" stop
corrupt_event_in_the_middle | errored 200 | error-in-stream field-filled frame-corrupt frame-foreign | "Hello" / error upstream_malformed
crlf | complete 200 | framing-repaired | "Hello" stop
cumulative_deltas | complete 200 | deltas-cumulative | "Hello you" stop
cut_in_the_middle | truncated 200 | stream-truncated | "Hello" / error stream_truncated
cut_inside_an_event | truncated 200 | frame-corrupt framing-repaired stream-truncated | "Hel" / error stream_truncated
data_after_done | complete 200 | data-after-done | "Hello" stop
delta_missing | complete 200 | field-filled | "Hello" stop
detail_list_with_200 | errored 502 | error-reshaped status-promoted stream-simulated | error upstream_error
detail_with_200 | errored 502 | error-reshaped status-promoted stream-simulated | error upstream_error
done_as_bare_line | complete 200 | done-missing framing-repaired | "Hello" stop
empty_body | empty 502 | - | error empty_completion
empty_finish_reason | complete 200 | field-filled finish-reason-derived frame-foreign | "Hello" stop
error_as_bare_line | errored 200 | error-in-stream framing-repaired | "Hel" / error upstream_error
error_as_event | errored 200 | error-in-stream error-reshaped framing-repaired | "Hel" / error upstream_error
error_as_field | errored 200 | error-in-stream error-reshaped framing-repaired | "Hel" / error upstream_error
error_as_first_event | errored 503 | status-promoted | error 503
error_as_vllm_object | errored 200 | error-in-stream error-reshaped | "Hel" / error 400
error_beside_choices | errored 200 | error-in-stream | "Hello" / error 502
error_beside_choices_spaced | errored 200 | error-in-stream | "Hello" / error 502
error_beside_failed_choice | errored 200 | error-in-stream | "Hello" / error 502
error_beside_reasoning | errored 200 | error-in-stream | <Hm.> / error 502
error_finish_reason | failed 200 | error-in-stream field-filled finish-reason-failed frame-foreign | "Hello" / error answer_failed
error_in_array_with_200 | errored 503 | framing-repaired status-promoted | error 503
error_in_the_middle | errored 200 | error-in-stream | "Hel" / error null
error_object_with_200 | errored 402 | status-promoted stream-simulated | error 402
error_text_with_200 | errored 502 | error-reshaped status-promoted stream-simulated | error upstream_error
event_and_id_lines | complete 200 | framing-repaired | "Hello" stop
extras_survive | complete 200 | - | "Hello" stop
extras_survive_repair | complete 200 | object-filled role-filled | "Hello" stop
finish_reason_before_the_call | complete 200 | content-after-finish tool-arguments-shaped | f({}) tool_calls
foreign_events | complete 200 | frame-foreign | "Hello" stop
foreign_member_between_fragments | complete 200 | - | f({"a":1}) tool_calls
function_call_legacy | complete 200 | finish-reason-derived function-call-upgraded tool-id-synthesized tool-type-filled | f({"a":1}) tool_calls
function_call_wanted | complete 200 | - | f({"a":1}) function_call
heartbeats | complete 200 | - | "Hello" stop
html | errored 502 | - | error upstream_malformed
invalid_utf8 | complete 200 | encoding-invalid | "Hell��o" stop
json_body_and_line_end | complete 200 | created-filled field-filled finish-reason-derived id-synthesized message-as-delta model-filled object-filled stream-simulated | "Hello" stop
json_body_instead_of_stream | complete 200 | message-as-delta object-filled stream-simulated usage-unasked | "Hello" stop
json_body_with_one_choice_unfinished | complete 200 | field-filled finish-reason-derived message-as-delta object-filled stream-simulated | "A" stop / "B" stop
json_body_with_tool_call_instead_of_stream | complete 200 | created-filled field-filled id-synthesized message-as-delta model-filled object-filled stream-simulated tool-index-synthesized | f({"a":1}) tool_calls
json_in_a_fence | complete 200 | fence-stripped text-held | "{"a":1}" stop
json_lines | complete 200 | done-missing framing-repaired | "Hello" stop
json_that_is_none | complete 200 | json-invalid | "Sorry, no." stop
json_without_what_is_required | complete 200 | json-invalid | "{"b":1}" stop
last_event_unterminated | complete 200 | framing-repaired | "Hello" stop
length_without_content | length 200 | - | length
logprobs | complete 200 | - | "Hi" stop
logprobs_incomplete | complete 200 | field-filled | "Hi" stop
max_tokens_finish_reason | length 200 | finish-reason-mapped | "Hello" length
message_beside_delta | complete 200 | message-as-delta | "Hello" stop
message_instead_of_delta | complete 200 | message-as-delta | "Hello" stop
mixed_line_endings | complete 200 | framing-repaired | "Hello" stop
multi_byte_text | complete 200 | - | "日本語 🙂é" stop
no_blank_lines | complete 200 | framing-repaired | "Hello" stop
no_choices | empty 502 | frame-foreign | error empty_completion
no_done | complete 200 | done-missing | "Hello" stop
no_finish_reason | complete 200 | finish-reason-derived | "Hello" stop
no_space_after_colon | complete 200 | framing-repaired | "Hello" stop
numbers_as_text | complete 200 | created-filled id-pinned id-synthesized | "Hello" stop
odd_finish_reason | complete 200 | finish-reason-mapped | "Hello" stop
ollama_json_lines | length 200 | created-filled done-missing framing-repaired id-synthesized message-as-delta object-filled role-repeated | "Hello" length
plain_text | errored 502 | framing-repaired | error upstream_malformed
pretty_json_body_instead_of_stream | complete 200 | created-filled field-filled finish-reason-derived message-as-delta model-filled object-filled stream-simulated | "Hello" stop
reasoning | complete 200 | reasoning-renamed | <Hm.> "Hello" stop
reasoning_called_thinking | complete 200 | reasoning-renamed | <Hm.> "Hello" stop
reasoning_content | complete 200 | - | <Hm.> "Hello" stop
reasoning_details | complete 200 | reasoning-renamed | <Hm.> "Hello" stop
reasoning_details_only | complete 200 | reasoning-renamed | <Hm.> "Hello" stop
reasoning_only | length 200 | - | <Hm.> length
reasoning_three_times | complete 200 | reasoning-duplicate | <Hm.> "Hello" stop
reasoning_twice | complete 200 | reasoning-duplicate | <Hm.> "Hello" stop
refusal | refused 200 | - | refuses "I cannot." stop
role_missing | complete 200 | role-filled | "Hello" stop
role_null_or_empty | complete 200 | role-filled role-repeated | "Hello" stop
role_on_every_delta | complete 200 | role-repeated | "Hello" stop
role_only_then_stop | empty 502 | - | error empty_completion
role_user | complete 200 | role-filled | "Hello" stop
several_data_lines | complete 200 | framing-repaired | "Hello" stop
stop_sequence_applied | complete 200 | text-held | "one " stop
stop_sequence_that_never_comes | complete 200 | text-held | "one ENCORE" stop
text_after_finish | complete 200 | content-after-finish | "Hello" stop
text_instead_of_delta | complete 200 | message-as-delta role-filled | "Hello" stop
text_with_finish_and_after_it | complete 200 | content-after-finish | "Hello" stop
think_tags | complete 200 | reasoning-split text-held | <\nHmm.\n> "Hello" stop
think_tags_beside_reasoning | complete 200 | - | <Hmm.> "Hello" stop
think_tags_cut | truncated 200 | reasoning-split stream-truncated | <Hmm.</th> / error stream_truncated
think_tags_in_the_middle | complete 200 | - | "Write <think> to think." stop
think_tags_inside | complete 200 | reasoning-split text-held | <Hmm.\n> "Hello" stop
think_tags_kept | complete 200 | - | "<think>Hmm.</think>Hello" stop
think_tags_never_closed | complete 200 | reasoning-alone reasoning-split | <Hmm.> stop
tool_arguments_as_object | complete 200 | tool-arguments-shaped | f({"a":1}) tool_calls
tool_arguments_broken | complete 200 | tool-arguments-invalid | f({"a":) tool_calls
tool_arguments_empty | complete 200 | tool-arguments-shaped | f({}) tool_calls
tool_arguments_empty_in_last_chunk | complete 200 | tool-arguments-shaped | f({}) tool_calls
tool_arguments_missing | complete 200 | tool-arguments-shaped | f({}) tool_calls
tool_arguments_sent_again | complete 200 | frame-foreign tool-field-repeated | f({"a":1}) tool_calls
tool_call_after_text | complete 200 | - | "Let me see." f({"a":1}) tool_calls
tool_call_custom | complete 200 | - | sh(ls) tool_calls
tool_call_cut | truncated 200 | stream-truncated | f({"a":) / error stream_truncated
tool_call_index_from_one | complete 200 | tool-index-synthesized | f({"a":1}) tool_calls
tool_call_named_ends_with_stop | complete 200 | - | f({"a":1}) stop
tool_call_well_formed | complete 200 | - | f({"a":1}) tool_calls
tool_call_whole_with_stop | complete 200 | finish-reason-derived | f({"a":1}) tool_calls
tool_call_with_finish_and_after_it | complete 200 | content-after-finish | f({"a":1}) g({"b":2}) tool_calls
tool_call_without_id | complete 200 | tool-id-synthesized | f({"a":1}) tool_calls
tool_call_without_index | complete 200 | tool-index-synthesized | f({"a":1}) g({}) tool_calls
tool_call_without_type | complete 200 | tool-type-filled | f({"a":1}) tool_calls
tool_calls_all_index_zero | complete 200 | tool-index-synthesized | f({"a":1}) f({"a":2}) tool_calls
tool_calls_all_index_zero_in_one_chunk | complete 200 | tool-index-synthesized | f({"a":1}) g({"b":2}) tool_calls
tool_calls_all_index_zero_interleaved | complete 200 | tool-field-repeated tool-index-synthesized | f({"a":1}) g({"b":2}) tool_calls
tool_calls_all_index_zero_without_ids | complete 200 | tool-id-synthesized tool-index-synthesized tool-type-filled | f({"a":1}) f({"a":2}) tool_calls
tool_calls_complete_and_cut | complete 200 | done-missing finish-reason-derived | f({"a":1}) tool_calls
tool_calls_complete_without_done | complete 200 | finish-reason-derived | f({"a":1}) tool_calls
tool_calls_empty_or_null | complete 200 | null-dropped | "Hello" stop
tool_calls_interleaved | complete 200 | - | f({"a":1}) g({"b":2}) tool_calls
tool_calls_parallel | complete 200 | - | f({"a":1}) g({"b":2}) tool_calls
tool_id_changes | complete 200 | tool-field-repeated | f({"a":1}) tool_calls
tool_id_changes_without_index | complete 200 | tool-field-repeated tool-index-synthesized | f({"a":1}) tool_calls
tool_id_empty_later | complete 200 | tool-field-repeated | f({"a":1}) tool_calls
tool_ids_counted_again | complete 200 | tool-field-repeated tool-id-repeated | open({"drawer":2}) open({"drawer":3}) tool_calls
tool_markup_as_prose | complete 200 | - | "Write `<tool_call>` to call; it is easy." stop
tool_markup_beside_the_call | complete 200 | tool-call-recovered | add({"a":1}) tool_calls
tool_markup_cut | complete 200 | text-held | "<tool_call>{"name":"add","argu" stop
tool_markup_hermes | complete 200 | finish-reason-derived text-held tool-call-recovered | "Let me see.\n" add({"a": 1}) tool_calls
tool_markup_kept | complete 200 | - | "<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>" stop
tool_markup_of_an_unknown_tool | complete 200 | - | "<tool_call>{"name":"sub","arguments":{}}</tool_call>" stop
tool_markup_of_deepseek | complete 200 | finish-reason-derived tool-call-recovered | add({"a":1}) tool_calls
tool_markup_of_functions | complete 200 | finish-reason-derived text-held tool-call-recovered | add({"a":1}) tool_calls
tool_markup_of_llama | complete 200 | finish-reason-derived text-held tool-call-recovered | add({"a":1}) tool_calls
tool_markup_of_minimax | complete 200 | finish-reason-derived tool-call-recovered | add({"a":1}) tool_calls
tool_markup_of_mistral | complete 200 | finish-reason-derived text-held tool-call-recovered | add({"a":1}) tool_calls
tool_markup_without_tools | complete 200 | - | "<tool_call>{"name":"add","arguments":{}}</tool_call>" stop
tool_name_late | complete 200 | tool-name-late | f({"a":1}) tool_calls
tool_name_late_after_arguments | complete 200 | tool-name-late | f({"a":1}) tool_calls
tool_name_later_than_the_next_call | complete 200 | tool-index-synthesized tool-name-late | g({"b":2}) f({"a":1}) tool_calls
tool_name_never_comes | complete 200 | tool-name-missing | "Let me see." ({"a":1}) tool_calls
tool_name_repeated | complete 200 | tool-field-repeated | f({"a":1}) tool_calls
truncated_json_body | truncated 502 | stream-simulated stream-truncated | error stream_truncated
two_choices | complete 200 | - | "A" stop / "B" stop
two_choices_in_one_chunk | complete 200 | - | "A" stop / "B" length
two_choices_one_cut | truncated 200 | stream-truncated | "A" stop / "B" / error stream_truncated
two_finish_reasons | complete 200 | finish-reason-repeated frame-foreign role-repeated usage-unasked | "Hello" stop
unknown_service_tier | complete 200 | field-dropped | "Hello" stop
usage_asked_and_missing | complete 200 | usage-missing | "Hello" stop
usage_beside_choices | complete 200 | usage-moved | "Hello" stop
usage_in_choice | complete 200 | usage-moved | "Hello" stop
usage_null_counters | complete 200 | usage-moved usage-shaped | "Hello" stop
usage_null_unasked | complete 200 | - | "Hello" stop
usage_on_every_chunk | complete 200 | usage-moved | "Hello" stop
usage_then_more_text | complete 200 | - | "Hello" stop
usage_unasked | complete 200 | usage-unasked | "Hello" stop
well_formed | complete 200 | - | "Hello" stop
well_formed_with_obfuscation_and_fingerprint | complete 200 | - | "Hello" stop
well_formed_with_usage | complete 200 | - | "Hello" stop
white_space_before | complete 200 | - | "Hello" stop
white_space_only | empty 502 | - | error empty_completion
"#;

/// For a client that asked for a whole answer.
pub const RESPONSES: &str = r#"
bare | complete 200 | created-filled field-filled finish-reason-derived id-synthesized model-filled object-filled role-filled usage-missing | "Hello" stop
base_resp_error_with_200 | errored 502 | error-reshaped status-promoted | error 1004
choices_empty | empty 502 | - | error empty_completion
choices_missing | empty 502 | - | error empty_completion
choices_null | empty 502 | - | error empty_completion
choices_split_by_kind | complete 200 | choices-merged | "Let me see." add({"a":1}) tool_calls
content_filter | filtered 200 | - | content_filter
content_missing | empty 502 | field-filled | error empty_completion
content_null | empty 502 | field-filled | error empty_completion
content_object | complete 200 | content-joined | "{"a":1}" stop
content_parts | complete 200 | content-joined reasoning-renamed | <Hm.> "Hello" stop
cut_stream_instead_of_json | truncated 502 | stream-folded stream-truncated | error stream_truncated
delta_instead_of_message | complete 200 | field-filled message-as-delta | "Hello" stop
detail_list_with_200 | errored 502 | error-reshaped status-promoted | error upstream_error
detail_with_200 | errored 502 | error-reshaped status-promoted | error upstream_error
empty_body | empty 502 | - | error empty_completion
empty_finish_reason | complete 200 | finish-reason-derived | "Hello" stop
empty_identity | complete 200 | created-filled id-synthesized model-filled object-filled | "Hello" stop
error_as_event_with_200 | errored 503 | framing-repaired status-promoted stream-folded | error 503
error_beside_choices | errored 502 | status-promoted | error 502
error_finish_reason | failed 502 | finish-reason-failed | error answer_failed
error_in_array_with_200 | errored 503 | framing-repaired status-promoted | error 503
error_null | complete 200 | null-dropped | "Hello" stop
error_object_with_200 | errored 402 | status-promoted | error 402
error_text_with_200 | errored 502 | error-reshaped status-promoted | error upstream_error
extras_survive | complete 200 | - | "Hello" stop
function_call_legacy | complete 200 | finish-reason-derived function-call-upgraded tool-id-synthesized tool-type-filled | f({}) tool_calls
function_call_of_nothing | complete 200 | null-dropped | "Hello" stop
function_call_wanted | complete 200 | - | f({}) function_call
html | errored 502 | stream-folded | error upstream_malformed
json_in_a_fence | complete 200 | fence-stripped text-held | "{"a":1}" stop
json_lines | complete 200 | done-missing framing-repaired stream-folded usage-missing | "Hello" stop
json_that_is_none | complete 200 | json-invalid | "Sorry, no." stop
json_without_what_is_required | complete 200 | json-invalid | "{"b":1}" stop
length_without_content | length 200 | field-filled | length
logprobs_legacy | complete 200 | field-dropped | "Hello" stop
message_without_choices | complete 200 | created-filled field-filled finish-reason-derived id-synthesized message-as-delta object-filled usage-missing | "Hello" stop
number_as_content | complete 200 | content-joined | "42" stop
odd_finish_reason | complete 200 | finish-reason-mapped | "Hello" stop
ollama | length 200 | created-filled field-filled id-synthesized message-as-delta object-filled usage-missing | "Hello" length
ollama_json_lines | complete 200 | created-filled done-missing framing-repaired id-synthesized message-as-delta object-filled role-repeated stream-folded usage-missing | "Hello" stop
plain_text | errored 502 | framing-repaired stream-folded | error upstream_malformed
reasoning | complete 200 | reasoning-renamed | <Hm.> "Hello" stop
reasoning_ate_the_budget | length 200 | field-filled | <Hm.> length
reasoning_details_only | complete 200 | reasoning-renamed | <Hm.> "Hello" stop
reasoning_three_times | complete 200 | reasoning-duplicate | <Hm.> "Hello" stop
refusal | refused 200 | - | refuses "I cannot." stop
stop_sequence_applied | complete 200 | - | "one " stop
stop_sequence_that_never_comes | complete 200 | - | "one ENCORE" stop
stream_instead_of_json | complete 200 | stream-folded usage-missing | "Hello" stop
stream_with_tool_call_instead_of_json | complete 200 | stream-folded usage-missing | f({"a":1}) tool_calls
text_instead_of_message | complete 200 | field-filled message-as-delta | "Hello" stop
think_tags | complete 200 | reasoning-split | <\nHmm.\n> "Hello" stop
think_tags_in_the_middle | complete 200 | - | "Write <think> to think." stop
think_tags_inside | complete 200 | reasoning-split | <Hmm.\n> "Hello" stop
think_tags_kept | complete 200 | - | "<think>Hmm.</think>Hello" stop
think_tags_never_closed | complete 200 | field-filled reasoning-alone reasoning-split | <Hmm.> stop
tool_arguments_broken | complete 200 | tool-arguments-invalid | f({"a":) tool_calls
tool_arguments_cut_by_length | length 200 | - | f({"a":) length
tool_call_careless | complete 200 | field-filled finish-reason-derived tool-arguments-shaped tool-id-synthesized tool-type-filled | f({"a":1}) g({}) h({}) tool_calls
tool_call_with_an_empty_custom | complete 200 | - | weather({"city":"Oslo"}) tool_calls
tool_calls_empty | complete 200 | null-dropped | "Hello" stop
tool_calls_finish_without_calls | complete 200 | tool-calls-missing | "Hello" stop
tool_calls_named_with_stop | complete 200 | - | f({}) stop
tool_calls_with_stop | complete 200 | field-filled finish-reason-derived | f({}) tool_calls
tool_ids_counted_again | complete 200 | body-padded tool-id-repeated | open({"drawer":2}) open({"drawer":3}) tool_calls
tool_markup_as_prose | complete 200 | - | "Write `<tool_call>` to call; it is easy." stop
tool_markup_beside_the_call | complete 200 | field-filled tool-call-recovered | add({"a":1}) tool_calls
tool_markup_cut | complete 200 | - | "<tool_call>{"name":"add","argu" stop
tool_markup_hermes | complete 200 | finish-reason-derived tool-call-recovered | "Let me see.\n" add({"a": 1}) tool_calls
tool_markup_kept | complete 200 | - | "<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>" stop
tool_markup_of_an_unknown_tool | complete 200 | - | "<tool_call>{"name":"sub","arguments":{}}</tool_call>" stop
tool_markup_of_deepseek | complete 200 | field-filled finish-reason-derived tool-call-recovered | add({"a":1}) tool_calls
tool_markup_of_functions | complete 200 | field-filled finish-reason-derived tool-call-recovered | add({"a":1}) tool_calls
tool_markup_of_llama | complete 200 | field-filled finish-reason-derived tool-call-recovered | add({"a":1}) tool_calls
tool_markup_of_minimax | complete 200 | field-filled finish-reason-derived tool-call-recovered | add({"a":1}) tool_calls
tool_markup_of_mistral | complete 200 | field-filled finish-reason-derived tool-call-recovered | add({"a":1}) tool_calls
tool_markup_without_tools | complete 200 | - | "<tool_call>{"name":"add","arguments":{}}</tool_call>" stop
truncated_json | truncated 502 | - | error stream_truncated
two_choices | complete 200 | field-filled | "A" stop / "B" stop
unknown_annotation | complete 200 | field-dropped | "Hello" stop
unknown_service_tier | complete 200 | field-dropped | "Hello" stop
usage_missing | complete 200 | usage-missing | "Hello" stop
usage_null | complete 200 | usage-missing | "Hello" stop
usage_partial | complete 200 | usage-shaped | "Hello" stop
usage_with_more_parts_than_tokens | complete 200 | usage-shaped | "Hi." stop
usage_with_reasoning_beside | complete 200 | usage-shaped | "Hello" stop
well_formed | complete 200 | - | "Hello" stop
well_formed_pretty | complete 200 | - | "Hello" stop
well_formed_tool_call | complete 200 | - | f({"a":1}) tool_calls
white_space_around | complete 200 | body-padded | "Hello" stop
"#;

/// For an answer whose status was one of failure.
pub const ERRORS: &str = r"
array | errored 401 | error-reshaped status-promoted | error invalid_api_key
cohere | errored 404 | error-reshaped | error not_found
content_filter_by_words | errored 400 | - | error content_filter
context_overflow | errored 400 | error-reshaped | error context_length_exceeded
context_overflow_as_500 | errored 400 | status-promoted | error context_length_exceeded
context_overflow_by_input_tokens | errored 400 | error-reshaped | error context_length_exceeded
context_overflow_in_detail | errored 422 | error-reshaped | error context_length_exceeded
credit_as_bad_request | errored 429 | status-promoted | error insufficient_quota
detail | errored 401 | error-reshaped | error invalid_api_key
detail_list | errored 422 | error-reshaped | error null
detail_object | errored 404 | error-reshaped | error adapter_missing
empty | errored 500 | error-reshaped | error upstream_error
empty_object | errored 500 | error-reshaped | error upstream_error
error_as_event | errored 400 | - | error null
failed_generation | errored 400 | - | error tool_use_failed
flat | errored 400 | error-reshaped | error 400
html | errored 502 | error-reshaped | error upstream_error
html_as_message | errored 502 | error-reshaped | error 502
html_as_text | errored 502 | error-reshaped | error upstream_error
integer_code | errored 503 | - | error 503
json_in_message | errored 400 | - | error x
key_as_bad_request | errored 401 | error-reshaped status-promoted | error invalid_api_key
masked_key | errored 401 | - | error invalid_api_key
no_such_model | errored 404 | error-reshaped | error 404
no_such_model_as_bad_request | errored 404 | error-reshaped status-promoted | error model_not_found
no_such_model_as_text | errored 404 | error-reshaped | error model_not_found
no_such_route | errored 404 | error-reshaped | error not_found
null | errored 500 | error-reshaped | error upstream_error
overloaded | errored 503 | error-reshaped | error overloaded
overloaded_529 | errored 503 | status-promoted | error overloaded
param_an_object | errored 400 | error-reshaped | error null
picture_as_500 | errored 400 | status-promoted | error null
plain_text | errored 500 | error-reshaped | error upstream_error
quota | errored 429 | - | error insufficient_quota
rate_limit | errored 429 | - | error rate_limit_exceeded
redirect | errored 502 | error-reshaped | error upstream_error
router_hides_the_provider | errored 400 | error-reshaped | error 400
router_quotes_the_provider | errored 429 | error-reshaped | error 429
secrets | errored 401 | field-dropped | error invalid_api_key
secrets_in_the_message | errored 500 | secret-redacted | error unreachable
template_as_500 | errored 400 | status-promoted | error null
text | errored 500 | error-reshaped | error upstream_error
text_with_type | errored 424 | error-reshaped | error null
trace_after_the_message | errored 500 | error-reshaped | error upstream_error
traceback | errored 500 | field-dropped | error upstream_error
traceback_as_message | errored 500 | error-reshaped | error upstream_error
traceback_as_text | errored 500 | error-reshaped | error upstream_error
truncated_json | errored 500 | error-reshaped | error upstream_error
unauthorized | errored 401 | - | error invalid_api_key
validation_as_500 | errored 400 | error-reshaped status-promoted | error null
well_formed | errored 400 | - | error invalid_value
";
