//! What the exports of other tools look like.
//!
//! | preset | a decision | its variant | an outcome |
//! |---|---|---|---|
//! | `ga4` | `event_name` = `experience_impression` | parameter `exp_variant_string` | an event of the metric's name |
//! | `posthog` | `event` = `$feature_flag_called` | `$feature_flag_response`, or `$feature/KEY` of another event | the same |
//! | `segment` | `event` = `Experiment Viewed` | `variation_name` or `variation_id` | the same |
//! | `growthbook` | a row with a `variation_id` | `variation_id` | a row without, or of a file of its own |

use clap::ValueEnum;
use serde::Deserialize;
use tiltwise_core::id::UnitKind;
use tiltwise_core::revision::Revision;

use super::mapping::Mapping;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Google Analytics 4: rows of the BigQuery export (`events_…`) as JSON lines.
    Ga4,
    /// PostHog: events of a batch export as JSON lines.
    #[value(name = "posthog")]
    PostHog,
    /// Segment: track calls as JSON lines, or a warehouse's tracks as CSV.
    Segment,
    /// GrowthBook: what an assignment query answers, and a metric's rows in the same file or in one of their own.
    #[value(name = "growthbook")]
    GrowthBook,
}

impl Preset {
    pub(super) fn mapping(self, revision: &Revision) -> Mapping {
        let is_account = revision.unit == UnitKind::Account;
        let by_unit =
            |visitor: &str, account: &str| Some(if is_account { account } else { visitor }.to_owned());
        let some = |text: &str| Some(text.to_owned());
        let key = &revision.key;
        match self {
            Self::Ga4 => Mapping {
                time: some("event_timestamp"),
                unit: by_unit("user_pseudo_id", "user_id"),
                event: some("event_name"),
                exposure: some("experience_impression"),
                variant: some("event_params.exp_variant_string"),
                value: some("ecommerce.purchase_revenue|event_params.value"),
                currency: some("event_params.currency"),
                outcome_id: some("ecommerce.transaction_id|event_params.transaction_id"),
                ..Mapping::default()
            },
            Self::PostHog => Mapping {
                time: some("timestamp"),
                unit: some("distinct_id"),
                event: some("event"),
                exposure: some("$feature_flag_called"),
                variant: Some(format!(
                    "properties.$feature_flag_response|properties.$feature/{key}"
                )),
                experiment: Some(key.clone()),
                experiment_column: some("properties.$feature_flag"),
                value: some("properties.value|properties.revenue|properties.$revenue"),
                currency: some("properties.currency"),
                outcome_id: some("properties.order_id"),
                ..Mapping::default()
            },
            Self::Segment => Mapping {
                time: some("timestamp|originalTimestamp|receivedAt|received_at"),
                unit: by_unit("anonymousId|anonymous_id", "userId|user_id"),
                event: some("event"),
                exposure: some("Experiment Viewed|experiment_viewed"),
                variant: some(
                    "properties.variation_name|properties.variation_id|variation_name|variation_id",
                ),
                experiment: Some(key.clone()),
                experiment_column: some(
                    "properties.experiment_id|properties.experiment_name|experiment_id|experiment_name",
                ),
                value: some("properties.revenue|properties.value|properties.total|revenue|value|total"),
                currency: some("properties.currency|currency"),
                outcome_id: some("properties.order_id|order_id"),
                ..Mapping::default()
            },
            Self::GrowthBook => Mapping {
                time: some("timestamp"),
                unit: by_unit("anonymous_id|user_id|device_id", "user_id|anonymous_id"),
                variant: some("variation_id"),
                experiment: Some(key.clone()),
                experiment_column: some("experiment_id"),
                value: some("value"),
                ..Mapping::default()
            },
        }
    }

    /// Where an attribute is likely to be.
    pub(super) fn attribute(self, name: &str) -> String {
        let own = match (self, name) {
            (Self::Ga4, "device") => "device.category",
            (Self::Ga4, "country") => "geo.country",
            (Self::Ga4, "browser") => "device.web_info.browser",
            (Self::Ga4, "os") => "device.operating_system",
            (Self::Ga4, "source") => "traffic_source.source",
            (Self::PostHog, "device") => "properties.$device_type",
            (Self::PostHog, "country") => "properties.$geoip_country_code",
            (Self::PostHog, "browser") => "properties.$browser",
            (Self::PostHog, "os") => "properties.$os",
            (Self::Segment, "device") => "context.device.type",
            (Self::Segment, "country") => "context.location.country",
            (Self::Segment, "os") => "context.os.name",
            _ => "",
        };
        let generic = match self {
            Self::Ga4 => format!("event_params.{name}|user_properties.{name}|{name}"),
            Self::PostHog => format!("properties.{name}|{name}"),
            Self::Segment => format!("properties.{name}|context.traits.{name}|{name}"),
            Self::GrowthBook => name.to_owned(),
        };
        if own.is_empty() {
            generic
        } else {
            format!("{own}|{generic}")
        }
    }
}
