//! Outputs that finish, and outputs that do not.

use super::*;
use crate::record::reject::{Reason, Reject};

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn outputs() -> Vec<Outgoing> {
    let key = "c".to_owned();
    vec![
        Outgoing::Alert { key: key.clone(), value: b"{\"a\":1}".to_vec() },
        Outgoing::Scores { key: key.clone(), value: Some(b"{\"s\":1}".to_vec()) },
        Outgoing::Scores { key, value: None },
        Outgoing::Reject {
            reject: Reject::new(Reason::BadJson, "no"),
            origin: Origin::File { file: 0, line: 7 },
            bytes: b"x".to_vec(),
        },
    ]
}

#[test]
fn d_12_an_output_has_its_name_only_when_it_is_whole() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let (alerts, scores, rejects) = (path("a.jsonl"), path("s.jsonl"), path("r.jsonl"));
    assert!(std::fs::write(&alerts, "old\n").is_ok());
    let to = Outputs { alerts: Some(&alerts), scores: Some(&scores), rejects: Some(&rejects) };
    let sink = FileSink::create(to, &["in.jsonl".to_owned()]);
    assert!(sink.is_ok());
    let Ok(mut sink) = sink else { return Ok(()) };
    assert!(sink.send(&outputs()).is_ok() && sink.settle().is_ok());
    assert_eq!(read(&alerts).as_deref(), Some("old\n"));
    assert!(!scores.exists());
    assert_eq!(read(&path("a.jsonl.part")).as_deref(), Some("{\"a\":1}\n"));
    assert!(sink.finish().is_ok());
    assert_eq!(read(&alerts).as_deref(), Some("{\"a\":1}\n"));
    assert_eq!(read(&scores).as_deref(), Some("{\"s\":1}\n"));
    let line = read(&rejects).unwrap_or_default();
    assert!(
        line.contains("\"file\":\"in.jsonl\",\"line\":7,\"bytes_base64\":\"eA==\"}\n"),
        "{line}"
    );
    assert!(!path("a.jsonl.part").exists());
    Ok(())
}

#[test]
fn d_12_an_output_that_is_given_up_stays_a_part() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.jsonl");
    let file = OutFile::create(&path);
    assert!(file.is_ok());
    let Ok(mut file) = file else { return Ok(()) };
    assert!(file.line(b"half").is_ok());
    drop(file);
    assert!(!path.exists() && folder.path().join("a.jsonl.part").exists());
    Ok(())
}

#[test]
fn what_cannot_be_written_says_why() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let check = |path: &Path, wanted: &str| {
        let said = OutFile::create(path).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(said.contains(wanted), "{said}");
    };
    check(folder.path(), "a directory; wanted a file; name one in it");
    check(&folder.path().join("none/a.jsonl"), "its folder does not exist; make the folder");
    let all = Outputs { alerts: Some(folder.path()), scores: Some(folder.path()), rejects: None };
    let said = FileSink::create(all, &[]).err().map(|fault| fault.to_string()).unwrap_or_default();
    assert_eq!(said.lines().count(), 2);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_fault_with_a_remedy() {
    let Ok(mut file) = OutFile::create(Path::new("/dev/full")) else { return };
    assert!(file.line(b"x").is_ok());
    let said = file.finish().err().map(|fault| fault.to_string());
    let wanted = "cannot write: /dev/full: the disk is full; make room and start again";
    assert_eq!(said.as_deref(), Some(wanted));
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_written_directly() {
    let Ok(mut file) = OutFile::create(Path::new("/dev/null")) else { return };
    assert!(file.line(b"x").is_ok() && file.finish().is_ok());
    assert!(!Path::new("/dev/null.part").exists());
}

#[test]
fn no_path_is_used_twice() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    assert!(std::fs::write(path("in.jsonl"), "").is_ok());
    let check = |inputs: &[&str], outputs: &[&str], wanted: Option<&str>| {
        let place = |name: &&str| if *name == "-" { PathBuf::from("-") } else { path(name) };
        let inputs: Vec<PathBuf> = inputs.iter().map(place).collect();
        let outputs: Vec<PathBuf> = outputs.iter().map(place).collect();
        let flags = ["--alerts", "--scores"];
        let named: Vec<(&str, &Path)> =
            flags.into_iter().zip(outputs.iter().map(PathBuf::as_path)).collect();
        let said = check_paths(&inputs, &named).err().map(|fault| fault.to_string());
        match wanted {
            None => assert_eq!(said, None),
            Some(wanted) => assert!(said.as_ref().is_some_and(|s| s.contains(wanted)), "{said:?}"),
        }
    };
    check(&["in.jsonl", "-"], &["a.jsonl", "-"], None);
    check(&["in.jsonl", "../in.jsonl"], &[], None);
    check(&["in.jsonl", "./in.jsonl"], &[], Some("an input and an input"));
    check(&["-", "-"], &[], Some("-: an input and an input"));
    check(&["in.jsonl"], &["in.jsonl"], Some("an input and --alerts"));
    check(&["in.jsonl"], &["a.jsonl", "a.jsonl"], Some("--alerts and --scores"));
    check(&["in.jsonl"], &["-", "-"], Some("--alerts and --scores"));
    check(&["a.jsonl.part"], &["a.jsonl"], Some("an input and --alerts"));
    check(&[], &["a.jsonl", "a.jsonl.part"], Some("--alerts and --scores"));
    Ok(())
}
