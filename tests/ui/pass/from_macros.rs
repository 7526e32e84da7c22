use multiproc::worker;

macro_rules! workers {
    ($($(#[$attribute:meta])* $vis:vis fn $name:ident($($parameter:ident: $ty:ty),*) -> $result:ty $body:block)*) => {
        $(
            #[worker]
            $(#[$attribute])*
            $vis fn $name($($parameter: $ty),*) -> $result $body
        )*
    };
}

workers! {
    /// Adds.
    pub(crate) fn add(left: u8, right: u8) -> u8 {
        left + right
    }

    fn length(text: &str, bytes: &[u8]) -> usize {
        text.len() + bytes.len()
    }

    fn nothing() -> () {}
}

macro_rules! local {
    ($value:expr) => {{
        // `x` is the macro's own.
        #[worker]
        fn local(x: u8) -> u8 {
            x + 1
        }

        local::run($value).unwrap()
    }};
}

macro_rules! generic {
    ($name:ident, $ty:ident: $bound:path, $parameter:ty, $result:ty, $body:expr) => {
        #[worker]
        fn $name<T: Into<$result>, $ty: $bound>(t: T, parameter: $parameter) -> $result {
            let body: fn($parameter) -> $result = $body;
            t.into() + body(parameter)
        }
    };
}

macro_rules! tests {
    ($($(#[$attribute:meta])* $name:ident: $result:ty = $body:block)*) => {
        $(
            #[multiproc::test]
            $(#[$attribute])*
            fn $name() -> $result $body
        )*
    };
}

tests! {
    adds: () = { assert_eq!(add(1, 2), 3) }

    #[should_panic(expected = "overflow")]
    overflows: () = { add(200, std::hint::black_box(100)); }

    reads: std::io::Result<()> = { std::fs::metadata("/").map(drop) }
}

generic!(length_of_vec, U: Clone, Vec<U>, usize, |values| values.len());
generic!(size_of_option, V: Clone, Option<V>, u64, |value| u64::from(value.is_some()));

#[test]
fn it_runs() {
    assert_eq!(length_of_vec::run(1_u8, vec!['x', 'y']).unwrap(), 3);
    assert_eq!(size_of_option::run(1_u8, Some('x')).unwrap(), 2);
    assert_eq!(add::run(1, 2).unwrap(), 3);
    assert_eq!(length::run("text", b"bytes").unwrap(), 9);
    nothing::run().unwrap();
    let x = 1;
    assert_eq!(local!(x), 2);
    assert_eq!(local!(x + 1), 3);
}
