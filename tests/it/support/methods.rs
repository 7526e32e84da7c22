//! One test for each case and start method.

/// Makes a test of each function `fn(StartMethod)`, once per start method.
macro_rules! cases {
    ($($case:ident)*) => {
        $crate::support::cases!(@ spawn Spawn: $($case)*);
        $crate::support::cases!(@ fork_server ForkServer: $($case)*);
    };
    (@ $module:ident $method:ident: $($case:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $case() {
                    $crate::support::run_apart(module_path!(), stringify!($case), || {
                        super::$case(multiproc::StartMethod::$method);
                    });
                }
            )*
        }
    };
}

pub(crate) use cases;
