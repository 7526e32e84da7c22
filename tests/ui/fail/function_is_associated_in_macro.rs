use multiproc::worker;

struct Image;

/// What becomes of its input only rustc knows.
macro_rules! implement {
    ($($item:item)*) => {
        $($item)*
    };
}

implement! {
    impl Image {
        #[worker]
        fn load(path: String) -> usize {
            path.len()
        }
    }
}

fn main() {
    let _: usize = Image::load("path".to_owned());
}
