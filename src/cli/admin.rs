//! `parking create-admin`: the one admin, from the command line.

use std::io::{BufRead, IsTerminal, Write};

use serde_json::json;
use uuid::Uuid;

use super::Failure;
use crate::audit::{self, Action, Actor, Subject};
use crate::auth::passwords::{self, Password};
use crate::auth::{Role, store};
use crate::config::Config;
use crate::error::Error;
use crate::imports::say;
use crate::users::{Email, Name};

pub(super) fn create(config: Config, email: &str, name: &str) -> Result<(), Failure> {
    let wrong = |what: &str| {
        let what = what.to_owned();
        move |message: String| Failure::Settings(format!("{what} {message}"))
    };
    let email: Email = email.parse().map_err(wrong("--email"))?;
    let name: Name = name.parse().map_err(wrong("--name"))?;
    let password = Password::new(read_password().map_err(Failure::Settings)?);
    password.check_new(&[name.as_str(), email.as_str()]).map_err(wrong("the password"))?;
    let hash = passwords::hash_blocking(&password).map_err(Failure::Work)?;
    let app = super::open(config).map_err(Failure::Work)?;
    let clock = app.clock.clone();
    let shown = email.as_str().to_owned();
    let created = app.db.write_blocking(Uuid::nil(), move |tx| {
        let now = clock.now();
        let account = store::insert_account(tx, now, (&name, &email, Role::Admin), &hash)?;
        let subject = Some(Subject::User(account.id));
        let detail = json!({ "by": "command line" });
        audit::store::record(tx, now, &Actor::default(), Action::AdminClaimed, subject, &detail)
    });
    created.map_err(|error| match error {
        Error::Conflict("admin_exists") => Failure::Work("there is an admin already".into()),
        Error::Conflict(_) => Failure::Work(format!("there is an account with {shown} already")),
        error => Failure::Work(error.to_string()),
    })?;
    say(&format!("{shown} is the admin"));
    app.close();
    Ok(())
}

/// The first line of standard input; asked for when somebody sits there.
fn read_password() -> Result<String, String> {
    if std::io::stdin().is_terminal() {
        eprint!("Password (it will be shown as you type): ");
        let _ = std::io::stderr().flush();
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string())?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        Err("no password came from standard input".into())
    } else {
        Ok(password)
    }
}
