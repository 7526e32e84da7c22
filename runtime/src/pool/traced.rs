//! Tasks of which it is to be known where and when they ran: for traces of other back ends.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::ran::Ran;
use super::task::Task;
use crate::error::Result;

/// As polling the task, but with where and when it ran, if it was answered.
pub fn poll_with_ran<R>(
    task: &mut Task<R>,
    context: &mut Context<'_>,
) -> Poll<(Result<R>, Option<Ran>)> {
    let mut ran = None;
    if task.check_here().is_ok() {
        if !task.slot.poll(context.waker()) {
            task.shared.listen();
            return Poll::Pending;
        }
        ran = task.slot.ran();
    }
    let polled = Pin::new(task).poll(context);
    polled.map(|result| (result, ran))
}
