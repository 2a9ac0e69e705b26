//! What follows from an answer to consent, from a login, and from a wish to be forgotten.

use alloc::rc::Rc;
use alloc::vec::Vec;

use tiltwise_core::event::MAX_ID;
use tiltwise_core::id::{VISITOR_BYTES, Visitor};
use tiltwise_core::sticky::Memory;

use super::Session;
use super::consent::Answer;
use super::person::{Fresh, Person};

impl Session {
    /// Takes the answers. A denial erases what was held; `fresh` then names whoever may consent later.
    pub fn set_consent(&mut self, measurement: Answer, personalization: Answer, fresh: &Fresh, now_ms: u64) {
        let was_personal = self.consent.personal();
        self.consent.measurement = measurement;
        self.consent.personalization = personalization;
        if measurement == Answer::Denied {
            self.outbox.clear();
            self.forget(fresh, now_ms);
        }
        self.personal_changed(was_personal);
    }

    /// Says whether the browser sends Global Privacy Control.
    pub fn set_gpc(&mut self, gpc: bool) {
        let was = self.consent.personal();
        self.consent.gpc = gpc;
        self.personal_changed(was);
    }

    pub(super) fn limit_by_gpc(&mut self, limits: bool) {
        let was = self.consent.personal();
        self.consent.gpc_limits = limits;
        self.personal_changed(was);
    }

    /// Adds the account that logged in. The visitor stays, and so does all that is shown. False: too long.
    pub fn identify(&mut self, account: &str) -> bool {
        if account.len() > MAX_ID {
            return false;
        }
        self.person = Rc::new(Person {
            account: Some(account.into()),
            ..Person::clone(&self.person)
        });
        true
    }

    /// The device changes hands: a new visitor without account, choices or overrides. What was measured before is
    /// still sent, under the names it was made with; what still waited for an answer is erased.
    pub fn reset(&mut self, fresh: &Fresh, now_ms: u64) {
        if self.consent.measured() {
            self.seal_all();
        }
        self.outbox.drop_unsealed();
        self.forget(fresh, now_ms);
    }

    /// The visitor id, or `None` where there may be none.
    pub fn visitor(&self) -> Option<&[u8]> {
        (self.consent.measurement != Answer::Denied).then_some(&self.person.visitor.0)
    }

    /// Takes the visitor id of an earlier page. False: not an id, or this page has already shown or measured something
    /// under its own, which stays then.
    pub fn restore_visitor(&mut self, id: &[u8]) -> bool {
        let untouched = self.outbox.is_sealed() && self.memory.iter().next().is_none();
        match <[u8; VISITOR_BYTES]>::try_from(id) {
            Ok(id) if untouched => {
                self.person = Rc::new(Person {
                    visitor: Visitor(id),
                    ..Person::clone(&self.person)
                });
                true
            }
            _ => false,
        }
    }

    /// Takes the session tag of an earlier page in the same tab, unless a choice was made under this page's own.
    pub fn restore_tag(&mut self, tag: u64) -> bool {
        let untouched = self.memory.iter().all(|c| c.until_ms != 0);
        if untouched {
            self.tag = tag;
        }
        untouched
    }

    /// What [`Session::restore_tag`] takes on the tab's next page.
    pub fn tag(&self) -> u64 {
        self.tag
    }

    /// Takes over the choices of an earlier page or another tab, where this one has none. False: unreadable.
    pub fn restore_memory(&mut self, bytes: &[u8]) -> bool {
        Memory::decode(bytes)
            .map(|other| self.memory.absorb(other))
            .is_ok()
    }

    /// The choices worth storing; `None` where nothing may be stored. Attributes are in them only where that is granted.
    pub fn memory(&self, now_ms: u64) -> Option<Vec<u8>> {
        if !self.consent.measured() {
            return None;
        }
        let personal = self.consent.personal() == Answer::Granted;
        Some(self.memory.encode(now_ms, personal))
    }

    fn forget(&mut self, fresh: &Fresh, now_ms: u64) {
        self.person = Rc::new(Person::new(fresh, now_ms));
        self.tag = fresh.tag();
        self.memory.clear();
        self.forced.clear();
    }

    fn personal_changed(&mut self, was: Answer) {
        let is = self.consent.personal();
        if is == was {
            return;
        }
        self.changes = self.changes.wrapping_add(1);
        if is == Answer::Denied {
            self.memory.strip_attributes();
            self.outbox.drop_attributed();
        }
    }
}
