#[multiproc::test]
fn takes(number: u32, (one, other): (u8, u8)) {
    assert_eq!(u32::from(one + other), number);
}

struct Parser;

impl Parser {
    #[multiproc::test]
    fn parses(&self) {}
}

fn main() {}
