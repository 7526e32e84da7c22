use multiproc::worker;

#[worker]
fn hash(block: [u8; 64]) -> u64 {
    u64::from(block[0])
}

#[worker]
fn hash_reference(block: &[u8; 64]) -> u64 {
    u64::from(block[0])
}

#[worker]
fn pad(text: &str) -> Option<Vec<[u8; 1 << 6]>> {
    let _ = text;
    None
}

#[worker]
fn digest() -> Result<[u8; 48], String> {
    Ok([0; 48])
}

fn main() {
    let _: u64 = hash::run([0; 64]).unwrap();
    let _: u64 = hash_reference::run(&[0; 64]).unwrap();
    let _ = pad::run("text").unwrap();
    let _: [u8; 48] = digest::run().unwrap().unwrap();
}
