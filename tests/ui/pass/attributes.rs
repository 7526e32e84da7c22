#![deny(warnings)]

use multiproc::worker;

mod api {
    #![deny(missing_docs)]
    //! Documented.

    use multiproc::worker;

    /// Is documented once, for the function and for the type.
    ///
    /// ```
    /// assert_eq!(1, 1);
    /// ```
    #[worker]
    #[must_use]
    #[inline(never)]
    #[track_caller]
    pub fn documented() -> u8 {
        1
    }

    /// Is on its way out.
    #[worker]
    #[deprecated = "use `documented`"]
    pub fn outdated() -> u8 {
        2
    }
}

#[deprecated]
#[derive(serde::Serialize, serde::Deserialize)]
struct Old(u8);

// What the user allows for the function is allowed for what names its types.
#[worker]
#[expect(deprecated, reason = "kept for old callers")]
fn convert(old: Old) -> u8 {
    old.0
}

#[worker]
#[expect(deprecated, reason = "kept for old callers")]
fn convert_with<T: From<Old>, #[allow(unused)] const N: u8>(old: Old) -> T {
    T::from(old)
}

#[worker]
#[cfg(any())]
fn absent(unknown: Unknown) {}

#[cfg(any())]
#[worker]
fn also_absent(unknown: Unknown) {}

#[worker]
#[cfg(all())]
fn present() -> u8 {
    3
}

#[worker]
#[cfg_attr(all(), doc = "Documented.", allow(non_snake_case), inline)]
#[cfg_attr(any(), cfg(any()))]
fn Conditional() -> u8 {
    4
}

#[cfg_attr(all(), worker)]
fn conditionally_a_worker() -> u8 {
    5
}

#[worker]
const fn constant() -> u8 {
    const { 6 }
}

const SIX: u8 = constant();

#[test]
fn it_runs() {
    assert_eq!(api::documented::run().unwrap(), 1);
    #[expect(deprecated)]
    let outdated = api::outdated::run().unwrap();
    assert_eq!(outdated, 2);
    #[expect(deprecated)]
    let old = Old(7);
    assert_eq!(convert::run(old).unwrap(), 7);
    #[expect(deprecated)]
    let converted = convert_with::run::<Old, 1>(Old(8)).unwrap();
    #[expect(deprecated)]
    let value = converted.0;
    assert_eq!(value, 8);
    assert_eq!(present::run().unwrap(), 3);
    assert_eq!(Conditional::run().unwrap(), 4);
    assert_eq!(conditionally_a_worker::run().unwrap(), 5);
    assert_eq!(constant::run().unwrap(), SIX);
}
