//! Which requests run now, which wait, and which are sent away.
//!
//! Every running request has a seat, large lists several. While seats are free, whoever comes gets one. Then
//! requests wait in one queue for each user, and the queues take turns: a client with a thousand requests delays one
//! with a single request by one turn. The system's own clients go first and have seats that nobody else gets.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Requests of one user that wait at most.
const QUEUE: usize = 64;
/// Requests that wait at most, as a multiple of the seats.
const WAITING: usize = 16;

/// Whose requests take turns with those of others.
pub(crate) type Flow = Arc<str>;

/// How urgent a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Of the system's own clients and of leader election.
    System,
    Normal,
}

/// A request that must come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub(crate) struct Overloaded;

/// The seats of one kind of request.
#[derive(Debug)]
pub(crate) struct Seats {
    total: usize,
    /// Seats that only [`Level::System`] gets.
    reserved: usize,
    /// Seats that one flow has at most.
    each: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    held: HashMap<Flow, usize>,
    queues: [Queues; 2],
    waiting: usize,
}

/// The waiting requests of a level: a queue for each flow, in the order of their turns.
#[derive(Debug, Default)]
struct Queues {
    turns: VecDeque<Flow>,
    waiting: HashMap<Flow, VecDeque<Waiter>>,
}

#[derive(Debug)]
struct Waiter {
    width: usize,
    grant: oneshot::Sender<Seat>,
}

/// The right to run. Dropping it lets the next one run.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Option<Arc<Seats>>,
    flow: Flow,
    width: usize,
}

impl Seats {
    pub(crate) fn new(total: usize) -> Arc<Self> {
        let total = total.max(1);
        Arc::new(Self {
            total,
            reserved: (total / 10).max(usize::from(total > 2)),
            each: (total * 3 / 4).max(1),
            state: Mutex::default(),
        })
    }

    /// Waits for a seat.
    ///
    /// # Errors
    /// When too many requests wait, or none became free in time.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        level: Level,
        flow: &Flow,
        width: usize,
        patience: Duration,
    ) -> Result<Seat, Overloaded> {
        let width = width.clamp(1, self.each);
        let granted = {
            let mut state = self.state.lock();
            if state.queues[..=level as usize].iter().all(|queues| queues.turns.is_empty())
                && self.fits(&state, level, flow, width)
            {
                return Ok(self.seat(&mut state, flow, width));
            }
            if state.waiting >= self.total * WAITING {
                state.forget_gone();
            }
            if state.waiting >= self.total * WAITING {
                return Err(Overloaded);
            }
            let receiver = state.push(level, flow, width)?;
            // Those in front may wait for a turn of their own flow only.
            self.dispatch(&mut state);
            receiver
        };
        match tokio::time::timeout(patience, granted).await {
            Ok(Ok(seat)) => Ok(seat),
            Ok(Err(_)) | Err(_) => Err(Overloaded),
        }
    }

    /// Returns how many seats are taken and how many requests wait.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.taken, state.waiting)
    }

    fn fits(&self, state: &State, level: Level, flow: &Flow, width: usize) -> bool {
        let reserved = if level == Level::System { 0 } else { self.reserved };
        state.taken + width + reserved <= self.total && self.may_have(state, flow, width)
    }

    fn may_have(&self, state: &State, flow: &Flow, width: usize) -> bool {
        state.held.get(flow).copied().unwrap_or_default() + width <= self.each
    }

    fn seat(self: &Arc<Self>, state: &mut State, flow: &Flow, width: usize) -> Seat {
        state.taken += width;
        *state.held.entry(flow.clone()).or_default() += width;
        Seat { seats: Some(self.clone()), flow: flow.clone(), width }
    }

    /// Gives free seats to those that wait, the system's clients first.
    fn dispatch(self: &Arc<Self>, state: &mut State) {
        for level in [Level::System, Level::Normal] {
            loop {
                let flow = match self.next_turn(state, level) {
                    Turn::Of(flow) => flow,
                    Turn::Nobody => break,
                    Turn::MustWait => return,
                };
                let Some(waiter) = state.pop(level, &flow) else { continue };
                let seat = self.seat(state, &flow, waiter.width);
                if let Err(mut unwanted) = waiter.grant.send(seat) {
                    // Whoever waited has gone. The lock is held: the seat must not release itself.
                    unwanted.seats = None;
                    state.release(&flow, unwanted.width);
                }
            }
        }
    }

    /// Finds out whose turn it is and takes the turn.
    fn next_turn(&self, state: &mut State, level: Level) -> Turn {
        for turn in 0..state.queues[level as usize].turns.len() {
            let flow = state.queues[level as usize].turns[turn].clone();
            let first = state.queues[level as usize].waiting.get(&flow).and_then(VecDeque::front);
            // Who has gone takes a turn too, for nothing.
            let width = first.filter(|waiter| !waiter.grant.is_closed()).map_or(0, |waiter| waiter.width);
            if !self.may_have(state, &flow, width) {
                continue;
            }
            if !self.fits(state, level, &flow, width) && width > 0 {
                // A wide request waits for its seats; narrow ones behind it do not take them away.
                return Turn::MustWait;
            }
            return state.queues[level as usize].turns.remove(turn).map_or(Turn::Nobody, Turn::Of);
        }
        Turn::Nobody
    }
}

/// Whose turn it is.
enum Turn {
    Of(Flow),
    /// Nobody waits, or those that wait have all they may have.
    Nobody,
    /// Of one for whom there are not enough seats yet.
    MustWait,
}

impl State {
    fn push(
        &mut self,
        level: Level,
        flow: &Flow,
        width: usize,
    ) -> Result<oneshot::Receiver<Seat>, Overloaded> {
        let queues = &mut self.queues[level as usize];
        let queue = queues.waiting.entry(flow.clone()).or_default();
        if queue.len() >= QUEUE {
            let before = queue.len();
            queue.retain(|waiter| !waiter.grant.is_closed());
            self.waiting -= before - queue.len();
            if queue.len() >= QUEUE {
                return Err(Overloaded);
            }
        }
        // Whether it had become empty by the clean-up does not matter: its turn is still there.
        if !queues.turns.contains(flow) {
            queues.turns.push_back(flow.clone());
        }
        let (grant, receiver) = oneshot::channel();
        queue.push_back(Waiter { width, grant });
        self.waiting += 1;
        Ok(receiver)
    }

    /// Takes the first waiter of a flow whose turn was taken, and puts the flow at the end of the turns.
    fn pop(&mut self, level: Level, flow: &Flow) -> Option<Waiter> {
        let queues = &mut self.queues[level as usize];
        let queue = queues.waiting.get_mut(flow)?;
        let waiter = queue.pop_front();
        if queue.is_empty() {
            queues.waiting.remove(flow);
        } else {
            queues.turns.push_back(flow.clone());
        }
        self.waiting -= usize::from(waiter.is_some());
        waiter
    }

    fn forget_gone(&mut self) {
        for queues in &mut self.queues {
            queues.waiting.retain(|_, queue| {
                queue.retain(|waiter| !waiter.grant.is_closed());
                !queue.is_empty()
            });
            let waiting = &queues.waiting;
            queues.turns.retain(|flow| waiting.contains_key(flow));
        }
        self.waiting = self.queues.iter().flat_map(|queues| queues.waiting.values()).map(VecDeque::len).sum();
    }

    fn release(&mut self, flow: &Flow, width: usize) {
        self.taken -= width;
        if let Some(held) = self.held.get_mut(flow) {
            *held -= width;
            if *held == 0 {
                self.held.remove(flow);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(seats) = self.seats.take() {
            let mut state = seats.state.lock();
            state.release(&self.flow, self.width);
            seats.dispatch(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    type Pending = Pin<Box<dyn Future<Output = Result<Seat, Overloaded>> + Send>>;

    fn ask(seats: &Arc<Seats>, level: Level, flow: &str, width: usize) -> Pending {
        let (seats, flow) = (seats.clone(), Flow::from(flow));
        Box::pin(async move { seats.acquire(level, &flow, width, LONG).await })
    }

    fn poll(pending: &mut Pending) -> Poll<Result<Seat, Overloaded>> {
        pending.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    fn seat(seats: &Arc<Seats>, level: Level, flow: &str) -> Seat {
        let Poll::Ready(Ok(seat)) = poll(&mut ask(seats, level, flow, 1)) else { panic!("{flow} must wait") };
        seat
    }

    #[tokio::test]
    async fn one_client_does_not_get_everything_and_the_system_always_gets_something() {
        let seats = Seats::new(10);
        let mut held: Vec<Seat> = (0..7).map(|_| seat(&seats, Level::Normal, "a")).collect();
        assert!(poll(&mut ask(&seats, Level::Normal, "a", 1)).is_pending());
        held.extend((0..2).map(|_| seat(&seats, Level::Normal, "b")));
        // The tenth seat is the system's.
        assert!(poll(&mut ask(&seats, Level::Normal, "c", 1)).is_pending());
        held.push(seat(&seats, Level::System, "masters"));
        assert_eq!(seats.load().0, 10);
        drop(held);
        assert_eq!(seats.load().0, 0);
    }

    #[tokio::test]
    async fn queues_take_turns() {
        let seats = Seats::new(2);
        let first = [seat(&seats, Level::Normal, "x"), seat(&seats, Level::Normal, "y")];
        let mut greedy: Vec<Pending> = (0..20).map(|_| ask(&seats, Level::Normal, "greedy", 1)).collect();
        assert!(greedy.iter_mut().all(|pending| poll(pending).is_pending()));
        let mut modest = ask(&seats, Level::Normal, "modest", 1);
        let mut system = ask(&seats, Level::System, "masters", 1);
        assert!(poll(&mut modest).is_pending() && poll(&mut system).is_pending());
        drop(first);
        // The system goes first, then one of the greedy client.
        let Poll::Ready(Ok(of_system)) = poll(&mut system) else { panic!("the system waits") };
        let Poll::Ready(Ok(of_greedy)) = poll(&mut greedy[0]) else { panic!("nobody runs") };
        assert!(poll(&mut modest).is_pending());
        drop(of_greedy);
        assert!(matches!(poll(&mut modest), Poll::Ready(Ok(_))));
        drop(of_system);
    }

    #[tokio::test]
    async fn who_waits_too_long_or_behind_too_many_is_sent_away() {
        let seats = Seats::new(1);
        let only = seat(&seats, Level::Normal, "a");
        let flow = Flow::from("b");
        assert_eq!(
            seats.acquire(Level::Normal, &flow, 1, Duration::from_millis(5)).await.err(),
            Some(Overloaded)
        );
        let mut waiting: Vec<Pending> = (0..WAITING).map(|_| ask(&seats, Level::Normal, "b", 1)).collect();
        for pending in &mut waiting {
            assert!(poll(pending).is_pending());
        }
        assert!(matches!(poll(&mut ask(&seats, Level::Normal, "b", 1)), Poll::Ready(Err(Overloaded))));
        drop(waiting);
        // Those that have gone do not count.
        let mut next = ask(&seats, Level::Normal, "c", 1);
        assert!(poll(&mut next).is_pending());
        drop(only);
        assert!(matches!(poll(&mut next), Poll::Ready(Ok(_))));
        assert_eq!(seats.load(), (0, 0));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Ask { system: bool, flow: u8, width: usize },
        GiveUp(usize),
        Finish(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (any::<bool>(), 0..4_u8, 1..12_usize)
                .prop_map(|(system, flow, width)| Step::Ask { system, flow, width }),
            1 => any::<usize>().prop_map(Step::GiveUp),
            3 => any::<usize>().prop_map(Step::Finish),
        ]
    }

    proptest! {
        #[test]
        fn seats_are_never_given_twice_nor_lost(total in 1..20_usize, steps in prop::collection::vec(step(), 0..80)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _entered = runtime.enter();
            let seats = Seats::new(total);
            let (mut waiting, mut running): (Vec<Pending>, Vec<Seat>) = (Vec::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Ask { system, flow, width } => {
                        let level = if system { Level::System } else { Level::Normal };
                        waiting.push(ask(&seats, level, &format!("flow-{flow}"), width));
                    }
                    Step::GiveUp(index) if !waiting.is_empty() => drop(waiting.swap_remove(index % waiting.len())),
                    Step::Finish(index) if !running.is_empty() => drop(running.swap_remove(index % running.len())),
                    Step::GiveUp(_) | Step::Finish(_) => {}
                }
                // A question can give a seat to one that asked before.
                for _ in 0..2 {
                    waiting.retain_mut(|pending| match poll(pending) {
                        Poll::Ready(Ok(seat)) => { running.push(seat); false }
                        Poll::Ready(Err(Overloaded)) => false,
                        Poll::Pending => true,
                    });
                }
                let taken: usize = running.iter().map(|seat| seat.width).sum();
                prop_assert_eq!(taken, seats.load().0);
                prop_assert!(taken <= total);
            }
            // Whoever waits comes to run when the others finish: nobody is forgotten.
            while !waiting.is_empty() {
                prop_assert!(!running.is_empty(), "{} wait and nobody runs", waiting.len());
                running.clear();
                waiting.retain_mut(|pending| match poll(pending) {
                    Poll::Ready(Ok(seat)) => { running.push(seat); false }
                    Poll::Ready(Err(Overloaded)) => false,
                    Poll::Pending => true,
                });
            }
            running.clear();
            prop_assert_eq!(seats.load(), (0, 0));
        }
    }
}
