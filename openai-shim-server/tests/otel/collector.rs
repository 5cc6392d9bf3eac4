//! A collector that decodes what it gets over OTLP/HTTP, and checks names and types against the published conventions.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Heads, in lower case, and bodies.
type Requests = Vec<(String, Vec<u8>)>;

/// What the collector got.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) url: String,
    requests: Arc<Mutex<Requests>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let this = Self { url, requests: Arc::default() };
        let requests = this.requests.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, requests.clone()));
            }
        });
        this
    }

    /// A collector elsewhere.
    pub(crate) fn at(url: String) -> Self {
        Self { url, requests: Arc::default() }
    }

    /// Heads, in lower case, and bodies of the requests so far.
    pub(crate) fn requests(&self) -> Requests {
        self.requests.lock().unwrap().clone()
    }

    fn bodies(&self, path: &str) -> Vec<Vec<u8>> {
        let of_path = |(head, body): (String, Vec<u8>)| {
            head.starts_with(&format!("post {path} ")).then(|| {
                assert!(head.contains("content-type: application/x-protobuf"), "{head}");
                body
            })
        };
        self.requests().into_iter().filter_map(of_path).collect()
    }

    /// All spans, each checked.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for body in self.bodies("/v1/traces") {
            for resource in ExportTraceServiceRequest::decode(&*body).unwrap().resource_spans {
                check_names(&resource.resource.unwrap().attributes);
                spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        for span in &spans {
            check_names(&span.attributes);
            span.events.iter().for_each(|event| check_names(&event.attributes));
            assert!(span.end_time_unix_nano >= span.start_time_unix_nano, "{span:?}");
        }
        spans
    }

    /// All metrics, each checked.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let mut metrics = Vec::new();
        for body in self.bodies("/v1/metrics") {
            for resource in ExportMetricsServiceRequest::decode(&*body).unwrap().resource_metrics {
                metrics.extend(resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics));
            }
        }
        for metric in &metrics {
            let row = format!("metric {} {}", metric.name, metric.unit);
            assert!(conventions().any(|line| line == row), "the conventions have no {row}");
            for point in points(metric) {
                check_names(&point);
            }
        }
        metrics
    }

    /// The resource's attributes.
    pub(crate) fn resource(&self) -> Vec<KeyValue> {
        let body = self.bodies("/v1/traces").remove(0);
        let request = ExportTraceServiceRequest::decode(&*body).unwrap();
        request.resource_spans[0].resource.clone().unwrap().attributes
    }
}

/// The attributes of each point of a histogram.
pub(crate) fn points(metric: &Metric) -> Vec<Vec<KeyValue>> {
    match metric.data.as_ref().unwrap() {
        metric::Data::Histogram(histogram) => {
            histogram.data_points.iter().map(|point| point.attributes.clone()).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn conventions() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("conventions.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Every attribute is in the conventions with its type, or has this program's own prefix.
fn check_names(attributes: &[KeyValue]) {
    for KeyValue { key, value, .. } in attributes {
        if key.starts_with("openai_shim.") {
            continue;
        }
        let kind = match value.as_ref().and_then(|value| value.value.as_ref()).unwrap() {
            Value::StringValue(_) => "string",
            Value::IntValue(_) => "int",
            Value::DoubleValue(_) => "double",
            Value::BoolValue(_) => "boolean",
            Value::ArrayValue(_) => "string[]",
            other => panic!("{key}: {other:?}"),
        };
        let row = format!("{key} {kind}");
        assert!(conventions().any(|line| line == row), "the conventions have no {row}");
    }
}

/// An attribute's value as text; `-` if it is not there.
pub(crate) fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    found.and_then(|attribute| attribute.value.as_ref()).map_or_else(|| String::from("-"), text)
}

fn text(value: &AnyValue) -> String {
    match value.value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        Value::ArrayValue(array) => array.values.iter().map(text).collect::<Vec<_>>().join(","),
        other => panic!("{other:?}"),
    }
}

async fn serve(mut socket: TcpStream, requests: Arc<Mutex<Requests>>) {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 16384]);
    loop {
        while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if bytes.len() < end + 4 + length {
                break;
            }
            let body = bytes[end + 4..end + 4 + length].to_vec();
            bytes.drain(..end + 4 + length);
            requests.lock().unwrap().push((head, body));
            let answer =
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
            if socket.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
        match socket.read(&mut buffer).await {
            Ok(1..) if bytes.len() > 64 << 20 => return,
            Ok(n @ 1..) => bytes.extend_from_slice(&buffer[..n]),
            _ => return,
        }
    }
}
