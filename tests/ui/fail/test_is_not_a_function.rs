#[multiproc::test]
mod tests {}

#[multiproc::test]
struct Test;

fn main() {
    let _ = Test;
}
