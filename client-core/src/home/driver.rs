//! What the link's thread calls: lock the replica, step the session, tell the listeners.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Clock, Home, Shared, TICKET, people, recovery};
use crate::{
    catalogue::{ErrorCode, Event, Refusal},
    link::{Drive, Link, Wish},
    session::Input,
    store::{Folder, LocalStore as _},
};

pub(super) struct Driver {
    shared: Arc<Shared>,
    folder: Arc<Folder>,
    clock: Clock,
}

impl Drive for Driver {
    fn handle(&mut self, input: Input) -> Vec<Wish> {
        let mut held = self.shared.lock();
        // Locked meanwhile: the link is about to be dropped.
        let Some(desk) = held.as_mut() else {
            return vec![Wish::Hangup];
        };
        let had_ticket = desk.replica.has_ticket();
        let (mut wishes, mut events) =
            desk.replica
                .session((self.clock)(), &mut desk.random, input);
        if had_ticket && !desk.replica.has_ticket() {
            // Used up. If it stays, the relay only says once more that it was.
            let _ = desk.settings.put(&[(TICKET, None)]);
        }
        if super::lease::note(desk, (self.clock)()) {
            events.push(super::all_changed());
        }
        events.retain(|event| match event {
            Event::JustTaken { appointment, .. } => !desk.awaited.contains(appointment),
            Event::Changed { .. } => true,
        });
        if let Some(desk) = held.take_if(|desk| desk.replica.role().is_none()) {
            // The chain says so. What fails here is tried again when somebody unlocks.
            let _ = people::leave(&self.folder, desk);
            events = vec![super::all_changed()];
            wishes = vec![Wish::Hangup];
        }
        if let Some(desk) = held.as_mut() {
            // What fails here is tried again at the next input, and when somebody unlocks.
            let _ = recovery::follow_words(&self.folder, desk);
        }
        drop(held);
        self.shared.tell(events);
        wishes
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

impl Home {
    /// Keeps a link to the relay from now on.
    ///
    /// # Errors
    /// When the home is locked or no relay is set.
    pub fn connect(&self) -> Result<(), Refusal> {
        let elsewhere = match &*self.shared.lock() {
            Some(desk) => super::relay::found_at(desk),
            None => None,
        };
        self.connect_at(elsewhere)
    }

    /// The same; `elsewhere` is where the relay is looked for instead of its pinned address.
    pub(super) fn connect_at(&self, elsewhere: Option<String>) -> Result<(), Refusal> {
        {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(super::locked)?;
            if !desk.has_relay() {
                return Err(Refusal::new(
                    ErrorCode::RelayUnreachable,
                    "No relay is set for this practice.",
                    "Set one, with the ticket that its operator gave you.",
                ));
            }
            if std::mem::replace(&mut desk.linked, true) {
                return Ok(());
            }
            desk.replica.look_elsewhere(elsewhere);
        }
        let driver = Driver {
            shared: Arc::clone(&self.shared),
            folder: Arc::clone(&self.folder),
            clock: Arc::clone(&self.clock.0),
        };
        let link =
            Link::start(driver, self.trust.clone()).map_err(|error| super::storage(&error))?;
        *self
            .link
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(link);
        Ok(())
    }

    /// Ends the link; work goes on.
    pub fn disconnect(&self) {
        let link = self
            .link
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        // Waits for its thread, which may be waiting for the lock of the replica.
        drop(link);
        let mut held = self.shared.lock();
        if let Some(desk) = held.as_mut() {
            desk.linked = false;
            let _ = desk
                .replica
                .session((self.clock.0)(), &mut desk.random, Input::Closed);
        }
    }
}
