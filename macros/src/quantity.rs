//! Numbers with a unit, as options write them: `"30s"`, `"512MiB"`.

use syn::LitStr;

use crate::errors::Errors;
use crate::options::Known;

/// What can be counted, and in what.
pub(crate) struct Scale {
    units: &'static [Unit],
    /// A number that is not whole, in a smaller unit.
    smaller: &'static str,
}

struct Unit {
    name: &'static str,
    size: u64,
}

/// In milliseconds.
pub(crate) const TIME: Scale = Scale {
    units: &[
        Unit::new("ms", 1),
        Unit::new("s", 1000),
        Unit::new("m", 60 * 1000),
        Unit::new("min", 60 * 1000),
        Unit::new("h", 60 * 60 * 1000),
    ],
    smaller: "1500ms",
};

/// In bytes.
pub(crate) const SIZE: Scale = Scale {
    units: &[
        Unit::new("B", 1),
        Unit::new("KiB", 1 << 10),
        Unit::new("MiB", 1 << 20),
        Unit::new("GiB", 1 << 30),
        Unit::new("KB", 1000),
        Unit::new("MB", 1_000_000),
        Unit::new("GB", 1_000_000_000),
    ],
    smaller: "1536MiB",
};

/// What is wrong with a text.
#[derive(Debug, PartialEq)]
enum Mistake {
    /// It is no number and a unit. Perhaps this was meant.
    Form(Option<String>),
    Fraction,
    NoUnit,
    /// This is no unit. Perhaps this was meant.
    UnknownUnit(String, Option<String>),
    Zero,
    TooLarge,
}

impl Unit {
    const fn new(name: &'static str, size: u64) -> Self {
        Unit { name, size }
    }
}

impl Scale {
    /// The number that `text` is, the value of `option`; `None` if it is refused.
    pub(crate) fn read(&self, option: &Known, text: &LitStr, errors: &mut Errors) -> Option<u64> {
        let Known {
            key,
            value,
            example,
        } = option;
        let (what, help) = match self.parse(&text.value()) {
            Ok(number) => return Some(number),
            Err(Mistake::Form(meant)) => (
                format!("needs {value} for its option `{key}`"),
                match meant {
                    Some(meant) => format!("write `{key} = \"{meant}\"`"),
                    None => format!("write `{key} = {example}`"),
                },
            ),
            Err(Mistake::Fraction) => (
                format!("needs a whole number for its option `{key}`"),
                format!(
                    "write it in a smaller unit, as in `{key} = \"{}\"`",
                    self.smaller
                ),
            ),
            Err(Mistake::NoUnit) => (
                format!("needs a unit for its option `{key}`"),
                format!("write `{key} = {example}`; known units: {}", self.list()),
            ),
            Err(Mistake::UnknownUnit(unit, meant)) => (
                format!("has the unknown unit `{unit}` in its option `{key}`"),
                match meant {
                    Some(meant) => format!("did you mean `{key} = \"{meant}\"`?"),
                    None => format!("known units: {}", self.list()),
                },
            ),
            Err(Mistake::Zero) => (
                format!("cannot have zero for its option `{key}`"),
                format!("write `{key} = {example}`, or leave the option out"),
            ),
            Err(Mistake::TooLarge) => (
                format!("has too large a number for its option `{key}`"),
                "write a smaller one, or leave the option out".to_owned(),
            ),
        };
        errors.refuse(text, what, help);
        None
    }

    fn parse(&self, text: &str) -> Result<u64, Mistake> {
        let is_digit = |c: char| c.is_ascii_digit();
        let trimmed = text.trim();
        let (number, rest) =
            trimmed.split_at(trimmed.len() - trimmed.trim_start_matches(is_digit).len());
        if number.is_empty() {
            return Err(Mistake::Form(None));
        }
        if rest.starts_with(['.', ',']) {
            return Err(Mistake::Fraction);
        }
        let unit = rest.trim_start();
        if unit.is_empty() {
            return Err(Mistake::NoUnit);
        }
        let Some(known) = self.units.iter().find(|known| known.name == unit) else {
            if !unit.chars().all(char::is_alphabetic) {
                return Err(Mistake::Form(None));
            }
            let meant = self.meant(unit).map(|meant| format!("{number}{meant}"));
            return Err(Mistake::UnknownUnit(unit.to_owned(), meant));
        };
        let plain = format!("{number}{unit}");
        if plain != text {
            return Err(Mistake::Form(Some(plain)));
        }
        // Digits only: what cannot be read is too large.
        let number: u64 = number.parse().map_err(|_| Mistake::TooLarge)?;
        match number.checked_mul(known.size) {
            Some(0) => Err(Mistake::Zero),
            Some(number) => Ok(number),
            None => Err(Mistake::TooLarge),
        }
    }

    /// The unit that goes by this name elsewhere: `sec`, `M`, `kb`.
    fn meant(&self, unit: &str) -> Option<&'static str> {
        let unit = unit.to_lowercase();
        let is_same = |known: &&Unit| known.name.eq_ignore_ascii_case(&unit);
        let is_short = |known: &&Unit| known.name.to_lowercase().starts_with(&unit);
        let is_long = |known: &&Unit| unit.starts_with(&known.name.to_lowercase());
        let units = || self.units.iter();
        units()
            .find(is_same)
            .or_else(|| units().find(is_short))
            .or_else(|| units().filter(is_long).max_by_key(|known| known.name.len()))
            .map(|known| known.name)
    }

    fn list(&self) -> String {
        let list: Vec<_> = self
            .units
            .iter()
            .map(|unit| format!("`{}`", unit.name))
            .collect();
        list.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_a_unit_are_read() {
        assert_eq!(TIME.parse("1500ms"), Ok(1500));
        assert_eq!(TIME.parse("30s"), Ok(30_000));
        assert_eq!(TIME.parse("2m"), TIME.parse("2min"));
        assert_eq!(TIME.parse("2h"), Ok(7_200_000));
        assert_eq!(SIZE.parse("512MiB"), Ok(536_870_912));
        assert_eq!(SIZE.parse("64KB"), Ok(64_000));
        assert_eq!(SIZE.parse("007B"), Ok(7));
        assert_eq!(SIZE.parse("18446744073709551615B"), Ok(u64::MAX));
    }

    #[test]
    fn mistakes_are_told_apart() {
        for text in ["", "s", "-1s", "+1s", "a lot", "1s 2ms", "1_000s", "1/2h"] {
            assert_eq!(TIME.parse(text), Err(Mistake::Form(None)), "{text}");
        }
        for text in [" 30s", "30 s", "30s\n"] {
            let meant = Mistake::Form(Some("30s".to_owned()));
            assert_eq!(TIME.parse(text), Err(meant), "{text}");
        }
        assert_eq!(TIME.parse("1.5s"), Err(Mistake::Fraction));
        assert_eq!(TIME.parse("30"), Err(Mistake::NoUnit));
        assert_eq!(TIME.parse("0ms"), Err(Mistake::Zero));
        assert_eq!(TIME.parse("99999999999999999999s"), Err(Mistake::TooLarge));
        assert_eq!(SIZE.parse("18446744073709551615KB"), Err(Mistake::TooLarge));
    }

    #[test]
    fn units_are_recognized_under_other_names() {
        let check = |scale: &Scale, unit, meant| assert_eq!(scale.meant(unit), meant, "{unit}");
        check(&TIME, "S", Some("s"));
        check(&TIME, "sec", Some("s"));
        check(&TIME, "msec", Some("ms"));
        check(&TIME, "minutes", Some("min"));
        check(&TIME, "hours", Some("h"));
        check(&TIME, "days", None);
        check(&SIZE, "M", Some("MiB"));
        check(&SIZE, "mb", Some("MB"));
        check(&SIZE, "kib", Some("KiB"));
        check(&SIZE, "bytes", Some("B"));
        check(&SIZE, "TiB", None);
    }
}
