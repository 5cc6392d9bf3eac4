//! The metrics of the conventions that are exported over OTLP: durations, tokens, and the time to a stream's first byte.

use opentelemetry::metrics::{Histogram, Meter, MeterProvider as _};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use std::time::Duration;

/// The bounds that the GenAI conventions give for durations, in seconds.
const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// The bounds that they give for tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

#[derive(Debug)]
pub(super) struct Instruments {
    request_duration: Histogram<f64>,
    duration: Histogram<f64>,
    first_chunk: Histogram<f64>,
    tokens: Histogram<u64>,
}

impl Instruments {
    pub(super) fn new(meters: &SdkMeterProvider, scope: InstrumentationScope) -> Self {
        let meter = meters.meter_with_scope(scope);
        Self {
            request_duration: seconds(
                &meter,
                "http.server.request.duration",
                "Duration of HTTP server requests.",
            ),
            duration: seconds(&meter, "gen_ai.client.operation.duration", "GenAI operation duration."),
            first_chunk: seconds(
                &meter,
                "gen_ai.client.operation.time_to_first_chunk",
                "Time to receive the first chunk.",
            ),
            tokens: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_unit("{token}")
                .with_description("Number of input and output tokens used.")
                .with_boundaries(TOKENS.to_vec())
                .build(),
        }
    }

    pub(super) fn request(&self, duration: Duration, attributes: &[KeyValue]) {
        self.request_duration.record(duration.as_secs_f64(), attributes);
    }

    pub(super) fn operation(
        &self,
        duration: Duration,
        first_chunk: Option<Duration>,
        attributes: &[KeyValue],
    ) {
        self.duration.record(duration.as_secs_f64(), attributes);
        if let Some(first) = first_chunk {
            self.first_chunk.record(first.as_secs_f64(), attributes);
        }
    }

    /// `attributes`: of the operation; the kind of tokens is added.
    pub(super) fn tokens(&self, kind: &'static str, tokens: u64, attributes: &mut Vec<KeyValue>) {
        attributes.push(KeyValue::new("gen_ai.token.type", kind));
        self.tokens.record(tokens, attributes);
        attributes.pop();
    }
}

fn seconds(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(SECONDS.to_vec())
        .build()
}
