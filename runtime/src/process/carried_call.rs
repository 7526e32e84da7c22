//! Calls and results on their way to another machine and back: for back ends that are no pool.
//!
//! [`pack`] makes bytes of a call, as [`PortableCall`](super::PortableCall) does, and keeps what reads its
//! result. Where it runs, the type of its result is not known: [`unpack`] makes a call whose result is
//! [`Carried`], which is the bytes that the worker wrote. They are read where the call was packed.

use std::fmt;
use std::fmt::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::portable_call::CallData;
use crate::codec::{Input, Message, Output, Written};
use crate::dispatch::{OwnedCodec, ResultCodec};
use crate::error::{Error, ErrorKind, Result, WireError};
use crate::sys::image;

/// What tells one build of the program from another, as text; `None` if that cannot be told.
#[must_use]
pub fn build() -> Option<String> {
    let build = image::build()?;
    let mut text = String::with_capacity(2 * build.len());
    for byte in build {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}

/// A call as bytes.
#[derive(Debug)]
pub struct Packed<R> {
    /// The call.
    pub bytes: Vec<u8>,
    /// The name of its worker.
    pub worker: &'static str,
    /// How often it may be tried again if it is lost, if it says so.
    pub retries: Option<u32>,
    /// Whether it is cancelled with its handle.
    pub kill_on_drop: bool,
    /// What reads its result.
    pub reader: ResultReader<R>,
}

/// Reads the results of a call that was packed.
pub struct ResultReader<R> {
    codec: ResultCodec<R>,
    worker: &'static str,
}

/// The result of a call whose type is not known here: what the worker wrote.
#[derive(Debug)]
pub struct Carried(Written);

/// Turns a call into bytes. Refuses what holds handles, and what no task of a pool can have.
///
/// # Errors
///
/// As [`Call::portable`](super::Call::portable) and [`Pool::submit`](crate::Pool::submit).
pub fn pack<R>(call: Call<'_, R>) -> Result<Packed<R>> {
    let entry = call.entry;
    let worker = entry.name();
    let options = call.task_options();
    let codec = call.result;
    let packed = || {
        call.check_for_task()?;
        let mut output = Output::default();
        output
            .write(&call.into_data()?.checked())
            .map_err(|error| not_written(&error))?;
        flat(output)
    };
    Ok(Packed {
        bytes: packed().map_err(|error| error.with_worker(worker))?,
        worker,
        retries: options.retries,
        kill_on_drop: options.kill_on_drop,
        reader: ResultReader { codec, worker },
    })
}

/// Turns bytes into the call that they were, to be submitted to a pool.
///
/// # Errors
///
/// [`Decode`](ErrorKind::Decode): they are no call of this build.
pub fn unpack(bytes: &[u8]) -> Result<Call<'static, Carried>> {
    let data: CallData = read(bytes)?;
    let entry = data
        .find_any()
        .map_err(|reason| Error::new(ErrorKind::Decode, reason))?;
    let codec = OwnedCodec::new(
        |_, _| {
            Err(crate::codec::Error::new(
                "a result that is carried is not written",
            ))
        },
        |input| input.take_rest().map(Carried),
    );
    Ok(data.into_call(entry, codec))
}

/// The result of a call that was unpacked, as bytes.
///
/// # Errors
///
/// [`Encode`](ErrorKind::Encode): there is no memory for them.
pub fn pack_result(result: Result<Carried>) -> Result<Vec<u8>> {
    let mut output = Output::default();
    let result = result.map(|Carried(written)| written);
    let result = result.map_err(|error| error.to_wire());
    output.write(&result).map_err(|error| not_written(&error))?;
    flat(output)
}

impl<R> ResultReader<R> {
    /// Reads what [`pack_result`] made of the result.
    ///
    /// # Errors
    ///
    /// That of the call; or [`Decode`](ErrorKind::Decode).
    pub fn read(&self, bytes: &[u8]) -> Result<R> {
        let about_worker = |error: Error| error.with_worker(self.worker);
        let result: Result<Written, WireError> = read(bytes).map_err(about_worker)?;
        let mut message = result.map_err(WireError::into_error)?.into_message();
        let mut input = message.open_at(0);
        let value = self.codec.read(&mut input);
        let value = value.and_then(|value| input.finish().map(|()| value));
        value.map_err(|error| {
            let text = format!(
                "worker `{}`: its result cannot be decoded: {error}",
                self.worker
            );
            about_worker(Error::new(ErrorKind::Decode, text))
        })
    }

    /// The name of the worker.
    #[must_use]
    pub fn worker(&self) -> &'static str {
        self.worker
    }
}

/// A value as bytes, in the library's own format: for readers of the same build.
///
/// # Errors
///
/// [`Encode`](ErrorKind::Encode): it cannot be written.
pub fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut output = Output::default();
    output.write(value).map_err(|error| not_written(&error))?;
    flat(output)
}

/// Reads what [`write()`] wrote, whatever the bytes are: no length is believed before the bytes are there.
///
/// # Errors
///
/// [`Decode`](ErrorKind::Decode): they are something else.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let not_read = |error: crate::codec::Error| {
        Error::new(
            ErrorKind::Decode,
            format!("a message cannot be read: {error}"),
        )
    };
    let (splices, head) = Message::unflatten(bytes).map_err(not_read)?;
    let mut input = Input::with_splices(head, splices);
    let value = input.read().map_err(not_read)?;
    input.finish().map_err(not_read)?;
    Ok(value)
}

/// An error of a back end.
#[must_use]
pub fn error(kind: ErrorKind, worker: Option<&str>, text: String) -> Error {
    let error = Error::new(kind, text);
    match worker {
        Some(worker) => error.with_worker(worker),
        None => error,
    }
}

/// The same error as one of the input with this index.
#[must_use]
pub fn error_of_input(error: Error, input: usize) -> Error {
    error.with_input(input)
}

/// A copy of an error.
#[must_use]
pub fn copy_of_error(error: &Error) -> Error {
    error.duplicate()
}

/// Whether the pool would try a call again that ended so: its process died.
#[must_use]
pub fn is_worker_lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Exited | ErrorKind::Signaled)
}

fn not_written(error: &crate::codec::Error) -> Error {
    Error::new(
        ErrorKind::Encode,
        format!("a message cannot be written: {error}"),
    )
}

fn flat(output: Output<'_>) -> Result<Vec<u8>> {
    if output.has_handles() {
        let text =
            "a handle (a lock, a channel, an open file or the like) cannot leave its machine";
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    Written::new(output)
        .and_then(Written::flatten)
        .map_err(|error| not_written(&error))
}

impl<R> Clone for ResultReader<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for ResultReader<R> {}

impl<R> fmt::Debug for ResultReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultReader")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::pedantic, reason = "tests may be blunt")]
mod tests {
    use super::*;

    #[test]
    fn values_of_any_length_come_back() {
        for length in [0, 1, 100, 1 << 20] {
            let value = (vec![7_u8; length], "text".repeat(length), length);
            let bytes = write(&value).unwrap();
            assert_eq!(read::<(Vec<u8>, String, usize)>(&bytes).unwrap(), value);
            for cut in [0, 1, 8, bytes.len() / 2, bytes.len() - 1] {
                if cut < bytes.len() {
                    assert!(read::<(Vec<u8>, String, usize)>(&bytes[..cut]).is_err());
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_an_error_or_a_value() {
        for byte in 0..=255 {
            let _ = read::<Vec<u64>>(&[byte; 40]);
        }
        assert_eq!(unpack(&[0xff; 40]).unwrap_err().kind(), ErrorKind::Decode);
    }

    #[test]
    fn an_error_comes_back_as_it_was() {
        let error = error(ErrorKind::Lost, Some("work"), "gone".to_owned());
        let bytes = pack_result(Err(error)).unwrap();
        let reader = ResultReader {
            codec: crate::dispatch::owned::<u64>(),
            worker: "work",
        };
        let error = reader.read(&bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lost);
        assert_eq!(error.to_string(), "gone");
        assert_eq!(
            reader.read(&[1, 2, 3]).unwrap_err().kind(),
            ErrorKind::Decode
        );
    }
}
