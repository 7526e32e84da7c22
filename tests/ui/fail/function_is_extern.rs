use multiproc::worker;

#[worker]
extern "C" fn callback(code: i32) -> i32 {
    code
}

fn main() {
    let _: i32 = callback::run(1).unwrap();
}
