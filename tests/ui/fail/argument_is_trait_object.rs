use multiproc::worker;

trait Shape {
    fn area(&self) -> f64;
}

#[worker]
fn sum(boxed: Box<dyn Shape>, borrowed: &dyn Shape, many: Vec<Box<dyn Shape + Send>>) -> f64 {
    boxed.area() + borrowed.area() + many.iter().map(|shape| shape.area()).sum::<f64>()
}

struct Unit;

impl Shape for Unit {
    fn area(&self) -> f64 {
        1.0
    }
}

fn main() {
    let _: f64 = sum::run(Box::new(Unit), &Unit, Vec::new()).unwrap();
}
