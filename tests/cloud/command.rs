//! `ebb checkpoint` and `ebb check` on object stores.

use std::fs;
use std::process::Command;

use ebb::model::{load, shipped};
use ebb::state::checkpoint::Mark;
use ebb::state::{Engine, Progress, Rules};
use ebb::wire::Store;
use ebb::wire::store::Name;

use super::contract::{names, read, write};
use super::line::Line;
use super::servers::{KINDS, Place, Server};

const TOPIC: &str = "customer-events";

/// An empty checkpoint that ends before `next_offset`.
fn checkpoint(next_offset: i64) -> (Name, Vec<u8>) {
    let model = load(shipped::DEFAULT, shipped::CATALOG, None).unwrap();
    let rules = Rules { topic: Some(TOPIC.to_owned()), ..Rules::plain(model) };
    let mut engine = Engine::new(rules, 1);
    let mark = Mark { next_offset, n_partitions: 1, journal: 0, n_events: 0 };
    engine.begin_checkpoint(0, mark);
    let name = Name { topic: TOPIC.to_owned(), partition: 0, next_offset, now: engine.now(0) };
    let Some(Progress::Done(pieces)) = engine.continue_checkpoint(0, 10) else { panic!("no end") };
    (name, pieces.concat())
}

/// Runs the program at `place`; its two outputs together, and its exit code.
fn ebb(place: &Place, args: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebb"));
    command.args(args).args(["--set", "retry.tries_max=2", "--set", "retry.wait_first=10ms"]);
    for (name, value) in place.properties() {
        command.env(format!("EBB_CHECKPOINT_PROPERTIES_{}", name.to_uppercase()), value);
    }
    let output = command.output().unwrap();
    let both = [output.stdout, output.stderr].concat();
    (String::from_utf8(both).unwrap(), output.status.code().unwrap())
}

#[test]
fn list_verify_and_show_read_urls_and_refuse_what_a_start_would() {
    for kind in KINDS {
        let Some(server) = Server::shared(kind) else { continue };
        let place = server.place();
        let folder = format!("checkpoint.folder={}", place.url);
        // The group has a folder of its own there.
        let store = place.of("ebb").open(3);
        let ((old, older), (new, newer)) = (checkpoint(2), checkpoint(4));
        write(&store, &old, &older).unwrap();
        write(&store, &new, &newer).unwrap();
        assert_eq!(names(store.list().unwrap()), [new.clone(), old.clone()]);
        let check = |args: &[&str], exit: i32, wanted: &str| {
            let (said, found) = ebb(&place, args);
            assert!(found == exit && said.contains(wanted), "{kind:?} {args:?}: {found}: {said}");
            assert!(!said.contains("hush"), "{said}");
        };
        check(&["checkpoint", "list", "--set", &folder], 0, "customer-events  0          4 ");
        let of_group = format!("{}/ebb", place.url);
        check(&["checkpoint", "verify", "--folder", &of_group], 0, "  ok\n");
        let name = new.to_string();
        check(&["checkpoint", "show", &name, "--set", &folder], 0, "next offset              4");
        let url = format!("{of_group}/{new}");
        check(&["checkpoint", "show", &url], 0, "next offset              4");
        // Torn, foreign, of a newer format, and another one under this name.
        let mut format = newer.clone();
        format[8] = 200;
        for (bytes, why) in [
            (&newer[..newer.len() - 3], "refused: torn: "),
            (&b"PK\x03\x04 something else"[..], "refused: no checkpoint: "),
            (&format[..], "refused: format 200"),
            (&older[..], "customer-events/00000/00000000000000000002"),
        ] {
            write(&store, &new, bytes).unwrap();
            check(&["checkpoint", "verify", "--folder", &of_group], 6, why);
        }
        assert!(read(&store, &old) == older, "nothing is changed by looking");
        let line = Line::to(place.at(), 0);
        let away = place.through(line.at());
        let (said, exit) = ebb(&away, &["checkpoint", "list", "--folder", &of_group]);
        assert!(exit == 1 && said.contains("cannot list checkpoints: "), "{exit}: {said}");
    }
}

#[test]
fn what_cannot_be_a_place_is_exit_3_and_says_what_could() {
    let check = |sets: &[&str], wanted: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ebb"));
        command.args(["checkpoint", "list"]).args(sets.iter().flat_map(|set| ["--set", set]));
        // Nothing of this machine's own is to be found.
        command.env_clear().env("HOME", "/nowhere");
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(wanted) && !said.contains("hush"), "{said}");
    };
    check(
        &["checkpoint.folder=ftp://there"],
        "\"ftp://there\": wanted a path, file:///a/path, s3:",
    );
    let unknown = "checkpoint.properties.aws_secret = unknown: wanted a property";
    check(&["checkpoint.folder=s3://b", "checkpoint.properties.aws_secret=hush"], unknown);
    check(&["checkpoint.folder=az://b"], "cannot use the store of checkpoints: az://b/ebb: ");
}

#[test]
fn a_secret_in_a_file_is_read_and_masked() {
    let folder = tempfile::tempdir().unwrap();
    let (file, settings) = (folder.path().join("secret"), folder.path().join("mine.toml"));
    fs::write(&file, "hush\n").unwrap();
    let text = format!(
        "[checkpoint]\nfolder = \"s3://b/p\"\n[checkpoint.properties]\naws_access_key_id = \
         \"hush\"\naws_region = \"here\"\naws_secret_access_key = {{ file = {:?} }}\n",
        file.display().to_string()
    );
    let layers = ebb::run::settings::Layers::default();
    let read = ebb::run::Settings::from_text(Some(("mine.toml", &text)), &layers).unwrap();
    let pairs: Vec<_> = read.checkpoint.properties.iter().collect();
    assert!(pairs.contains(&("aws_secret_access_key", "hush")), "{}", pairs.len());
    let shown = format!("{read}{read:?}{:?}", read.checkpoint);
    assert!(shown.contains("aws_region") && shown.contains("here"), "{shown}");
    assert!(!shown.contains("hush"), "a secret is shown");
    fs::write(&settings, text.replace("aws_region", "aws_regoin")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebb"));
    let output = command.args(["check", "--offline"]).arg(&settings).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("aws_regoin = unknown") && !said.contains("hush"), "{said}");
}
