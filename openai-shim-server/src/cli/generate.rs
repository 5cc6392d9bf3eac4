//! `openai-shim completions` and `openai-shim man`: files for shells and manuals, made of the command line itself.

use super::output;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::process::ExitCode;

/// Prints what a shell needs to complete the command line.
pub(super) fn completions(mut command: Command, shell: Shell) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "openai-shim", &mut text);
    output::print(&String::from_utf8_lossy(&text));
    ExitCode::SUCCESS
}

/// Prints the manual page: the options, then each subcommand with its own.
pub(super) fn manual(command: Command) -> ExitCode {
    match manual_page(command) {
        Ok(text) => {
            output::print(&String::from_utf8_lossy(&text));
            ExitCode::SUCCESS
        }
        Err(error) => {
            output::print_error(format_args!("openai-shim: the manual cannot be written: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn manual_page(mut command: Command) -> std::io::Result<Vec<u8>> {
    command.build();
    let page = Man::new(command.clone());
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_options_section(&mut text)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let name = format!("openai-shim {}", subcommand.get_name());
        Roff::new().control("SH", [name.as_str()]).to_writer(&mut text)?;
        let page = Man::new(without_options_of(&command, subcommand.clone()));
        let mut sections = Vec::new();
        page.render_description_section(&mut sections)?;
        page.render_options_section(&mut sections)?;
        // Its sections stand below its name.
        text.extend_from_slice(String::from_utf8_lossy(&sections).replace(".SH ", ".SS ").as_bytes());
        examples("SS", subcommand).to_writer(&mut text)?;
    }
    examples("SH", &command).to_writer(&mut text)?;
    Ok(text)
}

/// A subcommand without the options that the program itself has: the manual shows them once.
fn without_options_of(program: &Command, mut subcommand: Command) -> Command {
    for option in program.get_arguments().map(|option| option.get_id().clone()) {
        if subcommand.get_arguments().any(|own| *own.get_id() == option) {
            subcommand = subcommand.mut_arg(option, |own| own.hide(true));
        }
    }
    subcommand
}

/// The text below a command's options, in the lines in which it is written.
fn examples(heading: &str, command: &Command) -> Roff {
    let mut page = Roff::new();
    let Some(text) = command.get_after_help().map(ToString::to_string) else { return page };
    page.control(heading, ["NOTES"]).control("nf", []);
    for line in text.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
    page
}
