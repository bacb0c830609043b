//! The queue against a plain list, and its threads against each other.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::Instant,
};

use proptest::prelude::*;
use tokio::sync::oneshot;

use super::*;
use crate::{Answer, ticket::Reply};

const CAPACITY: usize = 6;
const WIDTH: usize = 2;
const MAX_BATCH: usize = 4;

type Receiver = oneshot::Receiver<Result<Answer, RuntimeError>>;

#[derive(Clone, Debug)]
enum Step {
    /// A request of so many records, whose deadline has passed or never will.
    Push {
        records: usize,
        late: bool,
    },
    /// The caller of one of the requests that wait goes away.
    HangUp(prop::sample::Index),
    Take,
    Close,
}

/// A request as a list knows it.
struct Listed {
    id: usize,
    numbers: usize,
    late: bool,
    /// `None` once its caller is gone.
    receiver: Option<Receiver>,
}

#[derive(Default)]
struct List {
    waiting: Vec<Listed>,
    closed: bool,
}

#[derive(Default)]
struct Taken {
    batch: Vec<Listed>,
    expired: Vec<Listed>,
    abandoned: u64,
}

impl List {
    /// Walks the list from its head, leaves out who is lost, and stops at the first who does not fit.
    fn take(&mut self) -> Taken {
        let mut taken = Taken::default();
        let mut free = MAX_BATCH * WIDTH;
        while let Some(head) = self.waiting.first() {
            let lost = head.late || head.receiver.is_none();
            if !lost && head.numbers > free {
                break;
            }
            let head = self.waiting.remove(0);
            if head.receiver.is_none() {
                taken.abandoned += 1;
            } else if head.late {
                taken.expired.push(head);
            } else {
                free -= head.numbers;
                taken.batch.push(head);
            }
        }
        taken
    }
}

/// Each of a request's numbers is its id.
fn records(id: usize, numbers: usize) -> Vec<f32> {
    vec![id as f32; numbers]
}

fn request(numbers: usize, late: bool) -> (Ticket, Receiver) {
    let (reply, receiver) = oneshot::channel();
    (Ticket::new(numbers, late.then(Instant::now), Reply::Task(reply)), receiver)
}

/// An answer that only the request called `id` may get.
fn mark(id: usize) -> RuntimeError {
    RuntimeError::Inference { reason: id.to_string() }
}

fn check_taken(batch: &mut Batch, expected: Taken) {
    let numbers: Vec<f32> = expected.batch.iter().flat_map(|request| records(request.id, request.numbers)).collect();
    assert_eq!(batch.records, numbers);
    assert_eq!(batch.abandoned, expected.abandoned);
    for (tickets, requests) in [(&mut batch.tickets, expected.batch), (&mut batch.expired, expected.expired)] {
        assert_eq!(tickets.len(), requests.len());
        for (ticket, request) in tickets.drain(..).zip(requests) {
            ticket.answer(Err(mark(request.id)));
            assert_eq!(request.receiver.unwrap().try_recv().unwrap().unwrap_err(), mark(request.id));
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1..=MAX_BATCH, prop::bool::weighted(0.2)).prop_map(|(records, late)| Step::Push { records, late }),
        1 => any::<prop::sample::Index>().prop_map(Step::HangUp),
        2 => Just(Step::Take),
    ];
    // Most runs close at their end only.
    (prop::collection::vec(step, 0..60), prop::option::weighted(0.2, any::<prop::sample::Index>())).prop_map(
        |(mut steps, close)| {
            if let Some(close) = close {
                steps.insert(close.index(steps.len() + 1), Step::Close);
            }
            steps
        },
    )
}

proptest! {
    #[test]
    fn a_queue_does_what_a_list_does(steps in steps()) {
        let queue = Queue::new(CAPACITY, MAX_BATCH * WIDTH);
        let mut list = List::default();
        let mut batch = Batch::default();
        for (id, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push { records: count, late } => {
                    let numbers = count * WIDTH;
                    let (ticket, receiver) = request(numbers, late);
                    let pushed = queue.push(records(id, numbers), ticket);
                    if list.closed {
                        prop_assert_eq!(pushed, Err(RuntimeError::Stopped));
                    } else if list.waiting.len() == CAPACITY {
                        prop_assert_eq!(pushed, Err(RuntimeError::QueueFull { capacity: CAPACITY }));
                    } else {
                        prop_assert_eq!(pushed, Ok(()));
                        list.waiting.push(Listed { id, numbers, late, receiver: Some(receiver) });
                    }
                }
                Step::HangUp(which) => {
                    if !list.waiting.is_empty() {
                        let which = which.index(list.waiting.len());
                        list.waiting[which].receiver = None;
                    }
                }
                // A queue that is open and empty would wait.
                Step::Take if list.waiting.is_empty() => {}
                Step::Take => {
                    prop_assert!(queue.take(&mut batch));
                    check_taken(&mut batch, list.take());
                }
                Step::Close => {
                    queue.close();
                    list.closed = true;
                }
            }
            prop_assert_eq!(queue.waiting(), list.waiting.len());
        }
        queue.close();
        while !list.waiting.is_empty() {
            prop_assert!(queue.take(&mut batch));
            check_taken(&mut batch, list.take());
        }
        prop_assert!(!queue.take(&mut batch));
    }
}

#[test]
fn threads_take_every_request_once() {
    const PRODUCERS: usize = 4;
    const EACH: usize = 500;
    let queue = Arc::new(Queue::new(CAPACITY, MAX_BATCH * WIDTH));
    let takers: Vec<_> = (0..3)
        .map(|_| {
            let presence = queue.enter();
            thread::spawn(move || {
                let mut batch = Batch::default();
                let mut taken = 0;
                while presence.queue().take(&mut batch) {
                    assert!(batch.records.len() <= MAX_BATCH * WIDTH);
                    let mut rest = &batch.records[..];
                    for ticket in batch.tickets.drain(..) {
                        let (own, others) = rest.split_at(ticket.numbers);
                        rest = others;
                        ticket.answer(Err(mark(own[0] as usize)));
                        taken += 1;
                    }
                    assert!(rest.is_empty());
                }
                taken
            })
        })
        .collect();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                let mut waiting = Vec::new();
                for i in 0..EACH {
                    let (id, numbers) = (producer * EACH + i, (1 + i % MAX_BATCH) * WIDTH);
                    let (reply, answer) = sync_channel(1);
                    queue
                        .push_when_room(records(id, numbers), Ticket::new(numbers, None, Reply::Thread(reply)))
                        .unwrap();
                    waiting.push((id, answer));
                }
                for (id, answer) in waiting {
                    assert_eq!(answer.recv().unwrap().unwrap_err(), mark(id));
                }
            })
        })
        .collect();
    producers.into_iter().for_each(|producer| producer.join().unwrap());
    queue.close();
    assert_eq!(takers.into_iter().map(|taker| taker.join().unwrap()).sum::<usize>(), PRODUCERS * EACH);
}

#[test]
fn nobody_waits_for_sessions_that_are_gone() {
    let queue = Arc::new(Queue::new(CAPACITY, MAX_BATCH * WIDTH));
    let (first, second) = (queue.enter(), queue.enter());
    let receivers: Vec<_> = (0..4)
        .map(|id| {
            let (ticket, receiver) = request(3 * WIDTH, false);
            queue.push(records(id, 3 * WIDTH), ticket).unwrap();
            receiver
        })
        .collect();
    assert!(
        thread::spawn(move || {
            let _at = first;
            panic!("as a session might")
        })
        .join()
        .is_err()
    );
    assert_eq!(queue.waiting(), 4, "the other session still takes");
    drop(second);
    for mut receiver in receivers {
        assert_eq!(receiver.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
    let (ticket, _receiver) = request(WIDTH, false);
    assert_eq!(queue.push(records(0, WIDTH), ticket), Err(RuntimeError::Stopped));
}
