//! How a command fails: what it says, and the number it leaves behind.
//!
//! Rules   0 all is well, 1 an input, an output or a query failed, 2 usage, 3 settings or model,
//!         4 broker, 5 fenced by another instance, 6 going on would lose data.
//! Source  DESIGN §10 and D-12.

use std::fmt;

use crate::wire::Fault;

/// A command's end that is not success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: u8,
    /// What is printed after `error: `; several lines where there are several faults.
    pub message: String,
}

impl Failure {
    /// An input, an output or a query failed: 1.
    pub fn failed(message: impl Into<String>) -> Failure {
        Failure { exit: 1, message: message.into() }
    }

    /// The arguments make no sense together: 2.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { exit: 2, message: message.into() }
    }

    /// Settings, a model or a map have faults: 3.
    pub fn settings(message: impl Into<String>) -> Failure {
        Failure { exit: 3, message: message.into() }
    }

    /// The broker is away or refuses: 4.
    pub fn broker(message: impl Into<String>) -> Failure {
        Failure { exit: 4, message: message.into() }
    }

    /// Another instance has taken over: 5.
    pub fn fenced(message: impl Into<String>) -> Failure {
        Failure { exit: 5, message: message.into() }
    }

    /// Going on would lose data: 6.
    pub fn data_loss(message: impl Into<String>) -> Failure {
        Failure { exit: 6, message: message.into() }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        let exit = match fault {
            Fault::Input(_) | Fault::Output(_) => 1,
            Fault::Broker(_) => 4,
            Fault::Fenced(_) => 5,
            Fault::DataLoss(_) => 6,
        };
        Failure { exit, message: fault.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_exit_code() {
        let exit = |fault: Fault| Failure::from(fault).exit;
        assert_eq!(exit(Fault::Input(String::new())), 1);
        assert_eq!(exit(Fault::Output(String::new())), 1);
        assert_eq!(exit(Fault::Broker(String::new())), 4);
        assert_eq!(exit(Fault::Fenced(String::new())), 5);
        assert_eq!(exit(Fault::DataLoss(String::new())), 6);
        assert_eq!(Failure::failed("x").exit, 1);
        assert_eq!(Failure::usage("x").exit, 2);
        assert_eq!(Failure::settings("x").exit, 3);
        assert_eq!(Failure::broker("x").exit, 4);
        assert_eq!(Failure::fenced("x").exit, 5);
        assert_eq!(Failure::data_loss("x").exit, 6);
    }
}
