use multiproc::worker;

#[worker(priority = 10)]
fn first() {}

#[worker(crat = ::multiproc)]
fn second() {}

#[worker("first", 10)]
fn third() {}

#[worker(time = "30s", memory_limit = "512MiB")]
fn fourth() {}

#[worker(rutime = block_on)]
async fn fifth() {}

fn main() {
    first::run().unwrap();
    second::run().unwrap();
    third::run().unwrap();
    fourth::run().unwrap();
    fifth::run().unwrap();
}
