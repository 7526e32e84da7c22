//! Integers as they are read.

use serde::de::Visitor;

use super::Error;

/// Any integer, by the visitor's method that fits it best.
#[derive(Debug, Clone, Copy)]
pub(super) enum Integer {
    Unsigned(u64),
    Negative(i64),
    WideUnsigned(u128),
    WideNegative(i128),
}

impl Integer {
    /// As a type that it fits into.
    #[inline]
    pub(super) fn fitting<T>(self) -> Option<T>
    where
        T: TryFrom<u64> + TryFrom<i64> + TryFrom<u128> + TryFrom<i128>,
    {
        match self {
            Integer::Unsigned(value) => T::try_from(value).ok(),
            Integer::Negative(value) => T::try_from(value).ok(),
            Integer::WideUnsigned(value) => T::try_from(value).ok(),
            Integer::WideNegative(value) => T::try_from(value).ok(),
        }
    }

    pub(super) fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Integer::Unsigned(value) => visitor.visit_u64(value),
            Integer::Negative(value) => visitor.visit_i64(value),
            Integer::WideUnsigned(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_u128(value),
            },
            Integer::WideNegative(value) => match i64::try_from(value) {
                Ok(value) => visitor.visit_i64(value),
                Err(_) => visitor.visit_i128(value),
            },
        }
    }
}
