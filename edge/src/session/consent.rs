//! Two questions to the person, and their answers.
//!
//! | answer to measurement | what happens                                                                          |
//! |-----------------------|---------------------------------------------------------------------------------------|
//! | pending               | arms are chosen in memory; nothing is stored or sent, and all of it is kept if granted |
//! | granted               | events are sent; the visitor, the choices and the snapshot may be stored                |
//! | denied                | the control for everybody; what was held or stored is erased                            |
//!
//! | answer to personalization | what happens                                                                       |
//! |---------------------------|------------------------------------------------------------------------------------|
//! | pending                   | attributes shape choices in memory; what they shaped is neither stored nor sent       |
//! | granted                   | attributes shape choices, and stand in exposures                                    |
//! | denied                    | no attribute is read, stored or sent                                                |

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Answer {
    #[default]
    Pending,
    Granted,
    Denied,
}

/// The answers, and the browser's own (Global Privacy Control), which holds where the snapshot says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Consent {
    pub measurement: Answer,
    pub personalization: Answer,
    /// The browser sends `Sec-GPC: 1`.
    pub gpc: bool,
    /// The site lets that deny personalization.
    pub gpc_limits: bool,
}

impl Consent {
    /// The answer to personalization that holds.
    pub fn personal(&self) -> Answer {
        if self.gpc && self.gpc_limits {
            Answer::Denied
        } else {
            self.personalization
        }
    }

    pub fn measured(&self) -> bool {
        self.measurement == Answer::Granted
    }

    /// Whether an event may leave the device; `attributed` says that attributes shaped it.
    pub fn may_send(&self, attributed: bool) -> bool {
        self.measured() && (!attributed || self.personal() == Answer::Granted)
    }
}
