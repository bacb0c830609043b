//! The reference of settings, commands and figures, which follows from the code.

use clap::{Command, CommandFactory};
use tributary_server::{metrics, settings};

use super::arguments::Program;

/// docs/reference.md, as `make reference` writes it.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# Reference\n\nGenerated from the code by `make reference`; CI fails where it is stale.\n\n## Settings\n\n\
         Defaults, then the file of `--config` (TOML), then the environment, then flags. Unknown names are errors, in the \
         file and in the\nenvironment. Keys and tokens are text in every layer and are never printed.\n\n",
    );
    page += &settings::reference();
    page += "\n## Commands\n\nEach says more under `--help`.\n\n| command | what it does |\n|---|---|\n";
    commands(&Program::command(), "", &mut page);
    page += "\n## Metrics\n\n`GET /metrics`, with the operator's token: OpenMetrics text. `model` is the asset id.\n\n";
    page += &metrics::reference();
    page
}

/// The commands below one, deepest names in full.
fn commands(of: &Command, before: &str, page: &mut String) {
    for command in of.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help") {
        let name = format!("{before}{}", command.get_name());
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        *page += &format!("| `tributary {name}` | {about} |\n");
        commands(command, &format!("{name} "), page);
    }
}
