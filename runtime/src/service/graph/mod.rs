//! Who waits for whom: services that wait for one another in a circle are told so.
//!
//! All processes of a [family](crate::process::family) map one table. It has a node for each service that
//! runs one request at a time, with these words:
//!
//! | word | who writes it |
//! |---|---|
//! | `owner`: a generation, and the mark of the process that started the service | that process |
//! | `seat`: the generation, and the mark of the process in which the object lives, 0 if there is none | both |
//! | `progress`: how far the service has come with its requests. It only grows | both |
//! | `epoch`: how often the object's thread began or ended to wait: odd while it waits | the object's |
//! | `target`, `threshold`: the node that it waits for, and how far that has to come | the object's |
//!
//! # The two words that matter
//!
//! Requests are numbered as the items of the service's queue are; to that number is added the first one of
//! the node's generation, so that no number of a node comes twice though the node is given to one service
//! after another. `progress` is `2n` if all requests below `n` are done, and `2n + 1` while `n` is being run.
//!
//! A service that waits for the reply to request `n` waits for a progress of `2n + 2`. One that waits for
//! room in a full queue, whose first item is `h`, waits for `2h + 1`: that item has to be taken out. So an
//! edge of the graph is a node and a threshold. It is *blocked* while the node's progress is below that,
//! and once it is not, never will be again.
//!
//! # The search
//!
//! A thread that is about to sleep [writes its edge](Seat::wait), then walks from node to node: as long as
//! the edge is blocked, and the node that it leads to waits, too. If that leads back to its own node:
//!
//! 1. it has read the edges of all in the circle, each with its epoch;
//! 2. it asks the kernel whether the processes of all live;
//! 3. it reads each epoch and each progress once more.
//!
//! If all processes live, no epoch has changed, and each edge is still blocked, that is a circle. The own
//! edge is taken back, and the request fails.
//!
//! # No false alarm
//!
//! Consider the moment between 1 and 2. Each edge was there then: its epoch was the same before and after,
//! and epochs do not come twice. Each edge was blocked then, since it was so later. Each process lived
//! then, since it lived later; and it was the one that had written the edge, since edges of the dead are
//! taken back before a place is taken anew (below). So each service's only thread was waiting for something
//! that only the next one's only thread can do:
//!
//! * A reply is on its way: its request was [done](Seat::done) before, so the edge is not blocked.
//! * A request is withdrawn, or its time is over: the edge is taken back before the thread goes on.
//! * There is room, but that is not noted yet: the thread that has taken an item out notes that it runs
//!   it before it calls anything, so it has no edge meanwhile.
//! * A process has died, and the request will be answered by its death: it is not alive.
//!
//! What ends such a wait all the same is its deadline, the kill of a process, or that another member of the
//! circle finds it, too. Two that close a circle at the same moment may both be told.
//!
//! One exception: a copy of a service's process that user code made by `fork` keeps its mark. While it
//! lives, and until the process that started the service has seen the service's end, that counts as alive.
//!
//! # No circle is missed
//!
//! Writing an epoch and reading those of the others are steps in one order for all (`SeqCst`). In a circle
//! whose members all wait, the last one to have written its edge reads those of all others after that. They
//! are still there, and blocked, because their services can do nothing; unless one of them has found
//! the circle itself. A circle closes in no other way: an edge is blocked from the beginning.
//!
//! A thread that waits for room while others take it from under its nose waits for another item each
//! time it looks, with another edge; it looks every tenth of a second at least.
//!
//! Not looked for are circles through threads that a service has started itself, through services with
//! several threads, through functions that `await`, through waits for one of several things, and through
//! processes that are no services. Their waiting writes no edge, and a walk ends there. An `await` may be one
//! of several, so that the function goes on all the same; only that of a service for itself is
//! [known](Seat::circle_with) to be in vain, since the function it waits in has to end first.
//!
//! # What if the process dies right after it
//!
//! | the process that starts a service takes a node | |
//! |---|---|
//! | 1. see that `owner` and `seat` are no living process's | as before |
//! | 2. write `owner`, if it is still the same | the next to look for a node finds the owner dead, and takes the node with the next generation |
//! | 3. write `seat`: the new generation, no process; if it is still the same | likewise. From then on no process of an earlier generation can take the seat. If one has just done so, the node is given up |
//! | 4. make `epoch` even | likewise; it was the edge of a dead process, which no circle leads through |
//! | 5. raise `progress` to the first number of the generation | likewise; no edge to the service before is blocked any more |
//! | 6. write the name | likewise |
//!
//! | the object's process takes its seat, and works | |
//! |---|---|
//! | 1. write `seat`, if no process of this generation has it | the process that started it sees its end |
//! | 2. raise `progress` to `2n + 1`: request `n` is begun | the edge of its caller is blocked until `after_death`, as it should be: it has no reply |
//! | 3. write `target` and `threshold` | `epoch` is even: no edge |
//! | 4. make `epoch` odd: **there is an edge** | walks see it, and that its process is dead |
//! | 5. walk; on a circle or when the wait is over, make `epoch` even | no edge |
//! | 6. raise `progress` to `2n + 2`: request `n` is done | no edge for it is blocked; its caller learns of the death |
//!
//! | the process that started it has seen its end | |
//! |---|---|
//! | 1. make `epoch` even | as when it takes the node: it is dead, too, and so the node is free |
//! | 2. raise `progress` to `2h`: requests below `h`, the queue's head, have died | likewise |
//! | 3. write `seat`: no process | likewise. Not before: the next one takes it at once |
//!
//! | it gives the node back | |
//! |---|---|
//! | 1. raise `progress` above all numbers of the generation | no edge to it is blocked |
//! | 2. write `owner`: the generation, no process | done |
//!
//! A process that started a service may die while the service's process lives for a moment longer: the node
//! is not free before that is dead, too. So `epoch`, `target` and `threshold` have one writer at a time.
//!
//! # What if something writes over the words
//!
//! Indices are compared with the size of the table, a walk has so many steps at most as there are nodes,
//! arithmetic saturates, and names are taken as bytes. So it costs an alarm that is false or is not given.

#[cfg(test)]
mod interleavings;
mod node;
mod seat;
mod table;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use node::Node;
#[cfg(test)]
use seat::Waiting;
pub(crate) use seat::{Edge, Seat};
pub(crate) use table::{Graph, Place};
pub(crate) use walk::Circle;
