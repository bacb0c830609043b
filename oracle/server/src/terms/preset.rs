//! Presets: what a license of a kind says where the terms file says nothing.

use std::fmt;

use serde::Deserialize;
use tributary_chain::licenses::{obligations, rights};

/// A kind of license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// To ask, not commercially, for a year; who uses it names the contributors.
    Research,
    /// To ask, also commercially, for a year; can be sold on and lent.
    Commercial,
    /// One person's, for thirty days at a time; can be lent to who has the seat now.
    Seat,
    /// Calls that are paid beforehand, at a price each; without an end.
    Metered,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Research, Self::Commercial, Self::Seat, Self::Metered];

    pub(super) fn defaults(self) -> Defaults {
        let commercial = Defaults {
            name: "Commercial",
            rights: rights::INFER | rights::COMMERCIAL,
            obligations: 0,
            days: 365,
            calls_per_minute: 0,
            transferable: true,
            delegable: true,
            upfront: 2_000,
            earning: Earning::OverItsTime,
        };
        match self {
            Self::Commercial => commercial,
            Self::Research => Defaults {
                name: "Research",
                rights: rights::INFER,
                obligations: obligations::ATTRIBUTE,
                calls_per_minute: 60,
                transferable: false,
                delegable: false,
                upfront: 0,
                ..commercial
            },
            Self::Seat => Defaults { name: "Seat", days: 30, calls_per_minute: 60, upfront: 0, ..commercial },
            Self::Metered => {
                Defaults { name: "Metered", days: 0, upfront: 10_000, earning: Earning::AtOnce, ..commercial }
            }
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Research => "research",
            Self::Commercial => "commercial",
            Self::Seat => "seat",
            Self::Metered => "metered",
        })
    }
}

/// What a preset says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub(super) name: &'static str,
    pub(super) rights: u64,
    pub(super) obligations: u64,
    pub(super) days: u64,
    pub(super) calls_per_minute: u32,
    pub(super) transferable: bool,
    pub(super) delegable: bool,
    pub(super) upfront: u16,
    pub(super) earning: Earning,
}

/// How long it takes for a price to be earned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Earning {
    /// As long as the license is good.
    OverItsTime,
    /// No time.
    AtOnce,
}
