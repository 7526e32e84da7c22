use multiproc::worker;

#[worker]
fn apply(function: fn(&str) -> usize, text: &str) -> usize {
    function(text)
}

fn main() {
    let _: usize = apply::run(str::len, "text").unwrap();
}
