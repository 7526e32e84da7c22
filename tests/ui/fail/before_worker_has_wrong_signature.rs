use multiproc::worker;

fn takes(_level: u8) {}

fn returns() -> Result<(), String> {
    Ok(())
}

#[worker(before_worker = takes)]
fn first() {}

#[worker(before_worker = returns)]
fn second() {}

#[worker(before_worker = missing)]
fn third<T>(_value: T) {}

fn main() {
    first::run().unwrap();
    second::run().unwrap();
    third::run(1).unwrap();
}
