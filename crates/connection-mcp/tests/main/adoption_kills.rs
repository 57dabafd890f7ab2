//! A kill between any two steps of a replacement, and what the next run makes of it.

use connection_mcp::clients::{
    AdoptedEntry, Adoption, Client, ConfigFile, Locations, Place, Platform, Stage, Step, Undo, undo,
};
use proptest::prelude::*;

const ORIGINAL: &[u8] = b"[mcp_servers.it]\nurl = \"https://a.example.com/\"\n";

/// A file and a record, each of which is written or removed as a whole.
struct Disk {
    file: Vec<u8>,
    record: Option<Vec<u8>>,
    /// The number of writes before the process is killed.
    writes: usize,
}

struct Killed;

impl Disk {
    fn write(&mut self) -> Result<(), Killed> {
        self.writes = self.writes.checked_sub(1).ok_or(Killed)?;
        Ok(())
    }

    fn store(&mut self, record: &Adoption) -> Result<(), Killed> {
        self.write()?;
        self.record = Some(record.to_json().unwrap());
        Ok(())
    }

    fn record(&self) -> Option<Adoption> {
        self.record.as_ref().map(|record| Adoption::from_json(record).unwrap())
    }

    /// Does the steps of the record until there is none.
    fn finish(&mut self) -> Result<(), Killed> {
        while let Some(record) = self.record() {
            match record.next(Some(&self.file)) {
                Step::Conflict(_) | Step::Done => return Ok(()),
                Step::RemoveRecord => {
                    self.write()?;
                    self.record = None;
                }
                Step::WriteFile(content) => {
                    self.write()?;
                    self.file = content.to_vec();
                }
                Step::WriteRecord(stage) => self.store(&record.at(stage))?,
            }
        }
        Ok(())
    }

    /// One run of the command that adopts: it first finishes what it finds.
    fn adopt(&mut self) -> Result<(), Killed> {
        self.finish()?;
        if self.record.is_none() && self.file == ORIGINAL {
            self.store(&plan())?;
        }
        self.finish()
    }

    /// One run of the command that undoes: it first finishes what it finds.
    fn undo(&mut self) -> Result<(), Killed> {
        self.finish()?;
        if let Some(record) = self.record()
            && let Undo::Restore(_) | Undo::Original = undo(record.original(), record.replaced(), &self.file)
        {
            self.store(&record.undo())?;
        }
        self.finish()
    }
}

fn file() -> ConfigFile {
    Client::Codex.files(&Locations::new(Platform::Linux, "/home/ada", "/home/ada/.config")).remove(0)
}

fn plan() -> Adoption {
    let entry = AdoptedEntry::new(Place::File, "it", "it", ["connections", "mcp", "proxy", "it"]);
    Adoption::plan(&file(), ORIGINAL, vec![entry]).unwrap()
}

/// One event in the life of a file.
#[derive(Clone, Debug)]
enum Event {
    Adopt { writes: usize },
    Edit(Vec<u8>),
    Undo { writes: usize },
}

fn runs() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0_usize..5).prop_map(|writes| Event::Adopt { writes }),
        (0_usize..5).prop_map(|writes| Event::Undo { writes }),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![3 => runs(), 1 => "[a-z]{0,3}\n".prop_map(|text| Event::Edit(text.into_bytes()))]
}

fn happens(disk: &mut Disk, event: Event) {
    // A run that is killed just stops.
    drop(match event {
        Event::Adopt { writes } => {
            disk.writes = writes;
            disk.adopt()
        }
        Event::Undo { writes } => {
            disk.writes = writes;
            disk.undo()
        }
        Event::Edit(content) => {
            disk.file = content;
            Ok(())
        }
    });
}

fn fresh() -> Disk {
    Disk { file: ORIGINAL.to_vec(), record: None, writes: 0 }
}

proptest! {
    #[test]
    fn after_any_kills_a_run_ends_in_the_whole_replacement(before in prop::collection::vec(runs(), 0..12)) {
        let mut disk = fresh();
        for event in before {
            happens(&mut disk, event);
            prop_assert!(disk.file == ORIGINAL || disk.file == plan().replaced());
        }
        happens(&mut disk, Event::Adopt { writes: usize::MAX });
        let record = disk.record().unwrap();
        prop_assert_eq!(record.stage(), Stage::Replaced);
        prop_assert_eq!(&disk.file, record.replaced());
    }

    #[test]
    fn after_any_kills_an_undo_ends_in_the_original(before in prop::collection::vec(runs(), 0..12)) {
        let mut disk = fresh();
        for event in before {
            happens(&mut disk, event);
        }
        happens(&mut disk, Event::Undo { writes: usize::MAX });
        prop_assert_eq!(&disk.file, ORIGINAL);
        prop_assert!(disk.record.is_none());
    }

    #[test]
    fn a_content_of_someone_else_is_never_overwritten(before in prop::collection::vec(events(), 0..16)) {
        let mut disk = fresh();
        for event in before {
            let is_edit = matches!(event, Event::Edit(_));
            let found = disk.file.clone();
            happens(&mut disk, event);
            if !is_edit && found != ORIGINAL && found != plan().replaced() {
                prop_assert_eq!(&disk.file, &found);
            }
        }
    }
}

#[test]
fn each_single_kill_is_continued_by_the_next_run() {
    for writes in 0..4 {
        let mut disk = fresh();
        happens(&mut disk, Event::Adopt { writes });
        happens(&mut disk, Event::Adopt { writes: usize::MAX });
        assert_eq!(disk.file, plan().replaced(), "{writes}");
        happens(&mut disk, Event::Undo { writes });
        happens(&mut disk, Event::Undo { writes: usize::MAX });
        assert_eq!(disk.file, ORIGINAL, "{writes}");
        assert!(disk.record.is_none(), "{writes}");
    }
}
