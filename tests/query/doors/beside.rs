//! The process of SQL beside the one that started it.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::{children, lossy, wait_for};

#[test]
fn an_interrupt_from_the_keyboard_ends_a_demo_and_its_doors_without_alarm() {
    let demo = Command::new(env!("CARGO_BIN_EXE_ebb"))
        .args(["demo", "--seconds", "120"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    // Its doors are open once there are those who answer.
    let doors = wait_for("processes that answer", || {
        let doors = children(demo.id()).first().copied()?;
        (!children(doors).is_empty()).then_some(doors)
    });
    // A keyboard sends to the whole group.
    let group = format!("-{}", demo.id());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().unwrap().success());
    let output = demo.wait_with_output().unwrap();
    let said = lossy(&[output.stdout, output.stderr].concat());
    assert!(said.contains("What to try next"), "{said}");
    assert!(!said.contains("WARN"), "{said}");
    wait_for("the end of the doors", || children(doors).is_empty().then_some(()));
}
