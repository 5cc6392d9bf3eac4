//! Writes one family of metrics with its labels.

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};

/// Writes a family, unless it has no samples.
pub(crate) fn write_family<L: EncodeLabelSet, M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = (L, M)>,
) -> std::fmt::Result {
    let mut samples = samples.into_iter().peekable();
    let Some((_, first)) = samples.peek() else { return Ok(()) };
    let mut family = encoder.encode_descriptor(name, help, None, first.metric_type())?;
    samples.try_for_each(|(labels, metric)| metric.encode(family.encode_family(&labels)?))
}

/// The labels of a metric without any.
pub(crate) const NO_LABELS: [(&str, &str); 0] = [];
