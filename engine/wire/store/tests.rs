//! The doors of checkpoints: names, order, publication, retention.
#![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

use std::fs;
use std::time::{Duration, SystemTime};

use super::contract::{check, name, names, read, write};
use super::*;

#[test]
fn a_name_is_a_path_and_back() {
    for name in [name(3, 88_120, 1_795_000_000_000), name(0, 0, i64::MIN), name(99_999, 1, -7)] {
        assert_eq!(Name::parse(&name.to_string()), Some(name));
    }
    let path = "customer-events/00003/00000000000000088120-1795000000000.ckpt";
    assert_eq!(name(3, 88_120, 1_795_000_000_000).to_string(), path);
    for foreign in [
        "",
        "customer-events/00003/readme.txt",
        "customer-events/3/00000000000000088120-1795000000000.ckpt",
        "customer-events/00003/88120-1795000000000.ckpt",
        "customer-events/00003/00000000000000088120-1795000000000.ckpt.part",
        "customer-events/00003/00000000000000088120-+5.ckpt",
        "customer-events/00003/00000000000000088120-1795000000000.ckpt/x",
    ] {
        assert_eq!(Name::parse(foreign), None, "{foreign}");
    }
}

#[test]
fn every_store_does_the_same() {
    let large = vec![9; 300_000];
    check(&MemoryStore::default(), &large);
    let folder = tempfile::tempdir().unwrap();
    check(&Directory::new(folder.path().join("not").join("there yet")), &large);
}

#[test]
fn a_folder_keeps_what_others_put_there_and_clears_what_a_crash_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = Directory::new(folder.path());
    let (old, new) = (name(1, 9, 5), name(1, 10, 5));
    write(&store, &old, b"old").unwrap();
    let partition = folder.path().join("customer-events/00001");
    for foreign in ["readme.txt", "notes.part", "00000000000000000009-5.ckpt.bak"] {
        fs::write(partition.join(foreign), "mine").unwrap();
    }
    fs::create_dir(partition.join("00000000000000000011-5.ckpt")).unwrap();
    let (left, others) =
        ("1-a.00000000000000000008-5.ckpt.part", "1-b.00000000000000000008-5.ckpt.part");
    for (file, minutes) in [(left, 11), (others, 9)] {
        fs::write(partition.join(file), "half").unwrap();
        let written_at = SystemTime::now() - Duration::from_secs(60 * minutes);
        let file = fs::File::options().write(true).open(partition.join(file)).unwrap();
        file.set_modified(written_at).unwrap();
    }
    fs::write(folder.path().join("file"), "mine").unwrap();
    assert_eq!(names(store.list().unwrap()), std::slice::from_ref(&old));
    write(&store, &new, b"new").unwrap();
    assert_eq!(retain(&store, &new, 1).unwrap(), 1);
    assert_eq!(names(store.list().unwrap()), [new]);
    let mut left: Vec<_> =
        fs::read_dir(&partition).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    let wanted = [
        "00000000000000000009-5.ckpt.bak",
        "00000000000000000010-5.ckpt",
        "00000000000000000011-5.ckpt",
        others,
        "notes.part",
        "readme.txt",
    ];
    assert_eq!(left, wanted);
}

#[test]
fn two_may_write_the_same_checkpoint_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Directory::new(folder.path());
    let name = name(1, 9, 5);
    let mut first = store.create(&name).unwrap();
    first.write(b"who").unwrap();
    let mut second = store.create(&name).unwrap();
    second.write(b"whole").unwrap();
    first.write(b"le").unwrap();
    first.publish().unwrap();
    assert_eq!(read(&store, &name), b"whole");
    second.publish().unwrap();
    assert_eq!(read(&store, &name), b"whole");
    assert_eq!(fs::read_dir(folder.path().join("customer-events/00001")).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_written_says_where_and_what_is_safe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "mine").unwrap();
    let store = Directory::new(&path);
    let fault = store.create(&name(1, 9, 5)).err().unwrap().to_string();
    assert!(fault.starts_with("cannot write checkpoint: "), "{fault}");
    assert!(fault.contains("/file/customer-events/00001/"), "{fault}");
    assert!(fault.ends_with("safe: older ones are whole"), "{fault}");
    assert_eq!(store.list().unwrap(), []);
}

#[test]
fn whatever_step_fails_the_older_one_is_found_and_whole() {
    let (old, new) = (name(1, 9, 5), name(1, 10, 5));
    // Begin, three writes, publish, and the deletion of the older one.
    for n_steps in 0..=6 {
        let store = MemoryStore::default();
        write(&store, &old, b"old").unwrap();
        store.fail_after(Some(n_steps));
        let kept = write(&store, &new, b"new").and_then(|()| retain(&store, &new, 1));
        assert_eq!(kept.is_ok(), n_steps == 6, "{n_steps}");
        let found = names(store.list_of("customer-events", 1).unwrap());
        let wanted = match n_steps {
            0..=4 => vec![old.clone()],
            5 => vec![new.clone(), old.clone()],
            _ => vec![new.clone()],
        };
        assert_eq!(found, wanted, "{n_steps}");
        for name in found {
            assert_eq!(read(&store, &name), if name == old { b"old" } else { b"new" });
        }
    }
}
