//! Who, besides its owner, is in a file's group, as the account files of the machine say.
//!
//! A group-writable file is fine when nobody else is in that group: a user's private group, or
//! the group under which a container runtime mounts a volume, which no account file knows. Groups
//! of a directory service are not asked.

/// The names of all accounts in group `gid` other than root and the account with `owner_uid`.
///
/// `passwd` and `group` are the texts of the two account files of the same names.
pub(crate) fn others_in_group(passwd: &str, group: &str, gid: u32, owner_uid: u32) -> Vec<String> {
    let accounts: Vec<Account<'_>> = passwd.lines().filter_map(Account::parse).collect();
    let mut others: Vec<String> = accounts
        .iter()
        .filter(|account| account.gid == gid)
        .filter(|account| account.uid != 0 && account.uid != owner_uid)
        .map(|account| account.name.to_owned())
        .collect();
    for name in group
        .lines()
        .filter_map(|line| members(line, gid))
        .flatten()
    {
        let uid = accounts
            .iter()
            .find(|account| account.name == name)
            .map(|account| account.uid);
        if uid != Some(0) && uid != Some(owner_uid) && !others.iter().any(|other| other == name) {
            others.push(name.to_owned());
        }
    }
    others
}

struct Account<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
}

impl<'a> Account<'a> {
    /// `name:password:uid:gid:…`
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Self { name, uid, gid })
    }
}

/// The members in a line `name:password:gid:member,member`, if it is the line of `gid`.
fn members(line: &str, gid: u32) -> Option<impl Iterator<Item = &str>> {
    let mut fields = line.split(':').skip(2);
    let this: u32 = fields.next()?.parse().ok()?;
    (this == gid).then(|| {
        fields
            .next()
            .unwrap_or("")
            .split(',')
            .filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/:/bin/sh\n\
                          bob:x:1001:100::/:/bin/sh\ncyd:x:1002:100::/:/bin/sh\nbroken line\n";
    const GROUP: &str = "root:x:0:\nada:x:1000:\nusers:x:100:\nstaff:x:50:ada,bob,root\n";

    #[test]
    fn a_private_group_and_an_unknown_volume_group_have_nobody_else() {
        assert!(others_in_group(PASSWD, GROUP, 1000, 1000).is_empty());
        assert!(others_in_group(PASSWD, GROUP, 2000, 1000).is_empty());
        assert!(others_in_group(PASSWD, GROUP, 0, 1000).is_empty());
    }

    #[test]
    fn a_shared_group_names_the_others_by_primary_group_and_by_list() {
        assert_eq!(others_in_group(PASSWD, GROUP, 100, 1001), ["cyd"]);
        assert_eq!(others_in_group(PASSWD, GROUP, 50, 1000), ["bob"]);
    }
}
