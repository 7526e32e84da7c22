use multiproc::Shareable;

#[derive(Shareable)]
struct Token(u32);

impl Drop for Token {
    fn drop(&mut self) {}
}

fn main() {}
