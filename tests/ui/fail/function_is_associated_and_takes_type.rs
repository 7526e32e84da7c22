use multiproc::worker;

struct Image;

#[derive(serde::Serialize, serde::Deserialize)]
struct Size;

impl Image {
    #[worker]
    fn load(path: String, size: Size) -> Vec<Size> {
        assert!(!path.is_empty());
        vec![size]
    }
}

fn main() {
    let _ = Image::load("path".to_owned(), Size);
}
