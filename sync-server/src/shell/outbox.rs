//! Frames on their way to one connection: bounded in bytes, here and over all connections.
//!
//! Who fills an outbox beyond its limit reads too slowly: what waits is dropped and the connection
//! is cut. It catches up from its frontier when it comes back.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use sync_protocol::ErrorCode;
use tokio::sync::Notify;

/// How much may wait in all outboxes together.
#[derive(Debug)]
pub(super) struct Reserve {
    used: AtomicUsize,
    limit: usize,
    share: usize,
}

impl Reserve {
    /// When all outboxes together are above `limit`, those above `share` are cut.
    pub(super) fn new(limit: usize, share: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            limit,
            share,
        }
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Why a connection ends, told to the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Farewell {
    pub(super) code: ErrorCode,
    pub(super) detail: String,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Arc<[u8]>>,
    /// Of the frames that wait and of those being written.
    bytes: usize,
    end: Option<Farewell>,
    /// There is more to come once there is room.
    lagging: bool,
}

/// The outbox of one connection.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    changed: Notify,
    limit: usize,
    reserve: Arc<Reserve>,
}

/// What the writer is to do next.
#[derive(Debug)]
pub(super) enum Next {
    /// Write these.
    Frames(Vec<Arc<[u8]>>),
    /// Say farewell and end.
    End(Farewell),
}

impl Outbox {
    pub(super) fn new(limit: usize, reserve: Arc<Reserve>) -> Self {
        Self {
            queue: Mutex::default(),
            changed: Notify::new(),
            limit,
            reserve,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a frame; `false` when the connection is cut, now or earlier.
    pub(super) fn push(&self, frame: Arc<[u8]>) -> bool {
        let mut queue = self.queue();
        if queue.end.is_some() {
            return false;
        }
        let bytes = queue.bytes + frame.len();
        let used = self.reserve.used.fetch_add(frame.len(), Ordering::Relaxed) + frame.len();
        let crowded = used > self.reserve.limit && bytes > self.reserve.share;
        // A frame that finds nothing before it always goes.
        let fits = queue.bytes == 0 || (bytes <= self.limit && !crowded);
        if fits {
            queue.frames.push_back(frame);
            queue.bytes = bytes;
        } else {
            let waiting: usize = queue.frames.iter().map(|frame| frame.len()).sum();
            queue.frames.clear();
            queue.bytes -= waiting;
            let freed = waiting + frame.len();
            self.reserve.used.fetch_sub(freed, Ordering::Relaxed);
            queue.end = Some(Farewell {
                code: ErrorCode::SlowReader,
                detail: "more is waiting than may; come back and catch up".to_owned(),
            });
        }
        drop(queue);
        self.changed.notify_one();
        fits
    }

    /// Ends the connection after what waits was sent. The first reason stands.
    pub(super) fn end(&self, code: ErrorCode, detail: &str) {
        let mut queue = self.queue();
        if queue.end.is_none() {
            queue.end = Some(Farewell {
                code,
                detail: detail.to_owned(),
            });
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// Why it ends, if it does.
    pub(super) fn farewell(&self) -> Option<Farewell> {
        self.queue().end.clone()
    }

    /// Whether so many bytes or fewer are waiting; if not, [`Outbox::written`] tells when they are.
    pub(super) fn has_room(&self, below: usize) -> bool {
        let mut queue = self.queue();
        let room = queue.bytes < below && queue.end.is_none();
        queue.lagging = !room;
        room
    }

    /// Waits for something to do.
    pub(super) async fn next(&self, at_most: usize) -> Next {
        loop {
            {
                let mut queue = self.queue();
                let mut frames = Vec::new();
                let mut bytes = 0;
                while let Some(frame) = queue.frames.front()
                    && (frames.is_empty() || bytes + frame.len() <= at_most)
                {
                    bytes += frame.len();
                    frames.extend(queue.frames.pop_front());
                }
                if !frames.is_empty() {
                    return Next::Frames(frames);
                }
                if let Some(end) = &queue.end {
                    return Next::End(end.clone());
                }
            }
            self.changed.notified().await;
        }
    }

    /// So many bytes are gone; gives whether the actor waits for room and there is some now.
    pub(super) fn written(&self, bytes: usize, below: usize) -> bool {
        self.reserve.used.fetch_sub(bytes, Ordering::Relaxed);
        let mut queue = self.queue();
        queue.bytes = queue.bytes.saturating_sub(bytes);
        let wanted = queue.lagging && queue.bytes < below;
        if wanted {
            queue.lagging = false;
        }
        wanted
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.reserve.used.fetch_sub(queue.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(limit: usize, reserve: &Arc<Reserve>) -> Outbox {
        Outbox::new(limit, reserve.clone())
    }

    fn frame(len: usize) -> Arc<[u8]> {
        vec![0; len].into()
    }

    #[tokio::test]
    async fn who_does_not_read_is_cut_and_costs_nothing_any_more() {
        let reserve = Arc::new(Reserve::new(10_000, 1_000));
        let slow = outbox(100, &reserve);
        assert!(slow.push(frame(500)), "the first always goes");
        assert!(!slow.push(frame(1)));
        assert_eq!(reserve.used(), 0);
        let Next::End(farewell) = slow.next(1000).await else {
            panic!("not cut");
        };
        assert_eq!(farewell.code, ErrorCode::SlowReader);
        slow.end(ErrorCode::ShuttingDown, "");
        assert_eq!(slow.farewell(), Some(farewell), "the first reason stands");
    }

    #[tokio::test]
    async fn when_all_is_full_the_largest_are_cut() {
        let reserve = Arc::new(Reserve::new(1_000, 200));
        let (small, large) = (outbox(5_000, &reserve), outbox(5_000, &reserve));
        assert!(large.push(frame(900)));
        assert!(small.push(frame(150)));
        assert!(small.push(frame(40)));
        assert!(!large.push(frame(40)));
        assert!(small.push(frame(40)));
        assert_eq!(reserve.used(), 230);
        drop((small, large));
        assert_eq!(reserve.used(), 0);
    }

    #[tokio::test]
    async fn room_is_told_once_to_who_asked() {
        let reserve = Arc::new(Reserve::new(10_000, 1_000));
        let outbox = outbox(1_000, &reserve);
        outbox.push(frame(300));
        outbox.push(frame(300));
        assert!(!outbox.has_room(400));
        let Next::Frames(frames) = outbox.next(350).await else {
            panic!("cut");
        };
        assert_eq!(frames.len(), 1);
        assert!(outbox.written(300, 400));
        assert!(!outbox.written(0, 400));
        assert!(outbox.has_room(400));
    }
}
