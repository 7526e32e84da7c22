use multiproc::worker;

#[worker]
fn longest<'a>(left: &'a str, right: &'a str) -> usize {
    left.len().max(right.len())
}

#[worker]
fn total<'a, T>(values: &'a [T]) -> u64
where
    T: Copy + Into<u64>,
{
    values.iter().map(|&value| value.into()).sum()
}

fn main() {
    let _: usize = longest::run("left", "right").unwrap();
    let _: u64 = total::run(&[1_u8]).unwrap();
}
