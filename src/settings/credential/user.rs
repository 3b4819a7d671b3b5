//! `user`: a person signs in once, with `scanhook login`, and the app acts with that person's rights. Whoever serves reads the
//! file at each renewal and waits for it; a check looks at it now.

use crate::defender::delegated::{ReadScope, UserSignIn};
use crate::file;
use crate::settings::place::{Context, Section};
use crate::settings::secret;

/// The code of faults that lie in files.
const OUTSIDE: &str = "bad-secret";

pub(super) fn read<'i>(
    table: &mut Section<'i>,
    tenant: &str,
    ctx: &mut Context<'i>,
) -> Option<UserSignIn> {
    let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let words = "Machine.Read, Machine.ReadWrite or none";
    let known = |text: &str| {
        let mut all = ReadScope::ALL.iter().copied();
        all.find(|scope| scope.name() == text)
    };
    let reads = table.parse(ctx, "read", words, known);
    let given = table.knows("read");
    let file = table.parse(ctx, "token_file", "the name of a file", name);
    if file.is_none() && !table.knows("token_file") {
        let message = "must name the file that `scanhook login` writes the refresh token to";
        table.missing(ctx, "token_file", message);
    }
    let user = UserSignIn {
        token_file: table.folder(ctx, "token_file").join(file?),
        reads: reads.or((!given).then(ReadScope::default))?,
        tenant: tenant.to_owned(),
    };
    ctx.notes.push(format!(
        "tenants.{tenant}.credential: a person's sign-in is the second choice: it ends with a password, a policy or an \
         account, and reaches only the devices of that person; an app of its own is better (docs/tenants.md)"
    ));
    // Whoever serves waits for the sign-in, and stops this tenant alone.
    if !ctx.tenants_alone
        && let Some(fault) = fault(&user, ctx)
    {
        table.fault(ctx, "token_file", OUTSIDE, fault);
        return None;
    }
    Some(user)
}

/// What keeps the file from being used now.
fn fault(user: &UserSignIn, ctx: &mut Context<'_>) -> Option<String> {
    let path = &user.token_file;
    let content = match file::read(path, 64 << 10) {
        Ok(content) => content,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(user.first()),
        Err(error) => return Some(format!("{}: {error}", path.display())),
    };
    match secret::access(&content.about, path) {
        Ok(note) => ctx.notes.extend(note),
        Err(fault) => return Some(fault),
    }
    let empty = content.bytes.trim_ascii().is_empty();
    empty.then(|| format!("{}: is empty: {}", path.display(), user.again()))
}
