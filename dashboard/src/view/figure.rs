//! A figure with where it comes from. Unknown is null with a reason, never zero.

use super::decimal::{Decimal, Moment};
use plimsoll_core::Time;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The state of the world that something is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AsOf {
    /// The block whose state it is; null where it rests on no block.
    #[schema(required = true)]
    pub block: Option<u64>,
    /// That block's time, or else the time of the observation.
    pub time: Moment,
}

/// One figure: its value, or why there is none, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Figure<T> {
    /// The value; null where it is unknown or too old.
    #[schema(required = true, schema_with = or_null::<T>)]
    value: Option<T>,
    /// Why it is unknown; there exactly when the value is null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// The state of the world that it is about.
    as_of: AsOf,
    /// Who says so: a contract's function, an oracle, a model.
    source: String,
    /// How it was made from the source.
    method: String,
}

/// The schema of a `T` or null: what is derived for a generic field leaves the null out.
fn or_null<T: PartialSchema>() -> Schema {
    OneOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .item(T::schema())
        .description(Some("The value; null where it is unknown or too old."))
        .into()
}

/// A kind of value that a figure holds.
pub trait Value {
    /// Whether it can be shown; NaN and infinities cannot.
    fn is_sound(&self) -> bool {
        true
    }
}

impl Value for f64 {
    fn is_sound(&self) -> bool {
        self.is_finite()
    }
}
impl Value for Decimal {}
impl Value for bool {}
impl Value for u64 {}

/// Where figures come from: they are made by it, so none lacks its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    as_of: AsOf,
    source: String,
    method: String,
}

impl Origin {
    /// Returns the origin of what `source` says of `block` (at `time`).
    #[must_use]
    pub fn new(block: Option<u64>, time: Time, source: &str) -> Origin {
        let as_of = AsOf { block, time: time.into() };
        Origin { as_of, source: source.to_owned(), method: "as read".to_owned() }
    }

    /// Returns the same origin for figures that are made by `method`.
    #[must_use]
    pub fn by(&self, method: &str) -> Origin {
        Origin { method: method.to_owned(), ..self.clone() }
    }

    /// Returns a figure with this value; a value that cannot be shown makes it unknown.
    pub fn known<T: Value>(&self, value: T) -> Figure<T> {
        if value.is_sound() {
            self.figure(Some(value), None)
        } else {
            self.unknown("the result is not a finite number")
        }
    }

    /// Returns a figure without a value, and why.
    #[must_use]
    pub fn unknown<T>(&self, reason: &str) -> Figure<T> {
        self.figure(None, Some(reason.to_owned()))
    }

    /// Returns a figure with `value`, or without one for `reason`.
    pub fn maybe<T: Value>(&self, value: Option<T>, reason: &str) -> Figure<T> {
        match value {
            Some(value) => self.known(value),
            None => self.unknown(reason),
        }
    }

    fn figure<T>(&self, value: Option<T>, unknown: Option<String>) -> Figure<T> {
        Figure {
            value,
            unknown,
            as_of: self.as_of.clone(),
            source: self.source.clone(),
            method: self.method.clone(),
        }
    }
}

impl<T> Figure<T> {
    /// The value, where it is known.
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

/// A figure of any kind.
pub(crate) trait Forget {
    /// Takes the value away; as-of and source stay.
    fn forget(&mut self, reason: &str);
}

impl<T> Forget for Figure<T> {
    fn forget(&mut self, reason: &str) {
        if self.value.take().is_some() {
            self.unknown = Some(reason.to_owned());
        }
    }
}

/// Something that shows figures of now, which become unknown when the engine hears nothing more.
pub(crate) trait Aging: Clone {
    /// Every figure in it.
    fn figures(&mut self) -> Vec<&mut dyn Forget>;

    /// Returns it with every figure unknown for `reason`.
    fn stale(&self, reason: &str) -> Self {
        let mut stale = self.clone();
        for figure in stale.figures() {
            figure.forget(reason);
        }
        stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_json_cannot_hold_is_unknown_and_says_why() {
        let origin = Origin::new(Some(7), Time(0), "model");
        for broken in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let figure = serde_json::to_value(origin.known(broken)).unwrap();
            assert!(figure["value"].is_null());
            assert_eq!(figure["unknown"], "the result is not a finite number");
        }
    }

    #[test]
    fn what_is_forgotten_keeps_its_origin_and_its_first_reason() {
        let origin = Origin::new(Some(7), Time(0), "vault.totalAssets()").by("rounded down");
        let mut known = origin.known(1.5);
        known.forget("no head for 60 s");
        let shown = serde_json::to_value(&known).unwrap();
        assert!(shown["value"].is_null());
        assert_eq!(shown["unknown"], "no head for 60 s");
        assert_eq!(shown["as_of"]["block"], 7);
        assert_eq!(shown["source"], "vault.totalAssets()");
        assert_eq!(shown["method"], "rounded down");
        let mut unknown: Figure<f64> = origin.unknown("no price");
        unknown.forget("no head for 60 s");
        assert_eq!(serde_json::to_value(&unknown).unwrap()["unknown"], "no price");
    }
}
