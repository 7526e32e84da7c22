//! Taking tasks: those that the engine sends, because it was asked, and those that submitters hand over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::handed::Handed;
use super::permits::{Permit, Permits};
use super::{Runner, Running};
use crate::engine::{Answer, Arrival, Deliveries, Delivery, Engine};
use crate::id::TaskId;
use crate::submitter::lock;

/// How long a delivery may be on its way when no more are asked for.
const LAST_ARRIVAL: Duration = Duration::from_secs(5);

/// What becomes of a delivery at first.
enum Taken {
    /// It is to be run, and counts as running.
    Begins(TaskId, Bytes),
    /// It runs already.
    Known,
    /// Another agent gets it.
    GivenBack,
}

impl<E: Engine> Runner<E> {
    /// Takes tasks until it is stopped.
    pub(super) async fn take_tasks(
        self: &Arc<Self>,
        deliveries: &mut E::Deliveries,
        handed: &mut Handed<E::Listener>,
        stopped: &mut watch::Receiver<bool>,
    ) {
        let mut permits = Permits::new(self.pool.workers());
        let mut is_stopping = false;
        loop {
            if *stopped.borrow() && !is_stopping {
                is_stopping = true;
                self.is_leaving.send_replace(true);
                // What is handed over before its submitter hears this is refused.
                self.say_status().await;
                deliveries.close().await;
            }
            let wanted = permits.wanted();
            if wanted > 0 && !is_stopping {
                if deliveries.request(wanted).await.is_ok() {
                    permits.ask(wanted);
                } else {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            tokio::select! {
                // A permit that is free again comes before a task that may be for it.
                biased;
                changed = stopped.changed(), if !is_stopping => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = permits.freed() => {}
                heard = handed.next() => {
                    let has_room = permits.has_room_for_handed() && !is_stopping;
                    let taken = self.take_handed(handed, heard, has_room).await;
                    if let Some((id, message)) = taken {
                        self.start(id, message, permits.take());
                    }
                }
                arrival = deliveries.next() => match arrival {
                    Some(Arrival::Task(delivery)) => {
                        permits.hear(1);
                        let has_room = permits.has_room() && !is_stopping;
                        match self.take_delivery(delivery, has_room).await {
                            Taken::Begins(id, message) => self.start(id, message, permits.take()),
                            Taken::Known => {}
                            Taken::GivenBack => permits.owe(),
                        }
                    }
                    Some(Arrival::Expired(count)) => permits.hear(count),
                    None => return,
                },
                // A server that is away does not say that it has sent all.
                () = tokio::time::sleep(LAST_ARRIVAL), if is_stopping => return,
            }
        }
    }

    /// Waits for the end of what runs, and takes nothing more.
    pub(super) async fn finish(&self, handed: &mut Handed<E::Listener>) {
        while !lock(&self.running).is_empty() {
            tokio::select! {
                heard = handed.next() => {
                    self.take_handed(handed, heard, false).await;
                }
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
        if !*self.engine.connected().borrow() {
            return;
        }
        handed.close().await;
        let refuse = async {
            while let Some(heard) = handed.last().await {
                self.take_handed(handed, heard, false).await;
            }
        };
        // A server that is away by now does not say that it has sent all.
        let _ = tokio::time::timeout(LAST_ARRIVAL, refuse).await;
    }

    async fn take_delivery(&self, delivery: Delivery<E::Receipt>, has_room: bool) -> Taken {
        let Delivery {
            id,
            message,
            receipt,
        } = delivery;
        {
            let mut running = lock(&self.running);
            if let Some(known) = running.get_mut(&id) {
                // Delivered again, because it was not heard that it runs: the new receipt counts.
                known.receipt = Some(receipt);
                return Taken::Known;
            }
            if has_room {
                running.insert(id.clone(), Running::new(Some(receipt)));
                return Taken::Begins(id, message);
            }
        }
        // It came too late, or a task that was handed over was first: another agent gets it, at once.
        let back = Answer::Back(Duration::ZERO);
        let _ = self.engine.settle(&receipt, back).await;
        Taken::GivenBack
    }

    /// Runs a task that was taken.
    fn start(self: &Arc<Self>, id: TaskId, message: Bytes, permit: Permit) {
        let runner = Arc::clone(self);
        tokio::spawn(async move {
            runner.deal_with(id, message, permit).await;
        });
    }
}
