use multiproc::worker;

#[worker]
fn length(text: &str) -> usize {
    length::of(text)
}

mod length {
    pub(super) fn of(text: &str) -> usize {
        text.len()
    }
}

#[worker(timeout = "1s")]
pub(crate) fn image(_: u8) {}

/// As good as any other type of the name.
#[expect(non_camel_case_types)]
trait image {}

fn main() {
    let _: usize = length::run("text").unwrap();
    let _: usize = length("text");
    let _ = length::spawn("text");
}
