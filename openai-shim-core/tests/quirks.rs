//! Every known quirk has a test: a fixture named after the behaviour, which the suites convert, split at every byte and repair
//! twice, or a function of a test file.

mod common;

use common::shared;
use std::path::Path;

/// Each quirk with its tests: `kind/fixture` or `file::function`.
const PINNED: &[(&str, &[&str])] = &[
    ("R1", &["normalize::parameters_follow_the_profile", "requests/max_completion_tokens_renamed"]),
    ("R2", &["normalize::parameters_follow_the_profile", "requests/both_token_limits"]),
    ("R3", &["normalize::messages_follow_the_profile", "requests/developer_demoted"]),
    ("R4", &["normalize::messages_follow_the_profile"]),
    ("R5", &["normalize::messages_follow_the_profile"]),
    ("R6", &["normalize::messages_follow_the_profile", "requests/system_messages_merged"]),
    ("R7", &["normalize::messages_follow_the_profile", "requests/roles_alternate"]),
    ("R8", &["normalize::messages_follow_the_profile"]),
    ("R9", &["normalize::messages_follow_the_profile"]),
    ("R10", &["normalize::messages_follow_the_profile"]),
    ("R11", &["normalize::tool_call_ids_fit_the_format_and_match_their_results"]),
    ("R12", &["normalize::tool_call_ids_fit_the_format_and_match_their_results"]),
    ("R13", &["normalize::messages_follow_the_profile", "requests/parts_flattened"]),
    ("R14", &["normalize::messages_follow_the_profile"]),
    ("R15", &["normalize::messages_follow_the_profile", "requests/tool_history_with_empty_content"]),
    ("R16", &["normalize::messages_follow_the_profile"]),
    ("R17", &["requests/null_content_without_calls"]),
    ("R18", &["normalize::messages_follow_the_profile"]),
    ("R19", &["normalize::messages_follow_the_profile"]),
    ("R20", &["normalize::messages_follow_the_profile"]),
    ("R21", &["normalize::dropped_reasoning_is_restored_on_the_next_turn"]),
    ("R22", &["normalize::messages_follow_the_profile"]),
    ("R23", &["normalize::signature_survives_a_client_that_keeps_only_ids"]),
    ("R24", &["requests/stream_options_refused"]),
    ("R25", &["normalize::parameters_follow_the_profile"]),
    ("R26", &["profiles::profiles_satisfy_their_upstreams"]),
    ("R27", &["profiles::profiles_satisfy_their_upstreams", "requests/params_dropped"]),
    ("R28", &["normalize::several_choices_are_requested_one_by_one_and_returned_together"]),
    ("R29", &["streams/stop_sequence_applied", "responses/stop_sequence_applied"]),
    ("R30", &["normalize::parameters_follow_the_profile", "streams/stop_sequence_that_never_comes"]),
    ("R31", &["normalize::parameters_follow_the_profile", "requests/params_clamped"]),
    ("R33", &["profiles::profiles_satisfy_their_upstreams"]),
    ("R34", &["normalize::forced_tool_choice_is_written_in_the_upstreams_form"]),
    ("R35", &["normalize::forced_tool_choice_is_written_in_the_upstreams_form"]),
    ("R36", &["normalize::forced_tool_choice_is_written_in_the_upstreams_form"]),
    ("R37", &["adapt::tool_choice_and_format_rules_are_derived_from_accepted_values"]),
    ("R38", &["normalize::parameters_follow_the_profile"]),
    ("R39", &["adapt::error_unrelated_to_the_request_gives_no_adaptation", "errors/template_as_500"]),
    ("R40", &["normalize::tools_called_in_the_history_are_declared"]),
    ("R41", &["normalize::schemas_and_strictness_follow_the_profile"]),
    (
        "R42",
        &[
            "normalize::schemas_and_strictness_follow_the_profile",
            "normalize::schema_references_are_inlined_and_cycles_end",
        ],
    ),
    ("R43", &["normalize::schemas_and_strictness_follow_the_profile"]),
    ("R44", &["normalize::parameters_follow_the_profile"]),
    ("R45", &["normalize::parameters_follow_the_profile"]),
    (
        "R46",
        &["normalize::json_schema_is_downgraded_to_what_the_upstream_supports", "streams/json_in_a_fence"],
    ),
    ("R47", &["normalize::response_format_may_disable_streaming"]),
    ("R48", &["normalize::upstream_that_only_streams_receives_stream_true"]),
    ("R49", &["normalize::parameters_follow_the_profile"]),
    ("R50", &["normalize::parameters_follow_the_profile"]),
    ("R51", &["requests/picture_by_address_refused"]),
    ("R52", &["requests/image_as_text"]),
    ("R53", &["normalize::unsupported_media_is_rejected_by_name", "errors/picture_as_500"]),
    ("R54", &["profiles::base_url_selects_its_profile"]),
    ("R55", &["normalize::endpoint_paths_of_the_profile_are_used"]),
    ("R56", &["profiles::profiles_satisfy_their_upstreams"]),
    ("R57", &["normalize::endpoint_paths_of_the_profile_are_used"]),
    ("R58", &["normalize::parameters_follow_the_profile"]),
    ("R59", &["errors/no_such_model_as_bad_request", "errors/no_such_model_as_text"]),
    ("A1", &["responses/bare"]),
    ("A2", &["responses/bare"]),
    ("A3", &["responses/empty_identity"]),
    ("A4", &["responses/empty_finish_reason", "streams/empty_finish_reason"]),
    ("A5", &["responses/odd_finish_reason", "streams/odd_finish_reason", "streams/max_tokens_finish_reason"]),
    ("A6", &["responses/error_finish_reason", "streams/error_finish_reason"]),
    ("A7", &["responses/bare"]),
    ("A8", &["responses/tool_calls_with_stop", "streams/tool_call_whole_with_stop"]),
    ("A9", &["responses/tool_calls_named_with_stop", "streams/tool_call_named_ends_with_stop"]),
    ("A10", &["responses/content_parts", "streams/content_as_parts"]),
    ("A11", &["responses/content_object"]),
    ("A12", &["responses/content_missing"]),
    ("A13", &["responses/tool_call_careless"]),
    ("A14", &["responses/reasoning_ate_the_budget"]),
    ("A15", &["responses/bare"]),
    ("A16", &["responses/bare"]),
    ("A17", &["responses/tool_calls_empty", "streams/tool_calls_empty_or_null"]),
    ("A18", &["responses/tool_calls_empty", "streams/tool_calls_empty_or_null"]),
    ("A19", &["responses/tool_calls_empty"]),
    ("A20", &["responses/unknown_service_tier", "streams/unknown_service_tier"]),
    ("A21", &["streams/reasoning_content"]),
    ("A22", &["responses/reasoning", "streams/reasoning"]),
    ("A23", &["responses/reasoning_details_only", "streams/reasoning_details"]),
    ("A24", &["responses/reasoning_three_times", "streams/reasoning_twice"]),
    ("A25", &["responses/think_tags", "streams/think_tags", "streams/think_tags_kept"]),
    (
        "A26",
        &["responses/think_tags_inside", "streams/think_tags_inside", "streams/think_tags_beside_reasoning"],
    ),
    (
        "A27",
        &[
            "responses/tool_markup_hermes",
            "streams/tool_markup_hermes",
            "streams/tool_markup_of_mistral",
            "streams/tool_markup_of_llama",
            "streams/tool_markup_of_deepseek",
            "streams/tool_markup_of_minimax",
            "streams/tool_markup_as_prose",
            "streams/tool_markup_without_tools",
        ],
    ),
    ("A28", &["responses/choices_split_by_kind", "streams/choices_split_by_kind"]),
    ("A29", &["responses/tool_call_careless", "streams/tool_call_without_type"]),
    ("A30", &["responses/tool_call_careless", "streams/tool_call_without_id"]),
    ("A31", &["responses/tool_call_careless", "streams/tool_arguments_as_object"]),
    (
        "A32",
        &["responses/tool_call_careless", "streams/tool_arguments_empty", "streams/tool_arguments_missing"],
    ),
    ("A33", &["responses/tool_arguments_cut_by_length"]),
    ("A34", &["responses/usage_with_reasoning_beside"]),
    ("A35", &["responses/usage_missing", "streams/usage_asked_and_missing"]),
    ("A36", &["wire::cache_counters_are_read_from_every_known_field"]),
    ("A37", &["responses/usage_partial", "streams/usage_null_counters"]),
    ("A38", &["responses/well_formed"]),
    ("A39", &["responses/white_space_around", "streams/white_space_before"]),
    (
        "A40",
        &[
            "responses/base_resp_error_with_200",
            "responses/error_object_with_200",
            "streams/base_resp_error_with_200",
        ],
    ),
    ("A41", &["responses/choices_null", "responses/choices_empty", "streams/choices_null"]),
    ("A42", &["responses/logprobs_legacy"]),
    ("A43", &["streams/logprobs_incomplete"]),
    ("A44", &["responses/extras_survive"]),
    ("A45", &["responses/extras_survive"]),
    ("A46", &["responses/unknown_annotation"]),
    ("A47", &["corpus::recorded_exchanges_are_deterministic"]),
    ("S1", &["streams/azure_prelude"]),
    ("S2", &["streams/role_on_every_delta"]),
    ("S3", &["streams/role_missing"]),
    ("S4", &["streams/role_null_or_empty"]),
    ("S5", &["streams/role_null_or_empty"]),
    ("S6", &["streams/usage_beside_choices"]),
    ("S7", &["streams/usage_unasked"]),
    ("S8", &["streams/usage_on_every_chunk", "streams/usage_null_counters"]),
    ("S9", &["streams/usage_asked_and_missing"]),
    ("S10", &["streams/usage_in_choice"]),
    ("S11", &["streams/usage_null_counters"]),
    ("S12", &["streams/no_done"]),
    ("S13", &["streams/data_after_done"]),
    (
        "S14",
        &[
            "streams/no_finish_reason",
            "streams/tool_calls_complete_without_done",
            "streams/cut_in_the_middle",
        ],
    ),
    ("S15", &["streams/two_finish_reasons"]),
    ("S16", &["streams/text_after_finish", "streams/finish_reason_before_the_call"]),
    ("S17", &["streams/empty_finish_reason"]),
    ("S18", &["streams/bare_chunks"]),
    ("S19", &["streams/changing_identity"]),
    ("S20", &["streams/changing_identity"]),
    ("S21", &["streams/bare_chunks"]),
    ("S22", &["streams/no_choices", "streams/data_after_done"]),
    ("S23", &["streams/comments"]),
    ("S24", &["streams/crlf"]),
    ("S25", &["streams/no_space_after_colon"]),
    ("S26", &["streams/event_and_id_lines"]),
    ("S27", &["streams/error_as_bare_line", "streams/error_as_field"]),
    ("S28", &["streams/error_in_the_middle"]),
    ("S29", &["streams/error_beside_choices", "streams/error_beside_failed_choice"]),
    ("S30", &["streams/error_as_vllm_object"]),
    ("S31", &["streams/chunks_called_completion"]),
    ("S32", &["streams/message_beside_delta"]),
    ("S33", &["streams/delta_missing"]),
    ("S34", &["streams/content_as_parts"]),
    ("S35", &["streams/heartbeats"]),
    ("S36", &["streams/json_body_instead_of_stream"]),
    ("S37", &["streams/json_lines", "streams/ollama_json_lines"]),
    ("S38", &["streams/multi_byte_text"]),
    ("S39", &["streams/last_event_unterminated"]),
    ("S40", &["wire::contradicting_content_type_is_only_reported"]),
    ("S41", &["streams/azure_prelude"]),
    ("S42", &["streams/well_formed_with_obfuscation_and_fingerprint"]),
    ("S43", &["streams/reasoning"]),
    ("S44", &["streams/text_with_finish_and_after_it"]),
    ("T1", &["streams/tool_call_without_index"]),
    ("T2", &["streams/tool_calls_all_index_zero", "streams/tool_calls_all_index_zero_interleaved"]),
    ("T3", &["streams/tool_call_index_from_one"]),
    ("T4", &["streams/tool_id_empty_later"]),
    ("T5", &["streams/tool_id_changes"]),
    ("T6", &["streams/tool_name_repeated"]),
    ("T7", &["streams/tool_name_repeated", "streams/tool_name_late"]),
    ("T8", &["streams/tool_call_without_type"]),
    ("T9", &["streams/tool_arguments_sent_again"]),
    ("T10", &["streams/tool_call_with_finish_and_after_it"]),
    ("T11", &["streams/tool_arguments_as_object"]),
    ("T12", &["streams/tool_arguments_empty"]),
    ("T13", &["streams/tool_calls_empty_or_null"]),
    (
        "T16",
        &[
            "normalize::tool_call_ids_fit_the_format_and_match_their_results",
            "streams/tool_ids_counted_again",
        ],
    ),
    ("E1", &["errors/text"]),
    ("E2", &["errors/flat"]),
    ("E3", &["errors/detail"]),
    ("E4", &["errors/detail_list"]),
    ("E5", &["errors/json_in_message", "errors/router_quotes_the_provider"]),
    ("E6", &["errors/array"]),
    ("E7", &["errors/cohere"]),
    ("E8", &["errors/text_with_type"]),
    ("E9", &["errors/integer_code"]),
    ("E10", &["errors/integer_code"]),
    ("E11", &["errors/integer_code"]),
    ("E12", &["errors/param_an_object"]),
    ("E13", &["errors/key_as_bad_request"]),
    ("E14", &["errors/template_as_500", "errors/picture_as_500", "errors/validation_as_500"]),
    ("E15", &["errors/context_overflow", "error_text::context_length_error_is_recognized_in_every_wording"]),
    ("E16", &["errors/html", "errors/empty"]),
    ("E17", &["errors/failed_generation"]),
    ("E18", &["error_text::retry_delay_is_read_from_headers_and_body"]),
    ("E19", &["errors/overloaded_529"]),
    ("M1", &["lists::every_model_list_form_becomes_openais"]),
    ("M2", &["lists::every_model_list_form_becomes_openais"]),
    ("M3", &["lists::every_model_list_form_becomes_openais"]),
    ("M4", &["lists::every_model_list_form_becomes_openais"]),
    ("M5", &["lists::every_model_list_form_becomes_openais"]),
    ("M7", &["lists::embeddings_have_the_requested_encoding_and_openais_shape"]),
    ("M8", &["lists::embeddings_have_the_requested_encoding_and_openais_shape"]),
    ("M9", &["lists::embeddings_have_the_requested_encoding_and_openais_shape"]),
];

/// Quirks of other dialects, and quirks that require no change.
const ELSEWHERE: &[(&str, &str)] = &[
    ("R32", "requires no change"),
    ("R60", "the Responses dialect's"),
    ("A48", "the completions dialect's"),
    ("T14", "Gemini's own dialect's"),
    ("T15", "Gemini's own dialect's"),
    ("M6", "the server's: tests/models.rs there"),
];

#[test]
#[allow(clippy::disallowed_methods)] // tests read files
fn every_pinned_quirk_has_its_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (quirk, places) in PINNED {
        assert!(!places.is_empty(), "{quirk}");
        for place in *places {
            if let Some((file, function)) = place.split_once("::") {
                let source = std::fs::read_to_string(tests.join(format!("{file}.rs"))).unwrap();
                assert!(source.contains(&format!("fn {function}(")), "{quirk}: no test {place}");
                continue;
            }
            let (kind, name) = place.split_once('/').unwrap();
            let folder = common::root().join("openai-chat").join(kind);
            let found = std::fs::read_dir(folder).unwrap().flatten().any(|file| {
                let file = file.file_name();
                file.to_string_lossy().split_once('.').is_some_and(|(stem, _)| stem == name)
            });
            assert!(found, "{quirk}: no fixture {place}");
        }
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // tests read files
fn every_known_quirk_is_pinned() {
    let Some(shared) = shared("quirks") else { return };
    let text = std::fs::read_to_string(shared.join("QUIRKS.md")).unwrap();
    let ids = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let known =
        |id: &str| PINNED.iter().any(|(quirk, _)| *quirk == id) || ELSEWHERE.iter().any(|(q, _)| *q == id);
    let mut count = 0;
    for id in
        ids.filter(|id| id.starts_with(['R', 'A', 'S', 'T', 'E', 'M']) && id[1..].parse::<u32>().is_ok())
    {
        assert!(known(id), "{id} has no test");
        count += 1;
    }
    assert!(count > 150, "{count}");
}
