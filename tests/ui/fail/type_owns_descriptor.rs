use std::fs::File;
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::ChildStdin;

use multiproc::{RemoteError, worker};

#[worker]
fn write(mut file: File) -> Result<(), RemoteError> {
    Ok(file.write_all(b"text")?)
}

#[worker]
fn write_to_reference(mut file: &File) -> Result<(), RemoteError> {
    Ok(file.write_all(b"text")?)
}

#[worker]
fn serve(streams: Vec<TcpStream>, _local: UnixStream, _descriptor: OwnedFd, _input: ChildStdin) {
    drop(streams);
}

#[worker]
fn open(path: &str) -> Result<File, RemoteError> {
    Ok(File::open(path)?)
}

fn main() -> io::Result<()> {
    write::run(File::open("/")?).unwrap().unwrap();
    write_to_reference::run(&File::open("/")?).unwrap().unwrap();
    let _ = serve::call;
    let _: File = open::run("/").unwrap().unwrap();
    Ok(())
}
