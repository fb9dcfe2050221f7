//! Bytes as calls of slurmctld: fields are set one after the other, then the job is submitted or changed.
//!
//! Every sequence of bytes is a script, and one that loses, gains or repeats a few of them is still much the same
//! script: that is what a fuzzer does to them.

use crate::world::{DAY, NOW};

/// One step of a script; positions are taken modulo what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A number is put into the field at a position.
    Number(u8, u64),
    /// A text is put into the field at a position, or null.
    Text(u8, Option<Vec<u8>>),
    /// The job wants to enter.
    Submit,
    /// The job is to be changed by this uid.
    Modify(u32),
    /// So many seconds pass.
    Wait(i64),
    /// The description is as Slurm's clients begin it.
    Begin,
}

/// No text is made longer: Slurm's own limit on a script is of this order.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Numbers that mean something to somebody; small ones stand for themselves.
const WORDS: &[u64] = &[
    70_001,
    70_002,
    70_003,
    70_004,
    70_005,
    70_006,
    64_030,
    65_534,
    0x7fff,
    0x8000,
    0xfffd,
    0xfffe,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffd,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0x8000_0000_0000_0001,
    0x8000_0000_0000_03e8,
    0xffff_ffff_ffff_fffd,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
    NOW as u64,
    (NOW + 1) as u64,
    (NOW + 3_600) as u64,
    (NOW + DAY) as u64,
    (NOW + 40 * DAY) as u64,
    (NOW - DAY) as u64,
    240,
    480,
    1_440,
    2_880,
    10_080,
    4_096,
    100_000,
];

/// Pieces of what people write into a job.
const PIECES: &[&str] = &[
    "science",
    "physics",
    "finance",
    "PHYSICS",
    "main",
    "gpu",
    "fast",
    "ghost",
    "low",
    "express",
    "high",
    "cc-1",
    "cc-2",
    "*cc-1",
    "+",
    "gpu:",
    "gres:",
    "gres/",
    "gres:gpu:a100:",
    "gres/gpu=",
    "gres:gpu:h100",
    "cpu=",
    "cpu:",
    "tmpdisk:",
    "n",
    "n[1-4]",
    "[",
    "]",
    "1-",
    "-",
    ":",
    "=",
    ",",
    ";",
    "%",
    "*",
    "&",
    "|",
    " ",
    "\t",
    "\n",
    "0",
    "1",
    "2",
    "7",
    "9",
    "10",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "_",
    "expand:1",
    "afterok:1",
    "\u{1b}[2J",
    "ä",
    "\u{202e}",
    "\u{0}",
    "{",
    "}",
    "x",
    "k",
];

/// How often a text so far is repeated by the last bytes.
const REPEATS: [usize; 5] = [4, 64, 256, 4_096, 65_536];

const NUMBER: u8 = 0;
const TEXT: u8 = 96;
const SUBMIT: u8 = 208;
const MODIFY: u8 = 224;
const WAIT: u8 = 240;
const BEGIN: u8 = 252;
const RAW_NUMBER: u8 = 255;
const FIRST_WORD: u8 = 192;
const FIRST_RAW: u8 = 192;
const FIRST_REPEAT: u8 = 251;

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        Some(match self.byte()? {
            small @ 0..FIRST_WORD => small.into(),
            RAW_NUMBER => {
                let (raw, rest) = self.0.split_first_chunk()?;
                self.0 = rest;
                u64::from_le_bytes(*raw)
            }
            word => WORDS[usize::from(word - FIRST_WORD) % WORDS.len()],
        })
    }

    /// A count of pieces, then pieces: of the list, of raw bytes, or all so far again.
    fn text(&mut self) -> Option<Option<Vec<u8>>> {
        let pieces = self.byte()?;
        if pieces == u8::MAX {
            return Some(None);
        }
        let mut text = Vec::new();
        for _ in 0..pieces % 32 {
            match self.byte()? {
                piece @ 0..FIRST_RAW => text.extend(PIECES[usize::from(piece) % PIECES.len()].bytes()),
                repeat @ FIRST_REPEAT.. => {
                    let times = REPEATS[usize::from(repeat - FIRST_REPEAT)];
                    text = text.repeat(times.min(MOST_BYTES / text.len().max(1)).max(1));
                }
                raw => {
                    let bytes = self.0.get(..usize::from(raw - FIRST_RAW))?;
                    self.0 = &self.0[bytes.len()..];
                    text.extend(bytes);
                }
            }
            text.truncate(MOST_BYTES);
        }
        Some(Some(text))
    }

    fn step(&mut self) -> Option<Step> {
        Some(match self.byte()? {
            number @ NUMBER..TEXT => Step::Number(number, self.number()?),
            text @ TEXT..SUBMIT => Step::Text(text - TEXT, self.text()?),
            SUBMIT..MODIFY => Step::Submit,
            MODIFY..WAIT => Step::Modify(self.number()? as u32),
            // Clocks do not go back by much, and not beyond what a file can say.
            WAIT..BEGIN => Step::Wait((self.number()? as i64).clamp(-1, 1 << 40)),
            BEGIN.. => Step::Begin,
        })
    }
}

/// The steps that `bytes` are; what is cut short at the end is left out.
pub fn read(bytes: &[u8]) -> impl Iterator<Item = Step> {
    let mut reader = Reader(bytes);
    std::iter::from_fn(move || reader.step())
}

/// Writes scripts, so that the fuzzer need not find out by itself what a job is.
#[derive(Debug, Clone, Default)]
pub struct Script(Vec<u8>);

impl Script {
    /// A number into the field at this position.
    #[must_use]
    pub fn number(mut self, field: usize, value: u64) -> Self {
        self.0.push(NUMBER + field as u8);
        self.value(value);
        self
    }

    /// A text into the field at this position.
    #[must_use]
    pub fn text(mut self, field: usize, text: &str) -> Self {
        self.0.extend([TEXT + field as u8, text.len().div_ceil(32) as u8]);
        for piece in text.as_bytes().chunks(32) {
            self.0.push(FIRST_RAW + piece.len() as u8);
            self.0.extend(piece);
        }
        self
    }

    /// The job wants to enter.
    #[must_use]
    pub fn submit(mut self) -> Self {
        self.0.push(SUBMIT);
        self
    }

    /// The job is to be changed.
    #[must_use]
    pub fn modify(mut self, editor: u32) -> Self {
        self.0.push(MODIFY);
        self.value(editor.into());
        self
    }

    /// Time passes.
    #[must_use]
    pub fn wait(mut self, seconds: u64) -> Self {
        self.0.push(WAIT);
        self.value(seconds);
        self
    }

    /// Another description.
    #[must_use]
    pub fn begin(mut self) -> Self {
        self.0.push(BEGIN);
        self
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }

    fn value(&mut self, value: u64) {
        match (u8::try_from(value), WORDS.iter().position(|word| *word == value)) {
            (Ok(small @ 0..FIRST_WORD), _) => self.0.push(small),
            (_, Some(word)) => self.0.push(FIRST_WORD + word as u8),
            _ => {
                self.0.push(RAW_NUMBER);
                self.0.extend(value.to_le_bytes());
            }
        }
    }
}
