//! The maps that come with the program.

/// The text of the shipped map called `name`, and `None` where there is none of that name.
pub fn shipped(name: &str) -> Option<&'static str> {
    match name {
        "socialnet7" => Some(include_str!("../../../config/maps/socialnet7.toml")),
        "ravenstack" => Some(include_str!("../../../config/maps/ravenstack.toml")),
        _ => None,
    }
}
