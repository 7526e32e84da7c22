use multiproc::startup;

#[startup]
static LEVEL: u8 = 1;

fn main() {
    let _ = LEVEL;
}
