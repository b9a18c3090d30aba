//! What a link in a mail may do without a sign-in: end one kind of mail, and nothing else.

use uuid::Uuid;

use super::List;
use crate::auth::tokens::{decode, encode, mac};
use crate::error::{Error, Result};

const PURPOSE: &str = "unsubscribe";

fn number(list: List) -> u8 {
    match list {
        List::Account => 0,
        List::Reminders => 1,
        List::Reports => 2,
        List::Receipts => 3,
    }
}

/// A token that never expires: a mail may be years old when its reader has had enough.
#[must_use]
pub fn unsubscribe_token(key: &[u8; 32], user: Uuid, list: List) -> String {
    let mut token = [user.as_bytes().as_slice(), &[number(list)]].concat();
    let mac = mac(key, PURPOSE, &token);
    token.extend(&mac[..16]);
    encode(&token)
}

/// # Errors
/// 403 `invalid_unsubscribe_token`
pub fn check_unsubscribe_token(key: &[u8; 32], token: &str) -> Result<(Uuid, List)> {
    const INVALID: Error = Error::Forbidden("invalid_unsubscribe_token");
    let bytes = decode(token).filter(|bytes| bytes.len() == 33).ok_or(INVALID)?;
    let user = Uuid::from_slice(&bytes[..16]).map_err(|_| INVALID)?;
    let lists = [List::Reminders, List::Reports, List::Receipts];
    let list = lists.into_iter().find(|list| number(*list) == bytes[16]).ok_or(INVALID)?;
    // Compared as a whole that an attacker cannot choose: the mac of a mac tells nothing by its time.
    let expected = mac(key, PURPOSE, &bytes[..17]);
    if mac(key, PURPOSE, &expected[..16]) == mac(key, PURPOSE, &bytes[17..]) {
        Ok((user, list))
    } else {
        Err(INVALID)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn a_token_names_the_person_and_the_list() {
        let user = Uuid::from_u128(9);
        for list in [List::Reminders, List::Reports, List::Receipts] {
            let token = unsubscribe_token(&KEY, user, list);
            assert_eq!(check_unsubscribe_token(&KEY, &token).unwrap(), (user, list));
        }
    }

    #[test]
    fn a_token_that_was_changed_or_signed_elsewhere_is_refused() {
        let token = unsubscribe_token(&KEY, Uuid::from_u128(9), List::Reports);
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(check_unsubscribe_token(&KEY, &changed).is_err(), "{place}");
        }
        assert!(check_unsubscribe_token(&[8; 32], &token).is_err());
        let account = unsubscribe_token(&KEY, Uuid::from_u128(9), List::Account);
        assert!(check_unsubscribe_token(&KEY, &account).is_err());
    }
}
