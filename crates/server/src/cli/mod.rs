//! The commands. Each does one thing, prints it for a person or as JSON, and says what to do when it fails.

mod accounts;
mod audit;
mod branding;
mod calls;
mod clients;
mod connections;
mod connector_new;
mod connectors;
mod custom_connectors;
mod custom_file;
mod demo;
mod dev;
mod doctor;
mod environments;
mod keys;
mod local;
mod members;
mod offline;
mod output;
mod sandbox;
mod serve;
mod session;
mod transfer;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use keybearer_core::{Code, Error, Result};

pub(crate) use output::Out;

/// Keeps the keys that AI agents need to act for people.
#[derive(Debug, Parser)]
#[command(name = "keybearer", version, disable_help_subcommand = true)]
pub struct Cli {
    /// Print JSON instead of words.
    #[arg(long, global = true)]
    json: bool,
    /// Folder of a `dev` server on this machine.
    #[arg(long, global = true, default_value = "keybearer-data", value_name = "DIR")]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// Whether the command is a server whose log people read.
    pub fn is_server(&self) -> bool {
        matches!(self.command, Command::Dev(_) | Command::Serve(_))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole story on the built-in sandbox, step by step
    Demo(demo::Demo),
    /// Run everything on this machine, with the sandbox provider
    Dev(dev::Dev),
    /// Run a production server
    Serve(serve::Serve),
    /// The services we can talk to
    #[command(subcommand)]
    Connectors(connectors::Connectors),
    /// Your configurations of them
    #[command(subcommand)]
    Connections(connections::Connections),
    /// Your users' credentials on them
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    /// Make a connect link for a user
    Link(calls::Link),
    /// Make a page on which a user chooses what to connect, or sees and disconnects it
    UserPage(calls::UserPage),
    /// Call a provider's API for a user
    Call(calls::Call),
    /// Show what happened, by reference or newest first
    Logs(calls::Logs),
    /// The programs that may call us
    #[command(subcommand)]
    Clients(clients::Clients),
    /// Where events about accounts are sent to
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// The tenants of this installation
    #[command(subcommand)]
    Environments(environments::Environments),
    /// How the hosted pages look, what they say, where they lead
    #[command(subcommand)]
    Branding(branding::Branding),
    /// The keys that seal and sign
    #[command(subcommand)]
    Keys(keys::Keys),
    /// The people who may sign in to the dashboard
    #[command(subcommand)]
    Members(members::Members),
    /// Print the audit trail as comma-separated values
    Audit(audit::Audit),
    /// Print the connections of an environment as a file, without secrets
    Export(transfer::Export),
    /// Make the connections of such a file that are not there yet
    Import(transfer::Import),
    /// The built-in provider of a `dev` server
    #[command(subcommand)]
    Sandbox(sandbox::Sandbox),
    /// Check address, clock, database, key and egress
    Doctor(doctor::Doctor),
    /// Print the OpenAPI document
    Openapi,
}

/// What every command gets.
pub(crate) struct Context {
    pub out: Out,
    pub data: PathBuf,
}

/// Runs the command line of this process.
pub async fn run(cli: Cli) -> ExitCode {
    let mut context = Context { out: Out::new(cli.json), data: cli.data };
    let outcome = dispatch(cli.command, &mut context).await;
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            context.out.failure(&error);
            ExitCode::from(exit_code(&error))
        }
    }
}

async fn dispatch(command: Command, context: &mut Context) -> Result<()> {
    match command {
        Command::Demo(command) => demo::run(command, context).await,
        Command::Dev(command) => dev::run(command, context).await,
        Command::Serve(command) => serve::run(command, context).await,
        Command::Connectors(command) => connectors::run(command, context).await,
        Command::Connections(command) => connections::run(command, context).await,
        Command::Accounts(command) => accounts::run(command, context).await,
        Command::Link(command) => calls::link(command, context).await,
        Command::UserPage(command) => calls::user_page(command, context).await,
        Command::Call(command) => calls::call(command, context).await,
        Command::Logs(command) => calls::logs(command, context).await,
        Command::Clients(command) => clients::run(command, context).await,
        Command::Webhooks(command) => webhooks::run(command, context).await,
        Command::Environments(command) => environments::run(command, context).await,
        Command::Branding(command) => branding::run(command, context).await,
        Command::Keys(command) => keys::run(command, context).await,
        Command::Members(command) => members::run(command, context).await,
        Command::Audit(command) => audit::run(command, context).await,
        Command::Export(command) => transfer::export(command, context).await,
        Command::Import(command) => transfer::import(command, context).await,
        Command::Sandbox(command) => sandbox::run(command, context).await,
        Command::Doctor(command) => doctor::run(command, context).await,
        Command::Openapi => context.out.text(crate::api::rest::openapi::CURRENT),
    }
}

/// 1 failed, 2 usage (clap's own), 3 not found, 4 refused, 5 server away.
fn exit_code(error: &Error) -> u8 {
    match error.code {
        Code::NotFound
        | Code::ConnectorNotFound
        | Code::ConnectionNotFound
        | Code::AccountNotFound
        | Code::FlowNotFound => 3,
        Code::Unauthenticated | Code::PermissionDenied => 4,
        Code::Unavailable => 5,
        _ => 1,
    }
}
